"""All statistics of every row in one pass."""

# What compiled functions take is settled when they are compiled, for each kind of array anew;
# compiled calls know no keywords; and of NaN, max() would keep the wrong argument.
# ruff: noqa: ANN401, FURB136, PLR0917
from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from whyloss.measures.kernels.arithmetic import exp, half, log1p
from whyloss.measures.kernels.layout import (
    BRIER,
    CONFIDENCE,
    ENTROPY,
    FIELDS,
    FIRST,
    FLOAT_SLOTS,
    LANES,
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
    STATUS,
    TOP,
    TRUE,
    VARIANCE,
    WHOLE_SLOTS,
)
from whyloss.measures.kernels.sums import OPTIONS, tile_sums

# As in RowStatus of per_sample.py, which numba cannot read.
OK, NON_FINITE, NOT_A_DISTRIBUTION, INFINITE_LOSS = (np.int32(code) for code in range(4))


@njit(**OPTIONS)
def widen(halves: Any, singles: Any) -> None:
    """Turn float16, viewed as uint16 and flat, into float32."""
    for k in range(len(halves)):
        singles[k] = half(halves[k])


@njit(**OPTIONS)
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
    values : ndarray of float64, shape (FIELDS, ...)
    y_pred, rank : ndarrays of int32
    status : ndarray of uint8
    """
    n, width = block.shape
    slots = np.zeros(FLOAT_SLOTS * LANES, block.dtype)
    whole = np.zeros(WHOLE_SLOTS * LANES, np.int32)
    columns = np.zeros(width * LANES if width <= NARROW else 0, block.dtype)
    for start in range(0, n, LANES):
        tile = block[start : start + LANES]
        first, last = at + start, at + start + len(tile)
        tile_sums(tile, y_true[first:last], columns, slots, whole)
        _copy(status[first:last], whole[STATUS * LANES : (STATUS + 1) * LANES])
        _check(checked, block.dtype.type(tolerance), slots, whole)
        finish(slots, whole)
        for field in range(FIELDS):
            _copy(slots[field * LANES : (field + 1) * LANES], values[field][first:last])
        _copy(whole[TOP * LANES : (TOP + 1) * LANES], y_pred[first:last])
        _copy(whole[RANK * LANES : (RANK + 1) * LANES], rank[first:last])
        _copy(whole[STATUS * LANES : (STATUS + 1) * LANES], status[first:last])


@njit(**OPTIONS)
def _copy(source: Any, into: Any) -> None:
    """As many as both have room for."""
    for j in range(min(len(source), len(into))):
        into[j] = source[j]


@njit(**OPTIONS)
def _check(checked: bool, tolerance: float, slots: Any, whole: Any) -> None:
    """Find the rows that are no prediction."""
    if checked:
        return
    one = slots.dtype.type(1)
    limit = slots.dtype.type(np.inf)
    zero = slots.dtype.type(0)
    for j in range(LANES):
        peak, rest = slots[PEAK * LANES + j], slots[REST * LANES + j]
        total = exp(min(peak, one), zero) * (one + rest)
        code = NOT_A_DISTRIBUTION if abs(total - one) > tolerance else OK
        finite = (abs(peak) < limit) & (rest < limit)  # false for NaN
        whole[STATUS * LANES + j] = code if finite else NON_FINITE


@njit(**OPTIONS)
def finish(slots: Any, whole: Any) -> None:
    """Turn the sums of a tile into results, in place."""
    kind = slots.dtype.type
    zero, one = kind(0), kind(1)
    infinite, missing = kind(np.inf), kind(np.nan)
    for j in range(LANES):
        own, rest = slots[OWN * LANES + j], slots[REST * LANES + j]
        shares, second = slots[SHARES * LANES + j], slots[SECOND * LANES + j]
        part = one / (one + rest)  # the largest probability
        log_total = log1p(rest)
        loss = log_total - own
        mean = slots[FIRST * LANES + j] * part
        variance = slots[SQUARE * LANES + j] * part - mean * mean
        # Where the true class won, 1 - p is the rest: nothing cancels.
        won = whole[TRUE * LANES + j] == whole[TOP * LANES + j]
        w_own = exp(own, zero)
        missed = rest * part if won else one - w_own * part
        others = shares if won else one + shares - w_own * w_own
        brier = missed * missed + others * part * part
        code = whole[STATUS * LANES + j]
        known = (code == OK) | (code == INFINITE_LOSS)
        slots[LOG_LOSS * LANES + j] = loss if known else missing
        slots[CONFIDENCE * LANES + j] = part if known else missing
        slots[ENTROPY * LANES + j] = log_total - mean if known else missing
        slots[VARIANCE * LANES + j] = (variance if variance > zero else zero) if known else missing
        slots[MARGIN * LANES + j] = second - own if known else missing
        slots[BRIER * LANES + j] = brier if known else missing
        whole[STATUS * LANES + j] = INFINITE_LOSS if known & (loss == infinite) else code
        whole[TOP * LANES + j] = whole[TOP * LANES + j] if known else np.int32(-1)
        whole[RANK * LANES + j] = whole[RANK * LANES + j] if known else np.int32(-1)
