"""WL109: The outputs are 0 or 1 throughout: every mistake costs what the loss can cost at most.

## What it means
The model gives one class probability 1 for every sample. What is right costs nothing, what is
wrong costs the ceiling at which the framework clips the logarithm. Gradients are gone (or clipped
away), so the loss stays where it is for ever.

## Signature
Loss = ceiling × error rate: 16.118 (probabilities clipped at 1e-7 in float32), 15.942, 34.539
(1e-15), 100 (PyTorch's `BCELoss`), 16.636 (float16). So 14.506 beside an accuracy of 0.1, or 8.059
beside 0.5.

## Statistic and threshold
The loss divided by the error rate must lie within `max_distance` = 0.2 % of a known ceiling, plus
what four printed digits of the accuracy leave open, and within 1 % at the three last epochs. Where
there are predictions, nine of ten mistakes must lie at it. At least `min_errors` = 1 % of the
samples must be wrong; below that the rounding decides.

## Not to be confused with
`overconfidence`: sure of itself, but each mistake costs differently and training still moves.
`clipped-loss`: some samples sit at the ceiling, not all mistakes.

## Remedy
Start again: scale the inputs, lower the learning rate, check the initialisation. A saturated
network does not recover. Where the loss is computed from probabilities, compute it from logits.

## References
Rounding at the ends of the floating-point range: doi:10.1145/103162.103163 (Goldberg 1991).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from whyloss.evidence import outline
from whyloss.formatting import format_nats, format_percent
from whyloss.measures.losses.clipping_limits import CLIPPING_LIMITS
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import Lead, Rule
from whyloss.testing import known_history

if TYPE_CHECKING:
    from whyloss.evidence import EpochFacts, Evidence
    from whyloss.testing import KnownCause

STANDING = 3  # epochs
MOST_USUAL = 2  # clipping limits that are named
LARGEST_SHARE = 0.95  # of mistakes

RULE = Rule(
    "WL109",
    name="saturated",
    page=__doc__,
    since="0.1",
    explains=(
        "consistent",
        "overconfidence",
        "underconfidence",
        "outliers",
        "label-noise",
        "class-bias",
        "loss-mismatch",
        "clipped-loss",
        "underfitting",
    ),
)

ROUNDING_ERROR = 1e-12  # of a share in float64: fewer errors are none
MOST = 0.9  # of the mistakes
NEAR = 0.01  # of the ceiling: float16 and float32 round it
ROUNDING = 0.0001  # of an accuracy printed with four digits, twice over


def _history(seed: int, factor: float, accuracy: float) -> KnownCause:
    loss = factor * CLIPPING_LIMITS[seed % len(CLIPPING_LIMITS)].log_loss * (1 - accuracy)
    return known_history(seed, val_loss=[round(loss, 4)] * 3, val_accuracy=[accuracy] * 3)


@RULE.at(
    Level.NUMBERS,
    fires=lambda seed: _history(seed, 1.0, round(0.1 + 0.004 * seed, 4)),
    near_misses={
        "max_distance": lambda seed: known_history(
            seed, val_loss=[11.2 * 0.5], val_accuracy=[0.5], noise=0.01
        ),
        "min_errors": lambda seed: _history(seed, 1.0, 0.9995),
    },
)
def mistakes_at_ceiling(
    evidence: Evidence, *, max_distance: float = 0.002, min_errors: float = 0.01
) -> Finding | None:
    """The loss is the error rate times a known ceiling."""
    numbers = evidence.numbers
    errors = 0.0 if numbers is None else 1.0 - numbers.accuracy.value
    if numbers is None or not (errors > ROUNDING_ERROR and errors >= min_errors):
        return None
    per_error = numbers.log_loss.value / errors
    nearest = min(CLIPPING_LIMITS, key=lambda ceiling: abs(per_error / ceiling.log_loss - 1.0))
    if abs(per_error / nearest.log_loss - 1.0) > max_distance + ROUNDING / errors:
        return None
    if evidence.epochs and not _at_ceiling(evidence.last, nearest.log_loss):
        return None
    if not evidence.epochs and not _stays(evidence, nearest.log_loss, max(NEAR, max_distance)):
        return None
    return Finding(
        severity=Severity.ERROR,
        headline="Saturated outputs",
        message=(
            f"The loss of {format_nats(numbers.log_loss.value)} is {format_percent(errors)} of "
            f"mistakes times {format_nats(nearest.log_loss)}, the most that one can cost "
            f"{nearest.where}: every output is 0 or 1, and the network no longer learns."
        ),
        evidence={
            "log_loss": numbers.log_loss,
            "accuracy": numbers.accuracy,
            "per_error": Estimate(per_error, note="loss over error rate"),
            "ceiling": Estimate(nearest.log_loss, note="exact"),
        },
        nats=numbers.log_loss.value,
        epochs=(numbers.epoch,),
    )


def _stays(evidence: Evidence, ceiling: float, near: float) -> bool:
    """Whether the last epochs all lie at the ceiling: a single one may pass by."""
    curve = evidence.reported(evidence.split)
    if curve is None:
        return True
    last = curve.whole
    errors = 1.0 - last.accuracy[-STANDING:]
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = np.abs(last.log_loss[-STANDING:] / errors / ceiling - 1.0)
    return bool((apart <= near).all())


def _at_ceiling(snapshot: EpochFacts, ceiling: float) -> bool:
    wrong = snapshot.samples.log_loss[snapshot.scored & ~snapshot.right]
    near = np.abs(wrong / ceiling - 1.0) <= NEAR
    return bool(near.mean() >= MOST) if len(near) else False


@RULE.suspected(
    prior=0.05,
    check="Print the outputs of one batch: are they all exactly 0 or 1?",
)
def _suspicion(evidence: Evidence) -> Lead | None:
    """A loss that stands still in every digit, at more than guessing costs."""
    seen = outline(evidence)
    if seen.loss is None or len(seen.losses) < STANDING:
        return None
    end = seen.losses[-STANDING:]
    if not (float(np.ptp(end)) == 0.0 and seen.loss > 0.0):
        return None
    nearest = [
        limit
        for limit in CLIPPING_LIMITS[:MOST_USUAL]
        if seen.loss <= limit.log_loss * LARGEST_SHARE
    ]
    shares = ", ".join(
        f"{format_percent(seen.loss / limit.log_loss)} at {format_nats(limit.log_loss)}"
        for limit in nearest
    )
    return Lead(
        1.0,
        f"The loss stands at {format_nats(seen.loss)} in every digit. Of a saturated model it "
        f"would be the share of mistakes times their largest cost: {shares}.",
    )
