"""A curve that gets worse for good, as against noise, a wander or a restart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from whyloss.measures.estimates.trend import SPREAD_OF_MEDIAN, mann_kendall

if TYPE_CHECKING:
    from whyloss.measures.estimates.intervals import FloatVector

SMALLEST_LOSS = 1e-9  # nats; keeps the logarithm finite
MIN_NOISE_EPOCHS = 5  # three second differences, the fewest that have a median
LONG_CURVE = 30  # epochs from which on three neighbours share one minimum
FEWEST = 3  # epochs of a curve; of these one after the minimum counts
ONE_EPOCH = 0.25  # least height of that one: more than a hundred samples do by chance
EARLY = 3  # a part of the training in which the loss still falls steeply
SHORT_CURVE = 6  # epochs up to which two epochs after the minimum count as the end
FEW_COUNT_UP_TO = 12  # epochs of a curve up to which fewer than five after the minimum count
QUARTER = 0.25  # of the rise that an epoch must be up by to count as risen
LASTING = 0.9  # share of the epochs after the minimum that have risen
MONOTONE = 0.6  # Kendall's tau of the few epochs after the minimum
LIKELY_TREND = 2.33  # one-sided 1 %
CLEAR_TREND = 3.0
SHORT_SHARE = 0.10  # least rise where too few epochs follow the minimum to know their noise
EXPECTED_SHARE = 0.05  # the same while the training loss falls
EXPECTED_Z = 0.5  # standard errors that a falling training loss saves
FEW_EPOCHS = 2.0  # noise of m epochs is itself uncertain by about 1 / m: z is asked for more
NEIGHBOURS = 3  # epochs whose mean a single jump hardly moves
STAYS = 0.95  # share of the epochs from half of the rise on that are up; the rest may be noise
UP_SHARE = 0.5  # of a training: a loss that stays up for so long has not come back
OTHER_MOVES = 1.5  # times the largest rise before and fall after, which a restart repeats


@dataclass(frozen=True)
class LastingRise:
    """A rise since the minimum of a curve that its noise does not explain.

    Attributes
    ----------
    at : int
        Place of the minimum.
    base, height : float
        Level of the minimum, and how far above it the curve ends.
    z : float
        Height in standard errors of the noise after the minimum; NaN where too few epochs follow
        to know it.
    """

    at: int
    base: float
    height: float
    z: float


def lasting_rise(
    losses: FloatVector, *, min_z: float, min_rise: float, min_share: float, expected: bool
) -> LastingRise | None:
    """Find a rise since the minimum of a loss, on its logarithm: its noise grows with it.

    Parameters
    ----------
    losses : ndarray of float64, shape (n_epochs,)
        Finite, nats.
    min_z : float
    min_rise : float
        Nats.
    min_share : float
        Of the smallest loss.
    expected : bool
        Whether the training loss falls meanwhile, which makes a rise likelier beforehand.
    """
    levels = np.log(np.maximum(losses, SMALLEST_LOSS))
    rise = lasting_change(
        levels,
        min_z=min_z,
        min_height=math.log1p(min_share),
        min_short=EXPECTED_SHARE if expected else SHORT_SHARE,
        expected=expected,
    )
    if rise is None:
        return None
    nats = math.exp(rise.base + rise.height) - math.exp(rise.base)
    return rise if nats > min_rise else None


def lasting_change(
    levels: FloatVector, *, min_z: float, min_height: float, min_short: float, expected: bool
) -> LastingRise | None:
    """Find a rise since the minimum of a curve.

    Only the part since the minimum is looked at, so early jumps do not hide a late rise. With at
    least five epochs after the minimum, and seven in all, the level of the last third must be above
    the minimum by `min_z` standard errors of that part's noise (more where the part is short), or
    by half of that with a clear rank trend. With fewer, nearly every epoch must be higher than the
    one before; the last of three epochs may rise alone, by a quarter. An early minimum with both
    neighbours above the end is one low epoch of a curve that still falls. The rise must exceed 1.5
    times the largest earlier rise and later fall: a training that restarts repeats those.

    Parameters
    ----------
    levels : ndarray of float64, shape (n_epochs,)
        Finite; larger is worse.
    min_z, min_height : float
        Of the rise.
    min_short : float
        Least height where fewer than five epochs follow the minimum.
    expected : bool
        Whether a rise is likely beforehand.
    """
    n = len(levels)
    if n < FEWEST:
        return None
    width = 3 if n >= LONG_CURVE else 1
    smooth = _means(levels, width)
    low = int(smooth.argmin())
    at = low + int(levels[low : low + width].argmin())
    base = float(levels[0]) if at == 0 else float(smooth[low])
    after = n - 1 - at
    few = after < MIN_NOISE_EPOCHS or n <= SHORT_CURVE
    least = 1 if n == FEWEST else 3 if n > SHORT_CURVE else 2
    if after < least or (few and n > FEW_COUNT_UP_TO):
        return None
    last = 1 if few else min(9, (after + 1) // 3)
    height = float(np.median(levels[-last:])) - base
    alone = n == FEWEST and height >= ONE_EPOCH
    if alone or after == 1:
        return LastingRise(at, base, height, math.nan) if alone else None
    if not height > min_height or float(levels[-2:].min()) < base + QUARTER * height:
        return None  # a single epoch proves no rise
    early = not few and 0 < at < n / EARLY
    if early and min(levels[at - 1], levels[at + 1]) > base + height:
        return None  # one low epoch of a curve that still falls
    se = _noise(levels[at:]) * math.sqrt(1 / last + 1 / width)
    rise = LastingRise(at, base, height, height / se if se != 0.0 else math.inf)
    if few:
        clear = height >= min_short and _short_rise(levels, rise, min_z=min_z)
    else:
        clear = _clear(levels, rise, min_z=min_z, expected=expected)
    return rise if clear else None


def _short_rise(levels: FloatVector, rise: LastingRise, *, min_z: float) -> bool:
    """Whether the few epochs after a minimum rise one after the other, beyond earlier noise."""
    since = levels[rise.at :]
    pairs = np.sign(since[None, :] - since[:, None])
    tau = float(np.triu(pairs, 1).sum()) / (len(since) * (len(since) - 1) / 2)
    if tau < MONOTONE or float(since[1:].min()) <= rise.base:
        return False
    noise = _noise(levels[len(levels) // 3 :])  # without the steep beginning
    return math.isnan(noise) or rise.height >= (min_z - EXPECTED_Z) * noise * math.sqrt(2.0)


def _clear(levels: FloatVector, rise: LastingRise, *, min_z: float, expected: bool) -> bool:
    """Whether level or rank trend after a minimum show a rise above earlier and later moves."""
    after = levels[rise.at + 1 :]
    trend = mann_kendall(after)
    stays = float(np.mean(after > rise.base + QUARTER * rise.height)) >= LASTING
    wanted = (min_z - EXPECTED_Z if expected else min_z) * (1.0 + FEW_EPOCHS / len(after))
    by_level = rise.z > wanted and (trend > 0 or stays)
    by_trend = rise.z > min_z / 2.0 and trend > (LIKELY_TREND if expected else CLEAR_TREND)
    return (by_level or by_trend) and _no_wander(levels, rise)


def _no_wander(levels: FloatVector, rise: LastingRise) -> bool:
    """Whether the rise exceeds the largest rise before it, and is not taken back after it.

    A curve that falls again after its peak has not returned where nearly all of its epochs stay
    above a quarter of the rise, for half of the training or more.
    """
    before = _means(levels[: rise.at + 1], NEIGHBOURS)
    after = _means(levels[rise.at :], NEIGHBOURS)
    earlier = float(np.max(before - np.minimum.accumulate(before)))
    if rise.height < OTHER_MOVES * earlier:
        return False
    fall = float(np.max(np.maximum.accumulate(after) - after))
    if rise.height >= OTHER_MOVES * fall:
        return True
    up = after[int(np.argmax(after >= rise.base + rise.height / 2)) :]
    stays = float(np.mean(up > rise.base + QUARTER * rise.height)) >= STAYS
    return stays and len(up) >= UP_SHARE * len(levels)


def _means(values: FloatVector, width: int) -> FloatVector:
    if len(values) < width:
        return values
    return np.convolve(values, np.full(width, 1.0 / width), mode="valid")


def _noise(values: FloatVector) -> float:
    """Standard deviation of the noise from second differences; NaN below five values."""
    if len(values) < MIN_NOISE_EPOCHS:
        return math.nan
    bends = np.abs(np.diff(values, n=2))
    return float(np.median(bends)) / (SPREAD_OF_MEDIAN * math.sqrt(6.0))
