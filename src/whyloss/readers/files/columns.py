"""Named columns, whatever file or frame they come from: curves or predictions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from whyloss.errors import FormatError
from whyloss.readers.files.predictions import looks_like_predictions, read_predictions
from whyloss.readers.files.records import from_records, number_of
from whyloss.readers.logs.metric_names import words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

    from whyloss.data import InMemorySource
    from whyloss.readers.options import ReadOptions

_KEYS = {"key", "metric", "name", "tag", "variable", "metric name"}
_VALUES = {"value", "metric value"}
_STEPS = {"step", "epoch", "iteration"}


def from_columns(
    columns: Mapping[str, npt.NDArray[Any]],
    options: ReadOptions,
    name: str,
    notes: Iterable[str] = (),
) -> InMemorySource:
    """Make curves or predictions of named columns.

    Parameters
    ----------
    columns : mapping of str to ndarray
        Of numbers or strings; masked or None where nothing is.
    options : ReadOptions
    name : str
        What to call the source.
    notes : iterable of str, optional
        What to tell beside what is told here.
    """
    if looks_like_predictions(columns, options):
        return read_predictions(columns, options, name, notes)
    lists = {label: values.tolist() for label, values in columns.items() if values.ndim == 1}
    if not lists:
        raise FormatError(
            f"{name} holds neither curves nor predictions",
            expected="named columns, such as epoch, val_loss, val_accuracy, or y_true and logits",
            got=", ".join(columns)[:200] or "nothing",
        )
    rows = (dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True))
    return from_records(_widened(rows, list(lists)), options, name, notes)


def _widened(rows: Iterable[Mapping[str, Any]], labels: list[str]) -> Iterable[Mapping[str, Any]]:
    """Turn rows of key, value and step, as trackers export them, into one column per key."""
    said = {" ".join(words_of(label)): label for label in labels}
    key = next((said[word] for word in said if word in _KEYS), None)
    value = next((said[word] for word in said if word in _VALUES), None)
    step = next((said[word] for word in said if word in _STEPS), None)
    if key is None or value is None or step is None:
        return rows
    wide: dict[float, dict[str, Any]] = {}
    for row in rows:
        at = number_of(row[step])
        if at is not None and math.isfinite(at):
            wide.setdefault(at, {step: at})[str(row[key])] = row[value]
    return [wide[at] for at in sorted(wide)]


def columns_of(records: Sequence[Mapping[str, Any]]) -> dict[str, npt.NDArray[Any]]:
    """Turn records into columns; lists of equal length become rows of an array.

    Raises
    ------
    FormatError
        The records do not all have the same form.
    """
    columns = {}
    for label in records[0]:
        cells = [record.get(label) for record in records]
        try:
            columns[label] = np.array(cells)
        except ValueError:
            raise FormatError(
                f"The values of {label!r} do not fit together",
                expected="lists of one length in every record",
                got="lists of several lengths",
            ) from None
    return columns
