"""The diagnosis as text: one file per format, and one for the short answer."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from whyloss.reporters import json
from whyloss.reporters.diagnose import markdown, terminal
from whyloss.reporters.encoding import encodable
from whyloss.reporters.terminal import WIDTH, Cleaned, console_of_stdout

if TYPE_CHECKING:
    from whyloss.results.diagnosis import Diagnosis

__all__ = ["one_line", "render", "show", "to_notebook"]


def render(diagnosis: Diagnosis, output_format: str) -> str:
    """The diagnosis as text in the format "terminal", "markdown", "json" or "html"."""
    if output_format == "html":
        from whyloss.reporters.html import page  # noqa: PLC0415 - altair is slow to import

        return page.render(diagnosis)
    reporters = {"terminal": terminal.render, "markdown": markdown.render, "json": json.render}
    return reporters[output_format](diagnosis)


def show(diagnosis: Diagnosis, *, brief: bool = False) -> None:
    """Print the diagnosis, in colour where the terminal has it and NO_COLOR is not set.

    Parameters
    ----------
    diagnosis : Diagnosis
    brief : bool, default False
        Print the answer alone, in five lines at most.
    """
    with encodable(sys.stdout):
        console = console_of_stdout()
        width = min(WIDTH, console.width)
        draw = terminal.brief if brief else terminal.body
        console.print(Cleaned(draw(diagnosis, width)), width=width)


def to_notebook(diagnosis: Diagnosis) -> str:
    """The answer, two charts and what to do, as a piece of HTML."""
    from whyloss.reporters.diagnose import notebook  # noqa: PLC0415 - altair is slow to import

    return notebook.render(diagnosis)


def one_line(diagnosis: Diagnosis) -> str:
    """The verdict in one line."""
    return f"{diagnosis.verdict.title}. {diagnosis.verdict.headline}"
