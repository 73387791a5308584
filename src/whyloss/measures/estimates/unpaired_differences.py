"""Differences of estimates that come from different samples."""

from __future__ import annotations

import math

from whyloss.results.estimate import Estimate


def unpaired_difference(first: Estimate, second: Estimate) -> Estimate:
    """Second minus first, with an interval from those of both.

    The distances of the ends from the values are added in squares, each side for itself, so that
    skewed intervals and Wilson's of a share keep their shape (Newcombe 1998, Statistics in
    Medicine 17:873; Zou and Donner 2008, 27:1693).

    Parameters
    ----------
    first, second : Estimate
        Independent of each other.
    """
    value = second.value - first.value
    if None in {first.low, first.high, second.low, second.high}:
        return Estimate(value, note=first.note or second.note, unit=first.unit)
    low_first, high_first, low_second, high_second = (
        float(end or 0.0) for end in (first.low, first.high, second.low, second.high)
    )
    return Estimate(
        value,
        value - math.hypot(second.value - low_second, high_first - first.value),
        value + math.hypot(high_second - second.value, first.value - low_first),
        unit=first.unit,
    )
