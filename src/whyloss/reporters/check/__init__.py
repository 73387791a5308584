"""The result of a check as text."""

from __future__ import annotations

from whyloss.reporters.check.check import FORMATS, render, show
from whyloss.reporters.check.check import summary as one_line

__all__ = ["FORMATS", "one_line", "render", "show"]
