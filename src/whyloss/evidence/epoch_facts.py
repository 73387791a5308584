"""Everything measured on one split at one epoch."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from whyloss.formatting import pluralize
from whyloss.measures.calibration.refinement import Calibrated, calibrate
from whyloss.measures.calibration.surprise_gap import SurpriseGap, surprise_gap
from whyloss.measures.calibration.temperature import LogitsObjective
from whyloss.measures.classification.class_scores import ClassScores, class_scores
from whyloss.measures.envelope import entropy_of_shares, fano_envelope
from whyloss.measures.estimates.intervals import (
    BoolVector,
    FloatVector,
    mean_estimate,
    share_estimate,
)
from whyloss.measures.estimates.weights import effective_samples
from whyloss.measures.losses.logits import PerSample, as_logits
from whyloss.measures.losses.per_sample import per_sample
from whyloss.results.metrics import MIN_CALIBRATION_SAMPLES, Metrics

if TYPE_CHECKING:
    import numpy.typing as npt

    from whyloss.data import Predictions
    from whyloss.results.estimate import Estimate


class EpochFacts:
    """Everything measured on one split at one epoch, computed when first asked for.

    Parameters
    ----------
    predictions : Predictions
    epoch : int
    n_epochs : int, default 1
        Epochs of this split: all of them are computed alike, so that they can be compared.
    """

    def __init__(self, predictions: Predictions, epoch: int, *, n_epochs: int = 1) -> None:
        self.predictions = predictions
        self.epoch = epoch
        self._n_epochs = n_epochs

    @cached_property
    def samples(self) -> PerSample:
        """Loss, confidence and entropy of every sample."""
        p = self.predictions
        return per_sample(p.y_true, p.scores, p.scale, repeats=self._n_epochs)

    @cached_property
    def scored(self) -> BoolVector:
        """Rows with a finite loss: those that means are taken over."""
        return self.samples.scored

    @property
    def logits(self) -> FloatVector:
        """Logits of both or all classes, shape (n_samples, n_classes), in float64."""
        return as_logits(self.predictions.scores, self.predictions.scale)[0]

    @cached_property
    def predicted(self) -> BoolVector:
        """Rows that predict a class at all, those with an infinite loss included."""
        predicted: BoolVector = self.samples.y_pred >= 0
        return predicted

    @property
    def n_predicted(self) -> int:
        """Number of rows that predict a class."""
        return int(np.count_nonzero(self.predicted))

    @property
    def n_scored(self) -> int:
        """Number of rows with a finite loss."""
        return int(np.count_nonzero(self.scored))

    @cached_property
    def n_eff(self) -> float | None:
        """Number of equal samples with the same standard error; None without weights."""
        weights = self.weights_of(self.predicted)
        return None if weights is None else effective_samples(weights)

    def weights_of(self, rows: BoolVector | npt.NDArray[np.intp]) -> FloatVector | None:
        """Weights of some rows; None where all count equally.

        Parameters
        ----------
        rows : ndarray of bool, shape (n_samples,), or of intp
        """
        weights = self.predictions.weights
        return None if weights is None else weights[rows]

    @cached_property
    def right(self) -> BoolVector:
        """Whether the predicted class is the true one, per row."""
        right: BoolVector = self.samples.y_pred == self.predictions.y_true
        return right

    @cached_property
    def log_loss(self) -> Estimate:
        """Mean cross-entropy of the scored rows, nats."""
        estimate = mean_estimate(self.samples.log_loss[self.scored], self.weights_of(self.scored))
        infinite = self.n_predicted - self.n_scored
        if infinite and self.n_scored:
            return replace(
                estimate, note=f"without {pluralize(infinite, 'infinite loss', 'infinite losses')}"
            )
        return estimate

    @property
    def costs(self) -> FloatVector:
        """What each row adds to the sum of the losses: its loss times its weight."""
        weights = self.predictions.weights
        return self.samples.log_loss if weights is None else weights * self.samples.log_loss

    @cached_property
    def accuracy(self) -> Estimate:
        """Share of right predictions; an infinite loss is a wrong prediction like any other."""
        return share_estimate(self.right[self.predicted], self.weights_of(self.predicted))

    @cached_property
    def gap(self) -> SurpriseGap:
        """Loss minus the loss the predictions expect."""
        return surprise_gap(self.samples, self.predictions.weights)

    @cached_property
    def calibrated(self) -> Calibrated | None:
        """Refinement and calibration; None where there are too few samples to fit anything."""
        weights = self.weights_of(self.scored)
        n = self.n_scored if weights is None else effective_samples(weights)
        if n < MIN_CALIBRATION_SAMPLES:
            return None
        return calibrate(
            self.predictions, self.scored, samples=self.samples, repeats=self._n_epochs
        )

    @cached_property
    def refined_slope(self) -> tuple[FloatVector, float]:
        """Slope of each refined loss in ln beta, and the mean curvature; zero without a fit."""
        slope = np.zeros(self.predictions.n_samples)
        if self.calibrated is None or not self.calibrated.accepted:
            return slope, 0.0
        rows, p = self.scored, self.predictions
        at = LogitsObjective(p.y_true[rows], p.scores[rows], p.scale).at(
            self.calibrated.fit.log_beta
        )
        slope[rows] = at[1]
        return slope, float(np.average(at[3], weights=self.weights_of(rows)))

    @cached_property
    def shares(self) -> FloatVector:
        """Class shares among the predicted rows, shape (n_classes,)."""
        totals = np.bincount(
            self.predictions.y_true[self.predicted],
            self.weights_of(self.predicted),
            minlength=self.predictions.n_classes,
        )
        shares: FloatVector = totals / (totals.sum() or 1)
        return shares

    @property
    def one_class(self) -> bool:
        """Whether all labels are of one class: then nobody can tell what confidence is due."""
        return self.n_predicted > 0 and float(self.shares.max()) == 1.0

    @cached_property
    def class_scores(self) -> list[ClassScores]:
        """Precision and recall per class, over the predicted rows."""
        rows = self.predicted
        return class_scores(
            self.predictions.y_true[rows],
            self.samples.y_pred[rows],
            self.predictions.n_classes,
            self.weights_of(rows),
        )

    @cached_property
    def class_losses(self) -> list[Estimate]:
        """Mean cross-entropy of the scored rows of each true class, nats."""
        y_true = self.predictions.y_true[self.scored]
        order = np.argsort(y_true, kind="stable")
        ends = np.cumsum(np.bincount(y_true, minlength=self.predictions.n_classes))
        by_class = np.split(self.samples.log_loss[self.scored][order], ends[:-1])
        weights = self.weights_of(self.scored)
        if weights is None:
            return [mean_estimate(losses) for losses in by_class]
        weights_by_class = np.split(weights[order], ends[:-1])
        return [mean_estimate(*both) for both in zip(by_class, weights_by_class, strict=True)]

    @cached_property
    def numbers(self) -> Metrics:
        """The two headline numbers and what they are to be compared with."""
        known = self.n_predicted > 0
        return Metrics(
            split=self.predictions.split,
            epoch=self.epoch,
            log_loss=self.log_loss,
            accuracy=self.accuracy,
            n_samples=self.n_predicted,
            n_classes=self.predictions.n_classes,
            prior_entropy=entropy_of_shares(self.shares) if known else None,
            majority=float(self.shares.max()) if known else None,
            n_eff=self.n_eff,
            envelope=fano_envelope(self.accuracy.value, self.predictions.n_classes)
            if known
            else None,
        )
