"""WL602: The reported loss has smoothed labels or weighted classes in it.

## What it means
The training loss was taken against smoothed labels, or with class weights, and so was the number in
the log. It cannot be compared with a plain cross-entropy: smoothing puts a floor under it, weights
let rare classes count more.

## Signature
The reported loss differs from the mean cross-entropy of the recorded predictions, and label
smoothing (0.05 to 0.3) or class-balancing weights give it to the last printed digit. Without
predictions: training and validation are both above every calibrated model of their accuracy.

## Statistic and threshold
From predictions: agreement to the printed digits, of which there must be enough to tell (0.2 % of
the loss). Nothing is fitted, so there is no threshold.

From loss and accuracy: both must exceed Fano's envelope in validation by `min_gap` = 0.01 nat, and
the training pair must have at least a quarter of the same excess, or the text must name another
loss. A model that is right more often than its confidence says looks the same.

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

from whyloss.evidence import TRAIN, Direction, envelope_gap, outline
from whyloss.formatting import format_nats, format_percent
from whyloss.measures.envelope import fano_envelope
from whyloss.measures.losses.reported_loss import Kind
from whyloss.remedies import recomputed
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import Lead, Rule
from whyloss.testing import known_cause, known_columns, report_loss

if TYPE_CHECKING:
    import numpy.typing as npt

    from whyloss.evidence import Evidence
    from whyloss.results.remedy import Remedy
    from whyloss.testing import KnownCause

PERFECT_LOSS = 0.02  # nats, at an accuracy of 100 %

RULE = Rule(
    "WL602",
    name="smoothing-or-weights",
    page=__doc__,
    since="0.1",
)


def _both_above(seed: int, excess: float) -> KnownCause:
    """Training and validation both so many nats above the envelope of their accuracy."""
    high = fano_envelope(0.9, 10)[1] + excess * (1.0 + 0.001 * (seed % 100))
    return known_columns(
        n_classes=10,
        train_loss=[high],
        train_accuracy=[0.9],
        val_loss=[high],
        val_accuracy=[0.9],
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


@RULE.at(
    Level.NUMBERS,
    fires=lambda seed: _both_above(seed, 0.4),
    near_misses={"min_gap": lambda seed: _both_above(seed, 0.004)},
)
def training_is_above_too(evidence: Evidence, *, min_gap: float = 0.01) -> Finding | None:
    """Training and validation are both above the envelope of their accuracy."""
    gap, numbers = envelope_gap(evidence), evidence.numbers
    if evidence.epochs or gap is None or numbers is None or not gap.nats > min_gap:
        return None
    if evidence.split in TRAIN:
        return None  # one pair of numbers has nothing to be compared with: suspected, not claimed
    if numbers.accuracy.value == 1.0:
        return None  # `underconfidence`
    if gap.direction not in {Direction.UNDER, Direction.OTHER_LOSS}:
        return None
    return Finding(
        severity=Severity.INFO,
        headline="Smoothing, weights or a penalty in the loss",
        message=(
            f"A loss of {format_nats(numbers.log_loss.value)} is {format_nats(gap.nats)} nats "
            f"above that of every calibrated model with an accuracy of "
            f"{format_percent(numbers.accuracy.value)}, and the training pair or the text says "
            "that the loss is no plain cross-entropy. Most likely it contains label smoothing, "
            "class weights or a penalty: report the plain mean cross-entropy beside it."
        ),
        evidence={
            "log_loss": numbers.log_loss,
            "envelope_gap": Estimate(gap.nats, note="a lower bound, were it a plain mean"),
        },
        nats=gap.nats,
        epochs=(numbers.epoch,),
    )


@RULE.cured_by
def _unweighted(evidence: Evidence, found: Finding) -> Remedy | None:
    """Recompute the loss."""
    return recomputed.plain_mean(
        evidence,
        found,
        "Keep the smoothing or the weights for the gradient; compare models by the plain loss.",
    )


@RULE.suspected(
    prior=0.04,
    check="Compute the plain mean cross-entropy of the validation set, without smoothing, weights "
    "or penalties.",
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
