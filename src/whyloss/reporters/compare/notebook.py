"""The comparison in a notebook: the answer, and a table of what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whyloss.reporters.compare import wording
from whyloss.reporters.html.fragments import paragraph, table

if TYPE_CHECKING:
    from whyloss.results.comparison import Comparison


def render(comparison: Comparison) -> str:
    """A piece of HTML without scripts."""
    return "\n".join(
        [
            paragraph(wording.headline(comparison), strong=True),
            *(
                paragraph(f"{letter}: {name}, {place}")
                for letter, name, place in wording.sides(comparison)
            ),
            table(wording.DIFFERENCE_HEADS, wording.difference_rows(comparison)),
            *(paragraph(line) for line in wording.choices(comparison)),
        ]
    )
