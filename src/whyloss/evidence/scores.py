"""Scores other than the loss: which way is better, and what a rising loss beside them means."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from whyloss.evidence.rises import LastingRise, lasting_change
from whyloss.formatting import format_percent
from whyloss.measures.estimates.steps import samples_by_steps
from whyloss.measures.estimates.trend import noise_sd

if TYPE_CHECKING:
    import numpy.typing as npt

    from whyloss.data import History
    from whyloss.measures.estimates.intervals import FloatVector

LAST_SHARE = 10  # a tenth of the epochs are taken together at either end of a change
MIN_Z_OF_SAMPLES = 3.0  # the best epoch was selected
MARGIN = 0.01  # of the unit; what is smaller matters to nobody
MARGIN_WITHOUT_N = 0.04  # of the unit; below it a few hundred samples could do it by chance


class Family(StrEnum):
    """What a score measures, and so what it can say of the loss."""

    DECISIONS = "decisions"  # the predicted labels, as accuracy does
    RANKING = "ranking"  # the order of the scores, which no calibration changes
    OTHER_TARGET = "other target"  # something that the loss only stands in for


@dataclass(frozen=True)
class Score:
    """A score by its name in a history.

    Attributes
    ----------
    name : str
        As a column of :class:`~whyloss.data.History` has it.
    words : str
        For a sentence.
    family : Family
    falls : bool
        Whether smaller is better.
    """

    name: str
    words: str
    family: Family = Family.DECISIONS
    falls: bool = False

    def text(self, value: float) -> str:
        """A value for a sentence: the accuracy as a percentage, all others as they are.

        Parameters
        ----------
        value : float
        """
        return format_percent(value) if self.name == "accuracy" else f"{value:.4g}"


# In the order in which they are preferred where several are reported.
SCORES = {
    score.name: score
    for score in (
        # Beside an overlap an accuracy counts pixels, most of them background.
        Score("iou", "IoU", Family.OTHER_TARGET),
        Score("dice", "Dice", Family.OTHER_TARGET),
        Score("accuracy", "accuracy"),
        Score("balanced_accuracy", "balanced accuracy"),
        Score("f1", "F1"),
        Score("mcc", "Matthews correlation"),
        Score("kappa", "Cohen's kappa"),
        Score("exact_match", "exact match"),
        Score("auc", "AUC", Family.RANKING),
        Score("auc_pr", "average precision", Family.RANKING),
        Score("map", "mAP", Family.OTHER_TARGET),
        Score("bleu", "BLEU", Family.OTHER_TARGET),
        Score("rouge", "ROUGE", Family.OTHER_TARGET),
        Score("meteor", "METEOR", Family.OTHER_TARGET),
        Score("ndcg", "NDCG", Family.OTHER_TARGET),
        Score("mrr", "MRR", Family.OTHER_TARGET),
        Score("wer", "word error rate", Family.OTHER_TARGET, falls=True),
        Score("cer", "character error rate", Family.OTHER_TARGET, falls=True),
        Score("hamming", "Hamming loss", Family.DECISIONS, falls=True),
        Score("top5_accuracy", "top-5 accuracy"),
        Score("recall", "recall"),
        Score("precision", "precision"),
    )
}


@dataclass(frozen=True, eq=False)
class ScoreCurve:
    """One score per epoch.

    Attributes
    ----------
    score : Score
    epochs : ndarray of int64, shape (n_epochs,)
    values : ndarray of float64, shape (n_epochs,)
        Finite, as reported.
    n_samples : int or None
        Size of the split, where known.
    """

    score: Score
    epochs: npt.NDArray[np.int64]
    values: FloatVector
    n_samples: int | None = None

    def __len__(self) -> int:
        return len(self.epochs)

    @property
    def gains(self) -> FloatVector:
        """The values with their sign turned where smaller is better: larger is always better."""
        return -self.values if self.score.falls else self.values

    @property
    def unit(self) -> float:
        """1 for shares; the largest value for scores on another scale, such as 0 to 100."""
        largest = float(np.abs(self.values).max())
        return max(1.0, largest)

    @cached_property
    def least_samples(self) -> int | None:
        """Size of the split as given, else the smallest one of which all values are whole parts."""
        if self.n_samples or self.score.name != "accuracy":
            return self.n_samples
        return samples_by_steps(self.values)

    def sampling_error(self, share: float) -> float:
        """Standard error of a share on samples drawn anew, in its unit; 0 where n is not known.

        Parameters
        ----------
        share : float
        """
        n = self.least_samples
        if not n or self.unit > 1.0:
            return 0.0
        share = min(1.0, max(0.0, abs(share)))
        return math.sqrt(share * (1.0 - share) / n)

    def at(self, epoch: int) -> float | None:
        """The value at an epoch, None where there is none.

        Parameters
        ----------
        epoch : int
        """
        place = int(np.searchsorted(self.epochs, epoch))
        known = place < len(self) and int(self.epochs[place]) == epoch
        return float(self.values[place]) if known else None

    def lasting_fall(self, *, min_fall: float, min_z: float) -> LastingRise | None:
        """A score that fell since its best epoch and stays down; the height is of the unit.

        Parameters
        ----------
        min_fall : float
            Of the unit.
        min_z : float
            In standard errors of the noise since the best epoch, and of that of the samples where
            their number is known.
        """
        levels = -self.gains / self.unit
        fall = lasting_change(
            levels, min_z=min_z, min_height=min_fall, min_short=2 * min_fall, expected=False
        )
        if fall is None:
            return None
        se = math.sqrt(2.0) * self.sampling_error(fall.base + fall.height / 2)
        return fall if fall.height > MIN_Z_OF_SAMPLES * se else None

    def change(self, start: int, end: int) -> ScoreChange | None:
        """How the score changed between two epochs; None where either is before its first value.

        Parameters
        ----------
        start, end : int
            Epochs.
        """
        places = [
            int(np.searchsorted(self.epochs, epoch, side="right")) - 1 for epoch in (start, end)
        ]
        if min(places) < 0 or places[0] == places[1]:
            return None
        width = min(9, max(1, len(self) // LAST_SHARE))
        levels = [
            float(np.mean(self.gains[max(0, place - width + 1) : place + 1])) for place in places
        ]
        noise = noise_sd(self.gains) * math.sqrt(2.0 / width)
        if self.least_samples and self.unit <= 1.0:
            noise = self.sampling_error(levels[1])
        return ScoreChange(
            self.score,
            before=float(self.values[places[0]]),
            after=float(self.values[places[1]]),
            lost=(levels[0] - levels[1]) / self.unit,
            noise=(0.0 if math.isnan(noise) else noise) / self.unit,
            margin=MARGIN if self.n_samples else MARGIN_WITHOUT_N,
        )


@dataclass(frozen=True)
class ScoreChange:
    """A score at two epochs.

    Attributes
    ----------
    score : Score
    before, after : float
        As reported at the two epochs.
    lost : float
        Of the unit, in means of a few epochs; negative where the score got better.
    noise : float
        Standard error of `lost`; 0 where it is not known.
    margin : float
        What a loss must exceed to be more than noise: a point where the number of samples is
        known, four where it is not.
    """

    score: Score
    before: float
    after: float
    lost: float
    noise: float
    margin: float

    @property
    def fell(self) -> bool:
        """Whether the score is clearly worse at the end."""
        return self.lost > max(self.margin, 2.0 * self.noise) - 1e-9

    @property
    def improved(self) -> bool:
        """Whether it is better by more than its noise and a point."""
        return -self.lost > max(MARGIN, 2.0 * self.noise)


def _preferred(history: History) -> dict[str, Score]:
    """The scores that are known, after the one that the caller chose."""
    if history.score is None:
        return SCORES
    name, falls = history.score
    known = SCORES.get(name, Score(name, name.replace("_", " "), Family.OTHER_TARGET))
    chosen = known if falls is None else replace(known, falls=falls)
    return {name: chosen} | {other: score for other, score in SCORES.items() if other != name}


def last_scores(history: History, split: str) -> dict[str, float]:
    """The last value of every score of a split, by the name of the score.

    Parameters
    ----------
    history : History
    split : str
    """
    curves = score_curves(history, split, None)
    return {curve.score.name: float(curve.values[-1]) for curve in curves}


def score_curves(history: History, split: str, n_samples: int | None) -> tuple[ScoreCurve, ...]:
    """The scores of a split that whyloss knows the direction of, the preferred ones first.

    Parameters
    ----------
    history : History
    split : str
    n_samples : int or None
        Size of the split.
    """
    curves = []
    for name, score in _preferred(history).items():
        values = history.column(split, name)
        if values is None:
            continue
        rows = np.isfinite(values)
        if rows.any():
            curves.append(ScoreCurve(score, history.epochs[rows], values[rows], n_samples))
    return tuple(curves)
