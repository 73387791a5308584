"""What may stand behind the loss of one snapshot: fitted when a rule first asks for it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from whyloss.measures.calibration.surprise_gap import SurpriseGap, surprise_gap
from whyloss.measures.calibration.temperature import LogitsObjective
from whyloss.measures.classification.label_permutation import LabelPermutation, best_permutation
from whyloss.measures.losses.logits import RowStatus
from whyloss.measures.losses.per_sample import per_sample
from whyloss.measures.samples.folds import fold_of

if TYPE_CHECKING:
    from whyloss.evidence.epoch_facts import EpochFacts
    from whyloss.measures.calibration.noise_models import NestedFits
    from whyloss.measures.calibration.outliers import Outliers
    from whyloss.measures.estimates.intervals import BoolVector, FloatVector

MAX_OUTLIER_SHARE = 0.03  # a larger share of wrong labels is label noise, not a few outliers
MAX_BIAS_CLASSES = 10  # with more classes, biases do not push the accuracy below the largest share
MIN_SAMPLES_OF_FITS = 100  # two parameters, 50 samples each
MAX_VALUES = 2**21  # scores that are fitted to; of larger inputs a sample of the rows is drawn
MIN_SKILL = 0.05  # with less skill, an inverse temperature near 0 fits as well as any model


@dataclass(frozen=True)
class JointTemperature:
    """Temperature fitted jointly with the label-noise and class-bias terms.

    Attributes
    ----------
    temperature : float
    nats : float
        In-sample saving; 0 if the temperature was eliminated.
    """

    temperature: float
    nats: float


class NoiseModels:
    """Nested noise models, outliers and label permutation at one epoch; fitted when first read.

    Parameters
    ----------
    facts : EpochFacts
    """

    def __init__(self, facts: EpochFacts) -> None:
        self._facts = facts

    @cached_property
    def rows(self) -> BoolVector:
        """The scored rows that are fitted to: all, or a sample drawn by the hash of their ids."""
        facts = self._facts
        parts = -(-facts.predictions.scores.size // MAX_VALUES)
        if parts <= 1:
            return facts.scored
        drawn: BoolVector = fold_of(facts.predictions.ids, parts) == 0
        return facts.scored & drawn

    @cached_property
    def nested_fits(self) -> NestedFits | None:
        """Temperature, label noise and class biases; None where there is too little to fit."""
        from whyloss.measures.calibration.noise_models import fit_nested  # noqa: PLC0415 - loads an optimiser

        if int(np.count_nonzero(self.rows)) < MIN_SAMPLES_OF_FITS or self._facts.one_class:
            return None
        if not (self.has_skill or self._ranks_without_bias):
            return None
        return fit_nested(self._facts.predictions, self.rows)

    @property
    def joint_temperature(self) -> JointTemperature | None:
        """The joint temperature where label noise or biases were accepted; else None."""
        fits = self.nested_fits
        if fits is None or len(fits.nats) < 2:
            return None
        return JointTemperature(math.exp(-fits.log_beta), fits.nats["temperature"])

    @property
    def has_skill(self) -> bool:
        """Whether the model clearly beats predicting the largest class, which a fit needs."""
        accuracy, shares = self._facts.accuracy, self._facts.shares
        least = float(shares.max()) if len(shares) else 1.0
        return (
            accuracy.low is not None
            and accuracy.low > least - MIN_SKILL
            and (self._ranks or (self._facts.calibrated is None and accuracy.value > least))
        )

    @property
    def _ranks(self) -> bool:
        """Whether the loss, after a temperature, is below the entropy of the class shares."""
        calibrated, prior = self._facts.calibrated, self._facts.numbers.prior_entropy
        if calibrated is None or not prior:
            return False
        return calibrated.refinement.value < (1.0 - MIN_SKILL) * prior

    @property
    def _ranks_without_bias(self) -> bool:
        """The same after one bias per class: wrong priors can hide skill where classes are few."""
        from whyloss.measures.calibration.noise_models import fit_bias  # noqa: PLC0415 - loads an optimiser

        p, calibrated = self._facts.predictions, self._facts.calibrated
        prior = self._facts.numbers.prior_entropy
        if calibrated is None or not prior or p.n_classes > MAX_BIAS_CLASSES:
            return False
        bias = fit_bias(
            p.y_true[self.rows],
            self._facts.logits[self.rows],
            self._facts.weights_of(self.rows),
        )
        return calibrated.refinement.value - bias.gain < (1.0 - MIN_SKILL) * prior

    @cached_property
    def label_noise_odds(self) -> FloatVector:
        """Probability that each label is noise, shape (n_samples,); 0 where none was accepted."""
        facts = self._facts
        odds = np.zeros(facts.predictions.n_samples)
        label_noise = None if self.nested_fits is None else self.nested_fits.label_noise
        if label_noise is None or not label_noise.accepted:
            return odds
        p, rows = facts.predictions, facts.scored
        loss = LogitsObjective(p.y_true[rows], p.scores[rows], p.scale).at(label_noise.log_beta)[0]
        noise = label_noise.share / p.n_classes
        odds[rows] = noise / ((1.0 - label_noise.share) * np.exp(-loss) + noise)
        return odds

    @cached_property
    def outliers(self) -> Outliers | None:
        """Samples nearly impossible under the model's probabilities; None below 10 samples."""
        from whyloss.measures.calibration.outliers import MIN_SAMPLES, find_outliers  # noqa: PLC0415

        p = self._facts.predictions
        if self._facts.n_scored < MIN_SAMPLES:
            return None
        calibrated = self._facts.calibrated
        fit = None if calibrated is None else calibrated.fit
        return find_outliers(p, self._facts.samples, fit=fit)

    @cached_property
    def noisy_rows(self) -> npt.NDArray[np.intp]:
        """Rows with likely wrong labels, highest loss first; none where label noise is not rare."""
        label_noise = None if self.nested_fits is None else self.nested_fits.label_noise
        if label_noise is None or not label_noise.accepted or label_noise.share > MAX_OUTLIER_SHARE:
            return np.zeros(0, dtype=np.intp)
        rows = np.flatnonzero((self.label_noise_odds > 0.5) & self._facts.scored)
        return rows[np.argsort(-self._facts.samples.log_loss[rows], kind="stable")]

    @cached_property
    def excluded_rows(self) -> npt.NDArray[np.intp]:
        """Rows to exclude: likely wrong labels if any, else outliers."""
        if not self.has_skill:
            return np.zeros(0, dtype=np.intp)
        if len(self.noisy_rows) or self.outliers is None:
            return self.noisy_rows
        return self.outliers.rows

    @cached_property
    def gap_without_excluded(self) -> SurpriseGap:
        """The surprise gap without the excluded rows."""
        samples, status = self._facts.samples, self._facts.samples.status.copy()
        if not len(self.excluded_rows):
            return self._facts.gap
        status[self.excluded_rows] = RowStatus.INFINITE_LOSS
        return surprise_gap(replace(samples, status=status), self._facts.predictions.weights)

    @cached_property
    def label_permutation(self) -> LabelPermutation | None:
        """The order of class names that fits best; None where none gains 5 points of accuracy."""
        rows = self._facts.predicted
        p = self._facts.predictions
        return best_permutation(
            p.y_true[rows], self._facts.samples.y_pred[rows], p.n_classes, at_least=0.05
        )

    def loss_under_permutation(self, names: tuple[int, ...]) -> npt.NDArray[Any]:
        """Loss of every row if the predicted classes had other names.

        Parameters
        ----------
        names : tuple of int
            The new class index of each predicted class.

        Returns
        -------
        ndarray of float64, shape (n_samples,)
        """
        p = self._facts.predictions
        meant = np.empty(len(names), dtype=np.int32)
        meant[list(names)] = np.arange(len(names), dtype=np.int32)
        return per_sample(meant[p.y_true], p.scores, p.scale).log_loss
