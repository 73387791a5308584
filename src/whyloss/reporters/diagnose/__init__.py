"""The diagnosis as text: one file per format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whyloss.reporters import json
from whyloss.reporters.diagnose import markdown, terminal
from whyloss.reporters.diagnose.terminal import show

if TYPE_CHECKING:
    from whyloss.results.diagnosis import Diagnosis

__all__ = ["one_line", "render", "show"]


def render(diagnosis: Diagnosis, output_format: str) -> str:
    """The diagnosis in one of the formats "terminal", "markdown", "json", "html".

    Parameters
    ----------
    diagnosis : Diagnosis
    output_format : str
    """
    if output_format == "html":
        from whyloss.reporters.html import page  # noqa: PLC0415 - altair is slow to import

        return page.render(diagnosis)
    reporters = {"terminal": terminal.render, "markdown": markdown.render, "json": json.render}
    return reporters[output_format](diagnosis)


def one_line(diagnosis: Diagnosis) -> str:
    """The verdict in one line."""
    return f"{diagnosis.verdict.title}. {diagnosis.verdict.headline}"
