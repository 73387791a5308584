"""WL102: Rows given as probabilities lie outside [0, 1] or do not sum to 1.

## What it means
The values are on another scale than was said, most often logits. A cross-entropy of them has no
meaning, so these rows have none here.

## Signature
- Predictions: a value below 0 or above 1, or a row whose sum is further than 0.01 from 1.
- Loss and accuracy alone: a mean loss near the limit of a clipped logarithm, beside an accuracy
  that leaves no room for it. Right predictions must cost as much as wrong ones, so the values are
  no probabilities.

## Statistic and threshold
From predictions, the count of such rows; there is no threshold. The tolerance of 0.01 on the sum
lets through float16 and probabilities printed with three decimals; a row beyond it is no
distribution. From loss and accuracy, the loss must lie below the limit of 16.118 and
- `min_ratio` = 1.2 times above what it would be if every mistake cost that limit and everything
  right cost ln K (ln 1000 where K is not known).

## Not to be confused with
`double-softmax`: the opposite mistake, probabilities where logits belong. A multi-label model
(several classes may be true at once) has rows that rightly do not sum to 1: diagnose each label as
a binary task.

## Remedy
Pass them as what they are: `logits=` for raw outputs, `log_probs=` for log-probabilities.

## References
Scoring rules need distributions: doi:10.1198/016214506000001437 (Gneiting and Raftery 2007).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from whyloss.evidence import MOST_CLASSES
from whyloss.formatting import format_nats, format_percent, pluralize
from whyloss.measures.losses.clipping_limits import CLIPPING_LIMITS
from whyloss.measures.losses.logits import SUM_TOLERANCE, RowStatus
from whyloss.remedies import other_scale
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import Rule
from whyloss.testing import known_cause, known_history, relabel_scale

if TYPE_CHECKING:
    from whyloss.evidence import Evidence
    from whyloss.results.remedy import Remedy
    from whyloss.testing import KnownCause

RULE = Rule(
    "WL102",
    name="not-probabilities",
    page=__doc__,
    since="0.1",
    explains=(
        "overconfidence",
        "underconfidence",
        "outliers",
        "label-noise",
        "class-bias",
        "chance-level",
        "majority-class",
        "consistent",
        "infinite-loss",
        "clipped-loss",
        "loss-mismatch",
        "temperature",
    ),
)

OVERFLOW = 700.0  # exp of more is infinite in float64
ROUNDING = 1.01  # times the limit: what printed digits and means of batches add to it


def _logits_as_probs(seed: int) -> KnownCause:
    return relabel_scale(known_cause(seed, n_samples=300), "probs")


@RULE.at(Level.SNAPSHOT, fires=_logits_as_probs)
def rows_are_none(evidence: Evidence) -> Finding | None:
    """Rows given as probabilities are no distribution."""
    snapshot = evidence.last
    predictions = snapshot.predictions
    rows = np.flatnonzero(snapshot.samples.status == RowStatus.NOT_A_DISTRIBUTION)
    if not len(rows):
        return None
    block = predictions.scores[rows].astype(np.float64)
    probs = block if predictions.scale == "probs" else np.exp(np.minimum(block, OVERFLOW))
    if bool((probs < 0).any() or (probs > 1 + SUM_TOLERANCE).any()):
        what = f"hold values from {block.min():.3g} to {block.max():.3g}"
        hint = "They look like raw outputs: pass them as logits=."
    else:
        sums = probs.sum(axis=1)
        what = f"sum to {sums.min():.3g} … {sums.max():.3g} instead of 1"
        hint = "If several classes may be true at once, diagnose each label as a binary task."
    return Finding(
        severity=Severity.ERROR,
        headline="Not probabilities",
        message=(
            f"{pluralize(len(rows), 'row')} of {predictions.n_samples:,} "
            f"({format_percent(len(rows) / predictions.n_samples)}) given as {predictions.scale} "
            f"{what}, and are left out of every number here. {hint}"
        ),
        evidence={"rows": Estimate(float(len(rows)), note="a count", unit="count")},
        epochs=(snapshot.epoch,),
        samples=tuple(predictions.ids[rows[:100]].tolist()),
    )


@RULE.at(
    Level.NUMBERS,
    fires=lambda seed: known_history(seed, val_loss=[14.5], val_accuracy=[0.7], noise=0.02),
    near_misses={
        "min_ratio": lambda seed: known_history(
            seed, val_loss=[10.6], val_accuracy=[0.7], noise=0.02
        )
    },
)
def right_predictions_cost(evidence: Evidence, *, min_ratio: float = 1.2) -> Finding | None:
    """The loss is so large that right predictions must have a large part in it."""
    ceiling = CLIPPING_LIMITS[0].log_loss
    right = math.log(evidence.n_classes or MOST_CLASSES)
    for split in evidence.with_training:
        numbers = evidence.reported_numbers(split)
        if numbers is None:
            continue
        loss, share = numbers.log_loss.value, numbers.accuracy.value
        most = (1.0 - share) * ceiling + share * right
        curve = evidence.reported(split)
        largest = loss if curve is None else float(np.nanmax(curve.log_loss))
        if not min_ratio * most < loss or not largest <= ROUNDING * ceiling:
            continue
        return Finding(
            severity=Severity.ERROR,
            headline="Not probabilities",
            message=(
                f"On split {split!r} a loss of {format_nats(loss)} beside an accuracy of "
                f"{format_percent(share)} leaves no room: even if every mistake cost the ceiling "
                f"of {format_nats(ceiling)}, the mean could hardly exceed {format_nats(most)}. "
                "Right predictions cost as much as wrong ones, as they do where the output has no "
                "softmax or sigmoid and the loss expects probabilities (or the accuracy counts "
                "padding)."
            ),
            evidence={
                "log_loss": numbers.log_loss,
                "accuracy": numbers.accuracy,
                "most": Estimate(most, note="if every mistake cost the ceiling"),
            },
            epochs=(numbers.epoch,),
        )
    return None


@RULE.cured_by
def _as_logits(evidence: Evidence, _: Finding) -> Remedy | None:
    """Take them for logits, where they look like that."""
    return other_scale.logits(evidence.last) if evidence.epochs else None
