"""Whether other names for the classes would make a model right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from whyloss.measures.classification.class_scores import confusion_counts
from whyloss.measures.estimates.intervals import paired_share_difference, wilson

if TYPE_CHECKING:
    from whyloss.results.estimate import Estimate

MAX_CLASSES = 2000  # beyond it the table of the classes is larger than it is worth
AS_GOOD = 0.02  # accuracy by which moving all labels may fall short of the best renaming


@dataclass(frozen=True)
class LabelPermutation:
    """The one-to-one renaming of the predicted classes that makes most predictions right.

    Attributes
    ----------
    names : tuple of int
        New name of each predicted class.
    shift : int or None
        1 or -1 where adding that to every prediction is as good: labels that were counted from
        another number. None elsewhere, and for two classes, where it is an exchange.
    accuracy, accuracy_renamed : Estimate
        The second out of fold: each half of the samples under the names that the other half chose.
    gain : Estimate
        Paired difference of the two.
    recall, recall_renamed : float
        The same of the classes that get another name, all of them counting alike.
    """

    names: tuple[int, ...]
    shift: int | None
    accuracy: Estimate
    accuracy_renamed: Estimate
    gain: Estimate
    recall: float
    recall_renamed: float


def best_permutation(
    y_true: npt.NDArray[np.integer[Any]],
    y_pred: npt.NDArray[np.integer[Any]],
    n_classes: int,
    *,
    at_least: float = 0.0,
) -> LabelPermutation | None:
    """Find the best one-to-one renaming of the predicted classes (Kuhn 1955).

    With many classes the best renaming of few samples gains by chance, so what it gains is counted
    on samples that it was not chosen by.

    Parameters
    ----------
    y_true, y_pred : ndarray of int, shape (n_samples,)
    n_classes : int
    at_least : float, default 0
        Gain in accuracy below which nothing is looked for: saves the search where even renaming
        each class by itself could not gain so much.

    Returns
    -------
    LabelPermutation or None
        None where no renaming can gain more than `at_least`, or with more than 2,000 classes.
    """
    n = len(y_true)
    if n == 0 or n_classes > MAX_CLASSES:
        return None
    counts = confusion_counts(y_true, y_pred, n_classes)
    right = y_pred == y_true
    if int(counts.max(axis=0).sum()) - int(np.count_nonzero(right)) <= at_least * n:
        return None
    names = _best_names(counts)
    second = np.arange(n) % 2 == 1
    renamed = np.empty(n, dtype=np.bool_)
    for held_out in (second, ~second):
        found = _best_names(confusion_counts(y_true[~held_out], y_pred[~held_out], n_classes))
        renamed[held_out] = found[y_pred[held_out]] == y_true[held_out]
    moved = np.flatnonzero(names != np.arange(n_classes))
    return LabelPermutation(
        names=tuple(names.tolist()),
        shift=_shift(y_true, y_pred, n_classes, float(renamed.mean())),
        accuracy=wilson(int(np.count_nonzero(right)), n),
        accuracy_renamed=wilson(int(np.count_nonzero(renamed)), n),
        gain=paired_share_difference(right, renamed),
        recall=_mean_recall(y_true, right, moved),
        recall_renamed=_mean_recall(y_true, renamed, moved),
    )


def _best_names(counts: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.int64]:
    """New name of each predicted class; its own where another one is no better."""
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 - slow to load, seldom needed

    own = np.eye(len(counts), dtype=np.int64)
    predicted, named = linear_sum_assignment((len(counts) + 1) * counts.T + own, maximize=True)
    names = np.empty(len(counts), dtype=np.int64)
    names[predicted] = named
    return names


def _mean_recall(
    y_true: npt.NDArray[np.integer[Any]],
    right: npt.NDArray[np.bool_],
    classes: npt.NDArray[np.int64],
) -> float:
    """Mean share that is right, over those of the classes that occur; 0 of none."""
    size = int(y_true.max()) + 1
    counts, hits = np.bincount(y_true), np.bincount(y_true, weights=right)
    there = classes[classes < size]
    there = there[counts[there] > 0]
    return float((hits[there] / counts[there]).mean()) if len(there) else 0.0


def _shift(
    y_true: npt.NDArray[np.integer[Any]],
    y_pred: npt.NDArray[np.integer[Any]],
    n_classes: int,
    best: float,
) -> int | None:
    if n_classes < 3:
        return None
    for step in (1, -1):
        if float(((y_pred + step) % n_classes == y_true).mean()) >= best - AS_GOOD:
            return step
    return None
