"""Which of several named arrays are the labels, the scores, the ids and so on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from whyloss.readers.logs.metric_names import SPLIT_WORDS, recognise, words_of
from whyloss.readers.options import PREDICTION_ROLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from whyloss.data import Scale

# The names that each role goes by, the best of them first.
_NAMES = {
    "labels": (
        "y true|ytrue|true label|true labels|label|labels|target|targets|gold|gold label|gold "
        "labels|"
        "ground truth|groundtruth|truth|true class|gt|y|true|actual|actual label|actual class|"
        "given label|y test|y val|classes true|correct label|true name|expected|class|category"
    ),
    "predicted": (
        "y pred|ypred|pred|preds|predicted|prediction|predictions|pred label|pred labels|"
        "predicted label|predicted labels|pred class|predicted class|yhat|y hat|pred name|"
        "predicted name|argmax|model prediction|output label"
    ),
    "confidence": (
        "confidence|conf|max prob|max probability|top prob|top1 prob|top1 probability|pred prob|"
        "pred probability|predicted prob|pred confidence|prediction confidence|confidence score|"
        "pred score|max softmax|probability|prob|proba|y prob|y proba|score|scores|probs"
    ),
    "ids": "id|ids|guid|sample id|example id|uid|idx|index|filename|file|path|image|image "
    "id|image name|img|row id|sample",
    "split": "split|set|subset|partition",
    "epoch": "epoch|epochs",
    "weights": "weight|weights|sample weight|sample weights",
    "classes": "classes|class names|label names|classnames",
}
_KINDS: tuple[tuple[str, Scale | None], ...] = (
    (r"logits?", "logits"),
    (r"log[_ -]?(?:probs?|probas?|probabilit(?:y|ies)|softmax)|logp", "log_probs"),
    (r"probs?|probas?|probabilit(?:y|ies)|softmax|p", "probs"),
    (r"scores?|preds?|predictions?|outputs?|yhat|confidences?", None),
)
_SCORES = [
    (
        re.compile(
            rf"(?:y[_ -]?|pred[_ -]|oof[_ -])?(?:{words})(?:[_ \W]+(?P<name>.+)|(?P<digits>\d+))?",
            re.IGNORECASE,
        ),
        re.compile(rf"(?P<name>.+?)[_ \W]+(?:{words})", re.IGNORECASE),
        scale,
    )
    for words, scale in _KINDS
]
_EPOCH = re.compile(r"(?P<name>.+?)[_ -]*epoch[_ =-]*(?P<epoch>\d{1,9})", re.IGNORECASE)
_ONE_LABEL = re.compile(
    r"(?:y[_ ]?true|true|y|labels?|targets?|gt|gold)[_ .-]+(?P<name>.+)|(?P<before>.+?)[_ "
    r".-]+(?:true|gt|label)",
    re.IGNORECASE,
)
_GUESS = re.compile(
    r"(?P<before>.+?)[_ .-]+(?:y[_ ]?)?pred(?:s|icted|ictions?)?|"
    r"(?:y[_ ]?)?pred(?:s|icted|ictions?)?[_ .-]+(?P<after>.+)",
    re.IGNORECASE,
)
_LIST = re.compile(r"[\[(]\s*[01](?:\.0*)?(?:[\s,]+[01](?:\.0*)?)+\s*,?\s*[\])]")
_LOOKED_AT = 200  # cells of a column


@dataclass(frozen=True)
class ScoreColumn:
    """One array of scores: of all classes, or of one of them.

    Attributes
    ----------
    label : str
        Its name.
    scale : {"logits", "log_probs", "probs"} or None
        None where the name does not tell.
    class_name : str
        The class, or the model, that the name tells; "" where it tells none.
    split : str or None
    epoch : int or None
    """

    label: str
    scale: Scale | None
    class_name: str
    split: str | None = None
    epoch: int | None = None


class PredictionColumns:
    """Named arrays with one value or one row per sample, and what each of them is.

    Parameters
    ----------
    arrays : mapping of str to ndarray
    mapped : mapping of str to str
        What the caller says: names, and one of the roles of predictions, or ``probs.<class>``.
    """

    def __init__(self, arrays: Mapping[str, npt.NDArray[Any]], mapped: Mapping[str, str]) -> None:
        self.arrays = {label: values for label, values in arrays.items() if values.ndim}
        self.mapped = {
            label: mapped[label]
            for label in self.arrays
            if label in mapped and mapped[label].partition(".")[0] in PREDICTION_ROLES
        }

    def find(self, role: str, split: str | None = None) -> str | None:
        """Find the column of a role.

        Parameters
        ----------
        role : str
            One of the roles of predictions, or "classes".
        split : str, optional
            Of columns that name a split, such as ``val_labels``, the one of this split is the best.
        """
        for label, ours in self.mapped.items():
            if ours == role:
                return label
        order = (split, None) if split else (None, *dict.fromkeys(SPLIT_WORDS.values()))
        for wanted in _NAMES[role].split("|"):
            for prefix in order:
                named = self._by_words.get((wanted, prefix))
                if named is not None and self._may_be(role, named):
                    return named
        return None

    def _may_be(self, role: str, label: str) -> bool:
        return role != "predicted" or _are_classes(self.arrays[label])

    @cached_property
    def _by_words(self) -> dict[tuple[str, str | None], str]:
        by_words: dict[tuple[str, str | None], str] = {}
        for label in self.arrays:
            if label in self.mapped:
                continue
            words = words_of(label)
            prefix = SPLIT_WORDS.get(words[0]) if len(words) > 1 else None
            by_words.setdefault((" ".join(words[1:] if prefix else words), prefix), label)
        return by_words

    @cached_property
    def slices(self) -> dict[str, npt.NDArray[Any]]:
        """The columns that the caller wants means to be split by."""
        return {label: self.arrays[label] for label, role in self.mapped.items() if role == "slice"}

    @cached_property
    def scores(self) -> list[ScoreColumn]:
        """The columns of scores; those without a scale in their names are among them."""
        mapped = [
            score for label, role in self.mapped.items() if (score := _mapped_score(label, role))
        ]
        if mapped:
            return mapped
        taken = {self.find("predicted"), *self.mapped, *self.guesses.values()}
        named = [
            score
            for label, values in self.arrays.items()
            if label not in taken and (score := _score(label, values)) is not None
        ]
        return named or self._named_as_classes()

    def _named_as_classes(self) -> list[ScoreColumn]:
        """Numbers under the names of the classes themselves."""
        label = self.find("labels")
        if label is None or self.arrays[label].dtype.kind not in "OSU":
            return []
        classes = set(map(str, self.arrays[label].ravel().tolist()))
        columns = [
            ScoreColumn(name, None, name)
            for name, values in self.arrays.items()
            if name in classes and values.dtype.kind == "f" and values.ndim == 1
        ]
        return columns if len(columns) > 1 else []

    @cached_property
    def guesses(self) -> dict[str, str]:
        """Columns of predicted classes that are called after models: model to column."""
        if self.find("labels") is None or self.find("predicted") is not None:
            return {}
        return {
            said["before"] or said["after"]: label
            for label, values in self.arrays.items()
            if (said := _GUESS.fullmatch(label)) and values.ndim == 1
            if values.dtype.kind != "f" and label not in self.mapped
        }

    @cached_property
    def label_columns(self) -> dict[str, str]:
        """Columns with one label each, as of one-hot or of multi-label tasks: class to column."""
        columns = {}
        for label, values in self.arrays.items():
            said = _ONE_LABEL.fullmatch(label)
            numbers = values.ndim == 1 and values.dtype.kind in "iufb"
            if said and numbers and set(np.unique(values[:_LOOKED_AT]).tolist()) <= {0, 1}:
                columns[said["name"] or said["before"]] = label
        return columns if len(columns) > 1 else {}

    @cached_property
    def lists_of_labels(self) -> str | None:
        """A column whose cells are lists of zeros and ones."""
        for label, values in self.arrays.items():
            if values.ndim == 1 and values.dtype.kind in "OSU" and len(values):
                cells = [str(cell) for cell in values[:_LOOKED_AT].tolist()]
                if all(_LIST.fullmatch(cell) for cell in cells):
                    return label
        return None

    @property
    def are_predictions(self) -> bool:
        """Whether these are predictions, and not curves."""
        known = [score for score in self.scores if score.scale is not None]
        curves = any(recognise(label).kind in {"metric", "index"} for label in self.arrays)
        if self.find("labels") is not None or self.label_columns:
            scored = bool(self.scores) or bool(self.guesses) or self.find("predicted") is not None
            return scored or (self.find("ids") is not None and not curves)
        if self.mapped or any(self.arrays[score.label].ndim > 1 for score in known):
            return True
        if self.lists_of_labels is not None or self._are_unnamed_shares():
            return True
        beside = self.find("ids") is not None or self.find("predicted") is not None
        return bool(known) and beside and not curves

    def _are_unnamed_shares(self) -> bool:
        """Whether every column is called as a class number is, and holds shares."""
        return len(self.arrays) > 1 and all(
            label.isdecimal()
            and values.dtype.kind == "f"
            and bool(np.all((values >= 0) & (values <= 1)))
            for label, values in self.arrays.items()
        )


def _are_classes(values: npt.NDArray[Any]) -> bool:
    """Whether values are names or whole numbers, as predicted classes are."""
    if values.ndim != 1:
        return False
    if values.dtype.kind != "f":
        return True
    finite = values[np.isfinite(values)]
    return bool(np.all(finite == np.round(finite)))


def _mapped_score(label: str, role: str) -> ScoreColumn | None:
    scale, _, class_name = role.partition(".")
    for known in ("logits", "log_probs", "probs"):
        if scale == known:
            return ScoreColumn(label, known, class_name)
    return None


def _score(label: str, values: npt.NDArray[Any]) -> ScoreColumn | None:
    """Say what scores a column holds; None where it holds none."""
    if values.dtype.kind not in "fiu":
        return None
    name, epoch = label, None
    if said := _EPOCH.fullmatch(name):
        name, epoch = said["name"], int(said["epoch"])
    split = None
    first, _, rest = name.partition("_")
    if rest and first.casefold() in SPLIT_WORDS:
        split, name = SPLIT_WORDS[first.casefold()], rest
    for front, back, scale in _SCORES:
        if said := front.fullmatch(name):
            return ScoreColumn(label, scale, said["name"] or said["digits"] or "", split, epoch)
        if (said := back.fullmatch(name)) and values.ndim == 1:
            return ScoreColumn(label, scale, said["name"], split, epoch)
    if name.isdecimal() and values.dtype.kind == "f":
        return ScoreColumn(label, None, name, split, epoch)
    return None
