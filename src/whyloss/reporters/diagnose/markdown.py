"""The diagnosis as Markdown, for issues, pull requests and notebooks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from whyloss.formatting import format_nats, format_percent, format_signed
from whyloss.reporters.common import (
    changed_most,
    effect,
    interval,
    not_checked_lines,
    reference_line,
    reference_link,
    reference_table,
    share_of_loss,
    short,
    slices_by_column,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from whyloss.results.attribution import Attribution
    from whyloss.results.diagnosis import Diagnosis


def render(diagnosis: Diagnosis) -> str:
    """Markdown text."""
    return "\n".join(_lines(diagnosis)).rstrip() + "\n"


def _lines(d: Diagnosis) -> Iterator[str]:
    yield f"# {d.verdict.title} ({d.verdict.code})"
    yield ""
    yield f"**{escape(d.verdict.headline)}** {escape(d.verdict.explanation)}".rstrip()
    yield ""
    yield f"Split `{_code(d.split)}` of `{_code(d.source)}`, level: {d.level}."
    yield from _reference_losses(d)
    if d.attribution is not None:
        yield from _attribution(d.attribution)
    yield from _remedies(d)
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
    references = dict.fromkeys(link for found in d.findings for link in found.references)
    if references:
        yield "\n## References\n"
    for reference in references:
        title = reference_line(reference).removesuffix(reference_link(reference)).strip()
        yield f"- {escape(title)} <{reference_link(reference)}>"


def _reference_losses(d: Diagnosis) -> Iterator[str]:
    if not d.reference_losses:
        return
    head, *rows = reference_table(d)
    yield "\n## Reference values\n"
    yield "| " + " | ".join(escape(cell) for cell in head) + " |"
    yield "|---" + "|--:" * (len(head) - 1) + "|"
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def _remedies(d: Diagnosis) -> Iterator[str]:
    if d.remedies:
        yield "\n## What to do\n"
    for remedy in d.remedies:
        yield f"- **{remedy.title}**: {effect(remedy)}. {remedy.text}"
        if snippet := remedy.snippets.get("numpy"):
            yield f"  `{snippet}`"


def _findings(d: Diagnosis) -> Iterator[str]:
    if len(d.findings) > 1:
        yield "\n## Also found\n"
    for found in d.findings[1:]:
        yield f"- **{found.name}** ({found.code}, {found.severity}): {escape(found.message)}"


def _samples(d: Diagnosis) -> Iterator[str]:
    if not d.samples:
        return
    yield "\n## The most expensive samples\n"
    yield from _table(
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
    for name, rows in slices_by_column(d, most=10).items():
        yield f"\n## By {escape(short(name))}: what costs most beyond its share first\n"
        yield from _table(
            (
                "value",
                "samples",
                "share",
                "loss",
                "95 %",
                "accuracy",
                "95 %",
                "nats",
                "beyond share",
            ),
            [
                (
                    short(row.value),
                    f"{row.samples:,}",
                    format_percent(row.share),
                    format_nats(row.log_loss.value),
                    interval(row.log_loss, format_nats),
                    format_percent(row.accuracy.value),
                    interval(row.accuracy, format_percent),
                    format_nats(row.nats.value),
                    format_signed(row.excess),
                )
                for row in rows
            ],
        )


def _attribution(a: Attribution) -> Iterator[str]:
    yield f"\n## Where the change from epoch {a.from_epoch} to epoch {a.to_epoch} comes from\n"
    yield from _table(
        ("part", "nats"),
        [
            (f"loss at epoch {a.from_epoch}", format_nats(a.before)),
            *((part.name, format_signed(part.nats)) for part in a.parts),
            (f"loss at epoch {a.to_epoch}", format_nats(a.after)),
        ],
    )
    yield ""
    yield from _table(
        ("outcome", "samples", "nats", "95 %"),
        [
            (
                row.outcome,
                f"{row.samples:,}",
                format_signed(row.total.value),
                interval(row.total, format_signed),
            )
            for row in a.cells
        ]
        + [
            (
                "together",
                f"{a.n_samples:,}",
                format_signed(a.total.value),
                interval(a.total, format_signed),
            )
        ],
    )
    if line := changed_most(a):
        yield f"\n{line}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'|'.join([' --- '] * len(head))}|"
    for row in rows:
        yield f"| {' | '.join(escape(cell) for cell in row)} |"


def escape(text: str) -> str:
    """Text whose Markdown and HTML characters are shown as they are."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", text.replace("\n", " "))


def _code(text: str) -> str:
    return short(text).replace("`", "'")
