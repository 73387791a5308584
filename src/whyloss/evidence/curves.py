"""Loss and accuracy of one split per epoch, as reported or from predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from whyloss.evidence.rises import lasting_rise
from whyloss.measures.estimates.trend import noise_sd
from whyloss.results.estimate import Z_SELECTED, Estimate
from whyloss.results.metrics import BestEpoch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whyloss.evidence.scores import ScoreChange, ScoreCurve
    from whyloss.formatting import Unit
    from whyloss.measures.estimates.intervals import FloatVector

TRAIN = ("train", "training")
EXPECTED_FALL = 0.9  # of the training loss: what falls so far makes a later rise likely
HELD = 0.01  # accuracy that may be lost
TRAIN_RISE = 1.1  # times its value at the minimum: the training loss rises as well


@dataclass(frozen=True, eq=False)
class Curve:
    """Loss and accuracy of one split, epoch by epoch.

    Attributes
    ----------
    split : str
    epochs : ndarray of int64, shape (n_epochs,)
        Those at which the loss or the accuracy is known.
    log_loss, accuracy : ndarray of float64, shape (n_epochs,)
        Nats, and shares from 0 to 1; NaN where unknown.
    n_samples : int or None
        Size of the split, where known.
    measured : bool
        Whether they were computed from predictions here, or are as reported.
    """

    split: str
    epochs: npt.NDArray[np.int64]
    log_loss: FloatVector
    accuracy: FloatVector
    n_samples: int | None = None
    measured: bool = False

    def __len__(self) -> int:
        return len(self.epochs)

    @property
    def whole(self) -> Curve:
        """The epochs at which both numbers are finite."""
        rows = np.isfinite(self.log_loss) & np.isfinite(self.accuracy)
        return self.take(rows)

    @property
    def with_loss(self) -> Curve:
        """The epochs at which the loss is finite."""
        return self.take(np.isfinite(self.log_loss))

    @property
    def lost(self) -> float:
        """Accuracy lost since its best; it must be known at every epoch."""
        return float(self.accuracy.max() - self.accuracy[-1])

    def take(self, rows: npt.NDArray[np.bool_]) -> Curve:
        """Some of the epochs.

        Parameters
        ----------
        rows : ndarray of bool, shape (n_epochs,)
        """
        return Curve(
            self.split,
            self.epochs[rows],
            self.log_loss[rows],
            self.accuracy[rows],
            self.n_samples,
            self.measured,
        )

    def at(self, epochs: npt.NDArray[np.int64]) -> tuple[FloatVector, FloatVector]:
        """Loss and accuracy at some epochs, NaN where unknown.

        Parameters
        ----------
        epochs : ndarray of int64, shape (n,)

        Returns
        -------
        log_loss, accuracy : ndarrays of float64, shape (n,)
        """
        place = np.searchsorted(self.epochs, epochs)
        place = np.minimum(place, max(0, len(self.epochs) - 1))
        if not len(self.epochs):
            unknown = np.full(len(epochs), np.nan)
            return unknown, unknown.copy()
        there = self.epochs[place] == epochs
        return (
            np.where(there, self.log_loss[place], np.nan),
            np.where(there, self.accuracy[place], np.nan),
        )


@dataclass(frozen=True)
class CurveRise:
    """A loss that ends above its minimum, and what a score did meanwhile.

    Attributes
    ----------
    low, end : int
        Epochs of the smallest loss and of the last one.
    before, after : float
        Loss at both as reported, nats.
    z : float
        Of the difference against the curve's own noise; NaN with too few epochs to know it.
    change : ScoreChange or None
        What the accuracy did, or another score where no accuracy is known.
    with_training : bool
        Whether the training loss rises over the same epochs: then training itself went wrong, and
        neither over-confidence nor overfitting explains the rise.
    """

    low: int
    end: int
    before: float
    after: float
    z: float
    change: ScoreChange | None
    with_training: bool = False

    @property
    def height(self) -> float:
        """Nats between the minimum and the end."""
        return self.after - self.before

    @property
    def fell(self) -> bool:
        """Whether the score is clearly worse at the end."""
        return self.change is not None and self.change.fell


def loss_rise(
    curve: Curve,
    *,
    min_z: float,
    min_rise: float,
    min_share: float = 0.05,
    train: Curve | None = None,
    scores: Sequence[ScoreCurve] = (),
) -> CurveRise | None:
    """The rise of a loss since its minimum, where the curve's noise does not explain it.

    Parameters
    ----------
    curve : Curve
    min_z : float
        Of the rise in standard errors of the curve's noise.
    min_rise : float
        Nats.
    min_share : float
        Of the smallest loss.
    train : Curve, optional
        The training split: a loss that falls there makes a rise here likelier beforehand.
    scores : sequence of ScoreCurve, optional
        Of the same split; the first one that is known at both epochs is compared.
    """
    known = curve.with_loss
    if not len(known):
        return None
    smallest = int(known.log_loss.argmin())
    low = int(known.epochs[smallest])
    rise = lasting_rise(
        known.log_loss,
        min_z=min_z,
        min_rise=min_rise,
        min_share=min_share,
        expected=train is not None and _falls_since(train, low),
    )
    if rise is None:
        return None
    # The epoch that every other sentence calls the smallest, unless it is a late dip of the noise.
    at = smallest if 2 * smallest < rise.at + len(known) else rise.at
    start, end = int(known.epochs[at]), int(known.epochs[-1])
    changes = (score.change(start, end) for score in scores)
    return CurveRise(
        low=start,
        end=end,
        before=float(known.log_loss[at]),
        after=float(known.log_loss[-1]),
        z=rise.z,
        change=next((change for change in changes if change is not None), None),
        with_training=train is not None and _rises_since(train, start),
    )


def _falls_since(train: Curve, epoch: int) -> bool:
    """Whether the training loss falls by a tenth from that epoch to the last one."""
    losses = train.with_loss
    since = losses.log_loss[losses.epochs >= epoch]
    return len(since) > 1 and bool(since[-1] < EXPECTED_FALL * since[0])


def _rises_since(train: Curve, epoch: int) -> bool:
    """Whether training gets worse: its last two losses a tenth above the one of that epoch.

    An accuracy that does not fall meanwhile shows a training that grows sure as well, unless it
    never got better at all.
    """
    losses = train.with_loss
    since = losses.log_loss[losses.epochs >= epoch]
    right = train.accuracy[(train.epochs >= epoch) & np.isfinite(train.accuracy)]
    held = len(right) > 1 and len(since) < len(losses) and right[-1] > right[0] - HELD
    return len(since) > 1 and not held and bool(since[1:][-2:].min() > TRAIN_RISE * since[0])


def best_of_curve(curve: Curve) -> dict[str, BestEpoch]:
    """Best epochs by loss and by accuracy, with those that the noise of the curve leaves open.

    Parameters
    ----------
    curve : Curve

    Returns
    -------
    dict of str to BestEpoch
        "log_loss" and "accuracy", where there is more than one epoch of them. As good as the best
        are those within 4 standard errors of a difference, since the best one was selected; with
        fewer than 6 epochs the noise is not known, and only equal ones are.
    """
    columns: tuple[tuple[str, FloatVector, float, Unit], ...] = (
        ("log_loss", curve.log_loss, 1.0, "nats"),
        ("accuracy", curve.accuracy, -1.0, "share"),
    )
    best = (
        best_epoch_of(metric, curve.epochs, values, sign, unit)
        for metric, values, sign, unit in columns
    )
    return {epoch.metric: epoch for epoch in best if epoch is not None}


def best_epoch_of(
    metric: str, epochs: npt.NDArray[np.int64], values: FloatVector, sign: float, unit: Unit
) -> BestEpoch | None:
    """The best epoch of one reported curve, as :func:`best_of_curve` has it.

    Parameters
    ----------
    metric : str
    epochs, values : ndarray, shape (n_epochs,)
        NaN where unknown.
    sign : float
        1 where smaller is better, else -1.
    unit : Unit

    Returns
    -------
    BestEpoch or None
        None with fewer than two values.
    """
    rows = np.flatnonzero(np.isfinite(values))
    if len(rows) < 2:
        return None
    costs = sign * values[rows]
    noise = noise_sd(costs)
    known = bool(np.isfinite(noise))
    slack = Z_SELECTED * noise * np.sqrt(2.0) if known else 0.0
    best = int(costs.argmin())
    as_good = epochs[rows[costs <= costs[best] + slack]]
    note = "as reported" if known else "as reported; too few epochs to know the noise"
    return BestEpoch(
        metric,
        int(epochs[rows[best]]),
        Estimate(float(values[rows[best]]), note=note, unit=unit),
        tuple(as_good.tolist()),
    )
