"""Which epoch is best, and which others are statistically as good."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from whyloss.measures.estimates.intervals import FloatVector, mean_estimate
from whyloss.results.estimate import Z_SELECTED, Estimate
from whyloss.results.metrics import BestEpoch

if TYPE_CHECKING:
    from collections.abc import Mapping


def best_epoch(
    metric: str,
    cost: Mapping[int, FloatVector],
    value: Mapping[int, Estimate],
    weights: FloatVector | None = None,
) -> BestEpoch:
    """Find the epoch of the smallest mean cost, and those that are statistically as good.

    Parameters
    ----------
    metric : str
    cost : mapping of epoch to ndarray of float64, shape (n_samples,)
        Per-sample cost of the same samples, in the same order, at every epoch.
    value : mapping of epoch to Estimate
        What to show for the epoch.
    weights : ndarray of float64, shape (n_samples,), optional
        Of the same samples.
    """
    means = {epoch: float(np.average(values, weights=weights)) for epoch, values in cost.items()}
    best = min(means, key=lambda epoch: (means[epoch], epoch))
    as_good = tuple(
        epoch
        for epoch in sorted(cost)
        if epoch == best or mean_estimate(cost[epoch] - cost[best], weights).z <= Z_SELECTED
    )
    return BestEpoch(metric, best, value[best], as_good)
