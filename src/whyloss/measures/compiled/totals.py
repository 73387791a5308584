"""Sums of a summary over the samples, in one pass that keeps no results of single samples."""

# The types of arguments are known when a function is compiled, for each type of array anew;
# compiled calls know no keywords.
# ruff: noqa: ANN401, PLR0917

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from whyloss.measures.compiled.arithmetic import KERNEL, LOOP, OPTIONS, REDUCTION
from whyloss.measures.compiled.layout import (
    BRIER,
    CODE,
    CONFIDENCE,
    ENTROPY,
    FIRST,
    LOG_LOSS,
    NARROW,
    OWN,
    PEAK,
    REST,
    TILE,
    TOP,
    TRUE,
    VARIANCE,
)
from whyloss.measures.compiled.statistics import OK, finish, read, row_status
from whyloss.measures.compiled.sums import narrow_sums, wide_sums

# Places in the vector of sums.
(
    SUM_LOSS_RIGHT,
    SUM_LOSS_WRONG,
    SUM_SQUARED,
    SUM_ENTROPY,
    SUM_VARIANCE,
    SUM_EXCESS_SQUARED,
    SUM_BRIER,
) = range(7)
SUMS = 7

# Cells that a loss is looked up in: its exponent and the three highest bits of its fraction.
# They are narrower than the bins of the histogram, so that at most one edge lies within each.
_KEPT_BITS = 49
_RAISED = 4096  # rows after which the threshold for the largest losses is raised


class Bins(NamedTuple):
    """Where a loss falls in the histogram.

    Attributes
    ----------
    edges : ndarray of float64
        Edges of the bins, from 0 to infinity.
    lowest : int
        Number of the first cell.
    base : ndarray of int64
        Bin of the lower end of each cell.
    step : ndarray of float64
        Loss from which on it is the next bin.
    limits : ndarray of float64
        Losses that are counted one by one, smallest first.
    limit_width : float
        How close to one counts.
    """

    edges: npt.NDArray[np.float64]
    lowest: int
    base: npt.NDArray[np.int64]
    step: npt.NDArray[np.float64]
    limits: npt.NDArray[np.float64]
    limit_width: float


def bins_of(
    edges: npt.NDArray[np.float64], limits: npt.NDArray[np.float64], limit_width: float
) -> Bins:
    """Look-up table of a histogram.

    Parameters
    ----------
    edges : ndarray of float64
        From 0 to infinity; each but the first is at least 9/8 of the one before.
    limits : ndarray of float64
    limit_width : float
        As for :class:`Bins`.

    Returns
    -------
    Bins
    """
    ends = edges[[1, -2]].view(np.int64) >> _KEPT_BITS
    cells = np.arange(ends[0], ends[1] + 2)
    lower = (cells << _KEPT_BITS).view(np.float64)
    base = np.searchsorted(edges, lower, side="right") - 1
    base[0] = 0  # of all losses below, too
    return Bins(edges, int(cells[0]), base, edges[base + 1], limits, limit_width)


class Totals(NamedTuple):
    """Sums over the scored rows of one block.

    Attributes
    ----------
    sums : ndarray of float64, shape (SUMS,)
    extremes : ndarray of float64, shape (2,)
        Smallest and largest loss.
    status : ndarray of int64, shape (4,)
        Rows by status.
    histogram : ndarray of int64, shape (2, n_bins)
        Wrong and right rows by their loss.
    bins : ndarray of int64, shape (2, n_reliability_bins)
        Wrong and right rows by their confidence.
    confidences : ndarray of float64, shape (n_reliability_bins,)
        Their sums, by bin.
    pairs : ndarray of int64, shape (n_classes, n_classes), or (0, 0)
        Rows by true and predicted class.
    counts : ndarray of int64, shape (n_classes,), or empty
        Rows by true class.
    losses : ndarray of float64, shape (n_classes,), or empty
        Sums of the loss by true class.
    shares : ndarray of float64, shape (n_classes,), or empty
        Sums of the probabilities of each class.
    clipped : ndarray of int64, shape (n_limits,)
        Rows whose loss is close to one of the clipping limits.
    top : ndarray of float64, shape (n_rows,)
        Losses that reach the threshold, and in `rows` their rows.
    rows : ndarray of int64
    n_top : ndarray of int64, shape (1,)
        Number of these.
    """

    sums: npt.NDArray[np.float64]
    extremes: npt.NDArray[np.float64]
    status: npt.NDArray[np.int64]
    histogram: npt.NDArray[np.int64]
    bins: npt.NDArray[np.int64]
    confidences: npt.NDArray[np.float64]
    pairs: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    losses: npt.NDArray[np.float64]
    shares: npt.NDArray[np.float64]
    clipped: npt.NDArray[np.int64]
    top: npt.NDArray[np.float64]
    rows: npt.NDArray[np.int64]
    n_top: npt.NDArray[np.int64]


@njit(**KERNEL)
def add_up(
    block: Any,
    at: int,
    y_true: Any,
    checked: bool,
    tolerance: float,
    status: Any,
    threshold: float,
    wanted: int,
    bins: Any,
    totals: Any,
    scratch: Any,
) -> None:
    """Add a block of rows.

    Parameters
    ----------
    block : ndarray of float32 or float64, shape (n_rows, n_columns)
        Logits; one column z stands for (0, z).
    at : int
        Where the block starts in the arrays that hold all rows.
    y_true : ndarray of int32
    checked : bool
        Whether `status` says already which rows are no prediction.
    tolerance : float
        How far from 1 the exponentials may sum; infinite where they need not.
    status : ndarray of uint8
        Of all rows; filled, or read where `checked`.
    threshold : float
        Losses below it are not among the largest ones.
    wanted : int
        Number of the largest losses to keep, at least.
    bins : Bins
    totals : Totals
        Of zeros; changed in place.
    scratch : Scratch
    """
    n, width = block.shape
    integers = scratch.integers
    next_raise = _RAISED
    for start in range(0, n, TILE):
        place, count = at + start, min(TILE, n - start)
        rows = slice(place, place + count)
        read(y_true[rows], status[rows], integers)
        if width <= NARROW:
            narrow_sums(block, start, count, scratch)
        else:
            for j in range(count):
                wide_sums(block[start + j], j, scratch)
                if len(totals.shares):
                    _add_wide_shares(checked, tolerance, j, totals.shares, scratch)
        finish(checked, tolerance, scratch)
        _add_sums(count, totals.sums, scratch)
        if width <= NARROW and len(totals.shares):
            _add_narrow_shares(count, totals.shares, scratch)
        for j in range(count):
            code = integers[CODE * TILE + j]
            status[place + j] = code
            totals.status[code] += 1
            if code == OK:
                _count(j, place + j, threshold, bins, totals, scratch)
        if start >= next_raise:
            next_raise += _RAISED
            threshold = _raised(threshold, wanted, bins, totals)


@njit(**REDUCTION)
def _add_sums(count: int, sums: Any, scratch: Any) -> None:
    integers, found = scratch.integers, scratch.found
    right = wrong = squared = entropies = variances = excess = brier = 0.0
    for j in range(count):
        ok = integers[CODE * TILE + j] == OK
        won = integers[TRUE * TILE + j] == integers[TOP * TILE + j]
        loss = np.float64(found[LOG_LOSS * TILE + j]) if ok else 0.0
        entropy = np.float64(found[ENTROPY * TILE + j]) if ok else 0.0
        right += loss if won else 0.0
        wrong += 0.0 if won else loss
        squared += loss * loss
        entropies += entropy
        variances += np.float64(found[VARIANCE * TILE + j]) if ok else 0.0
        excess += (loss - entropy) * (loss - entropy)
        brier += np.float64(found[BRIER * TILE + j]) if ok else 0.0
    sums[SUM_LOSS_RIGHT] += right
    sums[SUM_LOSS_WRONG] += wrong
    sums[SUM_SQUARED] += squared
    sums[SUM_ENTROPY] += entropies
    sums[SUM_VARIANCE] += variances
    sums[SUM_EXCESS_SQUARED] += excess
    sums[SUM_BRIER] += brier


@njit(**REDUCTION)
def _add_narrow_shares(count: int, shares: Any, scratch: Any) -> None:
    """Add the probabilities of a tile of narrow rows, from w of each class."""
    weights, integers, found = scratch.weights, scratch.integers, scratch.found
    for k in range(len(shares)):
        total = 0.0
        for j in range(count):
            part = found[CONFIDENCE * TILE + j]
            won = integers[TOP * TILE + j] == np.int32(k)
            share = np.float64(1 if won else weights[k * TILE + j]) * np.float64(part)
            total += share if integers[CODE * TILE + j] == OK else 0.0
        shares[k] += total


@njit(**LOOP)
def _add_wide_shares(checked: bool, tolerance: float, j: int, shares: Any, scratch: Any) -> None:
    """Add the probabilities of the wide row in place `j`, if its loss is finite."""
    weights, slots, integers = scratch.weights, scratch.slots, scratch.integers
    code = integers[CODE * TILE + j]
    rest = slots[REST * TILE + j]
    if not checked:
        code = row_status(slots[PEAK * TILE + j], rest, slots[FIRST * TILE + j], tolerance)
    if code == OK and slots[OWN * TILE + j] > -np.inf:
        part = 1.0 / (1.0 + rest)
        for k in range(len(weights)):
            shares[k] += weights[k] * part
        shares[integers[TOP * TILE + j]] += part  # its weight is 0


@njit(**OPTIONS)
def _count(j: int, row: int, threshold: float, bins: Any, totals: Any, scratch: Any) -> None:
    """Count the scored row in place `j` of a tile where it belongs."""
    loss = np.float64(scratch.found[LOG_LOSS * TILE + j])
    confidence = np.float64(scratch.found[CONFIDENCE * TILE + j])
    y, top = scratch.integers[TRUE * TILE + j], scratch.integers[TOP * TILE + j]
    won = int(y == top)
    totals.histogram[won, _bin_of(loss, bins)] += 1
    n_bins = len(totals.confidences)
    bin_ = min(int(confidence * n_bins), n_bins - 1)
    totals.bins[won, bin_] += 1
    totals.confidences[bin_] += confidence
    totals.extremes[0] = min(totals.extremes[0], loss)
    totals.extremes[1] = max(totals.extremes[1], loss)
    if len(totals.pairs):
        totals.pairs[y, top] += 1
    if len(totals.counts):
        totals.counts[y] += 1
        totals.losses[y] += loss
    if loss >= threshold:
        totals.top[totals.n_top[0]] = loss
        totals.rows[totals.n_top[0]] = row
        totals.n_top[0] += 1
    if loss > bins.limits[0] - bins.limit_width:
        for c in range(len(bins.limits)):
            totals.clipped[c] += abs(loss - bins.limits[c]) < bins.limit_width


@njit(**OPTIONS)
def _bin_of(loss: float, bins: Any) -> Any:
    cell = (np.float64(loss).view(np.int64) >> _KEPT_BITS) - bins.lowest
    cell = max(0, min(cell, len(bins.base) - 1))
    return bins.base[cell] + (loss >= bins.step[cell])


@njit(**OPTIONS)
def _raised(threshold: float, wanted: int, bins: Any, totals: Any) -> Any:
    """Threshold that enough losses have reached already."""
    seen = 0
    for bin_ in range(len(bins.edges) - 2, -1, -1):
        seen += totals.histogram[0, bin_] + totals.histogram[1, bin_]
        if seen >= wanted:
            return max(threshold, bins.edges[bin_])
    return threshold
