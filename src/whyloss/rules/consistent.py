"""WL202: The loss is what a well calibrated model of this accuracy shows.

## What it means
A "high" loss beside a "good" accuracy is no contradiction: accuracy counts how often the
largest probability is right, the loss asks what probability the truth got. For a calibrated
model the accuracy confines the loss to an envelope, and this loss lies inside it.

## Signature
The loss lies between the lower and the upper end of Fano's envelope at this accuracy; with
predictions at hand, the loss also equals the loss that they expect of themselves.

## Statistic and threshold
The loss may leave the envelope by no more than its own 95 % error and that of the accuracy:
`max_excess` and `max_deficit` (nats beyond that, above and below) are 0. With predictions, the
surprise gap must be within `max_z` = 3 standard errors, or below 0.01 nat. Fewer than `min_samples` = 50 samples fit
nearly everything, so they prove nothing; where the number of samples is not known, the numbers
are taken at their word. Where the number of classes is not known, two are assumed: more of them only widen
the envelope, upwards.

## Not to be confused with
A good model: a consistent model can still be weak. Reported numbers alone cannot prove
calibration, only fail to contradict it.

## Remedy
None needed. To lower the loss, find more signal: data, features, a better model. A temperature
will not help.

## References
Fano's inequality and the lower envelope: doi:10.1109/18.272494 (Feder and Merhav 1994).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from whyloss.data import History, InMemorySource
from whyloss.formatting import format_nats, format_percent, format_signed
from whyloss.measures.envelope import fano_envelope
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import Rule
from whyloss.testing import KnownCause, known_cause

if TYPE_CHECKING:
    from whyloss.evidence import EpochFacts, Evidence
    from whyloss.results.metrics import Metrics

RULE = Rule(
    "WL202",
    name="consistent",
    page=__doc__,
    since="0.1",
)


def _reported_above_envelope(seed: int) -> KnownCause:
    history = History.from_columns(
        val_loss=[0.8 + 0.001 * (seed % 100)], val_accuracy=[0.9], n_classes=2, n_val=5000
    )
    return KnownCause(InMemorySource(history=history), (), (), 0.0)


def _reported_below_envelope(seed: int) -> KnownCause:
    history = History.from_columns(
        val_loss=[0.05 + 0.0005 * (seed % 100)], val_accuracy=[0.8], n_classes=2, n_val=5000
    )
    return KnownCause(InMemorySource(history=history), (), (), 0.0)


@RULE.at(
    Level.NUMBERS,
    fires=known_cause,
    near_misses={
        "max_z": lambda seed: known_cause(seed, temperature=1.3),
        "max_excess": _reported_above_envelope,
        "max_deficit": _reported_below_envelope,
        "min_samples": lambda seed: known_cause(seed, n_samples=40),
    },
)
def inside_envelope(
    evidence: Evidence,
    *,
    max_z: float = 3.0,
    max_excess: float = 0.0,
    max_deficit: float = 0.0,
    min_samples: float = 50,
) -> Finding | None:
    """The loss lies where a calibrated model of this accuracy has it."""
    numbers = evidence.numbers
    if numbers is None:
        return None
    k = numbers.n_classes or 2  # two classes have the narrowest envelope
    if numbers.n_classes is None and numbers.accuracy.value < 0.5:
        return None
    if numbers.n_samples is not None and numbers.n_samples < min_samples:
        return None
    low, high = _envelope_with_error(numbers)
    loss = numbers.log_loss
    upper = loss.value if loss.low is None else loss.low  # the loss could be this small
    lower = loss.value if loss.high is None else loss.high
    if not (upper - high <= max_excess and low - lower <= max_deficit):
        return None
    sure = ""
    evidence_numbers = {"log_loss": loss, "accuracy": numbers.accuracy}
    if evidence.epochs:
        gap = evidence.last.gap
        if _to_be_mended(evidence.last) or not (abs(gap.z) <= max_z or abs(gap.gap.value) <= 0.01):
            return None
        evidence_numbers["surprise_gap"] = gap.gap
        small = "within chance" if abs(gap.z) <= max_z else "too small to matter"
        sure = (
            f" The predictions expect a loss of {format_nats(loss.value - gap.gap.value)} of "
            f"themselves; the difference is {small}."
        )
    exact_low, exact_high = fano_envelope(numbers.accuracy.value, k)
    more = (
        ""
        if numbers.n_classes
        else " More classes only raise the upper end, so that holds whatever their number."
    )
    between = f"between {format_nats(exact_low)} and {format_nats(exact_high)}"
    if not exact_low <= loss.value <= exact_high:
        between += ", give or take the error of both numbers"
    sure += _beside_training(evidence, numbers)
    evidence_numbers["envelope_low"] = Estimate(exact_low, note="exact, at this accuracy")
    evidence_numbers["envelope_high"] = Estimate(exact_high, note="exact, at this accuracy")
    return Finding(
        severity=Severity.OK,
        headline="Nothing is wrong",
        message=(
            f"A loss of {format_nats(loss.value)} is what a well calibrated model with an accuracy "
            f"of {format_percent(numbers.accuracy.value)} on {k} classes shows "
            f"({between}).{more}{sure}"
        ),
        evidence=evidence_numbers,
        epochs=(numbers.epoch,),
    )


def _envelope_with_error(numbers: Metrics) -> tuple[float, float]:
    """The envelope over the 95 % interval of the accuracy."""
    k = numbers.n_classes or 2
    share = numbers.accuracy
    worst = share.value if share.low is None else share.low
    best = share.value if share.high is None else share.high
    return fano_envelope(best, k)[0], fano_envelope(worst, k)[1]


def _to_be_mended(snapshot: EpochFacts) -> bool:
    """Whether a temperature clearly helps, or nobody can tell what confidence is due."""
    calibrated = snapshot.calibrated
    saved = None if calibrated is None else calibrated.calibration.low
    return snapshot.one_class or (saved is not None and saved > 0.01)


def _beside_training(evidence: Evidence, numbers: Metrics) -> str:
    """How far the reported training numbers are from those of the validation."""
    train = evidence.reported_numbers(evidence.train.split) if evidence.train else None
    if train is None or evidence.epochs:
        return ""
    gap = numbers.log_loss.value - train.log_loss.value
    return (
        f" Training shows {format_nats(train.log_loss.value)} and "
        f"{format_percent(train.accuracy.value)}: a gap of {format_signed(gap)} nats."
    )
