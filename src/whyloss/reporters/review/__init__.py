"""The review list: one file per format, and one for the words that they share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whyloss.reporters import json
from whyloss.reporters.review import markdown, terminal
from whyloss.reporters.review.notebook import render as to_notebook
from whyloss.reporters.review.tables import write
from whyloss.reporters.review.wording import one_line
from whyloss.reporters.terminal import print_body

if TYPE_CHECKING:
    from whyloss.results.review import Review

__all__ = ["one_line", "render", "show", "to_notebook", "write"]

_RENDERERS = {"terminal": terminal.render, "markdown": markdown.render, "json": json.render}


def render(review: Review, output_format: str) -> str:
    """The list as text in the format "terminal", "markdown" or "json"."""
    return _RENDERERS[output_format](review)


def show(review: Review) -> None:
    """Print the first rows of the list."""
    print_body(terminal.body(review))
