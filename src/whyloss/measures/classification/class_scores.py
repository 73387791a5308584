"""Precision and recall of every class, with their intervals; and confusion counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from whyloss.measures.estimates.intervals import BoolVector, FloatVector, wilson
from whyloss.measures.estimates.weights import as_samples

if TYPE_CHECKING:
    from whyloss.results.estimate import Estimate


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
    """Confusion matrix: counts by true class (rows) and predicted class (columns).

    Parameters
    ----------
    y_true, y_pred : ndarray of int, shape (n_samples,)
    n_classes : int

    Returns
    -------
    ndarray of int64, shape (n_classes, n_classes)
    """
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
