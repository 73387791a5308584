"""The surprise gap: the loss minus the loss that the predictions themselves expect."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from whyloss.measures.estimates.intervals import FloatVector, mean_estimate
from whyloss.measures.estimates.weights import as_samples

if TYPE_CHECKING:
    from whyloss.measures.losses.logits import PerSample
    from whyloss.results.estimate import Estimate


@dataclass(frozen=True)
class SurpriseGap:
    """Mean loss minus the mean entropy of the predictions.

    Attributes
    ----------
    gap : Estimate
        ``mean(loss - entropy)`` in nats; exactly the derivative of the loss in ln beta at T = 1.
    z : float
        ``sum(w (loss - entropy)) / sqrt(sum w^2 V)``, with V the variance of ln p under p:
        standard normal if the model is calibrated. Positive: over-confident; negative:
        under-confident.
    """

    gap: Estimate
    z: float


def gap_z(total: float, variance: float) -> float:
    """The z statistic of a sum of ``loss - entropy``.

    Parameters
    ----------
    total : float
        Sum over the samples, nats.
    variance : float
        Its variance under the predictions, nats squared. At 0 every prediction is certain, and any
        excess at all is infinitely unlikely.

    Returns
    -------
    float
    """
    if variance > 0:
        return total / math.sqrt(variance)
    return math.copysign(math.inf, total) if total else 0.0


def surprise_gap(samples: PerSample, weights: FloatVector | None = None) -> SurpriseGap:
    """Surprise gap of the scored samples.

    Parameters
    ----------
    samples : PerSample
    weights : ndarray of float64, shape (n_samples,), optional
        Above 0.

    Returns
    -------
    SurpriseGap
    """
    scored = samples.scored
    excess = samples.log_loss[scored] - samples.entropy[scored]
    variances = samples.entropy_variance[scored]
    if weights is None:
        return SurpriseGap(
            mean_estimate(excess), gap_z(float(excess.sum()), float(variances.sum()))
        )
    w = as_samples(weights[scored])
    return SurpriseGap(mean_estimate(excess, w), gap_z(float(w @ excess), float(w * w @ variances)))
