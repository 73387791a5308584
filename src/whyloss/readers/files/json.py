"""Curves and predictions in JSON, in the forms that frameworks and trackers give it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from whyloss.errors import FormatError
from whyloss.readers.files.columns import columns_of
from whyloss.readers.files.predictions import looks_like_predictions, read_predictions
from whyloss.readers.files.records import from_records
from whyloss.readers.logs.metric_names import recognise

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from whyloss.data import InMemorySource
    from whyloss.readers.options import ReadOptions

_DEEPEST = 6
_LONGEST_LABEL = 60
# Numbers in the types of NumPy and PyTorch, and arrays of them.
_WRAPPED = re.compile(
    r"(?:np\.|numpy\.)?(?:float\d*|tensor|array)\(([^()]*?)(?:,\s*(?:dtype|device|grad_fn)=[^()]*)?\)"
)
_WORDS = re.compile(r"(?i)\b(?:nan|inf|none|true|false)\b")
_IN_JSON = {"nan": "NaN", "inf": "Infinity", "none": "null", "true": "true", "false": "false"}
_OF_A_TRAINER = "log_history"
_WRAPPERS = ("log_history", "history", "metrics", "scalars", "records", "data")


def read_json(value: Any, options: ReadOptions, name: str) -> InMemorySource:  # noqa: ANN401
    """Read what a JSON file holds.

    Parameters
    ----------
    value : dict or list
        Lists by name, as of a Keras History; records in a list, or under ``log_history``; lists
        by split and metric, as of boosting libraries; or one record.
    options : ReadOptions
    name : str
        What to call the source.

    Raises
    ------
    FormatError
        It is of no such form.
    """
    if isinstance(value, dict):
        for wrapper in _WRAPPERS:
            if isinstance(value.get(wrapper), dict | list):
                inner = value[wrapper]
                if wrapper == _OF_A_TRAINER and _are_records(inner):
                    planned = value.get("num_train_epochs")
                    return from_records(_flat(inner), options, name, n_epochs=planned)
                return read_json(inner, options, name)
        lists = dict(_lists(value))
        if lists:
            return _from_lists(lists, options, name)
        return read_records([value], options, name)
    if _are_records(value):
        return read_records(value, options, name)
    raise FormatError(
        f"The JSON in {name} has no form that whyloss knows",
        expected='{"val_loss": [0.5, 0.4], …}, or a list of records such as '
        '{"epoch": 1, "val_loss": 0.5, …}',
        got=f"{value!r:.60}",
    )


def _are_records(value: Any) -> bool:  # noqa: ANN401 - what JSON may hold
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def parse_printed(text: str) -> Any:  # noqa: ANN401 - what a dictionary may hold
    """Read a dictionary of lists as Python prints it, such as a History; None if it is none."""
    start, end = text.find("{"), text.rfind("}")
    if not (
        0 <= start <= _LONGEST_LABEL and "[" in text[start:end] and not text[end + 1 :].strip()
    ):
        return None
    inner = _WRAPPED.sub(r"\1", text[start : end + 1])
    inner = _WORDS.sub(lambda word: _IN_JSON[word[0].casefold()], inner.replace("'", '"'))
    try:
        value = json.loads(inner)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and any(True for _ in _lists(value)) else None


def read_records(
    records: list[Mapping[str, Any]], options: ReadOptions, name: str
) -> InMemorySource:
    """Read records: predictions, one per sample, or curves, one per epoch."""
    flat = list(_flat(records))
    if len(flat) > 1 and looks_like_predictions(columns_of(flat[:2]), options):
        return read_predictions(columns_of(flat), options, name)
    return from_records(flat, options, name)


def _flat(records: list[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Write nested records as flat ones, ``{"val": {"loss": 0.4}}`` as ``val/loss``."""
    for record in records:
        flat: dict[str, Any] = {}
        for label, value in record.items():
            if isinstance(value, dict):
                flat |= {f"{label}/{inner}": number for inner, number in value.items()}
            else:
                flat[label] = value
        yield flat


def _lists(
    value: dict[str, Any], prefix: str = "", depth: int = 0
) -> Iterator[tuple[str, list[Any]]]:
    """Find lists of numbers by name, also where they lie deeper."""
    for label, inner in value.items():
        name = f"{prefix}-{label}" if prefix else str(label)
        if isinstance(inner, list) and inner:
            yield name, inner
        elif isinstance(inner, dict) and inner and depth < _DEEPEST:
            if all(str(key).isdigit() for key in inner):  # as pandas writes a column
                yield name, [inner[key] for key in sorted(inner, key=int)]
            else:
                yield from _lists(inner, name, depth + 1)


def _from_lists(lists: dict[str, list[Any]], options: ReadOptions, name: str) -> InMemorySource:
    try:
        columns = {label: np.array(values) for label, values in lists.items()}
    except ValueError:
        columns = {}
    if columns and looks_like_predictions(columns, options):
        return read_predictions(columns, options, name)
    notes: list[str] = []
    return from_records(_aligned(lists, notes), options, name, notes)


def _aligned(lists: dict[str, list[Any]], notes: list[str]) -> list[dict[str, Any]]:
    """Write lists as records; a list whose length divides that of the longest has every n-th."""
    curves = {label for label in lists if recognise(label).kind in {"metric", "index"}}
    length = max(len(lists[label]) for label in curves or lists)
    lists = {label: values for label, values in lists.items() if len(values) <= length}
    every = {
        label: length // len(values) if length % len(values) == 0 and len(values) > 1 else 1
        for label, values in lists.items()
    }
    records: list[dict[str, Any]] = [{} for _ in range(length)]
    for label, values in lists.items():
        for at, value in enumerate(values):
            records[(at + 1) * every[label] - 1][label] = value
        if label not in curves:
            continue
        if every[label] > 1:
            notes.append(
                f'"{label}" has {len(values)} values beside {length} of others: they count as one '
                f"for every {every[label]} epochs."
            )
        elif len(values) < length:
            notes.append(
                f'"{label}" has {len(values)} values beside {length} of others: they count as '
                "those of the first epochs."
            )
    return records
