"""One temperature for all samples, fitted by Newton steps; the objective is exchangeable."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from whyloss.measures.estimates.weights import as_samples
from whyloss.measures.losses.logits import Logits
from whyloss.results.estimate import Z95, Estimate

if TYPE_CHECKING:
    from whyloss.data import Scale
    from whyloss.measures.estimates.intervals import BoolVector, FloatVector

SMALL = 200  # samples; with fewer, a prior keeps single samples from moving the temperature far
PRIOR_MEAN, PRIOR_SD = -0.3, 0.5  # of ln beta: networks tend to be over-confident, T near 1.35
BOUND = 12.0  # |ln beta|; wide enough for logits in the thousands
FLAT = 1.0  # standard error of ln beta above which a minimum is not clear
N_FOLDS = 5


@dataclass(frozen=True)
class TemperatureFit:
    """A fitted inverse temperature.

    Attributes
    ----------
    log_beta : float
        ``ln(1 / T)``.
    se : float
        Standard error of `log_beta` (sandwich form); NaN where the curvature is not positive.
    shrunk : bool
        Whether the prior took part.
    """

    log_beta: float
    se: float
    shrunk: bool

    @property
    def beta(self) -> float:
        """Inverse temperature."""
        return math.exp(self.log_beta)

    @property
    def temperature(self) -> float:
        """T, by which logits are divided."""
        return math.exp(-self.log_beta)

    @property
    def estimate(self) -> Estimate:
        """T with its 95 % interval, symmetric in ln T."""
        if not math.isfinite(self.se):
            return Estimate(self.temperature, note="no spread in the samples", unit="temperature")
        half = Z95 * self.se
        return Estimate(
            self.temperature,
            math.exp(-self.log_beta - half),
            math.exp(-self.log_beta + half),
            unit="temperature",
        )


class Derivatives(NamedTuple):
    """The loss and its derivatives in ``u = ln beta``, summed over samples; in nats.

    Weights are in units of equal samples, so that the sums are as large as those of as many equal
    samples as the weights leave.

    Attributes
    ----------
    loss : float
    gradient : float
        Sum of ``dl/du``.
    gauss_newton : float
        Sum of ``beta^2 V``, the part of the second derivative that is never negative.
    gradient_squared : float
        Sum of ``(dl/du)^2``, for the standard error.
    worst : float
        Largest loss of a sample.
    """

    loss: float
    gradient: float
    gauss_newton: float
    gradient_squared: float
    worst: float


class TemperatureObjective(Protocol):
    """The summed loss of some samples as a function of ``u = ln beta``."""

    def derivatives(self, log_beta: float) -> Derivatives:
        """Loss and derivatives, summed over the samples.

        Parameters
        ----------
        log_beta : float
            ``u = ln beta``.

        Returns
        -------
        Derivatives
        """
        ...

    def __len__(self) -> int:
        """Effective number of samples."""
        ...


class LogitsObjective:
    """The cross-entropy of fixed logits as a function of the inverse temperature.

    Parameters
    ----------
    y_true : ndarray of int, shape (n_samples,)
    scores : ndarray of shape (n_samples, n_columns)
    scale : {"logits", "log_probs", "probs"}
        All rows finite and with a finite loss.
    weights : ndarray of float64, shape (n_samples,), optional
        Above 0.
    """

    def __init__(
        self,
        y_true: npt.NDArray[np.integer[Any]],
        scores: npt.NDArray[np.floating[Any]],
        scale: Scale,
        weights: FloatVector | None = None,
    ) -> None:
        self._y = y_true
        self._scores = scores
        self._scale = scale
        self._logits = Logits(scores, scale)
        self._weights = None if weights is None else as_samples(weights)

    def at(
        self, log_beta: float | FloatVector
    ) -> tuple[FloatVector, FloatVector, FloatVector, FloatVector]:
        """Loss of every sample at ``u = ln beta``, and its derivatives in u.

        Parameters
        ----------
        log_beta : float or ndarray of shape (n_samples,)

        Returns
        -------
        loss, gradient, gauss_newton, curvature : ndarrays of shape (n_samples,)
            ``gradient = dl/du``, ``curvature = d2l/du2 = beta^2 V + gradient``, and
            ``gauss_newton = beta^2 V``, its part that is never negative.
        """
        n = len(self._y)
        beta = np.broadcast_to(np.exp(np.asarray(log_beta, dtype=np.float64)), (n,))
        loss, gradient, gauss_newton = np.empty(n), np.empty(n), np.empty(n)
        for rows, logits, _ in self._logits:
            y = self._y[rows]
            index = np.arange(len(y))
            top = logits.argmax(axis=1)
            with np.errstate(over="ignore"):  # a class masked by the most negative float
                below = logits - logits[index, top][:, None]
                scaled = below * beta[rows][:, None]
            weight = np.exp(scaled)
            weight[index, top] = 0.0
            rest = weight.sum(axis=1)
            weight[index, top] = 1.0
            prob = weight / (1.0 + rest)[:, None]
            scaled[np.isneginf(scaled)] = 0.0
            mean = np.einsum("ij,ij->i", prob, scaled)
            own = scaled[index, y]
            loss[rows] = np.log1p(rest) - own
            gradient[rows] = mean - own
            scaled -= mean[:, None]
            gauss_newton[rows] = np.einsum("ij,ij,ij->i", prob, scaled, scaled)
        return loss, gradient, gauss_newton, gauss_newton + gradient

    def derivatives(self, log_beta: float) -> Derivatives:
        """Loss and derivatives, summed over the samples.

        Parameters
        ----------
        log_beta : float

        Returns
        -------
        Derivatives
        """
        loss, gradient, gauss_newton, _ = self.at(log_beta)
        worst, weighted = float(loss.max()), gradient
        if self._weights is not None:
            loss, gauss_newton = self._weights * loss, self._weights * gauss_newton
            weighted = self._weights * gradient
        return Derivatives(
            float(loss.sum()),
            float(weighted.sum()),
            float(gauss_newton.sum()),
            float((weighted**2).sum()),
            worst,
        )

    def take(self, rows: BoolVector) -> LogitsObjective:
        """The objective of some of the samples.

        Parameters
        ----------
        rows : ndarray of bool, shape (n_samples,)

        Returns
        -------
        LogitsObjective
        """
        weights = None if self._weights is None else self._weights[rows]
        return LogitsObjective(self._y[rows], self._scores[rows], self._scale, weights)

    def __len__(self) -> int:
        return len(self._y) if self._weights is None else round(float(self._weights.sum()))


def fit_temperature(
    objective: TemperatureObjective, *, start: float = 0.0, tolerance: float = 1e-10
) -> TemperatureFit:
    """Fit one temperature by safeguarded Newton steps in ``u = ln beta``.

    The cross-entropy is convex in beta, so the sign of its derivative shows on which side the
    minimum lies; a step that leaves this bracket is replaced by a bisection. Newton steps in beta
    itself can diverge. With fewer than 200 samples, or without a clear minimum, a normal prior on
    u takes part. There is no minimum where every prediction is right (a larger beta always fits
    better) or unrelated to its label (a smaller one does).

    Parameters
    ----------
    objective : TemperatureObjective
    start : float, default 0
        First guess of u.
    tolerance : float, default 1e-10
        Length of the last step in u; the remaining error is of the order of its square.

    Returns
    -------
    TemperatureFit
    """
    shrink = len(objective) < SMALL
    fit, is_minimum = _newton(objective, start, shrink=shrink, tolerance=tolerance)
    if not (is_minimum or shrink):
        fit, _ = _newton(objective, start, shrink=True, tolerance=tolerance)
    return fit


def _newton(
    objective: TemperatureObjective, start: float, *, shrink: bool, tolerance: float
) -> tuple[TemperatureFit, bool]:
    """Fit, and whether it is a clear minimum inside the bounds."""
    pull = 1.0 / PRIOR_SD**2 if shrink else 0.0
    low, high, u = -BOUND, BOUND, start
    moved = math.inf
    for _ in range(60):
        at = objective.derivatives(u)
        curvature = at.gauss_newton + at.gradient + pull
        if not shrink and at.worst < math.log(2.0):  # all right: no minimum, stop
            break
        gradient = at.gradient + pull * (u - PRIOR_MEAN)
        if gradient == 0.0:  # at the minimum, or every prediction is uniform and u changes nothing
            moved = 0.0
            break
        if gradient > 0:
            high = u
        else:
            low = u
        downhill = curvature if curvature > 0 else at.gauss_newton + pull
        step = -gradient / downhill if downhill > 0 else -math.copysign(1.0, gradient)
        step = min(1.0, max(-1.0, step))
        target = u + step
        if not low <= target <= high:
            target = 0.5 * (low + high)
        moved, u = abs(target - u), target
        if moved < tolerance:
            break
    # The prior counts as one more observation, of variance 1 / PRIOR_SD^2.
    se = math.sqrt(at.gradient_squared + pull) / curvature if curvature > 0 else math.nan
    clear = moved < tolerance and abs(u) < BOUND - 0.01 and not se > FLAT
    return TemperatureFit(u, se, shrink), clear
