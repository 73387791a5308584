"""Predictions out of named arrays: labels and scores, of one model, on a scale that is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from whyloss.data import SCALES, InMemorySource, Predictions, Scale
from whyloss.errors import DataError
from whyloss.readers.files.decisions import Decisions, history_of, shares_of_second
from whyloss.readers.files.labels import read_labels, several_labels
from whyloss.readers.files.models import of_one_model
from whyloss.readers.files.prediction_columns import PredictionColumns, ScoreColumn
from whyloss.readers.files.score_families import (
    FamilyReader,
    column_of,
    predicted_above,
    row_groups,
)
from whyloss.readers.logs.metric_names import SPLIT_WORDS, words_of
from whyloss.readers.options import PREDICTION_ROLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy.typing as npt

    from whyloss.readers.options import ReadOptions

    Arrays = Mapping[str, npt.NDArray[Any]]

_DEFAULT_SPLIT = "val"


def looks_like_predictions(columns: Arrays, options: ReadOptions) -> bool:
    """Whether there are labels beside scores or predicted classes, or what only predictions have.

    Parameters
    ----------
    columns : mapping of str to ndarray
    options : ReadOptions
    """
    return PredictionColumns(columns, options.columns).are_predictions


def read_predictions(
    columns: Arrays, options: ReadOptions, name: str, notes: Iterable[str] = ()
) -> InMemorySource:
    """Make predictions of named arrays.

    Parameters
    ----------
    columns : mapping of str to ndarray
        Arrays of shape (n_samples,), (n_samples, n_classes) or (n_epochs, n_samples, n_classes).
    options : ReadOptions
        Its ``scale`` settles what names do not tell, its ``model`` which of several is meant, its
        ``columns`` what is what.
    name : str
        What to call the source; a split in it counts where the data name none.
    notes : iterable of str, optional
        What to tell beside what is said here.

    Raises
    ------
    DataError
        Labels are missing, the scale or the model is not settled, or the task is no classification
        with one class per sample.
    """
    said = list(notes)
    table = PredictionColumns(columns, options.columns)
    _check_mapping(table, options)
    table, options = of_one_model(table, options, name, said)
    default = _split_in(name) or _DEFAULT_SPLIT
    if table.find("labels") is None:
        table = _with_labels(table, said)
    families = _families(table, options)
    predicted = table.find("predicted")
    alone = all(len(family) == 1 for family in families.values())
    unscored = not families or (alone and _are_confidence(table, families, options))
    if predicted is not None and unscored:
        if options.scale is not None:
            raise DataError(
                f'--scale {options.scale} is of scores, and "{predicted}" holds predicted classes',
                expected="a column of scores",
                got=", ".join(table.arrays)[:200],
                hint=f'If they are scores, add --map "{predicted}={options.scale}" instead.',
            )
        return _read_decisions(table, options, name, default, said)
    if not families:
        raise DataError(
            "There are labels, but no scores of a classifier",
            expected="columns such as logits, probs or p_<class>, or predicted classes",
            got=", ".join(table.arrays)[:200],
            hint='Name them with --map, such as --map "their name=probs".',
        )
    mapping: list[str] = []
    predictions: list[Predictions] = []
    for (split, epoch), family in sorted(families.items(), key=str):
        reader = FamilyReader(table, options, name, default, said)
        predictions += reader.read(family, split, epoch)
        mapping += reader.mapping
    read_as = f"Read as: {', '.join(dict.fromkeys(mapping))}."
    return InMemorySource(predictions, name=name, notes=(read_as, *dict.fromkeys(said)))


def _check_mapping(table: PredictionColumns, options: ReadOptions) -> None:
    """Refuse a mapping of what is not there, or to what no predictions have."""
    for theirs, ours in options.columns.items():
        if theirs not in table.arrays:
            raise DataError(
                f"There is no column {theirs!r} to be mapped",
                expected=f"one of {', '.join(table.arrays)[:200]}",
                got=theirs,
            )
        if theirs not in table.mapped:
            raise DataError(
                f"{theirs!r} cannot be mapped to {ours!r} in a file of predictions",
                expected=f"one of {', '.join(PREDICTION_ROLES)}",
                got=ours,
            )


def _split_in(name: str) -> str | None:
    words = words_of(name)
    return next((SPLIT_WORDS[word] for word in words if word in SPLIT_WORDS), None)


# --- labels ---------------------------------------------------------------------------------------


def _with_labels(table: PredictionColumns, notes: list[str]) -> PredictionColumns:
    """Take one label column per class for labels, or say that there are none."""
    if table.lists_of_labels is not None:
        cell = table.arrays[table.lists_of_labels][0]
        raise several_labels(f'"{table.lists_of_labels}" with cells such as {cell}')
    if not table.label_columns:
        predicted = table.find("predicted")
        raise DataError(
            "There are predictions, but no labels to compare them with",
            expected="a column such as y_true or label",
            got=", ".join(table.arrays)[:200]
            + (f'; "{predicted}" holds predicted classes' if predicted is not None else ""),
            hint='If a column holds the true classes, name it: --map "its name=labels".',
        )
    columns = list(table.label_columns.values())
    rows = np.column_stack([table.arrays[label] for label in columns])
    if (rows.sum(axis=1) != 1).any():
        raise several_labels(f"columns of zeros and ones: {', '.join(columns)[:100]}")
    names = np.array(list(table.label_columns))
    notes.append(f"The labels are one-hot in {', '.join(columns)[:200]}.")
    return PredictionColumns(table.arrays | {"y_true": names[rows.argmax(axis=1)]}, table.mapped)


# --- scores ---------------------------------------------------------------------------------------


def _families(
    table: PredictionColumns, options: ReadOptions
) -> dict[tuple[str | None, int | None], list[ScoreColumn]]:
    """Gather the scores of each split and epoch, on the best scale that there is."""
    scales: list[Scale | None] = [
        scale for scale in SCALES if any(score.scale == scale for score in table.scores)
    ]
    if scales and options.scale is not None and options.scale not in scales:
        named = next(score.label for score in table.scores if score.scale == scales[0])
        raise DataError(
            f'--scale {options.scale} contradicts the name "{named}"',
            expected=" or ".join(map(str, scales)),
            got=options.scale,
            hint=f'If the name is wrong, add --map "{named}={options.scale}" instead.',
        )
    wanted = options.scale if options.scale in scales else scales[0] if scales else None
    families: dict[tuple[str | None, int | None], list[ScoreColumn]] = {}
    for score in table.scores:
        if score.scale == wanted:
            families.setdefault((score.split, score.epoch), []).append(score)
    for family in families.values():
        whole = [score for score in family if not score.class_name]
        if whole and len(family) > 1 and table.arrays[whole[0].label].ndim > 1:
            family[:] = whole[:1]
    return families


def _are_confidence(
    table: PredictionColumns, families: Mapping[Any, list[ScoreColumn]], options: ReadOptions
) -> bool:
    """Whether the only column of scores is the probability of the class that is predicted."""
    label, predicted = table.find("confidence"), table.find("predicted")
    if any(label != family[0].label for family in families.values()):
        return False
    if label is None or predicted is None or table.arrays[label].ndim > 1:
        return False
    if table.mapped.get(label) == "confidence":
        return True
    if options.scale in {"logits", "log_probs"} or table.mapped.get(label) is not None:
        return False
    return predicted_above(0.5, table.arrays[label], table.arrays[predicted]) is None


# --- predicted classes ----------------------------------------------------------------------------


def _read_decisions(
    table: PredictionColumns,
    options: ReadOptions,
    name: str,
    default_split: str,
    notes: list[str],
) -> InMemorySource:
    """Make what can be said of predicted classes, with the probability of each if it is there."""
    label, predicted = table.find("labels") or "", table.find("predicted") or ""
    labels = read_labels(table.arrays[label], label)
    guesses = read_labels(table.arrays[predicted], predicted)
    present = labels.present & guesses.present
    notes += labels.notes
    confidence = _confidence(table, notes)
    read_as = f'Read as: y_true ← "{label}", predicted classes ← "{predicted}"'
    read_as += "." if confidence is None else f', confidence ← "{table.find("confidence")}".'
    groups = [
        Decisions(
            split or default_split,
            epoch,
            labels.values[kept].astype(np.str_),
            guesses.values[kept].astype(np.str_),
            None if confidence is None else confidence[kept],
        )
        for split, epoch, rows in row_groups(table, len(present))
        if (kept := np.flatnonzero(present) if rows is None else rows[present[rows]]).size
    ]
    if len(groups) == 1 and (second := shares_of_second(groups[0])) is not None:
        ids = column_of(table, "ids", None)
        usable = ids is not None and ids.shape == present.shape and ids.dtype.kind != "f"
        notes.append("There are two classes: the other one has the rest of the probability.")
        predictions = Predictions.from_arrays(
            groups[0].y_true,
            probs=second,
            classes=groups[0].classes,
            split=groups[0].split,
            epoch=groups[0].epoch,
            ids=ids[present] if ids is not None and usable else None,
        )
        return InMemorySource([predictions], name=name, notes=(read_as, *notes))
    history, said = history_of(groups, options)
    return InMemorySource(history=history, name=name, notes=(read_as, *said, *notes))


def _confidence(table: PredictionColumns, notes: list[str]) -> npt.NDArray[np.float64] | None:
    label = table.find("confidence")
    if label is None or table.arrays[label].ndim > 1 or table.arrays[label].dtype.kind not in "fiu":
        return None
    shares = np.ma.filled(np.ma.asarray(table.arrays[label]).astype(np.float64), np.nan)
    if np.nanmax(shares) > 1.0 and np.nanmax(shares) <= 100.0 and np.nanmin(shares) >= 0.0:
        notes.append(f'"{label}" is in percent: it was divided by 100.')
        shares = shares / 100.0
    if not np.all((shares >= 0.0) & (shares <= 1.0)):
        notes.append(f'"{label}" was left out: it holds values that are no probabilities.')
        return None
    return np.asarray(shares)
