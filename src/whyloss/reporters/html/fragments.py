"""Small pieces of HTML for notebooks; whatever came from a user is escaped."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def paragraph(text: str, *, strong: bool = False) -> str:
    """A paragraph of text."""
    content = escape(text)
    return f"<p><strong>{content}</strong></p>" if strong else f"<p>{content}</p>"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table with a row of headings."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in heads)
    lines = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
