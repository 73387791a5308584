"""The comparison as Markdown, for issues and pull requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whyloss.reporters.common import changed_most, outcome_rows, short
from whyloss.reporters.compare import wording
from whyloss.reporters.markdown import escape, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from whyloss.results.comparison import Comparison


def render(comparison: Comparison) -> str:
    """Markdown text."""
    return "\n".join(_lines(comparison)).rstrip() + "\n"


def _lines(comparison: Comparison) -> Iterator[str]:
    yield f"# {escape(wording.headline(comparison))}\n"
    for letter, name, place in wording.sides(comparison):
        yield f"- **{letter}**: {escape(name)}, {escape(place)}"
    if line := wording.pairing(comparison):
        yield f"\n{line}"
    yield "\n## Which to take\n"
    yield from (f"- {line}" for line in wording.choices(comparison))
    yield "\n## What differs\n"
    yield from table(wording.DIFFERENCE_HEADS, wording.difference_rows(comparison))
    if comparison.attribution is not None:
        yield "\n## Loss difference by outcome\n"
        yield from table(
            wording.OUTCOME_HEADS, outcome_rows(comparison.attribution, together=False)
        )
        if line := changed_most(comparison.attribution):
            yield f"\n{line}"
    if lines := list(wording.changed_ids(comparison)):
        yield ""
        yield from (f"- {escape(line)}" for line in lines)
    if samples := list(wording.sample_rows(comparison)):
        yield "\n## Samples that differ most\n"
        yield from table(wording.SAMPLE_HEADS, samples)
    if comparison.notes:
        yield "\n## How they were compared\n"
        yield from (f"- {escape(short(note, 1000))}" for note in comparison.notes)
