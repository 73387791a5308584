"""The review list as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whyloss.reporters.markdown import escape, table
from whyloss.reporters.review import wording

if TYPE_CHECKING:
    from whyloss.results.review import Review


def render(review: Review) -> str:
    """The first rows as Markdown text."""
    lines = [
        f"**{escape(wording.one_line(review))}.**",
        "",
        *table(wording.HEADS, wording.cells(review)),
        *(f"\n{escape(line)}" for line in wording.remarks(review)),
    ]
    return "\n".join(lines) + "\n"
