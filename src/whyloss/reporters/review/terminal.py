"""The review list for people: a table in the terminal or in Markdown, and as JSON."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from whyloss.formatting import format_nats, format_percent, pluralize
from whyloss.reporters import json
from whyloss.reporters.common import short
from whyloss.reporters.diagnose.markdown import escape

if TYPE_CHECKING:
    from whyloss.results.review import Review, ReviewRow

WIDTH = 100
SHOWN = 20  # rows for people; the other formats have all

_HEADS = ("id", "loss", "label", "predicted", "confidence", "why")


def one_line(review: Review) -> str:
    """How many samples are worth a look."""
    found = pluralize(review.n_found, "sample")
    return f"{found} of {review.n_samples:,} to look at, {review.split} split of {review.source}"


def render(review: Review, output_format: str) -> str:
    """The list as text.

    Parameters
    ----------
    review : Review
    output_format : {"terminal", "markdown", "json"}
    """
    if output_format == "json":
        return json.render(review)
    if output_format == "markdown":
        return _markdown(review)
    out = StringIO()
    _print(review, Console(file=out, width=WIDTH, color_system=None, legacy_windows=False))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def show(review: Review) -> None:
    """Print the first samples of the list."""
    _print(review, Console(highlight=False))


def _cells(row: ReviewRow) -> tuple[str, ...]:
    return (
        short(str(row.id)),
        format_nats(row.log_loss),
        short(row.label, 20),
        short(row.predicted, 20),
        format_percent(row.confidence, 0),
        short(row.reason, 60),
    )


def _more(review: Review) -> str:
    left = len(review.rows) - SHOWN
    return f"… and {left:,} more" if left > 0 else ""


def _print(review: Review, console: Console) -> None:
    table = Table.grid(padding=(0, 2))
    for head in _HEADS:
        table.add_column(no_wrap=head == "id", justify="right" if head == "loss" else "left")
    table.add_row(*(Text(head, style="dim") for head in _HEADS))
    for row in review.rows[:SHOWN]:
        table.add_row(*(Text(cell) for cell in _cells(row)))
    console.print(Text(f"{one_line(review)}.", style="bold"))
    console.print(table, width=min(WIDTH, console.width))
    for line in (_more(review), *review.notes):
        if line:
            console.print(Text(line, style="dim"))


def _markdown(review: Review) -> str:
    lines = [
        f"**{escape(one_line(review))}.**",
        "",
        f"| {' | '.join(_HEADS)} |",
        f"|{'|'.join([' --- '] * len(_HEADS))}|",
        *(f"| {' | '.join(escape(cell) for cell in _cells(row))} |" for row in review.rows[:SHOWN]),
    ]
    lines += [f"\n{escape(line)}" for line in (_more(review), *review.notes) if line]
    return "\n".join(lines) + "\n"
