"""Sums of large inputs for a summary, block by block on all processors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from whyloss.measures.compiled.blocks import in_threads, prepare
from whyloss.measures.compiled.dispatch import check_labels
from whyloss.measures.compiled.sums import scratch
from whyloss.measures.compiled.totals import (
    SUM_BRIER,
    SUM_ENTROPY,
    SUM_EXCESS_SQUARED,
    SUM_LOSS_RIGHT,
    SUM_LOSS_WRONG,
    SUM_SQUARED,
    SUM_VARIANCE,
    SUMS,
    Totals,
    add_up,
    bins_of,
)
from whyloss.measures.losses.logits import SUM_TOLERANCE

if TYPE_CHECKING:
    from whyloss.data import Predictions
    from whyloss.measures.estimates.intervals import FloatVector


class Sums(NamedTuple):
    """What :class:`~whyloss.measures.facts.Summary` adds up, under the names it has there.

    Attributes
    ----------
    status, totals, outcomes, by_class, confusion, histogram, reliability, clipped, extremes :
    ndarrays losses : ndarray of float64
        The largest losses, among others.
    rows : ndarray of int64
        The rows of these losses.
    row_status : ndarray of uint8, shape (n_samples,)
    """

    status: npt.NDArray[np.int64]
    totals: FloatVector
    outcomes: FloatVector
    by_class: FloatVector
    confusion: npt.NDArray[np.int64]
    histogram: npt.NDArray[np.int64]
    reliability: FloatVector
    clipped: npt.NDArray[np.int64]
    extremes: FloatVector
    losses: FloatVector
    rows: npt.NDArray[np.int64]
    row_status: npt.NDArray[np.uint8]


def add_all(
    batch: Predictions,
    edges: FloatVector,
    limits: FloatVector,
    *,
    limit_width: float,
    n_reliability: int,
    by_class: bool,
    confusion: bool,
    n_top: int,
    smallest_top: float,
) -> Sums:
    """Sums over all rows that can be scored, each with weight 1.

    Parameters
    ----------
    batch : Predictions
    edges : ndarray of float64
        Of the histogram of losses, from 0 to infinity.
    limits : ndarray of float64
        Losses, smallest first: samples are counted that come within `limit_width` of one.
    limit_width : float
    n_reliability : int
        Bins of confidence.
    by_class, confusion : bool
        Whether to keep sums by class, and counts of pairs of classes.
    n_top : int
        How many of the largest losses are wanted.
    smallest_top : float
        Losses below it are not among them.

    Returns
    -------
    Sums

    Raises
    ------
    DataError
        A label is not a class of the scores.
    """
    labels = check_labels(batch.y_true, batch.scores)
    n, columns = batch.scores.shape
    n_classes = max(2, columns)
    status = np.zeros(n, dtype=np.uint8)
    tolerance = SUM_TOLERANCE if batch.scale == "log_probs" else math.inf
    bins = bins_of(edges, limits, limit_width)
    threshold = [smallest_top]

    def work(rows: slice) -> Totals:
        block, known = prepare(batch.scores[rows], batch.scale)
        if known is not None:
            status[rows] = known
        some = Totals(
            sums=np.zeros(SUMS),
            extremes=np.array([np.inf, -np.inf]),
            status=np.zeros(4, dtype=np.int64),
            histogram=np.zeros((2, len(edges) - 1), dtype=np.int64),
            bins=np.zeros((2, n_reliability), dtype=np.int64),
            confidences=np.zeros(n_reliability),
            pairs=np.zeros((n_classes if confusion else 0,) * 2, dtype=np.int64),
            counts=np.zeros(n_classes if by_class else 0, dtype=np.int64),
            losses=np.zeros(n_classes if by_class else 0),
            shares=np.zeros(n_classes if by_class else 0),
            clipped=np.zeros(len(limits), dtype=np.int64),
            top=np.empty(len(block)),
            rows=np.empty(len(block), dtype=np.int64),
            n_top=np.zeros(1, dtype=np.int64),
        )
        add_up(
            block,
            rows.start,
            labels,
            known is not None,
            tolerance,
            status,
            threshold[0],
            n_top,
            bins,
            some,
            scratch(block),
        )
        losses, numbers = _largest(some.top[: some.n_top[0]], some.rows[: some.n_top[0]], n_top)
        if len(losses) >= n_top:
            threshold[0] = max(threshold[0], float(losses.min()))
        return some._replace(top=losses, rows=numbers)

    blocks = in_threads(batch.scores, batch.scale, work)
    return _over_blocks(blocks, status, n_top)


def _largest(
    losses: FloatVector, rows: npt.NDArray[np.int64], n_top: int
) -> tuple[FloatVector, npt.NDArray[np.int64]]:
    """The largest losses, and all that tie with the last of them."""
    if len(losses) > n_top:
        some = losses >= np.partition(losses, -n_top)[-n_top]
        return losses[some], rows[some]
    return losses.copy(), rows.copy()


def _over_blocks(blocks: list[Totals], row_status: npt.NDArray[np.uint8], n_top: int) -> Sums:
    def added(name: str) -> npt.NDArray[Any]:
        total: npt.NDArray[Any] = np.sum([getattr(some, name) for some in blocks], axis=0)
        return total

    sums, status = added("sums"), added("status")
    histogram, bins = added("histogram"), added("bins")
    n = int(status[0])
    losses_by_outcome = sums[[SUM_LOSS_WRONG, SUM_LOSS_RIGHT]]
    counts = histogram.sum(axis=1).astype(np.float64)
    totals = [n, n, losses_by_outcome.sum()]
    others = [SUM_SQUARED, SUM_ENTROPY, SUM_VARIANCE, SUM_EXCESS_SQUARED, SUM_BRIER]
    totals += sums[others].tolist()
    extremes = np.stack([some.extremes for some in blocks])
    losses, rows = _largest(
        np.concatenate([some.top for some in blocks]),
        np.concatenate([some.rows for some in blocks]),
        n_top,
    )
    return Sums(
        status=status,
        totals=np.array(totals),
        outcomes=np.stack([counts, counts, losses_by_outcome], axis=1),
        by_class=np.stack([added("counts"), added("losses"), added("shares")]),
        confusion=added("pairs"),
        histogram=histogram,
        reliability=np.stack([bins.sum(axis=0), added("confidences"), bins[1]]),
        clipped=added("clipped"),
        extremes=np.array([extremes[:, 0].min(), extremes[:, 1].max()]),
        losses=losses,
        rows=rows,
        row_status=row_status,
    )
