"""One temperature for large inputs, and one for each fold, in three or four passes over the data."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from whyloss.measures.kernels.blocks import in_threads, prepare
from whyloss.measures.kernels.dispatch import check_labels
from whyloss.measures.kernels.layout import (
    GAUSS_NEWTON,
    GRADIENT,
    GRADIENT_SQUARED,
    LOSS,
    MOMENTS,
    WORST,
)
from whyloss.measures.kernels.slopes import from_lanes, node_slopes, slopes, workspace
from whyloss.measures.kernels.vectors import LANES
from whyloss.measures.temperature import N_FOLDS, SMALL, Slopes, TemperatureFit, fit_temperature

if TYPE_CHECKING:
    from collections.abc import Iterable

    from whyloss.data import Scale
    from whyloss.measures.intervals import FloatVector

SAMPLE_VALUES = 1 << 20  # values in the sample of rows that the first guess is made on
# What remains after a last Newton step is of the order of its square.
STEP = 2e-4
# The slope between two points is a cubic, good to 1e-7 so far away from both of them, and needs
# so much of a distance between them.
NEAR, APART = 0.01, 0.003

_NOTHING = np.empty(0)


class Passes:
    """Sums by fold at any temperature, each at the price of one pass over the data.

    Parameters
    ----------
    y_true : ndarray of int32, shape (n_samples,)
    scores : ndarray of shape (n_samples, n_columns)
    scale : {"logits", "log_probs", "probs"}
    fold : ndarray of int8, shape (n_samples,)
        0 to 4; negative for rows that take no part.
    """

    def __init__(
        self,
        y_true: npt.NDArray[np.int32],
        scores: npt.NDArray[np.floating[Any]],
        scale: Scale,
        fold: npt.NDArray[np.int8],
    ) -> None:
        self._y_true = y_true
        self._scores = scores
        self._scale = scale
        self._fold = fold
        self.counts = np.bincount(fold[fold >= 0], minlength=N_FOLDS)
        self.known: dict[float, FloatVector] = {}

    def run(self, log_betas: FloatVector, losses: FloatVector = _NOTHING) -> FloatVector:
        """Moments of the folds, each at its own u, shape (n_folds, MOMENTS).

        Parameters
        ----------
        log_betas : ndarray of shape (n_folds,)
        losses : ndarray of shape (n_samples,), optional
            Filled with the losses of the rows that take part.
        """
        betas = np.exp(log_betas)

        def work(rows: slice) -> FloatVector:
            moments = np.zeros((N_FOLDS, MOMENTS, LANES))
            block, _ = prepare(self._scores[rows], self._scale)
            slopes(
                block,
                rows.start,
                self._y_true,
                self._fold,
                betas,
                moments.reshape(-1),
                losses,
                workspace(block, N_FOLDS),
            )
            return moments

        return from_lanes(np.stack(in_threads(self._scores, self._scale, work)))

    def run_nodes(self, log_betas: FloatVector) -> FloatVector:
        """Moments of the folds at each of many u, shape (n_nodes, n_folds, MOMENTS), in one pass.

        Parameters
        ----------
        log_betas : ndarray of shape (n_nodes,)
            OCTAVE of them for each doubling of beta.
        """
        betas = np.exp(log_betas)

        def work(rows: slice) -> FloatVector:
            moments = np.zeros((N_FOLDS, len(betas), MOMENTS, LANES))
            block, _ = prepare(self._scores[rows], self._scale)
            node_slopes(
                block,
                rows.start,
                self._y_true,
                self._fold,
                betas,
                moments.reshape(-1),
                workspace(block, N_FOLDS, len(betas)),
            )
            return moments

        return from_lanes(np.stack(in_threads(self._scores, self._scale, work))).swapaxes(0, 1)

    def at(self, log_beta: float) -> FloatVector:
        """Moments of all folds at one u; those that were computed before cost nothing."""
        if log_beta not in self.known:
            self.known[log_beta] = self.run(np.full(N_FOLDS, log_beta))
        return self.known[log_beta]

    def sample(self) -> Passes:
        """The same on so few rows that a pass costs next to nothing."""
        rows = max(256, SAMPLE_VALUES // self._scores.shape[1])
        step = max(1, len(self._fold) // rows)
        some = slice(None, None, step)
        return Passes(
            np.ascontiguousarray(self._y_true[some]),
            np.ascontiguousarray(self._scores[some]),
            self._scale,
            np.ascontiguousarray(self._fold[some]),
        )


class Folds:
    """The samples of some folds, as a problem to fit a temperature to."""

    def __init__(self, passes: Passes, folds: Iterable[int]) -> None:
        self._passes = passes
        self._folds = list(folds)

    def __len__(self) -> int:
        return int(self._passes.counts[self._folds].sum())

    def slopes(self, log_beta: float) -> Slopes:
        """Sums at ``u = ln beta``."""
        moments = self._passes.at(log_beta)[self._folds]
        total = moments.sum(axis=0)
        return Slopes(
            loss=float(total[LOSS]),
            gradient=float(total[GRADIENT]),
            gauss_newton=float(total[GAUSS_NEWTON]),
            gradient_squared=float(total[GRADIENT_SQUARED]),
            worst=float(moments[:, WORST].max()),
        )

    def minimum(self, guess: float) -> float | None:
        """Minimum near `guess` from what is known already; None where that does not tell it."""
        first, second = sorted(self._passes.known, key=lambda u: abs(u - guess))[:2]
        width = second - first
        ends = self.slopes(first), self.slopes(second)
        slope = [end.gradient for end in ends]
        bend = [(end.gradient + end.gauss_newton) * width for end in ends]
        # Cubic Hermite interpolation of the slope; Newton's method from the nearer end.
        quadratic = 3 * (slope[1] - slope[0]) - 2 * bend[0] - bend[1]
        cubic = bend[0] + bend[1] - 2 * (slope[1] - slope[0])
        t = 0.0
        for _ in range(20):
            value = slope[0] + t * (bend[0] + t * (quadratic + t * cubic))
            rise = bend[0] + t * (2 * quadratic + t * 3 * cubic)
            if rise * width <= 0:
                return None
            t -= value / rise
            if abs(t * width) > NEAR:
                return None
        return first + t * width


def cross_fit(
    y_true: npt.NDArray[np.integer[Any]],
    scores: npt.NDArray[np.floating[Any]],
    scale: Scale,
    fold: npt.NDArray[np.int8],
) -> tuple[TemperatureFit, FloatVector]:
    """Fit a temperature, and score every sample under the one fitted without its fold.

    Parameters
    ----------
    y_true : ndarray of int, shape (n_samples,)
    scores : ndarray of shape (n_samples, n_columns)
    scale : {"logits", "log_probs", "probs"}
    fold : ndarray of int8, shape (n_samples,)
        0 to 4; negative for rows that take no part.

    Returns
    -------
    fit : TemperatureFit
        On all samples that take part.
    refined : ndarray of float64, shape (n_samples,)
        NaN where the row takes no part.
    """
    passes = Passes(check_labels(y_true, scores), scores, scale, fold)
    present = np.flatnonzero(passes.counts).tolist()
    everyone = Folds(passes, present)
    guess = fit_temperature(Folds(passes.sample(), present), tolerance=1e-3).log_beta
    fit = fit_temperature(everyone, start=guess, tolerance=STEP)
    log_betas = np.full(N_FOLDS, fit.log_beta)
    if len(present) > 1:
        known = sorted(passes.known, key=lambda u: abs(u - fit.log_beta))
        if len(known) < 2 or abs(known[0] - known[1]) < APART:
            passes.at(known[0] + math.copysign(NEAR, fit.log_beta - known[0]))
        for k in present:
            others = Folds(passes, [fold for fold in present if fold != k])
            found = None if fit.shrunk or len(others) < SMALL else others.minimum(fit.log_beta)
            if found is None:
                found = fit_temperature(others, start=known[0], tolerance=STEP).log_beta
            log_betas[k] = found
    refined = np.full(len(scores), np.nan)
    passes.run(log_betas, refined)
    refined[fold < 0] = np.nan
    return fit, refined
