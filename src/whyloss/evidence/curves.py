"""Loss and accuracy of one split per epoch, as reported or from predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from whyloss.measures.estimates.trend import noise_sd, rise_after_minimum, running_mean, window
from whyloss.results.estimate import Z_SELECTED, Estimate
from whyloss.results.metrics import BestEpoch

if TYPE_CHECKING:
    from whyloss.formatting import Unit
    from whyloss.measures.estimates.intervals import FloatVector

TRAIN = ("train", "training")


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

    def take(self, rows: npt.NDArray[np.bool_]) -> Curve:
        """Some of the epochs."""
        return Curve(
            self.split,
            self.epochs[rows],
            self.log_loss[rows],
            self.accuracy[rows],
            self.n_samples,
            self.measured,
        )

    def at(self, epochs: npt.NDArray[np.int64]) -> tuple[FloatVector, FloatVector]:
        """Loss and accuracy at those epochs, NaN where unknown."""
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
    """A loss that ends above its minimum, and what the accuracy did meanwhile.

    Attributes
    ----------
    low, end : int
        Epochs of the smallest loss and of the last one.
    before, after : float
        Loss at both, nats; means of a few neighbouring epochs in long curves.
    z : float
        Of the difference against the curve's own noise; NaN with too few epochs to know it.
    accuracy_before, accuracy_after : float
        NaN where the accuracy is not known.
    accuracy_noise : float
        Standard error of their difference.
    """

    low: int
    end: int
    before: float
    after: float
    z: float
    accuracy_before: float
    accuracy_after: float
    accuracy_noise: float

    @property
    def height(self) -> float:
        """Nats between the minimum and the end."""
        return self.after - self.before

    @property
    def lost(self) -> float:
        """Accuracy lost since the minimum of the loss; negative where it grew."""
        return self.accuracy_before - self.accuracy_after

    @property
    def fell(self) -> bool:
        """Whether the accuracy is clearly lower at the end: 1 point, and twice its noise."""
        return self.lost > max(0.01, 2.0 * self.accuracy_noise)


def loss_rise(curve: Curve, *, min_z: float, min_rise: float) -> CurveRise | None:
    """The rise of a loss since its minimum, where the curve's noise does not explain it.

    With fewer than 6 epochs the noise is not known: then every epoch since the minimum must be
    higher than the one before, and the end a tenth above the minimum.

    Parameters
    ----------
    curve : Curve
    min_z : float
        Of the rise in standard errors of the curve's noise.
    min_rise : float
        Nats; at least 5 % of the smallest loss as well.
    """
    known = curve.with_loss
    if len(known) < 2:
        return None
    found = rise_after_minimum(known.log_loss)
    if not found.height > max(min_rise, 0.05 * found.lowest):
        return None
    since = known.log_loss[found.at :]
    if len(known) > 2 and (len(since) < 3 or since[-2] < found.lowest + 0.25 * found.height):
        return None  # a single epoch proves no rise
    if np.isnan(found.z):
        if not ((np.diff(since) > 0).all() and found.height > 0.1 * found.lowest):
            return None
    elif not found.z > min_z:
        return None
    shares, width = known.accuracy, window(len(known))
    if np.isfinite(shares).all():
        smooth = running_mean(shares, width)
        before = float(smooth[max(0, min(found.at - width // 2, len(smooth) - 1))])
        after, noise = float(smooth[-1]), noise_sd(shares) * np.sqrt(2.0 / width)
        if known.n_samples:
            noise = np.sqrt(max(0.0, after * (1 - after)) / known.n_samples)
    else:
        before = after = noise = float("nan")
    return CurveRise(
        low=int(known.epochs[found.at]),
        end=int(known.epochs[-1]),
        before=found.lowest,
        after=found.last,
        z=found.z,
        accuracy_before=before,
        accuracy_after=after,
        accuracy_noise=0.0 if np.isnan(noise) else float(noise),
    )


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
    found = {}
    columns: tuple[tuple[str, FloatVector, float, Unit], ...] = (
        ("log_loss", curve.log_loss, 1.0, "nats"),
        ("accuracy", curve.accuracy, -1.0, "share"),
    )
    for metric, values, sign, unit in columns:
        rows = np.flatnonzero(np.isfinite(values))
        if len(rows) < 2:
            continue
        costs = sign * values[rows]
        noise = noise_sd(costs)
        known = bool(np.isfinite(noise))
        slack = Z_SELECTED * noise * np.sqrt(2.0) if known else 0.0
        best = int(costs.argmin())
        as_good = curve.epochs[rows[costs <= costs[best] + slack]]
        note = "as reported" if known else "as reported; too few epochs to know the noise"
        found[metric] = BestEpoch(
            metric,
            int(curve.epochs[rows[best]]),
            Estimate(float(values[rows[best]]), note=note, unit=unit),
            tuple(as_good.tolist()),
        )
    return found
