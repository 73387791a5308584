"""The loss under any temperature, from sums at a few fixed ones: what a stream can keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from whyloss.measures import backend
from whyloss.measures.calibration.temperature import N_FOLDS, Slopes, TemperatureProblem
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

# Of u = ln beta, from -3 to 2.3. Whole steps of a doubling, so that one exponential serves many.
NODES = -3.0 + np.log(2.0) / OCTAVE * np.arange(2 * OCTAVE * CHAIN)


def node_sums(
    y_true: npt.NDArray[np.int32],
    scores: npt.NDArray[np.floating[Any]],
    scale: Scale,
    *,
    fold: npt.NDArray[np.int8],
    weights: FloatVector | None,
) -> FloatVector:
    """Moments of every fold at every node.

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
    ndarray of shape (n_nodes, N_FOLDS, MOMENTS)
    """
    if backend.use_compiled(scores.size, weighted=weights is not None):
        from whyloss.measures.compiled.crossfit import Passes  # noqa: PLC0415 - loads a compiler

        return Passes(y_true, scores, scale, fold).run_nodes(NODES)
    part = fold >= 0
    problem = TemperatureProblem(y_true[part], scores[part], scale)
    weight = np.ones(len(y_true)) if weights is None else weights
    member = (fold[part] == np.arange(N_FOLDS)[:, None]) * weight[part]
    moments = np.zeros((len(NODES), N_FOLDS, MOMENTS))
    for at, u in zip(moments, NODES.tolist(), strict=True):
        loss, gradient, gauss_newton, _ = problem.at(u)
        at[:, LOSS] = member @ loss
        at[:, GRADIENT] = member @ gradient
        at[:, GAUSS_NEWTON] = member @ gauss_newton
        at[:, LOSS_SQUARED] = member @ loss**2
        at[:, GRADIENT_SQUARED] = member @ gradient**2
        at[:, WORST] = np.where(member > 0, loss, 0.0).max(axis=1, initial=0.0)
    return moments


class NodeProblem:
    """Samples that only their sums at the nodes are known of, as a problem to fit.

    Parameters
    ----------
    moments : ndarray of shape (n_nodes, n_folds, MOMENTS)
    n_samples : int
        In these folds.
    """

    def __init__(self, moments: FloatVector, n_samples: int) -> None:
        self._n_samples = n_samples
        self._sums = moments.sum(axis=1)
        self._worst = moments[:, :, WORST].max(axis=1)

    def __len__(self) -> int:
        return self._n_samples

    def slopes(self, log_beta: float) -> Slopes:
        """Sums at ``u = ln beta``; beyond the nodes, those at the last one, to stop any search.

        Between nodes the loss is the polynomial of degree five with its value, slope and curvature
        at both of them.
        """
        u = float(np.clip(log_beta, NODES[0], NODES[-1]))
        left = min(int(np.searchsorted(NODES, u, side="right")) - 1, len(NODES) - 2)
        width = NODES[left + 1] - NODES[left]
        t = (u - NODES[left]) / width
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
        return Slopes(
            loss=float(curve(t)),
            gradient=gradient,
            gauss_newton=float(curve.deriv(2)(t)) / width**2 - gradient,
            gradient_squared=float(squares[GRADIENT_SQUARED]),
            worst=float(self._worst[left + round(t)]),
        )

    def loss_squared(self, log_beta: float) -> float:
        """Sum of the squared losses, by linear interpolation: for standard errors."""
        return float(np.interp(log_beta, NODES, self._sums[:, LOSS_SQUARED]))
