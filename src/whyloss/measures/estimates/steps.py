"""How many samples a column of shares can be of: the step that all of them are multiples of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from whyloss.measures.estimates.intervals import FloatVector

LARGEST = 250  # the largest size that is tried: digits tell no larger one
PRINTED = 6e-5  # error of a share printed with four digits; more of them are no more exact
ROUNDED = 0.6  # of the last digit: half of it, and what float64 adds
BASE = 10.0  # of the digits
MAX_CHANCE = 1e-3


def samples_by_steps(shares: FloatVector, max_chance: float = MAX_CHANCE) -> int | None:
    """Find the smallest number of samples of which all shares are whole parts.

    Their true number is that, or a multiple of it.

    Parameters
    ----------
    shares : ndarray of float64, shape (n_epochs,)
        From 0 to 1.
    max_chance : float
        The largest probability that they fit some number up to this one by chance.

    Returns
    -------
    int or None
        None where no number up to 250 fits, or where chance would do as well.
    """
    values = np.unique(shares)
    values = values[(values > 0) & (values < 1)]
    if not len(values):
        return None
    digits = max(len(repr(value).partition(".")[2]) for value in values.tolist())
    error = max(PRINTED, ROUNDED * BASE**-digits)
    for n in range(2, LARGEST):
        away = np.abs(values * n - np.round(values * n))
        tolerance = error * n
        if (away <= tolerance).all():
            # Each value fits a step of 1/n by chance with this probability.
            by_chance = (2 * tolerance) ** len(values) * n
            return n if by_chance < max_chance else None
    return None
