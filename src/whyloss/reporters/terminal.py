"""What the terminal reporters share: width, headings, tables, and how a body becomes text."""

from __future__ import annotations

import sys
from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from whyloss.reporters.encoding import encodable

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from rich.console import RenderableType

WIDTH = 100  # longer lines are hard to read, whatever the window


def to_text(body: RenderableType) -> str:
    """A body as plain text, without colour."""
    out = StringIO()
    console = Console(
        file=out, width=WIDTH, color_system=None, highlight=False, legacy_windows=False
    )
    console.print(body)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def print_body(body: RenderableType) -> None:
    """Print a body, in colour where the terminal has it and NO_COLOR is not set."""
    with encodable(sys.stdout):
        console = Console(highlight=False)
        console.print(body, width=min(WIDTH, console.width))


def section(title: str, content: RenderableType) -> list[RenderableType]:
    """A heading and what stands below it."""
    return [Text(f"\n{title}", style="bold"), Padding(content, (0, 2))]


def table(
    heads: Sequence[str], rows: Sequence[Sequence[str]], *, right: Collection[int] = ()
) -> Table:
    """Cells in columns below dim headings.

    Parameters
    ----------
    heads : sequence of str
    rows : sequence of sequence of str
    right : collection of int
        Columns of numbers, which are aligned to the right and never wrapped.
    """
    grid = Table.grid(padding=(0, 2))
    for at, head in enumerate(heads):
        number = at in right
        grid.add_column(justify="right" if number else "left", no_wrap=number or head == "95 %")
    if any(heads):
        grid.add_row(*(Text(head, style="dim") for head in heads))
    for row in rows:
        grid.add_row(*(Text(cell) for cell in row))
    return grid
