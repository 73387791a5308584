"""Epochs at which a curve jumps, beyond what its samples do by chance."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from whyloss.evidence.assumptions import ASSUMED_SAMPLES

if TYPE_CHECKING:
    import numpy.typing as npt

    from whyloss.evidence.curves import Curve
    from whyloss.evidence.scores import ScoreCurve
    from whyloss.measures.estimates.intervals import FloatVector

    Places = npt.NDArray[np.intp]

TINY = 1e-12  # nats: keeps the logarithm of a loss of 0 finite
LATE = 3  # parts of the training: a jump must lie in the last one
BY_CHANCE = 3.0  # standard errors by which the scores of two epochs may differ by chance


def log_steps(losses: FloatVector) -> FloatVector:
    """Differences of the logarithm of a loss between neighbouring epochs.

    Parameters
    ----------
    losses : ndarray of float64, shape (n_epochs,)
        Nats.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        steps: FloatVector = np.diff(np.log(np.maximum(losses, TINY)))
    return steps


def jumps_together(curve: Curve, *, min_factor: float, min_drop: float) -> Places:
    """Places in the second half at which the loss jumps and the accuracy moves the other way.

    Parameters
    ----------
    curve : Curve
        With loss and accuracy at every epoch.
    min_factor : float
        Between the losses of neighbouring epochs.
    min_drop : float
        Of the accuracy.
    """
    steps, gains = log_steps(curve.log_loss), np.diff(curve.accuracy)
    bound = math.log(min_factor) if min_factor > 0 else 0.0
    together = (np.abs(steps) >= bound) & (-gains * np.sign(steps) >= min_drop)
    if curve.n_samples is not None:
        together &= _beyond_chance(curve.accuracy, curve.n_samples)
    return _late_half(together)


def jumps_of_score(scores: ScoreCurve, *, min_swing: float) -> Places:
    """Places in the second half at which a score jumps.

    Parameters
    ----------
    scores : ScoreCurve
    min_swing : float
        Of the unit of the score.
    """
    values = scores.gains / scores.unit
    far = np.abs(np.diff(values)) >= min_swing
    return _late_half(far & _beyond_chance(values, scores.least_samples or ASSUMED_SAMPLES))


def comes_back(places: Places, ways: FloatVector, min_jumps: float) -> bool:
    """Whether there are so many jumps, up as well as down, and one in the last third.

    Parameters
    ----------
    places : ndarray of int
        Of the jumps.
    ways : ndarray of float64, shape (n_epochs - 1,)
        Differences between neighbouring epochs.
    min_jumps : float
    """
    moved = ways[places - 1]
    back = bool((moved > 0).any() and (moved < 0).any())
    n = len(ways) + 1
    late = bool((places >= n - max(2, n // LATE)).any())
    # What only rises is no jump: it takes two to come back.
    return late and len(places) >= max(1, min_jumps) and (back or not min_jumps > 0)


def _late_half(there: npt.NDArray[np.bool_]) -> Places:
    places = np.flatnonzero(there) + 1
    return places[places >= (len(there) + 1) / 2]


def _beyond_chance(shares: FloatVector, n: int) -> npt.NDArray[np.bool_]:
    """Where neighbouring shares differ by more than that many samples do by chance."""
    variances = np.clip(np.abs(shares), 0.0, 1.0)
    variances = variances * (1.0 - variances)
    errors = np.sqrt((variances[:-1] + variances[1:] + 1 / n) / n)
    beyond: npt.NDArray[np.bool_] = np.abs(np.diff(shares)) > BY_CHANCE * errors
    return beyond
