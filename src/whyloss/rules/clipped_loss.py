"""WL104: Some losses sit exactly where a framework clips them; their true size is unknown.

## What it means
Probabilities were cut off at a smallest value (1e-7 in Keras, 1e-15 elsewhere) before they were
stored, so that their logarithm stays finite. The true loss of these samples is larger than it
looks, by an unknown amount, and so is the mean.

## Signature
Several samples with the same loss to four digits, at one of the known clipping limits.

## Statistic and threshold
- `min_samples` = 3: so many losses must lie within 0.0001 nat of a clipping limit. Losses do not
  pile up there by chance.

Keras may recover the logits behind a sigmoid and skip the clipping, so the absence of such a pile
proves nothing.

## Not to be confused with
`infinite-loss`: the probability of the label is exactly 0 and nothing clipped it. `saturated`:
every mistake is at the limit.

## Remedy
Store logits instead of probabilities; compute the loss from logits. Compare runs by a loss that
both clip alike.

## References
Rounding at the ends of the floating-point range: doi:10.1145/103162.103163 (Goldberg 1991).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from whyloss.formatting import format_nats, format_percent, pluralize
from whyloss.measures.losses.clipping_limits import CLIPPING_LIMITS
from whyloss.remedies.other_scale import train_with_logits
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import Rule
from whyloss.testing import clip_probabilities, known_cause

if TYPE_CHECKING:
    from whyloss.evidence import Evidence
    from whyloss.results.remedy import Remedy
    from whyloss.testing import KnownCause

RULE = Rule(
    "WL104",
    name="clipped-loss",
    page=__doc__,
    since="0.1",
    explains=(
        "consistent",
        "outliers",
    ),
)

WIDTH = 1e-4  # nats around a limit: what float32 leaves of a loss of 16 to 100


def _clipped(seed: int, rows: int) -> KnownCause:
    return clip_probabilities(known_cause(seed, n_samples=400), rows=rows, least=1e-7)


@RULE.at(
    Level.SNAPSHOT,
    fires=lambda seed: _clipped(seed, 12),
    near_misses={"min_samples": lambda seed: _clipped(seed, 2)},
)
def losses_at_ceiling(evidence: Evidence, *, min_samples: float = 3) -> Finding | None:
    """Several samples have the loss at which a framework clips."""
    snapshot = evidence.last
    losses = snapshot.samples.log_loss
    for ceiling in CLIPPING_LIMITS:
        rows = np.flatnonzero(snapshot.scored & (np.abs(losses - ceiling.log_loss) < WIDTH))
        if len(rows) < max(1, min_samples):
            continue
        total = float(losses[snapshot.scored].sum())
        share = float(losses[rows].sum()) / total
        return Finding(
            severity=Severity.WARNING,
            headline="Clipped losses",
            message=(
                f"The loss is larger than it looks: {pluralize(len(rows), 'sample')} have a loss "
                f"of exactly {format_nats(ceiling.log_loss)}, the limit {ceiling.where}. They make "
                f"up {format_percent(share)} of the loss, and would make up more without the "
                "clipping."
            ),
            evidence={
                "samples": Estimate(float(len(rows)), note="a count", unit="count"),
                "share": Estimate(share, note="of the summed loss, as clipped", unit="share"),
            },
            nats=share * snapshot.log_loss.value,
            epochs=(snapshot.epoch,),
            samples=tuple(snapshot.predictions.ids[rows[:100]].tolist()),
        )
    return None


@RULE.cured_by
def _from_logits(_evidence: Evidence, _: Finding) -> Remedy:
    """Compute the loss from logits, where nothing is clipped."""
    return train_with_logits(
        "Compute the loss from logits",
        "Record the logits and compute the loss from them: nothing is clipped there, and the "
        "samples named above show what they cost. Compare runs only by a loss that clips alike.",
    )
