"""One temperature for large inputs, and one for each fold, in three or four passes over the data."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from whyloss.measures.calibration.temperature import (
    N_FOLDS,
    Slopes,
    TemperatureFit,
    fit_temperature,
)
from whyloss.measures.compiled.blocks import in_threads, prepare
from whyloss.measures.compiled.dispatch import check_labels
from whyloss.measures.compiled.layout import (
    GAUSS_NEWTON,
    GRADIENT,
    GRADIENT_SQUARED,
    LOSS,
    MOMENTS,
    WORST,
)
from whyloss.measures.compiled.slopes import from_lanes, node_slopes, slopes, workspace
from whyloss.measures.compiled.vectors import LANES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from whyloss.data import Scale
    from whyloss.measures.estimates.intervals import FloatVector

SAMPLE_VALUES = 1 << 20  # values in the sample of rows that the first guess is made on
# What remains after a last Newton step is of the order of its square.
STEP = 2e-4
# The slope between two points is a cubic: what it is off by goes with the square of the product of
# the distances to them, and is 1e-7 here. Points closer than APART tell too little of its bends.
TOLD, APART, NEAR = 3e-4, 0.003, 0.01

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

    def run(
        self,
        log_betas: FloatVector,
        losses: FloatVector = _NOTHING,
        gradients: FloatVector = _NOTHING,
    ) -> FloatVector:
        """Moments of the folds, each at its own u, shape (n_folds, MOMENTS).

        Parameters
        ----------
        log_betas : ndarray of shape (n_folds,)
        losses, gradients : ndarrays of shape (n_samples,), optional
            Filled with the losses of the rows that take part, and their slopes.
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
                gradients,
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

    def sample(self) -> Passes | None:
        """The same on so few rows that a pass costs next to nothing; None if that is no fewer."""
        rows = max(256, SAMPLE_VALUES // self._scores.shape[1])
        step = len(self._fold) // rows
        if step < 4:
            return None
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
        """Sums at ``u = ln beta``, from what is known nearby or from a pass."""
        known = self._passes.known
        near = sorted(known, key=lambda u: abs(u - log_beta))[:2]
        if near and 0.0 < abs(near[0] - log_beta) < APART:
            if len(near) < 2 or abs(near[0] - near[1]) < APART:
                near = [near[0], near[0] + math.copysign(NEAR, log_beta - near[0])]
        elif len(near) < 2 or abs(near[0] - near[1]) < APART or near[0] == log_beta:
            return self._exact(log_beta)
        if abs(near[0] - log_beta) * abs(near[1] - log_beta) > TOLD:
            return self._exact(log_beta)
        return _between(log_beta, near[0], near[1], self._exact(near[0]), self._exact(near[1]))

    def _exact(self, log_beta: float) -> Slopes:
        moments = self._passes.at(log_beta)[self._folds]
        total = moments.sum(axis=0)
        return Slopes(
            loss=float(total[LOSS]),
            gradient=float(total[GRADIENT]),
            gauss_newton=float(total[GAUSS_NEWTON]),
            gradient_squared=float(total[GRADIENT_SQUARED]),
            worst=float(moments[:, WORST].max()),
        )


def _between(log_beta: float, first: float, second: float, start: Slopes, end: Slopes) -> Slopes:
    """Sums between two points, or near them: the slope by cubic Hermite interpolation."""
    width = second - first
    t = (log_beta - first) / width
    bend = [(point.gradient + point.gauss_newton) * width for point in (start, end)]
    rise = end.gradient - start.gradient
    quadratic, cubic = 3 * rise - 2 * bend[0] - bend[1], bend[0] + bend[1] - 2 * rise
    gradient = start.gradient + t * (bend[0] + t * (quadratic + t * cubic))
    curvature = (bend[0] + t * (2 * quadratic + t * 3 * cubic)) / width
    return Slopes(
        loss=(1 - t) * start.loss + t * end.loss,
        gradient=gradient,
        gauss_newton=curvature - gradient,
        gradient_squared=max(0.0, (1 - t) * start.gradient_squared + t * end.gradient_squared),
        worst=start.worst,
    )


def problem_of(
    y_true: npt.NDArray[np.integer[Any]],
    scores: npt.NDArray[np.floating[Any]],
    scale: Scale,
    rows: npt.NDArray[np.bool_],
) -> Folds:
    """Some rows of a large input, as a problem to fit a temperature to."""
    fold = np.where(rows, np.int8(0), np.int8(-1))
    return Folds(Passes(check_labels(y_true, scores), scores, scale, fold), [0])


class CompiledObjective(Folds):
    """All rows of a large input, as a problem to fit a temperature to and to look into.

    Parameters
    ----------
    y_true, scores, scale
        As in :class:`whyloss.measures.calibration.temperature.TemperatureProblem`.
    """

    def __init__(
        self,
        y_true: npt.NDArray[np.integer[Any]],
        scores: npt.NDArray[np.floating[Any]],
        scale: Scale,
    ) -> None:
        everyone = np.zeros(len(scores), dtype=np.int8)
        super().__init__(Passes(check_labels(y_true, scores), scores, scale, everyone), [0])

    def at(self, log_beta: float) -> tuple[FloatVector, FloatVector]:
        """Loss of every sample at ``u = ln beta``, and its derivative in u."""
        losses, gradients = np.empty(len(self)), np.empty(len(self))
        self._passes.run(np.full(N_FOLDS, log_beta), losses, gradients)
        return losses, gradients


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
    sample = passes.sample()
    guess = fit_temperature(Folds(sample, present), tolerance=1e-3).log_beta if sample else 0.0
    fit = fit_temperature(everyone, start=guess, tolerance=STEP)
    log_betas = np.full(N_FOLDS, fit.log_beta)
    if len(present) > 1:
        for k in present:
            others = Folds(passes, [fold for fold in present if fold != k])
            log_betas[k] = fit_temperature(others, start=fit.log_beta, tolerance=STEP).log_beta
    refined = np.full(len(scores), np.nan)
    passes.run(log_betas, refined)
    refined[fold < 0] = np.nan
    return fit, refined
