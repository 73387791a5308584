"""Calibrators that people ask for by name, each held to be no worse out of fold than none."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax

from whyloss.errors import DataError, MissingExtraError, TooFewSamplesError
from whyloss.measures.calibration.noise_models import fit_bias
from whyloss.measures.calibration.temperature import N_FOLDS, TemperatureProblem, fit_temperature
from whyloss.measures.estimates.intervals import BoolVector, FloatVector, mean_estimate
from whyloss.measures.estimates.weights import effective_samples
from whyloss.measures.folds import fold_of
from whyloss.measures.losses.logits import as_logits
from whyloss.results.estimate import Estimate
from whyloss.results.metrics import MIN_CALIBRATION_SAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable

    from whyloss.data import Predictions

ISOTONIC_MIN_SAMPLES = 10_000


class Calibrator(Protocol):
    """Turns logits of shape (n_samples, n_classes) into log-probabilities of the same shape."""

    def __call__(self, logits: FloatVector, /) -> FloatVector:
        """Log-probabilities, nats."""
        ...


@dataclass(frozen=True)
class Temperature:
    """``softmax(logits / temperature)`` (Guo et al. 2017, arXiv:1706.04599)."""

    temperature: float

    def __call__(self, logits: FloatVector, /) -> FloatVector:
        """Log-probabilities."""
        return _log_softmax(logits / self.temperature)


@dataclass(frozen=True, eq=False)
class Vector:
    """``softmax(logits / temperature + biases)``: a temperature and one bias per class."""

    temperature: float
    biases: FloatVector

    def __call__(self, logits: FloatVector, /) -> FloatVector:
        """Log-probabilities."""
        return _log_softmax(logits / self.temperature + self.biases)


@dataclass(frozen=True, eq=False)
class Isotonic:
    """A rising step function of the logit of class 1, for binary tasks.

    Attributes
    ----------
    logit, probability : ndarray of float64, shape (n_steps,)
        Ascending; values between are interpolated.
    """

    logit: FloatVector
    probability: FloatVector

    def __call__(self, logits: FloatVector, /) -> FloatVector:
        """Log-probabilities."""
        positive = np.interp(logits[:, 1] - logits[:, 0], self.logit, self.probability)
        return np.log(np.stack([1.0 - positive, positive], axis=1))


@dataclass(frozen=True, eq=False)
class Fitted:
    """A calibrator with what it does out of fold.

    Attributes
    ----------
    name : str
        "temperature", "vector", "isotonic", or "none" where nothing was better.
    calibrator : Calibrator
        Fitted on all samples.
    before, after, effect : Estimate
        Mean loss without and with it on samples it was not fitted on, and the paired difference.
    """

    name: str
    calibrator: Calibrator
    before: Estimate
    after: Estimate
    effect: Estimate


def fit_calibrator(name: str, predictions: Predictions, scored: BoolVector) -> Fitted:
    """Fit one calibrator and hold it to being no worse out of fold than doing nothing.

    Parameters
    ----------
    name : {"temperature", "vector", "isotonic"}
    predictions, scored
        As in :func:`whyloss.measures.calibration.temperature.calibrate`.

    Returns
    -------
    Fitted
        With the name "none" and the identity where the calibrator would raise the loss.

    Raises
    ------
    TooFewSamplesError
        Fewer than 50 samples per parameter, or 10,000 for isotonic regression.
    DataError
        An unknown name, or isotonic regression of more than two classes.
    """
    if name not in _FITS:
        raise DataError(f"There is no calibrator {name!r}", expected=", ".join(_FITS), got=name)
    weights = None if predictions.weights is None else predictions.weights[scored]
    n: float = int(np.count_nonzero(scored)) if weights is None else effective_samples(weights)
    k = predictions.n_classes
    least = {"temperature": MIN_CALIBRATION_SAMPLES, "vector": MIN_CALIBRATION_SAMPLES * k}.get(
        name, ISOTONIC_MIN_SAMPLES
    )
    if name == "isotonic" and k != 2:
        raise DataError(
            "Isotonic regression is for two classes",
            expected="a binary task",
            got=f"{k} classes",
            hint="Use vector scaling, or one class against the rest.",
        )
    if n < least:
        raise TooFewSamplesError(
            f"Too few samples for {name} calibration",
            expected=f"at least {least:,} scored samples",
            got=f"{n:,.0f}",
        )
    y = predictions.y_true[scored]
    logits = as_logits(predictions.scores[scored], predictions.scale)[0]
    fit, index = _FITS[name], np.arange(len(y))
    fold = fold_of(predictions.ids[scored], N_FOLDS)
    given = -_log_softmax(logits)[index, y]
    calibrated = np.empty(len(y))
    for held_out in (fold == f for f in np.unique(fold)):
        rest = ~held_out if not held_out.all() else held_out
        rest_weights = None if weights is None else weights[rest]
        log_prob = fit(y[rest], logits[rest], rest_weights)(logits[held_out])
        calibrated[held_out] = -log_prob[np.arange(int(held_out.sum())), y[held_out]]
    before, effect = mean_estimate(given, weights), mean_estimate(calibrated - given, weights)
    if not effect.value < 0.0:
        return Fitted("none", _log_softmax, before, before, Estimate.normal(0.0, 0.0))
    return Fitted(name, fit(y, logits, weights), before, mean_estimate(calibrated, weights), effect)


def _fit_temperature(
    y: npt.NDArray[np.integer[Any]], logits: FloatVector, weights: FloatVector | None
) -> Calibrator:
    problem = TemperatureProblem(y, logits, "logits", weights)
    return Temperature(fit_temperature(problem).temperature)


def _fit_vector(
    y: npt.NDArray[np.integer[Any]], logits: FloatVector, weights: FloatVector | None
) -> Calibrator:
    found = fit_bias(y, logits, weights)
    return Vector(math.exp(-found.log_beta), found.biases)


def _fit_isotonic(
    y: npt.NDArray[np.integer[Any]], logits: FloatVector, weights: FloatVector | None
) -> Calibrator:
    try:
        from sklearn.isotonic import IsotonicRegression  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtraError(
            "Isotonic regression needs scikit-learn",
            got=f"{error}",
            hint="pip install scikit-learn",
        ) from error
    # A step at exactly 0 or 1 would make the first surprise infinitely dear.
    edge = 1.0 / (len(y) + 1.0)
    model = IsotonicRegression(y_min=edge, y_max=1.0 - edge, out_of_bounds="clip")
    model.fit(logits[:, 1] - logits[:, 0], y, sample_weight=weights)
    return Isotonic(
        np.asarray(model.X_thresholds_, np.float64), np.asarray(model.y_thresholds_, np.float64)
    )


_FITS: dict[
    str, Callable[[npt.NDArray[np.integer[Any]], FloatVector, FloatVector | None], Calibrator]
] = {
    "temperature": _fit_temperature,
    "vector": _fit_vector,
    "isotonic": _fit_isotonic,
}


def _log_softmax(logits: FloatVector) -> FloatVector:
    log_prob: FloatVector = log_softmax(logits, axis=1)
    return log_prob
