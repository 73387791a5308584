"""WL603: A short last batch counts as much as a full one in the reported loss.

## What it means
The loss of the epoch was computed as the mean of the batches' means. Where the last batch is
shorter than the others, its samples count more than the rest. If the samples are sorted, the error
is large.

## Signature
The reported loss differs from the mean over samples by (1/N − m/n)(loss of the last batch − loss of
the others), with N batches, m samples in the last one, and n in all, for a usual batch size.

## Statistic and threshold
The mean of the batches' means must reproduce the reported loss to the printed digits.
- `min_difference` = 0.001 nat: it must differ from the mean over samples by at least so much.
  Nobody would notice less.

## Not to be confused with
`loss-mismatch`: another reduction. `train-mode-gap`: training numbers averaged while the model
learnt.

## Remedy
Weight each batch by its size: sum the losses, divide by the number of samples. Or drop the last
batch in training, never in validation.

## References
Combining means of unequal samples: doi:10.1080/00031305.1983.10483115 (Chan, Golub and LeVeque
1983).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from whyloss.formatting import format_nats, format_signed
from whyloss.measures.losses.reported_loss import Kind
from whyloss.remedies import recomputed
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import Rule
from whyloss.testing import batch_means, known_cause, report_loss

if TYPE_CHECKING:
    from whyloss.evidence import Evidence
    from whyloss.results.remedy import Remedy

RULE = Rule(
    "WL603",
    name="last-batch-skew",
    page=__doc__,
    since="0.1",
)


@RULE.at(
    Level.SNAPSHOT,
    fires=lambda seed: report_loss(
        known_cause(seed, n_samples=322), lambda losses: batch_means(losses, 64)
    ),
    near_misses={
        "min_difference": lambda seed: report_loss(
            known_cause(seed, n_samples=2620), lambda losses: batch_means(losses, 64)
        )
    },
)
def mean_of_batch_means(evidence: Evidence, *, min_difference: float = 0.001) -> Finding | None:
    """The mean of the batches' means is what was reported."""
    for epoch, reported in evidence.reported_losses.items():
        found = evidence.reproduction(epoch)
        if found is None or found.kind is not Kind.LAST_BATCH:
            continue
        computed = evidence.at(epoch).log_loss
        away = reported - computed.value
        if not abs(away) >= min_difference:
            continue
        return Finding(
            severity=Severity.INFO,
            headline="A skewed mean",
            message=(
                f"The loss reported at epoch {epoch} ({format_nats(reported)}) is {found.words}; "
                f"over samples it is {format_nats(computed.value)} ({format_signed(away, 4)})."
            ),
            evidence={"reported": Estimate(reported, note="as reported"), "computed": computed},
            nats=abs(away),
            epochs=(epoch,),
        )
    return None


@RULE.cured_by
def _over_samples(evidence: Evidence, found: Finding) -> Remedy | None:
    """Recompute the loss."""
    return recomputed.plain_mean(
        evidence,
        found,
        "In the loop: add up the losses of the samples and divide by their number at the end, "
        "instead of a mean of the means of batches.",
    )
