"""Sums of large inputs for a summary, block by block on all processors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from whyloss.measures.compiled.blocks import in_threads, prepare
from whyloss.measures.compiled.dispatch import check_labels
from whyloss.measures.compiled.layout import NARROW
from whyloss.measures.compiled.sums import scratch
from whyloss.measures.compiled.totals import (
    BRIER,
    COPIES,
    ENTROPY,
    EXCESS_SQUARED,
    LOSS_RIGHT,
    LOSS_WRONG,
    SECOND_CLASS,
    SQUARED,
    SUMS,
    VARIANCE,
    Totals,
    add_up,
    bins_of,
)
from whyloss.measures.compiled.vectors import LANES
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
        Whose they are.
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
    bar: float,
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
    bar : float
        Losses below it are not among them.
    """
    labels = check_labels(batch.y_true, batch.scores)
    n, columns = batch.scores.shape
    n_classes = max(2, columns)
    status = np.zeros(n, dtype=np.uint8)
    tolerance = SUM_TOLERANCE if batch.scale == "log_probs" else math.inf
    bins = bins_of(edges, limits, limit_width)
    bars = [bar]

    def work(rows: slice) -> Totals:
        block, known = prepare(batch.scores[rows], batch.scale)
        if known is not None:
            status[rows] = known
        room = scratch(block)
        some = Totals(
            sums=np.zeros(SUMS * LANES),
            extremes=np.repeat([np.inf, -np.inf], LANES),
            status=np.zeros(4, dtype=np.int64),
            histogram=np.zeros(COPIES * 2 * (len(edges) - 1), dtype=np.int64),
            bins=np.zeros(COPIES * 2 * n_reliability, dtype=np.int64),
            confidences=np.zeros(COPIES * n_reliability),
            pairs=np.zeros(COPIES * n_classes**2 if confusion else 0, dtype=np.int64),
            counts=np.zeros(n_classes if by_class else 0, dtype=np.int64),
            losses=np.zeros(COPIES * n_classes if by_class else 0),
            shares=np.zeros(_n_shares(block) if by_class else 0),
            clipped=np.zeros(len(limits), dtype=np.int64),
            top=np.empty(len(block)),
            rows=np.empty(len(block), dtype=np.int64),
            found=np.zeros(1, dtype=np.int64),
            tile=np.zeros(2 * LANES),
            cells=np.zeros(4 * LANES, dtype=np.int32),
        )
        add_up(
            block,
            rows.start,
            labels,
            known is not None,
            tolerance,
            status,
            bars[0],
            n_top,
            bins,
            some,
            room,
        )
        losses, whose = _largest(some.top[: some.found[0]], some.rows[: some.found[0]], n_top)
        if len(losses) >= n_top:
            bars[0] = max(bars[0], float(losses.min()))
        return some._replace(top=losses, rows=whose)

    blocks = in_threads(batch.scores, batch.scale, work)
    return _together(blocks, columns, status, n_top)


def _n_shares(block: npt.NDArray[Any]) -> int:
    """Places for the sums of probabilities; those of one column follow from another sum."""
    width = int(block.shape[1])
    if width == 1:
        return 0
    return width * LANES if width <= NARROW else -(-width // LANES) * LANES


def _largest(
    losses: FloatVector, rows: npt.NDArray[np.int64], n_top: int
) -> tuple[FloatVector, npt.NDArray[np.int64]]:
    """The largest losses, and all that tie with the last of them."""
    if len(losses) > n_top:
        some = losses >= np.partition(losses, -n_top)[-n_top]
        return losses[some], rows[some]
    return losses.copy(), rows.copy()


def _together(
    blocks: list[Totals], columns: int, row_status: npt.NDArray[np.uint8], n_top: int
) -> Sums:
    def added(name: str, copies: int = COPIES) -> npt.NDArray[Any]:
        parts = np.stack([getattr(some, name) for some in blocks])
        flat: npt.NDArray[Any] = parts.reshape(len(blocks) * copies, -1).sum(axis=0)
        return flat

    sums = added("sums", 1).reshape(SUMS, LANES).sum(axis=1)
    status = added("status", 1)
    n = int(status[0])
    histogram, hits = added("histogram").reshape(2, -1), added("bins").reshape(2, -1)
    losses_by_outcome = sums[[LOSS_WRONG, LOSS_RIGHT]]
    counts = histogram.sum(axis=1).astype(np.float64)
    totals = [n, n, losses_by_outcome.sum()]
    totals += sums[[SQUARED, ENTROPY, VARIANCE, EXCESS_SQUARED, BRIER]].tolist()
    losses_by_class, pairs = added("losses"), added("pairs")
    n_classes = len(losses_by_class)
    pairs = pairs.reshape(n_classes, -1) if pairs.size else pairs.reshape(0, 0)
    members = pairs.sum(axis=1) if pairs.size else added("counts", 1)
    shares = np.zeros(n_classes)
    if columns == 1:
        shares[:] = n - sums[SECOND_CLASS], sums[SECOND_CLASS]
    elif n_classes:
        lanes = LANES if columns <= NARROW else 1
        shares[:] = added("shares", 1).reshape(-1, lanes).sum(axis=1)[:n_classes]
    extremes = np.stack([some.extremes.reshape(2, LANES) for some in blocks])
    losses, rows = _largest(
        np.concatenate([some.top for some in blocks]),
        np.concatenate([some.rows for some in blocks]),
        n_top,
    )
    return Sums(
        status=status,
        totals=np.array(totals),
        outcomes=np.stack([counts, counts, losses_by_outcome], axis=1),
        by_class=np.stack([members, losses_by_class, shares]),
        confusion=pairs,
        histogram=histogram,
        reliability=np.stack([hits.sum(axis=0), added("confidences"), hits[1]]),
        clipped=added("clipped", 1),
        extremes=np.array([extremes[:, 0].min(), extremes[:, 1].max()]),
        losses=losses,
        rows=rows,
        row_status=row_status,
    )
