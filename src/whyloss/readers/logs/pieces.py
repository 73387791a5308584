"""Text cut into what stood on the screen one after the other, without what loggers put around it."""

from __future__ import annotations

import re
from itertools import pairwise

from whyloss.readers.logs.metric_names import SPLIT_WORDS

MAX_LINE = 20_000

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
# Where a terminal went back to the start of the line, or a program forgot to end it.
_BREAKS = re.compile(
    r"[\r\n\x0b\x0c\x85\u2028\u2029]+|\x08+"
    r"|(?<=\d)(?=(?:Epoch|EPOCH|Restoring|Saving|Early|INFO|WARNING)\b)"
)
# A log that lost its line ends: an epoch or a round begins anew within the line.
_BEGINS = re.compile(r"\s(?=Epoch\s*[:\[#]?\s*\d{1,9}\s*(?:/|\]|:|,|-|\|))|\s(?=\[\d{1,9}\]\s+[a-z_]\w*[-'])")  # fmt: skip
# Quoted or commented lines, and the mark of the stream that a line came from.
_QUOTED = re.compile(
    r"\s*(?:[#>]+\s+|[#>]+(?=[A-Za-z])|\$\s+)(?!of\b|classes\b)"
    r"|\[[^\[\]]{0,60}\]\s*<std(?:out|err)>\s*:\s*"
)
# A control character as loggers of the system spell it: #015 goes back to the start of the line.
_SPELLED = re.compile(r"#0(?:15|33(?:\[[0-9;]*[A-Za-z])?)")


def split_pieces(text: str) -> list[str]:
    """Split text into what stood on the screen one after the other.

    Parameters
    ----------
    text : str
        One line as it was written: with control codes, marks of quotation and states of a bar.
    """
    if "#0" in text:
        text = _SPELLED.sub("\r", text)
    pieces = _BREAKS.split(_ESCAPES.sub("", text))
    if text[:1] in {"#", ">", "$", "[", " "}:
        pieces = [_unquoted(piece) for piece in pieces]
    if "Epoch" in text or "]" in text:
        pieces = [part for piece in pieces for part in _epochs_of(piece)]
    return pieces


def _unquoted(piece: str) -> str:
    quoted = _QUOTED.match(piece)
    return piece[quoted.end() :] if quoted else piece


def _epochs_of(piece: str) -> list[str]:
    """Split a line that holds several epochs."""
    starts = [found.start() for found in _BEGINS.finditer(piece)]
    starts = [start for start in starts if not _ends_with_split(piece[:start])]
    if len(starts) + piece.startswith(("Epoch", "[")) < 2:
        return [piece]
    edges = [0, *starts, len(piece)]
    return [piece[start:end] for start, end in pairwise(edges)]


def _ends_with_split(text: str) -> bool:
    last = text.rsplit(None, 1)[-1:]
    return bool(last) and last[0].strip("[(").casefold() in SPLIT_WORDS
