"""Sums over the classes of a tile of rows, relative to each row's largest logit.

Narrow rows are transposed first: then every loop runs over the rows of the tile. Of wide rows,
every loop runs over the classes. LLVM vectorises both.
"""

# The types of arguments are known when a function is compiled, for each type of array anew;
# compiled calls know no keywords.
# ruff: noqa: ANN401
from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from whyloss.measures.compiled.arithmetic import (
    INNER,
    LOOP,
    OPTIONS,
    REDUCTION,
    exp,
    from_sort_key,
    lowest,
    residue,
    sort_key,
)
from whyloss.measures.compiled.layout import (
    FIELDS,
    FIRST,
    FLOAT_SLOTS,
    INTEGER_SLOTS,
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
)

PIECE = 1024  # terms that are summed in the precision of the logits; double takes over after them
_SCANNED = 256  # classes in which the first largest one is looked for


class Scratch(NamedTuple):
    """Working memory of a kernel; all arrays are flat.

    Attributes
    ----------
    rows : ndarray of int64, shape (TILE,)
        Rows that follow each other.
    weights : ndarray of float32 or float64
        Columns of a tile of narrow rows, shape (n_columns * TILE,), or one wide row: first the
        logits, then ``w = exp(logit - peak)`` of every class but the top one, where it is 0.
    slots : ndarray of the same type, shape (FLOAT_SLOTS * TILE,)
        Sums; see :mod:`whyloss.measures.compiled.layout`.
    integers : ndarray of int32, shape (INTEGER_SLOTS * TILE,)
        Classes, ranks and status.
    found : ndarray of the same type as the logits, shape (FIELDS * TILE,)
        Results.
    """

    rows: npt.NDArray[np.int64]
    weights: npt.NDArray[Any]
    slots: npt.NDArray[Any]
    integers: npt.NDArray[np.int32]
    found: npt.NDArray[Any]


def scratch(block: npt.NDArray[Any]) -> Scratch:
    """Allocate the working memory for a block of rows.

    Parameters
    ----------
    block : ndarray of float32 or float64, shape (n_rows, n_columns)

    Returns
    -------
    Scratch
    """
    kind, width = block.dtype, block.shape[1]
    return Scratch(
        np.arange(TILE),
        np.zeros(weights_size(width), dtype=kind),
        np.zeros(FLOAT_SLOTS * TILE, dtype=kind),
        np.zeros(INTEGER_SLOTS * TILE, dtype=np.int32),
        np.zeros(FIELDS * TILE, dtype=kind),
    )


def weights_size(width: int) -> int:
    """Size of :attr:`Scratch.weights`.

    Parameters
    ----------
    width : int
        Number of columns; an odd one is rounded up, because classes are taken in pairs.

    Returns
    -------
    int
    """
    return (width + width % 2) * TILE if width <= NARROW else width


@njit(**OPTIONS)
def transpose(block: Any, start: int, rows: Any, columns: Any) -> None:
    """Lay out the columns of narrow rows one after the other.

    Parameters
    ----------
    block : ndarray of float32 or float64, shape (n_rows, n_columns)
        Logits; one column z stands for (0, z).
    start : int
    rows : ndarray of int64, shape (n,)
        Rows from `start` on, at most TILE.
    columns : ndarray, shape (n_classes * TILE,)
        An even number of classes: where it is odd, the last one is masked out. Places from `n` on
        keep what they held.
    """
    width = block.shape[1]
    if width == 1:
        for j in range(len(rows)):
            z = block[start + rows[j], 0]
            columns[j] = 0
            columns[TILE + j] = z if abs(z) < np.inf else np.nan  # alone, it has to be finite
        return
    for j in range(len(rows)):
        row = start + rows[j]
        for k in range(width):
            columns[k * TILE + j] = block[row, k]
    if width % 2:
        for j in range(TILE):
            columns[width * TILE + j] = -np.inf


@njit(**OPTIONS)
def narrow_sums(block: Any, start: int, count: int, scratch: Any) -> None:
    """Fill the slots of up to TILE rows of at most NARROW columns.

    Parameters
    ----------
    block : ndarray of float32 or float64, shape (n_rows, n_columns)
        Logits; one column z stands for (0, z).
    start, count : int
        The rows.
    scratch : Scratch
        With the true classes. Places from `count` on hold no results.
    """
    transpose(block, start, scratch.rows[:count], scratch.weights)
    find_top(scratch.weights, scratch.slots, scratch.integers)
    _add_classes(max(2, block.shape[1]), scratch.weights, scratch.slots, scratch.integers)


@njit(**LOOP)
def find_top(columns: Any, slots: Any, integers: Any) -> None:
    """Fill PEAK, OWN and TOP of narrow rows; OWN is the logit itself here.

    Parameters
    ----------
    columns : ndarray of float32 or float64, shape (n_classes * TILE,)
        An even number of classes.
    slots, integers : ndarrays
        Of :class:`Scratch`.
    """
    for j in range(TILE):
        first, second = columns[j], columns[TILE + j]
        better = second > first
        slots[PEAK * TILE + j] = second if better else first
        integers[TOP * TILE + j] = np.int32(1) if better else np.int32(0)
    for pair in range(1, len(columns) // (2 * TILE)):
        k = np.int32(2 * pair)
        for j in range(TILE):
            first, second = columns[2 * pair * TILE + j], columns[(2 * pair + 1) * TILE + j]
            better = second > first
            high = second if better else first
            which = np.int32(k + 1) if better else k
            peak, top = slots[PEAK * TILE + j], integers[TOP * TILE + j]
            higher = high > peak
            slots[PEAK * TILE + j] = high if higher else peak
            integers[TOP * TILE + j] = which if higher else top
    for j in range(TILE):
        slots[OWN * TILE + j] = columns[integers[TRUE * TILE + j] * TILE + j]


@njit(**INNER)
def _term(z: Any, k: Any, peak: Any, top: Any) -> Any:
    """Weight and logit of class k, the latter minus the peak; 0 and -inf of the top class."""
    below = z - peak
    low = lowest(z)
    x = low if below < low else below
    w = exp(x, residue(z, peak, below))
    w = type(z)(0) if (below < low) | (top == k) else w
    return w, x, type(z)(-np.inf) if top == k else z


@njit(**LOOP)
def _add_classes(width: int, columns: Any, slots: Any, integers: Any) -> None:
    real = columns.dtype.type
    for j in range(TILE):
        slots[SECOND * TILE + j] = real(-np.inf)
        slots[REST * TILE + j] = real(0)
        slots[FIRST * TILE + j] = real(0)
        slots[SQUARE * TILE + j] = real(0)
        slots[SHARES * TILE + j] = real(0)
        integers[RANK * TILE + j] = 1
    # Two classes at a time: the sums are read and written half as often.
    for pair in range(width // 2):
        k = np.int32(2 * pair)
        for j in range(TILE):
            place = 2 * pair * TILE + j
            peak, own = slots[PEAK * TILE + j], slots[OWN * TILE + j]
            y, top = integers[TRUE * TILE + j], integers[TOP * TILE + j]
            a, b = columns[place], columns[place + TILE]
            a_ahead = (a > own) | ((a == own) & (y > k))
            b_ahead = (b > own) | ((b == own) & (y > k + 1))
            aw, ax, a = _term(a, k, peak, top)
            bw, bx, b = _term(b, k + 1, peak, top)
            columns[place] = aw
            columns[place + TILE] = bw
            second, high = slots[SECOND * TILE + j], b if b > a else a
            slots[SECOND * TILE + j] = high if high > second else second
            slots[REST * TILE + j] += aw + bw
            slots[FIRST * TILE + j] += aw * ax + bw * bx
            slots[SQUARE * TILE + j] += aw * ax * ax + bw * bx * bx
            slots[SHARES * TILE + j] += aw * aw + bw * bw
            integers[RANK * TILE + j] += np.int32(a_ahead) + np.int32(b_ahead)
    if width % 2:
        k = np.int32(width - 1)
        column = columns[(width - 1) * TILE :]  # an index from 0 on: others are not vectorised
        for j in range(TILE):
            peak, own = slots[PEAK * TILE + j], slots[OWN * TILE + j]
            z = column[j]
            ahead = (z > own) | ((z == own) & (integers[TRUE * TILE + j] > k))
            w, x, z = _term(z, k, peak, integers[TOP * TILE + j])
            column[j] = w
            second = slots[SECOND * TILE + j]
            slots[SECOND * TILE + j] = z if z > second else second
            slots[REST * TILE + j] += w
            slots[FIRST * TILE + j] += w * x
            slots[SQUARE * TILE + j] += w * x * x
            slots[SHARES * TILE + j] += w * w
            integers[RANK * TILE + j] += np.int32(ahead)
    for j in range(TILE):
        slots[OWN * TILE + j] -= slots[PEAK * TILE + j]
        slots[SECOND * TILE + j] -= slots[PEAK * TILE + j]


@njit(**OPTIONS)
def wide_sums(row: Any, j: int, scratch: Any) -> None:
    """Fill place `j` of the slots from a row of more than NARROW columns.

    Parameters
    ----------
    row : ndarray of float32 or float64, shape (n_classes,)
    j : int
    scratch : Scratch
        With the true class.
    """
    weights, slots, integers = scratch.weights, scratch.slots, scratch.integers
    y = integers[TRUE * TILE + j]
    top = top_of(row)
    peak, own = row[top], row[y]
    rest, first, square, shares = 0.0, 0.0, 0.0, 0.0
    second = -np.inf
    for start, stop in ((0, top), (top + 1, len(row))):
        for begin in range(start, stop, PIECE):
            end = min(begin + PIECE, stop)
            a, b, c, d, high = _piece(row[begin:end], peak, weights[begin:end])
            rest += a
            first += b
            square += c
            shares += d
            second = max(second, high)
    weights[top] = 0
    slots[PEAK * TILE + j] = peak
    slots[OWN * TILE + j] = own - peak
    slots[SECOND * TILE + j] = second - peak
    slots[REST * TILE + j] = rest
    slots[FIRST * TILE + j] = first
    slots[SQUARE * TILE + j] = square
    slots[SHARES * TILE + j] = shares
    integers[TOP * TILE + j] = top
    integers[RANK * TILE + j] = 1 if top == y else 1 + _n_ahead(row, own, y)


@njit(**OPTIONS)
def top_of(row: Any) -> Any:
    """Place of the first largest logit of a row; any place where one is NaN.

    Parameters
    ----------
    row : ndarray of float32 or float64, shape (n_classes,)

    Returns
    -------
    int
    """
    best, piece = sort_key(row[0]), 0
    for start in range(0, len(row), _SCANNED):
        high = _largest_key(row[start : start + _SCANNED])
        if high > best:
            best, piece = high, start
    value = from_sort_key(best)
    for k in range(piece, min(piece + _SCANNED, len(row))):
        if row[k] == value:
            return k
    return 0


@njit(**OPTIONS)
def _largest_key(row: Any) -> Any:
    best = sort_key(row[0])
    for k in range(len(row)):
        key = sort_key(row[k])
        best = key if key > best else best
    return best


@njit(**OPTIONS)
def _n_ahead(row: Any, own: Any, y: int) -> int:
    """Classes that rank before class `y`; of several that tie, the first does."""
    n = 0
    before, after = row[:y], row[y + 1 :]
    for k in range(len(before)):
        n += before[k] >= own
    for k in range(len(after)):
        n += after[k] > own
    return n


@njit(**REDUCTION)
def _piece(row: Any, peak: Any, weights: Any) -> Any:
    """Sums over some classes, none of which is the top one, and the largest logit of them."""
    real = row.dtype.type
    zero, low = real(0), lowest(real(0))
    rest, first, square, shares = zero, zero, zero, zero
    second = sort_key(row[0])
    for k in range(len(row)):
        z = row[k]
        below = z - peak
        x = low if below < low else below
        w = exp(x, residue(z, peak, below))
        w = zero if below < low else w
        weights[k] = w
        rest += w
        first += w * x
        square += w * x * x
        shares += w * w
        key = sort_key(z)
        second = key if key > second else second
    return rest, first, square, shares, from_sort_key(second)
