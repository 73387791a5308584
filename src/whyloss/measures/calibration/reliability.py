"""The reliability diagram: how often predictions of about the same confidence are right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from whyloss.measures.estimates.intervals import wilson_interval
from whyloss.results.epoch_views import ReliabilityBin

if TYPE_CHECKING:
    from whyloss.measures.estimates.intervals import BoolVector, FloatVector

N_BINS = 15  # as in Guo et al. (2017), so that diagrams can be compared


def reliability_bins(confidence: FloatVector, right: BoolVector) -> tuple[ReliabilityBin, ...]:
    """Bin predictions by confidence, and compare it with the share of right predictions.

    Parameters
    ----------
    confidence : ndarray of float64, shape (n_samples,)
        Largest probability of each prediction, 0 to 1 (rounding may take it a little above).
    right : ndarray of bool, shape (n_samples,)
        Whether the predicted class is the true one.

    Returns
    -------
    tuple of ReliabilityBin
        The bins that hold samples, of 15 of equal width from 0 to 1, in order. A bin holds its
        lower edge; the last one holds both.
    """
    confidence = np.minimum(confidence, 1.0)
    inner_edges = np.linspace(0.0, 1.0, N_BINS + 1)[1:-1]
    place = np.searchsorted(inner_edges, confidence, side="right")
    counts = np.bincount(place, minlength=N_BINS)
    totals = np.bincount(place, confidence, minlength=N_BINS)
    hits = np.bincount(place, right, minlength=N_BINS)
    bins = []
    for i in np.flatnonzero(counts).tolist():
        n = int(counts[i])
        hit = float(hits[i])
        bins.append(ReliabilityBin(n, float(totals[i]) / n, hit / n, *wilson_interval(hit, n)))
    return tuple(bins)
