"""What a loss can be, given an accuracy: for any model, and for a calibrated one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from whyloss.errors import DataError

if TYPE_CHECKING:
    from whyloss.results.estimate import Estimate


def binary_entropy(share: float) -> float:
    """Entropy of two classes.

    Parameters
    ----------
    share : float
        Probability of one of them, 0 to 1.

    Returns
    -------
    float
        Nats.
    """
    if share <= 0.0 or share >= 1.0:
        return 0.0
    return -share * math.log(share) - (1 - share) * math.log1p(-share)


def entropy_of_shares(shares: npt.NDArray[np.float64]) -> float:
    """Entropy of class shares: the loss of a model that predicts these shares for every sample.

    Parameters
    ----------
    shares : ndarray of float64, shape (n_classes,)
        Sum to 1.

    Returns
    -------
    float
        Nats.
    """
    kept = shares[shares > 0]
    return abs(float((kept * np.log(kept)).sum()))  # never -0.0


def fano_envelope(accuracy: float, n_classes: int) -> tuple[float, float]:
    """Smallest and largest loss of a *calibrated* model of that accuracy, in nats.

    For a calibrated model the loss is the mean entropy of its predictions and the accuracy their
    mean largest probability. The upper end is Fano's inequality; the lower one is the piecewise
    linear curve through ``(1/j, ln j)``. A loss above the upper end proves at least the difference
    as miscalibration.

    Parameters
    ----------
    accuracy : float
        Share of right predictions, ``1 / n_classes`` to 1. A calibrated model is never below
        chance, so a smaller accuracy counts as chance.
    n_classes : int
        At least 2.

    Returns
    -------
    low, high : float
    """
    if n_classes < 2 or not 0.0 <= accuracy <= 1.0:
        raise DataError(
            "No envelope for these numbers",
            expected="an accuracy from 0 to 1 and at least 2 classes",
            got=f"accuracy {accuracy}, {n_classes} classes",
        )
    accuracy = max(accuracy, 1.0 / n_classes)
    high = binary_entropy(accuracy) + (1 - accuracy) * math.log(n_classes - 1)
    # Between 1/(j+1) and 1/j the curve is a chord.
    j = min(n_classes - 1, max(1, math.floor(1.0 / accuracy + 1e-12)))
    right, left = 1.0 / j, 1.0 / (j + 1)
    share = (right - accuracy) / (right - left)
    low = (1 - share) * math.log(j) + share * math.log(j + 1)
    return max(0.0, low), high


def provable_limit(accuracy: Estimate, n_classes: int) -> float:
    """Largest loss that a calibrated model may have, given that the accuracy is uncertain; nats.

    A loss above it proves at least the difference as miscalibration.

    Parameters
    ----------
    accuracy : Estimate
        The limit is that of the lower end of its interval, or of its value where it has none.
    n_classes : int
        At least 2.

    Returns
    -------
    float
    """
    return fano_envelope(accuracy.value if accuracy.low is None else accuracy.low, n_classes)[1]


def least_possible_loss(accuracy: float) -> float:
    """Loss below which no model of that accuracy can get, in nats.

    A wrong prediction gives the true class at most one half, so the loss is at least
    ``(1 - accuracy) ln 2``.

    Parameters
    ----------
    accuracy : float
        0 to 1.

    Returns
    -------
    float
    """
    return (1.0 - accuracy) * math.log(2.0)
