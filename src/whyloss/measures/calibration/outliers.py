"""Outliers: samples too improbable under the model's own probabilities, at any temperature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from whyloss.errors import TooFewSamplesError
from whyloss.measures import backend
from whyloss.measures.calibration.temperature import LogitsObjective, fit_temperature
from whyloss.measures.estimates.intervals import FloatVector, mean_estimate
from whyloss.measures.losses.logits import RowStatus, logit_blocks
from whyloss.measures.losses.probabilities import softmax

if TYPE_CHECKING:
    from whyloss.data import Predictions, Scale
    from whyloss.measures.calibration.temperature import TemperatureFit, TemperatureObjective
    from whyloss.measures.losses.logits import PerSample
    from whyloss.results.estimate import Estimate

MOST = 3  # samples that are tested as outliers together
MAX_EXPECTED = 0.01
MIN_SAMPLES = 10
# With so many samples, removing three hardly moves the temperature: the search is skipped where the
# largest loss is not within a factor of ten of the limit already.
MANY = 1000


@dataclass(frozen=True, eq=False)
class Outliers:
    """What the samples with the highest losses do to loss and temperature.

    Attributes
    ----------
    rows : ndarray of intp, shape (n_outliers,)
        The outliers, highest loss first; empty where there is none.
    expected : ndarray of float64, shape (n_outliers,)
        How many samples as surprising as this one the calibrated model expects among all.
    log_loss, temperature : Estimate
        Of all scored samples; nats, and the T by which the logits would be divided.
    log_loss_without, temperature_without : Estimate
        Of the samples that are no outliers.
    errors_without : int
        Wrong predictions among those. With none, the outliers are the only mistakes, and a model
        too confident of everything looks just the same.
    impossible : int
        Samples whose label has probability 0: infinite loss, in none of these numbers.
    """

    rows: npt.NDArray[np.intp]
    expected: FloatVector
    log_loss: Estimate
    temperature: Estimate
    log_loss_without: Estimate
    temperature_without: Estimate
    errors_without: int
    impossible: int


def find_outliers(
    predictions: Predictions,
    samples: PerSample,
    *,
    fit: TemperatureFit | None = None,
) -> Outliers:
    """Test whether the highest losses can come from the model's own probabilities.

    The samples of highest loss are set aside, the temperature is fitted to the others, and the
    model so calibrated says how many samples at least as surprising it expects among all:
    ``sum_i P(-ln q_i >= s)``. If that is below .01 for each of those set aside, they are outliers.
    Three are tried before two and one, since two outliers hide each other in the temperature.
    Without any outlier it names one in 1 to 3 % of calibrated or over-confident samples, in up to 8
    % of 50 or fewer under very sharp predictions at T = 2 (simulated).

    Parameters
    ----------
    predictions : Predictions
        Weights count in the temperature and in the mean losses, not in how many samples are
        expected.
    samples : PerSample
        Of the same predictions.
    fit : TemperatureFit, optional
        The temperature of all scored rows, where it is known.

    Raises
    ------
    TooFewSamplesError
        Fewer than 10 rows can be scored.
    """
    y_true, scale, weights = predictions.y_true, predictions.scale, predictions.weights
    scored = np.flatnonzero(samples.scored)
    if len(scored) < MIN_SAMPLES:
        raise TooFewSamplesError(
            "Too few samples to tell an outlier",
            expected=f"at least {MIN_SAMPLES} scored samples",
            got=str(len(scored)),
        )
    loss = samples.log_loss[scored]
    rows = slice(None) if len(scored) == len(y_true) else scored  # the first makes no copy
    y_true, kept_scores = y_true[rows], predictions.scores[rows]
    w = None if weights is None else weights[scored]
    problem = LogitsObjective(y_true, kept_scores, scale, w)
    fit = fit or fit_temperature(problem)
    worst = np.argsort(-loss, kind="stable")
    found, expected = worst[:0], np.zeros(0)
    kept, fit_without = np.ones(len(loss), dtype=np.bool_), fit
    sizes = range(min(MOST, len(loss) // MIN_SAMPLES), 0, -1)
    if len(loss) >= MANY:
        surprise = problem.take(loss == loss[worst[0]]).at(fit.log_beta)[0]
        if _all_rarer(10 * MAX_EXPECTED, kept_scores, scale, fit.beta, surprise[:1]) is None:
            sizes = range(0)
    for size in sizes:
        others = np.ones(len(loss), dtype=np.bool_)
        others[worst[:size]] = False
        if backend.use_compiled(kept_scores.size, weighted=w is not None):
            from whyloss.measures.compiled.crossfit import objective_of  # noqa: PLC0415

            without: TemperatureObjective = objective_of(y_true, kept_scores, scale, others)
        else:
            without = problem.take(others)
        fit_others = fit_temperature(without, start=fit.log_beta)
        surprise = problem.take(~others).at(fit_others.log_beta)[0]
        in_order = np.argsort(np.argsort(worst[:size]))  # `take` keeps the order of the rows
        counts = _all_rarer(MAX_EXPECTED, kept_scores, scale, fit_others.beta, surprise[in_order])
        if counts is not None:
            found, expected, kept, fit_without = worst[:size], counts, others, fit_others
            break
    wrong = samples.y_pred[scored] != y_true
    return Outliers(
        rows=scored[found],
        expected=expected,
        log_loss=mean_estimate(loss, w),
        temperature=fit.estimate,
        log_loss_without=mean_estimate(loss[kept], None if w is None else w[kept]),
        temperature_without=fit_without.estimate,
        errors_without=int(np.count_nonzero(wrong & kept)),
        impossible=samples.count(RowStatus.INFINITE_LOSS),
    )


def _all_rarer(
    limit: float,
    scores: npt.NDArray[np.floating[Any]],
    scale: Scale,
    beta: float,
    surprise: FloatVector,
) -> FloatVector | None:
    """Expected number of samples with at least each surprise (nats) under softmax(beta z).

    None, mostly long before the last row, where one of them reaches the limit.
    """
    counts = np.zeros(len(surprise))
    # A sample must not miss its own surprise by a rounding error.
    bounds = np.exp(-surprise * (1.0 - 1e-9))
    for _, logits, _ in logit_blocks(scores, scale):
        prob = softmax(beta * logits)
        counts += [prob[prob <= bound].sum() for bound in bounds]
        if (counts >= limit).any():
            return None
    return counts
