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
From predictions, the loss of each mistake:
- `min_share` = nine of ten mistakes cost the same known limit.
- `max_distance` = 1 % from the limit, which float16 and float32 round.
- `min_errors` = 1 % of the samples are wrong; a few at the limit are `clipped-loss`.

From reported numbers, the loss divided by the error rate:
- `max_distance` = 0.2 % from a known limit, plus what four printed digits of the accuracy leave
  open.
- `max_drift` = 1 % from it at each of the three last epochs: a single epoch may pass by.
- `min_errors` = 1 %: below it the rounding of the accuracy decides.

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
from whyloss.formatting import format_nats, format_percent, pluralize
from whyloss.measures.losses.clipping_limits import CLIPPING_LIMITS, ClippingLimit
from whyloss.remedies.other_scale import train_with_logits
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import Lead, Rule
from whyloss.testing import clip_probabilities, known_cause, known_history

if TYPE_CHECKING:
    from whyloss.evidence import Evidence
    from whyloss.results.remedy import Remedy
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
ROUNDING = 0.0001  # of an accuracy printed with four digits, twice over


def _clipped(seed: int, *, rows: int = 60, signal: float = 6.0, cost: float = 16.118) -> KnownCause:
    """A model with nearly no mistakes but the first rows, each of which costs the same."""
    known = known_cause(seed, n_samples=400, signal=signal)
    return clip_probabilities(known, rows=rows, least=float(np.exp(-cost)))


@RULE.at(
    Level.SNAPSHOT,
    fires=_clipped,
    near_misses={
        "min_share": lambda seed: _clipped(seed, signal=1.0),
        "max_distance": lambda seed: _clipped(seed, cost=11.2),
        "min_errors": lambda seed: _clipped(seed, rows=2),
    },
)
def mistakes_at_limit(
    evidence: Evidence,
    *,
    min_share: float = 0.9,
    max_distance: float = 0.01,
    min_errors: float = 0.01,
) -> Finding | None:
    """Nearly every mistake costs what the loss can cost at most."""
    snapshot = evidence.last
    mistakes = snapshot.samples.log_loss[snapshot.scored & ~snapshot.right]
    if not len(mistakes) or len(mistakes) < min_errors * snapshot.n_scored:
        return None
    limit = _nearest(float(np.median(mistakes)))
    share = float(np.mean(np.abs(mistakes / limit.log_loss - 1.0) <= max_distance))
    if share < min_share:
        return None
    return Finding(
        severity=Severity.ERROR,
        headline="Saturated outputs",
        message=(
            f"{format_percent(share)} of {pluralize(len(mistakes), 'mistake')} cost "
            f"{format_nats(limit.log_loss)}, the most that one can cost {limit.where}: every "
            "output is 0 or 1, and the network no longer learns."
        ),
        evidence={
            "log_loss": snapshot.log_loss,
            "accuracy": snapshot.accuracy,
            "share_at_limit": Estimate(share, note="of the mistakes, a count", unit="share"),
            "ceiling": Estimate(limit.log_loss, note="exact"),
        },
        nats=snapshot.log_loss.value,
        epochs=(snapshot.epoch,),
    )


def _nearest(cost: float) -> ClippingLimit:
    return min(CLIPPING_LIMITS, key=lambda limit: abs(cost / limit.log_loss - 1.0))


def _history(
    seed: int, accuracy: float, *, per_error: float = 0.0, before: float = 1.0
) -> KnownCause:
    """Three epochs with so many nats per mistake, a limit if left out; the first two may differ."""
    cost = per_error or CLIPPING_LIMITS[seed % len(CLIPPING_LIMITS)].log_loss
    loss = cost * (1 - accuracy)
    losses = [round(loss * factor, 4) for factor in (before, before, 1.0)]
    return known_history(seed, val_loss=losses, val_accuracy=[accuracy] * 3)


@RULE.at(
    Level.NUMBERS,
    fires=lambda seed: _history(seed, round(0.1 + 0.004 * seed, 4)),
    near_misses={
        "max_distance": lambda seed: _history(seed, 0.5, per_error=11.2),
        "max_drift": lambda seed: _history(seed, 0.5, before=1.1),
        "min_errors": lambda seed: _history(seed, 0.9995),
    },
)
def loss_at_limit(
    evidence: Evidence,
    *,
    max_distance: float = 0.002,
    max_drift: float = 0.01,
    min_errors: float = 0.01,
) -> Finding | None:
    """The loss is the error rate times a known limit."""
    numbers = evidence.reported_numbers(evidence.split)
    errors = 0.0 if numbers is None else 1.0 - numbers.accuracy.value
    if numbers is None or not (errors > ROUNDING_ERROR and errors >= min_errors):
        return None
    per_error = numbers.log_loss.value / errors
    limit = _nearest(per_error)
    if abs(per_error / limit.log_loss - 1.0) > max_distance + ROUNDING / errors:
        return None
    if not _stays(evidence, limit.log_loss, max(max_drift, max_distance)):
        return None
    return Finding(
        severity=Severity.ERROR,
        headline="Saturated outputs",
        message=(
            f"The loss of {format_nats(numbers.log_loss.value)} is {format_percent(errors)} of "
            f"mistakes times {format_nats(limit.log_loss)}, the most that one can cost "
            f"{limit.where}: every output is 0 or 1, and the network no longer learns."
        ),
        evidence={
            "log_loss": numbers.log_loss,
            "accuracy": numbers.accuracy,
            "per_error": Estimate(per_error, note="loss over error rate"),
            "ceiling": Estimate(limit.log_loss, note="exact"),
        },
        nats=numbers.log_loss.value,
        epochs=(numbers.epoch,),
    )


def _stays(evidence: Evidence, limit: float, near: float) -> bool:
    """Whether the last epochs all lie at the limit: a single one may pass by."""
    curve = evidence.reported(evidence.split)
    if curve is None:
        return True
    last = curve.whole
    errors = 1.0 - last.accuracy[-STANDING:]
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = np.abs(last.log_loss[-STANDING:] / errors / limit - 1.0)
    return bool((apart <= near).all())


@RULE.cured_by
def _start_again(_evidence: Evidence, _: Finding) -> Remedy:
    """Start again: a saturated network does not recover."""
    return train_with_logits(
        "Start again, with smaller steps and a loss from logits",
        "Start again: a saturated network does not recover. Scale the inputs, lower the learning "
        "rate, check the initialisation, and compute the loss from logits.",
    )


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
