"""What the terminal reporters share: width, headings, tables, and how a body becomes text."""

from __future__ import annotations

import sys
from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from whyloss.reporters.encoding import clean, encodable

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from rich.console import ConsoleOptions, RenderableType, RenderResult

WIDTH = 100  # longer lines are hard to read, whatever the window
NARROWEST = 40  # a terminal that claims to be narrower has no size, or a wrong one


class Cleaned:
    """A body without the characters of names and messages that could steer the terminal.

    Parameters
    ----------
    body : renderable
    """

    def __init__(self, body: RenderableType) -> None:
        self._body = body

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render the body, and clean what is text in it."""
        for segment in console.render(self._body, options):
            # What is left out has no width, so that columns stay where they are.
            yield segment if segment.control else Segment(clean(segment.text), segment.style)


def console_of_stdout() -> Console:
    """The terminal, or whatever else stdout is, with a width that text can be put into."""
    console = Console(highlight=False)
    if console.width < NARROWEST:  # noqa: PLR1730 - one that is set does not follow the window
        console.width = NARROWEST
    return console


def to_text(body: RenderableType) -> str:
    """A body as plain text, without colour."""
    out = StringIO()
    console = Console(
        file=out, width=WIDTH, color_system=None, highlight=False, legacy_windows=False
    )
    console.print(Cleaned(body))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def print_body(body: RenderableType) -> None:
    """Print a body, in colour where the terminal has it and NO_COLOR is not set."""
    with encodable(sys.stdout):
        console = console_of_stdout()
        console.print(Cleaned(body), width=min(WIDTH, console.width))


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
