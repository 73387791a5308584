"""The diagnosis as Markdown, for issues, pull requests and notebooks."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from whyloss.formatting import (
    format_interval,
    format_nats,
    format_percent,
    format_signed,
)
from whyloss.reporters.common import (
    changed_most,
    clear_remedies,
    effect,
    effect_interval,
    heading,
    not_checked_lines,
    outcome_rows,
    reference_table,
    share_of_loss,
    short,
    slices_by_column,
    unclear_remedies,
)
from whyloss.reporters.diagnose.literature import literature
from whyloss.reporters.diagnose.short_answer import advice
from whyloss.reporters.markdown import escape, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from whyloss.results.attribution import Attribution
    from whyloss.results.diagnosis import Diagnosis


def render(diagnosis: Diagnosis) -> str:
    """Markdown text."""
    return "\n".join(_lines(diagnosis)).rstrip() + "\n"


def _lines(d: Diagnosis) -> Iterator[str]:
    yield f"# {escape(d.verdict.title)} ({d.verdict.code})"
    yield ""
    yield f"**{escape(d.verdict.headline)}** {escape(d.verdict.explanation)}".rstrip()
    yield ""
    yield f"Split `{_code(d.split)}` of `{_code(d.source)}`, level: {d.level}."
    yield from _suspects(d)
    yield from _remedies(d)
    if d.attribution is not None:
        yield from _attribution(d.attribution)
    yield from _reference_values(d)
    yield from _findings(d)
    yield from _samples(d)
    yield from _slices(d)
    if d.notes:
        yield "\n## How it was read\n"
    for note in d.notes:
        yield f"- {escape(note)}"
    yield "\n## What this cannot tell\n"
    for line in not_checked_lines(d):
        yield f"- {escape(line)}"
    for question in d.open_questions:
        yield f"- {escape(question.text)}\n\n```python\n{question.snippet}\n```"
    if references := literature(d):
        yield "\n## References\n"
        yield from (f"- {escape(reference)}" for reference in references)


def _suspects(d: Diagnosis) -> Iterator[str]:
    if not d.suspects:
        return
    yield "\n## Possible causes\n"
    yield "They fit the numbers; none of them is proved.\n"
    for place, suspect in enumerate(d.suspects, 1):
        yield (
            f"{place}. **{escape(suspect.name)}** ({suspect.code}): {escape(suspect.why)} "
            f"Check: {escape(suspect.check)}"
        )
        if suspect.snippet:
            yield f"\n```python\n{suspect.snippet}\n```\n"


def _reference_values(d: Diagnosis) -> Iterator[str]:
    if not d.reference_losses:
        return
    head, *rows = reference_table(d)
    yield "\n## Reference values\n"
    yield "| " + " | ".join(escape(cell) for cell in head) + " |"
    yield "|---" + "|--:" * (len(head) - 1) + "|"
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def _remedies(d: Diagnosis) -> Iterator[str]:
    advised = advice(d)
    if d.remedies or advised:
        yield "\n## What to do\n"
    if advised:
        yield f"- {escape(advised)}"
    for remedy in clear_remedies(d):
        gain = f"{effect(remedy)} {effect_interval(remedy)}".strip()
        yield f"- **{escape(heading(remedy))}**: {gain}. {escape(remedy.text)}"
        if snippet := remedy.snippets.get("numpy"):
            yield textwrap.indent(f"\n```python\n{snippet}\n```", "  ")
    if line := unclear_remedies(d):
        yield f"- {line}"


def _findings(d: Diagnosis) -> Iterator[str]:
    if len(d.findings) > 1:
        yield "\n## Also found\n"
    for finding in d.findings[1:]:
        name = f"{finding.name}, {finding.code}, {finding.severity}"
        yield f"- **{finding.headline}** ({name}): {escape(finding.message)}"


def _samples(d: Diagnosis) -> Iterator[str]:
    if not d.samples:
        return
    yield "\n## Samples with the largest loss\n"
    yield from table(
        ("id", "loss", "of all", "label", "predicted", "confidence"),
        [
            (
                short(str(row.id)),
                format_nats(row.log_loss),
                share_of_loss(row),
                short(row.label),
                short(row.predicted),
                format_percent(row.confidence, 0),
            )
            for row in d.samples[:10]
        ],
    )


def _slices(d: Diagnosis) -> Iterator[str]:
    heads = ("value", "samples", "share", "loss", "95 %", "accuracy", "95 %", "nats", "excess")
    for name, rows in slices_by_column(d, most=10).items():
        yield f"\n## By {escape(short(name))}, largest excess first\n"
        yield from table(
            heads,
            [
                (
                    short(row.value),
                    f"{row.samples:,}",
                    format_percent(row.share),
                    format_nats(row.log_loss.value),
                    format_interval(row.log_loss),
                    format_percent(row.accuracy.value),
                    format_interval(row.accuracy),
                    format_nats(row.nats.value),
                    format_signed(row.excess),
                )
                for row in rows
            ],
        )


def _attribution(a: Attribution) -> Iterator[str]:
    yield f"\n## Where the change from epoch {a.from_epoch} to epoch {a.to_epoch} comes from\n"
    yield from table(
        ("part", "nats"),
        [
            (f"loss at epoch {a.from_epoch}", format_nats(a.before)),
            *((part.name, format_signed(part.nats)) for part in a.parts),
            (f"loss at epoch {a.to_epoch}", format_nats(a.after)),
        ],
    )
    yield "\n## Loss change by outcome\n"
    yield from table(("outcome", "samples", "nats", "95 %"), outcome_rows(a, together=True))
    if line := changed_most(a):
        yield f"\n{line}"


def _code(text: str) -> str:
    return short(text).replace("`", "'")
