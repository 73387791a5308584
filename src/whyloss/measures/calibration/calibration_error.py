"""Calibration errors: one number for the distance of a reliability diagram from its diagonal."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.fft import dct, idct
from scipy.special import gammaln, xlog1py, xlogy

from whyloss.measures.calibration.reliability import N_BINS, reliability_bins
from whyloss.measures.estimates.intervals import BoolVector, FloatVector, mean_estimate
from whyloss.results.estimate import Z95, Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whyloss.measures.calibration.reliability import ReliabilityBins
    from whyloss.measures.losses.logits import PerSample

MIN_SAMPLES = 100  # below, fewer than seven samples to a bin: no interval that means something
GRID = 4096  # cells of the smooth error; its kernel is never narrower than a few of them
BIASED = "biased upwards: sampling noise adds to it, and never takes away"


@dataclass(frozen=True)
class CalibrationErrors:
    """Calibration errors of one event, in probability units.

    Attributes
    ----------
    ece : Estimate
        15 bins of equal width: the one that others print. No interval, for it is biased.
    ece_if_calibrated : float
        The `ece` to be expected from as many samples of a perfectly calibrated model.
    adaptive_ece : Estimate
        The same on bins of equal mass.
    smooth_ece : Estimate
        Without bins.
    debiased : Estimate
        Root mean square error on bins of equal mass, freed of its bias; with an interval.
    """

    ece: Estimate
    ece_if_calibrated: float
    adaptive_ece: Estimate
    smooth_ece: Estimate
    debiased: Estimate


def calibration_errors(
    probability: FloatVector, happened: BoolVector, *, n_bins: int = N_BINS
) -> CalibrationErrors:
    """All calibration errors of predicted probabilities.

    Parameters
    ----------
    probability : ndarray of float64, shape (n_samples,)
        Of the event, from 0 to 1: of the predicted class for the usual ("top-label") errors.
    happened : ndarray of bool, shape (n_samples,)
    n_bins : int, default 15

    Raises
    ------
    DataError
        A probability is outside [0, 1] or NaN.
    """
    width = reliability_bins(probability, happened, binning="width", n_bins=n_bins)
    mass = reliability_bins(probability, happened, binning="mass", n_bins=n_bins)
    return CalibrationErrors(
        ece=expected_calibration_error(width),
        ece_if_calibrated=expected_error_if_calibrated(width),
        adaptive_ece=expected_calibration_error(mass),
        smooth_ece=smooth_calibration_error(probability, happened),
        debiased=debiased_calibration_error(mass),
    )


def expected_calibration_error(bins: ReliabilityBins) -> Estimate:
    """Mean absolute gap, bins weighted by their samples (Naeini et al. 2015; Guo et al. 2017)."""
    if not bins.n_samples:
        return Estimate(math.nan, note="no samples")
    value = float(np.nansum(bins.count * np.abs(bins.gap))) / bins.n_samples
    return Estimate(value, note=BIASED)


def classwise_calibration_error(classes: Sequence[ReliabilityBins]) -> Estimate:
    """Mean over the classes of the error of each against the rest (Kull et al. 2019, 1910.12656).

    Parameters
    ----------
    classes : sequence of ReliabilityBins
        From :func:`whyloss.measures.calibration.reliability.class_reliability_bins`.
    """
    errors = [expected_calibration_error(bins).value for bins in classes]
    return Estimate(float(np.mean(errors)), note=BIASED)


def expected_error_if_calibrated(bins: ReliabilityBins) -> float:
    """Mean absolute gap that a perfectly calibrated model would show on these bins.

    The mean absolute deviation of a binomial in closed form, after de Moivre
    (Diaconis and Zabell 1991, Statistical Science 6:284).
    """
    if not bins.n_samples:
        return math.nan
    filled = bins.count > 0
    n, p = bins.count[filled], np.clip(bins.probability[filled], 0.0, 1.0)
    above = np.minimum(np.floor(n * p) + 1.0, n)  # at n only where p = 1, and the factor is 0
    log_share = (
        gammaln(n + 1.0)
        - gammaln(above + 1.0)
        - gammaln(n - above + 1.0)
        + xlogy(above, p)
        + xlog1py(n - above, -p)
    )
    deviation = 2.0 * above * (1.0 - p) * np.exp(log_share)
    return float(deviation.sum()) / bins.n_samples


def debiased_calibration_error(bins: ReliabilityBins) -> Estimate:
    """Root mean square gap, without the part that sampling noise alone would make.

    From every squared gap its own sampling variance is taken (Bröcker 2009, 0806.0813; Kumar,
    Liang and Ma 2019, 1909.10155), which makes the *square* unbiased. Its standard error is that
    of squared normal gaps plus that of the bins' weights; the ends are the roots of the ends.
    Miscalibration within a bin is not seen. In place of a bootstrap, which would add its own noise
    to the bias, this needs nothing but the sums of the bins.

    Parameters
    ----------
    bins : ReliabilityBins
        Best of equal mass.

    Returns
    -------
    Estimate
        0 where the gaps are no larger than noise. No interval below 100 samples.
    """
    n = bins.n_samples
    if not n:
        return Estimate(math.nan, note="no samples")
    known = bins.count > 1
    weight, gap, noise = bins.count[known] / n, bins.gap[known], bins.gap_variance[known]
    square = float((weight * (gap**2 - noise)).sum())
    value = math.sqrt(max(0.0, square))
    if n < MIN_SAMPLES:
        return Estimate(value, note=f"no interval below {MIN_SAMPLES} samples")
    of_gaps = weight**2 * np.maximum(4.0 * noise * gap**2 - 2.0 * noise**2, 2.0 * noise**2)
    of_weights = float((weight * gap**4).sum()) - float((weight * gap**2).sum()) ** 2
    se = math.sqrt(float(of_gaps.sum()) + max(0.0, of_weights) / n)
    low, high = (math.sqrt(max(0.0, square + side * Z95 * se)) for side in (-1.0, 1.0))
    return Estimate(value, low, high)


def smooth_calibration_error(probability: FloatVector, happened: BoolVector) -> Estimate:
    """Smooth calibration error: the gap under a Gaussian kernel as wide as the result itself.

    Błasiok and Nakkiran (2023, 2309.12236). The kernel, reflected at 0 and 1, is diagonal in the
    cosine transform, so that each width costs one transform of a fixed grid.

    Parameters
    ----------
    probability : ndarray of float64, shape (n_samples,)
        From 0 to 1.
    happened : ndarray of bool, shape (n_samples,)
    """
    n = len(probability)
    if not n:
        return Estimate(math.nan, note="no samples")
    cell = np.minimum((probability * GRID).astype(np.intp), GRID - 1)
    spectrum = dct(np.bincount(cell, happened - probability, minlength=GRID), norm="ortho")
    decay = -0.5 * (math.pi * np.arange(GRID)) ** 2

    def smoothed(width: float) -> float:
        return float(np.abs(idct(spectrum * np.exp(decay * width**2), norm="ortho")).sum()) / n

    low, high = 0.0, 1.0
    while high - low > 1e-4:  # the error falls and the width grows: they meet once
        width = 0.5 * (low + high)
        low, high = (width, high) if smoothed(width) > width else (low, width)
    return Estimate(smoothed(high), note=BIASED)


def brier_estimate(samples: PerSample) -> Estimate:
    """Mean Brier score of the scored samples, ``sum_k (p_k - [y = k])^2``, from 0 to 2.

    Brier's own definition (1950, Monthly Weather Review 78:1), for any number of classes; for two
    it is twice the ``(p_1 - y)^2`` that many programs print.
    """
    return mean_estimate(samples.brier[samples.scored])
