"""Text for any stream: ASCII for signs that it lacks, and nothing that steers a terminal."""

from __future__ import annotations

import codecs
import io
import re
import unicodedata
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

# Control characters but tab and line feed, in both of their ranges, and those that change the
# direction of the text behind them.
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

# The signs that whyloss itself writes. A letter with an accent loses it, and any other character
# becomes a question mark.
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
    "ε": "epsilon",
    "σ": "sigma",
    "Δ": "Delta",
    "Σ": "Sum",
    "✅": "+",
    "❌": "x",
    "⚠": "!",
    "\N{VARIATION SELECTOR-16}": "",
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
    return "".join(map(_form, text)), error.end


def _form(character: str) -> str:
    if (form := _FORMS.get(character)) is not None:
        return form
    base = unicodedata.normalize("NFD", character)[0]
    return base if base.isascii() else "?"


codecs.register_error("whyloss-ascii", _in_ascii)


def clean(text: str) -> str:
    """Leave out the characters by which a text could steer a terminal or mislead its reader.

    Names, messages and paths come from files of others. An escape character in them could move
    the cursor, fill the clipboard, or show one name as another. Tab and line feed stay.
    """
    return _STEERING.sub("", text)


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
