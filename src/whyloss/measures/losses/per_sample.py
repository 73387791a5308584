"""Loss, confidence and entropy of every single sample.

Small inputs are computed here, in plain NumPy and float64; that is also the oracle of the compiled
kernels, which take over where they save more time than it takes to load them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from whyloss.measures import backend
from whyloss.measures.losses.logits import (
    PerSample,
    RowStatus,
    logit_blocks,
)

if TYPE_CHECKING:
    from whyloss.data import Scale


def per_sample(
    y_true: npt.NDArray[np.integer[Any]],
    scores: npt.NDArray[np.floating[Any]],
    scale: Scale,
    *,
    repeats: int = 1,
) -> PerSample:
    """Score every sample.

    Losses near zero keep their relative precision: the sum over the other classes goes through
    ``log1p`` without the largest term.

    Parameters
    ----------
    y_true : ndarray of int, shape (n_samples,)
        Class indices within the columns.
    scores : ndarray of shape (n_samples, n_classes), or (n_samples, 1) for a binary model
        float16, float32 or float64. Small inputs are computed in float64; large ones in float64
        where they are given so or as probabilities, else in float32 with compensated
        differences: losses to 1e-6 of themselves.
    scale : {"logits", "log_probs", "probs"}
    repeats : int, default 1
        How many inputs of this size are to be scored. What decides is the size of them all, so
        that epochs that are compared are computed alike.

    Returns
    -------
    PerSample
    """
    if backend.use_compiled(scores.size * repeats):
        from whyloss.measures.compiled.dispatch import score  # noqa: PLC0415 - loads a compiler

        return score(y_true, scores, scale)
    n = len(y_true)
    log_loss, confidence, entropy, variance, margin, brier = (np.empty(n) for _ in range(6))
    y_pred, rank = np.empty(n, dtype=np.int32), np.empty(n, dtype=np.int32)
    status = np.empty(n, dtype=np.uint8)
    for rows, logits, block_status in logit_blocks(scores, scale):
        y = y_true[rows]
        index = np.arange(len(y))
        top = logits.argmax(axis=1)
        with np.errstate(over="ignore"):  # a class masked by the most negative float
            below = logits - logits[index, top][:, None]
        weight = np.exp(below)
        weight[index, top] = 0.0
        rest = weight.sum(axis=1)
        weight[index, top] = 1.0
        log_total = np.log1p(rest)
        # A class of probability 0 adds nothing to a mean under p.
        finite_below = np.where(np.isneginf(below), 0.0, below)
        prob = weight / (1.0 + rest)[:, None]
        mean_below = np.einsum("ij,ij->i", prob, finite_below)
        spread = finite_below - mean_below[:, None]
        loss = log_total - below[index, y]
        own = logits[index, y][:, None]
        earlier = np.arange(logits.shape[1]) < y[:, None]
        others = below.copy()
        others[index, y] = -np.inf
        margin[rows] = others.max(axis=1) - below[index, y]
        log_loss[rows] = loss
        y_pred[rows] = top
        rank[rows] = 1 + np.count_nonzero((logits > own) | ((logits == own) & earlier), axis=1)
        confidence[rows] = 1.0 / (1.0 + rest)
        entropy[rows] = log_total - mean_below
        variance[rows] = np.einsum("ij,ij,ij->i", prob, spread, spread)
        prob[index, y] = 0.0  # 1 - p of the true class is the sum over the others
        brier[rows] = prob.sum(axis=1) ** 2 + np.einsum("ij,ij->i", prob, prob)
        block_status[(block_status == RowStatus.OK) & np.isposinf(loss)] = RowStatus.INFINITE_LOSS
        status[rows] = block_status
    no_prediction = (status == RowStatus.NON_FINITE) | (status == RowStatus.NOT_A_DISTRIBUTION)
    for values in (log_loss, confidence, entropy, variance, margin, brier):
        values[no_prediction] = np.nan
    y_pred[no_prediction] = rank[no_prediction] = -1
    return PerSample(log_loss, y_pred, confidence, entropy, variance, margin, brier, rank, status)
