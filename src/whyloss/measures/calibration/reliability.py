"""Reliability diagrams: how often things happen that were given some probability."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from whyloss.errors import DataError
from whyloss.measures.estimates.intervals import BoolVector, FloatVector, wilson
from whyloss.measures.losses.probabilities import probability_blocks

if TYPE_CHECKING:
    from whyloss.data import Scale

Binning = Literal["width", "mass"]

N_BINS = 15  # what Guo et al. (2017) used, and everybody compares with
TAIL = 0.025  # on each side of a band


@dataclass(frozen=True, eq=False)
class ReliabilityBins:
    """Probabilities and what became of them, bin by bin.

    All arrays are of shape (n_bins,), except `edges`. Means of an empty bin are NaN.

    Attributes
    ----------
    edges : ndarray of float64, shape (n_bins + 1,)
        A bin holds its lower edge; the last one holds both.
    count : ndarray of int64
    probability : ndarray of float64
        Mean predicted probability.
    observed : ndarray of float64
        Share of samples where the event happened.
    confidence_low, confidence_high : ndarray of float64
        95 % Wilson interval of `observed`.
    consistency_low, consistency_high : ndarray of float64
        Where `observed` lies in at least 95 % of cases if the model is calibrated.
    gap_variance : ndarray of float64
        Sampling variance of ``observed - probability``; NaN with fewer than two samples.
    """

    edges: FloatVector
    count: npt.NDArray[np.int64]
    probability: FloatVector
    observed: FloatVector
    confidence_low: FloatVector
    confidence_high: FloatVector
    consistency_low: FloatVector
    consistency_high: FloatVector
    gap_variance: FloatVector

    @property
    def gap(self) -> FloatVector:
        """``observed - probability``: negative where the model is over-confident."""
        return self.observed - self.probability

    @property
    def n_samples(self) -> int:
        """Samples in all bins."""
        return int(self.count.sum())


def _bin_sums(
    index: npt.NDArray[np.intp], size: int, probability: FloatVector, happened: BoolVector
) -> FloatVector:
    """Samples, probabilities, hits and squared residuals, summed by bin, shape (4, size)."""
    return np.stack(
        [
            np.bincount(index, values, minlength=size)
            for values in (None, probability, happened, (happened - probability) ** 2)
        ]
    ).astype(np.float64)


def _from_sums(edges: FloatVector, sums: FloatVector) -> ReliabilityBins:
    n, total_probability, hits, squared_residual = sums
    with np.errstate(invalid="ignore", divide="ignore"):
        probability = total_probability / n
        observed = hits / n
        spread = np.maximum(0.0, squared_residual / n - (observed - probability) ** 2)
        gap_variance = np.where(n > 1, spread / (n - 1), np.nan)
    shares = [wilson(h, m) for h, m in zip(hits.tolist(), n.tolist(), strict=True)]
    consistency_low, consistency_high = _consistency(n, probability)
    return ReliabilityBins(
        edges=edges,
        count=n.astype(np.int64),
        probability=probability,
        observed=observed,
        confidence_low=np.array([_or_nan(share.low) for share in shares]),
        confidence_high=np.array([_or_nan(share.high) for share in shares]),
        consistency_low=consistency_low,
        consistency_high=consistency_high,
        gap_variance=gap_variance,
    )


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _consistency(count: FloatVector, probability: FloatVector) -> tuple[FloatVector, FloatVector]:
    """Ends of the consistency band.

    Under calibration the hits are a sum of unequal coins, which spreads no more than a binomial of
    the same mean (Hoeffding 1956, Annals of Mathematical Statistics 27:713): the band is never too
    narrow, and within one bin hardly too wide. Bröcker and Smith (2007, Weather and Forecasting
    22:651) resample instead.
    """
    from scipy.special import bdtrik  # noqa: PLC0415 - late: a pasted line needs no bins

    low, high = np.full(len(count), np.nan), np.full(len(count), np.nan)
    filled = count > 0
    n, p = count[filled], probability[filled]
    ends = []
    for quantile in (TAIL, 1.0 - TAIL):
        # The smallest k with P(X <= k) >= quantile. The inverse knows no certain coins, and may
        # end below 0, where already P(X <= 0) is larger.
        k = np.ceil(bdtrik(quantile, n, np.clip(p, 1e-12, 1.0 - 1e-12)) - 1e-9)
        ends.append(np.clip(np.nan_to_num(k), 0, n) / n)
    low[filled], high[filled] = ends
    return low, high


def reliability_bins(
    probability: FloatVector,
    happened: BoolVector,
    *,
    binning: Binning = "width",
    n_bins: int = N_BINS,
) -> ReliabilityBins:
    """Bin predicted probabilities of an event and compare them with how often it happened.

    The event is up to the caller: for a diagram of the confidence it is a right prediction, for
    one of a single class that the sample is of this class.

    Parameters
    ----------
    probability : ndarray of float64, shape (n_samples,)
        From 0 to 1.
    happened : ndarray of bool, shape (n_samples,)
    binning : {"width", "mass"}
        Bins of equal width over [0, 1], or with equally many samples each. Samples of equal
        probability share a bin, so ties make fewer and unequal bins of equal mass.
    n_bins : int, default 15

    Raises
    ------
    DataError
        A probability is outside [0, 1] or NaN, or `n_bins` is not positive.
    """
    if n_bins < 1:
        raise DataError("No bins", expected="at least 1 bin", got=str(n_bins))
    if not ((probability >= 0.0) & (probability <= 1.0)).all():
        raise DataError(
            "Not all values are probabilities",
            expected="numbers from 0 to 1",
            got=f"{probability.min()} to {probability.max()}",
            hint="Leave out the rows that cannot be scored.",
        )
    edges = np.linspace(0.0, 1.0, n_bins + 1)
    if binning == "mass" and len(probability):
        # A quantile that is itself a sample, so that rounding cannot put it on the other side.
        inner = np.quantile(probability, edges[1:-1], method="higher")
        edges = np.concatenate([[0.0], np.unique(inner[inner > probability.min()]), [1.0]])
    index = np.searchsorted(edges[1:-1], probability, side="right")
    return _from_sums(edges, _bin_sums(index, len(edges) - 1, probability, happened))


def class_reliability_bins(
    y_true: npt.NDArray[np.integer[Any]],
    scores: npt.NDArray[np.floating[Any]],
    scale: Scale,
    *,
    scored: BoolVector,
    n_bins: int = N_BINS,
) -> list[ReliabilityBins]:
    """Equal-width diagrams of every class against the rest, in one pass.

    Parameters
    ----------
    y_true : ndarray of int, shape (n_samples,)
    scores : ndarray of shape (n_samples, n_columns)
    scale : {"logits", "log_probs", "probs"}
    scored : ndarray of bool, shape (n_samples,)
        Rows that take part.
    n_bins : int, default 15

    Returns
    -------
    list of ReliabilityBins, one per class
    """
    edges = np.linspace(0.0, 1.0, n_bins + 1)
    n_classes = max(2, scores.shape[1])
    sums = np.zeros((4, n_classes * n_bins))
    first_bin = np.arange(n_classes) * n_bins
    for rows, block in probability_blocks(scores, scale):
        kept = scored[rows]
        prob, y = block[kept], y_true[rows][kept]
        index = first_bin + np.searchsorted(edges[1:-1], prob, side="right")
        happened = y[:, None] == np.arange(n_classes)
        sums += _bin_sums(index.ravel(), sums.shape[1], prob.ravel(), happened.ravel())
    return [_from_sums(edges, part) for part in np.split(sums, n_classes, axis=1)]
