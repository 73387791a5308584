"""The few numbers of reported curves that suspicions rest on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from whyloss.evidence.curves import TRAIN, Curve

if TYPE_CHECKING:
    from whyloss.evidence.evidence import Evidence
    from whyloss.evidence.scores import ScoreCurve
    from whyloss.measures.estimates.intervals import FloatVector

NOTHING = np.zeros(0)


@dataclass(frozen=True, eq=False)
class Outline:
    """Loss and score of the explained split and of training, as reported.

    Attributes
    ----------
    losses, train_losses : ndarray of float64
        Per epoch, finite; empty where unknown.
    accuracies, train_accuracies : ndarray of float64
        The same of the accuracy.
    score : ScoreCurve or None
        The preferred score of the explained split, which may be the accuracy.
    """

    losses: FloatVector
    train_losses: FloatVector
    accuracies: FloatVector
    train_accuracies: FloatVector
    score: ScoreCurve | None

    @property
    def loss(self) -> float | None:
        """Last loss of the explained split."""
        return _last(self.losses)

    @property
    def train_loss(self) -> float | None:
        """Last training loss."""
        return _last(self.train_losses)

    @property
    def accuracy(self) -> float | None:
        """Last accuracy of the explained split."""
        return _last(self.accuracies)

    @property
    def train_accuracy(self) -> float | None:
        """Last training accuracy."""
        return _last(self.train_accuracies)

    @property
    def rise(self) -> float:
        """How far the last loss is above the smallest, relative; 0 where nothing rose."""
        if not len(self.losses) or not float(self.losses.min()) > 0.0:
            return 0.0
        return float(self.losses[-1] / self.losses.min()) - 1.0

    @property
    def fall(self) -> float:
        """How far the last loss is below the first, relative; 0 where nothing fell."""
        if not len(self.losses) or not float(self.losses[0]) > 0.0:
            return 0.0
        return max(0.0, 1.0 - float(self.losses[-1] / self.losses[0]))

    @property
    def leap(self) -> float:
        """The largest factor from one loss to the next, where that exceeds 1 nat; else 1."""
        before, after = self.losses[:-1], self.losses[1:]
        rows = (before > 0.0) & (after > 1.0)
        return float((after[rows] / before[rows]).max(initial=1.0))

    @property
    def serves(self) -> bool:
        """Whether the score is good, or got better while the loss fell: no model that ran away."""
        if self.score is None or self.score.unit > 1.0 or self.score.score.falls:
            return False
        values, gains = self.score.values, self.score.gains
        learns = float(gains[-1] - gains[0]) >= LEARNS and self.fall > 0.0
        return learns or float(values[-1]) >= WELL_FITTED

    @property
    def train_fits(self) -> bool:
        """Whether the model fits its training data well."""
        good = self.train_accuracy is not None and self.train_accuracy >= WELL_FITTED
        small = self.train_loss is not None and self.train_loss <= SMALL_LOSS
        return good or (small and self.train_accuracy is None)


WELL_FITTED = 0.9  # accuracy, or another score
LEARNS = 0.05  # of a score from 0 to 1
SMALL_LOSS = 0.3  # nats; about what an accuracy of 0.9 calls for


def outline(evidence: Evidence) -> Outline:
    """The curves of the explained split and of training.

    Parameters
    ----------
    evidence : Evidence
    """
    val = evidence.reported(evidence.split)
    train = None if evidence.split in TRAIN else evidence.train
    scores = evidence.scores()
    return Outline(
        losses=_finite(val, "log_loss"),
        train_losses=_finite(train, "log_loss"),
        accuracies=_finite(val, "accuracy"),
        train_accuracies=_finite(train, "accuracy"),
        score=scores[0] if scores else None,
    )


def _finite(curve: Curve | None, name: str) -> FloatVector:
    if curve is None:
        return NOTHING
    values: FloatVector = curve.log_loss if name == "log_loss" else curve.accuracy
    return values[np.isfinite(values)]


def _last(values: FloatVector) -> float | None:
    return float(values[-1]) if len(values) else None
