"""The loss split into refinement and calibration by a cross-fitted temperature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from whyloss.errors import TooFewSamplesError
from whyloss.measures import backend
from whyloss.measures.calibration.temperature import (
    N_FOLDS,
    LogitsObjective,
    TemperatureFit,
    fit_temperature,
)
from whyloss.measures.estimates.intervals import BoolVector, FloatVector, mean_estimate
from whyloss.measures.estimates.weights import effective_samples
from whyloss.measures.losses import per_sample
from whyloss.measures.samples.folds import fold_of
from whyloss.results.estimate import Estimate
from whyloss.results.metrics import MIN_CALIBRATION_SAMPLES

if TYPE_CHECKING:
    from whyloss.data import Predictions
    from whyloss.measures.losses.logits import PerSample


# Fitting a temperature that is not needed costs about 1 / 2n nats out of fold, ten times that in
# less than 1 of 500 cases. What costs more has been thrown about by a few samples.
MAX_HARM = 5.0


# Near T = 1 the loss is flat, so what the fit itself adds to the error of the calibration part is
# of second order, 1.2 / n nats; it is all there is of it where the model is calibrated.
FIT_ERROR = 1.2


@dataclass(frozen=True, eq=False)
class Calibrated:
    """The loss split into refinement and calibration by a cross-fitted temperature.

    Attributes
    ----------
    fit : TemperatureFit
        On all samples: the temperature to report and to use.
    accepted : bool
        Whether the temperature does no harm out of fold. Where it does (the other folds hold no
        mistake and ask for boundless confidence), the loss is all refinement.
    log_loss, refinement, calibration : Estimate
        In nats; ``log_loss = refinement + calibration`` to rounding.
    refined : ndarray of float64, shape (n_samples,)
        Each sample's loss under the temperature fitted without its fold; NaN where not scored.
    """

    fit: TemperatureFit
    accepted: bool
    log_loss: Estimate
    refinement: Estimate
    calibration: Estimate
    refined: FloatVector


def calibrate(
    predictions: Predictions,
    scored: BoolVector,
    *,
    samples: PerSample | None = None,
    repeats: int = 1,
) -> Calibrated:
    """Split the loss of a snapshot into refinement and calibration.

    Refinement is the loss that remains after a temperature that was fitted without the sample's
    own fold (5 folds by a stable hash of the id); calibration is the rest, which a temperature
    would save without retraining (Berta et al. 2025, arXiv 2501.19195). Standard errors need no
    refit: at its optimum the temperature adds nothing to first order.

    Parameters
    ----------
    predictions : Predictions
        Samples with the same id share a fold; weights count in the fit and in every mean.
    scored : ndarray of bool, shape (n_samples,)
        Rows with a finite loss; the others take no part.
    samples : PerSample, optional
        Of the same rows, where they have been scored already: saves a pass over large inputs.
    repeats : int, default 1
        As in :func:`~whyloss.measures.losses.per_sample.per_sample`. Temperatures of large inputs
        are good to 1e-6 of themselves, refinement to 1e-7 nats.

    Raises
    ------
    TooFewSamplesError
        Fewer than 50 rows can be scored, or the weights leave fewer than 50 equal ones.
    """
    y_true, scores, scale = predictions.y_true, predictions.scores, predictions.scale
    weights = None if predictions.weights is None else predictions.weights[scored]
    n: float = int(np.count_nonzero(scored)) if weights is None else effective_samples(weights)
    if n < MIN_CALIBRATION_SAMPLES:
        raise TooFewSamplesError(
            "Too few samples to fit a temperature",
            expected=f"at least {MIN_CALIBRATION_SAMPLES} scored samples",
            got=f"{n:.0f}",
        )
    rows = slice(None) if scored.all() else scored  # the first makes no copies
    fold = fold_of(predictions.ids[rows], N_FOLDS)
    # The kernels know no weights.
    if backend.use_compiled(scores.size * repeats, weighted=weights is not None):
        from whyloss.measures.compiled.crossfit import cross_fit  # noqa: PLC0415 - loads a compiler

        samples = samples or per_sample.per_sample(y_true, scores, scale, repeats=repeats)
        folds = np.full(len(scored), -1, dtype=np.int8)
        folds[rows] = fold
        fit, every = cross_fit(y_true, scores, scale, folds)
        given, refined_scored = samples.log_loss[rows], every[rows]
    else:
        problem = LogitsObjective(y_true[rows], scores[rows], scale, weights)
        fit, refined_scored = _cross_fit(problem, fold)
        given = problem.at(0.0)[0]
    before, after = mean_estimate(given, weights), mean_estimate(refined_scored, weights)
    saved = mean_estimate(given - refined_scored, weights)
    accepted = saved.value > -min(MAX_HARM / n, before.value)
    if not accepted:
        refined_scored, after = given, before
        saved = Estimate.normal(0.0, saved.se or 0.0)
    refined = np.full(len(y_true), np.nan)
    refined[rows] = refined_scored
    return Calibrated(
        fit=fit,
        accepted=accepted,
        log_loss=before,
        refinement=after,
        calibration=saved.widened(FIT_ERROR / n),
        refined=refined,
    )


def _cross_fit(
    problem: LogitsObjective, fold: npt.NDArray[np.int64]
) -> tuple[TemperatureFit, FloatVector]:
    """The fit on all samples, and their losses under the fit without their own fold."""
    fit = fit_temperature(problem)
    log_betas = np.full(len(fold), fit.log_beta)
    for k in np.unique(fold):
        held_out = fold == k
        if held_out.all():  # one id throughout: there is nothing else to fit on
            continue
        log_betas[held_out] = fit_temperature(problem.take(~held_out), start=fit.log_beta).log_beta
    return fit, problem.at(log_betas)[0]
