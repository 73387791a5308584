"""Two sentences for whoever asked: what happened, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whyloss.formatting import format_nats, format_percent, format_points, format_signed, pluralize
from whyloss.results.attribution import Held
from whyloss.results.estimate import Z_SELECTED
from whyloss.results.finding import Severity, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whyloss.evidence import Curve, EpochChange, Evidence
    from whyloss.results.finding import Finding

# Findings whose nats are a part of the change of the loss.
_SHARES = {"overconfidence": "over-confidence", "overfitting": "what no calibration mends"}


def rank(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Findings by severity, then by the nats that they explain."""
    return tuple(sorted(findings, key=lambda found: (found.severity.rank, -(found.nats or 0.0))))


def decide(evidence: Evidence, ranked: Sequence[Finding]) -> Verdict:
    """Word the verdict from the first of the ranked findings."""
    if not ranked:
        return Verdict(
            code="WL000",
            name="cannot-tell",
            severity=Severity.INFO,
            title="Cannot tell",
            headline=_what(evidence),
            explanation=_why_silent(evidence),
        )
    first = ranked[0]
    headline = f"{_what(evidence)} {_share(evidence, first)}".strip()
    explanation = first.message
    other = next((found for found in ranked[1:] if found.name in _SHARES), None)
    if other is not None and first.name in _SHARES and other.nats:
        explanation += (
            f" Beside that, {other.headline.lower()} costs {format_nats(other.nats)} nats."
        )
    return Verdict(
        code=first.code,
        name=first.name,
        severity=first.severity,
        title=first.headline,
        headline=headline,
        explanation=explanation,
    )


def _what(evidence: Evidence) -> str:
    found = evidence.comparison
    if found is not None:
        return _change(found)
    numbers = evidence.numbers
    if numbers is None:
        return f"Nothing on split {evidence.split!r} can be scored."
    curve = evidence.curve()
    if curve is not None and not evidence.epochs and len(curve.whole) > 1:
        return _curves(curve.whole)
    n = f" on {pluralize(numbers.n_samples, 'sample')}" if numbers.n_samples else ""
    at = f" at epoch {numbers.epoch}" if len(evidence.epochs) > 1 else ""
    if numbers.log_loss.note.startswith("without"):
        at += f" {numbers.log_loss.note}"
    return (
        f"The loss is {format_nats(numbers.log_loss.value)}{at}, the accuracy "
        f"{format_percent(numbers.accuracy.value)}{n}."
    )


def _curves(curve: Curve) -> str:
    """Where loss and accuracy ended, and where each was best."""
    low, high = int(curve.log_loss.argmin()), int(curve.accuracy.argmax())
    end, last = int(curve.epochs[-1]), len(curve) - 1
    loss = f"the loss is {format_nats(curve.log_loss[-1])}"
    if low != last:
        loss += f" ({format_nats(curve.log_loss[low])} at epoch {curve.epochs[low]}, its smallest)"
    accuracy = f"the accuracy {format_percent(curve.accuracy[-1])}"
    if high != last and curve.accuracy[high] > curve.accuracy[-1]:
        accuracy += (
            f" ({format_percent(curve.accuracy[high])} at epoch {curve.epochs[high]}, its largest)"
        )
    return f"At epoch {end} {loss}, {accuracy}."


def _change(found: EpochChange) -> str:
    total = found.change.total
    since = f"since epoch {found.first.epoch}"
    if abs(total.z) <= Z_SELECTED:
        loss = f"The loss has not clearly changed {since} ({format_signed(total.value)} nats)"
    else:
        verb = "rose" if total.value > 0 else "fell"
        loss = f"The loss {verb} by {format_nats(abs(total.value))} nats {since}"
    accuracy = found.change.accuracy
    change = format_points(accuracy.value)
    if found.accuracy is Held.CANNOT_TELL:
        low, high = accuracy.low or 0.0, accuracy.high or 0.0
        return (
            f"{loss}; whether accuracy changed {pluralize(found.change.n_samples, 'sample')} cannot "
            f"tell ({change}, 95 %: {format_signed(100 * low, 1)} to {format_signed(100 * high, 1)})."
        )
    return f"{loss}; accuracy {found.accuracy} ({change})."


def _share(evidence: Evidence, first: Finding) -> str:
    rise = evidence.rise
    name = _SHARES.get(first.name)
    if name is None or rise is None or first.nats is None or rise.change.total.z <= Z_SELECTED:
        return ""
    share = first.nats / rise.change.total.value
    part = "All" if share > 0.995 else format_percent(share, 0)
    return f"{part} of the rise is {name}."


def _why_silent(evidence: Evidence) -> str:
    numbers = evidence.numbers
    if numbers is None:
        return "No rule can be checked on that."
    if evidence.epochs and evidence.last.one_class:
        return (
            "Every label here is of one class: how sure a model should be cannot be judged without the "
            "others."
        )
    if numbers.n_samples is not None and numbers.n_samples < 200:
        return (
            f"{pluralize(numbers.n_samples, 'sample is', 'samples are')} too few to tell a cause from "
            "chance: record more, or several epochs of them."
        )
    if numbers.n_classes is None:
        return (
            "Without the number of classes there is little to compare them with: pass n_classes=."
        )
    return "No known cause explains these numbers; see what was not checked, and why."
