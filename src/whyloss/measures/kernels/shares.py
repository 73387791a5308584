"""How much probability each class gets over all samples."""

# What compiled functions take is settled when they are compiled, for each kind of array anew.
# ruff: noqa: ANN401

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from numba import njit

from whyloss.measures.kernels.arithmetic import exp
from whyloss.measures.kernels.blocks import in_threads, prepare
from whyloss.measures.kernels.sums import OPTIONS

if TYPE_CHECKING:
    from whyloss.data import Scale
    from whyloss.measures.intervals import FloatVector


@njit(**OPTIONS)
def _add(block: Any, top: Any, weights: Any, totals: Any) -> None:
    zero = block.dtype.type(0)
    room = np.empty(block.shape[1], block.dtype)
    for i in range(len(block)):
        if weights[i] > 0.0:
            row = block[i]
            peak, total = row[top[i]], 0.0
            for k in range(len(row)):
                w = exp(row[k] - peak, zero)
                room[k] = w
                total += w
            share = weights[i] / total
            for k in range(len(row)):
                totals[k] += share * room[k]


def class_probabilities(
    scores: npt.NDArray[np.floating[Any]],
    scale: Scale,
    y_pred: npt.NDArray[np.int32],
    weights: FloatVector,
) -> FloatVector:
    """Weighted sum of the probabilities of each class, shape (n_classes,).

    Parameters
    ----------
    scores : ndarray of shape (n_samples, n_classes)
        Two columns at least.
    scale : {"logits", "log_probs", "probs"}
    y_pred : ndarray of int32, shape (n_samples,)
        Class of the largest score.
    weights : ndarray of float64, shape (n_samples,)
        0 for rows that take no part.
    """

    def work(rows: slice) -> FloatVector:
        totals = np.zeros(scores.shape[1])
        _add(prepare(scores[rows], scale)[0], y_pred[rows], weights[rows], totals)
        return totals

    total: FloatVector = np.sum(in_threads(scores, scale, work), axis=0)
    return total
