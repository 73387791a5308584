"""WL401: The true class of some samples got probability exactly 0, so their loss is infinite.

## What it means
The model declared impossible what then happened. Cross-entropy has no finite value for that.
Frameworks hide it by clipping the probability. The mean that they report then depends on where they
clip, not on the model.

## Signature
A probability of exactly 0 (or a logit of −∞) at the true class.

## Statistic and threshold
The count of such rows; one is enough to make the mean infinite. The finding gives the mean without
them and the means at the usual clips. There is no threshold.

## Not to be confused with
`non-finite`: the model's output itself is NaN or infinite. Large finite losses are `overconfidence`
or `outliers`.

## Remedy
Look at the named samples: wrong labels come first. Counts and votes (naive Bayes, forests, nearest
neighbours): smooth them. Networks: record logits instead of float32 probabilities, which round to 0
beyond a margin of 104 (17 in float16). Masked classes: check the mask.

## References
The logarithmic score is unbounded: doi:10.1198/016214506000001437 (Gneiting and Raftery 2007).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from whyloss.formatting import format_nats, format_percent, pluralize
from whyloss.measures.losses.logits import RowStatus
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import Rule
from whyloss.testing import known_cause, rule_out_truth

if TYPE_CHECKING:
    from whyloss.evidence import Evidence
    from whyloss.results.remedy import Remedy
    from whyloss.testing import KnownCause

RULE = Rule(
    "WL401",
    name="infinite-loss",
    page=__doc__,
    since="0.1",
    explains=(
        "consistent",
        "underconfidence",
        "temperature",
    ),
)

# What a framework that clips would have reported: -ln of its smallest probability.
CLIPS = {"1e-7": 1e-7, "1e-15": 1e-15, "float32": 1.1920929e-07, "float64": 2.220446049250313e-16}


def _impossible(seed: int) -> KnownCause:
    return rule_out_truth(known_cause(seed, n_samples=300), rows=3)


@RULE.at(
    Level.SNAPSHOT,
    fires=_impossible,
)
def true_class_ruled_out(evidence: Evidence) -> Finding | None:
    """The true class of some samples has probability 0."""
    snapshot = evidence.last
    rows = np.flatnonzero(snapshot.samples.status == RowStatus.INFINITE_LOSS)
    if not len(rows):
        return None
    n = snapshot.n_scored + len(rows)
    finite = float(snapshot.samples.log_loss[snapshot.scored].sum())
    clipped = {
        name: (finite - len(rows) * float(np.log(smallest))) / n for name, smallest in CLIPS.items()
    }
    without = (
        f"Without {'it' if len(rows) == 1 else 'them'} the loss is "
        f"{format_nats(snapshot.log_loss.value)}. "
        if snapshot.n_scored
        else ""
    )
    return Finding(
        severity=Severity.WARNING,
        headline="Infinite loss",
        message=(
            f"The loss is infinite: {pluralize(len(rows), 'row')} of {n:,} "
            f"({format_percent(len(rows) / n)}) {'gives its' if len(rows) == 1 else 'give their'} "
            f"true class probability 0. {without}A framework that clips probabilities at 1e-7 "
            f"would report {format_nats(clipped['1e-7'])}, one that clips at 1e-15 "
            f"{format_nats(clipped['1e-15'])}."
        ),
        evidence={
            "rows": Estimate(float(len(rows)), note="a count", unit="count"),
            "log_loss_without": snapshot.log_loss,
            **{
                f"log_loss_clipped_{name}": Estimate(value, note="depends on the clip alone")
                for name, value in clipped.items()
            },
        },
        nats=clipped["1e-7"] - snapshot.log_loss.value if snapshot.n_scored else None,
        epochs=(snapshot.epoch,),
        samples=tuple(snapshot.predictions.ids[rows[:100]].tolist()),
    )


@RULE.cured_by
def _mix_in(evidence: Evidence, _: Finding) -> Remedy:
    """Leave every class a little probability."""
    from whyloss.remedies import smoothed  # noqa: PLC0415 - loads an optimiser

    facts = evidence.last
    return smoothed.mix_in(facts, np.flatnonzero(facts.samples.status == RowStatus.INFINITE_LOSS))
