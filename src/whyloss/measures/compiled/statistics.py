"""All statistics of every row in one pass."""

# What compiled functions take is settled when they are compiled, for each kind of array anew;
# compiled calls know no keywords.
# ruff: noqa: ANN401, PLR0917

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from whyloss.measures.compiled.arithmetic import INNER, KERNEL, RARE, exp, half, log1p, lowest
from whyloss.measures.compiled.layout import (
    BRIER,
    CONFIDENCE,
    ENTROPY,
    FIRST,
    LOG_LOSS,
    MARGIN,
    OWN,
    PEAK,
    RANK,
    REST,
    SECOND,
    SHARES,
    SQUARE,
    TOP,
    TRUE,
    VARIANCE,
)
from whyloss.measures.compiled.sums import sums
from whyloss.measures.compiled.vectors import LANES, convert, load, splat, store, where

# As in RowStatus of per_sample.py, which numba cannot read.
OK, NON_FINITE, NOT_A_DISTRIBUTION, INFINITE_LOSS = (np.int32(code) for code in range(4))


@njit(**KERNEL)
def widen(halves: Any, singles: Any) -> None:
    """Turn float16, viewed as uint16 and flat, into float32."""
    for k in range(len(halves)):
        singles[k] = half(halves[k])


@njit(**KERNEL)
def statistics(
    block: Any,
    at: int,
    y_true: Any,
    checked: bool,
    tolerance: float,
    values: Any,
    y_pred: Any,
    rank: Any,
    status: Any,
    scratch: Any,
) -> None:
    """Score a block of rows.

    Parameters
    ----------
    block : ndarray of float32 or float64, shape (n_rows, n_columns)
        Logits; one column z stands for (0, z).
    at : int
        Where the block starts in the arrays that follow, which hold all rows.
    y_true : ndarray of int32
    checked : bool
        Whether `status` says already which rows are no prediction.
    tolerance : float
        How far from 1 the exponentials may sum; infinite where they need not.
    values : ndarray of float64, shape (FIELDS * number of all rows,)
    y_pred, rank : ndarrays of int32
    status : ndarray of uint8
    scratch : Scratch
    """
    n, width = block.shape
    flat, rows = block.reshape(-1), len(y_pred)
    room, slots, whole, starts, labels, known, wide = scratch
    for start in range(0, n, LANES):
        place, count = at + start, min(LANES, n - start)
        take(start, count, width, starts)
        copy(y_true, place, count, labels)
        copy(status, place, count, known)
        sums(flat, starts, labels, width, room, slots, whole)
        code = rows_status(checked, tolerance, known, slots)
        code, found = finish(code, slots, whole)
        loss, confidence, entropy, variance, margin, brier = found
        _put(values, LOG_LOSS * rows + place, count, loss, wide)
        _put(values, CONFIDENCE * rows + place, count, confidence, wide)
        _put(values, ENTROPY * rows + place, count, entropy, wide)
        _put(values, VARIANCE * rows + place, count, variance, wide)
        _put(values, MARGIN * rows + place, count, margin, wide)
        _put(values, BRIER * rows + place, count, brier, wide)
        scored = (code == OK) | (code == INFINITE_LOSS)
        _put(y_pred, place, count, where(scored, load(whole, TOP * LANES), -1), labels)
        _put(rank, place, count, where(scored, load(whole, RANK * LANES), -1), labels)
        _put(status, place, count, code, known)


@njit(**INNER)
def take(start: int, count: int, width: int, starts: Any) -> None:
    """Places of `count` rows that follow each other; the last one fills what remains."""
    for j in range(LANES):
        starts[j] = (start + min(j, count - 1)) * width


@njit(**INNER)
def copy(source: Any, at: int, count: int, into: Any) -> None:
    """Copy `count` values, LANES at most; the rest of `into` stays as it is."""
    if count == LANES:
        store(into, 0, load(source, at))
    else:
        _move(source, at, count, into, 0)


@njit(**INNER)
def _put(into: Any, at: int, count: int, value: Any, room: Any) -> None:
    """Write the first `count` lanes."""
    number = convert(value, room.dtype.type(0))
    if count == LANES:
        store(into, at, number)
    else:
        store(room, 0, number)
        _move(room, 0, count, into, at)


@njit(**RARE)
def _move(source: Any, start: int, count: int, into: Any, at: int) -> None:
    for j in range(count):
        into[at + j] = source[start + j]


@njit(**INNER)
def rows_status(checked: bool, tolerance: float, known: Any, slots: Any) -> Any:
    """Status of LANES rows, as `known` has it or as their sums tell."""
    if checked:
        return convert(load(known, 0), np.int32(0))
    peak, rest = load(slots, PEAK * LANES), load(slots, REST * LANES)
    first = load(slots, FIRST * LANES)  # NaN where any class is
    finite = (peak < np.inf) & (peak > -np.inf) & (first == first)  # noqa: PLR0124
    if tolerance == np.inf:
        return where(finite, splat(OK), NON_FINITE)
    bounded = where(peak > 1.0, 1.0, where(peak < lowest(peak), lowest(peak), peak))
    off = exp(bounded, peak - peak) * (rest + 1.0) - 1.0
    fits = (off <= tolerance) & (off >= -tolerance)
    return where(finite, where(fits, splat(OK), NOT_A_DISTRIBUTION), NON_FINITE)


@njit(**INNER)
def finish(code: Any, slots: Any, whole: Any) -> Any:
    """Status and results of LANES rows, in the order of the table of results.

    NaN where the row is no prediction.
    """
    own, rest = load(slots, OWN * LANES), load(slots, REST * LANES)
    shares = load(slots, SHARES * LANES)
    y, top = load(whole, TRUE * LANES), load(whole, TOP * LANES)
    won = y == top
    part = 1.0 / (rest + 1.0)  # the largest probability
    log_total = log1p(rest)
    loss = log_total - own
    mean = load(slots, FIRST * LANES) * part
    variance = load(slots, SQUARE * LANES) * part - mean * mean
    # Where the true class won, 1 - p is the rest: nothing cancels.
    sunk = own < lowest(own)
    w_own = where(sunk, 0.0, exp(where(sunk, lowest(own), own), own - own))
    missed = where(won, rest * part, 1.0 - w_own * part)
    others = where(won, shares, shares + 1.0 - w_own * w_own)
    brier = missed * missed + others * part * part
    margin = where(won, load(slots, SECOND * LANES) - own, -own)
    known = (code == OK) | (code == INFINITE_LOSS)
    code = where(known & (loss == np.inf), INFINITE_LOSS, code)
    return code, (
        where(known, loss, np.nan),
        where(known, part, np.nan),
        where(known, log_total - mean, np.nan),
        where(known, where(variance > 0.0, variance, 0.0), np.nan),
        where(known, margin, np.nan),
        where(known, brier, np.nan),
    )
