"""The review list in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whyloss.reporters.html.fragments import paragraph, table
from whyloss.reporters.review import wording

if TYPE_CHECKING:
    from whyloss.results.review import Review


def render(review: Review) -> str:
    """The first rows as a piece of HTML without scripts."""
    return "\n".join(
        [
            paragraph(f"{wording.one_line(review)}.", strong=True),
            table(wording.HEADS, wording.cells(review)),
            *(paragraph(line) for line in wording.remarks(review)),
        ]
    )
