"""Trend against noise in a curve of one number per epoch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from whyloss.measures.estimates.intervals import FloatVector

MIN_EPOCHS = 6  # with fewer, the noise of a curve looks like its shape
SPREAD_OF_MEDIAN = 0.6745  # median of |N(0, 1)|


def noise_sd(values: FloatVector) -> float:
    """Standard deviation of the noise around a smooth curve.

    The median of the absolute second differences, which a straight piece leaves at zero and a few
    spikes do not move; scaled to the standard deviation of independent normal noise.

    Parameters
    ----------
    values : ndarray of float64, shape (n_epochs,)
        Finite.

    Returns
    -------
    float
        NaN below 6 epochs.
    """
    if len(values) < MIN_EPOCHS:
        return math.nan
    bends = np.abs(np.diff(values, n=2))
    return float(np.median(bends)) / (SPREAD_OF_MEDIAN * math.sqrt(6.0))


def mann_kendall(values: FloatVector) -> float:
    """Mann and Kendall's test for a monotone trend, as a standard normal z.

    Ties are corrected for (Mann 1945, Econometrica 13:245; Kendall 1975). Positive: rising.

    Parameters
    ----------
    values : ndarray of float64, shape (n_epochs,)
        Finite. 0 for fewer than 4 of them.
    """
    n = len(values)
    if n < 4:
        return 0.0
    above = np.sign(values[None, :] - values[:, None])
    score = float(np.triu(above, 1).sum())
    ties = np.unique(values, return_counts=True)[1].astype(np.float64)
    variance = (n * (n - 1) * (2 * n + 5) - float((ties * (ties - 1) * (2 * ties + 5)).sum())) / 18
    if variance <= 0 or score == 0:
        return 0.0
    return (score - math.copysign(1.0, score)) / math.sqrt(variance)
