"""Tables inside a log: a line of names, then lines of numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass

from whyloss.readers.logs.line_parser import BOX
from whyloss.readers.logs.metric_names import SPLIT_WORDS, recognise

_RULE = re.compile(r"[\s|:+=─━┼┿╇╋├┤┝┥┠┨╀╪═-]*")
_NOTHING = re.compile(r"(?i)no log|none|null|n/?a|-+|—|")
_NUMBER = re.compile(r"(?i)[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?|[-+]?(?:nan|inf(?:inity)?)")
_COMMA_NUMBER = re.compile(r"[-+]?\d+,\d+(?:[eE][-+]?\d+)?")
_OTHER = re.compile(r"(?:\d+:)?\d+:\d+(?:\.\d+)?|[\d.]+ ?(?:s|ms|it/s)")
_NO_LOG = re.compile(r"(?i)\bno log\b")
_LONE_NUMBER = re.compile(r"(?<![\w.@-])\d+(?:\.\d+)?(?![\w@])")
_OF_ALL = re.compile(r"(\d+)\s*/\s*\d+")
_TAIL = re.compile(r":\s*\d+%\|.*$|\s+\(\d+:\d+(?::\d+)?\)\s*$")  # a bar, or a time
_LETTERS = {"p": "precision", "r": "recall", "f": "f1"}
_SPLIT_COLUMNS = {
    "",
    "split",
    "set",
    "dataset",
    "data",
    "phase",
    "subset",
    "mode",
    "stage",
    "label",
}
_SPLITS = SPLIT_WORDS.keys()
_FEWEST_NAMES = 2
_WORDS = 4
_LONGEST_HEADING = 4000
_LONGEST_NAME = 80
_SPEEDS = {"samples per second", "steps per second"}


@dataclass(frozen=True)
class Table:
    """The names of the columns, and what separates them.

    Attributes
    ----------
    labels : tuple of str
        One per column.
    delimiter : str
        A space for columns that are only aligned.
    across : bool
        The columns are splits, and each row begins with the name of a metric.
    """

    labels: tuple[str, ...]
    delimiter: str
    across: bool = False

    def row(self, text: str) -> list[tuple[str, float, bool]] | None:
        """Read a line of numbers: label, value, and whether it had a percent sign.

        None where the line is no row of this table.
        """
        text = _TAIL.sub("", text.translate(BOX))
        if self.delimiter == " ":
            text = _NO_LOG.sub("-", text)
        cells = _cells(text, self.delimiter)
        if self.delimiter == " " and len(cells) == len(self.labels) + 1 and cells[0].isdecimal():
            cells = cells[1:]  # the number of the row, as R prints it
        if len(cells) != len(self.labels):
            return None
        labels = self._labels_of(cells)
        if labels is None:
            return None
        found = []
        for label, cell in zip(labels, cells, strict=True):
            if _NOTHING.fullmatch(cell) or _OTHER.fullmatch(cell):
                continue
            number = _number(cell)
            if number is not None:
                found.append((label, number, cell.endswith("%")))
            elif recognise(label).kind in {"metric", "index"}:
                return None
        return found or None

    def plain_row(self, text: str) -> list[tuple[str, float, bool]] | None:
        """Read a line of bare numbers between commas or tabs, as most rows are; else None."""
        if self.across or self.delimiter not in {",", "\t"} or "_" in text:
            return None
        cells = text.split(self.delimiter)
        if len(cells) != len(self.labels):
            return None
        try:
            numbers = list(map(float, cells))
        except ValueError:
            return None
        return [(label, number, False) for label, number in zip(self.labels, numbers, strict=True)]

    def _labels_of(self, cells: list[str]) -> tuple[str, ...] | None:
        """Give the names of the cells of a row; None where it is no row of this table."""
        labels = self.labels
        split = _split_of_row(labels, cells)
        if split is None and labels[0].casefold() == "classes":
            split = "val"  # what Ultralytics prints of a validation
        if split is not None:
            return tuple(f"{split} {label}" for label in labels)
        if not self.across:
            return labels
        if recognise(cells[0]).kind not in {"metric", "regression"}:
            return None
        return (labels[0], *(f"{column} {cells[0]}" for column in labels[1:]))


def _split_of_row(labels: tuple[str, ...], cells: list[str]) -> str | None:
    """Give the split that a row is of, where a column names it."""
    for label, cell in zip(labels, cells, strict=True):
        if label.casefold() in _SPLIT_COLUMNS and cell.casefold() in SPLIT_WORDS:
            return cell
    return None


def flattened(text: str) -> tuple[Table, list[str]] | None:
    """Read a table that lost its line ends: its names, then its numbers.

    Returns
    -------
    tuple of (Table, list of str)
        The table, and each of its rows as a line. None where the line is no such table.
    """
    words = text.split()
    first = next((at for at, word in enumerate(words) if _number(word) is not None), 0)
    if first < _FEWEST_NAMES or any(_number(word) is None for word in words[first:]):
        return None
    labels = _spelled_out(_phrases(words[:first]))
    size = len(labels)
    numbers = words[first:]
    if size < _FEWEST_NAMES + 1 or len(numbers) % size or len(numbers) < 2 * size:
        return None
    if not _are_names(labels):
        return None
    rows = [" ".join(numbers[at : at + size]) for at in range(0, len(numbers), size)]
    return Table(tuple(labels), " "), rows


def _number(cell: str) -> float | None:
    if cell.replace(".", "", 1).isascii() and cell.replace(".", "", 1).isdigit():
        return float(cell)
    text = _OF_ALL.sub(r"\1", cell.rstrip("% ").strip("'\""))
    if _COMMA_NUMBER.fullmatch(text):
        text = text.replace(",", ".")
    return float(text) if _NUMBER.fullmatch(text) else None


def is_rule(text: str) -> bool:
    """Whether a line only draws."""
    return bool(_RULE.fullmatch(text[:2000]))


def heading(text: str, above: str = "") -> Table | None:
    """Read a line as the names of a table's columns; None where it is none.

    Parameters
    ----------
    text : str
    above : str, optional
        The line before it, which may hold the first half of the names.
    """
    text = _TAIL.sub("", text.translate(BOX))
    if len(text) > _LONGEST_HEADING or _LONE_NUMBER.search(text):
        return None
    for delimiter in ("|", "\t", ",", ";", "  "):
        if delimiter not in text.strip():
            continue
        cells = _cells(text, delimiter)
        if delimiter == "|" and "|" in above and not _LONE_NUMBER.search(above):
            upper = _cells(above.translate(BOX), delimiter)
            if len(upper) == len(cells):
                cells = [f"{one} {two}".strip() for one, two in zip(upper, cells, strict=True)]
        cells = _spelled_out(cells)
        names = tuple(cells)
        if _are_names(cells):
            return Table(names, delimiter if delimiter != "  " else " ")
        if len(cells) > 2 and all(cell.casefold() in SPLIT_WORDS for cell in cells[1:]):
            return Table(names, delimiter if delimiter != "  " else " ", across=True)
        if len(cells) == 2 and delimiter == "|" and {c.casefold() for c in cells} <= _SPLITS:
            return Table(("", *names), delimiter, across=True)
    labels = _spelled_out(_phrases(text.split()))
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


def _spelled_out(cells: list[str]) -> list[str]:
    """Write P, R and F as what they stand for, where they stand together."""
    letters = {cell.casefold() for cell in cells}
    if not {"p", "r"} <= letters:
        return cells
    return [_LETTERS.get(cell.casefold(), cell) for cell in cells]


def _are_names(cells: list[str]) -> bool:
    """Whether the cells differ, and two of them are names that whyloss knows, one of a metric."""
    if any(len(cell) > _LONGEST_NAME for cell in cells):
        return False
    names = [recognise(cell) for cell in cells if cell]
    known = [name for name in names if name.kind in {"metric", "index", "regression"}]
    several = len({cell.casefold() for cell in cells if cell}) == len(
        [cell for cell in cells if cell]
    )
    return several and len(known) >= 2 and any(name.kind != "index" for name in known)


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
