"""The loss under any temperature, from sums at a grid of fixed ones: constant memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from whyloss.measures import backend
from whyloss.measures.calibration.temperature import N_FOLDS, Derivatives, LogitsObjective
from whyloss.measures.compiled.layout import (
    CHAIN,
    GAUSS_NEWTON,
    GRADIENT,
    GRADIENT_SQUARED,
    LOSS,
    LOSS_SQUARED,
    MOMENTS,
    OCTAVE,
    WORST,
)

if TYPE_CHECKING:
    from whyloss.data import Scale
    from whyloss.measures.estimates.intervals import FloatVector

# Values of u = ln beta, from -3 to 2.3. OCTAVE steps double beta, so that the kernel gets several
# exponentials by squaring one.
GRID = -3.0 + np.log(2.0) / OCTAVE * np.arange(2 * OCTAVE * CHAIN)


def grid_sums(
    y_true: npt.NDArray[np.int32],
    scores: npt.NDArray[np.floating[Any]],
    scale: Scale,
    *,
    fold: npt.NDArray[np.int8],
    weights: FloatVector | None,
) -> FloatVector:
    """Sums of the loss and its derivatives, by fold, at every temperature of the grid.

    Parameters
    ----------
    y_true : ndarray of int32, shape (n_samples,)
    scores : ndarray of shape (n_samples, n_columns)
    scale : {"logits", "log_probs", "probs"}
    fold : ndarray of int8, shape (n_samples,)
        Negative for rows that take no part.
    weights : ndarray of float64, shape (n_samples,), optional

    Returns
    -------
    ndarray of float64, shape (n_temperatures, N_FOLDS, MOMENTS)
    """
    if backend.use_compiled(scores.size, weighted=weights is not None):
        from whyloss.measures.compiled.crossfit import FoldSums  # noqa: PLC0415 - loads a compiler

        return FoldSums(y_true, scores, scale, fold).run_grid(GRID)
    part = fold >= 0
    problem = LogitsObjective(y_true[part], scores[part], scale)
    weight = np.ones(len(y_true)) if weights is None else weights
    member = (fold[part] == np.arange(N_FOLDS)[:, None]) * weight[part]
    moments = np.zeros((len(GRID), N_FOLDS, MOMENTS))
    for at, u in zip(moments, GRID.tolist(), strict=True):
        loss, gradient, gauss_newton, _ = problem.at(u)
        at[:, LOSS] = member @ loss
        at[:, GRADIENT] = member @ gradient
        at[:, GAUSS_NEWTON] = member @ gauss_newton
        at[:, LOSS_SQUARED] = member @ loss**2
        at[:, GRADIENT_SQUARED] = member @ gradient**2
        at[:, WORST] = np.where(member > 0, loss, 0.0).max(axis=1, initial=0.0)
    return moments


class GridObjective:
    """Temperature objective reconstructed from sums on a grid.

    Parameters
    ----------
    moments : ndarray of float64, shape (n_temperatures, n_folds, MOMENTS)
        As :func:`grid_sums` gives them.
    n_samples : int
        Number of samples in these folds.
    """

    def __init__(self, moments: FloatVector, n_samples: int) -> None:
        self._n_samples = n_samples
        self._sums = moments.sum(axis=1)
        self._worst = moments[:, :, WORST].max(axis=1)

    def __len__(self) -> int:
        return self._n_samples

    def derivatives(self, log_beta: float) -> Derivatives:
        """Loss and derivatives, summed over the samples.

        Between two temperatures of the grid the loss is the polynomial of degree five that has its
        value and its first two derivatives at both. Outside the grid, the sums at its end are
        returned, so that no search goes on there.

        Parameters
        ----------
        log_beta : float
            ``u = ln beta``.

        Returns
        -------
        Derivatives
        """
        u = float(np.clip(log_beta, GRID[0], GRID[-1]))
        left = min(int(np.searchsorted(GRID, u, side="right")) - 1, len(GRID) - 2)
        width = GRID[left + 1] - GRID[left]
        t = (u - GRID[left]) / width
        low, high = self._sums[left], self._sums[left + 1]
        f = low[LOSS], high[LOSS]
        g = low[GRADIENT] * width, high[GRADIENT] * width
        h = (
            (low[GRADIENT] + low[GAUSS_NEWTON]) * width**2,
            (high[GRADIENT] + high[GAUSS_NEWTON]) * width**2,
        )
        rise = f[1] - f[0] - g[0] - h[0] / 2
        turn = g[1] - g[0] - h[0]
        bend = h[1] - h[0]
        curve = np.polynomial.Polynomial(
            [
                f[0],
                g[0],
                h[0] / 2,
                10 * rise - 4 * turn + bend / 2,
                -15 * rise + 7 * turn - bend,
                6 * rise - 3 * turn + bend / 2,
            ]
        )
        gradient = float(curve.deriv()(t)) / width
        squares = (1 - t) * low + t * high
        return Derivatives(
            loss=float(curve(t)),
            gradient=gradient,
            gauss_newton=float(curve.deriv(2)(t)) / width**2 - gradient,
            gradient_squared=float(squares[GRADIENT_SQUARED]),
            worst=float(self._worst[left + round(t)]),
        )

    def loss_squared(self, log_beta: float) -> float:
        """Sum of the squared losses, by linear interpolation: for standard errors.

        Parameters
        ----------
        log_beta : float
            ``u = ln beta``.

        Returns
        -------
        float
        """
        return float(np.interp(log_beta, GRID, self._sums[:, LOSS_SQUARED]))
