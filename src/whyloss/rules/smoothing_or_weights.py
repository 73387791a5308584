"""WL602: The reported loss has smoothed labels or weighted classes in it.

## What it means
The training loss was taken against smoothed labels, or with class weights, and so was the number in
the log. It cannot be compared with a plain cross-entropy: smoothing puts a floor under it, weights
let rare classes count more.

## Signature
The reported loss differs from the mean cross-entropy of the recorded predictions, and label
smoothing (0.05 to 0.3) or class-balancing weights give it to the last printed digit.

## Statistic and threshold
Agreement to the printed digits, of which there must be enough to tell (0.2 % of the loss). Nothing
is fitted, so there is no threshold.

## Not to be confused with
`loss-mismatch`: another reduction or base, or a number that nothing explains. `underconfidence`:
what label smoothing does to the predictions themselves.

## Remedy
Report the plain mean cross-entropy of the validation set beside the training objective.

## References
arXiv:1512.00567 (Szegedy et al. 2015: label smoothing). arXiv:1906.02629 (Müller et al. 2019: what
it does to calibration).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from whyloss.evidence import Direction, envelope_gap, outline
from whyloss.formatting import format_nats
from whyloss.measures.losses.reported_loss import Kind
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import Lead, Rule
from whyloss.testing import known_cause, report_loss

if TYPE_CHECKING:
    import numpy.typing as npt

    from whyloss.evidence import Evidence

PERFECT_LOSS = 0.02  # nats, at an accuracy of 100 %

RULE = Rule(
    "WL602",
    name="smoothing-or-weights",
    page=__doc__,
    since="0.1",
)


def _balanced(_losses: npt.NDArray[np.float64], by_class: list[float]) -> float:
    return float(np.mean(by_class))


@RULE.at(
    Level.SNAPSHOT,
    fires=lambda seed: report_loss(
        known_cause(seed, n_samples=300, shares=(0.6, 0.3, 0.1)),
        _balanced,
    ),
)
def smoothed_or_weighted(evidence: Evidence) -> Finding | None:
    """Smoothing or class weights give the reported loss."""
    for epoch, reported in evidence.reported_losses.items():
        found = evidence.reproduction(epoch)
        if found is None or found.kind not in {Kind.SMOOTHING, Kind.WEIGHTS}:
            continue
        computed = evidence.at(epoch).log_loss
        return Finding(
            severity=Severity.INFO,
            headline="Smoothed or weighted loss",
            message=(
                f"The loss reported at epoch {epoch} ({format_nats(reported)}) is not the plain "
                f"cross-entropy ({format_nats(computed.value)}) but that with {found.words} "
                f"({format_nats(found.value)}). Compare models by the plain one."
            ),
            evidence={"reported": Estimate(reported, note="as reported"), "computed": computed},
            epochs=(epoch,),
        )
    return None


@RULE.suspected(
    prior=0.04,
    check="Compute the plain mean cross-entropy of the validation set, without smoothing, weights or penalties.",
)
def _suspicion(evidence: Evidence) -> Lead | None:
    """Losses above 0 at 100 %, or a training pair above the envelope too."""
    seen = outline(evidence)
    if seen.accuracy == 1.0 and seen.loss is not None and seen.loss > PERFECT_LOSS:
        return Lead(
            1.0,
            f"At an accuracy of 100 % a loss of {format_nats(seen.loss)} is too little "
            "confidence, as label smoothing or a penalty leaves it.",
        )
    gap = envelope_gap(evidence)
    if gap is not None and gap.nats > 0.0 and gap.direction is Direction.OTHER_LOSS:
        return Lead(
            1.0,
            f"The loss is {format_nats(gap.nats)} nats above that of every calibrated model, and "
            "training shows the same or the text names another loss.",
        )
    return None
