"""The epochs of one split compared sample by sample, over the samples that all of them have."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from whyloss.errors import DataError
from whyloss.evidence.epoch_change import EpochChange, held
from whyloss.measures.attribution import Sensitivity, attribute_change, scale_change
from whyloss.measures.estimates.best_epoch import best_epoch
from whyloss.measures.estimates.intervals import (
    FloatVector,
    mean_estimate,
    paired_share_difference,
)
from whyloss.measures.estimates.weights import common_weights
from whyloss.measures.samples.alignment import common_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from whyloss.evidence.epoch_facts import EpochFacts
    from whyloss.results.estimate import Estimate
    from whyloss.results.metrics import BestEpoch


class RunComparison:
    """Compares epochs of one split over the samples that all of them have with a finite loss.

    Parameters
    ----------
    split : str
    facts : mapping of int to EpochFacts
        By epoch, ascending; at least one.

    Raises
    ------
    DataError
        By its methods: the epochs have no sample in common, or a sample changes its label or its
        weight between epochs.
    """

    def __init__(self, split: str, facts: Mapping[int, EpochFacts]) -> None:
        self._split = split
        self._facts = facts

    @cached_property
    def _rows(self) -> dict[int, npt.NDArray[np.intp]]:
        """For each epoch, the rows of the common samples; a sample has the same place in each."""
        ids = {epoch: facts.predictions.ids for epoch, facts in self._facts.items()}
        rows = common_rows(ids)
        first, last = min(ids), max(ids)
        if not len(rows[first]):
            raise DataError(
                f"The epochs of split {self._split!r} have no sample in common",
                expected="the same ids at every epoch",
                got=f"ids such as {ids[first][0]} at epoch {first} and {ids[last][0]} at epoch "
                f"{last}",
                hint="Log ids= that name the samples, the same at every epoch.",
            )
        usable = np.ones(len(rows[first]), dtype=np.bool_)
        for epoch, facts in self._facts.items():
            self._check_labels(rows, first, epoch)
            usable &= facts.scored[rows[epoch]]
        return {epoch: index[usable] for epoch, index in rows.items()}

    def _check_labels(self, rows: dict[int, npt.NDArray[np.intp]], first: int, epoch: int) -> None:
        before, after = (self._facts[e].predictions.y_true[rows[e]] for e in (first, epoch))
        changed = np.flatnonzero(before != after)
        if changed.size:
            ids = self._facts[first].predictions.ids[rows[first]]
            raise DataError(
                f"{changed.size} samples of split {self._split!r} change their label between "
                f"epochs {first} and {epoch}",
                expected="one label per id",
                got=f"id {ids[changed[0]]} with two labels",
                hint="The loader shuffles: pass ids= to rec.log, or turn shuffling off.",
            )

    def aligned(self, epoch: int, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Per-sample values of one epoch, in the order of samples that is common to all epochs.

        Parameters
        ----------
        epoch : int
        values : ndarray of shape (n_samples, ...)
            One row per row of the predictions of `epoch`.

        Returns
        -------
        ndarray of shape (n_common, ...)
        """
        return values[self._rows[epoch]]

    def losses(self, epoch: int) -> FloatVector:
        """Loss of every common sample, nats.

        Parameters
        ----------
        epoch : int

        Returns
        -------
        ndarray of float64, shape (n_common,)
        """
        return self.aligned(epoch, self._facts[epoch].samples.log_loss)

    def right(self, epoch: int) -> npt.NDArray[np.bool_]:
        """Whether the prediction of every common sample is right.

        Parameters
        ----------
        epoch : int

        Returns
        -------
        ndarray of bool, shape (n_common,)
        """
        return self.aligned(epoch, self._facts[epoch].right)

    @cached_property
    def weights(self) -> FloatVector | None:
        """Weights of the common samples, shape (n_common,); None where all count equally."""
        return common_weights(
            {epoch: self._facts[epoch].weights_of(rows) for epoch, rows in self._rows.items()}
        )

    @cached_property
    def n_common(self) -> int:
        """Number of common samples."""
        return len(next(iter(self._rows.values())))

    def loss_difference(self, start: int, end: int) -> Estimate:
        """Loss at `end` minus loss at `start`, paired; nats.

        Parameters
        ----------
        start, end : int
            Epochs.
        """
        return mean_estimate(self.losses(end) - self.losses(start), self.weights)

    def accuracy_difference(self, start: int, end: int) -> Estimate:
        """Accuracy at `end` minus accuracy at `start`, paired; a share.

        Parameters
        ----------
        start, end : int
            Epochs.
        """
        return paired_share_difference(self.right(start), self.right(end), self.weights)

    @cached_property
    def best_loss(self) -> BestEpoch:
        """The epoch of the smallest loss: best where probabilities are used as they are."""
        return best_epoch(
            "log_loss",
            {epoch: self.losses(epoch) for epoch in self._facts},
            {epoch: facts.log_loss for epoch, facts in self._facts.items()},
            self.weights,
        )

    @cached_property
    def best_accuracy(self) -> BestEpoch:
        """The epoch of the largest accuracy: best where only labels are used."""
        return best_epoch(
            "accuracy",
            {epoch: (~self.right(epoch)).astype(np.float64) for epoch in self._facts},
            {epoch: facts.accuracy for epoch, facts in self._facts.items()},
            self.weights,
        )

    @cached_property
    def best_refinement(self) -> BestEpoch | None:
        """The epoch of the smallest loss after calibration; None where nothing can be fitted."""
        costs: dict[int, FloatVector] = {}
        values: dict[int, Estimate] = {}
        for epoch, facts in self._facts.items():
            if facts.calibrated is None:
                return None
            costs[epoch] = self.aligned(epoch, facts.calibrated.refined)
            values[epoch] = facts.calibrated.refinement
        return best_epoch("refinement", costs, values, self.weights)

    def compare(self, start: int, end: int) -> EpochChange | None:
        """Attribute the change of the loss between two epochs.

        Parameters
        ----------
        start, end : int
            Epochs.

        Returns
        -------
        EpochChange or None
            None where either epoch has too few samples to fit a temperature.
        """
        first, second = self._facts[start], self._facts[end]
        if first.calibrated is None or second.calibrated is None:
            return None
        y_true = self.aligned(start, first.predictions.y_true)
        losses = self.losses(start), self.losses(end)
        change = attribute_change(
            y_true,
            losses,
            (
                self.aligned(start, first.calibrated.refined),
                self.aligned(end, second.calibrated.refined),
            ),
            (self.right(start), self.right(end)),
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

    def _sensitivity(self, facts: EpochFacts) -> Sensitivity:
        slope, curvature = facts.refined_slope
        return Sensitivity(self.aligned(facts.epoch, slope), curvature)
