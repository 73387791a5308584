"""Everything known of one training in one object; rules and remedies read only this."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from whyloss.errors import DataError
from whyloss.evidence.curves import TRAIN, Curve
from whyloss.evidence.epoch_facts import EpochFacts
from whyloss.evidence.noise_models import NoiseModels
from whyloss.evidence.reported import reported_curve, reported_loss, reported_metrics
from whyloss.evidence.run_comparison import RunComparison
from whyloss.evidence.scores import ScoreCurve, score_curves
from whyloss.measures.losses.reported_loss import Reproduction, reproduce
from whyloss.results.level import Level

if TYPE_CHECKING:
    from whyloss.data import History, Source
    from whyloss.evidence.epoch_change import EpochChange
    from whyloss.measures.estimates.intervals import FloatVector
    from whyloss.results.metrics import Metrics

SCORED_EPOCHS = 3  # from which on a score without a loss makes a split the one to explain


class Evidence:
    """Everything known of one training; what rules and remedies read.

    Properties are computed when they are first read, and kept.

    Parameters
    ----------
    source : Source
        Predictions and reported scalars.
    split : str, optional
        The split to explain. By default the validation split if there is one, else the first that
        is not the training split.
    from_epoch, to_epoch : int, optional
        The change to explain. By default from the epoch of the smallest loss to the last one.
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
        self._asked_until = to_epoch
        self._facts: dict[tuple[str, int], EpochFacts] = {}
        self._curves: dict[str, Curve | None] = {}
        self._reported: dict[str, Curve | None] = {}
        self._reproductions: dict[int, Reproduction | None] = {}
        self._n_epochs: dict[str, int] = {}

    @cached_property
    def _to_epoch(self) -> int | None:
        """The last epoch to be looked at; None for all that there are."""
        if self._asked_until is not None or self.split not in self.source.splits:
            return self._asked_until
        # Where a training was resumed at an earlier epoch, later ones are not of the same model.
        last = self.source.last_epoch(self.split)
        return last if last != self.source.epochs(self.split)[-1] else None

    @property
    def history(self) -> History:
        """Scalars that the framework reported."""
        return self.source.history

    @cached_property
    def splits(self) -> tuple[str, ...]:
        """All splits that anything is known of."""
        reported = (split for split, _ in self.history.columns)
        said = (trend.split for trend in self.history.facts.trends)
        return tuple(dict.fromkeys((*self.source.splits, *reported, *said)))

    @cached_property
    def split(self) -> str:
        """The split that is explained.

        Raises
        ------
        DataError
            The split asked for does not exist, or nothing at all is known.
        """
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
        """Splits with a reported loss, or a score per epoch, or whose loss the text describes."""
        said = {trend.split for trend in self.history.facts.trends}.difference(TRAIN)
        return tuple(
            split
            for split in self.splits
            if reported_loss(self.history, split) is not None
            or split in said
            or any(len(c) >= SCORED_EPOCHS for c in score_curves(self.history, split, None))
        )

    @cached_property
    def epochs(self) -> tuple[int, ...]:
        """Epochs with predictions of the explained split, up to the one in question.

        Raises
        ------
        DataError
            An epoch asked for was not recorded, or the first is not before the last.
        """
        every = self.source.epochs(self.split) if self.split in self.source.splits else ()
        for name, epoch in (("from", self._from_epoch), ("to", self._to_epoch)):
            if epoch is not None and epoch not in every:
                raise DataError(
                    f"Epoch {epoch} (--{name}) was not recorded for split {self.split!r}",
                    expected=f"one of {_list_epochs(every)}" if every else "a recorded epoch",
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
        """Whether a rule that needs `level` can be checked.

        Parameters
        ----------
        level : Level

        Raises
        ------
        DataError
            `level` is RUN, and the epochs cannot be compared sample by sample.
        """
        if level is Level.RUN:
            return len(self.comparable_epochs) > 1 and self.run.n_common > 0
        if level is Level.SNAPSHOT:
            return bool(self.epochs)
        if level is Level.CURVES:
            return len(self.epochs) > 1 or len(self.history.epochs) > 1
        return bool(self.epochs or self.history.columns or self.history.facts.trends)

    def at(self, epoch: int, split: str | None = None) -> EpochFacts:
        """Everything measured on a split at one epoch.

        Parameters
        ----------
        epoch : int
        split : str, optional
            The explained one if left out.
        """
        key = split or self.split, epoch
        if key not in self._facts:
            if key[0] not in self._n_epochs:
                self._n_epochs[key[0]] = len(self.source.epochs(key[0]))
            self._facts[key] = EpochFacts(
                self.source.predictions(*key), epoch, n_epochs=self._n_epochs[key[0]]
            )
        return self._facts[key]

    @property
    def last(self) -> EpochFacts:
        """The epoch in question: the last one, or the one asked for."""
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
        """The explained split, followed by the training split if anything is known of it."""
        train = (name for name in TRAIN if name in self.splits)
        return tuple(dict.fromkeys((self.split, *train)))

    def reported_numbers(self, split: str) -> Metrics | None:
        """The last reported loss and accuracy of a split; None unless both are known.

        Parameters
        ----------
        split : str
        """
        curve = self.reported(split)
        rows = () if curve is None else self.metrics_of(curve.whole)
        return rows[-1] if rows else None

    def metrics_of(self, curve: Curve) -> tuple[Metrics, ...]:
        """Loss and accuracy at every epoch of a reported curve, with their reference values.

        Parameters
        ----------
        curve : Curve
        """
        return tuple(reported_metrics(curve, self.n_classes, self.class_shares))

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
        """Loss and accuracy per epoch of a split, up to the epoch in question.

        Parameters
        ----------
        split : str, optional
            The explained one if left out.

        Returns
        -------
        Curve or None
            From predictions where at least two epochs have some, else as reported; None where
            nothing is known.
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
        facts = [self.at(epoch, split) for epoch in until]
        return Curve(
            split,
            np.asarray(until, dtype=np.int64),
            np.array([each.log_loss.value for each in facts]),
            np.array([each.accuracy.value for each in facts]),
            facts[-1].n_predicted,
            measured=True,
        )

    def reported(self, split: str) -> Curve | None:
        """Loss and accuracy per epoch as reported, up to the epoch in question.

        Parameters
        ----------
        split : str

        Returns
        -------
        Curve or None
            None where neither was reported.

        Raises
        ------
        DataError
            An accuracy is not between 0 and 1.
        """
        if split not in self._reported:
            self._reported[split] = reported_curve(
                self.history, split, n_samples=self.n_samples(split), to_epoch=self._to_epoch
            )
        return self._reported[split]

    def scores(self, split: str | None = None) -> tuple[ScoreCurve, ...]:
        """The reported scores of a split, the preferred ones first.

        Parameters
        ----------
        split : str, optional
            The explained one if left out.

        Returns
        -------
        tuple of ScoreCurve
        """
        name = split or self.split
        return score_curves(self.history, name, self.n_samples(name))

    def n_samples(self, split: str) -> int | None:
        """How many samples of a split were scored.

        Parameters
        ----------
        split : str

        Returns
        -------
        int or None
            As given, else as counted in the predictions of its last epoch; None where neither
            is there.
        """
        given = self.history.n_train if split in TRAIN else None
        if split == self.split or (self.split in TRAIN and split not in TRAIN):
            given = self.history.n_val
        if given is not None:
            return given
        if split == self.split:
            return self.last.n_predicted if self.epochs else None
        recorded = self.source.epochs(split) if split in self.source.splits else ()
        return self.at(recorded[-1], split).n_predicted if recorded else None

    @property
    def of_training(self) -> tuple[Curve, ...]:
        """The curve of the training split, whether it is explained or stands beside it."""
        curve = self.curve()
        own = () if curve is None or curve.split not in TRAIN else (curve,)
        return own if self.train is None else (*own, self.train)

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
        """A computation on the predictions of `epoch` that reproduces its reported loss.

        Parameters
        ----------
        epoch : int
            One of :attr:`reported_losses`.

        Returns
        -------
        Reproduction or None
            None where no known computation does, or where a row cannot be scored.
        """
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
        """Loss and accuracy per epoch of the training split; None if that is the explained one."""
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
    def run(self) -> RunComparison:
        """The comparable epochs of the explained split, sample by sample."""
        return RunComparison(
            self.split, {epoch: self.at(epoch) for epoch in self.comparable_epochs}
        )

    @cached_property
    def comparison(self) -> EpochChange | None:
        """The change in question, sample by sample; None where it cannot be computed.

        From the epoch of the smallest loss to the last one; from the first to the last one where
        the last is the smallest. Other epochs if the caller asked for them.

        Raises
        ------
        DataError
            The epoch asked for cannot be compared with the last one.
        """
        if not self.supports(Level.RUN):
            return None
        end = self.comparable_epochs[-1]
        start = self._from_epoch
        if start is None:
            start = (
                self.run.best_loss.epoch
                if self.run.best_loss.epoch != end
                else self.comparable_epochs[0]
            )
        elif start not in self.comparable_epochs or start == end:
            raise DataError(
                f"Epoch {start} (--from) cannot be compared with epoch {end}",
                expected="two epochs at which at least half of the rows have a finite loss",
                got=f"epochs {_list_epochs(self.comparable_epochs)}",
            )
        return self.run.compare(start, end)

    @property
    def rise(self) -> EpochChange | None:
        """The comparison in question where the loss is higher at its end, else None."""
        change = self.comparison
        return change if change is not None and change.change.total.value > 0 else None


def _list_epochs(epochs: tuple[int, ...]) -> str:
    if len(epochs) > 10:
        return f"{epochs[0]} … {epochs[-1]} ({len(epochs)} epochs)"
    return ", ".join(map(str, epochs))
