"""Two sentences for whoever asked: what happened, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whyloss.evidence import in_words
from whyloss.formatting import format_nats, format_percent, format_points, format_signed, pluralize
from whyloss.measures.estimates.intervals import wilson
from whyloss.results.attribution import Held
from whyloss.results.estimate import Z_SELECTED
from whyloss.results.finding import Severity, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from whyloss.evidence import EpochChange, Evidence, ScoreCurve
    from whyloss.measures.estimates.intervals import FloatVector
    from whyloss.results.finding import Finding, Suspect
    from whyloss.results.metrics import Metrics

MOST_SCORES = 4  # of one evaluation, in a sentence

# Findings whose nats are a part of the change of the loss.
_SHARES = {"overconfidence": "over-confidence", "overfitting": "what no calibration mends"}


_WITHOUT_PROBABILITIES = (
    "That is what predicted classes tell; single classes and their confusions stand below. Whether "
    "the model is as sure as it should be, only its probabilities tell: write one for each class, "
    "in columns such as p_<class>."
)


def rank(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Findings by severity, then by the nats that they explain.

    Parameters
    ----------
    findings : sequence of Finding
    """
    return tuple(sorted(findings, key=lambda found: (found.severity.rank, -(found.nats or 0.0))))


def decide(
    evidence: Evidence, ranked: Sequence[Finding], suspects: Sequence[Suspect] = ()
) -> Verdict:
    """Word the verdict from the first of the ranked findings, or from the first suspect.

    Parameters
    ----------
    evidence : Evidence
    ranked : sequence of Finding
        As :func:`rank` orders them.
    suspects : sequence of Suspect, optional
        The likeliest first.

    Returns
    -------
    Verdict
    """
    if not ranked:
        decisions = _decisions(evidence)
        why = _suspected(suspects[0]) if suspects else _why_silent(evidence)
        return Verdict(
            code="WL000",
            name="cannot-tell",
            severity=Severity.INFO,
            title="Predicted classes alone" if decisions else "Cannot tell",
            headline=decisions or _what(evidence),
            explanation=_WITHOUT_PROBABILITIES if decisions else why,
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
    change = evidence.comparison
    if change is not None:
        return _change(change)
    curve, numbers = evidence.curve(), evidence.numbers
    if evidence.epochs or (numbers is not None and (curve is None or len(curve.whole) < 2)):
        if numbers is None:
            return f"Nothing on split {evidence.split!r} can be scored."
        return _one_epoch(evidence, numbers)
    scores = evidence.scores()
    losses = None if curve is None else curve.with_loss
    if losses is not None and len(losses):
        return _at_the_end(losses.epochs, losses.log_loss, scores[:1])
    if scores:
        return _score_at_the_end(scores[0]) if len(scores[0]) > 1 else _all_scores(scores)
    return _in_words(evidence)


def _one_epoch(evidence: Evidence, numbers: Metrics) -> str:
    n = f" on {pluralize(numbers.n_samples, 'sample')}" if numbers.n_samples else ""
    at = f" at epoch {numbers.epoch}" if len(evidence.epochs) > 1 else ""
    if numbers.log_loss.note.startswith("without"):
        at += f" {numbers.log_loss.note}"
    return (
        f"The loss is {format_nats(numbers.log_loss.value)}{at}, the accuracy "
        f"{format_percent(numbers.accuracy.value)}{n}."
    )


def _at_the_end(
    epochs: npt.NDArray[np.int64], losses: FloatVector, scores: Sequence[ScoreCurve]
) -> str:
    """Where loss and score ended, and where each was best."""
    low, last = int(losses.argmin()), len(losses) - 1
    text = f"the loss is {format_nats(losses[last])}"
    if low != last:
        text += f" ({format_nats(losses[low])} at epoch {epochs[low]}, its smallest)"
    for curve in scores:
        text += f", {_score(curve)}"
    return f"At epoch {epochs[last]} {text}." if last else f"{text[0].upper()}{text[1:]}."


def _all_scores(curves: Sequence[ScoreCurve]) -> str:
    """The scores of a single evaluation, as many as a sentence holds."""
    texts = [f"the {c.score.words} is {c.score.text(c.values[-1])}" for c in curves[:MOST_SCORES]]
    n = curves[0].n_samples
    text = ", ".join(texts) + (f", on {pluralize(n, 'sample')}" if n else "")
    return f"{text[0].upper()}{text[1:]}."


def _score_at_the_end(curve: ScoreCurve) -> str:
    text = _score(curve)
    if len(curve) < 2:
        return f"{text[0].upper()}{text[1:]}."
    return f"At epoch {curve.epochs[-1]} {text}."


def _score(curve: ScoreCurve) -> str:
    best, last = int(curve.gains.argmax()), len(curve) - 1
    text = f"the {curve.score.words} {'' if last else 'is '}{curve.score.text(curve.values[last])}"
    if curve.gains[best] > curve.gains[last]:
        text += f" ({curve.score.text(curve.values[best])} at epoch {curve.epochs[best]}, its best)"
    return text


def _in_words(evidence: Evidence) -> str:
    said = [in_words(trend) for trend in evidence.history.facts.trends]
    if not said:
        return f"Neither a loss nor a score of split {evidence.split!r} is known."
    return f"The text says that {' and that '.join(said)}."


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
            f"{loss}; whether accuracy changed {pluralize(found.change.n_samples, 'sample')} "
            "cannot "
            f"tell ({change}, 95 %: {format_signed(100 * low, 1)} to "
            f"{format_signed(100 * high, 1)})."
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


def _decisions(evidence: Evidence) -> str:
    """The scores of predicted classes; empty where the evidence is anything else."""
    history, split = evidence.history, evidence.split
    columns = [history.column(split, name) for name in ("accuracy", "precision", "recall", "f1")]
    known = [float(values[-1]) for values in columns if values is not None]
    n = evidence.n_samples(split)
    if len(history.epochs) > 1 or evidence.epochs or len(known) < len(columns) or not n:
        return ""
    if history.column(split, "loss") is not None:
        return ""
    share = wilson(round(known[0] * n), n)
    between = f"{format_percent(share.low or 0.0, 0)} to {format_percent(share.high or 1.0, 0)}"
    precision, recall, f1 = map(format_percent, known[1:])
    of = "" if evidence.n_classes == 2 else "mean "
    return (
        f"The accuracy is {format_percent(known[0])} on {pluralize(n, 'sample')} "
        f"(95 %: {between}), the {of}precision {precision}, the {of}recall {recall} and the {of}F1 "
        f"{f1}."
    )


def _suspected(first: Suspect) -> str:
    cause = first.name.replace("-", " ")
    return f"Nothing is proved. The likeliest cause is {cause}: {first.why} {first.check}"


def _why_silent(evidence: Evidence) -> str:
    numbers = evidence.numbers
    if numbers is None:
        return "No rule can be checked on that."
    if evidence.epochs and evidence.last.one_class:
        return (
            "Every label here is of one class: how sure a model should be cannot be judged without "
            "the "
            "others."
        )
    if numbers.n_samples is not None and numbers.n_samples < 200:
        return (
            f"{pluralize(numbers.n_samples, 'sample is', 'samples are')} too few to tell a cause "
            "from "
            "chance: record more, or several epochs of them."
        )
    if numbers.n_classes is None:
        return (
            "Without the number of classes there is little to compare them with: add it "
            "(--classes N, or n_classes=N)."
        )
    return "No known cause explains these numbers; see what was not checked, and why."
