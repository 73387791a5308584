"""Curves out of records, one after the other in time, whatever file or tracker they come from."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from itertools import pairwise
from numbers import Real
from typing import TYPE_CHECKING, Any

from whyloss.data import InMemorySource
from whyloss.errors import DataError
from whyloss.formatting import format_nats, format_percent, pluralize
from whyloss.readers.files.choice import PART_WORDS, RUN_WORDS, choose
from whyloss.readers.files.sizes import sizes_of
from whyloss.readers.logs.log_table import MAX_COLUMNS
from whyloss.readers.logs.metric_names import SPLIT_WORDS, recognise, words_of
from whyloss.readers.logs.text_log import TextLog

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from whyloss.readers.options import ReadOptions

Record = dict[str, Any]

_SPLIT_COLUMNS = frozenset({"phase", "split", "mode", "stage", "subset", "set", "partition"})
_EVAL_OF = re.compile(r"eval(?:uation)?[_/. ](?=([a-z]+)[_/. ])", re.IGNORECASE)
# A number in the type of a library, with its spread, or with a comma for the point.
_NUMBER = r"([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)"
_WRAPPED = re.compile(
    rf"[\w.]+\(\[?{_NUMBER}\]?(?:,.*)?\)|\[{_NUMBER}\]|{_NUMBER}\s*(?:±|\+/?-).*", re.IGNORECASE
)
_COMMA = re.compile(r"[-+]?\d+,\d+")
_BOXES = frozenset({"bbox", "bboxes", "boxes", "box"})
_DETECTION = re.compile(
    r"(?:^|[/_. ])(?:(?:box|bbox|rpn|objectness|obj|dfl|giou|ciou|mask)[_ ]?(?:\w+[_ ])?loss"
    r"|loss[_ ](?:\w+[_ ])?(?:box|bbox|rpn|objectness|giou|ciou|dfl|mask)\w*)",
    re.IGNORECASE,
)


def from_records(
    records: Iterable[Mapping[str, Any]],
    options: ReadOptions,
    name: str,
    notes: Iterable[str] = (),
    *,
    n_epochs: float | None = None,
) -> InMemorySource:
    """Make curves of records with names and numbers.

    Parameters
    ----------
    records : iterable of mappings
        One after the other in time, or with an epoch or a step by which to sort them.
    options : ReadOptions
    name : str
        What to call the source.
    notes : iterable of str, optional
        What to tell beside what is told here.
    n_epochs : float, optional
        Epochs that the training was planned for, where the file says it.

    Raises
    ------
    DataError
        Several runs are there and none is chosen, or the numbers are of no classifier.
    FormatError
        There is no loss and no score.
    """
    rows = [{_role_first(str(label)): cell for label, cell in row.items()} for row in records]
    said = list(notes)
    sizes = sizes_of(rows, n_epochs)
    said += sizes.notes
    options = replace(
        options,
        n_val=options.n_val or sizes.n_val,
        n_train=options.n_train or sizes.n_train,
    )
    rows = _of_one_run(rows, options, name)
    rows = _with_splits(rows)
    _refuse_detection(rows, options, name)
    numbers = _numbers(rows, said)
    numbers = _in_order(numbers, said)
    numbers = _without_second_evaluation(numbers, said)
    numbers = _of_few_columns(numbers, options, said)
    log = TextLog(options)
    for row in numbers:
        log.add([(label, cell.value, cell.percent) for label, cell in row.items()])
    history, read_as = log.history()
    return InMemorySource(history=history, name=name, notes=(*read_as, *said))


def _role_first(label: str) -> str:
    """Take off the ``eval_`` that stands before the name of the split that is evaluated."""
    said = _EVAL_OF.match(label)
    return label[said.end() :] if said and said[1].casefold() in SPLIT_WORDS else label


# --- rows of several runs and splits --------------------------------------------------------------


def _column(rows: list[Record], names: frozenset[str]) -> str | None:
    """Find the column that is called one of the names, and holds text or numbers in most rows."""
    labels = dict.fromkeys(label for row in rows for label in row)
    return next((label for label in labels if " ".join(words_of(label)) in names), None)


def _of_one_run(rows: list[Record], options: ReadOptions, name: str) -> list[Record]:
    """Keep the rows or columns of the run that is meant."""
    label = _column(rows, RUN_WORDS | PART_WORDS)
    if label is not None:
        runs = [str(row[label]) for row in rows if row.get(label) not in {None, ""}]
        if options.model is not None or (len(set(runs)) > 1 and _repeats(rows, label)):
            run = choose(runs, options.model, what="runs", place=name)
            rows = [row for row in rows if str(row.get(label)) == run]
    elif options.model is not None:
        heads = {
            label: head.group().rstrip(" -_/.:")
            for row in rows
            for label in row
            if (head := re.match(r".+?(?: - |[/:])", label)) is not None
        }
        run = choose(heads.values(), options.model, what="runs", place=name)
        rows = [
            {
                label[len(run) :].lstrip(" -_/.:") if label in heads else label: cell
                for label, cell in row.items()
                if heads.get(label, run) == run
            }
            for row in rows
        ]
    return rows


def _repeats(rows: list[Record], label: str) -> bool:
    """Whether the same epoch of the same split comes more than once with different runs."""
    keys: dict[tuple[Any, ...], str] = {}
    index = [key for key in rows[0] if recognise(key).kind == "index"]
    split = _column(rows, _SPLIT_COLUMNS)
    for row in rows:
        key = (*(row.get(at) for at in index), None if split is None else row.get(split))
        if keys.setdefault(key, str(row.get(label))) != str(row.get(label)):
            return True
    return False


def _with_splits(rows: list[Record]) -> list[Record]:
    """Write the split of a row, where a column names it, before the names of its numbers."""
    label = _column(rows, _SPLIT_COLUMNS)
    if label is None:
        return rows
    words = {str(row.get(label) or "").strip().casefold() for row in rows}
    if not words or not words <= SPLIT_WORDS.keys():
        return rows
    split_rows = []
    above: dict[str, Any] = {}
    for row in rows:
        split = SPLIT_WORDS[str(row[label]).strip().casefold()]
        given: Record = {}
        for key, cell in row.items():
            if recognise(key).kind == "index":
                # Spreadsheets write an epoch once, above the rows that belong to it.
                blank = cell is None or cell == ""
                above[key] = given[key] = above.get(key) if blank else cell
            elif key != label:
                given[f"{split}/{key}"] = cell
        split_rows.append(given)
    return split_rows


def _refuse_detection(rows: list[Record], options: ReadOptions, name: str) -> None:
    labels = dict.fromkeys(label for row in rows for label in row)
    boxes = [label for label in labels if _DETECTION.search(label) or label.casefold() in _BOXES]
    if len(boxes) < 1 or options.columns or options.task:
        return
    raise DataError(
        f"{name} is of an object detector; whyloss explains classifiers",
        expected="the loss and the accuracy of a classifier",
        got=f"columns of boxes: {', '.join(boxes[:4])}",
        hint='The head that classifies can be read alone: --map "loss_cls=train.loss".'
        if any(map(_DETECTION.search, boxes))
        else "Save a row per object with its true class, and a probability for each class.",
    )


# --- cells ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Cell:
    value: float
    percent: bool


def _numbers(rows: list[Record], notes: list[str]) -> list[dict[str, _Cell]]:
    """Read the cells; where a loss or a score cannot be read, say which and what stands there."""
    parsed = []
    unread: dict[str, str] = {}
    for row in rows:
        cells = {}
        for label, cell in row.items():
            number = number_of(cell)
            if number is not None:
                cells[label] = _Cell(number, isinstance(cell, str) and cell.rstrip().endswith("%"))
            elif isinstance(cell, str) and cell.strip() and recognise(label).kind == "metric":
                unread.setdefault(label, cell.strip())
        parsed.append(cells)
    for label, text in unread.items():
        notes.append(f'"{label}" holds what is no number and was left out: {text[:40]!r}.')
    return parsed


def _of_few_columns(
    rows: list[dict[str, _Cell]], options: ReadOptions, notes: list[str]
) -> list[dict[str, _Cell]]:
    """Of more columns than are kept, keep those that are understood or mapped."""
    labels = dict.fromkeys(label for row in rows for label in row)
    if len(labels) <= MAX_COLUMNS:
        return rows
    kept = {
        label
        for label in labels
        if label in options.columns or recognise(label).kind in {"metric", "index"}
    }
    notes.append(f"Left out: {pluralize(len(labels) - len(kept), 'column')} of other numbers.")
    return [{label: cell for label, cell in row.items() if label in kept} for row in rows]


def number_of(value: Any) -> float | None:  # noqa: ANN401 - a cell of any table
    """Give a cell as a number; None where it is none. NaN is one where it was written.

    Parameters
    ----------
    value
        A number, or text such as ``"0.43"``, ``"81 %"``, ``"0,43"``, ``"tensor(0.43)"``,
        ``"0.43 ± 0.02"``.
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, Real):
        return _float(value)
    if not isinstance(value, str):
        return None
    text = value.strip().removesuffix("%").rstrip()
    try:
        return float(text.replace(",", ".") if _COMMA.fullmatch(text) else text)
    except ValueError:
        pass
    wrapped = _WRAPPED.fullmatch(text)
    return float(next(filter(None, wrapped.groups()))) if wrapped else None


def _float(value: Real) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number of hundreds of digits
        return math.inf


# --- order ----------------------------------------------------------------------------------------


def _in_order(rows: list[dict[str, _Cell]], notes: list[str]) -> list[dict[str, _Cell]]:
    """Sort the rows by their epochs or steps, unless a training starts over in them."""
    labels = dict.fromkeys(label for row in rows for label in row)
    index = sorted(
        (label for label in labels if recognise(label).kind == "index"),
        key=lambda label: recognise(label).metric != "epoch",
    )
    index = [label for label in index if all(label in row for row in rows)]
    if not index:
        return rows
    counted = [tuple(row[label].value for label in index) for row in rows]
    if any(not math.isfinite(number) for numbers in counted for number in numbers):
        return rows
    first = [numbers[0] for numbers in counted]
    if all(before <= after for before, after in pairwise(first)):
        return rows
    if all(before >= after for before, after in pairwise(first)):
        notes.append(f'The rows came newest first: they were sorted by "{index[0]}".')
        return rows[::-1]
    seen = set()
    for numbers, row in zip(counted, rows, strict=True):
        for label in row.keys() - set(index):
            if (numbers, label) in seen:
                return rows  # the same epoch again: a training that starts over
            seen.add((numbers, label))
    notes.append(f'The rows were not in order: they were sorted by "{index[0]}".')
    order = sorted(range(len(rows)), key=counted.__getitem__)
    return [rows[at] for at in order]


def _without_second_evaluation(
    rows: list[dict[str, _Cell]], notes: list[str]
) -> list[dict[str, _Cell]]:
    """Leave out an evaluation that follows the training, and say which epoch it repeats.

    A trainer that restores the best weights at the end evaluates them once more, under the number
    of the last epoch.
    """
    if len(rows) < 2:
        return rows
    labels = dict.fromkeys(label for row in rows for label in row)
    index = [label for label in labels if recognise(label).kind == "index"]
    evaluations = [at for at, row in enumerate(rows) if _held_out(row)]
    if len(evaluations) < 2 or not index:
        return rows
    before, last = evaluations[-2:]
    place = [(rows[at].get(label)) for at in (before, last) for label in index]
    scores = _held_out(rows[last])
    same_place = place[: len(index)] == place[len(index) :]
    differs = any(
        label in rows[before] and rows[before][label] != cell for label, cell in scores.items()
    )
    if not same_place or not differs:
        return rows
    notes.append(_second_evaluation_note(rows, evaluations[:-1], scores, index[0]))
    kept = {label: cell for label, cell in rows[last].items() if label not in scores}
    return [*rows[:last], kept, *rows[last + 1 :]]


def _held_out(row: Mapping[str, _Cell]) -> dict[str, _Cell]:
    """The losses and scores in a row of a split that is not trained on."""
    return {
        label: cell
        for label, cell in row.items()
        if (meaning := recognise(label)).kind == "metric"
        and meaning.split in {"val", "test"}
        and meaning.metric != "learning_rate"
    }


def _second_evaluation_note(
    rows: list[dict[str, _Cell]], earlier: list[int], scores: Mapping[str, _Cell], index: str
) -> str:
    same = next(
        (
            at
            for at in earlier
            if all(
                label in rows[at] and math.isclose(rows[at][label].value, cell.value, rel_tol=1e-6)
                for label, cell in scores.items()
            )
        ),
        None,
    )
    said = ", ".join(
        f"{label} {_written(label, cell.value)}" for label, cell in list(scores.items())[:3]
    )
    if same is not None and index in rows[same]:
        why = f"it repeats {index} {rows[same][index].value:g}, whose weights were restored"
    else:
        why = "it may be of other weights or other data"
    return f"A second evaluation after the last {index} was left out ({said}): {why}."


def _written(label: str, value: float) -> str:
    is_share = recognise(label).metric == "accuracy" and value <= 1
    return format_percent(value) if is_share else format_nats(value)
