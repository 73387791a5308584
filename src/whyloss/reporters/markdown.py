"""What the Markdown reporters share: escaping and tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


def escape(text: str) -> str:
    """Text whose Markdown and HTML characters are shown as they are."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", text.replace("\n", " "))


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Lines of a table; the cells are escaped."""
    yield f"| {' | '.join(map(escape, heads))} |"
    yield f"|{'|'.join([' --- '] * len(heads))}|"
    for row in rows:
        yield f"| {' | '.join(map(escape, row))} |"
