"""Accuracy, precision, recall and the surprise gap, each with its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from whyloss.measures.intervals import Estimate, mean_estimate, wilson

if TYPE_CHECKING:
    from whyloss.measures.per_sample import PerSample


@dataclass(frozen=True)
class ClassScores:
    """Precision and recall of one class, with Wilson intervals and the counts behind them."""

    support: int
    predicted: int
    precision: Estimate
    recall: Estimate


def confusion_counts(
    y_true: npt.NDArray[np.integer[Any]], y_pred: npt.NDArray[np.integer[Any]], n_classes: int
) -> npt.NDArray[np.int64]:
    """Counts by true class (rows) and predicted class (columns), shape (n_classes, n_classes)."""
    cells = y_true.astype(np.int64) * n_classes + y_pred
    return np.bincount(cells, minlength=n_classes * n_classes).reshape(n_classes, n_classes)


def class_scores(
    y_true: npt.NDArray[np.integer[Any]], y_pred: npt.NDArray[np.integer[Any]], n_classes: int
) -> list[ClassScores]:
    """Precision and recall of every class.

    Parameters
    ----------
    y_true, y_pred : ndarray of int, shape (n_samples,)
    n_classes : int

    Returns
    -------
    list of ClassScores, one per class; a class that never occurs or is never predicted has NaN.
    """
    hits = np.bincount(y_true[y_true == y_pred], minlength=n_classes)
    support = np.bincount(y_true, minlength=n_classes)
    predicted = np.bincount(y_pred, minlength=n_classes)
    return [
        ClassScores(
            support=int(support[k]),
            predicted=int(predicted[k]),
            precision=wilson(int(hits[k]), int(predicted[k])),
            recall=wilson(int(hits[k]), int(support[k])),
        )
        for k in range(n_classes)
    ]


@dataclass(frozen=True)
class SurpriseGap:
    """Loss minus the loss that the predictions themselves expect.

    Attributes
    ----------
    gap : Estimate
        ``mean(loss - entropy)`` in nats; exactly the slope of the loss in ln beta at T = 1.
    z : float
        ``sum(loss - entropy) / sqrt(sum V)``: standard normal if the model is calibrated.
        Positive: over-confident; negative: under-confident.
    """

    gap: Estimate
    z: float


def surprise_gap(samples: PerSample) -> SurpriseGap:
    """Surprise gap of the scored samples."""
    scored = samples.scored
    excess = samples.log_loss[scored] - samples.entropy[scored]
    variance = float(samples.entropy_variance[scored].sum())
    total = float(excess.sum())
    if variance > 0:
        z = total / math.sqrt(variance)
    else:  # every prediction is certain: any surprise at all is too much
        z = math.copysign(math.inf, total) if total else 0.0
    return SurpriseGap(mean_estimate(excess), z)
