"""What is to be diagnosed, from whatever a caller passes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from whyloss.data import History, InMemorySource, Predictions
from whyloss.errors import DataError
from whyloss.readers import ReadOptions, frame, read

if TYPE_CHECKING:
    from whyloss.data import Source

_SCORES = ("logits", "log_probs", "probs")
_BESIDE_LABELS = (*_SCORES, "ids", "classes", "weights", "slices")
_REPORTED = ("loss", "accuracy", "val_loss", "val_accuracy")
_KNOWN = (
    "n_classes",
    "n_train",
    "n_val",
    "class_shares",
    "columns",
    "task",
    "scale",
    "model",
    "metric",
)
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
    given = {name: value for name, value in given.items() if value is not None}
    options = ReadOptions(**{name: given[name] for name in _KNOWN if name in given})
    reported = {name: given[name] for name in _REPORTED if name in given}
    beside_labels = {name: given[name] for name in _BESIDE_LABELS if name in given}
    if reported and "history" in given:
        raise DataError(
            "The same numbers can be given in two ways here",
            expected=f"either history= or {', '.join(f'{name}=' for name in reported)}",
            got="both",
        )
    lengths = {name: np.size(value) for name, value in reported.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(
            "The reported numbers are of different lengths",
            expected="one value per epoch in each",
            got=", ".join(f"{name}: {length}" for name, length in lengths.items()),
        )
    told, name = (
        (_listed(reported), "reported numbers") if reported else (given.get("history"), "history")
    )
    history = _history(told, options, name)
    if reported and source is not None and not _are_labels(source, beside_labels):
        raise DataError(
            "Reported numbers were given beside a source that has its own",
            expected="either a source, or loss=, accuracy=, val_loss=, val_accuracy=",
            got=f"{type(source).__name__} and {', '.join(reported)}",
        )
    whole = _whole(source, options, history, labelled=bool(beside_labels))
    if whole is not None:
        if beside_labels:
            raise _unlabelled(beside_labels, source)
        return whole
    predictions = Predictions.from_arrays(source, split=split or "val", **beside_labels)
    return _beside(predictions, history)


def _are_labels(source: Any, beside_labels: Mapping[str, Any]) -> bool:  # noqa: ANN401
    """Whether the first argument is labels, or predictions that have them."""
    return isinstance(source, Predictions) or any(name in beside_labels for name in _SCORES)


def _whole(
    source: Any,  # noqa: ANN401
    options: ReadOptions,
    history: InMemorySource | None,
    *,
    labelled: bool,
) -> Source | None:
    """A source that needs nothing beside it; None where `source` is labels."""
    if source is None:
        if history is not None:
            return history
        raise DataError(
            "There is nothing to diagnose",
            expected="a run, a file, the text of a log, labels with logits=, log_probs= or probs=, "
            "history=, or val_loss= and val_accuracy=",
            got="nothing, or predictions without labels",
        )
    whole: Source | None = None
    if isinstance(source, str | Path):
        whole = read(source, options=options)
    elif isinstance(source, Predictions):
        whole = _beside(source, history)
    elif hasattr(source, "predictions") and hasattr(source, "epochs"):
        whole = cast("Source", source)
    elif not labelled and _is_frame(source):
        whole = frame(source, options=options)
    elif not labelled and _is_history(source):
        whole = _history(source, options, "history")
    return whole


def _unlabelled(beside_labels: Mapping[str, Any], source: object) -> DataError:
    named = ", ".join(f"{name}=" for name in beside_labels)
    return DataError(
        "Predictions were given beside a source that has its own, or without labels",
        expected=f"labels as the first argument where {named} is given",
        got="no labels" if source is None else type(source).__name__,
    )


# --- reported numbers -------------------------------------------------------------------------------


def _beside(predictions: Predictions, reported: InMemorySource | None) -> InMemorySource:
    """Put reported numbers beside predictions, at the epoch that these are of."""
    if reported is None:
        return InMemorySource([predictions])
    epochs = reported.history.epochs
    notes = reported.notes
    if predictions.epoch is None and len(epochs):
        last = int(epochs[-1])
        predictions = replace(predictions, epoch=last)
        notes += (
            f"The predictions have no epoch: they count as those of the last one reported, {last}.",
        )
    return InMemorySource([predictions], history=reported.history, notes=notes)


def _history(
    told: Any,  # noqa: ANN401 - whatever frameworks give
    options: ReadOptions,
    name: str,
) -> InMemorySource | None:
    """Make curves of numbers that were reported, as Python objects."""
    if told is None:
        return None
    if isinstance(told, History):
        return InMemorySource(history=told, name=name)
    if not _is_history(told):
        raise DataError(
            "The history is not understood",
            expected="a whyloss.History, a mapping such as {'loss': [...], 'val_loss': [...]}, or a "
            "list of mappings, one per epoch",
            got=type(told).__name__,
        )
    from whyloss.readers.files.json import read_json  # noqa: PLC0415 - late: seldom needed

    return read_json(_plain(_unwrapped(told)), options, name)


def _listed(reported: Mapping[str, Any]) -> dict[str, Any]:
    """Make every number a list of one epoch."""
    return {name: np.atleast_1d(np.asarray(value)) for name, value in reported.items()}


def _unwrapped(told: Any) -> Any:  # noqa: ANN401
    """What Keras' ``fit`` returns and the state of a Trainer hold such a mapping or list."""
    for name in ("history", "log_history", "evals_result_"):
        inner = getattr(told, name, None)
        if isinstance(inner, Mapping | list):
            return inner
    return told


def _is_history(told: Any) -> bool:  # noqa: ANN401
    inner = _unwrapped(told)
    if isinstance(inner, Mapping):
        return bool(inner)
    return isinstance(inner, list) and bool(inner) and all(isinstance(r, Mapping) for r in inner)


def _plain(value: Any) -> Any:  # noqa: ANN401
    """Make lists and numbers of arrays, tensors and tuples, down to the last level."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, str | bytes | bool) or value is None:
        return value
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, list | tuple | range):
        return [_plain(inner) for inner in value]
    if isinstance(value, Iterable) or hasattr(value, "__array__") or hasattr(value, "tolist"):
        return np.asarray(value).tolist()
    return value


def _is_frame(source: Any) -> bool:  # noqa: ANN401
    """Whether it has columns with names, as data frames have and arrays of labels have not."""
    return hasattr(source, "columns") or hasattr(source, "collect_schema")
