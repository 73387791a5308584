"""What is to be diagnosed, from whatever a caller passes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from whyloss.data import History, InMemorySource, Predictions
from whyloss.errors import DataError
from whyloss.readers import ReadOptions, frame, read

if TYPE_CHECKING:
    from whyloss.data import Source

_SCORES = ("logits", "log_probs", "probs")
_BESIDE_LABELS = (*_SCORES, "ids", "classes", "weights", "slices")
_REPORTED = ("loss", "accuracy", "val_loss", "val_accuracy")
_KNOWN = ("n_classes", "n_train", "n_val", "class_shares", "columns", "task", "scale", "model")
_ALL = (*_BESIDE_LABELS, *_REPORTED, *_KNOWN, "history")


def source_of(source: Any, *, split: str | None, given: Mapping[str, Any]) -> Source:  # noqa: ANN401
    """Make a source of the arguments of :func:`whyloss.diagnose`.

    Parameters
    ----------
    source
        Its first argument.
    split : str or None
    given : mapping of str to object
        Its other arguments by name.

    Raises
    ------
    TypeError
        An argument that there is not.
    WhylossError
        Arguments that do not fit together, or input that cannot be read.
    """
    for name in given:
        if name not in _ALL:
            raise TypeError(f"diagnose() has no argument {name!r}; it has {', '.join(_ALL)}")
    known = {name: value for name, value in given.items() if value is not None}
    options = ReadOptions(**{name: known[name] for name in _KNOWN if name in known})
    reported = {name: known[name] for name in _REPORTED if name in known}
    if reported:
        _refuse(known, (*_BESIDE_LABELS, "history"), "reported numbers")
        if source is not None:
            raise DataError(
                "Reported numbers were given beside a source that has its own",
                expected="either a source, or loss=, accuracy=, val_loss=, val_accuracy=",
                got=f"{type(source).__name__} and {', '.join(reported)}",
            )
        return _columns(reported, options, "reported numbers")
    history = _history(known.get("history"), options)
    whole = _whole(source, options, history)
    if whole is None and _is_frame(source) and not any(name in known for name in _SCORES):
        whole = frame(source, options=options)
    if whole is not None:
        _refuse(known, _BESIDE_LABELS, "no labels" if source is None else type(source).__name__)
        return whole
    arrays = {name: known[name] for name in _BESIDE_LABELS if name in known}
    return InMemorySource(
        [Predictions.from_arrays(source, split=split or "val", **arrays)], history=history
    )


def _whole(source: Any, options: ReadOptions, history: History | None) -> Source | None:  # noqa: ANN401
    """A source that needs nothing beside it; None where `source` is labels or a data frame."""
    if source is None and history is not None:
        return InMemorySource(history=history, name="history")
    if source is None:
        raise DataError(
            "There is nothing to diagnose",
            expected="a run, a file, the text of a log, labels with logits=, log_probs= or probs=, "
            "history=, or val_loss= and val_accuracy=",
            got="nothing, or predictions without labels",
        )
    if isinstance(source, str | Path):
        return read(source, options=options)
    if isinstance(source, Predictions):
        return InMemorySource([source], history=history)
    is_source = hasattr(source, "predictions") and hasattr(source, "epochs")
    return source if is_source else None


def _refuse(known: Mapping[str, Any], names: tuple[str, ...], beside: str) -> None:
    beyond = ", ".join(f"{name}=" for name in names if name in known)
    if beyond:
        raise DataError(
            "Predictions were given beside a source that has its own, or without labels",
            expected=f"labels as the first argument where {beyond} is given",
            got=beside,
        )


def _history(history: Any, options: ReadOptions) -> History | None:  # noqa: ANN401
    if history is None or isinstance(history, History):
        return history
    columns = getattr(history, "history", history)  # what Keras' fit returns holds such a mapping
    if isinstance(columns, Mapping):
        return _columns(columns, options, "history").history
    raise DataError(
        "The history is not understood",
        expected="a whyloss.History, or a mapping such as {'loss': [...], 'val_loss': [...]}",
        got=type(history).__name__,
    )


def _columns(columns: Mapping[str, Any], options: ReadOptions, name: str) -> InMemorySource:
    from whyloss.readers.files.columns import from_columns  # noqa: PLC0415 - late: seldom needed

    arrays = {str(key): np.atleast_1d(np.asarray(value)) for key, value in columns.items()}
    lengths = {len(array) for array in arrays.values()}
    if len(lengths) > 1:
        raise DataError(
            "The columns of the history are of different lengths",
            expected="one value per epoch in each",
            got=", ".join(f"{key}: {len(array)}" for key, array in arrays.items()),
        )
    return from_columns(arrays, options, name)


def _is_frame(source: Any) -> bool:  # noqa: ANN401
    """Whether it has columns with names, as data frames have and arrays of labels have not."""
    return hasattr(source, "columns") or hasattr(source, "collect_schema")
