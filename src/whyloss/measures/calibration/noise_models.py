"""The rungs above one temperature: a share of label noise, and a bias for each class.

Each rung contains the ones below it; a rung is accepted only if the likelihood gained pays for its
parameters. Nats are never handed to a rung that was not accepted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.stats import chi2

from whyloss.measures import backend
from whyloss.measures.calibration.temperature import (
    BOUND,
    N_FOLDS,
    PRIOR_MEAN,
    PRIOR_SD,
    SMALL,
    TemperatureFit,
    TemperatureProblem,
    fit_temperature,
)
from whyloss.measures.estimates.intervals import BoolVector, FloatVector, mean_estimate
from whyloss.measures.estimates.weights import as_samples
from whyloss.measures.folds import fold_of
from whyloss.measures.losses.logits import Logits
from whyloss.results.estimate import Estimate

if TYPE_CHECKING:
    from whyloss.data import Predictions, Scale
    from whyloss.measures.compiled.crossfit import Samples

MIN_PER_PARAMETER = 50
# 2.71 is the nominal 5 % of a likelihood ratio on the boundary of its parameter; at 6.6 the rate
# among models without label noise is about 0.5 %.
LAPSE_GATE = 6.6
BIAS_LEVEL = 0.001
BIAS_MIN_GAIN = 0.01
SPARED = 0.01  # nats; what saves no more beside the others is no cause of its own
MAX_NOISE_SHARE = 0.9
LEAST = 1e-300  # of a likelihood that a slope is divided by
SHARE_UNIT = 0.005  # brings the share to the size of the other parameters while it is fitted


@dataclass(frozen=True)
class LabelNoise:
    """A temperature beside a share of samples whose label has nothing to do with the prediction.

    ``q = (1 - share) softmax(beta z) + share / K``: uniform label noise, or label noise of the model.

    Attributes
    ----------
    log_beta : float
    share : float
        Of samples, 0 to 1.
    likelihood_ratio : float
        ``2 n (loss with beta alone - loss with both)``; under weights n is the effective number.
    gain : float
        Nats that the share saves beyond the temperature, in sample.
    accepted : bool
        Whether the likelihood ratio exceeds its gate.
    """

    log_beta: float
    share: float
    likelihood_ratio: float
    gain: float
    accepted: bool

    @property
    def temperature(self) -> float:
        """Temperature of the samples that are no label noise."""
        return math.exp(-self.log_beta)


@dataclass(frozen=True, eq=False)
class Bias:
    """A temperature beside one additive bias per class: ``softmax(beta z + b)``.

    It detects flipped labels of a class, prior shift and a misplaced threshold alike; it does not
    tell them apart.

    Attributes
    ----------
    log_beta : float
    biases : ndarray of float64, shape (n_classes,)
        They sum to 0.
    likelihood_ratio, gain, accepted
        As in :class:`LabelNoise`; the gate is the 0.001 point of chi-squared with K - 1 degrees of
        freedom, and a gain of 0.01 nat.
    """

    log_beta: float
    biases: FloatVector
    likelihood_ratio: float
    gain: float
    accepted: bool


@dataclass(frozen=True, eq=False)
class NestedFits:
    """What each rung saves, in sample.

    Attributes
    ----------
    temperature : TemperatureFit
    label_noise, bias : LabelNoise and Bias, or None
        None where there are fewer than 50 samples per parameter.
    shares : mapping of str to (float, float)
        Nats of "temperature", "label_noise" and "bias", as the range over the orders in which the accepted
        ones can be added.
    nats : mapping of str to float
        The same for the rungs that cannot be spared, in one order, so that they add up: what saves most
        by itself comes first. A rung can be spared, and has 0, where the others do without it at a
        cost of 0.01 nat: noise and a temperature often explain the same.
    log_beta : float
        Beside the rungs that cannot be spared.
    """

    temperature: TemperatureFit
    label_noise: LabelNoise | None
    bias: Bias | None
    shares: dict[str, tuple[float, float]]
    nats: dict[str, float]
    log_beta: float


@dataclass(frozen=True, eq=False)
class Ladder(NestedFits):
    """The rungs, and the loss that remains at the accepted one.

    Attributes
    ----------
    temperature, label_noise, bias, shares, nats, log_beta
        As in :class:`NestedFits`.
    log_loss, refinement : Estimate
        Loss as given, and out of fold at the accepted rung.
    refined : ndarray of float64, shape (n_samples,)
        Each sample's out-of-fold loss at the accepted rung; NaN where not scored.
    """

    log_loss: Estimate
    refinement: Estimate
    refined: FloatVector


@dataclass(frozen=True, eq=False)
class _Data:
    """Scored rows, ready to be fitted."""

    y_true: npt.NDArray[np.integer[Any]]
    scores: npt.NDArray[np.floating[Any]]
    scale: Scale
    weights: FloatVector | None

    @classmethod
    def of(cls, predictions: Predictions, rows: BoolVector) -> _Data:
        weights = None if predictions.weights is None else predictions.weights[rows]
        return cls(predictions.y_true[rows], predictions.scores[rows], predictions.scale, weights)

    @property
    def n_classes(self) -> int:
        columns: int = self.scores.shape[1]
        return max(2, columns)

    @cached_property
    def samples(self) -> FloatVector | None:
        """Weights in units of equal samples."""
        return None if self.weights is None else as_samples(self.weights)

    @cached_property
    def n(self) -> float:
        """Number of samples, or of equal ones that the weights leave."""
        return len(self.y_true) if self.samples is None else float(self.samples.sum())

    @cached_property
    def problem(self) -> TemperatureProblem:
        return TemperatureProblem(self.y_true, self.scores, self.scale, self.weights)

    @cached_property
    def large(self) -> Samples | None:
        """The same by compiled kernels, which know no weights; None of small inputs."""
        if not backend.use_compiled(self.scores.size, weighted=self.weights is not None):
            return None
        from whyloss.measures.compiled.crossfit import Samples  # noqa: PLC0415 - loads a compiler

        return Samples(self.y_true, self.scores, self.scale)

    def each(self, log_beta: float) -> tuple[FloatVector, FloatVector]:
        """Loss of every sample at ``u = ln beta``, and its slope."""
        return self.problem.at(log_beta)[:2] if self.large is None else self.large.each(log_beta)

    def fit_temperature(self, start: float = 0.0) -> TemperatureFit:
        problem = self.problem if self.large is None else self.large
        return fit_temperature(problem, start=start)

    @cached_property
    def logits(self) -> Logits:
        return Logits(self.scores, self.scale)

    def take(self, rows: BoolVector) -> _Data:
        weights = None if self.weights is None else self.weights[rows]
        return _Data(self.y_true[rows], self.scores[rows], self.scale, weights)

    def mean(self, values: FloatVector) -> float:
        return float(values.mean() if self.samples is None else self.samples @ values / self.n)


@dataclass(frozen=True, eq=False)
class _Parameters:
    log_beta: float = 0.0
    share: float = 0.0
    biases: FloatVector | None = None


def fit_nested(predictions: Predictions, scored: BoolVector) -> NestedFits:
    """Fit every rung to all samples, and gate it.

    Parameters
    ----------
    predictions, scored
        As in :func:`whyloss.measures.calibration.temperature.calibrate`.
    """
    return _rungs(_Data.of(predictions, scored))


def climb(predictions: Predictions, scored: BoolVector) -> Ladder:
    """Fit every rung, gate it, and cross-fit the accepted one.

    Parameters
    ----------
    predictions, scored
        As in :func:`whyloss.measures.calibration.temperature.calibrate`.
    """
    data = _Data.of(predictions, scored)
    rungs = _rungs(data)
    given = data.each(0.0)[0]
    refined_scored = _cross_fit(
        data,
        predictions.ids[scored],
        rungs.temperature,
        label_noise=rungs.label_noise is not None and rungs.label_noise.accepted,
        bias=rungs.bias is not None and rungs.bias.accepted,
    )
    if data.mean(refined_scored) > data.mean(given):
        refined_scored = given
    refined = np.full(len(predictions), np.nan)
    refined[scored] = refined_scored
    return Ladder(
        temperature=rungs.temperature,
        label_noise=rungs.label_noise,
        bias=rungs.bias,
        shares=rungs.shares,
        nats=rungs.nats,
        log_beta=rungs.log_beta,
        log_loss=mean_estimate(given, data.weights),
        refinement=mean_estimate(refined_scored, data.weights),
        refined=refined,
    )


def _rungs(data: _Data) -> NestedFits:
    fit = data.fit_temperature()
    with_beta = data.mean(_losses(data, _Parameters(fit.log_beta)))
    label_noise = _label_noise(data, fit, with_beta) if data.n >= 2 * MIN_PER_PARAMETER else None
    enough = data.n >= data.n_classes * MIN_PER_PARAMETER
    bias = _bias(data, fit, with_beta) if enough else None
    accepted = {
        name: rung
        for name, rung in (("label_noise", label_noise), ("bias", bias))
        if rung is not None and rung.accepted
    }
    names = ["temperature", *accepted]
    found = _by_set(data, fit, with_beta, accepted)
    losses = {of: loss for of, (loss, _) in found.items()}
    needed = _needed(losses, names)
    nats = dict.fromkeys(names, 0.0) | _in_turn(losses, needed)
    log_beta = found[frozenset({*needed, "temperature"})][1]
    return NestedFits(fit, label_noise, bias, _shares(losses, names), nats, log_beta)


def _by_set(
    data: _Data, fit: TemperatureFit, with_beta: float, accepted: dict[str, LabelNoise | Bias]
) -> dict[frozenset[str], tuple[float, float]]:
    """Loss and ln beta with each set of the accepted rungs."""
    found = {
        frozenset[str](): (data.mean(data.each(0.0)[0]), 0.0),
        frozenset({"temperature"}): (with_beta, fit.log_beta),
    }
    for name, rung in accepted.items():
        alone = _fit(data, 0.0, heat=False, label_noise=name == "label_noise", bias=name == "bias")
        found[frozenset({name})] = alone[1], 0.0
        found[frozenset({name, "temperature"})] = with_beta - rung.gain, rung.log_beta
    if len(accepted) > 1:
        without = _fit(data, 0.0, heat=False, label_noise=True, bias=True)
        every, loss = _fit(data, fit.log_beta, label_noise=True, bias=True)
        found[frozenset(accepted)] = without[1], 0.0
        found[frozenset({*accepted, "temperature"})] = loss, every.log_beta
    return found


def _shares(
    losses: dict[frozenset[str], float], names: list[str]
) -> dict[str, tuple[float, float]]:
    """What each rung saves, from the least to the most over the orders of adding them."""
    shares = {}
    for name in names:
        saved = [loss - losses[of | {name}] for of, loss in losses.items() if name not in of]
        shares[name] = (max(0.0, min(saved)), max(0.0, *saved))
    return shares


def _needed(losses: dict[frozenset[str], float], names: list[str]) -> list[str]:
    """The rungs that are left after all that can be spared were, the least needed first."""
    needed = list(names)
    while len(needed) > 1:
        cost = {name: losses[frozenset(needed) - {name}] for name in needed}
        least = min(needed, key=lambda name: cost[name])
        if cost[least] - losses[frozenset(needed)] > SPARED:
            break
        needed.remove(least)
    return needed


def _in_turn(losses: dict[frozenset[str], float], names: list[str]) -> dict[str, float]:
    """What each rung saves where the one that saves most is always added next."""
    nats: dict[str, float] = {}
    while len(nats) < len(names):
        there = frozenset(nats)
        left = [name for name in names if name not in nats]
        best = min(left, key=lambda name: losses[there | {name}])
        nats[best] = max(0.0, losses[there] - losses[there | {best}])
    return nats


def fit_bias(
    y_true: npt.NDArray[np.integer[Any]], logits: FloatVector, weights: FloatVector | None = None
) -> Bias:
    """Fit a temperature and one bias per class, and gate the biases.

    Parameters
    ----------
    y_true : ndarray of int, shape (n_samples,)
    logits : ndarray of float64, shape (n_samples, n_classes)
        Every row has a finite loss.
    weights : ndarray of float64, shape (n_samples,), optional
        Above 0.
    """
    data = _Data(y_true, logits, "logits", weights)
    fit = data.fit_temperature()
    return _bias(data, fit, data.mean(_losses(data, _Parameters(fit.log_beta))))


def _label_noise(data: _Data, fit: TemperatureFit, with_beta: float) -> LabelNoise:
    found, loss = _fit(data, fit.log_beta, label_noise=True, bias=False)
    gain = with_beta - loss
    ratio = 2 * data.n * gain
    return LabelNoise(found.log_beta, found.share, ratio, gain, accepted=ratio > LAPSE_GATE)


def _bias(data: _Data, fit: TemperatureFit, with_beta: float) -> Bias:
    found, loss = _fit(data, fit.log_beta, label_noise=False, bias=True)
    gain = with_beta - loss
    ratio = 2 * data.n * gain
    gate = float(chi2.isf(BIAS_LEVEL, data.n_classes - 1))
    biases = np.zeros(data.n_classes) if found.biases is None else found.biases
    accepted = ratio > gate and gain > BIAS_MIN_GAIN
    return Bias(found.log_beta, biases, ratio, gain, accepted=accepted)


def _cross_fit(
    data: _Data, ids: npt.NDArray[Any], fit: TemperatureFit, *, label_noise: bool, bias: bool
) -> FloatVector:
    fold = fold_of(ids, N_FOLDS)
    refined = np.empty(len(fold))
    for k in np.unique(fold):
        held_out = fold == k
        if held_out.all():  # one id throughout: there is nothing else to fit on
            parameters = _Parameters(fit.log_beta)
        else:
            rest = data.take(~held_out)
            parameters = _Parameters(rest.fit_temperature(fit.log_beta).log_beta)
            if label_noise or bias:
                parameters = _fit(rest, parameters.log_beta, label_noise=label_noise, bias=bias)[0]
        refined[held_out] = _losses(data.take(held_out), parameters)
    return refined


def _fit(
    data: _Data, start: float, *, label_noise: bool, bias: bool, heat: bool = True
) -> tuple[_Parameters, float]:
    """Minimise the loss over ln beta and, as asked, the label_noise share and the class biases.

    Without `heat`, ln beta stays where it starts.
    """
    n, k = data.n, data.n_classes
    pull = 1.0 / (PRIOR_SD**2 * n) if n < SMALL else 0.0

    def unpack(x: FloatVector) -> _Parameters:
        return _Parameters(
            float(x[0]), SHARE_UNIT * float(x[1]) if label_noise else 0.0, x[-k:] if bias else None
        )

    def objective(x: FloatVector) -> tuple[float, FloatVector]:
        losses, gradient = _losses_and_gradient(data, unpack(x))
        away = x[0] - PRIOR_MEAN
        gradient[1] *= SHARE_UNIT
        wanted = np.concatenate([gradient[: 2 if label_noise else 1], gradient[2:] if bias else []])
        wanted[0] += pull * away
        return data.mean(losses) + 0.5 * pull * away**2, wanted

    # All biases are free, though adding a constant to them changes nothing: pinning one of them
    # would bend the valley and take ten times as many steps.
    x0 = np.concatenate([[start], [0.01 / SHARE_UNIT] * label_noise, np.zeros(k * bias)])
    bounds = [(-BOUND, BOUND) if heat else (start, start)] + [
        (0.0, MAX_NOISE_SHARE / SHARE_UNIT)
    ] * label_noise
    bounds += [(-20.0, 20.0)] * (k * bias)
    solution = minimize(
        objective,
        x0,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": 500, "ftol": 1e-11, "gtol": 1e-7},
    )
    found = unpack(solution.x)
    loss = data.mean(_losses(data, found))
    if found.biases is not None:
        found = _Parameters(found.log_beta, found.share, found.biases - found.biases.mean())
    return found, loss


def _losses(data: _Data, parameters: _Parameters) -> FloatVector:
    return _losses_and_gradient(data, parameters)[0]


def _losses_and_gradient(data: _Data, parameters: _Parameters) -> tuple[FloatVector, FloatVector]:
    """Loss of every sample, and the gradient of their mean.

    Returns
    -------
    losses : ndarray of shape (n_samples,)
    gradient : ndarray of shape (2 + n_classes,)
        With respect to ln beta, the label_noise share, and each class bias; 0 for the last where there
        are none.
    """
    n, k, share = len(data.y_true), data.n_classes, parameters.share
    if parameters.biases is None:
        losses, slopes = data.each(parameters.log_beta)
        own = np.exp(-losses)
        mixed = np.maximum((1 - share) * own + share / k, LEAST)
        explained = (1 - share) * own / mixed if share > 0 else np.ones(n)
        gradient = np.zeros(2 + k)
        gradient[:2] = data.mean(explained * slopes), data.mean((own - 1.0 / k) / mixed)
        return (-np.log(mixed) if share > 0 else losses), gradient
    beta = math.exp(parameters.log_beta)
    losses, gradient = np.empty(n), np.zeros(2 + k)
    for rows, logits, _ in data.logits:
        y = data.y_true[rows]
        index = np.arange(len(y))
        scaled = beta * (logits - logits.max(axis=1, keepdims=True))
        biased = scaled + parameters.biases
        below = biased - biased.max(axis=1, keepdims=True)
        weight = np.exp(below)
        total = weight.sum(axis=1)
        prob = weight / total[:, None]
        own_log = below[index, y] - np.log(total)
        own = np.exp(own_log)
        mixed = np.maximum((1 - share) * own + share / k, LEAST)
        losses[rows] = -np.log(mixed) if share > 0 else -own_log
        # Share of each sample's likelihood that the prediction itself explains.
        explained = (1 - share) * own / mixed if share > 0 else np.ones(len(y))
        scaled[np.isneginf(scaled)] = 0.0
        mean = np.einsum("ij,ij->i", prob, scaled)
        lapsed = (own - 1.0 / k) / mixed
        if data.samples is not None:
            explained *= data.samples[rows]
            lapsed *= data.samples[rows]
        gradient[0] += float((explained * (mean - scaled[index, y])).sum())
        gradient[1] += float(lapsed.sum())
        gradient[2:] += explained @ prob
        gradient[2:] -= np.bincount(y, weights=explained, minlength=k)
    return losses, gradient / data.n
