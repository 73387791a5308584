"""The result of a check: one file per format, and one for the words that they share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whyloss.reporters import json
from whyloss.reporters.check import junit, markdown, terminal
from whyloss.reporters.check.terminal import show
from whyloss.reporters.check.wording import summary as one_line

if TYPE_CHECKING:
    from whyloss.results.check import CheckResult

__all__ = ["one_line", "render", "show"]

_RENDERERS = {
    "terminal": terminal.render,
    "markdown": markdown.render,
    "json": json.render,
    "junit": junit.render,
}


def render(result: CheckResult, output_format: str) -> str:
    """The result as text in the format "terminal", "markdown", "json" or "junit"."""
    return _RENDERERS[output_format](result)
