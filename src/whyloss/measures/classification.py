"""Accuracy, precision, recall and the surprise gap, each with its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from whyloss.measures.estimates.intervals import BoolVector, FloatVector, mean_estimate, wilson
from whyloss.measures.estimates.weights import as_samples
from whyloss.results.estimate import Estimate

if TYPE_CHECKING:
    from whyloss.measures.losses.logits import PerSample


@dataclass(frozen=True)
class ClassScores:
    """Precision and recall of one class, with Wilson intervals and the counts of samples."""

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
    y_true: npt.NDArray[np.integer[Any]],
    y_pred: npt.NDArray[np.integer[Any]],
    n_classes: int,
    weights: FloatVector | None = None,
) -> list[ClassScores]:
    """Precision and recall of every class.

    Parameters
    ----------
    y_true, y_pred : ndarray of int, shape (n_samples,)
    n_classes : int
    weights : ndarray of float64, shape (n_samples,), optional
        Above 0; precision and recall are then weighted shares, the counts stay counts.

    Returns
    -------
    list of ClassScores, one per class; a class that never occurs or is never predicted has NaN.
    """
    support = np.bincount(y_true, minlength=n_classes)
    predicted = np.bincount(y_pred, minlength=n_classes)
    right = y_true == y_pred
    precision = _shares(y_pred, right, n_classes, weights)
    recall = _shares(y_true, right, n_classes, weights)
    return [
        ClassScores(int(support[k]), int(predicted[k]), precision[k], recall[k])
        for k in range(n_classes)
    ]


def _shares(
    group: npt.NDArray[np.integer[Any]],
    hits: BoolVector,
    n_groups: int,
    weights: FloatVector | None,
) -> list[Estimate]:
    """Share of hits in every group."""
    if weights is None:
        sizes = np.bincount(group, minlength=n_groups)
        found = np.bincount(group[hits], minlength=n_groups)
        return [wilson(int(k), int(n)) for k, n in zip(found, sizes, strict=True)]
    w = as_samples(weights)
    total = np.bincount(group, w, minlength=n_groups)
    squares = np.bincount(group, w * w, minlength=n_groups)
    found = np.bincount(group[hits], w[hits], minlength=n_groups)
    with np.errstate(invalid="ignore"):
        share, n_eff = found / total, np.nan_to_num(total**2 / squares)
    return [
        wilson(min(1.0, part) * n if n else 0.0, n)
        for part, n in zip(share.tolist(), n_eff.tolist(), strict=True)
    ]


@dataclass(frozen=True)
class SurpriseGap:
    """Loss minus the loss that the predictions themselves expect.

    Attributes
    ----------
    gap : Estimate
        ``mean(loss - entropy)`` in nats; exactly the slope of the loss in ln beta at T = 1.
    z : float
        ``sum(w (loss - entropy)) / sqrt(sum w^2 V)``: standard normal if the model is calibrated.
        Positive: over-confident; negative: under-confident.
    """

    gap: Estimate
    z: float


def surprise_gap(samples: PerSample, weights: FloatVector | None = None) -> SurpriseGap:
    """Surprise gap of the scored samples.

    Parameters
    ----------
    samples : PerSample
    weights : ndarray of float64, shape (n_samples,), optional
        Above 0.
    """
    scored = samples.scored
    excess, variances = samples.log_loss[scored] - samples.entropy[scored], samples.entropy_variance
    w = None if weights is None else as_samples(weights[scored])
    if w is None:
        variance, total = float(variances[scored].sum()), float(excess.sum())
    else:
        variance, total = float(w * w @ variances[scored]), float(w @ excess)
    if variance > 0:
        z = total / math.sqrt(variance)
    else:  # every prediction is certain: any surprise at all is too much
        z = math.copysign(math.inf, total) if total else 0.0
    return SurpriseGap(mean_estimate(excess, w), z)
