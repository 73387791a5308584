"""Sums over the classes of each row, relative to the row's largest logit, tile by tile."""

# What compiled functions take is settled when they are compiled, for each kind of array anew;
# compiled calls know no keywords; and of NaN, max() would keep the wrong argument.
# ruff: noqa: ANN401, FURB136
from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from whyloss.measures.kernels.arithmetic import SUMS, bits, exp, from_bits, ordered, residue
from whyloss.measures.kernels.layout import (
    FIRST,
    LANES,
    NARROW,
    OWN,
    PEAK,
    RANK,
    REST,
    SECOND,
    SHARES,
    SQUARE,
    TOP,
    TRUE,
)

OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "fastmath": SUMS, "error_model": "numpy"}

PIECE = 2048  # so many terms lose nothing that counts in single precision; then double takes over
_SCAN = 256
FLOOR = -1000.0  # stands for any logit so far below the peak: 0 times -inf would be NaN


@njit(**OPTIONS)
def tile_sums(
    tile: Any,
    y_true: Any,
    columns: Any,
    slots: Any,
    whole: Any,
) -> None:
    """Fill the slots of one tile.

    Parameters
    ----------
    tile : ndarray of shape (n_rows, n_columns)
        At most LANES rows; lanes beyond them hold anything. (A slice, because of an index that
        starts elsewhere than at 0 the compiler cannot rule out that it counts from the end.)
    y_true : ndarray of int, shape (n_rows,)
    columns : ndarray of shape (n_columns * LANES,)
        Room for a narrow tile.
    slots, whole : ndarrays
        As in :mod:`whyloss.measures.kernels.layout`.
    """
    if tile.shape[1] == 1:
        _one_column(tile, y_true, slots, whole)
    elif tile.shape[1] <= NARROW:
        _lanes(tile, y_true, columns, slots, whole)
    else:
        for j in range(len(tile)):
            _row(tile[j], y_true[j], j, slots, whole)


@njit(**OPTIONS)
def _row(row: Any, y: int, j: int, slots: Any, whole: Any) -> None:
    own = row[y]
    top, above, equal = _scan(row, own)
    if equal > 1:  # of several that tie, the first ranks first
        for k in range(y):
            above += row[k] == own
    peak = row[top]
    rest, first, square, shares, nearest = _segment(row[:top], peak)
    rest_2, first_2, square_2, shares_2, nearest_2 = _segment(row[top + 1 :], peak)
    slots[PEAK * LANES + j] = peak
    slots[OWN * LANES + j] = own - peak
    slots[SECOND * LANES + j] = -from_bits(min(nearest, nearest_2)) if y == top else 0.0
    slots[REST * LANES + j] = rest + rest_2
    slots[FIRST * LANES + j] = first + first_2
    slots[SQUARE * LANES + j] = square + square_2
    slots[SHARES * LANES + j] = shares + shares_2
    whole[TRUE * LANES + j] = y
    whole[TOP * LANES + j] = top
    whole[RANK * LANES + j] = above + 1


@njit(**OPTIONS)
def _scan(row: Any, own: Any) -> Any:
    """Place of the first largest logit; how many are larger than `own`, and as large."""
    n = len(row)
    level, best = ordered(own), ordered(row[0])
    above, equal, piece = level - level, level - level, 0
    for start in range(0, n, _SCAN):
        part = row[start : min(start + _SCAN, n)]
        largest = best
        for k in range(len(part)):
            key = ordered(part[k])
            largest = max(largest, key)
            above += key > level
            equal += key == level
        if largest > best:
            best, piece = largest, start
    part = row[piece : min(piece + _SCAN, n)]
    first = np.int32(_SCAN)
    for k in range(len(part)):
        first = min(first, np.int32(k) if ordered(part[k]) == best else np.int32(_SCAN))
    return piece + first, above, equal


@njit(**OPTIONS)
def _segment(row: Any, peak: Any) -> Any:
    """Sums over a part of a row without its peak, and the bits of the smallest distance to it."""
    zero, floor = peak - peak, row.dtype.type(FLOOR)
    rest, first, square, shares = 0.0, 0.0, 0.0, 0.0
    nearest = bits(row.dtype.type(np.inf))
    for start in range(0, len(row), PIECE):
        part = row[start : min(start + PIECE, len(row))]
        a, b, c, d = zero, zero, zero, zero
        closest = nearest
        for k in range(len(part)):
            below = part[k] - peak
            w = exp(below, residue(part[k], peak, below))
            bounded = floor if below < floor else below
            weighted = w * bounded
            a += w
            b += weighted
            c += weighted * bounded
            d += w * w
            closest = min(closest, bits(peak - part[k]))  # not negative: sorts as its bits do
        nearest = closest
        rest += a
        first += b
        square += c
        shares += d
    return rest, first, square, shares, nearest


@njit(**OPTIONS)
def turn(tile: Any, columns: Any) -> None:
    """Lay the columns of a tile out one after the other, one lane per row."""
    for j in range(len(tile)):
        row = tile[j]
        for k in range(len(row)):
            columns[k * LANES + j] = row[k]


@njit(**OPTIONS)
def _lanes(
    tile: Any,
    y_true: Any,
    columns: Any,
    slots: Any,
    whole: Any,
) -> None:
    kind = slots.dtype.type
    zero, floor, nothing = kind(0), kind(FLOOR), kind(-np.inf)
    turn(tile, columns)
    for j in range(len(tile)):
        y = y_true[j]
        whole[TRUE * LANES + j] = y
        slots[OWN * LANES + j] = columns[y * LANES + j]
    for j in range(LANES):
        slots[PEAK * LANES + j] = columns[j]
        whole[TOP * LANES + j] = 0
    for k in range(1, tile.shape[1]):
        for j in range(LANES):
            z, peak, top = columns[k * LANES + j], slots[PEAK * LANES + j], whole[TOP * LANES + j]
            slots[PEAK * LANES + j] = z if z > peak else peak
            whole[TOP * LANES + j] = np.int32(k) if z > peak else top
    for j in range(LANES):
        slots[REST * LANES + j] = zero
        slots[FIRST * LANES + j] = zero
        slots[SQUARE * LANES + j] = zero
        slots[SHARES * LANES + j] = zero
        slots[SECOND * LANES + j] = nothing
        whole[RANK * LANES + j] = 1
    for k in range(tile.shape[1]):
        for j in range(LANES):
            z, peak, own = columns[k * LANES + j], slots[PEAK * LANES + j], slots[OWN * LANES + j]
            below = z - peak
            w = exp(below, residue(z, peak, below))
            w = zero if whole[TOP * LANES + j] == k else w
            bounded = floor if below < floor else below
            weighted = w * bounded
            slots[REST * LANES + j] += w
            slots[FIRST * LANES + j] += weighted
            slots[SQUARE * LANES + j] += weighted * bounded
            slots[SHARES * LANES + j] += w * w
            y = whole[TRUE * LANES + j]
            other = nothing if y == k else below
            second = slots[SECOND * LANES + j]
            slots[SECOND * LANES + j] = other if other > second else second
            whole[RANK * LANES + j] += np.int32(z > own) + np.int32((z == own) & (k < y))
    for j in range(LANES):
        slots[OWN * LANES + j] -= slots[PEAK * LANES + j]


@njit(**OPTIONS)
def _one_column(
    tile: Any,
    y_true: Any,
    slots: Any,
    whole: Any,
) -> None:
    """Two classes with logits 0 and z."""
    kind = slots.dtype.type
    zero, floor = kind(0), kind(FLOOR)
    for j in range(len(tile)):
        slots[PEAK * LANES + j] = tile[j, 0]
        whole[TRUE * LANES + j] = y_true[j]
    for j in range(LANES):
        z, y = slots[PEAK * LANES + j], whole[TRUE * LANES + j]
        below = -z if z > zero else z
        top = np.int32(z > zero)
        w = exp(below, zero)
        bounded = floor if below < floor else below
        slots[OWN * LANES + j] = zero if y == top else below
        slots[SECOND * LANES + j] = below if y == top else zero
        slots[REST * LANES + j] = w
        slots[FIRST * LANES + j] = w * bounded
        slots[SQUARE * LANES + j] = w * bounded * bounded
        slots[SHARES * LANES + j] = w * w
        whole[TOP * LANES + j] = top
        whole[RANK * LANES + j] = np.int32(1) + np.int32(y != top)
