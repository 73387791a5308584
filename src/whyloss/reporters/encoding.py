"""Streams that cannot write every character: each sign has a form in ASCII."""

from __future__ import annotations

import codecs
import io
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

# The signs that whyloss itself writes; any other character becomes a question mark.
_FORMS = {
    "−": "-",
    "–": "-",
    "…": "...",
    "←": "<-",
    "→": "->",
    "≥": ">=",
    "≤": "<=",
    "×": "x",
    "·": "-",
    "•": "*",
    "█": "#",
    "∞": "inf",
    "±": "+-",
    "≈": "~",
    "√": "sqrt",
    "─": "-",
    "│": "|",
    "╭": "+",
    "╮": "+",
    "╰": "+",
    "╯": "+",
    "β": "beta",
    **dict(zip("▁▂▃▄▅▆▇", "_.-=+*#", strict=True)),
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
    "\N{NO-BREAK SPACE}": " ",
}


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(_FORMS.get(character, "?") for character in text), error.end


codecs.register_error("whyloss-ascii", _in_ascii)


def make_encodable(stream: TextIO) -> None:
    """Let a stream write every text, with signs in ASCII that its encoding does not have."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="whyloss-ascii")


@contextmanager
def encodable(stream: TextIO) -> Iterator[None]:
    """Let a stream write every text for a while, as :func:`make_encodable` does."""
    before = stream.errors
    make_encodable(stream)
    try:
        yield
    finally:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=before)
