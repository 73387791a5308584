"""Tables inside a log: a line of names, then lines of numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass

from whyloss.readers.lines import BOX
from whyloss.readers.names import recognise

_RULE = re.compile(r"[\s|:+=─━┼┿╇╋├┤┝┥┠┨╀╪═-]*")
_NOTHING = re.compile(r"(?i)no log|none|null|n/?a|-+|—|")
_NUMBER = re.compile(r"(?i)[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?|[-+]?(?:nan|inf(?:inity)?)")
_COMMA_NUMBER = re.compile(r"[-+]?\d+,\d+(?:[eE][-+]?\d+)?")
_OTHER = re.compile(r"(?:\d+:)?\d+:\d+(?:\.\d+)?|[\d.]+ ?(?:s|ms|it/s)")
_WORDS = 4
_LONGEST_NAME = 80
_SPEEDS = {"samples per second", "steps per second"}


@dataclass(frozen=True)
class Table:
    """The names of the columns, and what separates them."""

    labels: tuple[str, ...]
    delimiter: str

    def row(self, text: str) -> list[tuple[str, float, bool]] | None:
        """Read a line of numbers: label, value, and whether it had a percent sign.

        None where the line is no row of this table.
        """
        text = text.translate(BOX)
        if self.delimiter == " ":
            text = re.sub(r"(?i)\bno log\b", "nan-", text)
        cells = _cells(text, self.delimiter)
        if len(cells) != len(self.labels):
            return None
        found = []
        for label, cell in zip(self.labels, cells, strict=True):
            if _NOTHING.fullmatch(cell) or cell == "nan-" or _OTHER.fullmatch(cell):
                continue
            percent = cell.endswith("%")
            number = cell.rstrip("% ").strip("'\"")
            if _COMMA_NUMBER.fullmatch(number) and self.delimiter != ",":
                number = number.replace(",", ".")
            if _NUMBER.fullmatch(number):
                found.append((label, float(number), percent))
            elif recognise(label).kind in {"metric", "index"}:
                return None
        return found or None


def is_rule(text: str) -> bool:
    """Whether a line only draws."""
    return bool(_RULE.fullmatch(text[:2000]))


def heading(text: str) -> Table | None:
    """Read a line as the names of a table's columns; None where it is none."""
    if len(text) > 4000 or re.search(r"(?<![\w.@-])\d+(?:\.\d+)?(?![\w@])", text):
        return None
    text = text.translate(BOX)
    for delimiter in ("|", "\t", ",", ";", "  "):
        if delimiter not in text.strip():
            continue
        cells = _cells(text, delimiter)
        if _are_names(cells):
            return Table(tuple(cells), delimiter if delimiter != "  " else " ")
    words = text.split()
    labels = _phrases(words)
    return Table(tuple(labels), " ") if _are_names(labels) else None


def _cells(text: str, delimiter: str) -> list[str]:
    if delimiter == " ":
        return text.split()
    if delimiter == "  ":
        return re.split(r"\s{2,}", text.strip())
    parts = [part.strip().strip("\"'") for part in text.split(delimiter)]
    if delimiter == "|":
        parts = parts[1 if not parts[0] else 0 : -1 if not parts[-1] else None]
    return parts


def _are_names(cells: list[str]) -> bool:
    """Whether at least two cells are names that whyloss knows, one of them a metric."""
    if any(len(cell) > _LONGEST_NAME for cell in cells):
        return False
    names = [recognise(cell) for cell in cells if cell]
    known = [name for name in names if name.kind in {"metric", "index", "regression"}]
    return len(known) >= 2 and any(name.kind != "index" for name in known)


def _phrases(words: list[str]) -> list[str]:
    """Join words to names: the longest that are known, each other word by itself."""
    found: list[str] = []
    at = 0
    while at < len(words):
        counts = recognise(words[at]).kind == "index"  # and is no part of "epoch training loss"
        for size in range(min(_WORDS, len(words) - at), 0, -1):
            phrase = " ".join(words[at : at + size])
            if size == 1 or _is_one(phrase, counts=counts):
                found.append(phrase)
                at += size
                break
    return found


def _is_one(phrase: str, *, counts: bool) -> bool:
    name = recognise(phrase)
    if counts:
        return name.kind == "index"
    return phrase.casefold() in _SPEEDS or (name.kind in {"metric", "regression"} and not name.head)
