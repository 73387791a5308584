"""All statistics of every row in one pass."""

# The types of arguments are known when a function is compiled, for each type of array anew;
# compiled calls know no keywords.
# ruff: noqa: ANN401, PLR0917

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from whyloss.measures.compiled.arithmetic import INNER, KERNEL, LOOP, OPTIONS, exp, log1p, lowest
from whyloss.measures.compiled.layout import (
    BRIER,
    CODE,
    CONFIDENCE,
    ENTROPY,
    FIELDS,
    FIRST,
    LOG_LOSS,
    MARGIN,
    NARROW,
    OWN,
    PEAK,
    RANK,
    REST,
    SECOND,
    SHARES,
    SQUARE,
    TILE,
    TOP,
    TRUE,
    VARIANCE,
)
from whyloss.measures.compiled.sums import narrow_sums, wide_sums

# As in RowStatus, which numba cannot read.
OK, NON_FINITE, NOT_A_DISTRIBUTION, INFINITE_LOSS = (np.int32(code) for code in range(4))


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
    values : ndarray of float64, shape (FIELDS, number of all rows)
    y_pred, rank : ndarrays of int32
    status : ndarray of uint8
    scratch : Scratch
    """
    n, width = block.shape
    integers, found = scratch.integers, scratch.found
    for start in range(0, n, TILE):
        place, count = at + start, min(TILE, n - start)
        rows = slice(place, place + count)
        read(y_true[rows], status[rows], integers)
        if width <= NARROW:
            narrow_sums(block, start, count, scratch)
        else:
            for j in range(count):
                wide_sums(block[start + j], j, scratch)
        finish(checked, tolerance, scratch)
        # Slices, because only an index that starts at 0 is vectorised.
        for field in range(FIELDS):
            row = values[field, rows]
            for j in range(count):
                row[j] = found[field * TILE + j]
        pred, ranks, codes = y_pred[rows], rank[rows], status[rows]
        for j in range(count):
            pred[j] = integers[TOP * TILE + j]
        for j in range(count):
            ranks[j] = integers[RANK * TILE + j]
        for j in range(count):
            codes[j] = integers[CODE * TILE + j]


@njit(**OPTIONS)
def read(y_true: Any, status: Any, integers: Any) -> None:
    """Copy the true class and the status of the rows of a tile into their slots.

    Parameters
    ----------
    y_true : ndarray of int32, shape (n_rows,)
        At most TILE rows.
    status : ndarray of uint8, shape (n_rows,)
    integers : ndarray of int32
        Of :class:`Scratch`.
    """
    for j in range(len(y_true)):
        integers[TRUE * TILE + j] = y_true[j]
    for j in range(len(status)):
        integers[CODE * TILE + j] = status[j]


@njit(**INNER)
def row_status(peak: Any, rest: Any, first: Any, tolerance: float) -> Any:
    """Status of a row, from its sums.

    Parameters
    ----------
    peak, rest, first : float
        As in :mod:`whyloss.measures.compiled.layout`; `first` is NaN where any class is.
    tolerance : float
        As for :func:`statistics`.

    Returns
    -------
    int32
    """
    finite = (peak < np.inf) & (peak > -np.inf) & (first == first)  # noqa: PLR0124
    bounded = min(max(peak, lowest(peak)), type(peak)(1))
    off = exp(bounded, peak - peak) * (rest + type(peak)(1)) - type(peak)(1)
    fits = (off <= tolerance) & (off >= -tolerance)
    return NON_FINITE if not finite else (OK if fits else NOT_A_DISTRIBUTION)


@njit(**LOOP)
def finish(checked: bool, tolerance: float, scratch: Any) -> None:
    """Fill the results and the status of a tile from its sums.

    The results are NaN, and the classes and ranks -1, where the row is no prediction.

    Parameters
    ----------
    checked : bool
    tolerance : float
        As for :func:`statistics`.
    scratch : Scratch
    """
    slots, integers, found = scratch.slots, scratch.integers, scratch.found
    real = slots.dtype.type
    zero, one, low = real(0), real(1), lowest(real(0))
    if not checked:
        _check(tolerance, slots, integers)
    # Several short loops: of a long one, few iterations can be under way at once.
    for j in range(TILE):
        found[LOG_LOSS * TILE + j] = log1p(slots[REST * TILE + j])
    for j in range(TILE):
        own = slots[OWN * TILE + j]
        w_own = exp(low if own < low else own, zero)
        found[BRIER * TILE + j] = zero if own < low else w_own
    for j in range(TILE):
        code = integers[CODE * TILE + j]
        known = (code == OK) | (code == INFINITE_LOSS)
        slots[PEAK * TILE + j] = zero if known else real(np.nan)
    for j in range(TILE):
        own, rest = slots[OWN * TILE + j], slots[REST * TILE + j]
        shares, nan = slots[SHARES * TILE + j], slots[PEAK * TILE + j]
        log_total, w_own = found[LOG_LOSS * TILE + j], found[BRIER * TILE + j]
        won = integers[TRUE * TILE + j] == integers[TOP * TILE + j]
        part = one / (rest + one)  # the largest probability
        mean = slots[FIRST * TILE + j] * part
        variance = slots[SQUARE * TILE + j] * part - mean * mean
        # Where the true class won, 1 - p is the rest: nothing cancels.
        missed = rest * part if won else one - w_own * part
        others = shares if won else shares + one - w_own * w_own
        found[LOG_LOSS * TILE + j] = log_total - own + nan
        found[CONFIDENCE * TILE + j] = part + nan
        found[ENTROPY * TILE + j] = log_total - mean + nan
        found[VARIANCE * TILE + j] = (variance if variance > zero else zero) + nan
        found[MARGIN * TILE + j] = (slots[SECOND * TILE + j] if won else zero) - own + nan
        found[BRIER * TILE + j] = missed * missed + others * part * part + nan
    for j in range(TILE):
        code = integers[CODE * TILE + j]
        infinite = found[LOG_LOSS * TILE + j] == np.inf
        integers[CODE * TILE + j] = INFINITE_LOSS if infinite else code
        known = (code == OK) | (code == INFINITE_LOSS)
        integers[TOP * TILE + j] = integers[TOP * TILE + j] if known else np.int32(-1)
        integers[RANK * TILE + j] = integers[RANK * TILE + j] if known else np.int32(-1)


@njit(**LOOP)
def _check(tolerance: float, slots: Any, integers: Any) -> None:
    for j in range(TILE):
        peak, rest = slots[PEAK * TILE + j], slots[REST * TILE + j]
        integers[CODE * TILE + j] = row_status(peak, rest, slots[FIRST * TILE + j], tolerance)
