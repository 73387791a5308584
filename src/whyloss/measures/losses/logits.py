"""Scores of any scale as logits, and the arrays that one pass over them fills."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from whyloss.data import Scale
    from whyloss.measures.estimates.intervals import BoolVector, FloatVector

# Rows of probabilities are taken as such up to this error of their sum: wide enough for
# probabilities that were printed with three decimals, far from anything that is no distribution.
SUM_TOLERANCE = 1e-2


class RowStatus(IntEnum):
    """Whether a row can be scored, and if not, why."""

    OK = 0
    NON_FINITE = 1  # NaN, +inf, or no finite value at all
    NOT_A_DISTRIBUTION = 2  # outside [0, 1], or a sum far from 1
    INFINITE_LOSS = 3  # probability exactly 0 for the true class


@dataclass(frozen=True, eq=False)
class PerSample:
    """What one pass over the predictions tells of every sample; all arrays (n_samples,).

    Attributes
    ----------
    log_loss : ndarray of float64
        ``-ln p[y]`` in nats; inf where that probability is 0, NaN where the row is no prediction.
    y_pred : ndarray of int32
        Class of the largest score; the first of them where several tie.
    confidence : ndarray of float64
        The largest probability.
    entropy : ndarray of float64
        ``-sum p ln p`` in nats: the loss that the prediction itself expects.
    entropy_variance : ndarray of float64
        Variance of ``ln p`` under p, in nats squared.
    margin : ndarray of float64
        ``max_{k != y} ln p_k - ln p_y``: positive where another class won.
    brier : ndarray of float64
        ``sum_k (p_k - [k = y])^2``, 0 to 2.
    rank : ndarray of int32
        Place of the true class among the scores, from 1; of classes that tie, the first comes
        first. -1 where the row is no prediction.
    status : ndarray of uint8
        :class:`RowStatus`.
    """

    log_loss: FloatVector
    y_pred: npt.NDArray[np.int32]
    confidence: FloatVector
    entropy: FloatVector
    entropy_variance: FloatVector
    margin: FloatVector
    brier: FloatVector
    rank: npt.NDArray[np.int32]
    status: npt.NDArray[np.uint8]

    @property
    def scored(self) -> BoolVector:
        """Rows with a finite loss: those that every mean is taken over."""
        scored: BoolVector = self.status == RowStatus.OK
        return scored

    def count(self, status: RowStatus) -> int:
        """Number of rows of a status.

        Parameters
        ----------
        status : RowStatus

        Returns
        -------
        int
        """
        return int(np.count_nonzero(self.status == status))


_BLOCK_BYTES = 1 << 20  # smaller blocks cost loop overhead, larger ones leave the cache
KEPT_VALUES = 1 << 21  # up to so many logits are kept between passes: 16 MB


def logit_blocks(
    scores: npt.NDArray[np.floating[Any]], scale: Scale
) -> Iterator[tuple[slice, FloatVector, npt.NDArray[np.uint8]]]:
    """Yield ``(rows, logits, status)`` block by block, in float64 and K columns.

    Probabilities become their logarithms, and one column z becomes (0, z), so that everything
    after this works on logits alone. Rows that are no prediction come as zeros.

    Parameters
    ----------
    scores : ndarray of shape (n_samples, n_columns)
    scale : {"logits", "log_probs", "probs"}

    Yields
    ------
    rows : slice
    logits : ndarray of float64, shape (n_rows, n_classes)
    status : ndarray of uint8, shape (n_rows,)
    """
    n, columns = scores.shape
    step = max(1, _BLOCK_BYTES // (8 * max(2, columns)))
    for start in range(0, n, step):
        rows = slice(start, min(n, start + step))
        logits, status = as_logits(scores[rows], scale)
        yield rows, logits, status


class Logits:
    """The blocks of :func:`logit_blocks` for several passes; those of small inputs are kept.

    Parameters
    ----------
    scores : ndarray of shape (n_samples, n_columns)
    scale : {"logits", "log_probs", "probs"}
    """

    def __init__(self, scores: npt.NDArray[np.floating[Any]], scale: Scale) -> None:
        self._scores = scores
        self._scale = scale
        self._kept: list[tuple[slice, FloatVector, npt.NDArray[np.uint8]]] = []

    def __iter__(self) -> Iterator[tuple[slice, FloatVector, npt.NDArray[np.uint8]]]:
        if self._scores.size > KEPT_VALUES:
            return logit_blocks(self._scores, self._scale)
        if not self._kept:
            self._kept = list(logit_blocks(self._scores, self._scale))
        return iter(self._kept)


def as_logits(
    scores: npt.NDArray[np.floating[Any]], scale: Scale
) -> tuple[FloatVector, npt.NDArray[np.uint8]]:
    """Logits and status of one block, as :func:`logit_blocks` yields them.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, n_columns)
    scale : {"logits", "log_probs", "probs"}

    Returns
    -------
    logits : ndarray of float64, shape (n_rows, n_classes)
    status : ndarray of uint8, shape (n_rows,)
    """
    block = scores.astype(np.float64)
    status = _row_status(block, scale)
    bad = status != RowStatus.OK
    if bad.any():
        block[bad] = 0.5 if scale == "probs" else 0.0
    if scale == "probs":  # what a rounding error leaves below 0 is 0
        np.maximum(block, 0.0, out=block)
    with np.errstate(divide="ignore"):
        if block.shape[1] == 1:
            return _two_sided(block, scale), status
        return (np.log(block) if scale == "probs" else block), status


def _two_sided(column: FloatVector, scale: Scale) -> FloatVector:
    """Both classes of a binary model with one output, as logits."""
    if scale == "logits":
        return np.concatenate([np.zeros_like(column), column], axis=1)
    if scale == "probs":
        return np.concatenate([np.log1p(-column), np.log(column)], axis=1)
    column = np.minimum(column, 0.0)
    return np.concatenate([np.log(-np.expm1(column)), column], axis=1)


def _row_status(block: FloatVector, scale: Scale) -> npt.NDArray[np.uint8]:
    status = np.zeros(len(block), dtype=np.uint8)
    if scale == "probs":
        finite = np.isfinite(block).all(axis=1)
        probs = block
        outside = (block < -SUM_TOLERANCE) | (block > 1 + SUM_TOLERANCE)
        if block.shape[1] == 1:
            outside = (block < 0) | (block > 1)
        bad = outside.any(axis=1)
    else:
        # -inf is a class that was masked out: legitimate, unless nothing else is left.
        finite = ~(np.isnan(block) | np.isposinf(block)).any(axis=1)
        if block.shape[1] > 1 or scale == "logits":
            finite &= np.isfinite(block).any(axis=1)
        if scale == "logits":
            status[~finite] = RowStatus.NON_FINITE
            return status
        with np.errstate(over="ignore", invalid="ignore"):
            probs = np.exp(block)
        bad = (probs > 1 + SUM_TOLERANCE).any(axis=1)
    if block.shape[1] > 1:
        with np.errstate(over="ignore", invalid="ignore"):
            bad |= ~(np.abs(probs.sum(axis=1) - 1.0) <= SUM_TOLERANCE)
    status[bad] = RowStatus.NOT_A_DISTRIBUTION
    status[~finite] = RowStatus.NON_FINITE
    return status
