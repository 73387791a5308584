"""Phrases that several reporters share."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from whyloss.formatting import (
    format_change,
    format_change_interval,
    format_nats,
    format_percent,
    format_signed,
    pluralize,
)
from whyloss.reporters.encoding import clean
from whyloss.results.estimate import Z95

if TYPE_CHECKING:
    from whyloss.results.attribution import Attribution
    from whyloss.results.diagnosis import Diagnosis
    from whyloss.results.metrics import SliceRow
    from whyloss.results.remedy import Remedy
    from whyloss.results.samples import SampleRow

CLEAR = 2.0  # standard errors from which on a change is worth splitting


def margin(se: float | None) -> str:
    """Half of a 95 % interval of a loss, ``± 0.157``; nothing where it is not known."""
    return "" if se is None else f"± {format_nats(Z95 * se)}"


def effect(remedy: Remedy) -> str:
    """What a remedy does to its metric: ``loss −0.605 nats``; nothing where that is not known."""
    if math.isnan(remedy.effect.value):
        return ""
    return f"{metric_words(remedy.metric)} {format_change(remedy.effect)}"


def effect_interval(remedy: Remedy) -> str:
    """The interval of the effect, or why it has none."""
    return format_change_interval(remedy.effect) or remedy.effect.note


def heading(remedy: Remedy) -> str:
    """The title of a remedy, and the finding that it cures."""
    if not remedy.because:
        return remedy.title
    return f"Because of “{remedy.because}”: {remedy.title[:1].lower()}{remedy.title[1:]}"


def may_be_chance(remedy: Remedy) -> bool:
    """Whether the 95 % interval of the effect holds 0; a finding stands behind its own cure."""
    if remedy.because:
        return False
    low, high = remedy.effect.low, remedy.effect.high
    return low is not None and high is not None and low <= 0.0 <= high


def clear_remedies(diagnosis: Diagnosis) -> list[Remedy]:
    """The remedies whose gain is more than chance, as far as that is known."""
    return [remedy for remedy in diagnosis.remedies if not may_be_chance(remedy)]


def unclear_remedies(diagnosis: Diagnosis) -> str:
    """One sentence on the remedies whose gain may be chance; nothing where there are none."""
    named = [
        f"{remedy.title[:1].lower()}{remedy.title[1:]}, {effect(remedy)} {effect_interval(remedy)}"
        for remedy in diagnosis.remedies
        if may_be_chance(remedy)
    ]
    return f"No clear gain, may be chance: {'; '.join(named)}." if named else ""


def metric_words(metric: str) -> str:
    """What a remedy changes, for a reader."""
    return {"log_loss": "loss"}.get(metric, metric.replace("_", " "))


def changed_most(a: Attribution) -> str:
    """How few samples carry at least half of a change; nothing where it takes many."""
    if not abs(a.total.z) > CLEAR:
        return ""
    for top in a.top:
        if top.share < 0.5:
            continue
        rose = a.total.value > 0
        who = (
            "The sample that changed most carries"
            if top.samples == 1
            else f"The {pluralize(top.samples, 'sample')} that changed most carry"
        )
        beyond = top.share >= 1.005  # as it is shown
        others = f"; the others together {'fell' if rose else 'rose'}" if beyond else ""
        return f"{who} {format_percent(top.share, 0)} of the {'rise' if rose else 'fall'}{others}."
    return ""


def outcome_rows(a: Attribution, *, together: bool) -> list[tuple[str, ...]]:
    """What the samples with each outcome add to a change: outcome, samples, nats and interval.

    Parameters
    ----------
    a : Attribution
    together : bool
        Add a row for all of them.
    """
    rows = [(row.outcome, row.samples, row.total) for row in a.cells]
    if together:
        rows.append(("together", a.n_samples, a.total))
    return [
        (name, f"{samples:,}", format_signed(total.value), format_change_interval(total))
        for name, samples, total in rows
    ]


def slices_by_column(diagnosis: Diagnosis, most: int) -> dict[str, list[SliceRow]]:
    """The slices of each column with the largest excess, the worst first."""
    columns: dict[str, list[SliceRow]] = {}
    for row in diagnosis.slices:
        columns.setdefault(row.column, []).append(row)
    return {name: rows[:most] for name, rows in columns.items()}


def share_of_loss(row: SampleRow) -> str:
    """What a sample adds to the summed loss; nothing where its own loss is infinite."""
    return format_percent(row.share) if math.isfinite(row.share) else ""


def not_checked_lines(diagnosis: Diagnosis, most: int = 3) -> list[str]:
    """What was not checked, a sentence for each reason with the first names."""
    by_reason: dict[str, list[str]] = {}
    for item in diagnosis.not_checked:
        by_reason.setdefault(item.reason, []).append(item.name)
    lines = []
    for reason, names in by_reason.items():
        needed = reason.removeprefix("needs ")
        if needed == reason:
            lines.append(f"{', '.join(names)}: {reason}.")
            continue
        verb = "needs" if len(names) == 1 else "need"
        named = ", ".join(names[:most])
        if len(names) > most:
            named += f" and {len(names) - most} more"
        lines.append(f"{pluralize(len(names), 'check')} {verb} {needed}: {named}.")
    return lines


def reference_table(diagnosis: Diagnosis) -> list[tuple[str, ...]]:
    """Reported numbers and references: a heading row, then rows of a label and a cell per split."""
    found = diagnosis.reference_losses
    if not found:
        return []
    shown = [row.metrics for row in found]
    rows: list[tuple[str, ...]] = [("", *(metrics.split for metrics in shown))]
    rows.append(("loss", *(format_nats(metrics.log_loss.value) for metrics in shown)))
    rows.append(("accuracy", *(format_percent(metrics.accuracy.value) for metrics in shown)))
    if found[0].skill is not None:
        guessing = (metrics.prior_entropy for metrics in shown)
        rows.append(
            (
                "loss of guessing by the class shares",
                *("" if loss is None else format_nats(loss) for loss in guessing),
            )
        )
        rows.append(
            (
                "improvement over guessing",
                *("" if row.skill is None else format_percent(row.skill, 0) for row in found),
            )
        )
    assumed = any(metrics.n_classes is None for metrics in shown)
    rows.append(
        (
            "usual loss at this accuracy, if calibrated" + (", at least" if assumed else ""),
            *(" … ".join(map(format_nats, metrics.envelope or ())) for metrics in shown),
        )
    )
    if any(row.provable > 0 for row in found):
        rows.append(
            ("provable miscalibration, at least", *(format_nats(row.provable) for row in found))
        )
    rows.append(
        (
            "lower bound for any model with this accuracy",
            *(format_nats(row.least) for row in found),
        )
    )
    return rows


def short(text: str, length: int = 40) -> str:
    """Text on one line, cut where it is too long, without what could steer a terminal."""
    line = " ".join(clean(text).split())
    return line if len(line) <= length else line[: length - 1] + "…"
