"""Sums over the classes of sixteen rows, relative to each row's largest logit."""

# What compiled functions take is settled when they are compiled, for each kind of array anew;
# compiled calls know no keywords.
# ruff: noqa: ANN401, PLR0917
from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from whyloss.measures.compiled.arithmetic import INNER, OPTIONS, RARE, exp, lowest, residue
from whyloss.measures.compiled.layout import (
    FIRST,
    FLOAT_SLOTS,
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
    WHOLE_SLOTS,
)
from whyloss.measures.compiled.vectors import (
    LANES,
    convert,
    first,
    four_columns,
    largest,
    load,
    numbers,
    prefetch,
    splat,
    store,
    total,
    where,
)

PIECE = 2048  # so many terms lose nothing that counts in single precision; then double takes over
_SCAN = 256
FETCHED = 4096  # numbers in a row that two of fit into the nearest cache or almost


class Scratch(NamedTuple):
    """Working memory of a kernel.

    Attributes
    ----------
    room : ndarray of float32 or float64
        The columns of LANES narrow rows, or one wide row.
    slots, whole : ndarrays of the same type, and of int32
        As in :mod:`whyloss.measures.compiled.layout`.
    starts : ndarray of int64, shape (LANES,)
        Where rows start.
    labels : ndarray of int32, shape (LANES,)
    codes : ndarray of uint8, shape (LANES,)
    values : ndarray of float64, shape (LANES,)
    """

    room: npt.NDArray[Any]
    slots: npt.NDArray[Any]
    whole: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int32]
    codes: npt.NDArray[np.uint8]
    values: npt.NDArray[np.float64]


def scratch(block: npt.NDArray[Any]) -> Scratch:
    """Working memory for a block of rows."""
    kind, width = block.dtype, block.shape[1]
    # Four columns are turned at a time; LANES classes of a wide row are taken at a time.
    size = -(-width // 4) * 4 * LANES if width <= NARROW else -(-width // LANES) * LANES
    return Scratch(
        np.zeros(size, dtype=kind),
        np.zeros(FLOAT_SLOTS * LANES, dtype=kind),
        np.zeros(WHOLE_SLOTS * LANES, dtype=np.int32),
        np.zeros(LANES, dtype=np.int64),
        np.zeros(LANES, dtype=np.int32),
        np.zeros(LANES, dtype=np.uint8),
        np.zeros(LANES),
    )


@njit(**INNER)
def turn(flat: Any, starts: Any, width: int, columns: Any) -> None:
    """Lay the columns of LANES rows out one after the other, one lane per row.

    Parameters
    ----------
    flat : ndarray of float32 or float64
    starts : ndarray of int64, shape (LANES,)
        Where in it the rows start, in rising order.
    width : int
        Number of columns.
    columns : ndarray, shape (width rounded up to fours * LANES,)
    """
    if width == 1 and starts[LANES - 1] - starts[0] == LANES - 1:
        store(columns, 0, load(flat, starts[0]))
    elif starts[LANES - 1] + (width + 3) // 4 * 4 <= len(flat):
        for k in range(0, width, 4):
            a, b, c, d = four_columns(flat, starts, k)
            store(columns, k * LANES, a)
            store(columns, (k + 1) * LANES, b)
            store(columns, (k + 2) * LANES, c)
            store(columns, (k + 3) * LANES, d)
    else:
        _turn_one_by_one(flat, starts, width, columns)


@njit(**RARE)
def _turn_one_by_one(flat: Any, starts: Any, width: int, columns: Any) -> None:
    for k in range(width):
        for j in range(LANES):
            columns[k * LANES + j] = flat[starts[j] + k]


@njit(**INNER)
def sums(flat: Any, starts: Any, y: Any, width: int, room: Any, slots: Any, whole: Any) -> None:
    """Fill the slots of LANES rows.

    Parameters
    ----------
    flat : ndarray of float32 or float64
        Logits; one column z stands for (0, z).
    starts : ndarray of int64, shape (LANES,)
        Where in it the rows start, in rising order.
    y : ndarray of int32, shape (LANES,)
    width : int
        Number of columns.
    room : ndarray
        Of narrow rows it keeps w of every class, by column.
    slots, whole : ndarrays
        As in :mod:`whyloss.measures.compiled.layout`.
    """
    if width <= NARROW:
        narrow_sums(flat, starts, y, width, room, slots, whole)
    else:
        for j in range(LANES):
            if j == 0 or starts[j] != starts[j - 1]:
                wide_row(flat, starts[j], width, y[j], j, room, slots, whole)


@njit(**INNER)
def narrow_sums(
    flat: Any, starts: Any, y: Any, width: int, room: Any, slots: Any, whole: Any
) -> None:
    """As :func:`sums`, of at most NARROW columns."""
    turn(flat, starts, width, room)
    if width == 1:
        _one_column(y, room, slots, whole)
    else:
        _narrow(y, width, room, slots, whole)


@njit(**INNER)
def _put(slots: Any, whole: Any, floats: Any, integers: Any) -> None:
    peak, own, second, rest, first_, square, shares = floats
    y, top, rank = integers
    store(slots, PEAK * LANES, peak)
    store(slots, OWN * LANES, own)
    store(slots, SECOND * LANES, second)
    store(slots, REST * LANES, rest)
    store(slots, FIRST * LANES, first_)
    store(slots, SQUARE * LANES, square)
    store(slots, SHARES * LANES, shares)
    store(whole, TRUE * LANES, y)
    store(whole, TOP * LANES, top)
    store(whole, RANK * LANES, rank)


@njit(**INNER)
def _one_column(labels: Any, columns: Any, slots: Any, whole: Any) -> None:
    """Two classes with logits 0 and z."""
    z, y = load(columns, 0), load(labels, 0)
    zero = z - z
    below = where(z > 0.0, -z, z)
    bounded = where(below < lowest(z), lowest(z), below)
    w = where(below < lowest(z), 0.0, exp(bounded, zero))
    top = convert(z > 0.0, np.int32(0))
    lost = y != top
    own = where(lost, below, 0.0)
    store(columns, 0, w)
    _put(
        slots,
        whole,
        (z, own, below, w, w * bounded, w * bounded * bounded, w * w),
        (y, top, convert(lost, np.int32(0)) + 1),
    )


@njit(**INNER)
def _narrow(labels: Any, width: int, columns: Any, slots: Any, whole: Any) -> None:
    y = load(labels, 0)
    peak = load(columns, 0)
    low = lowest(peak)
    own, second, top = peak, splat(slots.dtype.type(-np.inf)), splat(np.int32(0))
    for k in range(1, width):
        z = load(columns, k * LANES)
        number = np.int32(k)
        own = where(y == number, z, own)
        better = z > peak
        behind = where(better, peak, z)
        second = where(behind > second, behind, second)
        top = where(better, number, top)
        peak = where(better, z, peak)
    zero = splat(slots.dtype.type(0))
    rest, first_, square, shares, rank = zero, zero, zero, zero, splat(np.int32(1))
    for k in range(width):
        z = load(columns, k * LANES)
        number = np.int32(k)
        below = z - peak
        sunk = below < low
        bounded = where(sunk, low, below)
        w = exp(bounded, residue(z, peak, below))
        w = where(sunk | (top == number), 0.0, w)
        weighted = w * bounded
        rest = rest + w
        first_ = first_ + weighted
        square = square + weighted * bounded
        shares = shares + w * w
        ahead = (z > own) | ((z == own) & (y > number))
        rank = rank + convert(ahead, np.int32(0))
        store(columns, k * LANES, w)
    _put(
        slots,
        whole,
        (peak, own - peak, second - peak, rest, first_, square, shares),
        (y, top, rank),
    )


@njit(**OPTIONS)
def wide_row(
    flat: Any, at: int, width: int, y: int, j: int, room: Any, slots: Any, whole: Any
) -> None:
    """Fill lane `j` of the slots, and `room` with w of every class."""
    top = copied_row_top(flat, at, width, room)
    peak, own = room[top], room[y]
    rank = 1 if top == y else 1 + _ahead(y, own, room)
    room[top] = -np.inf
    rest, first_, square, shares, second = _segment(flat, at + width, room, peak)
    slots[PEAK * LANES + j] = peak
    slots[OWN * LANES + j] = own - peak
    slots[SECOND * LANES + j] = second - peak
    slots[REST * LANES + j] = rest
    slots[FIRST * LANES + j] = first_
    slots[SQUARE * LANES + j] = square
    slots[SHARES * LANES + j] = shares
    whole[TRUE * LANES + j] = y
    whole[TOP * LANES + j] = top
    whole[RANK * LANES + j] = rank


@njit(**INNER)
def _copy_row(flat: Any, at: int, width: int, start: int, stop: int, room: Any) -> None:
    """Copy part of a row; what is left of the room holds classes that are masked out."""
    even = min(stop, width // LANES * LANES)
    for k in range(start, even, LANES):
        store(room, k, load(flat, at + k))
    for k in range(even, stop):
        room[k] = flat[at + k] if k < width else -np.inf


@njit(**INNER)
def copied_row_top(flat: Any, at: int, width: int, room: Any) -> Any:
    """Copy a row; place of its first largest logit. NaN is not largest."""
    best, piece = flat.dtype.type(-np.inf), 0
    for start in range(0, len(room), _SCAN):
        stop = min(start + _SCAN, len(room))
        _copy_row(flat, at, width, start, stop, room)
        high = splat(best)
        for k in range(start, stop, LANES):
            z = load(room, k)
            high = where(z > high, z, high)
        highest = largest(high)
        if highest > best:
            best, piece = highest, start
    return _place(best, piece, min(piece + _SCAN, len(room)), room)


@njit(**INNER)
def _ahead(y: int, own: Any, room: Any) -> Any:
    """How many rank before class `y`; of several that tie, the first does."""
    count = splat(np.int32(0))
    middle = y // LANES * LANES
    for k in range(0, middle, LANES):
        count = count + convert(load(room, k) >= own, np.int32(0))
    z = load(room, middle)
    first_ = (z > own) | ((z == own) & (numbers() < y - middle))
    count = count + convert(first_, np.int32(0))
    for k in range(middle + LANES, len(room), LANES):
        count = count + convert(load(room, k) > own, np.int32(0))
    return total(count)


@njit(**INNER)
def _place(value: Any, start: int, stop: int, room: Any) -> Any:
    """Where the value first is; 0 if nowhere."""
    for k in range(start, stop, LANES):
        lane = first(load(room, k) == value)
        if lane < LANES:
            return k + lane
    return 0


@njit(**INNER)
def _segment(flat: Any, following: int, room: Any, peak: Any) -> Any:
    """Sums over a row, whose peak is masked out, and its largest logit; w takes its place.

    Meanwhile the row that follows is fetched, unless it would drive this one out of the cache.
    """
    zero = splat(room.dtype.type(0))
    low = lowest(zero)
    ahead = len(room) <= FETCHED
    rest, first_, square, shares = 0.0, 0.0, 0.0, 0.0
    second = splat(room.dtype.type(-np.inf))
    for start in range(0, len(room), PIECE):
        a, b, c, d = zero, zero, zero, zero
        for k in range(start, min(start + PIECE, len(room)), LANES):
            if ahead:
                prefetch(flat, following + k)
            z = load(room, k)
            below = z - peak
            sunk = below < low
            bounded = where(sunk, low, below)
            w = where(sunk, 0.0, exp(bounded, residue(z, splat(peak), below)))
            weighted = w * bounded
            a = a + w
            b = b + weighted
            c = c + weighted * bounded
            d = d + w * w
            second = where(z > second, z, second)
            store(room, k, w)
        rest += total(a)
        first_ += total(b)
        square += total(c)
        shares += total(d)
    return rest, first_, square, shares, largest(second)
