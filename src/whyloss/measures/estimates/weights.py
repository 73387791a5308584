"""Samples that count more than others: how many equal ones they are worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from whyloss.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    """Weights in units of equal samples: the weights and their squares have the same sum.

    Parameters
    ----------
    weights : ndarray of float64, shape (n_samples,)
        Above 0.

    Returns
    -------
    ndarray of float64, shape (n_samples,)
    """
    if not len(weights):
        return weights
    scaled = weights / weights.max()
    samples: npt.NDArray[np.float64] = scaled * (float(scaled.sum()) / float(scaled @ scaled))
    return samples


def common_weights(
    weights: Mapping[int, npt.NDArray[np.float64] | None],
) -> npt.NDArray[np.float64] | None:
    """The weights that the same samples have at every epoch, whatever their unit.

    Parameters
    ----------
    weights : mapping of epoch to ndarray of float64, shape (n_common,), or None
        In the same order at every epoch; None where all count alike.

    Raises
    ------
    DataError
        A sample counts more at one epoch than at another, so that no change of a mean is a sum
        over samples.
    """
    given = {epoch: values for epoch, values in weights.items() if values is not None}
    if not given:
        return None
    known, reference = next(iter(given.items()))
    share = reference / reference.sum()
    for epoch, values in weights.items():
        same = 1.0 / len(share) if values is None else values / values.sum()
        if not np.allclose(same, share, rtol=1e-6, atol=0.0):
            raise DataError(
                f"The weights of the samples change between epochs {known} and {epoch}",
                expected="one weight per sample, the same at every epoch",
                got="different ones",
                hint="Weights belong to samples: log the same ones at every epoch.",
            )
    return reference
