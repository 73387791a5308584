"""The comparison as text."""

from __future__ import annotations

from whyloss.reporters.compare.compare import FORMATS, one_line, render, show

__all__ = ["FORMATS", "one_line", "render", "show"]
