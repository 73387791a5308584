"""Noise models fitted on top of one temperature: a share of label noise, and a bias per class.

Both contain the temperature as a special case, so a likelihood-ratio test says whether the extra
parameters are needed. A model that fails its test explains no part of the loss.
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
    PRIOR_MEAN,
    PRIOR_SD,
    SMALL,
    LogitsObjective,
    TemperatureFit,
    fit_temperature,
)
from whyloss.measures.estimates.weights import as_samples
from whyloss.measures.losses.logits import Logits

if TYPE_CHECKING:
    from whyloss.data import Predictions, Scale
    from whyloss.measures.compiled.crossfit import CompiledObjective
    from whyloss.measures.estimates.intervals import BoolVector, FloatVector

MIN_PER_PARAMETER = 50
# 2.71 is the nominal 5 % of a likelihood ratio on the boundary of its parameter; at 6.6 the rate
# among models without label noise is about 0.5 %.
MIN_NOISE_RATIO = 6.6
BIAS_LEVEL = 0.001
BIAS_MIN_GAIN = 0.01  # nats
REDUNDANT = 0.01  # nats; a term that saves no more than this, given the others, explains nothing
MAX_NOISE_SHARE = 0.9
LEAST = 1e-300  # smallest likelihood that a gradient is divided by
SHARE_UNIT = 0.005  # scales the share to the size of the other parameters while it is fitted

_TEMPERATURE, _LABEL_NOISE, _BIAS = "temperature", "label_noise", "bias"


@dataclass(frozen=True)
class LabelNoise:
    """A temperature together with a share of labels that are drawn uniformly at random.

    ``q = (1 - share) softmax(beta z) + share / K``: the contamination model of label noise.

    Attributes
    ----------
    log_beta : float
        ``ln(1 / T)``, fitted jointly with the share.
    share : float
        Share of random labels, 0 to 1. One in K of them is right by chance.
    likelihood_ratio : float
        ``2 n (loss with the temperature alone - loss with both)``; with weights, n is the
        effective number of samples.
    gain : float
        Nats saved beyond the temperature alone, in sample.
    accepted : bool
        Whether the likelihood ratio exceeds 6.6.
    """

    log_beta: float
    share: float
    likelihood_ratio: float
    gain: float
    accepted: bool

    @property
    def temperature(self) -> float:
        """Temperature of the samples that are not label noise."""
        return math.exp(-self.log_beta)


@dataclass(frozen=True, eq=False)
class Bias:
    """A temperature together with one additive bias per class: ``softmax(beta z + b)``.

    Flipped labels of a class, a shift of the class shares and a misplaced threshold all look like
    this; the model cannot tell them apart.

    Attributes
    ----------
    log_beta : float
        ``ln(1 / T)``, fitted jointly with the biases.
    biases : ndarray of float64, shape (n_classes,)
        In nats; they sum to 0.
    likelihood_ratio, gain : float
        As in :class:`LabelNoise`.
    accepted : bool
        Whether the likelihood ratio exceeds the 0.001 point of chi-squared with K - 1 degrees of
        freedom, and the gain 0.01 nats.
    """

    log_beta: float
    biases: FloatVector
    likelihood_ratio: float
    gain: float
    accepted: bool


@dataclass(frozen=True, eq=False)
class NestedFits:
    """The noise models, and how many nats each term explains.

    Attributes
    ----------
    temperature : TemperatureFit
        Fitted alone.
    label_noise : LabelNoise or None
        None with fewer than 50 samples per parameter.
    bias : Bias or None
        None with fewer than 50 samples per parameter.
    nats : mapping of str to float
        Nats saved in sample by "temperature" and by each accepted one of "label_noise" and
        "bias". Redundant terms get 0: those that the others can replace at a cost of at most
        0.01 nats (label noise and a temperature often explain the same loss). The other terms are
        added one by one, the largest saving first, so that their nats add up.
    log_beta : float
        ``ln(1 / T)``, fitted jointly with the terms that are not redundant.
    """

    temperature: TemperatureFit
    label_noise: LabelNoise | None
    bias: Bias | None
    nats: dict[str, float]
    log_beta: float


@dataclass(frozen=True, eq=False)
class _Data:
    """Scored rows, ready to be fitted."""

    y_true: npt.NDArray[np.integer[Any]]
    scores: npt.NDArray[np.floating[Any]]
    scale: Scale
    weights: FloatVector | None

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
        """Effective number of samples."""
        return len(self.y_true) if self.samples is None else float(self.samples.sum())

    @cached_property
    def objective(self) -> LogitsObjective | CompiledObjective:
        if not backend.use_compiled(self.scores.size, weighted=self.weights is not None):
            return LogitsObjective(self.y_true, self.scores, self.scale, self.weights)
        from whyloss.measures.compiled.crossfit import (  # noqa: PLC0415 - loads a compiler
            CompiledObjective,
        )

        return CompiledObjective(self.y_true, self.scores, self.scale)

    def loss_and_gradient(self, log_beta: float) -> tuple[FloatVector, FloatVector]:
        """Loss of every sample at ``u = ln beta``, and its derivative in u."""
        losses, gradients = self.objective.at(log_beta)[:2]
        return losses, gradients

    @cached_property
    def logits(self) -> Logits:
        return Logits(self.scores, self.scale)

    def mean(self, values: FloatVector) -> float:
        return float(values.mean() if self.samples is None else self.samples @ values / self.n)


@dataclass(frozen=True, eq=False)
class _Parameters:
    log_beta: float = 0.0
    share: float = 0.0
    biases: FloatVector | None = None


def fit_nested(predictions: Predictions, scored: BoolVector) -> NestedFits:
    """Fit the temperature and both noise models to all samples, and test the noise models.

    Parameters
    ----------
    predictions : Predictions
        Weights count in every fit.
    scored : ndarray of bool, shape (n_samples,)
        Rows with a finite loss; the others take no part.

    Returns
    -------
    NestedFits
    """
    weights = None if predictions.weights is None else predictions.weights[scored]
    data = _Data(predictions.y_true[scored], predictions.scores[scored], predictions.scale, weights)
    fit = fit_temperature(data.objective)
    with_beta = data.mean(_losses(data, _Parameters(fit.log_beta)))
    noise = _label_noise(data, fit, with_beta) if data.n >= 2 * MIN_PER_PARAMETER else None
    enough = data.n >= data.n_classes * MIN_PER_PARAMETER
    bias = _bias(data, fit, with_beta) if enough else None
    accepted: dict[str, LabelNoise | Bias] = {}
    if noise is not None and noise.accepted:
        accepted[_LABEL_NOISE] = noise
    if bias is not None and bias.accepted:
        accepted[_BIAS] = bias
    terms = [_TEMPERATURE, *accepted]
    fits = _fits_by_terms(data, fit, with_beta, accepted)
    losses = {subset: loss for subset, (loss, _) in fits.items()}
    kept = _without_redundant(losses, terms)
    nats = dict.fromkeys(terms, 0.0) | _savings(losses, kept)
    return NestedFits(fit, noise, bias, nats, fits[frozenset({*kept, _TEMPERATURE})][1])


def _fits_by_terms(
    data: _Data, fit: TemperatureFit, with_beta: float, accepted: dict[str, LabelNoise | Bias]
) -> dict[frozenset[str], tuple[float, float]]:
    """Loss and ln beta with every subset of the temperature and the accepted noise models."""
    fits = {
        frozenset[str](): (data.mean(data.loss_and_gradient(0.0)[0]), 0.0),
        frozenset({_TEMPERATURE}): (with_beta, fit.log_beta),
    }
    for name, model in accepted.items():
        noise, bias = name == _LABEL_NOISE, name == _BIAS
        alone = _fit(data, 0.0, free_beta=False, label_noise=noise, bias=bias)
        fits[frozenset({name})] = alone[1], 0.0
        fits[frozenset({name, _TEMPERATURE})] = with_beta - model.gain, model.log_beta
    if len(accepted) > 1:
        fixed = _fit(data, 0.0, free_beta=False, label_noise=True, bias=True)
        free, loss = _fit(data, fit.log_beta, label_noise=True, bias=True)
        fits[frozenset(accepted)] = fixed[1], 0.0
        fits[frozenset({*accepted, _TEMPERATURE})] = loss, free.log_beta
    return fits


def _without_redundant(losses: dict[frozenset[str], float], terms: list[str]) -> list[str]:
    """Backward elimination of the least useful term, until dropping any costs over 0.01 nats."""
    kept = list(terms)
    while len(kept) > 1:
        without = {name: losses[frozenset(kept) - {name}] for name in kept}
        least = min(kept, key=lambda name: without[name])
        if without[least] - losses[frozenset(kept)] > REDUNDANT:
            break
        kept.remove(least)
    return kept


def _savings(losses: dict[frozenset[str], float], terms: list[str]) -> dict[str, float]:
    """Nats saved by each term when the one that saves most is always added next."""
    nats: dict[str, float] = {}
    while len(nats) < len(terms):
        added = frozenset(nats)
        left = [name for name in terms if name not in nats]
        best = min(left, key=lambda name: losses[added | {name}])
        nats[best] = max(0.0, losses[added] - losses[added | {best}])
    return nats


def fit_bias(
    y_true: npt.NDArray[np.integer[Any]], logits: FloatVector, weights: FloatVector | None = None
) -> Bias:
    """Fit a temperature and one bias per class, and test the biases.

    Parameters
    ----------
    y_true : ndarray of int, shape (n_samples,)
    logits : ndarray of float64, shape (n_samples, n_classes)
        Every row has a finite loss.
    weights : ndarray of float64, shape (n_samples,), optional
        Above 0.

    Returns
    -------
    Bias
    """
    data = _Data(y_true, logits, "logits", weights)
    fit = fit_temperature(data.objective)
    return _bias(data, fit, data.mean(_losses(data, _Parameters(fit.log_beta))))


def _label_noise(data: _Data, fit: TemperatureFit, with_beta: float) -> LabelNoise:
    found, loss = _fit(data, fit.log_beta, label_noise=True, bias=False)
    gain = with_beta - loss
    ratio = 2 * data.n * gain
    return LabelNoise(found.log_beta, found.share, ratio, gain, accepted=ratio > MIN_NOISE_RATIO)


def _bias(data: _Data, fit: TemperatureFit, with_beta: float) -> Bias:
    found, loss = _fit(data, fit.log_beta, label_noise=False, bias=True)
    gain = with_beta - loss
    ratio = 2 * data.n * gain
    least = float(chi2.isf(BIAS_LEVEL, data.n_classes - 1))
    biases = np.zeros(data.n_classes) if found.biases is None else found.biases
    accepted = ratio > least and gain > BIAS_MIN_GAIN
    return Bias(found.log_beta, biases, ratio, gain, accepted=accepted)


def _fit(
    data: _Data, start: float, *, label_noise: bool, bias: bool, free_beta: bool = True
) -> tuple[_Parameters, float]:
    """Minimise the loss over ln beta and, as asked, the noise share and the class biases.

    Without `free_beta`, ln beta stays at `start`.
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

    # All biases are free, although adding a constant to them changes nothing: fixing one of them
    # makes the problem so ill-conditioned that it takes ten times as many steps.
    x0 = np.concatenate([[start], [0.01 / SHARE_UNIT] * label_noise, np.zeros(k * bias)])
    bounds = [(-BOUND, BOUND) if free_beta else (start, start)] + [
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
        With respect to ln beta, the noise share and each class bias; 0 for biases that are not
        fitted.
    """
    n, k, share = len(data.y_true), data.n_classes, parameters.share
    if parameters.biases is None:
        losses, gradients = data.loss_and_gradient(parameters.log_beta)
        own = np.exp(-losses)
        mixed = np.maximum((1 - share) * own + share / k, LEAST)
        explained = (1 - share) * own / mixed if share > 0 else np.ones(n)
        gradient = np.zeros(2 + k)
        gradient[:2] = data.mean(explained * gradients), data.mean((own - 1.0 / k) / mixed)
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
        of_noise = (own - 1.0 / k) / mixed
        if data.samples is not None:
            explained *= data.samples[rows]
            of_noise *= data.samples[rows]
        gradient[0] += float((explained * (mean - scaled[index, y])).sum())
        gradient[1] += float(of_noise.sum())
        gradient[2:] += explained @ prob
        gradient[2:] -= np.bincount(y, weights=explained, minlength=k)
    return losses, gradient / data.n
