"""Files of predictions of several models: which of them is meant, and which rows are its."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from whyloss.errors import DataError
from whyloss.formatting import format_percent, pluralize
from whyloss.readers.files.choice import MOST_NAMED, PART_WORDS, RUN_WORDS, choose
from whyloss.readers.files.prediction_columns import PredictionColumns, ScoreColumn
from whyloss.readers.logs.metric_names import words_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from whyloss.readers.options import ReadOptions

_SUM_TOLERANCE = 0.05


def of_one_model(
    table: PredictionColumns, options: ReadOptions, place: str, notes: list[str]
) -> tuple[PredictionColumns, ReadOptions]:
    """Keep the rows of the model, run or fold that is meant.

    Parameters
    ----------
    table : PredictionColumns
    options : ReadOptions
    place : str
        The name of the file.
    notes : list of str
        Receives that rows of several folds were taken together.

    Returns
    -------
    PredictionColumns
    ReadOptions
        Without ``model``, if a column settled it.

    Raises
    ------
    DataError
        The samples come several times, and none of the models is chosen.
    """
    length = max((len(values) for values in table.arrays.values()), default=0)
    for label, values in table.arrays.items():
        words = " ".join(words_of(label))
        if table.mapped.get(label) != "model" and words not in RUN_WORDS | PART_WORDS:
            continue
        if values.shape != (length,) or label == table.find("labels"):
            continue
        names = [str(cell) for cell in values.tolist()]
        present = list(dict.fromkeys(names))
        if len(present) < 2 and options.model is None:
            continue
        if options.model is None and words in PART_WORDS and not _repeats(table, names):
            notes.append(
                f'The rows of {pluralize(len(present), "value")} of "{label}" are taken together: '
                "no sample comes twice. One of them alone is read with --model."
            )
            continue
        chosen = choose(
            present,
            options.model,
            what=f"values of {label!r}",
            place=place,
            lines=_lines(table, names, present),
        )
        rows = np.array([name == chosen for name in names])
        arrays = {
            name: array[rows] if array.shape[:1] == (length,) else array
            for name, array in table.arrays.items()
            if name != label
        }
        return PredictionColumns(arrays, table.mapped), replace(options, model=None)
    if table.guesses and not table.scores:
        lines = {name: _line(table.arrays[column], table) for name, column in table.guesses.items()}
        chosen = choose(table.guesses, options.model, what="models", place=place, lines=lines)
        mapped = table.mapped | {table.guesses[chosen]: "predicted"}
        return PredictionColumns(table.arrays, mapped), replace(options, model=None)
    return table, options


def _lines(table: PredictionColumns, names: list[str], present: list[str]) -> dict[str, str]:
    """How many rows each model has, and how many of its predicted classes are right."""
    predicted = table.find("predicted")
    guesses = None if predicted is None else table.arrays[predicted]
    each = np.array(names)
    return {
        name: f"{int((each == name).sum()):,} rows"
        if guesses is None
        else _line(guesses, table, each == name)
        for name in present[:MOST_NAMED]
    }


def _line(
    guesses: npt.NDArray[Any], table: PredictionColumns, rows: npt.NDArray[np.bool_] | None = None
) -> str:
    labels = table.arrays[table.find("labels") or ""]
    kept = np.ones(len(labels), dtype=np.bool_) if rows is None else rows
    right = np.asarray(labels[kept].astype(np.str_) == guesses[kept].astype(np.str_))
    return f"{format_percent(float(right.mean()))} of {len(right):,} right"


def _repeats(table: PredictionColumns, names: list[str]) -> bool:
    """Whether a sample comes under more than one name."""
    ids = table.find("ids")
    if ids is None or table.arrays[ids].shape != (len(names),):
        return False
    first: dict[Any, str] = {}
    return any(
        first.setdefault(sample, name) != name
        for sample, name in zip(table.arrays[ids].tolist(), names, strict=True)
    )


def model_of(
    family: list[ScoreColumn],
    table: PredictionColumns,
    labels: npt.NDArray[Any],
    options: ReadOptions,
    place: str,
) -> list[ScoreColumn]:
    """Keep the columns of the model that is meant, where they are of several.

    Parameters
    ----------
    family : list of ScoreColumn
        Columns of one scale, split and epoch.
    table : PredictionColumns
    labels : ndarray
        The true labels, by whose names the classes among the names of columns are known.
    options : ReadOptions
    place : str

    Returns
    -------
    list of ScoreColumn
        With the names of classes, or without where the columns name models.

    Raises
    ------
    DataError
        Several models are there, and none is chosen.
    """
    names = [score.class_name for score in family]
    if len(family) > 1 and any(table.arrays[score.label].ndim > 1 for score in family):
        chosen = choose(names, options.model, what="models", place=place)
        return [replace(score, class_name="") for score in family if score.class_name == chosen]
    classes = {str(label) for label in _distinct(labels)}
    parted = [_part(name, classes) for name in names]
    heads = dict.fromkeys(head for head, _ in parted)
    if len(classes) > 1 and all(name for _, name in parted) and "" not in heads:
        chosen = choose(heads, options.model, what="models", place=place)
        return [
            replace(score, class_name=name)
            for score, (head, name) in zip(family, parted, strict=True)
            if head == chosen
        ]
    if options.model is not None and options.model in names:
        return [replace(family[names.index(options.model)], class_name="")]
    if len(family) > 1 and _are_models(family, table, classes):
        chosen = choose(names, options.model, what="models", place=place)
        return [replace(score, class_name="") for score in family if score.class_name == chosen]
    if options.model is not None:
        raise DataError(
            f"There are no scores of a model {options.model!r}",
            expected="a column named after it, or a column that names the models",
            got=", ".join(score.label for score in family)[:200],
        )
    return family


def _distinct(labels: npt.NDArray[Any]) -> list[Any]:
    if labels.ndim > 1:
        return []
    values = np.ma.asarray(labels).compressed().tolist()
    whole = [int(v) if isinstance(v, float) and v.is_integer() else v for v in values if v == v]  # noqa: PLR0124
    return list(dict.fromkeys(whole))


def _part(name: str, classes: set[str]) -> tuple[str, str]:
    """Part a name into a model and a class: ``net_cat`` is net and cat; "" where it names none."""
    if name in classes:
        return "", name
    for separator in re.finditer(r"[_ \-./:]+", name):
        front, back = name[: separator.start()], name[separator.end() :]
        if back in classes and front:
            return front, back
        if front in classes and back:
            return back, front
    return "", ""


def _are_models(family: list[ScoreColumn], table: PredictionColumns, classes: set[str]) -> bool:
    """Whether columns of probabilities are one output each of several models of two classes."""
    names = {score.class_name for score in family}
    if len(classes) > 2 or classes & names or any(score.scale != "probs" for score in family):
        return False
    if len({table.arrays[score.label].shape for score in family}) > 1:
        return False
    sums = np.sum([np.ma.getdata(table.arrays[score.label]) for score in family], axis=0)
    return bool(np.mean(np.abs(sums - 1.0) > _SUM_TOLERANCE) > 0.1)
