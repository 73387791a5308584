"""What a summary adds up over the samples, in one pass that writes nothing of the single ones."""

# What compiled functions take is settled when they are compiled, for each kind of array anew;
# compiled calls know no keywords.
# ruff: noqa: ANN401, PLR0917

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from whyloss.measures.compiled.arithmetic import INNER, KERNEL
from whyloss.measures.compiled.layout import NARROW, OWN, REST, TOP, TRUE
from whyloss.measures.compiled.statistics import OK, copy, finish, rows_status, take
from whyloss.measures.compiled.sums import narrow_sums, wide_row
from whyloss.measures.compiled.vectors import (
    LANES,
    bits,
    bump,
    convert,
    get,
    load,
    numbers,
    store,
    total,
    where,
)

# Places of LANES partial sums.
LOSS_RIGHT, LOSS_WRONG, SQUARED, ENTROPY, VARIANCE, EXCESS_SQUARED, BRIER, SECOND_CLASS = range(8)
SUMS = 8

# Cells that a loss is looked up in: its exponent and the three highest bits of its fraction.
# They are narrower than the bins of the histogram, so that at most one edge lies within each.
_KEPT_BITS = 49
# Rows that follow each other often fall into the same place, and would wait for each other.
COPIES = 4
_COUNTED = 4096  # rows after which the bar for the largest losses is set anew


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
    """Look-up table of a histogram whose edges are more than an eighth of themselves apart."""
    ends = edges[[1, -2]].view(np.int64) >> _KEPT_BITS
    cells = np.arange(ends[0], ends[1] + 2)
    lower = (cells << _KEPT_BITS).view(np.float64)
    base = np.searchsorted(edges, lower, side="right") - 1
    base[0] = 0  # of all losses below, too
    return Bins(edges, int(cells[0]), base, edges[base + 1], limits, limit_width)


class Totals(NamedTuple):
    """Sums over the scored rows of one block; all arrays are flat.

    Attributes
    ----------
    sums : ndarray of float64, shape (SUMS * LANES,)
    extremes : ndarray of float64, shape (2 * LANES,)
        Smallest and largest losses.
    status : ndarray of int64, shape (4,)
        Rows by status.
    histogram : ndarray of int64, shape (COPIES * 2 * n_bins,)
        Wrong and right rows by their loss.
    bins : ndarray of int64, shape (COPIES * 2 * n_reliability_bins,)
        Wrong and right rows by their confidence.
    confidences : ndarray of float64, shape (COPIES * n_reliability_bins,)
        Their sums, by bin.
    pairs : ndarray of int64, shape (COPIES * n_classes**2,), or empty
        Rows by true and predicted class.
    counts : ndarray of int64, shape (n_classes,), or empty
        Rows by true class, where `pairs` does not say it.
    losses : ndarray of float64, shape (COPIES * n_classes,), or empty
        By true class.
    shares : ndarray of float64, shape (n_classes * LANES,) of narrow rows, or empty
        Sums of the probabilities of each class; of wide rows, one for each class.
    clipped : ndarray of int64, shape (n_limits,)
        Rows whose loss is close to one of the clipping limits.
    top : ndarray of float64, shape (n_rows,)
        Losses not below the bar, and in `rows` whose they are.
    rows : ndarray of int64
    found : ndarray of int64, shape (1,)
        How many these are.
    tile, cells : ndarrays of float64 and int32, shapes (2 * LANES,) and (4 * LANES,)
        Working memory.
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
    found: npt.NDArray[np.int64]
    tile: npt.NDArray[np.float64]
    cells: npt.NDArray[np.int32]


@njit(**KERNEL)
def add_up(
    block: Any,
    at: int,
    y_true: Any,
    checked: bool,
    tolerance: float,
    status: Any,
    bar: float,
    wanted: int,
    bins: Any,
    totals: Any,
    scratch: Any,
) -> None:
    """Add a block of rows.

    Parameters
    ----------
    block, at, y_true, checked, tolerance
        As in :func:`whyloss.measures.compiled.statistics.statistics`.
    status : ndarray of uint8
        Of all rows; filled, or read where `checked`.
    bar : float
        Losses below it are not among the largest ones.
    wanted : int
        Number of the largest losses to keep, at least.
    bins : Bins
    totals : Totals
        Of zeros; changed in place.
    scratch : Scratch
    """
    n, width = block.shape
    flat = block.reshape(-1)
    room, slots, whole, starts, labels, known, _ = scratch
    unlooked = 0
    for start in range(0, n, LANES):
        place, count = at + start, min(LANES, n - start)
        take(start, count, width, starts)
        copy(y_true, place, count, labels)
        copy(status, place, count, known)
        if width <= NARROW:
            narrow_sums(flat, starts, labels, width, room, slots, whole)
        else:
            for j in range(count):
                wide_row(flat, starts[j], width, labels[j], j, room, slots, whole)
                if len(totals.shares):
                    code = rows_status(checked, tolerance, known, slots)
                    _add_row(room, (code == OK) & (numbers() == j), j, slots, whole, totals)
        code, found = finish(rows_status(checked, tolerance, known, slots), slots, whole)
        live = numbers() < count
        ok = (code == OK) & live
        if total(ok) == LANES:
            store(status, place, convert(code, np.uint8(0)))
            totals.status[OK] += LANES
        else:
            store(known, 0, convert(code, np.uint8(0)))
            for j in range(count):
                status[place + j] = known[j]
                totals.status[known[j]] += 1
        _add_tile(ok, found, slots, whole, totals)
        if 1 < width <= NARROW and len(totals.shares):
            _add_shares(room, width, ok, found[1], load(whole, TOP * LANES), totals)
        _count(ok, count, place, found, bar, whole, bins, totals)
        unlooked += count
        if unlooked >= _COUNTED:
            unlooked = 0
            bar = _raised(bar, wanted, bins, totals)


@njit(**INNER)
def _add_tile(ok: Any, found: Any, slots: Any, whole: Any, totals: Any) -> None:
    loss, confidence, entropy, variance, _, brier = found
    top = load(whole, TOP * LANES)
    won = load(whole, TRUE * LANES) == top
    second = where(top == 1, confidence, load(slots, REST * LANES) * confidence)
    wide_loss = convert(loss, 0.0)
    excess = wide_loss - convert(entropy, 0.0)
    _gather(totals.sums, LOSS_RIGHT, ok & won, wide_loss)
    _gather(totals.sums, LOSS_WRONG, ok & ~won, wide_loss)
    _gather(totals.sums, SQUARED, ok, wide_loss * wide_loss)
    _gather(totals.sums, ENTROPY, ok, convert(entropy, 0.0))
    _gather(totals.sums, VARIANCE, ok, convert(variance, 0.0))
    _gather(totals.sums, EXCESS_SQUARED, ok, excess * excess)
    _gather(totals.sums, BRIER, ok, convert(brier, 0.0))
    _gather(totals.sums, SECOND_CLASS, ok, convert(second, 0.0))
    low, high = load(totals.extremes, 0), load(totals.extremes, LANES)
    store(totals.extremes, 0, where(ok & (wide_loss < low), wide_loss, low))
    store(totals.extremes, LANES, where(ok & (wide_loss > high), wide_loss, high))


@njit(**INNER)
def _gather(sums: Any, which: int, mask: Any, value: Any) -> None:
    store(sums, which * LANES, load(sums, which * LANES) + where(mask, value, 0.0))


@njit(**INNER)
def _add_shares(room: Any, width: int, ok: Any, part: Any, top: Any, totals: Any) -> None:
    """Add the probabilities of narrow rows, from w of each class."""
    for k in range(width):
        share = where(ok, where(top == k, part, load(room, k * LANES) * part), 0.0)
        before = load(totals.shares, k * LANES)
        store(totals.shares, k * LANES, before + convert(share, 0.0))


@njit(**INNER)
def _add_row(room: Any, mask: Any, j: int, slots: Any, whole: Any, totals: Any) -> None:
    """Add the probabilities of a wide row, if the mask has it and its loss is finite."""
    if total(mask) and slots[OWN * LANES + j] > -np.inf:
        part = 1.0 / (1.0 + slots[REST * LANES + j])
        for k in range(0, len(room), LANES):
            share = convert(load(room, k), 0.0) * part
            store(totals.shares, k, load(totals.shares, k) + share)
        totals.shares[whole[TOP * LANES + j]] += part  # its w the room lacks


@njit(**INNER)
def _count(
    ok: Any, count: int, place: int, found: Any, bar: float, whole: Any, bins: Any, totals: Any
) -> None:
    """Count single rows where they belong."""
    loss, confidence = convert(found[0], 0.0), convert(found[1], 0.0)
    y, top = load(whole, TRUE * LANES), load(whole, TOP * LANES)
    n_bins, n_classes = len(bins.edges) - 1, len(totals.losses) // COPIES
    n_reliability = len(totals.confidences) // COPIES
    n_pairs = len(totals.pairs) // COPIES
    cells = (bits(loss) >> _KEPT_BITS) - bins.lowest
    cells = where(cells < 0, 0, where(cells < len(bins.base), cells, len(bins.base) - 1))
    places = convert(where(ok, confidence, 0.0) * np.float64(n_reliability), np.int32(0))
    right = convert(y == top, np.int32(0))
    store(totals.cells, 0, convert(cells, np.int32(0)))
    store(totals.cells, LANES, where(places < n_reliability, places, n_reliability - 1))
    store(totals.cells, 2 * LANES, right)
    store(totals.cells, 3 * LANES, y * np.int32(n_classes) + top)
    store(totals.tile, 0, loss)
    store(totals.tile, LANES, confidence)
    every = total(ok) == count
    for j in range(count):
        value = get(totals.tile, j)
        if every or value < np.inf:  # neither NaN nor infinite
            copy_ = j % COPIES
            cell, bin_ = get(totals.cells, j), get(totals.cells, LANES + j)
            outcome = 2 * copy_ + get(totals.cells, 2 * LANES + j)
            into = get(bins.base, cell) + (value >= get(bins.step, cell))
            bump(totals.histogram, outcome * n_bins + into, 1)
            bump(totals.bins, outcome * n_reliability + bin_, 1)
            bump(totals.confidences, copy_ * n_reliability + bin_, get(totals.tile, LANES + j))
            if n_pairs:
                bump(totals.pairs, copy_ * n_pairs + get(totals.cells, 3 * LANES + j), 1)
            elif n_classes:
                bump(totals.counts, get(whole, TRUE * LANES + j), 1)
            if n_classes:
                bump(totals.losses, copy_ * n_classes + get(whole, TRUE * LANES + j), value)
            if value >= bar:
                totals.top[totals.found[0]] = value
                totals.rows[totals.found[0]] = place + j
                totals.found[0] += 1
            if value > bins.limits[0] - bins.limit_width:
                for c in range(len(bins.limits)):
                    totals.clipped[c] += abs(value - bins.limits[c]) < bins.limit_width


@njit(**INNER)
def _raised(bar: float, wanted: int, bins: Any, totals: Any) -> Any:
    """Bar above which there are enough losses already."""
    n_bins, seen = len(bins.edges) - 1, 0
    for bin_ in range(n_bins - 1, -1, -1):
        for part in range(2 * COPIES):
            seen += totals.histogram[part * n_bins + bin_]
        if seen >= wanted:
            return max(bar, bins.edges[bin_])
    return bar
