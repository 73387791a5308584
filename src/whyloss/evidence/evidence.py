"""One lazy, cached view of whatever is known; rules and remedies read only this."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from whyloss.errors import DataError
from whyloss.evidence.curves import TRAIN, Curve
from whyloss.evidence.epoch_change import EpochChange, held
from whyloss.evidence.epoch_facts import EpochFacts
from whyloss.evidence.noise_models import NoiseModels
from whyloss.measures.attribution import Sensitivity, attribute_change, scale_change
from whyloss.measures.envelope import entropy_of_shares, fano_envelope
from whyloss.measures.estimates.best_epoch import best_epoch
from whyloss.measures.estimates.intervals import (
    FloatVector,
    mean_estimate,
    paired_share_difference,
    wilson,
)
from whyloss.measures.estimates.weights import common_weights
from whyloss.measures.losses.reported_loss import Reproduction, reproduce
from whyloss.measures.samples.alignment import common_rows
from whyloss.results.estimate import Estimate
from whyloss.results.level import Level
from whyloss.results.metrics import BestEpoch, Metrics

if TYPE_CHECKING:
    from whyloss.data import History, Source


class Evidence:
    """What is known of one training, at whatever level it was recorded.

    Parameters
    ----------
    source : Source
    split : str, optional
        The split to explain; the validation split if there is one, else the first that is not
        the training split.
    from_epoch, to_epoch : int, optional
        The change to explain; from the epoch of the smallest loss to the last one.
    """

    def __init__(
        self,
        source: Source,
        *,
        split: str | None = None,
        from_epoch: int | None = None,
        to_epoch: int | None = None,
    ) -> None:
        self.source = source
        self._split = split
        self._from_epoch = from_epoch
        self._to_epoch = to_epoch
        self._snapshots: dict[tuple[str, int], EpochFacts] = {}
        self._curves: dict[str, Curve | None] = {}
        self._reproductions: dict[int, Reproduction | None] = {}
        self._n_epochs: dict[str, int] = {}

    @property
    def history(self) -> History:
        """What the framework reported."""
        return self.source.history

    @cached_property
    def splits(self) -> tuple[str, ...]:
        """All splits that anything is known of."""
        reported = (split for split, _ in self.history.columns)
        said = (trend.split for trend in self.history.facts.trends)
        return tuple(dict.fromkeys((*self.source.splits, *reported, *said)))

    @cached_property
    def split(self) -> str:
        """The split that is explained."""
        if self._split is not None:
            if self._split not in self.splits:
                raise DataError(
                    f"There is no split {self._split!r}",
                    expected=f"one of {', '.join(self.splits) or '(none recorded)'}",
                    got=self._split,
                )
            return self._split
        known = self.source.splits or self._with_loss or self.splits
        if not known:
            raise DataError(
                "There is nothing to diagnose",
                expected="predictions or scalars",
                got="neither",
                hint="Log some: rec.log(split='val', epoch=e, logits=z, y_true=y, ids=i).",
            )
        for name in ("val", "valid", "validation", "dev", "test", "eval"):
            if name in known:
                return name
        return next((name for name in known if name != "train"), known[0])

    @property
    def _with_loss(self) -> tuple[str, ...]:
        """Splits that a loss was reported of, or that the text says how the loss of changed."""
        said = {trend.split for trend in self.history.facts.trends if trend.metric == "loss"}
        return tuple(
            split
            for split in self.splits
            if (split, "loss") in self.history.columns or split in said
        )

    @cached_property
    def epochs(self) -> tuple[int, ...]:
        """Epochs with predictions of the explained split, up to the one in question."""
        every = self.source.epochs(self.split) if self.split in self.source.splits else ()
        for name, epoch in (("from", self._from_epoch), ("to", self._to_epoch)):
            if epoch is not None and epoch not in every:
                raise DataError(
                    f"Epoch {epoch} (--{name}) was not recorded for split {self.split!r}",
                    expected=f"one of {_spans(every)}" if every else "a recorded epoch",
                    got=f"{epoch}",
                )
        until = tuple(e for e in every if self._to_epoch is None or e <= self._to_epoch)
        if self._from_epoch is not None and self._from_epoch >= until[-1]:
            raise DataError(
                "The first epoch of the comparison is not before the last one",
                expected=f"a first epoch (--from) before the last one, {until[-1]}",
                got=f"{self._from_epoch}",
            )
        return until

    @cached_property
    def level(self) -> Level:
        """How much is known."""
        if len(self.epochs) > 1:
            return Level.RUN
        if self.epochs:
            return Level.SNAPSHOT
        return Level.CURVES if len(self.history.epochs) > 1 else Level.NUMBERS

    def supports(self, level: Level) -> bool:
        """Whether a rule that needs `level` can be checked."""
        if level is Level.RUN:
            return len(self.comparable_epochs) > 1 and self.n_common > 0
        if level is Level.SNAPSHOT:
            return bool(self.epochs)
        if level is Level.CURVES:
            return len(self.epochs) > 1 or len(self.history.epochs) > 1
        return bool(self.epochs or self.history.columns or self.history.facts.trends)

    def at(self, epoch: int, split: str | None = None) -> EpochFacts:
        """The snapshot of a split (the explained one) at one epoch."""
        key = split or self.split, epoch
        if key not in self._snapshots:
            if key[0] not in self._n_epochs:
                self._n_epochs[key[0]] = len(self.source.epochs(key[0]))
            self._snapshots[key] = EpochFacts(
                self.source.predictions(*key), epoch, n_epochs=self._n_epochs[key[0]]
            )
        return self._snapshots[key]

    @property
    def last(self) -> EpochFacts:
        """The snapshot in question: the last epoch, or the one asked for."""
        return self.at(self.epochs[-1])

    @cached_property
    def noise_models(self) -> NoiseModels:
        """Label noise, class biases, outliers and permuted classes at the epoch in question."""
        return NoiseModels(self.last)

    @cached_property
    def numbers(self) -> Metrics | None:
        """Loss and accuracy in question, from predictions if there are any, else as reported."""
        if self.epochs:
            return self.last.numbers if self.last.n_scored else None
        return self.reported_numbers(self.split)

    @property
    def with_training(self) -> tuple[str, ...]:
        """The explained split, and the training split beside it where anything is known of it."""
        train = (name for name in TRAIN if name in self.splits)
        return tuple(dict.fromkeys((self.split, *train)))

    def reported_numbers(self, split: str) -> Metrics | None:
        """The last reported loss and accuracy of a split; None unless both are known."""
        curve = self.reported(split)
        known = None if curve is None else curve.whole
        if known is None or not len(known):
            return None
        n, k, shares = known.n_samples, self.n_classes, self.class_shares
        share = float(known.accuracy[-1])
        even = math.log(k) if k else None
        return Metrics(
            split=split,
            epoch=int(known.epochs[-1]),
            log_loss=Estimate(float(known.log_loss[-1]), note="as reported, without its spread"),
            accuracy=wilson(share * n, n)
            if n
            else Estimate(share, note="n is not known", unit="share"),
            n_samples=n,
            n_classes=k,
            prior_entropy=even if shares is None else entropy_of_shares(shares),
            majority=(1.0 / k if k else None) if shares is None else float(shares.max()),
            envelope=fano_envelope(share, k) if k and k > 1 and share >= 0 else None,
        )

    @cached_property
    def n_classes(self) -> int | None:
        """Number of classes, where known."""
        if self.epochs:
            return self.last.predictions.n_classes
        shares, binary = self.history.class_shares, self.history.task == "binary"
        return self.history.n_classes or (2 if binary else None if shares is None else len(shares))

    @cached_property
    def class_shares(self) -> FloatVector | None:
        """Class shares of the explained split, where known."""
        if self.epochs:
            return self.last.shares if self.last.n_predicted else None
        shares = self.history.class_shares
        return None if shares is None else np.asarray(shares, dtype=np.float64)

    def curve(self, split: str | None = None) -> Curve | None:
        """Loss and accuracy per epoch of a split (the explained one), up to the one in question.

        From predictions where at least two epochs have some, else as reported; None where nothing
        is known.
        """
        name = split or self.split
        if name not in self._curves:
            recorded = self.source.epochs(name) if name in self.source.splits else ()
            if name == self.split:
                recorded = self.comparable_epochs
            reported = self.reported(name)
            if len(recorded) > 1 or reported is None:
                self._curves[name] = self._measured(name, recorded)
            else:
                self._curves[name] = reported
        return self._curves[name]

    def _measured(self, split: str, epochs: tuple[int, ...]) -> Curve | None:
        until = [e for e in epochs if self._to_epoch is None or e <= self._to_epoch]
        if not until:
            return None
        shots = [self.at(epoch, split) for epoch in until]
        return Curve(
            split,
            np.asarray(until, dtype=np.int64),
            np.array([facts.log_loss.value for facts in shots]),
            np.array([facts.accuracy.value for facts in shots]),
            shots[-1].n_predicted,
            measured=True,
        )

    def reported(self, split: str) -> Curve | None:
        """Loss and accuracy per epoch as the framework reported them; None where it did not."""
        loss = self.history.column(split, "loss")
        accuracy = self.history.column(split, "accuracy")
        if loss is None and accuracy is None:
            return None
        unknown = np.full(len(self.history.epochs), np.nan)
        losses = unknown if loss is None else loss
        shares = unknown if accuracy is None else accuracy
        wild = np.flatnonzero((shares < 0.0) | (shares > 1.0))
        if wild.size:
            raise DataError(
                f"The reported accuracy of split {split!r} is not between 0 and 1",
                expected="a number from 0 to 1",
                got=f"{shares[wild[0]]:g}",
                hint="Divide percentages by 100.",
            )
        there = ~(np.isnan(shares) & ((loss is None) | np.isnan(losses)))
        if loss is not None and not there.any():  # a loss that was never a number is still known
            there = np.ones(len(losses), dtype=np.bool_)
        if self._to_epoch is not None:
            there &= self.history.epochs <= self._to_epoch
        n = self.history.n_train if split in TRAIN else self.history.n_val
        return Curve(split, self.history.epochs, losses, shares, n).take(there)

    @cached_property
    def reported_losses(self) -> dict[int, float]:
        """Reported losses of the explained split at the epochs that have predictions too."""
        curve = self.reported(self.split)
        if curve is None or not self.epochs:
            return {}
        losses = curve.at(np.asarray(self.comparable_epochs, dtype=np.int64))[0]
        return {
            epoch: loss
            for epoch, loss in zip(self.comparable_epochs, losses.tolist(), strict=True)
            if math.isfinite(loss)
        }

    def reproduction(self, epoch: int) -> Reproduction | None:
        """A computation on the predictions of `epoch` that gives its reported loss."""
        if epoch not in self._reproductions:
            facts = self.at(epoch)
            p = facts.predictions
            self._reproductions[epoch] = (
                reproduce(
                    self.reported_losses[epoch], p.y_true, p.scores, p.scale, facts.samples.log_loss
                )
                if facts.scored.all()
                else None
            )
        return self._reproductions[epoch]

    @cached_property
    def train(self) -> Curve | None:
        """Loss and accuracy per epoch of the training split, where that is not the explained one."""
        for name in TRAIN:
            if name in self.splits and name != self.split:
                return self.curve(name)
        return None

    @cached_property
    def comparable_epochs(self) -> tuple[int, ...]:
        """Epochs at which at least half of the rows can be scored."""
        return tuple(
            e for e in self.epochs if self.at(e).n_scored * 2 >= self.at(e).predictions.n_samples
        )

    @cached_property
    def _common_rows(self) -> dict[int, npt.NDArray[np.intp]]:
        """For each comparable epoch, the rows of the samples that all of them can be compared on.

        The same sample has the same place in each.
        """
        epochs = self.comparable_epochs
        first, last = epochs[0], epochs[-1]
        ids = {epoch: self.at(epoch).predictions.ids for epoch in epochs}
        rows = common_rows(ids)
        if not len(rows[first]):
            raise DataError(
                f"The epochs of split {self.split!r} have no sample in common",
                expected="the same ids at every epoch",
                got=f"ids such as {ids[first][0]} at epoch {first} and {ids[last][0]} at epoch {last}",
                hint="Log ids= that name the samples, the same at every epoch.",
            )
        labels = self.at(first).predictions.y_true[rows[first]]
        usable = np.ones(len(labels), dtype=np.bool_)
        for epoch in epochs:
            there = self.at(epoch).predictions.y_true[rows[epoch]]
            if changed := int(np.count_nonzero(there != labels)):
                raise DataError(
                    f"{changed} samples of split {self.split!r} change their label between epochs "
                    f"{first} and {epoch}",
                    expected="one label per id",
                    got=f"id {self.at(first).predictions.ids[rows[first]][there != labels][0]} "
                    "with two labels",
                    hint="The loader shuffles: pass ids= to rec.log, or turn shuffling off.",
                )
            usable &= self.at(epoch).scored[rows[epoch]]
        return {epoch: index[usable] for epoch, index in rows.items()}

    def aligned(self, epoch: int, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Per-sample values of one epoch in the order common to all comparable epochs."""
        return values[self._common_rows[epoch]]

    @cached_property
    def weights(self) -> FloatVector | None:
        """Weights in the order common to all comparable epochs; None where all count alike."""
        return common_weights(
            {epoch: self.at(epoch).weights_of(rows) for epoch, rows in self._common_rows.items()}
        )

    def loss_difference(self, start: int, end: int) -> Estimate:
        """Loss at `end` minus loss at `start`, paired over the samples in common; nats."""
        return mean_estimate(
            self.aligned(end, self.at(end).samples.log_loss)
            - self.aligned(start, self.at(start).samples.log_loss),
            self.weights,
        )

    def accuracy_difference(self, start: int, end: int) -> Estimate:
        """Accuracy at `end` minus accuracy at `start`, paired over the samples in common."""
        first, second = self.at(start).right, self.at(end).right
        return paired_share_difference(
            self.aligned(start, first), self.aligned(end, second), self.weights
        )

    @cached_property
    def n_common(self) -> int:
        """Number of samples that all comparable epochs can be compared on."""
        return len(self._common_rows[self.comparable_epochs[0]])

    @cached_property
    def best_loss(self) -> BestEpoch:
        """The epoch of the smallest loss: best where probabilities are used as they are."""
        return best_epoch(
            "log_loss",
            {e: self.aligned(e, self.at(e).samples.log_loss) for e in self.comparable_epochs},
            {e: self.at(e).log_loss for e in self.comparable_epochs},
            self.weights,
        )

    @cached_property
    def best_accuracy(self) -> BestEpoch:
        """The epoch of the largest accuracy: best where only labels are used."""
        return best_epoch(
            "accuracy",
            {e: 1.0 - self.aligned(e, self.at(e).right) for e in self.comparable_epochs},
            {e: self.at(e).accuracy for e in self.comparable_epochs},
            self.weights,
        )

    @cached_property
    def best_refinement(self) -> BestEpoch | None:
        """The epoch of the smallest loss after calibration; None where nothing can be fitted."""
        costs: dict[int, FloatVector] = {}
        values: dict[int, Estimate] = {}
        for epoch in self.comparable_epochs:
            calibrated = self.at(epoch).calibrated
            if calibrated is None:
                return None
            costs[epoch] = self.aligned(epoch, calibrated.refined)
            values[epoch] = calibrated.refinement
        return best_epoch("refinement", costs, values, self.weights)

    @cached_property
    def comparison(self) -> EpochChange | None:
        """The change in question; None where fewer than two epochs can be compared.

        From the epoch of the smallest loss to the last one; from the first to the last one where
        the last is the smallest. Other epochs if the caller asked for them.
        """
        if not self.supports(Level.RUN):
            return None
        end = self.comparable_epochs[-1]
        start = self._from_epoch
        if start is None:
            start = (
                self.best_loss.epoch if self.best_loss.epoch != end else self.comparable_epochs[0]
            )
        elif start not in self.comparable_epochs or start == end:
            raise DataError(
                f"Epoch {start} (--from) cannot be compared with epoch {end}",
                expected="two epochs at which at least half of the rows have a finite loss",
                got=f"epochs {_spans(self.comparable_epochs)}",
            )
        return self.compare(start, end)

    def compare(self, start: int, end: int) -> EpochChange | None:
        """Compare two epochs sample by sample; None where too few samples can be calibrated."""
        first, second = self.at(start), self.at(end)
        if first.calibrated is None or second.calibrated is None:
            return None
        y_true = self.aligned(start, first.predictions.y_true)
        losses = (
            self.aligned(start, first.samples.log_loss),
            self.aligned(end, second.samples.log_loss),
        )
        change = attribute_change(
            y_true,
            losses,
            (
                self.aligned(start, first.calibrated.refined),
                self.aligned(end, second.calibrated.refined),
            ),
            (self.aligned(start, first.right), self.aligned(end, second.right)),
            (self._sensitivity(first), self._sensitivity(second)),
            weights=self.weights,
        )
        return EpochChange(
            first=first,
            second=second,
            change=change,
            scale=scale_change(
                self.aligned(start, first.logits),
                self.aligned(end, second.logits),
                y_true,
                self.weights,
            ),
            accuracy=held(change.accuracy, change.n_samples),
            ids=self.aligned(start, first.predictions.ids),
            y_true=y_true,
            loss_before=float(np.average(losses[0], weights=self.weights)),
            loss_after=float(np.average(losses[1], weights=self.weights)),
        )

    def _sensitivity(self, snapshot: EpochFacts) -> Sensitivity:
        slope, bend = snapshot.refined_slope
        return Sensitivity(self.aligned(snapshot.epoch, slope), bend)

    @property
    def rise(self) -> EpochChange | None:
        """The comparison in question where the loss is higher at its end, else None."""
        found = self.comparison
        return found if found is not None and found.change.total.value > 0 else None


def _spans(epochs: tuple[int, ...]) -> str:
    if len(epochs) > 10:
        return f"{epochs[0]} … {epochs[-1]} ({len(epochs)} epochs)"
    return ", ".join(map(str, epochs))
