"""Predictions of one family of score columns: one set for each split and epoch in them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from whyloss.data import SCALES, Predictions, Scale
from whyloss.errors import DataError
from whyloss.formatting import pluralize
from whyloss.readers.files.labels import Labels, read_labels, refuse_regression
from whyloss.readers.files.models import model_of
from whyloss.readers.logs.metric_names import SPLIT_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from whyloss.readers.files.prediction_columns import PredictionColumns, ScoreColumn
    from whyloss.readers.options import ReadOptions

    Rows = npt.NDArray[np.intp]

# Sums of rounded probabilities, as of float16 or of a few decimals, lie this close to 1.
_ROUNDED = 0.03


@dataclass
class FamilyReader:
    """Builds predictions from one family of score columns.

    Attributes
    ----------
    table : PredictionColumns
    options : ReadOptions
    place : str
        The name of the file.
    default_split : str
        Of rows that name none.
    notes : list of str
        Receives what was changed or left out.
    mapping : list of str
        What each column was read as.
    """

    table: PredictionColumns
    options: ReadOptions
    place: str
    default_split: str
    notes: list[str]

    def __post_init__(self) -> None:
        self.mapping: list[str] = []

    def read(
        self, family: list[ScoreColumn], split: str | None, epoch: int | None
    ) -> list[Predictions]:
        """Give the predictions of a family of columns: one per epoch and split in them."""
        label = self.table.find("labels", split)
        if label is None:
            raise DataError(
                f"There are scores of {split}, but no labels of it",
                expected=f"a column such as {split}_labels",
                got=", ".join(self.table.arrays)[:200],
            )
        raw = self.table.arrays[label]
        family = model_of(family, self.table, raw, self.options, self.place)
        scores = self._scores(family)
        scale = family[0].scale or self.options.scale
        if scale is None:
            self._refuse_targets(raw, label)
            raise _unsettled(family, scores)
        self._say_mapping(label, scale, family, split)
        if scores.ndim == 3 and raw.shape == scores.shape[:2]:
            raw, scores = raw.reshape(-1), scores.reshape(-1, scores.shape[-1])
            self.notes.append("The labels have two dimensions: every position counts as a sample.")
        labels = read_labels(raw, label)
        self.notes += labels.notes
        labels, classes = self._classes(family, labels, scores)
        if scale == "probs":
            scores = self._rounded(scores)
        built = _Built(self, labels, scale, classes, split)
        if scores.ndim == 3:
            epochs = self._epochs(len(scores))
            return [built.one(part, at, None) for at, part in zip(epochs, scores, strict=True)]
        if len(labels.values) != len(scores):
            raise DataError(
                f'"{label}" and {_quoted(family)} differ in length',
                expected=f"{len(scores)} labels, one per row of scores",
                got=f"{len(labels.values)}",
            )
        return [
            built.one(scores, epoch if at is None else at, rows, which)
            for which, at, rows in row_groups(self.table, len(scores))
        ]

    def _refuse_targets(self, raw: npt.NDArray[Any], label: str) -> None:
        """Say that it is a regression, before a scale is asked for."""
        if raw.ndim == 1:
            refuse_regression(read_labels(raw, label), label)

    def _say_mapping(
        self, label: str, scale: Scale, family: list[ScoreColumn], split: str | None
    ) -> None:
        self.mapping += [f'y_true ← "{label}"', f"{scale} ← {_quoted(family)}"]
        for role in ("ids", "weights"):
            column = self.table.find(role, split)
            self.mapping += [f'{role} ← "{column}"'] if column is not None else []
        self.mapping += [f'slice ← "{column}"' for column in self.table.slices]

    def _scores(self, family: list[ScoreColumn]) -> npt.NDArray[Any]:
        if all(score.class_name.isdecimal() for score in family):
            family.sort(key=lambda score: int(score.class_name))
        arrays = [_filled(self.table.arrays[score.label]) for score in family]
        if len(family) == 1:
            return arrays[0]
        shapes = {array.shape for array in arrays}
        if len(shapes) > 1 or len(next(iter(shapes))) > 1:
            raise DataError(
                f"The columns {_quoted(family)} do not fit together",
                expected="one number per sample in each",
                got=" and ".join(map(str, sorted(shapes))),
            )
        return np.column_stack(arrays)

    def _classes(
        self, family: list[ScoreColumn], labels: Labels, scores: npt.NDArray[Any]
    ) -> tuple[Labels, list[Any] | None]:
        """Give the names of the classes where they are known, and labels that fit them."""
        n_columns = scores.shape[-1] if scores.ndim > 1 else 1
        named = self.table.find("classes")
        given = [] if named is None else list(self.table.arrays[named].tolist())
        if len(given) == max(2, n_columns) and len(given) != len(labels.values):
            return labels, given
        names = [score.class_name for score in family]
        if len(family) > 1:
            numbers = [int(name) for name in names] if all(map(str.isdecimal, names)) else None
            if numbers == list(range(len(names))):
                return labels, None
            return labels, numbers or list(names)
        values = labels.values[labels.present]
        present = sorted(set(values.tolist()), key=str) if len(values) else []
        if n_columns == 1:
            predicted = column_of(self.table, "predicted", family[0].split)
            flat = scores.reshape(-1)
            half = 0.5 if (family[0].scale or self.options.scale) == "probs" else 0.0
            implied = None if predicted is None else predicted_above(half, flat, predicted)
            return self._two_classes(names[0] or implied or "", labels, present)
        return self._counted_from_one(labels, present, n_columns), None

    def _two_classes(
        self, name: str, labels: Labels, present: list[Any]
    ) -> tuple[Labels, list[Any] | None]:
        """Tell the class of a lone column from its name, the predicted classes, or the labels."""
        by_name = {str(value).casefold(): value for value in present}
        if len(present) == 2 and name.casefold() in by_name:
            one = by_name.pop(name.casefold())
            return labels, [*by_name.values(), one]
        if labels.values.dtype.kind not in "OSU":
            if set(present) == {-1, 1}:
                self.notes.append("The labels are -1 and 1: they count as class 0 and class 1.")
                return replace(labels, values=(labels.values + 1) // 2), None
            if len(present) > 2:
                refuse_regression(labels, "labels")
            return labels, None
        if len(present) != 2:
            raise DataError(
                "One column of scores is of two classes, and the labels have others",
                expected="two different labels, or one column of scores per class",
                got=f"{pluralize(len(present), 'label')} such as "
                f"{', '.join(map(str, present[:6]))}",
            )
        column = self.mapping[1].partition("← ")[2]
        raise DataError(
            f"Of which class is {column} the score?",
            expected=f"a name with {present[0]} or {present[1]} in it",
            got=column,
            hint=f'Add --map "{column.strip(chr(34))}=probs.{present[1]}" if it is that of '
            f"{present[1]}.",
        )

    def _counted_from_one(self, labels: Labels, present: list[Any], n_columns: int) -> Labels:
        """Take one off labels that count from 1 to the number of columns."""
        if labels.values.dtype.kind not in "iu" or not present:
            return labels
        numbers = labels.values[labels.present]
        if numbers.min() != 1 or numbers.max() != n_columns:
            return labels
        self.notes.append(f"The labels count from 1: label 1 is the first of {n_columns} columns.")
        return replace(labels, values=labels.values - 1)

    def _rounded(self, scores: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Divide rounded probabilities by their sums, where these are close to 1."""
        if scores.ndim < 2 or scores.shape[-1] < 2 or scores.dtype.kind != "f":
            return scores
        sums = scores.sum(axis=-1, dtype=np.float64)
        off = np.abs(sums - 1.0)
        finite = np.isfinite(off)
        if not finite.any() or off[finite].max() > _ROUNDED or off[finite].max() < 5e-3:
            return scores
        self.notes.append(
            f"The probabilities of a row sum to {sums[finite].min():.4g} … "
            f"{sums[finite].max():.4g}, as rounded ones do: they were divided by their sum."
        )
        divided: npt.NDArray[np.float64] = scores / sums[..., None]
        return divided

    def _epochs(self, n_epochs: int) -> list[int]:
        named = self.table.find("epoch")
        if named is not None and self.table.arrays[named].shape == (n_epochs,):
            return [_whole(epoch) for epoch in self.table.arrays[named].tolist()]
        return list(range(n_epochs))


@dataclass(frozen=True)
class _Built:
    """What all the predictions of one family have in common."""

    reader: FamilyReader
    labels: Labels
    scale: Scale
    classes: list[Any] | None
    split: str | None

    def one(
        self,
        scores: npt.NDArray[Any],
        epoch: int | None,
        rows: Rows | None,
        which: str | None = None,
    ) -> Predictions:
        """Make the predictions of some rows, of those that have a label."""
        every = np.arange(len(self.labels.values)) if rows is None else rows
        kept = every[self.labels.present[every]]
        whole = len(scores) == len(self.labels.values)
        table = self.reader.table

        def chosen(values: npt.NDArray[Any] | None) -> npt.NDArray[Any] | None:
            return (
                None if values is None or len(values) != len(self.labels.values) else values[kept]
            )

        ids = column_of(table, "ids", self.split)
        return Predictions.from_arrays(
            self.labels.values[kept],
            ids=chosen(None if ids is None or ids.dtype.kind == "f" else ids),
            classes=self.classes,
            split=which or self.split or self.reader.default_split,
            epoch=epoch,
            weights=chosen(column_of(table, "weights", self.split)),
            slices={
                label: values[kept]
                for label, values in table.slices.items()
                if len(values) == len(self.labels.values)
            },
            **{self.scale: scores[kept] if whole else scores},
        )


def predicted_above(
    half: float, scores: npt.NDArray[Any], predicted: npt.NDArray[Any]
) -> str | None:
    """Tell the class of two that is predicted just where a column of scores exceeds one half.

    Parameters
    ----------
    half : float
        0.5 for probabilities, 0 for logits.
    scores, predicted : ndarray of shape (n_samples,)

    Returns
    -------
    str or None
        None where the predictions do not follow the scores in this way.
    """
    if predicted.shape != scores.shape:
        return None
    high = np.asarray(scores > half)
    above, below = set(predicted[high].tolist()), set(predicted[~high].tolist())
    if len(above) == 1 and len(below) == 1 and above != below:
        return str(above.pop())
    return None


def _filled(scores: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Put NaN where a cell is empty: the diagnosis counts and names those rows."""
    if not isinstance(scores, np.ma.MaskedArray):
        return scores
    return np.asarray(np.ma.filled(scores.astype(np.float64), np.nan))


def column_of(table: PredictionColumns, role: str, split: str | None) -> npt.NDArray[Any] | None:
    """Give the column of a role, of a split if columns name it; None where there is none."""
    label = table.find(role, split)
    return None if label is None else table.arrays[label]


def row_groups(
    table: PredictionColumns, n_rows: int
) -> Iterator[tuple[str | None, int | None, Rows | None]]:
    """Group the rows by columns that name the split and the epoch."""
    marks = [
        column.tolist() if column is not None and column.shape == (n_rows,) else None
        for column in (column_of(table, "split", None), column_of(table, "epoch", None))
    ]
    if marks == [None, None]:
        yield None, None, None
        return
    rows: dict[tuple[str | None, int | None], list[int]] = {}
    for row in range(n_rows):
        split = None if marks[0] is None else str(marks[0][row])
        epoch = None if marks[1] is None else _whole(marks[1][row])
        split = SPLIT_WORDS.get(split.casefold(), split) if split is not None else None
        rows.setdefault((split, epoch), []).append(row)
    for (split, epoch), which in rows.items():
        yield split, epoch, np.array(which, dtype=np.intp)


def _whole(value: Any) -> int:  # noqa: ANN401 - a cell of any column
    try:
        if isinstance(value, str) or int(value) == value:
            return int(value)
    except (TypeError, ValueError, OverflowError):
        pass
    raise DataError(
        "The epochs of the predictions must be whole numbers",
        expected="such as 3",
        got=f"{value!r:.40}",
    )


# --- the scale ------------------------------------------------------------------------------------


def _quoted(family: list[ScoreColumn]) -> str:
    first, last = family[0].label, family[-1].label
    return f'"{first}"' if len(family) == 1 else f'"{first}" … "{last}"'


def _unsettled(family: list[ScoreColumn], scores: npt.NDArray[Any]) -> DataError:
    likely, why = _likely_scale(scores)
    others = " or ".join(scale for scale in SCALES if scale != likely)
    return DataError(
        f"Is {_quoted(family)} logits or probabilities? The name does not tell",
        expected="a name with logits, log_probs or probs in it, or --scale",
        got=", ".join(score.label for score in family[:4]),
        hint=f"Add --scale {likely} ({why}), or else --scale {others}.",
    )


def _likely_scale(scores: npt.NDArray[Any]) -> tuple[Scale, str]:
    finite = scores[np.isfinite(scores)] if scores.dtype.kind == "f" else scores
    if finite.size and finite.min() >= 0 and finite.max() <= 1:
        return "probs", "all values lie between 0 and 1"
    if finite.size and finite.max() <= 0:
        return "log_probs", "no value is above 0"
    return "logits", "some values are no probabilities"
