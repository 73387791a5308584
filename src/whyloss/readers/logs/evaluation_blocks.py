"""Blocks of an evaluation: confusion matrices, classification reports, counts, lists of values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from whyloss.readers.logs.column_mapping import Column
from whyloss.readers.logs.lazy_pattern import LazyPattern
from whyloss.readers.logs.metric_names import SPLIT_WORDS, recognise

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_MATRIX = 40_000  # characters
_NUMBER = LazyPattern(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|nan|inf", re.IGNORECASE)
_ONE_NUMBER = LazyPattern(
    r"\s*(?:\d+\s*[.:)]\s+)?[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*[,%]?\s*|\s*[-+]?(?:nan|inf)\s*,?\s*",
    re.IGNORECASE,
)
_ROW = LazyPattern(r"\[([^\[\]]*)\]")
_COUNT_NAMES = {
    "tp": ("tp", "true_positives", "true_positive"), "tn": ("tn", "true_negatives", "true_negative"),
    "fp": ("fp", "false_positives", "false_positive"), "fn": ("fn", "false_negatives", "false_negative"),
}  # fmt: skip
_LIST_HEAD = LazyPattern(
    r"^[\W_]*(?P<label>[^\W\d][\w ./@-]{0,60}?)"
    r"(?:\s+(?:per|by|for each|after each|over|at each|of each)\s+(?:the\s+)?epochs?)?\s*[:=]\s*"
    r"(?P<rest>[\[(]?[-+\d.eE,;\snaif%]*[\])]?)\s*$"
)
_OF_NUMBERS = str.maketrans("", "", "eEnNaAiIfF")
_OF_MANY = LazyPattern(r"\bepochs?\b|(?:losses|accuracies|values)\s*[:=]", re.IGNORECASE)
# The values of a metric behind its name, as a table that lies on its side has them.
_SIDEWAYS = LazyPattern(
    r"^\W*(?P<label>[A-Za-z][\w ./@-]{0,60}?)\s*(?P<by>[,;|\t])\s*"
    r"(?P<rest>[-+\d.eE]+%?(?:\s*(?P=by)\s*[-+\d.eE]+%?)+)\W*$"
)
_VECTOR = LazyPattern(r"^\s*\[\d+\]\s+(?P<rest>[-+\d.eE\s]+)$")  # as R prints one
_OF_LIST = LazyPattern(r"^\s*\$(?:metrics\$)?(?P<label>[A-Za-z]\w*)\s*$")
_PAIR = LazyPattern(
    r"^\s*(?:(?P<what>[A-Za-z][\w ]{0,30})[:=]\s*)?"
    r"\[\s*(?P<loss>\d+\.\d+(?:e-?\d+)?)\s*,\s*(?P<share>[01](?:\.\d+)?)\s*\]\s*$"
)
_EVALUATED = LazyPattern(
    r"\bevaluate\b[^\[\]]{0,80}\[\s*(?P<loss>\d+\.\d+(?:e-?\d+)?)\s*,\s*(?P<share>[01](?:\.\d+)?)\s*\]"
)
_CLASS_WORDS = ("class", "categor", "label", "cls", "accuracy of", "accuracy for")
_SIDES = frozenset({"prediction", "predicted", "actual", "true", "reference", "truth"})
# The accuracy of one class: "Category 1 acc: 0.0% (0/79)" or "Test Accuracy of cat: 70% (7/10)".
_OF_CLASS = LazyPattern(
    r"^(?:.{0,80}?\b(?:INFO|DEBUG|WARNING)\b)?\W*(?:(?:class|category|label|cls)\s*#?\s*(?P<name>[\w-]{1,30})\s*(?:accuracy|acc|recall)?"
    rf"|(?:(?P<split>{'|'.join(sorted(SPLIT_WORDS, key=len, reverse=True))})\s+)?accuracy\s+(?:of|for)\s+(?:class\s*:?\s*)?(?P<named>[\w-]{{1,30}}))"
    r"\s*(?:is|[:=])\s*(?P<value>\d{1,3}(?:\.\d+)?)\s*(?P<percent>%?)"
    r"\s*(?:\(\s*(?P<right>\d{1,12})\s*/\s*(?P<n>\d{1,12})\s*\))?\W*$",
    re.IGNORECASE,
)
# A call of a metric of scikit-learn, with the number that it gave behind it or in the line below.
_CALL = LazyPattern(
    r"(?<!\w)(?:(?P<metric>accuracy|log_loss|roc_auc|f1|precision|recall|balanced_accuracy|average_precision|brier)"
    r"(?:_score)?(?:_loss)?|(?P<model>\w{1,40})\.score)\s*\((?P<given>[^\n]{0,200})\)\s*$"
)
_RESULT = LazyPattern(
    r"^\W*(?:Out\s*\[\d+\]\s*:\s*)?(?P<value>[-+]?\d+\.\d+(?:e-?\d+)?)\W*$", re.IGNORECASE
)
_GIVEN_SPLIT = LazyPattern(
    rf"(?<![A-Za-z])(?P<split>{'|'.join(sorted(SPLIT_WORDS, key=len, reverse=True))})(?![A-Za-z])",
    re.IGNORECASE,
)
_REPORT = ["precision", "recall", "f1-score", "support"]
_REPORT_ROW = LazyPattern(
    r"^\s*(?P<name>\S.*?)\s+(?P<p>[\d.]+)\s+(?P<r>[\d.]+)\s+(?P<f>[\d.]+)\s+(?P<n>\d+)\s*$"
)
_REPORT_ACCURACY = LazyPattern(r"^\s*accuracy\s+(?P<value>[\d.]+)\s+(?P<n>\d+)\s*$")


class Matrix:
    """A matrix of whole numbers that grows line by line.

    Attributes
    ----------
    rows : list of list of float
    done : bool
        Its last bracket has come.
    """

    def __init__(self) -> None:
        self.rows: list[list[float]] = []
        self.done = False
        self._text = ""

    @staticmethod
    def begins(text: str) -> bool:
        """Whether a matrix begins in the line."""
        return "[" in text and bool(re.search(r"\[\s*\[\s*\d+[\s,.\]]", text))

    def add(self, text: str) -> bool:
        """Take one more line."""
        start = text.find("[[") if not self._text else 0
        self._text += f" {text[max(start, 0) :]}"
        self.done = bool(re.search(r"\]\s*,?\s*\]", self._text)) or len(self._text) > _MOST_MATRIX
        if self.done:
            self.rows = [
                [float(cell) for cell in _NUMBER.findall(row)] for row in _ROW.findall(self._text)
            ]
        return True

    def counts(self) -> list[list[int]] | None:
        """Give the counts of a confusion matrix; None where it is none."""
        size = len(self.rows)
        whole = all(cell.is_integer() and cell >= 0 for row in self.rows for cell in row)
        if size < 2 or not whole or any(len(row) != size for row in self.rows):
            return None
        counts = [[int(cell) for cell in row] for row in self.rows]
        return counts if sum(map(sum, counts)) > size else None


class LabelledMatrix:
    """A confusion matrix whose rows and columns have the names of the classes.

    Attributes
    ----------
    done : bool
        All rows have come, or a line that is none.
    """

    def __init__(self, labels: list[str], first: list[int], *, by_column: bool) -> None:
        self._labels = labels
        self._rows = [first]
        self._by_column = by_column  # the true classes are the columns
        self.done = False

    @classmethod
    def begun(cls, text: str, above: str) -> LabelledMatrix | None:
        """Begin a matrix with its first row, below the names of its columns; None where it is none."""
        cells = text.replace("|", " ").split()
        labels = above.replace("|", " ").split()
        side = labels[0].casefold() if labels else ""
        labels = labels[1:] if side in _SIDES and len(labels) == len(cells) else labels
        if len(labels) < 2 or len(cells) != len(labels) + 1 or cells[0] != labels[0]:
            return None
        if len(set(labels)) != len(labels) or not all(map(str.isdecimal, cells[1:])):
            return None
        return cls(labels, [int(cell) for cell in cells[1:]], by_column=side == "prediction")

    def add(self, text: str) -> bool:
        """Take one more line; False where it is no row."""
        cells = text.replace("|", " ").split()
        wanted = self._labels[len(self._rows)]
        size = len(self._labels)
        if len(cells) != size + 1 or cells[0] != wanted or not all(map(str.isdecimal, cells[1:])):
            self.done = True
            return False
        self._rows.append([int(cell) for cell in cells[1:]])
        self.done = len(self._rows) == size
        return True

    def counts(self) -> list[list[int]] | None:
        """Give the counts with the true classes as rows; None where rows are missing."""
        if len(self._rows) != len(self._labels) or not any(map(sum, self._rows)):
            return None
        return (
            [list(row) for row in zip(*self._rows, strict=True)] if self._by_column else self._rows
        )


class ClassScores:
    """Accuracies of single classes, a line each.

    Attributes
    ----------
    split : str or None
    shares : dict of str to float
        By the name of the class.
    counts : list of (int, int) or None
        How many are right and how many there are; None where a line does not say so.
    """

    def __init__(self) -> None:
        self.split: str | None = None
        self.shares: dict[str, float] = {}
        self.counts: list[tuple[int, int]] | None = []

    @classmethod
    def begun(cls, text: str) -> ClassScores | None:
        """Begin with a line; None where it is no score of a class."""
        lower = text.casefold()
        if not any(word in lower for word in _CLASS_WORDS):
            return None
        scores = cls()
        return scores if scores.add(text) else None

    def add(self, text: str) -> bool:
        """Take one more line; False where it is none, or of a class that came already."""
        match = _OF_CLASS.match(text)
        name = (match["name"] or match["named"]).casefold() if match else ""
        if match is None or name in self.shares or name in {"the", "network", "model"}:
            return False
        value = float(match["value"])
        self.shares[name] = value / 100 if match["percent"] or value > 1 else value
        if match["split"]:
            self.split = SPLIT_WORDS[match["split"].casefold()]
        if match["n"] is None:
            self.counts = None
        elif self.counts is not None:
            self.counts.append((int(match["right"]), int(match["n"])))
        return True


def list_of_values(text: str) -> tuple[str, list[tuple[float, bool]]] | None:
    """Read a name and the values of each epoch: ``val_loss per epoch: 0.5 0.6 0.7``.

    Returns
    -------
    tuple of (str, list of (float, bool))
        The name, and each value with whether it is a percentage; no value where they come in the
        lines below. None where the line is no such list.
    """
    if not _may_list(text):
        return None
    if (named := _OF_LIST.match(text)) and recognise(named["label"]).kind == "metric":
        return named["label"], []
    match = _SIDEWAYS.match(text) or _list_below(text)
    if match is None or recognise(match["label"]).kind != "metric":
        return None
    rest = match["rest"]
    return match["label"].strip(), [(float(v), "%" in rest) for v in _NUMBER.findall(rest)]


def _may_list(text: str) -> bool:
    """Whether a line holds nothing but numbers behind its first separator."""
    if text.lstrip().startswith("$"):
        return True
    at = min((n for n in map(text.find, ":=,;|\t") if n >= 0), default=-1)
    return at >= 0 and not any(map(str.isalpha, text[at:].translate(_OF_NUMBERS)))


def _list_below(text: str) -> re.Match[str] | None:
    """Match a name with at least three values, two in brackets, or none where they come below."""
    match = _LIST_HEAD.match(text)
    if match is None:
        return None
    rest = match["rest"].strip()
    enough = 2 if rest.startswith("[") else 3
    return (
        match if (len(_NUMBER.findall(rest)) >= enough if rest else _OF_MANY.search(text)) else None
    )


def lone_values(text: str) -> list[tuple[float, bool]]:
    """Read a line that is one number and nothing else, or a vector as R prints it."""
    if vector := _VECTOR.match(text):
        return [(float(value), False) for value in _NUMBER.findall(vector["rest"])]
    if not _ONE_NUMBER.fullmatch(text):
        return []
    return [(float(_NUMBER.findall(text)[-1]), "%" in text)]


def evaluated_pair(text: str) -> tuple[float, float] | None:
    """Read ``[4.55, 0.449]``: the loss and the accuracy as ``model.evaluate`` returns them."""
    if "[" not in text:
        return None
    match = _PAIR.match(text)
    if match and match["what"] and recognise(match["what"]).kind == "metric":
        return None  # a list of values of that metric
    match = match or _EVALUATED.search(text)
    return (float(match["loss"]), float(match["share"])) if match else None


def called(text: str, above: str) -> tuple[str, float] | None:
    """Read the number below a call: ``accuracy_score(y_test, predicted)`` and ``0.93``."""
    result = _RESULT.match(text) if above.rstrip().endswith(")") else None
    call = _CALL.search(above) if result else None
    if result is None or call is None:
        return None
    split = _GIVEN_SPLIT.search(call["given"])
    metric = (call["metric"] or "accuracy").replace("_", " ")
    return f"{split['split'] if split else 'val'} {metric}", float(result["value"])


class Report:
    """A classification report of scikit-learn, row by row.

    Attributes
    ----------
    supports : list of int
        Number of samples of each class.
    """

    def __init__(self) -> None:
        self.supports: list[int] = []

    @staticmethod
    def begins(text: str) -> bool:
        """Whether the line names the columns of a report."""
        return text.split() == _REPORT

    def row(self, text: str) -> list[tuple[str, float]] | None:
        """Give the numbers that a row adds; None where it is no row."""
        if match := _REPORT_ACCURACY.match(text):
            return [("accuracy", float(match["value"]))]
        match = _REPORT_ROW.match(text)
        if match is None:
            return None
        name = match["name"].casefold()
        if name.startswith("macro avg"):
            return [
                ("precision", float(match["p"])),
                ("recall", float(match["r"])),
                ("f1", float(match["f"])),
            ]
        if not name.endswith("avg") and "/" not in name:
            self.supports.append(int(match["n"]))
        return []


def scores_of_counts(columns: Iterable[Column]) -> tuple[list[Column], dict[str, int]]:
    """Work out accuracy and F1 from counts of right and wrong decisions.

    Returns
    -------
    list of Column
        Of splits that have all four counts.
    dict of str to int
        Their numbers of samples.
    """
    counts: dict[str | None, dict[str, Column]] = {}
    for column in columns:
        for name, spellings in _COUNT_NAMES.items():
            if column.name.kind == "own" and column.name.metric.casefold() in spellings:
                counts.setdefault(column.split, {})[name] = column
    found: list[Column] = []
    sizes: dict[str, int] = {}
    for split, by_name in counts.items():
        if len(by_name) < len(_COUNT_NAMES):
            continue
        accuracy = Column("accuracy of tp, tn, fp, fn", recognise("accuracy"), split or "val")
        f1 = Column("F1 of tp, fp, fn", recognise("f1"), split or "val")
        for key in by_name["tp"].cells:
            tp, tn, fp, fn = (by_name[name].cells.get(key, -1.0) for name in _COUNT_NAMES)
            total = tp + tn + fp + fn
            if min(tp, tn, fp, fn) < 0 or total <= 0:
                continue
            accuracy.cells[key] = (tp + tn) / total
            if tp + fp + fn:
                f1.cells[key] = 2 * tp / (2 * tp + fp + fn)
            sizes[split or "val"] = int(total)
        found += [column for column in (accuracy, f1) if column.cells]
    return found, sizes
