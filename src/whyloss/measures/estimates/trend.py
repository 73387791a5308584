"""Trend against noise in a curve of one number per epoch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from whyloss.measures.estimates.intervals import FloatVector

MIN_EPOCHS = 6  # below this the noise of a curve cannot be told from its shape
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


def running_mean(values: FloatVector, width: int) -> FloatVector:
    """Means of `width` neighbours, shape (n_epochs - width + 1,)."""
    return np.convolve(values, np.full(width, 1.0 / width), mode="valid")


def window(n_epochs: int) -> int:
    """How many neighbouring epochs are taken together: a tenth, 1 to 9."""
    return min(9, max(1, n_epochs // 10))


@dataclass(frozen=True)
class Rise:
    """How far a curve ends above its minimum.

    Attributes
    ----------
    at : int
        Place of the minimum.
    lowest, last : float
        Means of a few neighbouring epochs at the minimum and at the end.
    z : float
        ``last - lowest`` in standard errors of the curve's own noise; NaN where there are too few
        epochs to know it. The minimum was selected: below 4 it can be chance.
    """

    at: int
    lowest: float
    last: float
    z: float

    @property
    def height(self) -> float:
        """``last - lowest``."""
        return self.last - self.lowest


def rise_after_minimum(values: FloatVector) -> Rise:
    """Compare the end of a curve with its minimum.

    Parameters
    ----------
    values : ndarray of float64, shape (n_epochs,)
        Finite, at least one.
    """
    width = window(len(values))
    smooth = running_mean(values, width)
    low = int(smooth.argmin())
    height = float(smooth[-1] - smooth[low])
    se = noise_sd(values) * math.sqrt(2.0 / width)
    if height == 0.0:
        z = 0.0
    elif se == 0.0:
        z = math.inf
    else:
        z = height / se
    at = low + int(values[low : low + width].argmin())
    return Rise(at, float(smooth[low]), float(smooth[-1]), z)


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
