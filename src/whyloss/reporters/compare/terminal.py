"""The comparison for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from whyloss.reporters.common import changed_most, outcome_rows, short
from whyloss.reporters.compare import wording
from whyloss.reporters.terminal import section, table, to_text

if TYPE_CHECKING:
    from rich.console import RenderableType

    from whyloss.results.comparison import Comparison


def render(comparison: Comparison) -> str:
    """The comparison as plain text."""
    return to_text(body(comparison))


def body(comparison: Comparison) -> Group:
    """What is printed."""
    blocks: list[RenderableType] = [Text(wording.headline(comparison), style="bold"), Text("")]
    sides = Table.grid(padding=(0, 3))
    for letter, name, place in wording.sides(comparison):
        sides.add_row(Text(letter, style="bold"), Text(name), Text(place))
    blocks.append(Padding(sides, (0, 2)))
    if line := wording.pairing(comparison):
        blocks.append(Padding(Text(line, style="dim"), (0, 2)))
    blocks += section("Which to take", Text("\n".join(wording.choices(comparison))))
    differences = list(wording.difference_rows(comparison))
    blocks += section("What differs", table(wording.DIFFERENCE_HEADS, differences, right=(1, 2, 3)))
    if comparison.attribution is not None:
        outcomes = outcome_rows(comparison.attribution, together=False)
        blocks += section(
            "Loss difference by outcome", table(wording.OUTCOME_HEADS, outcomes, right=(1, 2))
        )
        if line := changed_most(comparison.attribution):
            blocks.append(Padding(Text(line), (0, 2)))
    if lines := list(wording.changed_ids(comparison)):
        blocks.append(Padding(Text("\n".join(lines)), (0, 2)))
    if samples := list(wording.sample_rows(comparison)):
        blocks += section(
            "Samples that differ most", table(wording.SAMPLE_HEADS, samples, right=(1, 2))
        )
    if comparison.notes:
        notes = "\n".join(short(note, 1000) for note in comparison.notes)
        blocks += section("How they were compared", Text(notes))
    return Group(*blocks)
