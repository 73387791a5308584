"""Phrases that several reporters share."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from whyloss.formatting import format_nats, format_percent, format_points, format_signed, pluralize
from whyloss.references import references

if TYPE_CHECKING:
    from collections.abc import Callable

    from whyloss.results.attribution import Attribution
    from whyloss.results.diagnosis import Diagnosis
    from whyloss.results.estimate import Estimate
    from whyloss.results.metrics import SliceRow
    from whyloss.results.remedy import Remedy
    from whyloss.results.samples import SampleRow

CLEAR = 2.0  # standard errors from which on a change is worth taking apart


def interval(estimate: Estimate, form: Callable[[float], str]) -> str:
    """The 95 % interval in brackets; nothing where there is none."""
    if estimate.low is None or estimate.high is None:
        return ""
    return f"({form(estimate.low)} … {form(estimate.high)})"


def effect(remedy: Remedy) -> str:
    """What a remedy does to its metric, with the interval."""
    value = remedy.effect
    if remedy.metric == "accuracy":
        bounds = interval(value, lambda share: format_signed(100 * share, 1))
        return f"accuracy {format_points(value.value)} {bounds}".rstrip()
    if remedy.metric != "log_loss":
        return f"{metric_words(remedy.metric)} {format_signed(value.value)}"
    return f"loss {format_signed(value.value)} nats {interval(value, format_signed)}".rstrip()


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


def slices_by_column(diagnosis: Diagnosis, most: int) -> dict[str, list[SliceRow]]:
    """The slices of each column that cost most beyond their share, the worst first."""
    columns: dict[str, list[SliceRow]] = {}
    for row in diagnosis.slices:
        columns.setdefault(row.column, []).append(row)
    return {name: rows[:most] for name, rows in columns.items()}


def share_of_loss(row: SampleRow) -> str:
    """What a sample adds to the summed loss; nothing where its own loss is infinite."""
    return format_percent(row.share) if math.isfinite(row.share) else ""


def not_checked_lines(diagnosis: Diagnosis, most: int = 3) -> list[str]:
    """What was not checked, a sentence for each reason; of many names only the first are spelt out."""
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
    """Reported numbers and what they compare with: a heading row, then a label and a cell per split."""
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
            "usual loss of a calibrated model with this accuracy"
            + (", at least" if assumed else ""),
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


def reference_link(key: str) -> str:
    """The address of a publication."""
    return references()[key].link


def reference_line(key: str) -> str:
    """Authors, year, title and address of a publication."""
    return str(references()[key])


def short(text: str, length: int = 40) -> str:
    """Text on one line, cut where it is too long; control characters are shown as spaces."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= length else line[: length - 1] + "…"
