"""Temperatures of large inputs, overall and per fold, in three or four passes over the data."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from whyloss.measures.calibration.temperature import (
    N_FOLDS,
    Derivatives,
    TemperatureFit,
    fit_temperature,
)
from whyloss.measures.compiled.blocks import in_threads, prepare
from whyloss.measures.compiled.derivatives import (
    fold_moments,
    grid_moments,
    over_blocks,
    workspace,
)
from whyloss.measures.compiled.dispatch import check_labels
from whyloss.measures.compiled.layout import (
    GAUSS_NEWTON,
    GRADIENT,
    GRADIENT_SQUARED,
    LOSS,
    MOMENTS,
    WORST,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from whyloss.data import Scale
    from whyloss.measures.estimates.intervals import FloatVector

SAMPLE_VALUES = 1 << 20  # values in the subsample that gives the first guess
# The error after the last Newton step is of the order of its square.
STEP = 2e-4
# Between two evaluated points the gradient is interpolated by a cubic Hermite polynomial. Its error
# is proportional to (d1 d2)^2, the distances to both points, and below 1e-7 for d1 d2 <= 3e-4.
MAX_DISTANCE_PRODUCT = 3e-4
MIN_SPACING = 0.003  # points that are closer give no usable curvature
SECOND_POINT = 0.01  # distance at which a second point is evaluated

_NOTHING = np.empty(0)


class FoldSums:
    """Sums of the loss and its derivatives by fold; each temperature takes one pass over the data.

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
        """Sums by fold, each fold at its own temperature.

        Parameters
        ----------
        log_betas : ndarray of shape (n_folds,)
        losses, gradients : ndarrays of shape (n_samples,), optional
            Filled with the loss of every row that takes part, and its derivative in u.

        Returns
        -------
        ndarray of float64, shape (n_folds, MOMENTS)
        """
        betas = np.exp(log_betas)

        def work(rows: slice) -> FloatVector:
            moments = np.zeros((N_FOLDS, MOMENTS))
            block, _ = prepare(self._scores[rows], self._scale)
            fold_moments(
                block,
                rows.start,
                self._y_true,
                self._fold,
                betas,
                moments,
                losses,
                gradients,
                workspace(block, N_FOLDS),
            )
            return moments

        return over_blocks(in_threads(self._scores, self._scale, work))

    def run_grid(self, log_betas: FloatVector) -> FloatVector:
        """Sums by fold at every temperature of a grid, in one pass.

        Parameters
        ----------
        log_betas : ndarray of shape (n_temperatures,)
            OCTAVE of them for each doubling of beta.

        Returns
        -------
        ndarray of float64, shape (n_temperatures, n_folds, MOMENTS)
        """
        betas = np.exp(log_betas)

        def work(rows: slice) -> FloatVector:
            moments = np.zeros((N_FOLDS, len(betas), MOMENTS))
            block, _ = prepare(self._scores[rows], self._scale)
            grid_moments(
                block,
                rows.start,
                self._y_true,
                self._fold,
                betas,
                moments,
                workspace(block, N_FOLDS),
            )
            return moments

        return over_blocks(in_threads(self._scores, self._scale, work)).swapaxes(0, 1)

    def at(self, log_beta: float) -> FloatVector:
        """Sums by fold, all folds at one temperature; results are kept.

        Parameters
        ----------
        log_beta : float

        Returns
        -------
        ndarray of float64, shape (n_folds, MOMENTS)
        """
        if log_beta not in self.known:
            self.known[log_beta] = self.run(np.full(N_FOLDS, log_beta))
        return self.known[log_beta]

    def sample(self) -> FoldSums | None:
        """The sums of an evenly spaced subsample of the rows, whose passes are cheap.

        Returns
        -------
        FoldSums or None
            None where the subsample would not be clearly smaller.
        """
        rows = max(256, SAMPLE_VALUES // self._scores.shape[1])
        step = len(self._fold) // rows
        if step < 4:
            return None
        some = slice(None, None, step)
        return FoldSums(
            np.ascontiguousarray(self._y_true[some]),
            np.ascontiguousarray(self._scores[some]),
            self._scale,
            np.ascontiguousarray(self._fold[some]),
        )


class FoldObjective:
    """Temperature objective of the samples of some folds.

    Parameters
    ----------
    sums : FoldSums
    folds : iterable of int
    """

    def __init__(self, sums: FoldSums, folds: Iterable[int]) -> None:
        self._sums = sums
        self._folds = list(folds)

    def __len__(self) -> int:
        return int(self._sums.counts[self._folds].sum())

    def derivatives(self, log_beta: float) -> Derivatives:
        """Loss and derivatives, interpolated between evaluated points where that is exact enough.

        Parameters
        ----------
        log_beta : float
            ``u = ln beta``.

        Returns
        -------
        Derivatives
        """
        known = self._sums.known
        near = sorted(known, key=lambda u: abs(u - log_beta))[:2]
        if near and 0.0 < abs(near[0] - log_beta) < MIN_SPACING:
            if len(near) < 2 or abs(near[0] - near[1]) < MIN_SPACING:
                near = [near[0], near[0] + math.copysign(SECOND_POINT, log_beta - near[0])]
        elif len(near) < 2 or abs(near[0] - near[1]) < MIN_SPACING or near[0] == log_beta:
            return self._exact(log_beta)
        if abs(near[0] - log_beta) * abs(near[1] - log_beta) > MAX_DISTANCE_PRODUCT:
            return self._exact(log_beta)
        return _between(log_beta, near[0], near[1], self._exact(near[0]), self._exact(near[1]))

    def _exact(self, log_beta: float) -> Derivatives:
        moments = self._sums.at(log_beta)[self._folds]
        total = moments.sum(axis=0)
        return Derivatives(
            loss=float(total[LOSS]),
            gradient=float(total[GRADIENT]),
            gauss_newton=float(total[GAUSS_NEWTON]),
            gradient_squared=float(total[GRADIENT_SQUARED]),
            worst=float(moments[:, WORST].max()),
        )


def _between(
    log_beta: float, first: float, second: float, start: Derivatives, end: Derivatives
) -> Derivatives:
    """Derivatives near two evaluated points: the gradient by cubic Hermite interpolation."""
    width = second - first
    t = (log_beta - first) / width
    # Second derivatives at both points, in units of the width.
    bend = [(point.gradient + point.gauss_newton) * width for point in (start, end)]
    rise = end.gradient - start.gradient
    quadratic = 3 * rise - 2 * bend[0] - bend[1]
    cubic = bend[0] + bend[1] - 2 * rise
    gradient = start.gradient + t * (bend[0] + t * (quadratic + t * cubic))
    curvature = (bend[0] + t * (2 * quadratic + t * 3 * cubic)) / width
    return Derivatives(
        loss=(1 - t) * start.loss + t * end.loss,
        gradient=gradient,
        gauss_newton=curvature - gradient,
        gradient_squared=max(0.0, (1 - t) * start.gradient_squared + t * end.gradient_squared),
        worst=start.worst,
    )


def objective_of(
    y_true: npt.NDArray[np.integer[Any]],
    scores: npt.NDArray[np.floating[Any]],
    scale: Scale,
    rows: npt.NDArray[np.bool_],
) -> FoldObjective:
    """Temperature objective of some rows of a large input.

    Parameters
    ----------
    y_true : ndarray of int, shape (n_samples,)
    scores : ndarray of shape (n_samples, n_columns)
    scale : {"logits", "log_probs", "probs"}
    rows : ndarray of bool, shape (n_samples,)
        Rows that take part; they have a finite loss.

    Returns
    -------
    FoldObjective
    """
    fold = np.where(rows, np.int8(0), np.int8(-1))
    return FoldObjective(FoldSums(check_labels(y_true, scores), scores, scale, fold), [0])


class CompiledObjective(FoldObjective):
    """Temperature objective of all rows of a large input; it can also give single losses.

    Parameters
    ----------
    y_true : ndarray of int, shape (n_samples,)
    scores : ndarray of shape (n_samples, n_columns)
    scale : {"logits", "log_probs", "probs"}
        As for :class:`whyloss.measures.calibration.temperature.LogitsObjective`.
    """

    def __init__(
        self,
        y_true: npt.NDArray[np.integer[Any]],
        scores: npt.NDArray[np.floating[Any]],
        scale: Scale,
    ) -> None:
        everyone = np.zeros(len(scores), dtype=np.int8)
        super().__init__(FoldSums(check_labels(y_true, scores), scores, scale, everyone), [0])

    def at(self, log_beta: float) -> tuple[FloatVector, FloatVector]:
        """Loss of every sample at ``u = ln beta``, and its derivative in u.

        Parameters
        ----------
        log_beta : float

        Returns
        -------
        losses, gradients : ndarrays of float64, shape (n_samples,)
        """
        losses, gradients = np.empty(len(self)), np.empty(len(self))
        self._sums.run(np.full(N_FOLDS, log_beta), losses, gradients)
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
    sums = FoldSums(check_labels(y_true, scores), scores, scale, fold)
    present = np.flatnonzero(sums.counts).tolist()
    everyone = FoldObjective(sums, present)
    sample = sums.sample()
    guess = (
        fit_temperature(FoldObjective(sample, present), tolerance=1e-3).log_beta if sample else 0.0
    )
    fit = fit_temperature(everyone, start=guess, tolerance=STEP)
    log_betas = np.full(N_FOLDS, fit.log_beta)
    if len(present) > 1:
        for k in present:
            others = FoldObjective(sums, [fold for fold in present if fold != k])
            log_betas[k] = fit_temperature(others, start=fit.log_beta, tolerance=STEP).log_beta
    refined = np.full(len(scores), np.nan)
    sums.run(log_betas, refined)
    refined[fold < 0] = np.nan
    return fit, refined
