"""What may stand behind the loss of one snapshot: fitted when a rule first asks for it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from whyloss.measures.calibration.surprise_gap import SurpriseGap, surprise_gap
from whyloss.measures.classification.label_permutation import LabelPermutation, best_permutation
from whyloss.measures.losses.logits import RowStatus
from whyloss.measures.samples.folds import fold_of

if TYPE_CHECKING:
    from whyloss.evidence.epoch_facts import EpochFacts
    from whyloss.measures.calibration.noise_models import NestedFits
    from whyloss.measures.calibration.outliers import Outliers
    from whyloss.measures.estimates.intervals import BoolVector, FloatVector

FEW = 0.03  # a larger share of lapses is noise in the labels, no handful of outliers
FEW_CLASSES = 10  # with more of them no bias takes the accuracy below the largest share
MIN_LADDER = 100  # two parameters, 50 samples each
MAX_VALUES = 2**21  # scores that the fits is fitted to; a sample of the rows where there are more
MIN_SKILL = 0.05  # below it a vanishing temperature explains everything and nothing


@dataclass(frozen=True)
class JointTemperature:
    """A temperature beside lapses or biases of classes.

    Attributes
    ----------
    temperature : float
    nats : float
        What it saves, in sample; 0 where they do without it.
    """

    temperature: float
    nats: float


class NoiseModels:
    """The ladder, the outliers and the renaming of one facts.

    Parameters
    ----------
    facts : EpochFacts
    """

    def __init__(self, facts: EpochFacts) -> None:
        self._facts = facts

    @cached_property
    def rows(self) -> BoolVector:
        """The scored rows that the fits is fitted to: all, or a sample by the hash of their ids."""
        facts = self._facts
        parts = -(-facts.predictions.scores.size // MAX_VALUES)
        if parts <= 1:
            return facts.scored
        drawn: BoolVector = fold_of(facts.predictions.ids, parts) == 0
        return facts.scored & drawn

    @cached_property
    def nested_fits(self) -> NestedFits | None:
        """Temperature, lapses and class biases; None where there is too little to fit them to."""
        from whyloss.measures.calibration.noise_models import fit_nested  # noqa: PLC0415 - loads an optimiser

        if int(np.count_nonzero(self.rows)) < MIN_LADDER or self._facts.one_class:
            return None
        if not (self.has_skill or self._ranks_without_bias):
            return None
        return fit_nested(self._facts.predictions, self.rows)

    @property
    def joint_temperature(self) -> JointTemperature | None:
        """The temperature where noise or biases were accepted; None where none was."""
        fits = self.nested_fits
        if fits is None or len(fits.nats) < 2:
            return None
        return JointTemperature(math.exp(-fits.log_beta), fits.nats["temperature"])

    @property
    def has_skill(self) -> bool:
        """Whether the model is clearly better than the largest class: else nothing can be fitted."""
        accuracy, shares = self._facts.accuracy, self._facts.shares
        least = float(shares.max()) if len(shares) else 1.0
        return (
            accuracy.low is not None
            and accuracy.low > least - MIN_SKILL
            and (accuracy.value > least or self._ranks)
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
        """The same with one bias per class: a few classes can hide all skill behind a wrong prior."""
        from whyloss.measures.calibration.noise_models import fit_bias  # noqa: PLC0415 - loads an optimiser

        p, calibrated = self._facts.predictions, self._facts.calibrated
        prior = self._facts.numbers.prior_entropy
        if calibrated is None or not prior or p.n_classes > FEW_CLASSES:
            return False
        bias = fit_bias(
            p.y_true[self.rows],
            self._facts.logits[self.rows],
            self._facts.weights_of(self.rows),
        )
        return calibrated.refinement.value - bias.gain < (1.0 - MIN_SKILL) * prior

    @cached_property
    def label_noise_odds(self) -> FloatVector:
        """Probability that each row is a lapse, shape (n_samples,); 0 where none were accepted."""
        facts = self._facts
        odds = np.zeros(facts.predictions.n_samples)
        label_noise = None if self.nested_fits is None else self.nested_fits.label_noise
        if label_noise is None or not label_noise.accepted:
            return odds
        from whyloss.measures.calibration.temperature import LogitsObjective  # noqa: PLC0415

        p, rows = facts.predictions, facts.scored
        loss = LogitsObjective(p.y_true[rows], p.scores[rows], p.scale).at(label_noise.log_beta)[0]
        noise = label_noise.share / p.n_classes
        odds[rows] = noise / ((1.0 - label_noise.share) * np.exp(-loss) + noise)
        return odds

    @cached_property
    def outliers(self) -> Outliers | None:
        """Single samples that the model's own probabilities rule out; None below 10 samples."""
        from whyloss.measures.calibration.outliers import MIN_SAMPLES, find_outliers  # noqa: PLC0415

        p = self._facts.predictions
        if self._facts.n_scored < MIN_SAMPLES:
            return None
        calibrated = self._facts.calibrated
        fit = None if calibrated is None else calibrated.fit
        return find_outliers(p, self._facts.samples, fit=fit)

    @cached_property
    def noisy_rows(self) -> npt.NDArray[np.intp]:
        """Rows that are more likely lapses than not, highest loss first, where lapses are few."""
        label_noise = None if self.nested_fits is None else self.nested_fits.label_noise
        if label_noise is None or not label_noise.accepted or label_noise.share > FEW:
            return np.zeros(0, dtype=np.intp)
        rows = np.flatnonzero((self.label_noise_odds > 0.5) & self._facts.scored)
        return rows[np.argsort(-self._facts.samples.log_loss[rows], kind="stable")]

    @cached_property
    def excluded_rows(self) -> npt.NDArray[np.intp]:
        """The few rows that the model cannot have meant: lapses among many, outliers among few."""
        if not self.has_skill:
            return np.zeros(0, dtype=np.intp)
        if len(self.noisy_rows) or self.outliers is None:
            return self.noisy_rows
        return self.outliers.rows

    @cached_property
    def gap_without_excluded(self) -> SurpriseGap:
        """The surprise gap without the excluded_rows."""
        samples, status = self._facts.samples, self._facts.samples.status.copy()
        if not len(self.excluded_rows):
            return self._facts.gap
        status[self.excluded_rows] = RowStatus.INFINITE_LOSS
        return surprise_gap(replace(samples, status=status), self._facts.predictions.weights)

    @cached_property
    def renaming(self) -> LabelPermutation | None:
        """The best other names for the classes; None where none would gain 5 points."""
        rows = self._facts.predicted
        p = self._facts.predictions
        return best_permutation(
            p.y_true[rows], self._facts.samples.y_pred[rows], p.n_classes, at_least=0.05
        )

    def loss_renamed(self, names: tuple[int, ...]) -> npt.NDArray[Any]:
        """Loss of every row if the predicted classes had these names."""
        from whyloss.measures.losses.per_sample import per_sample  # noqa: PLC0415

        p = self._facts.predictions
        meant = np.empty(len(names), dtype=np.int32)
        meant[list(names)] = np.arange(len(names), dtype=np.int32)
        return per_sample(meant[p.y_true], p.scores, p.scale).log_loss
