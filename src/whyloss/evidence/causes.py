"""What may stand behind the loss of one snapshot: fitted when a rule first asks for it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from whyloss.measures.classification import SurpriseGap, surprise_gap
from whyloss.measures.folds import fold_of
from whyloss.measures.per_sample import RowStatus
from whyloss.measures.renaming import Renaming, best_renaming

if TYPE_CHECKING:
    from whyloss.evidence.snapshot import Snapshot
    from whyloss.measures.intervals import BoolVector, FloatVector
    from whyloss.measures.ladder import Rungs
    from whyloss.measures.outliers import Outliers

FEW = 0.03  # a larger share of lapses is noise in the labels, no handful of outliers
FEW_CLASSES = 10  # with more of them no bias takes the accuracy below the largest share
MIN_LADDER = 100  # two parameters, 50 samples each
MAX_VALUES = 2**21  # scores that the ladder is fitted to; a sample of the rows where there are more
MIN_SKILL = 0.05  # below it a vanishing temperature explains everything and nothing


@dataclass(frozen=True)
class Beside:
    """A temperature beside lapses or biases of classes.

    Attributes
    ----------
    temperature : float
    nats : float
        What it saves, in sample; 0 where they do without it.
    """

    temperature: float
    nats: float


class Causes:
    """The ladder, the outliers and the renaming of one snapshot.

    Parameters
    ----------
    snapshot : Snapshot
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    @cached_property
    def rows(self) -> BoolVector:
        """The scored rows that the ladder is fitted to: all, or a sample by the hash of their ids."""
        snapshot = self._snapshot
        parts = -(-snapshot.predictions.scores.size // MAX_VALUES)
        if parts <= 1:
            return snapshot.scored
        drawn: BoolVector = fold_of(snapshot.predictions.ids, parts) == 0
        return snapshot.scored & drawn

    @cached_property
    def ladder(self) -> Rungs | None:
        """Temperature, lapses and class biases; None where there is too little to fit them to."""
        from whyloss.measures.ladder import fit_rungs  # noqa: PLC0415 - loads an optimiser

        if int(np.count_nonzero(self.rows)) < MIN_LADDER or self._snapshot.one_class:
            return None
        if not (self.has_skill or self._ranks_without_bias):
            return None
        return fit_rungs(self._snapshot.predictions, self.rows)

    @property
    def beside(self) -> Beside | None:
        """The temperature where noise or biases were accepted; None where none was."""
        ladder = self.ladder
        if ladder is None or len(ladder.shares) < 2:
            return None
        return Beside(math.exp(-ladder.log_beta), ladder.nats["temperature"])

    @property
    def has_skill(self) -> bool:
        """Whether the model is clearly better than the largest class: else nothing can be fitted."""
        accuracy, shares = self._snapshot.accuracy, self._snapshot.shares
        least = float(shares.max()) if len(shares) else 1.0
        return (
            accuracy.low is not None
            and accuracy.low > least - MIN_SKILL
            and (accuracy.value > least or self._ranks)
        )

    @property
    def _ranks(self) -> bool:
        """Whether the loss, after a temperature, is below the entropy of the class shares."""
        calibrated, prior = self._snapshot.calibrated, self._snapshot.numbers.prior_entropy
        if calibrated is None or not prior:
            return False
        return calibrated.refinement.value < (1.0 - MIN_SKILL) * prior

    @property
    def _ranks_without_bias(self) -> bool:
        """The same with one bias per class: a few classes can hide all skill behind a wrong prior."""
        from whyloss.measures.ladder import fit_bias  # noqa: PLC0415 - loads an optimiser

        p, calibrated = self._snapshot.predictions, self._snapshot.calibrated
        prior = self._snapshot.numbers.prior_entropy
        if calibrated is None or not prior or p.n_classes > FEW_CLASSES:
            return False
        bias = fit_bias(
            p.y_true[self.rows],
            self._snapshot.logits[self.rows],
            self._snapshot.weights_of(self.rows),
        )
        return calibrated.refinement.value - bias.gain < (1.0 - MIN_SKILL) * prior

    @cached_property
    def lapse_odds(self) -> FloatVector:
        """Probability that each row is a lapse, shape (n_samples,); 0 where none were accepted."""
        snapshot = self._snapshot
        odds = np.zeros(snapshot.predictions.n_samples)
        lapse = None if self.ladder is None else self.ladder.lapse
        if lapse is None or not lapse.accepted:
            return odds
        from whyloss.measures.temperature import TemperatureProblem  # noqa: PLC0415

        p, rows = snapshot.predictions, snapshot.scored
        loss = TemperatureProblem(p.y_true[rows], p.scores[rows], p.scale).at(lapse.log_beta)[0]
        noise = lapse.share / p.n_classes
        odds[rows] = noise / ((1.0 - lapse.share) * np.exp(-loss) + noise)
        return odds

    @cached_property
    def outliers(self) -> Outliers | None:
        """Single samples that the model's own probabilities rule out; None below 10 samples."""
        from whyloss.measures.outliers import MIN_SAMPLES, find_outliers  # noqa: PLC0415

        p = self._snapshot.predictions
        if self._snapshot.n_scored < MIN_SAMPLES:
            return None
        calibrated = self._snapshot.calibrated
        fit = None if calibrated is None else calibrated.fit
        return find_outliers(p, self._snapshot.samples, fit=fit)

    @cached_property
    def lapses(self) -> npt.NDArray[np.intp]:
        """Rows that are more likely lapses than not, highest loss first, where lapses are few."""
        lapse = None if self.ladder is None else self.ladder.lapse
        if lapse is None or not lapse.accepted or lapse.share > FEW:
            return np.zeros(0, dtype=np.intp)
        rows = np.flatnonzero((self.lapse_odds > 0.5) & self._snapshot.scored)
        return rows[np.argsort(-self._snapshot.samples.log_loss[rows], kind="stable")]

    @cached_property
    def culprits(self) -> npt.NDArray[np.intp]:
        """The few rows that the model cannot have meant: lapses among many, outliers among few."""
        if not self.has_skill:
            return np.zeros(0, dtype=np.intp)
        if len(self.lapses) or self.outliers is None:
            return self.lapses
        return self.outliers.rows

    @cached_property
    def gap_of_others(self) -> SurpriseGap:
        """The surprise gap without the culprits."""
        samples, status = self._snapshot.samples, self._snapshot.samples.status.copy()
        if not len(self.culprits):
            return self._snapshot.gap
        status[self.culprits] = RowStatus.INFINITE_LOSS
        return surprise_gap(replace(samples, status=status), self._snapshot.predictions.weights)

    @cached_property
    def renaming(self) -> Renaming | None:
        """The best other names for the classes; None where none would gain 5 points."""
        rows = self._snapshot.predicted
        p = self._snapshot.predictions
        return best_renaming(
            p.y_true[rows], self._snapshot.samples.y_pred[rows], p.n_classes, at_least=0.05
        )

    def loss_renamed(self, names: tuple[int, ...]) -> npt.NDArray[Any]:
        """Loss of every row if the predicted classes had these names."""
        from whyloss.measures.per_sample import per_sample  # noqa: PLC0415

        p = self._snapshot.predictions
        meant = np.empty(len(names), dtype=np.int32)
        meant[list(names)] = np.arange(len(names), dtype=np.int32)
        return per_sample(meant[p.y_true], p.scores, p.scale).log_loss
