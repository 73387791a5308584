"""The comparison: one file per format, and one for the words that they share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whyloss.reporters import json
from whyloss.reporters.compare import markdown, terminal
from whyloss.reporters.compare.notebook import render as to_notebook
from whyloss.reporters.compare.wording import headline as one_line
from whyloss.reporters.terminal import print_body

if TYPE_CHECKING:
    from whyloss.results.comparison import Comparison

__all__ = ["one_line", "render", "show", "to_notebook"]

_RENDERERS = {"terminal": terminal.render, "markdown": markdown.render, "json": json.render}


def render(comparison: Comparison, output_format: str) -> str:
    """The comparison as text in the format "terminal", "markdown" or "json"."""
    return _RENDERERS[output_format](comparison)


def show(comparison: Comparison) -> None:
    """Print the comparison to the terminal."""
    print_body(terminal.body(comparison))
