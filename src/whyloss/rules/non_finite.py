"""WL101: Some predictions are NaN or infinite, so they have no loss.

## What it means
The network put out values that are NaN or infinite. Their loss is undefined. A mean over them is
NaN too, and a mean over the others is about a different set of samples. whyloss leaves these rows
out of every sum and names them.

## Signature
A score that is NaN or +∞, a row without a single finite score, or a reported loss that is NaN or
infinite. A logit of −∞ alone is a class that was masked out, and is fine.

## Statistic and threshold
The count of such rows over all recorded epochs; one is enough, because training in floating point
does not produce them by chance. There is no threshold. Where a log prints several lines per epoch,
the step at which it began tells whether the updates did it or the first batch had it.

## Not to be confused with
`infinite-loss`: every value is finite, and the true class got probability exactly 0.

## Remedy
Look at the first epoch at which it happens. Usual reasons: too high a learning rate, a logarithm or
a division of zero in the model, float16 without loss scaling, NaN in the inputs. Clip the
gradients, lower the learning rate, check the inputs of the named samples.

## References
IEEE 754 arithmetic in training: doi:10.1145/103162.103163 (Goldberg 1991).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from whyloss.evidence import outline
from whyloss.formatting import format_nats, format_percent, format_ranges, pluralize
from whyloss.measures.losses.logits import RowStatus
from whyloss.remedies import suspects
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import TELLING, Lead, Rule
from whyloss.testing import known_cause, known_history, spoil

if TYPE_CHECKING:
    from whyloss.evidence import Evidence
    from whyloss.results.remedy import Remedy
    from whyloss.testing import KnownCause

LOG_OF_SMALLEST = 87.3365  # -ln of the smallest normal float32
NEAR_SMALLEST = 0.01

RULE = Rule(
    "WL101",
    name="non-finite",
    page=__doc__,
    since="0.1",
    explains=("consistent",),
)


def _with_nan(seed: int) -> KnownCause:
    return spoil(known_cause(seed, n_samples=300), rows=3, value=float("nan"))


@RULE.at(Level.SNAPSHOT, fires=_with_nan)
def in_predictions(evidence: Evidence) -> Finding | None:
    """A recorded prediction is NaN or infinite."""
    counts = {
        epoch: evidence.at(epoch).samples.count(RowStatus.NON_FINITE) for epoch in evidence.epochs
    }
    hit = {epoch: count for epoch, count in counts.items() if count}
    if not hit:
        return None
    first = next(iter(hit))
    snapshot = evidence.at(first)
    rows = np.flatnonzero(snapshot.samples.status == RowStatus.NON_FINITE)
    n = snapshot.predictions.n_samples
    where = (
        f" at epoch {first}, the first of epochs {format_ranges(hit)}"
        if len(evidence.epochs) > 1
        else ""
    )
    return Finding(
        severity=Severity.ERROR,
        headline="Predictions that are NaN or infinite",
        message=(
            f"{pluralize(len(rows), 'row')} of {n:,} ({format_percent(len(rows) / n)}) "
            f"{'is' if len(rows) == 1 else 'are'} NaN or infinite{where}; "
            "they are left out of every number here."
        ),
        evidence={"rows": Estimate(float(len(rows)), note="a count", unit="count")},
        epochs=tuple(hit),
        samples=tuple(snapshot.predictions.ids[rows[:100]].tolist()),
    )


@RULE.at(
    Level.NUMBERS,
    fires=lambda seed: known_history(seed, val_loss=[0.7, float("nan")], val_accuracy=[0.6, 0.5]),
    always=True,
)
def in_reported_losses(evidence: Evidence) -> Finding | None:
    """A reported loss is NaN or infinite."""
    losses = {
        split: epochs
        for (split, metric), epochs in evidence.history.not_numbers.items()
        if metric == "loss"
    }
    if not losses:
        return None
    split = evidence.split if evidence.split in losses else next(iter(losses))
    epochs, every = losses[split], evidence.history.epochs
    whole = len(epochs) == len(every)
    since = "at every epoch reported" if whole else f"at epoch {format_ranges(epochs)}"
    reasons = _since_which_step(evidence.history.steps.get((split, "loss"), ())) or (
        "Usual reasons: labels outside the outputs, too high a learning rate, a logarithm or a "
        "division of zero, float16 without loss scaling, NaN in the inputs, an empty split."
    )
    return Finding(
        severity=Severity.ERROR,
        headline="A loss that is NaN or infinite",
        message=(
            f"The loss of split {split!r} is NaN or infinite {since}. An accuracy beside it says "
            f"nothing: comparing NaN picks some class or other. {reasons}"
        ),
        evidence={"epochs": Estimate(float(len(epochs)), note="a count", unit="count")},
        epochs=epochs,
    )


def _since_which_step(steps: tuple[tuple[int, float], ...]) -> str:
    """What the values within the epoch tell of the reason; empty where they tell nothing."""
    lost = [step for step, value in steps if not math.isfinite(value)]
    if not lost:
        return ""
    before = [(step, value) for step, value in steps if step < lost[0] and math.isfinite(value)]
    if not before:
        return (
            f"It was so at the first step printed, {lost[0]}: look at the inputs, the labels and "
            "the loss itself, not at the learning rate."
        )
    step, value = before[-1]
    return (
        f"It was {format_nats(value)} at step {step} and no number at step {lost[0]}: the updates "
        "did it. Lower the learning rate, or clip the gradients; then look for a logarithm or a "
        "division of zero."
    )


@RULE.cured_by
def _look(evidence: Evidence, found: Finding) -> Remedy | None:
    """Look at the inputs of the rows that are no numbers, at the first epoch that has any."""
    return suspects.not_finite(evidence.at(found.epochs[0])) if found.samples else None


@RULE.suspected(
    prior=0.05,
    check="Print the largest output of each batch: when does it stop being finite?",
)
def _suspicion(evidence: Evidence) -> Lead | None:
    """A loss at the logarithm of the smallest float32, which hides outputs that overflowed."""
    seen = outline(evidence)
    for losses in (seen.losses, seen.train_losses):
        if len(losses) and abs(float(losses[-1]) - LOG_OF_SMALLEST) <= NEAR_SMALLEST:
            return Lead(
                TELLING,
                f"A loss of {float(losses[-1]):.4f} is −ln of the smallest float32: every "
                "probability of a true class was 0 or NaN.",
            )
    return None
