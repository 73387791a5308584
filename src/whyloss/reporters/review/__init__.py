"""The review list as text, and as a table that labelling tools read."""

from __future__ import annotations

from whyloss.reporters.review.review import FORMATS, write
from whyloss.reporters.review.terminal import one_line, render, show

__all__ = ["FORMATS", "one_line", "render", "show", "write"]
