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

SCORES = ("logits", "log_probs", "probs")


def source_of(
    source: Any,  # noqa: ANN401 - whatever can be diagnosed
    *,
    options: ReadOptions,
    split: str | None = None,
    labelled: Mapping[str, Any] | None = None,
    reported: Mapping[str, Any] | None = None,
    history: object = None,
) -> Source:
    """Make a source of the arguments of :func:`whyloss.diagnose`.

    Parameters
    ----------
    source : object
        Its first argument.
    options : ReadOptions
        Facts that the source does not contain.
    split : str, optional
        The split that labels and scores are of; the validation split if left out.
    labelled : mapping of str to object, optional
        Scores, ids and so on of labels, by the names of :meth:`Predictions.from_arrays`; None
        counts as not given.
    reported : mapping of str to float or sequence of float, optional
        Reported numbers by name; None counts as not given.
    history : History, mapping, list of mappings or object of a framework, optional
        Scalars per epoch.

    Returns
    -------
    Source

    Raises
    ------
    WhylossError
        Arguments that do not fit together, or input that cannot be read.
    """
    labelled, reported = _given(labelled), _given(reported)
    if reported and history is not None:
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
    curves = (
        _curves(_listed(reported), options, "reported numbers")
        if reported
        else _curves(history, options, "history")
    )
    if reported and source is not None and not _are_labels(source, labelled):
        raise DataError(
            "Reported numbers were given with a source that has its own",
            expected="either a source, or loss=, accuracy=, val_loss=, val_accuracy=",
            got=f"{type(source).__name__} and {', '.join(reported)}",
        )
    found = _whole(source, options, curves, labelled=bool(labelled))
    if found is None:
        predictions = Predictions.from_arrays(source, split=split or "val", **labelled)
        found = _with_curves(predictions, curves)
    elif labelled:
        raise _unlabelled(labelled, source)
    return found


def _given(arguments: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (arguments or {}).items() if value is not None}


def _are_labels(source: object, labelled: Mapping[str, Any]) -> bool:
    """Whether the first argument is labels, or predictions that have them."""
    return isinstance(source, Predictions) or any(name in labelled for name in SCORES)


def _whole(
    source: Any,  # noqa: ANN401
    options: ReadOptions,
    curves: InMemorySource | None,
    *,
    labelled: bool,
) -> Source | None:
    """A source that is complete without scores; None where `source` is labels."""
    if source is None:
        if curves is not None:
            return curves
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
        whole = _with_curves(source, curves)
    elif hasattr(source, "predictions") and hasattr(source, "epochs"):
        whole = cast("Source", source)
    elif not labelled and _is_frame(source):
        whole = frame(source, options=options)
    elif not labelled and _is_history(source):
        whole = _curves(source, options, "history")
    return whole


def _unlabelled(labelled: Mapping[str, Any], source: object) -> DataError:
    named = ", ".join(f"{name}=" for name in labelled)
    return DataError(
        "Predictions were given with a source that has its own, or without labels",
        expected=f"labels as the first argument where {named} is given",
        got="no labels" if source is None else type(source).__name__,
    )


# --- reported numbers -----------------------------------------------------------------------------


def _with_curves(predictions: Predictions, reported: InMemorySource | None) -> InMemorySource:
    """Predictions together with reported numbers, at the epoch that these are of."""
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


def _curves(
    history: Any,  # noqa: ANN401 - whatever frameworks give
    options: ReadOptions,
    name: str,
) -> InMemorySource | None:
    """Make curves of numbers that were reported, as Python objects."""
    if history is None:
        return None
    if isinstance(history, History):
        return InMemorySource(history=history, name=name)
    if not _is_history(history):
        raise DataError(
            "The history is not understood",
            expected="a whyloss.History, a mapping such as {'loss': [...], 'val_loss': [...]}, or "
            "a "
            "list of mappings, one per epoch",
            got=type(history).__name__,
        )
    from whyloss.readers.files.json import read_json  # noqa: PLC0415 - late: seldom needed

    return read_json(_plain(_unwrapped(history)), options, name)


def _listed(reported: Mapping[str, Any]) -> dict[str, Any]:
    """Make every number a list of one epoch."""
    return {name: np.atleast_1d(np.asanyarray(value)) for name, value in reported.items()}


def _unwrapped(history: Any) -> Any:  # noqa: ANN401
    """What Keras' ``fit`` returns and the state of a Trainer hold such a mapping or list."""
    for name in ("history", "log_history", "evals_result_"):
        inner = getattr(history, name, None)
        if isinstance(inner, Mapping | list):
            return inner
    return history


def _is_history(history: Any) -> bool:  # noqa: ANN401
    inner = _unwrapped(history)
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
        return np.asanyarray(value).tolist()  # what is masked becomes None
    return value


def _is_frame(source: Any) -> bool:  # noqa: ANN401
    """Whether it has columns with names, as data frames have and arrays of labels have not."""
    return hasattr(source, "columns") or hasattr(source, "collect_schema")
