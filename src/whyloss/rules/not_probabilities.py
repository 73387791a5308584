"""WL102: what was given as probabilities is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from whyloss.evidence import Evidence, Level
from whyloss.measures.intervals import Estimate
from whyloss.measures.per_sample import SUM_TOLERANCE, RowStatus
from whyloss.rules.base import Finding, Severity, rule
from whyloss.testing import known_cause, relabel_scale
from whyloss.words import counted, percent

if TYPE_CHECKING:
    from whyloss.testing import KnownCause


def _logits_as_probs(seed: int) -> KnownCause:
    return relabel_scale(known_cause(seed, n_samples=300), "probs")


@rule(
    "WL102",
    name="not-probabilities",
    needs=Level.SNAPSHOT,
    since="0.1",
    fires=_logits_as_probs,
    near_misses={},
)
def not_probabilities(evidence: Evidence) -> Finding | None:
    """Rows given as probabilities lie outside [0, 1] or do not sum to 1.

    ## What it means
    The values are on another scale than was said, most often logits. A cross-entropy of them
    would be a number without meaning, so these rows have none here.

    ## Signature
    A value below 0 or above 1, or a row whose sum is further than 0.01 from 1.

    ## Statistic and threshold
    The count of such rows. The tolerance of 0.01 on the sum lets through float16 and
    probabilities printed with three decimals; a row beyond it is no distribution. No threshold.

    ## Not to be confused with
    `double-softmax`: the opposite mistake, probabilities where logits belong. A multi-label model
    (several classes may be true at once) has rows that rightly do not sum to 1: diagnose each
    label as a binary task.

    ## Remedy
    Pass them as what they are: `logits=` for raw outputs, `log_probs=` for log-probabilities.

    ## References
    Scoring rules need distributions: doi:10.1198/016214506000001437 (Gneiting and Raftery 2007).
    """
    snapshot = evidence.last
    predictions = snapshot.predictions
    rows = np.flatnonzero(snapshot.samples.status == RowStatus.NOT_A_DISTRIBUTION)
    if not len(rows):
        return None
    block = predictions.scores[rows].astype(np.float64)
    probs = block if predictions.scale == "probs" else np.exp(np.minimum(block, 700.0))
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
            f"{counted(len(rows), 'row')} of {predictions.n_samples:,} "
            f"({percent(len(rows) / predictions.n_samples)}) given as {predictions.scale} {what}, "
            f"and are kept out of every number here. {hint}"
        ),
        evidence={"rows": Estimate(float(len(rows)), note="a count")},
        epochs=(snapshot.epoch,),
        samples=tuple(predictions.ids[rows[:100]].tolist()),
    )
