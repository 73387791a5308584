"""Means of weighted samples: how many samples the weights leave, and the interval that follows."""

from __future__ import annotations

import math

import numpy as np

from whyloss.errors import DataError
from whyloss.measures.intervals import BoolVector, Estimate, FloatVector, wilson


def check_weights(weights: FloatVector, n_samples: int) -> None:
    """Raise DataError unless there is one finite weight per sample, none negative, not all 0."""
    fits = weights.shape == (n_samples,)
    if fits and np.isfinite(weights).all() and (weights >= 0.0).all():
        if n_samples == 0 or weights.any():
            return
        got = "only zeros"
    elif fits:
        got = f"{np.count_nonzero(~(weights >= 0.0) | np.isinf(weights))} others"
    else:
        got = f"shape {weights.shape}"
    raise DataError(
        "Weights that weigh nothing",
        expected=f"{n_samples} finite weights of at least 0, one of them above",
        got=got,
    )


def effective_samples(weights: FloatVector) -> float:
    """How many equal weights would leave the same precision, ``(sum w)^2 / sum w^2``.

    Kish (1965), Survey Sampling.
    """
    if not len(weights):
        return 0.0
    scaled = weights / weights.max()  # so that no square is lost
    return float(scaled.sum()) ** 2 / float(scaled @ scaled)


def weighted_mean_estimate(values: FloatVector, weights: FloatVector) -> Estimate:
    """Weighted mean of independent samples with its normal interval.

    The standard error is that of a ratio of sums, so it holds for weights that are importances or
    inverse sampling rates; equal weights give the plain mean and its interval.

    Parameters
    ----------
    values : ndarray of float64, shape (n_samples,)
        Finite.
    weights : ndarray of float64, shape (n_samples,)
        Finite, not negative, not all 0.

    Raises
    ------
    DataError
        Other weights.
    """
    check_weights(weights, len(values))
    if not len(values):
        return Estimate(math.nan, note="no samples")
    share = weights / weights.sum()
    mean = float(share @ values)
    n = effective_samples(weights)
    if n - 1.0 < 1e-9:
        return Estimate.normal(mean, math.nan)
    variance = float(share**2 @ (values - mean) ** 2) * n / (n - 1.0)
    return Estimate.normal(mean, math.sqrt(variance))


def weighted_share_estimate(hits: BoolVector, weights: FloatVector) -> Estimate:
    """Weighted share of hits, with Wilson's interval at the effective number of samples.

    Parameters
    ----------
    hits : ndarray of bool, shape (n_samples,)
    weights : ndarray of float64, shape (n_samples,)
        Finite, not negative, not all 0.

    Raises
    ------
    DataError
        Other weights.
    """
    check_weights(weights, len(hits))
    if not len(hits):
        return Estimate(math.nan, note="no samples")
    share = min(1.0, float(weights[hits].sum()) / float(weights.sum()))
    n = effective_samples(weights)
    return wilson(share * n, n)
