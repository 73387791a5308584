"""The loss under a temperature and its slopes in ``u = ln beta``, summed by fold in one pass.

Differences of logits are not compensated as in sums.py: what their rounding does to single losses,
up to 2e-6 of them, has no sign, and only sums and means are made of these.
"""

# What compiled functions take is settled when they are compiled, for each kind of array anew;
# compiled calls know no keywords; and of NaN, max() would keep the wrong argument.
# ruff: noqa: ANN401, FURB136, PLR0917

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from whyloss.measures.kernels.arithmetic import exp, log1p
from whyloss.measures.kernels.layout import (
    BETA,
    FIRST,
    FLOAT_SLOTS,
    GAUSS_NEWTON,
    GRADIENT,
    GRADIENT_SQUARED,
    LANES,
    LOSS,
    LOSS_SQUARED,
    NARROW,
    OWN,
    PEAK,
    REST,
    SQUARE,
    TOP,
    TRUE,
    WHOLE_SLOTS,
    WORST,
)
from whyloss.measures.kernels.sums import FLOOR, OPTIONS, PIECE, turn


@njit(**OPTIONS)
def slopes(
    block: Any,
    at: int,
    y_true: Any,
    top: Any,
    fold: Any,
    betas: Any,
    moments: Any,
    losses: Any,
) -> None:
    """Add a block of rows to the moments of their folds.

    Parameters
    ----------
    block : ndarray of float32 or float64, shape (n_rows, n_columns)
        Logits; one column z stands for (0, z).
    at : int
        Where the block starts in the arrays that hold all rows.
    y_true, top : ndarrays of int32
        True class, and class of the largest logit.
    fold : ndarray of int8
        Negative for rows that take no part.
    betas : ndarray of float64, shape (n_folds,)
        Inverse temperature of the rows of each fold.
    moments : ndarray of float64, shape (n_folds, MOMENTS)
        Changed in place.
    losses : ndarray of float64
        Filled with the loss of every row that takes part, unless it is empty.
    """
    n, width = block.shape
    slots = np.zeros(FLOAT_SLOTS * LANES, block.dtype)
    whole = np.zeros(WHOLE_SLOTS * LANES, np.int32)
    columns = np.zeros(width * LANES if 1 < width <= NARROW else 0, block.dtype)
    for start in range(0, n, LANES):
        tile = block[start : start + LANES]
        first, last = at + start, at + start + len(tile)
        part = fold[first:last]
        _prepare(y_true[first:last], top[first:last], part, betas, slots, whole)
        if width == 1:
            _one_column(tile, slots, whole)
        elif width <= NARROW:
            _lanes(tile, columns, slots, whole)
        else:
            for j in range(len(tile)):
                if part[j] >= 0:
                    _row(tile[j], j, slots, whole)
        _finish(slots)
        _add(slots, part, moments)
        if len(losses):
            into = losses[first:last]
            for j in range(len(into)):
                into[j] = slots[REST * LANES + j]


@njit(**OPTIONS)
def _prepare(y_true: Any, top: Any, fold: Any, betas: Any, slots: Any, whole: Any) -> None:
    for j in range(len(fold)):
        slots[BETA * LANES + j] = betas[fold[j]] if fold[j] >= 0 else 0.0
        whole[TRUE * LANES + j] = y_true[j]
        whole[TOP * LANES + j] = max(top[j], np.int32(0))


@njit(**OPTIONS)
def _add(slots: Any, fold: Any, moments: Any) -> None:
    for j in range(len(fold)):
        part = fold[j]
        if part >= 0:
            loss = np.float64(slots[REST * LANES + j])
            gradient = np.float64(slots[FIRST * LANES + j])
            moments[part, LOSS] += loss
            moments[part, GRADIENT] += gradient
            moments[part, GAUSS_NEWTON] += slots[SQUARE * LANES + j]
            moments[part, LOSS_SQUARED] += loss * loss
            moments[part, GRADIENT_SQUARED] += gradient * gradient
            moments[part, WORST] = max(moments[part, WORST], loss)


@njit(**OPTIONS)
def _row(row: Any, j: int, slots: Any, whole: Any) -> None:
    beta, top = slots[BETA * LANES + j], whole[TOP * LANES + j]
    peak = row[top]
    rest, first, square = _segment(row[:top], peak, beta)
    rest_2, first_2, square_2 = _segment(row[top + 1 :], peak, beta)
    slots[OWN * LANES + j] = (row[whole[TRUE * LANES + j]] - peak) * beta
    slots[REST * LANES + j] = rest + rest_2
    slots[FIRST * LANES + j] = first + first_2
    slots[SQUARE * LANES + j] = square + square_2


@njit(**OPTIONS)
def _segment(row: Any, peak: Any, beta: Any) -> Any:
    zero, floor = peak - peak, row.dtype.type(FLOOR)
    rest, first, square = 0.0, 0.0, 0.0
    for start in range(0, len(row), PIECE):
        part = row[start : min(start + PIECE, len(row))]
        a, b, c = zero, zero, zero
        for k in range(len(part)):
            x = (part[k] - peak) * beta
            w = exp(x, zero)
            bounded = floor if x < floor else x
            weighted = w * bounded
            a += w
            b += weighted
            c += weighted * bounded
        rest += a
        first += b
        square += c
    return rest, first, square


@njit(**OPTIONS)
def _lanes(tile: Any, columns: Any, slots: Any, whole: Any) -> None:
    zero, floor = slots.dtype.type(0), slots.dtype.type(FLOOR)
    turn(tile, columns)
    for j in range(LANES):
        slots[REST * LANES + j] = zero
        slots[FIRST * LANES + j] = zero
        slots[SQUARE * LANES + j] = zero
    for j in range(len(tile)):
        peak = columns[whole[TOP * LANES + j] * LANES + j]
        own = columns[whole[TRUE * LANES + j] * LANES + j]
        slots[PEAK * LANES + j] = peak
        slots[OWN * LANES + j] = (own - peak) * slots[BETA * LANES + j]
    for k in range(tile.shape[1]):
        for j in range(LANES):
            z, peak, beta = columns[k * LANES + j], slots[PEAK * LANES + j], slots[BETA * LANES + j]
            x = (z - peak) * beta
            w = exp(x, zero)
            w = zero if whole[TOP * LANES + j] == k else w
            bounded = floor if x < floor else x
            weighted = w * bounded
            slots[REST * LANES + j] += w
            slots[FIRST * LANES + j] += weighted
            slots[SQUARE * LANES + j] += weighted * bounded


@njit(**OPTIONS)
def _one_column(tile: Any, slots: Any, whole: Any) -> None:
    zero, floor = slots.dtype.type(0), slots.dtype.type(FLOOR)
    for j in range(len(tile)):
        slots[PEAK * LANES + j] = tile[j, 0]
    for j in range(LANES):
        z = slots[PEAK * LANES + j]
        x = -abs(z) * slots[BETA * LANES + j]
        w = exp(x, zero)
        bounded = floor if x < floor else x
        slots[OWN * LANES + j] = x if whole[TRUE * LANES + j] != whole[TOP * LANES + j] else zero
        slots[REST * LANES + j] = w
        slots[FIRST * LANES + j] = w * bounded
        slots[SQUARE * LANES + j] = w * bounded * bounded


@njit(**OPTIONS)
def _finish(slots: Any) -> None:
    """Put loss, gradient and its part that is never negative where the sums were."""
    zero, one = slots.dtype.type(0), slots.dtype.type(1)
    for j in range(LANES):
        own, rest = slots[OWN * LANES + j], slots[REST * LANES + j]
        part = one / (one + rest)
        mean = slots[FIRST * LANES + j] * part
        variance = slots[SQUARE * LANES + j] * part - mean * mean
        slots[REST * LANES + j] = log1p(rest) - own
        slots[FIRST * LANES + j] = mean - own
        slots[SQUARE * LANES + j] = variance if variance > zero else zero
