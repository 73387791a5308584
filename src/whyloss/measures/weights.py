"""Samples that count more than others: how many equal ones they are worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def effective_samples(weights: npt.NDArray[np.float64]) -> float:
    """How many equal weights would leave the same precision, ``(sum w)^2 / sum w^2``.

    Kish (1965), Survey Sampling.

    Parameters
    ----------
    weights : ndarray of float64, shape (n_samples,)
        Finite, at least 0, not all 0.
    """
    if not len(weights):
        return 0.0
    scaled = weights / weights.max()  # so that no square is lost
    return float(scaled.sum()) ** 2 / float(scaled @ scaled)


def as_samples(weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Weights in units of equal samples: both they and their squares sum to their number."""
    if not len(weights):
        return weights
    scaled = weights / weights.max()
    samples: npt.NDArray[np.float64] = scaled * (float(scaled.sum()) / float(scaled @ scaled))
    return samples
