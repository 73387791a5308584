"""The loss under temperatures and its derivatives in ``u = ln beta``, summed by fold in one pass.

The rounding of differences of logits is not corrected as in sums.py: its effect on single losses,
up to 2e-6 of them, has no sign, and the results are used in sums and means only.
"""

# The types of arguments are known when a function is compiled, for each type of array anew;
# compiled calls know no keywords.
# ruff: noqa: ANN401, PLR0917

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from whyloss.measures.compiled.arithmetic import (
    INNER,
    KERNEL,
    LOOP,
    OPTIONS,
    REDUCTION,
    exp,
    log1p,
    lowest,
)
from whyloss.measures.compiled.layout import (
    CHAIN,
    GAUSS_NEWTON,
    GRADIENT,
    GRADIENT_SQUARED,
    INTEGER_SLOTS,
    LOSS,
    LOSS_SQUARED,
    NARROW,
    OCTAVE,
    OWN,
    PEAK,
    TILE,
    TOP,
    TRUE,
    WORST,
)
from whyloss.measures.compiled.sums import PIECE, find_top, top_of, transpose, weights_size

# Differences below this count as this one: w is 0 at any temperature, and 0 times infinity would
# be NaN.
_DEEP = -1e9
# Squares of smaller weights would be denormal, which some processors are slow with.
_TINY = 1e-18
_GROUPED = 4096  # rows that are sorted by fold at a time; few enough to stay in the cache
# Places of TILE numbers: sums of w, of w times the difference to the peak, and of w times its
# square, at CHAIN temperatures each. Then the losses of a tile and their derivatives.
_SUMS, _LOSSES, _GRADIENTS, _CURVATURES = 2, 2 + 3 * CHAIN, 3 + 3 * CHAIN, 4 + 3 * CHAIN
_SLOTS = 5 + 3 * CHAIN


class Workspace(NamedTuple):
    """Working memory; all arrays are flat.

    Attributes
    ----------
    differences : ndarray of float32 or float64
        Columns of a tile of narrow rows, or one wide row: logits, then logits minus the peak.
    slots : ndarray of the same type, shape (n_slots * TILE,)
    integers : ndarray of int32, shape (INTEGER_SLOTS * TILE,)
        True and top classes, as in :mod:`whyloss.measures.compiled.layout`.
    order : ndarray of int64, shape (n_grouped,)
        Rows, fold by fold.
    ends : ndarray of int64, shape (n_folds,)
        Where in `order` each fold ends.
    """

    differences: npt.NDArray[Any]
    slots: npt.NDArray[Any]
    integers: npt.NDArray[np.int32]
    order: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]


def workspace(block: npt.NDArray[Any], n_folds: int) -> Workspace:
    """Allocate the working memory for a block of rows.

    Parameters
    ----------
    block : ndarray of float32 or float64, shape (n_rows, n_columns)
    n_folds : int

    Returns
    -------
    Workspace
    """
    kind = block.dtype
    return Workspace(
        differences=np.zeros(weights_size(block.shape[1]), dtype=kind),
        slots=np.zeros(_SLOTS * TILE, dtype=kind),
        integers=np.zeros(INTEGER_SLOTS * TILE, dtype=np.int32),
        order=np.zeros(_GROUPED, dtype=np.int64),
        ends=np.zeros(n_folds, dtype=np.int64),
    )


def over_blocks(moments: list[npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
    """Moments of all blocks together.

    Parameters
    ----------
    moments : list of ndarrays of float64, shape (..., MOMENTS)

    Returns
    -------
    ndarray of float64, shape (..., MOMENTS)
    """
    stacked = np.stack(moments)
    total: npt.NDArray[np.float64] = stacked.sum(axis=0)
    total[..., WORST] = stacked[..., WORST].max(axis=0)
    return total


@njit(**OPTIONS)
def _group(fold: Any, order: Any, ends: Any) -> None:
    """Sort rows by fold; those of a negative fold are left out."""
    ends[:] = 0
    for i in range(len(fold)):
        if 0 <= fold[i] < len(ends) - 1:
            ends[fold[i] + 1] += 1
    for part in range(1, len(ends)):
        ends[part] += ends[part - 1]
    for i in range(len(fold)):
        if fold[i] >= 0:
            order[ends[fold[i]]] = i
            ends[fold[i]] += 1


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
    space: Any,
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
    moments : ndarray of float64, shape (n_folds, MOMENTS)
        Changed in place.
    losses, gradients : ndarrays of float64
        Filled with the loss of every row that takes part and its derivative, unless they are empty.
    space : Workspace
    """
    n, width = block.shape
    slots = space.slots
    for chunk in range(0, n, _GROUPED):
        first = at + chunk
        _group(fold[first : first + min(_GROUPED, n - chunk)], space.order, space.ends)
        begin = 0
        for part in range(len(betas)):
            beta, end = betas[part], space.ends[part]
            for start in range(begin, end, TILE):
                rows = space.order[start : min(start + TILE, end)]
                if width <= NARROW:
                    _narrow_differences(block, chunk, rows, y_true[first:], space)
                    _narrow_sums(max(2, width), beta, space)
                else:
                    for j in range(len(rows)):
                        _wide_differences(block[chunk + rows[j]], y_true[first + rows[j]], j, space)
                        _wide_sums(beta, j, space)
                _add_moments(beta, 0, len(rows), moments[part], slots)
                if len(losses):
                    for j in range(len(rows)):
                        losses[first + rows[j]] = slots[_LOSSES * TILE + j]
                if len(gradients):
                    for j in range(len(rows)):
                        gradients[first + rows[j]] = slots[_GRADIENTS * TILE + j]
            begin = end


@njit(**KERNEL)
def grid_moments(
    block: Any, at: int, y_true: Any, fold: Any, betas: Any, moments: Any, space: Any
) -> None:
    """Add a block of rows to the moments of their folds, at many temperatures.

    Parameters
    ----------
    block : ndarray of float32 or float64, shape (n_rows, n_columns)
    at : int
    y_true : ndarray of int32
    fold : ndarray of int8
        As for :func:`fold_moments`.
    betas : ndarray of float64, shape (n_temperatures,)
        Inverse temperatures, OCTAVE of them for each doubling; a multiple of OCTAVE * CHAIN.
    moments : ndarray of float64, shape (n_folds, n_temperatures, MOMENTS)
        Changed in place.
    space : Workspace
    """
    n, width = block.shape
    for chunk in range(0, n, _GROUPED):
        first = at + chunk
        _group(fold[first : first + min(_GROUPED, n - chunk)], space.order, space.ends)
        begin = 0
        for part in range(len(moments)):
            end = space.ends[part]
            for start in range(begin, end, TILE):
                rows = space.order[start : min(start + TILE, end)]
                if width <= NARROW:
                    _narrow_differences(block, chunk, rows, y_true[first:], space)
                    _narrow_grid(max(2, width), betas, len(rows), moments[part], space)
                else:
                    for j in range(len(rows)):
                        row, y = block[chunk + rows[j]], y_true[first + rows[j]]
                        _wide_differences(row, y, 0, space)
                        _wide_grid(betas, moments[part], space)
            begin = end


@njit(**LOOP)
def _narrow_differences(block: Any, start: int, rows: Any, y_true: Any, space: Any) -> None:
    """Transpose a tile, and subtract from each logit the peak of its row.

    The difference of the top class is so low that it drops out of every sum.
    """
    columns, slots, integers = space.differences, space.slots, space.integers
    transpose(block, start, rows, columns)
    for j in range(len(rows)):
        integers[TRUE * TILE + j] = y_true[rows[j]]
    find_top(columns, slots, integers)
    deep = columns.dtype.type(_DEEP)
    for k in range(len(columns) // TILE):
        for j in range(TILE):
            below = columns[k * TILE + j] - slots[PEAK * TILE + j]
            out = (below < deep) | (integers[TOP * TILE + j] == np.int32(k))
            columns[k * TILE + j] = deep if out else below
    for j in range(TILE):
        slots[OWN * TILE + j] -= slots[PEAK * TILE + j]


@njit(**LOOP)
def _wide_differences(row: Any, y: int, j: int, space: Any) -> None:
    """Subtract from each logit of a wide row its peak, as for narrow rows."""
    differences = space.differences
    deep = row.dtype.type(_DEEP)
    top = top_of(row)
    peak = row[top]
    space.slots[OWN * TILE + j] = row[y] - peak
    for k in range(len(row)):
        below = row[k] - peak
        differences[k] = deep if below < deep else below
    differences[top] = deep


@njit(**INNER)
def _weight(below: Any, beta: Any) -> Any:
    """``exp(beta * below)``."""
    x = below * beta
    low, zero = lowest(below), type(below)(0)
    w = exp(low if x < low else x, zero)
    return zero if x < low else w


@njit(**LOOP)
def _narrow_sums(width: int, beta: float, space: Any) -> None:
    columns, slots = space.differences, space.slots
    real = slots.dtype.type
    b = real(beta)
    for j in range(3 * TILE):
        slots[_SUMS * TILE + j] = real(0)
    for k in range(width):
        for j in range(TILE):
            below = columns[k * TILE + j]
            w = _weight(below, b)
            slots[_SUMS * TILE + j] += w
            slots[(_SUMS + 1) * TILE + j] += w * below
            slots[(_SUMS + 2) * TILE + j] += w * below * below


@njit(**OPTIONS)
def _wide_sums(beta: float, j: int, space: Any) -> None:
    differences, slots = space.differences, space.slots
    a, b, c = 0.0, 0.0, 0.0
    for start in range(0, len(differences), PIECE):
        some = _piece(differences[start : start + PIECE], slots.dtype.type(beta))
        a += some[0]
        b += some[1]
        c += some[2]
    slots[_SUMS * TILE + j] = a
    slots[(_SUMS + 1) * TILE + j] = b
    slots[(_SUMS + 2) * TILE + j] = c


@njit(**REDUCTION)
def _piece(differences: Any, beta: Any) -> Any:
    a = b = c = type(beta)(0)
    for k in range(len(differences)):
        below = differences[k]
        w = _weight(below, beta)
        a += w
        b += w * below
        c += w * below * below
    return a, b, c


@njit(**INNER)
def _squared(w: Any) -> Any:
    """Weight at twice the inverse temperature."""
    return type(w)(0) if w < type(w)(_TINY) else w * w


@njit(**OPTIONS)
def _narrow_grid(width: int, betas: Any, count: int, moments: Any, space: Any) -> None:
    """Add a tile at all temperatures, of which CHAIN come from one exponential.

    Each square doubles the relative error of w; the chain ends before that counts.
    """
    for node in range(len(betas)):
        if node // OCTAVE % CHAIN == 0:
            _narrow_chain(width, betas[node], space.differences, space.slots)
            for step in range(CHAIN):
                at = node + step * OCTAVE
                _add_moments(betas[at], step, count, moments[at], space.slots)


@njit(**LOOP)
def _narrow_chain(width: int, beta: float, columns: Any, slots: Any) -> None:
    real = slots.dtype.type
    b = real(beta)
    for j in range(3 * CHAIN * TILE):
        slots[_SUMS * TILE + j] = real(0)
    for k in range(width):
        for j in range(TILE):
            below = columns[k * TILE + j]
            square = below * below
            w = _weight(below, b)
            slots[_SUMS * TILE + j] += w
            slots[(_SUMS + 1) * TILE + j] += w * below
            slots[(_SUMS + 2) * TILE + j] += w * square
            w = _squared(w)
            slots[(_SUMS + 3) * TILE + j] += w
            slots[(_SUMS + 4) * TILE + j] += w * below
            slots[(_SUMS + 5) * TILE + j] += w * square
            w = _squared(w)
            slots[(_SUMS + 6) * TILE + j] += w
            slots[(_SUMS + 7) * TILE + j] += w * below
            slots[(_SUMS + 8) * TILE + j] += w * square
            w = _squared(w)
            slots[(_SUMS + 9) * TILE + j] += w
            slots[(_SUMS + 10) * TILE + j] += w * below
            slots[(_SUMS + 11) * TILE + j] += w * square


@njit(**OPTIONS)
def _wide_grid(betas: Any, moments: Any, space: Any) -> None:
    """Add the row in place 0 at all temperatures."""
    differences, slots = space.differences, space.slots
    for node in range(len(betas)):
        if node // OCTAVE % CHAIN == 0:
            sums = np.zeros(3 * CHAIN)
            for start in range(0, len(differences), PIECE):
                _add_chain(differences[start : start + PIECE], slots.dtype.type(betas[node]), sums)
            for place in range(3 * CHAIN):
                slots[(_SUMS + place) * TILE] = sums[place]
            for step in range(CHAIN):
                at = node + step * OCTAVE
                _add_moments(betas[at], step, 1, moments[at], slots)


@njit(**REDUCTION)
def _add_chain(differences: Any, beta: Any, sums: Any) -> None:
    a0 = b0 = c0 = a1 = b1 = c1 = a2 = b2 = c2 = a3 = b3 = c3 = type(beta)(0)
    for k in range(len(differences)):
        below = differences[k]
        square = below * below
        w = _weight(below, beta)
        a0, b0, c0 = a0 + w, b0 + w * below, c0 + w * square
        w = _squared(w)
        a1, b1, c1 = a1 + w, b1 + w * below, c1 + w * square
        w = _squared(w)
        a2, b2, c2 = a2 + w, b2 + w * below, c2 + w * square
        w = _squared(w)
        a3, b3, c3 = a3 + w, b3 + w * below, c3 + w * square
    for place, value in enumerate((a0, b0, c0, a1, b1, c1, a2, b2, c2, a3, b3, c3)):
        sums[place] += value


@njit(**OPTIONS)
def _add_moments(beta: float, step: int, count: int, moments: Any, slots: Any) -> None:
    """Add the first `count` rows of a tile to the moments at one temperature."""
    first = (_SUMS + 3 * step) * TILE
    _losses(slots.dtype.type(beta), slots[first : first + 3 * TILE], count, slots)
    loss, gradient, curvature, losses, gradients, worst = _totals(count, slots)
    moments[LOSS] += loss
    moments[GRADIENT] += gradient
    moments[GAUSS_NEWTON] += curvature
    moments[LOSS_SQUARED] += losses
    moments[GRADIENT_SQUARED] += gradients
    moments[WORST] = max(moments[WORST], worst)


@njit(**LOOP)
def _losses(beta: Any, sums: Any, count: int, slots: Any) -> None:
    real = slots.dtype.type
    one, zero = real(1), real(0)
    for j in range(count):
        own = slots[OWN * TILE + j] * beta
        rest = sums[j]
        part = one / (rest + one)
        mean = sums[TILE + j] * beta * part
        variance = sums[2 * TILE + j] * (beta * beta) * part - mean * mean
        slots[_LOSSES * TILE + j] = log1p(rest) - own
        slots[_GRADIENTS * TILE + j] = mean - own
        slots[_CURVATURES * TILE + j] = variance if variance > zero else zero


@njit(**REDUCTION)
def _totals(count: int, slots: Any) -> Any:
    total = slope = curvature = squares = slopes = worst = 0.0
    for j in range(count):
        loss = np.float64(slots[_LOSSES * TILE + j])
        gradient = np.float64(slots[_GRADIENTS * TILE + j])
        total += loss
        slope += gradient
        curvature += np.float64(slots[_CURVATURES * TILE + j])
        squares += loss * loss
        slopes += gradient * gradient
    for j in range(count):
        worst = max(worst, np.float64(slots[_LOSSES * TILE + j]))
    return total, slope, curvature, squares, slopes, worst
