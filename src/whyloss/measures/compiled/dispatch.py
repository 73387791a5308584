"""Statistics of large inputs by the compiled kernels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from whyloss.errors import DataError
from whyloss.measures.compiled.blocks import in_threads, prepare
from whyloss.measures.compiled.layout import FIELDS
from whyloss.measures.compiled.statistics import statistics
from whyloss.measures.compiled.sums import scratch
from whyloss.measures.losses.logits import SUM_TOLERANCE, PerSample

if TYPE_CHECKING:
    from whyloss.data import Scale


def compile_kernels() -> None:
    """Compile the kernels and run them once, so that whatever fails does so here."""
    score(np.zeros(1, dtype=np.int32), np.zeros((1, 2), dtype=np.float32), "logits")


def check_labels(
    y_true: npt.NDArray[np.integer[Any]], scores: npt.NDArray[np.floating[Any]]
) -> npt.NDArray[np.int32]:
    """Labels in the type of the kernels, which do not check that an index lies inside an array.

    Parameters
    ----------
    y_true : ndarray of int, shape (n_samples,)
    scores : ndarray of shape (n_samples, n_columns)

    Returns
    -------
    ndarray of int32, shape (n_samples,)

    Raises
    ------
    DataError
        A label is not a class of the scores, or there are more or fewer labels than rows.
    """
    n_classes = max(2, scores.shape[1])
    if len(y_true) != len(scores) or (
        len(y_true) and not 0 <= int(y_true.min()) <= int(y_true.max()) < n_classes
    ):
        raise DataError(
            "The labels do not fit the scores",
            expected=f"{len(scores)} class indices from 0 to {n_classes - 1}",
            got=f"{len(y_true)} from {y_true.min(initial=0)} to {y_true.max(initial=0)}",
        )
    return np.ascontiguousarray(y_true, dtype=np.int32)


def score(
    y_true: npt.NDArray[np.integer[Any]],
    scores: npt.NDArray[np.floating[Any]],
    scale: Scale,
) -> PerSample:
    """Score every sample, as :func:`whyloss.measures.losses.per_sample.per_sample` does.

    Parameters
    ----------
    y_true : ndarray of int, shape (n_samples,)
    scores : ndarray of shape (n_samples, n_columns)
    scale : {"logits", "log_probs", "probs"}

    Returns
    -------
    PerSample

    Raises
    ------
    DataError
        As :func:`check_labels`.
    """
    n = len(scores)
    labels = check_labels(y_true, scores)
    values = np.empty((FIELDS, n))
    y_pred, rank = np.empty(n, dtype=np.int32), np.empty(n, dtype=np.int32)
    status = np.zeros(n, dtype=np.uint8)
    tolerance = SUM_TOLERANCE if scale == "log_probs" else math.inf

    def work(rows: slice) -> None:
        block, known = prepare(scores[rows], scale)
        if known is not None:
            status[rows] = known
        statistics(
            block,
            rows.start,
            labels,
            known is not None,
            tolerance,
            values,
            y_pred,
            rank,
            status,
            scratch(block),
        )

    in_threads(scores, scale, work)
    log_loss, confidence, entropy, variance, margin, brier = values
    return PerSample(log_loss, y_pred, confidence, entropy, variance, margin, brier, rank, status)
