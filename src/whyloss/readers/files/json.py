"""Curves and predictions in JSON, in the forms that frameworks and trackers give it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from whyloss.errors import FormatError
from whyloss.readers.files.choice import choose
from whyloss.readers.files.columns import columns_of
from whyloss.readers.files.json_shapes import (
    aligned,
    are_records,
    are_stages,
    as_records,
    flat,
    in_a_row,
    lists_of,
    trainings_in,
    values_of,
)
from whyloss.readers.files.notebooks import is_notebook, read_notebook
from whyloss.readers.files.predictions import looks_like_predictions, read_predictions
from whyloss.readers.files.records import from_records

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from whyloss.data import InMemorySource
    from whyloss.readers.options import ReadOptions

_LONGEST_LABEL = 60
_MOST_DIGITS = 18  # of whole numbers in 64 bits
# Numbers in the types of NumPy and PyTorch, and arrays of them.
_WRAPPED = re.compile(r"(?:np\.|numpy\.)?(?:float\d*|tensor|array)\(([^()]*)\)")
_TYPE = re.compile(r",\s*(?:dtype|device|grad_fn)=")
_WORDS = re.compile(r"(?i)\b(?:nan|inf|none|true|false)\b")
_IN_JSON = {"nan": "NaN", "inf": "Infinity", "none": "null", "true": "true", "false": "false"}
_OF_A_TRAINER = "log_history"
_WRAPPERS = ("log_history", "history", "metrics", "scalars", "records", "data")


def parse(text: str) -> tuple[Any, tuple[str, ...]]:
    """Parse JSON, or one object per line as a list.

    Parameters
    ----------
    text : str

    Returns
    -------
    object
        What it holds; None where it is no JSON.
    tuple of str
        That the last line was left out, where it was.
    """
    try:
        return loads(text), ()
    except (ValueError, RecursionError):
        pass
    records = []
    lines = [line for line in text.splitlines() if line.strip()]
    for number, line in enumerate(lines):
        try:
            records.append(loads(line))
        except (ValueError, RecursionError):
            if number == len(lines) - 1 and records:  # cut short while it was written
                return records, (f"Left out: the last line, which is no whole record: {line:.40}",)
            return None, ()
    return records or None, ()


def loads(text: str) -> Any:  # noqa: ANN401 - what JSON may hold
    """Parse JSON, in which a whole number that no machine counts to is a float."""
    return json.loads(text, parse_int=_whole)


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MOST_DIGITS else float(digits)


def read_json(value: Any, options: ReadOptions, name: str) -> InMemorySource:  # noqa: ANN401
    """Read what a JSON file holds.

    Parameters
    ----------
    value : dict or list
        Lists by name, as of a Keras History; records in a list, or under ``log_history``; lists
        by split and metric, as of boosting libraries; one record; or a notebook.
    options : ReadOptions
    name : str
        What to call the source.

    Raises
    ------
    FormatError
        It is of no such form.
    """
    if is_notebook(value):
        return read_notebook(value, options, name)
    if (records := as_records(value)) is not None:
        return read_records(records, options, name)
    if isinstance(value, dict):
        return _read_dict(value, options, name)
    if runs := trainings_in(value):
        return _read_runs(runs, options, name)
    if are_records(value):
        return read_records(value, options, name)
    if isinstance(value, list) and (values := values_of(value)) is not value:
        return _from_lists({name: values}, options, name)
    raise FormatError(
        f"The JSON in {name} has no form that whyloss knows",
        expected='{"val_loss": [0.5, 0.4], …}, or a list of records such as '
        '{"epoch": 1, "val_loss": 0.5, …}',
        got=f"{value!r:.60}",
    )


def _read_dict(value: dict[str, Any], options: ReadOptions, name: str) -> InMemorySource:
    for wrapper in _WRAPPERS:
        if isinstance(value.get(wrapper), dict | list):
            inner = value[wrapper]
            if wrapper == _OF_A_TRAINER and are_records(inner):
                planned = value.get("num_train_epochs")
                return from_records(flat(inner), options, name, n_epochs=planned)
            return read_json(inner, options, name)
    if runs := trainings_in(value):
        return _read_runs(runs, options, name)
    lists = dict(lists_of(value))
    return _from_lists(lists, options, name) if lists else read_records([value], options, name)


def _read_runs(runs: Mapping[str, Any], options: ReadOptions, name: str) -> InMemorySource:
    """Read the parts of one training one after the other, or the run that is meant."""
    if len(runs) > 1 and options.model is None and are_stages(runs):
        notes: list[str] = []
        return from_records(in_a_row(runs, notes), options, name, notes)
    run = choose(runs, options.model if len(runs) > 1 else None, what="runs", place=name)
    return read_json(runs[run], replace(options, model=None) if len(runs) > 1 else options, name)


def parse_printed(text: str) -> Any:  # noqa: ANN401 - what a dictionary may hold
    """Read a dictionary of lists as Python prints it, such as a History; None if it is none."""
    start, end = text.find("{"), text.rfind("}")
    if not (
        0 <= start <= _LONGEST_LABEL and "[" in text[start:end] and not text[end + 1 :].strip()
    ):
        return None
    inner = _WRAPPED.sub(lambda said: _TYPE.split(said[1], 1)[0], text[start : end + 1])
    inner = _WORDS.sub(lambda word: _IN_JSON[word[0].casefold()], inner.replace("'", '"'))
    try:
        value = loads(inner)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and any(True for _ in lists_of(value)) else None


def read_records(
    records: Sequence[Mapping[str, Any]], options: ReadOptions, name: str
) -> InMemorySource:
    """Read records: predictions, one per sample, or curves, one per epoch."""
    rows = list(flat(records))
    if len(rows) > 1 and looks_like_predictions(columns_of(rows[:2]), options):
        return read_predictions(columns_of(rows), options, name)
    return from_records(rows, options, name)


def _from_lists(lists: dict[str, list[Any]], options: ReadOptions, name: str) -> InMemorySource:
    try:
        columns = {label: np.array(values) for label, values in lists.items()}
    except ValueError:
        columns = {}
    if columns and looks_like_predictions(columns, options):
        return read_predictions(columns, options, name)
    notes: list[str] = []
    return from_records(aligned(lists, notes), options, name, notes)
