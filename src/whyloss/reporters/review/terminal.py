"""The review list for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from whyloss.reporters.review import wording
from whyloss.reporters.terminal import table, to_text

if TYPE_CHECKING:
    from whyloss.results.review import Review


def render(review: Review) -> str:
    """The first rows as plain text."""
    return to_text(body(review))


def body(review: Review) -> Group:
    """What is printed."""
    return Group(
        Text(f"{wording.one_line(review)}.", style="bold"),
        table(wording.HEADS, list(wording.cells(review)), right=(1,)),
        *(Text(line, style="dim") for line in wording.remarks(review)),
    )
