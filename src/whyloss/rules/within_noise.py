"""WL503: The loss is above its minimum, but no further than chance would bring it.

## What it means
Of many epochs one has the smallest loss, partly by luck. So the last epoch nearly always looks a
little worse. On these samples the difference is no larger than chance makes it.

## Signature
The last epoch's loss visibly exceeds the smallest one, and the difference is small against its
error.

## Statistic and threshold
z = mean(Δ) / se(Δ) from the epoch of the smallest loss to the last, over the same samples. From
curves, Δ is taken over the noise of the curve itself, from 6 epochs on.
- `max_z` = 4: the epoch of the smallest loss was selected, so anything up to 4 can be chance. Of
  2,000 simulated runs without any trend, 23 % exceed 2.
- `min_share` = 2 % of the loss: nobody asks about a smaller rise.

A last epoch alone that is up by more than 15 % and 0.05 nat, and by more than twice what the curve
rose before, is open.

## Not to be confused with
"Unchanged": the data do not show a rise, nor do they rule one out; the interval says how large it
could be.

## Remedy
Keep any of the listed epochs; the last one is as good as the smallest. If a difference of that size
matters to you, validate on more samples.

## References
Selecting on a validation set overfits it: doi:10.5555/1756006.1859921 (Cawley and Talbot 2010).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from whyloss.evidence import TRAIN, Evidence, loss_rise
from whyloss.formatting import format_nats, format_percent, format_ranges, pluralize
from whyloss.measures.estimates.trend import MIN_EPOCHS
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import Rule
from whyloss.testing import known_cause, known_history

if TYPE_CHECKING:
    from whyloss.measures.estimates.intervals import FloatVector
    from whyloss.testing import KnownCause

FAR = 0.15  # of the loss
MUCH = 0.05  # nats; of a smaller loss a few samples make a large part
HALF = 0.5  # of the rise

RULE = Rule(
    "WL503",
    name="within-noise",
    page=__doc__,
    since="0.1",
)


def _restless(seed: int, rise: float = 0.0, swing: float = 0.03) -> KnownCause:
    """A loss that goes up and down from epoch to epoch, and perhaps rises in the second half."""
    epochs = np.arange(13)
    return known_history(
        seed,
        val_loss=0.5
        + np.exp(-epochs)
        - swing * (-1.0) ** epochs
        + rise * np.maximum(0, epochs - 6),
        val_accuracy=0.8 - 0.2 * np.exp(-epochs),
        noise=0.005,
    )


def _alone(losses: FloatVector, height: float) -> bool:
    """Whether the last epoch is far up, and the loss never rose by half as much before."""
    before = losses[:-1]
    earlier = float(np.max(before - np.minimum.accumulate(before)))
    far = height > max(FAR * float(losses.min()), MUCH)
    return far and earlier < HALF * height


@RULE.at(
    Level.RUN,
    fires=lambda seed: known_cause(seed, blur=(0.5,) * 60, n_samples=100),
    near_misses={
        "max_z": lambda seed: known_cause(seed, temperature=(1.0, 1.0, 2.0)),
        "min_share": lambda seed: known_cause(seed, blur=(0.1, 0.1, 0.1), n_samples=10_000),
    },
)
def no_clear_rise(
    evidence: Evidence, *, max_z: float = 4.0, min_share: float = 0.02
) -> Finding | None:
    """The loss since its minimum differs by no more than chance, over the same samples."""
    best = evidence.run.best_loss
    end = evidence.comparable_epochs[-1]
    if best.epoch == end:
        return None
    losses = evidence.run.losses(best.epoch)
    lowest = float(np.average(losses, weights=evidence.run.weights))
    rise = evidence.run.loss_difference(best.epoch, end)
    if not (rise.z <= max_z and rise.value >= min_share * lowest):
        return None
    return Finding(
        severity=Severity.INFO,
        headline="Within noise",
        message=(
            f"The loss at epoch {end} is {format_nats(rise.value)} nats "
            f"({format_percent(rise.value / lowest, 0)}) above its minimum at epoch "
            f"{best.epoch}, which {pluralize(len(losses), 'sample')} cannot tell from chance; "
            f"epochs {format_ranges(best.as_good)} are as good."
        ),
        evidence={"rise": rise},
        nats=None,
        epochs=(best.epoch, end),
        remedies=("epoch-for-probabilities",),
    )


@RULE.at(
    Level.CURVES,
    fires=lambda seed: _restless(seed, rise=0.008),
    near_misses={
        "max_z": lambda seed: _restless(seed, rise=0.1),
        "min_share": lambda seed: _restless(seed, swing=0.001),
    },
)
def no_rise_beyond_the_curve(
    evidence: Evidence, *, max_z: float = 4.0, min_share: float = 0.02
) -> Finding | None:
    """The reported loss since its minimum rose no more than the curve goes up and down."""
    curve = evidence.curve()
    known = None if curve is None else curve.with_loss
    if known is None or known.split in TRAIN or len(known) < MIN_EPOCHS:
        return None
    low = int(known.log_loss.argmin())
    smallest, last = float(known.log_loss[low]), float(known.log_loss[-1])
    height = last - smallest
    if low == len(known) - 1 or not height >= min_share * max(smallest, 0.0):
        return None
    if max_z < math.inf and _alone(known.log_loss, height):
        return None
    if max_z < math.inf and loss_rise(known, min_z=max_z, min_rise=0.0, train=evidence.train):
        return None
    start, end = int(known.epochs[low]), int(known.epochs[-1])
    return Finding(
        severity=Severity.INFO,
        headline="Within noise",
        message=(
            f"The loss is {format_nats(last)} at epoch {end} and was smallest at epoch {start} "
            f"({format_nats(smallest)}). It goes up and down by as much from epoch to epoch, so "
            "this is no clear rise: either epoch will do."
        ),
        evidence={"rise": Estimate(height, note="as reported; no more than the curve's noise")},
        epochs=(start, end),
    )
