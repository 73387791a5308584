"""Predictions out of named arrays: which are the labels, which the scores, and on which scale."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from whyloss.data import SCALES, InMemorySource, Predictions, Scale
from whyloss.errors import DataError
from whyloss.readers.logs.metric_names import SPLIT_WORDS, words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy.typing as npt

    from whyloss.readers.options import ReadOptions

    Arrays = Mapping[str, npt.NDArray[Any]]

_LABELS = [
    "y true",
    "ytrue",
    "true label",
    "true labels",
    "label",
    "labels",
    "target",
    "targets",
    "gold",
    "gold label",
    "gold labels",
    "ground truth",
    "truth",
    "true class",
    "gt",
    "y",
    "true",
    "actual",
    "given label",
    "y test",
    "y val",
    "classes true",
]
_IDS = [
    "id",
    "ids",
    "guid",
    "sample id",
    "example id",
    "uid",
    "idx",
    "index",
    "filename",
    "file",
    "path",
    "image",
]
_SPLITS = ["split", "set", "subset", "partition"]
_WEIGHTS = ["weight", "weights", "sample weight", "sample weights"]
_CLASSES = ["classes", "class names", "label names", "classnames"]
_EPOCHS = ["epoch", "epochs"]
_KINDS: tuple[tuple[str, Scale | None], ...] = (
    (r"logits?", "logits"),
    (r"log[_ -]?(?:probs?|probas?|probabilit(?:y|ies)|softmax)|logp", "log_probs"),
    (r"probs?|probas?|probabilit(?:y|ies)|softmax|p", "probs"),
    (r"scores?|preds?|predictions?|outputs?|yhat|confidences?", None),
)
_NAMED = [
    (
        re.compile(
            rf"(?:y[_ -]?|pred[_ -])?(?:{words})(?:[_ \W]+(?P<name>.+)|(?P<digits>\d+))?",
            re.IGNORECASE,
        ),
        re.compile(rf"(?P<name>.+?)[_ \W]+(?:{words})", re.IGNORECASE),
        scale,
    )
    for words, scale in _KINDS
]
_EPOCH = re.compile(r"(?P<name>.+?)[_ -]*epoch[_ =-]*(?P<epoch>\d{1,9})", re.IGNORECASE)
_DEFAULT_SPLIT = "val"


@dataclass(frozen=True)
class _Score:
    """One array of scores, or one class of them."""

    label: str
    scale: Scale | None
    class_name: str
    split: str | None
    epoch: int | None


def looks_like_predictions(columns: Arrays) -> bool:
    """Whether there are labels beside scores, or arrays that only predictions have."""
    scores = [score for name in columns if (score := _score(name, columns[name])) is not None]
    known = [score for score in scores if score.scale is not None]
    return bool(scores) and (
        _find(columns, _LABELS) is not None or any(columns[score.label].ndim > 1 for score in known)
    )


def read_predictions(
    columns: Arrays, options: ReadOptions, name: str, notes: Iterable[str] = ()
) -> InMemorySource:
    """Make predictions of named arrays.

    Parameters
    ----------
    columns : mapping of str to ndarray
        Arrays of shape (n_samples,), (n_samples, n_classes) or (n_epochs, n_samples, n_classes).
    options : ReadOptions
        Its ``scale`` settles what names do not tell.
    name : str
        What to call the source; a split in it counts where the data name none.
    notes : iterable of str, optional
        What to tell beside what is told here.

    Raises
    ------
    DataError
        Labels are missing, or the scale is not settled.
    """
    columns = {label: values for label, values in columns.items() if values.ndim}
    if _find(columns, _LABELS) is None:
        raise DataError(
            "There are scores, but no labels to compare them with",
            expected="a column such as y_true or label",
            got=", ".join(columns)[:200],
        )
    mapping, predictions = [], []
    default = _split_in(name) or _DEFAULT_SPLIT
    for (split, epoch), family in sorted(_families(columns, options).items(), key=str):
        scale = family[0].scale or options.scale
        labels, ids = _find(columns, _LABELS, split), _find(columns, _IDS, split)
        if scale is None:
            raise _unsettled(family)
        if labels is None:
            raise DataError(
                f"There are scores of {split}, but no labels of it",
                expected=f"a column such as {split}_labels",
                got=", ".join(columns)[:200],
            )
        mapping += [f'y_true ← "{labels}"', f"{scale} ← {_quoted(family)}"]
        mapping += [f'ids ← "{ids}"'] if ids is not None else []
        predictions += _Reader(columns, labels, ids, default).build(scale, family, split, epoch)
    told = f"Read as: {', '.join(dict.fromkeys(mapping))}."
    return InMemorySource(predictions, name=name, notes=(told, *notes))


def _unsettled(family: list[_Score]) -> DataError:
    return DataError(
        f"Whether {_quoted(family)} are logits or probabilities is not told by the name",
        expected="a name with logits, log_probs or probs in it",
        got=", ".join(score.label for score in family[:4]),
        hint=f"Settle it with --scale {'|'.join(SCALES)}.",
    )


def _quoted(family: list[_Score]) -> str:
    first, last = family[0].label, family[-1].label
    return f'"{first}"' if len(family) == 1 else f'"{first}" … "{last}"'


def _find(columns: Arrays, names: list[str], split: str | None = None) -> str | None:
    """Find the column that is called one of the names, the best of which come first.

    Of those that name a split, such as ``val_labels``, the one of `split` is the best.
    """
    by_name: dict[tuple[str, str | None], str] = {}
    for column in columns:
        words = words_of(column)
        prefix = SPLIT_WORDS.get(words[0]) if len(words) > 1 else None
        by_name.setdefault((" ".join(words[1:] if prefix else words), prefix), column)
    for wanted in names:
        order = (split, None) if split else (None, *dict.fromkeys(SPLIT_WORDS.values()))
        for prefix in order:
            if (wanted, prefix) in by_name:
                return by_name[wanted, prefix]
    return None


def _split_in(name: str) -> str | None:
    words = words_of(name)
    return next((SPLIT_WORDS[word] for word in words if word in SPLIT_WORDS), None)


def _score(label: str, values: npt.NDArray[Any]) -> _Score | None:
    """Say what scores a column holds; None where it holds none."""
    if values.dtype.kind not in "fiu" or not values.ndim:
        return None
    name, epoch = label, None
    if told := _EPOCH.fullmatch(name):
        name, epoch = told["name"], int(told["epoch"])
    split = None
    first, _, rest = name.partition("_")
    if rest and first.casefold() in SPLIT_WORDS:
        split, name = SPLIT_WORDS[first.casefold()], rest
    for front, back, scale in _NAMED:
        if found := front.fullmatch(name):
            return _Score(label, scale, found["name"] or found["digits"] or "", split, epoch)
        if (found := back.fullmatch(name)) and values.ndim == 1:
            return _Score(label, scale, found["name"], split, epoch)
    if name.isdigit() and values.dtype.kind == "f":
        return _Score(label, None, name, split, epoch)
    return None


def _families(
    columns: Arrays, options: ReadOptions
) -> dict[tuple[str | None, int | None], list[_Score]]:
    """Gather the scores of each split and epoch, on the best scale that there is."""
    scores = [
        score for name, values in columns.items() if (score := _score(name, values)) is not None
    ]
    scales: list[Scale | None] = [
        scale for scale in SCALES if any(score.scale == scale for score in scores)
    ]
    wanted = options.scale if options.scale in scales else scales[0] if scales else None
    found: dict[tuple[str | None, int | None], list[_Score]] = {}
    for score in scores:
        if score.scale == wanted:
            found.setdefault((score.split, score.epoch), []).append(score)
    if not found:
        raise DataError(
            "There are labels, but no scores of a classifier",
            expected="columns such as logits, probs or p_<class>",
            got=", ".join(columns)[:200],
        )
    for family in found.values():
        whole = [score for score in family if not score.class_name]
        if whole and len(family) > 1:
            family[:] = whole[:1] if columns[whole[0].label].ndim > 1 else family
    return found


@dataclass
class _Reader:
    """Builds predictions from what was found."""

    columns: Arrays
    labels: str
    ids: str | None
    split: str

    def build(
        self, scale: Scale, family: list[_Score], split: str | None, epoch: int | None
    ) -> list[Predictions]:
        """Give the predictions of one family of columns: one per epoch and split in them."""
        scores, classes = self._scores(family)
        if scores.ndim == 3:
            return [
                self._one({scale: part}, classes, split, number)
                for number, part in zip(self._epochs(len(scores)), scores, strict=True)
            ]
        marks = self._marks(len(scores))
        if marks is None:
            return [self._one({scale: scores}, classes, split, epoch)]
        return [
            self._one(
                {scale: scores[rows]},
                classes,
                which or split,
                epoch if at is None else at,
                rows=rows,
            )
            for (which, at), rows in marks.items()
        ]

    def _scores(self, family: list[_Score]) -> tuple[npt.NDArray[Any], list[Any] | None]:
        """Give the scores, and the names of the classes where the columns name them."""
        if len(family) == 1:
            named = _find(self.columns, _CLASSES)
            values = self.columns[family[0].label]
            told = [] if named is None else list(self.columns[named].tolist())
            return values, told if len(told) == values.shape[-1] > 1 else None
        shapes = {self.columns[score.label].shape for score in family}
        if len(shapes) > 1 or len(next(iter(shapes))) > 1:
            raise DataError(
                f"The columns {_quoted(family)} do not fit together",
                expected="one number per sample in each",
                got=" and ".join(map(str, sorted(shapes))),
            )
        classes: list[Any] | None = [score.class_name for score in family]
        if all(score.class_name.isdecimal() for score in family):
            family = sorted(family, key=lambda score: int(score.class_name))
            numbers = [int(score.class_name) for score in family]
            classes = None if numbers == list(range(len(numbers))) else numbers
        return np.column_stack([self.columns[score.label] for score in family]), classes

    def _epochs(self, n_epochs: int) -> list[int]:
        named = _find(self.columns, _EPOCHS)
        if named is not None and self.columns[named].shape == (n_epochs,):
            return [_whole(epoch) for epoch in self.columns[named].tolist()]
        return list(range(n_epochs))

    def _marks(
        self, n_rows: int
    ) -> dict[tuple[str | None, int | None], npt.NDArray[np.intp]] | None:
        """Group the rows by columns that name the split and the epoch."""
        names = [_find(self.columns, _SPLITS), _find(self.columns, _EPOCHS)]
        marks = [
            self.columns[name].tolist()
            if name is not None and self.columns[name].shape == (n_rows,)
            else None
            for name in names
        ]
        if marks == [None, None]:
            return None
        rows: dict[tuple[str | None, int | None], list[int]] = {}
        for row in range(n_rows):
            split = None if marks[0] is None else str(marks[0][row])
            epoch = None if marks[1] is None else _whole(marks[1][row])
            known = SPLIT_WORDS.get(split.casefold(), split) if split is not None else None
            rows.setdefault((known, epoch), []).append(row)
        return {key: np.array(which, dtype=np.intp) for key, which in rows.items()}

    def _one(
        self,
        given: dict[str, Any],
        classes: list[Any] | None,
        split: str | None,
        epoch: int | None,
        *,
        rows: npt.NDArray[np.intp] | None = None,
    ) -> Predictions:
        ids = self._chosen(self.ids, rows)
        return Predictions.from_arrays(
            self._chosen(self.labels, rows),
            ids=None if ids is None or ids.dtype.kind == "f" else ids,
            classes=classes,
            split=split or self.split,
            epoch=epoch,
            weights=self._chosen(_find(self.columns, _WEIGHTS), rows),
            **given,
        )

    def _chosen(
        self, name: str | None, rows: npt.NDArray[np.intp] | None
    ) -> npt.NDArray[Any] | None:
        """Give the values of a column in some rows; None where there is no such column."""
        values = None if name is None else self.columns[name]
        return values if values is None or rows is None else values[rows]


def _whole(value: Any) -> int:  # noqa: ANN401 - a cell of any column
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise DataError(
            "An epoch of the predictions is no number",
            expected="whole numbers",
            got=f"{value!r:.40}",
        ) from None
