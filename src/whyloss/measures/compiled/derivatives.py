"""The loss under temperatures and its slopes in ``u = ln beta``, summed by fold in one pass.

Differences of logits are not compensated as in sums.py: what their rounding does to single losses,
up to 2e-6 of them, has no sign, and only sums and means are made of these.
"""

# What compiled functions take is settled when they are compiled, for each kind of array anew;
# compiled calls know no keywords.
# ruff: noqa: ANN401, PLR0917

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from whyloss.measures.compiled.arithmetic import INNER, KERNEL, exp, log1p, lowest
from whyloss.measures.compiled.layout import (
    CHAIN,
    GAUSS_NEWTON,
    GRADIENT,
    GRADIENT_SQUARED,
    LOSS,
    LOSS_SQUARED,
    MOMENTS,
    NARROW,
    OCTAVE,
    WORST,
)
from whyloss.measures.compiled.sums import FETCHED, PIECE, copied_row_top, scratch, turn
from whyloss.measures.compiled.vectors import (
    LANES,
    convert,
    load,
    numbers,
    prefetch,
    splat,
    store,
    total,
    where,
)

# So far below the peak every weight is 0, whatever the temperature; infinity times 0 would be NaN.
_DEEP = -1e9
# Squares of smaller ones would be denormal, which some processors are slow with.
_TINY = 1e-18


class Workspace(NamedTuple):
    """Working memory.

    Attributes
    ----------
    room : ndarray of float32 or float64
        As in Scratch.
    sums : ndarray of the same type, shape (n_temperatures * 3 * LANES,)
        Of w, and w times the logit below the peak and its square.
    own : ndarray of the same type, shape (LANES,)
        Logit of the true class, below the peak.
    values : ndarray of float64, shape (LANES,)
    starts, waiting : ndarrays of int64, shapes (LANES,) and (n_folds * LANES,)
        Where rows start, and rows of each fold that wait until they fill the lanes.
    n_waiting : ndarray of int64, shape (n_folds,)
    labels : ndarray of int32, shape (LANES,)
    """

    room: npt.NDArray[Any]
    sums: npt.NDArray[Any]
    own: npt.NDArray[Any]
    values: npt.NDArray[np.float64]
    starts: npt.NDArray[np.int64]
    waiting: npt.NDArray[np.int64]
    n_waiting: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int32]


def workspace(block: npt.NDArray[Any], n_folds: int, n_temperatures: int = 1) -> Workspace:
    """Working memory for a block of rows."""
    kind = block.dtype
    return Workspace(
        room=scratch(block).room,
        sums=np.zeros(n_temperatures * 3 * LANES, dtype=kind),
        own=np.zeros(LANES, dtype=kind),
        values=np.zeros(LANES),
        starts=np.zeros(LANES, dtype=np.int64),
        waiting=np.zeros(n_folds * LANES, dtype=np.int64),
        n_waiting=np.zeros(n_folds, dtype=np.int64),
        labels=np.zeros(LANES, dtype=np.int32),
    )


def from_lanes(moments: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Moments of many blocks, shape (n_blocks, ..., MOMENTS, LANES), of them all together."""
    found: npt.NDArray[np.float64] = moments.sum(axis=(0, -1))
    found[..., WORST] = moments[..., WORST, :].max(axis=(0, -1))
    return found


@njit(**INNER)
def _next_fold(i: int, n: int, fold: Any, at: int, room: Any) -> Any:
    """Fold that has rows to take now that row `i` has come; -1 if none has.

    After the last row, `i` counts on over the folds, for what remains of each.
    """
    if i >= n:
        return i - n if room.n_waiting[i - n] > 0 else -1
    part = np.int64(fold[at + i])
    if part >= 0:
        room.waiting[part * LANES + room.n_waiting[part]] = i
        room.n_waiting[part] += 1
        if room.n_waiting[part] == LANES:
            return part
    return -1


@njit(**INNER)
def _take(part: int, width: int, y_true: Any, at: int, room: Any) -> Any:
    """Places and labels of the rows of a fold; the last of them fills what remains."""
    count = room.n_waiting[part]
    room.n_waiting[part] = 0
    for j in range(LANES):
        row = room.waiting[part * LANES + min(j, count - 1)]
        room.starts[j] = row * width
        room.labels[j] = y_true[at + row]
    return count


@njit(**KERNEL)
def fold_moments(
    block: Any,
    at: int,
    y_true: Any,
    fold: Any,
    betas: Any,
    moments: Any,
    losses: Any,
    gradients: Any,
    room: Any,
) -> None:
    """Add a block of rows to the moments of their folds, each at a temperature of its own.

    Parameters
    ----------
    block : ndarray of float32 or float64, shape (n_rows, n_columns)
        Logits; one column z stands for (0, z).
    at : int
        Where the block starts in the arrays that hold all rows.
    y_true : ndarray of int32
    fold : ndarray of int8
        Negative for rows that take no part.
    betas : ndarray of float64, shape (n_folds,)
        Inverse temperature of the rows of each fold.
    moments : ndarray of float64, shape (n_folds * MOMENTS * LANES,)
        Changed in place.
    losses, gradients : ndarrays of float64
        Filled with the loss of every row that takes part and its slope, unless they are empty.
    room : Workspace
    """
    n, width = block.shape
    flat = block.reshape(-1)
    for i in range(n + len(betas)):
        part = _next_fold(i, n, fold, at, room)
        if part < 0:
            continue
        count = _take(part, width, y_true, at, room)
        beta = betas[part]
        if width <= NARROW:
            _narrow_distances(flat, width, room)
            _narrow_sums(width, beta, room)
        else:
            for j in range(count):
                _wide_sums(flat, width, beta, j, room)
        loss, gradient = _add_moments(
            load(room.own, 0) * beta, 0, 1.0, count, moments, part * MOMENTS, room
        )
        _spread(loss, losses, at, width, count, room)
        _spread(gradient, gradients, at, width, count, room)


@njit(**INNER)
def _spread(value: Any, into: Any, at: int, width: int, count: int, room: Any) -> None:
    """Write to the rows that fill the lanes, unless nobody asks for it."""
    if len(into):
        store(room.values, 0, convert(value, 0.0))
        for j in range(count):
            into[at + room.starts[j] // width] = room.values[j]


@njit(**KERNEL)
def grid_moments(
    block: Any, at: int, y_true: Any, fold: Any, betas: Any, moments: Any, room: Any
) -> None:
    """Add a block of rows to the moments of their folds, at many temperatures.

    Parameters
    ----------
    block, at, y_true, fold, room
        As in :func:`fold_moments`.
    betas : ndarray of float64, shape (n_nodes,)
        Inverse temperatures, OCTAVE of them for each doubling; a multiple of OCTAVE * CHAIN.
    moments : ndarray of float64, shape (n_folds * n_nodes * MOMENTS * LANES,)
        Changed in place.
    """
    n, width = block.shape
    flat, n_nodes = block.reshape(-1), len(betas)
    n_folds = len(room.n_waiting)
    for i in range(n + n_folds):
        part = _next_fold(i, n, fold, at, room)
        if part < 0:
            continue
        count = _take(part, width, y_true, at, room)
        if width <= NARROW:
            _narrow_distances(flat, width, room)
            _narrow_chains(width, betas, room)
        else:
            for j in range(count):
                _wide_distances(flat, width, j, room)
                _wide_chains(betas, j, room)
        own = load(room.own, 0)
        for node in range(n_nodes):
            into = (part * n_nodes + node) * MOMENTS
            _add_moments(own * betas[node], node, betas[node], count, moments, into, room)


@njit(**INNER)
def _narrow_distances(flat: Any, width: int, room: Any) -> None:
    """Turn rows into lanes, and leave of each logit how far it is below the peak.

    The peak itself lies so deep that it drops out of every sum.
    """
    columns = room.room
    turn(flat, room.starts, width, columns)
    y = load(room.labels, 0)
    if width == 1:
        z = load(columns, 0)
        below = where(z > 0.0, -z, z)
        lost = y != convert(z > 0.0, np.int32(0))
        store(room.own, 0, where(lost, below, 0.0))
        store(columns, 0, where(below < _DEEP, _DEEP, below))
        return
    peak = load(columns, 0)
    own, top = peak, splat(np.int32(0))
    for k in range(1, width):
        z = load(columns, k * LANES)
        own = where(y == k, z, own)
        top = where(z > peak, k, top)
        peak = where(z > peak, z, peak)
    store(room.own, 0, own - peak)
    for k in range(width):
        below = load(columns, k * LANES) - peak
        store(columns, k * LANES, where((top == k) | (below < _DEEP), _DEEP, below))


@njit(**INNER)
def _wide_distances(flat: Any, width: int, j: int, room: Any) -> None:
    row = room.room
    top = copied_row_top(flat, room.starts[j], width, row)
    peak = row[top]
    room.own[j] = row[room.labels[j]] - peak
    for k in range(0, len(row), LANES):
        below = load(row, k) - peak
        store(row, k, where(below < _DEEP, _DEEP, below))
    row[top] = _DEEP


@njit(**INNER)
def _weight(below: Any, beta: float) -> Any:
    """``exp(beta * below)``, and the exponent, as far as it counts."""
    x = below * beta
    low = lowest(x)
    bounded = where(x < low, low, x)
    return where(x < low, 0.0, exp(bounded, x - x)), bounded


@njit(**INNER)
def _narrow_sums(width: int, beta: float, room: Any) -> None:
    rest = first = square = splat(room.room.dtype.type(0))
    for k in range(width):
        w, x = _weight(load(room.room, k * LANES), beta)
        weighted = w * x
        rest = rest + w
        first = first + weighted
        square = square + weighted * x
    store(room.sums, 0, rest)
    store(room.sums, LANES, first)
    store(room.sums, 2 * LANES, square)


@njit(**INNER)
def _wide_sums(flat: Any, width: int, beta: float, j: int, room: Any) -> None:
    row = room.room
    following = room.starts[min(j + 1, LANES - 1)]
    top = copied_row_top(flat, room.starts[j], width, row)
    peak = row[top]
    room.own[j] = row[room.labels[j]] - peak
    row[top] = -np.inf
    zero = splat(row.dtype.type(0))
    low = lowest(zero)
    a, b, c = 0.0, 0.0, 0.0
    for start in range(0, len(row), PIECE):
        rest, first, square = zero, zero, zero
        for k in range(start, min(start + PIECE, len(row)), LANES):
            if len(row) <= FETCHED:
                prefetch(flat, following + k)
            x = (load(row, k) - peak) * beta
            bounded = where(x < low, low, x)
            w = where(x < low, 0.0, exp(bounded, zero))
            weighted = w * bounded
            rest = rest + w
            first = first + weighted
            square = square + weighted * bounded
        a += total(rest)
        b += total(first)
        c += total(square)
    room.sums[j], room.sums[LANES + j], room.sums[2 * LANES + j] = a, b, c


@njit(**INNER)
def _chain(values: Any, start: int, stop: int, beta: float) -> Any:
    """Sums at CHAIN inverse temperatures, each twice the one before: w need only be squared.

    Each square doubles the error of w; the chain ends before that counts.
    """
    zero = splat(values.dtype.type(0))
    a0, b0, c0, a1, b1, c1 = zero, zero, zero, zero, zero, zero
    a2, b2, c2, a3, b3, c3 = zero, zero, zero, zero, zero, zero
    for k in range(start, stop, LANES):
        below = load(values, k)
        square = below * below
        w, _ = _weight(below, beta)
        a0, b0, c0 = a0 + w, b0 + w * below, c0 + w * square
        w = where(w < _TINY, 0.0, w * w)
        a1, b1, c1 = a1 + w, b1 + w * below, c1 + w * square
        w = where(w < _TINY, 0.0, w * w)
        a2, b2, c2 = a2 + w, b2 + w * below, c2 + w * square
        w = where(w < _TINY, 0.0, w * w)
        a3, b3, c3 = a3 + w, b3 + w * below, c3 + w * square
    return a0, b0, c0, a1, b1, c1, a2, b2, c2, a3, b3, c3


@njit(**INNER)
def _narrow_chains(width: int, betas: Any, room: Any) -> None:
    for node in range(len(betas)):
        if node // OCTAVE % CHAIN == 0:
            found = _chain(room.room, 0, width * LANES, betas[node])
            for step in range(CHAIN):
                for moment in range(3):
                    place = 3 * (node + step * OCTAVE) + moment
                    store(room.sums, place * LANES, found[3 * step + moment])


@njit(**INNER)
def _wide_chains(betas: Any, j: int, room: Any) -> None:
    for place in range(3 * len(betas)):
        room.sums[place * LANES + j] = 0.0
    for node in range(len(betas)):
        if node // OCTAVE % CHAIN == 0:
            for start in range(0, len(room.room), PIECE):
                stop = min(start + PIECE, len(room.room))
                found = _chain(room.room, start, stop, betas[node])
                for step in range(CHAIN):
                    for moment in range(3):
                        place = 3 * (node + step * OCTAVE) + moment
                        room.sums[place * LANES + j] += total(found[3 * step + moment])


@njit(**INNER)
def _add_moments(
    own: Any, node: int, beta: float, count: int, moments: Any, into: int, room: Any
) -> Any:
    """Add LANES rows to the moments at one temperature; their losses, and slopes."""
    rest = load(room.sums, 3 * node * LANES)
    part = 1.0 / (rest + 1.0)
    mean = load(room.sums, (3 * node + 1) * LANES) * beta * part
    variance = load(room.sums, (3 * node + 2) * LANES) * (beta * beta) * part - mean * mean
    live = numbers() < count
    loss = log1p(rest) - own
    wide_loss = where(live, convert(loss, 0.0), 0.0)
    gradient = where(live, convert(mean - own, 0.0), 0.0)
    curved = where(live & (variance > 0.0), convert(variance, 0.0), 0.0)
    _gather(moments, into + LOSS, wide_loss)
    _gather(moments, into + GRADIENT, gradient)
    _gather(moments, into + GAUSS_NEWTON, curved)
    _gather(moments, into + LOSS_SQUARED, wide_loss * wide_loss)
    _gather(moments, into + GRADIENT_SQUARED, gradient * gradient)
    worst = load(moments, (into + WORST) * LANES)
    store(moments, (into + WORST) * LANES, where(wide_loss > worst, wide_loss, worst))
    return loss, mean - own


@njit(**INNER)
def _gather(moments: Any, place: int, value: Any) -> None:
    store(moments, place * LANES, load(moments, place * LANES) + value)
