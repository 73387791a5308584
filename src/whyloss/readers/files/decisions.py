"""Predicted classes without scores: what they tell, and what they cannot."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from whyloss.data import History
from whyloss.errors import DataError
from whyloss.formatting import format_nats, format_percent, format_points, pluralize

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from whyloss.readers.options import ReadOptions

    Strings = npt.NDArray[np.str_]

_MOST_CLASSES = 10
_MOST_CONFUSIONS = 5
_Z95 = 1.96


@dataclass(frozen=True, eq=False)
class Decisions:
    """True and predicted classes of one split at one epoch.

    Attributes
    ----------
    split : str
    epoch : int or None
    y_true, y_pred : ndarray of str, shape (n_samples,)
    confidence : ndarray of float64, shape (n_samples,), or None
        The probability of the predicted class.
    """

    split: str
    epoch: int | None
    y_true: Strings
    y_pred: Strings
    confidence: npt.NDArray[np.float64] | None = None

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        """Whether each prediction is right."""
        return np.asarray(self.y_true == self.y_pred)

    @property
    def classes(self) -> list[str]:
        """The classes that occur, in order."""
        present = {*self.y_true.tolist(), *self.y_pred.tolist()}
        whole = all(name.lstrip("-").isdecimal() for name in present)
        return sorted(present, key=int if whole else None)


def shares_of_second(group: Decisions) -> npt.NDArray[np.float64] | None:
    """Give the probability of the second of two classes, from that of the predicted one.

    Parameters
    ----------
    group : Decisions

    Returns
    -------
    ndarray of float64, shape (n_samples,), or None
        None where there are more classes, or the confidence is not that of the predicted class.
    """
    classes = group.classes
    if group.confidence is None or len(classes) != 2 or group.confidence.min() < 0.5 - 1e-6:
        return None
    return np.where(group.y_pred == classes[1], group.confidence, 1.0 - group.confidence)


def history_of(groups: Sequence[Decisions], options: ReadOptions) -> tuple[History, list[str]]:
    """Make curves of predicted classes, and say what they tell.

    Parameters
    ----------
    groups : sequence of Decisions
        At least one.
    options : ReadOptions

    Returns
    -------
    History
        Accuracy, precision, recall and F1: of the second of two classes, else means over the
        classes that occur.
    list of str
        One sentence each: the classes, the confusions, the confidence.

    Raises
    ------
    DataError
        Predicted classes and labels have no value in common.
    """
    last = next((group for group in reversed(groups) if group.split == "val"), groups[-1])
    classes = last.classes
    if len(classes) > 1 and not {*last.y_true.tolist()} & {*last.y_pred.tolist()}:
        raise DataError(
            "The predicted classes and the labels have no value in common",
            expected="the same names or numbers in both",
            got=f"labels such as {last.y_true[0]!r} and predictions such as {last.y_pred[0]!r}",
            hint='Choose columns with --map "their name=labels" and --map "their name=predicted".',
        )
    history = History.from_rows(
        {"epoch": group.epoch or 0, "split": group.split, **_scores(group)} for group in groups
    )
    sizes = {group.split: len(group.y_true) for group in groups}
    shares = tuple(float(np.mean(last.y_true == name)) for name in classes)
    history = replace(
        history,
        n_classes=options.n_classes or (len(classes) if len(classes) > 1 else None),
        n_val=options.n_val or sizes.get(last.split),
        n_train=options.n_train or sizes.get("train"),
        class_shares=options.class_shares or (shares if len(classes) > 1 else None),
        task=options.task or ("binary" if len(classes) == 2 else None),
    )
    return history, _notes(last)


def _per_class(group: Decisions) -> dict[str, tuple[float, float]]:
    """Precision and recall of each class; NaN where nothing was predicted, or nothing is true."""
    rates = {}
    for name in group.classes:
        true, predicted = group.y_true == name, group.y_pred == name
        hits = float(np.count_nonzero(true & predicted))
        rates[name] = (
            hits / predicted.sum() if predicted.any() else np.nan,
            hits / true.sum() if true.any() else np.nan,
        )
    return rates


def _scores(group: Decisions) -> dict[str, float]:
    rates = _per_class(group)
    counted = list(rates.values())[-1:] if len(rates) == 2 else list(rates.values())
    # As is usual, a class that is never predicted, or never true, counts as 0.
    pairs = np.nan_to_num(np.array(counted))
    f1 = [2 * p * r / (p + r) if p + r else 0.0 for p, r in pairs.tolist()]
    scores = {
        "accuracy": float(group.right.mean()),
        "precision": float(pairs[:, 0].mean()),
        "recall": float(pairs[:, 1].mean()),
        "f1": float(np.mean(f1)),
    }
    if group.confidence is not None:
        scores["confidence"] = float(group.confidence.mean())
    return scores


def _notes(group: Decisions) -> list[str]:
    n_right = int(group.right.sum())
    counted = f"{n_right:,} of {pluralize(len(group.right), 'prediction')} are right"
    notes = [
        f"{counted} ({format_percent(group.right.mean())}).",
        "The cross-entropy is not known: it needs a probability or a logit for each class.",
    ]
    rates = sorted(_per_class(group).items(), key=lambda item: np.nan_to_num(item[1][1]))
    said = "; ".join(
        f"{name} {_share(precision)} and {_share(recall)}"
        for name, (precision, recall) in rates[:_MOST_CLASSES]
    )
    some = f" (the {_MOST_CLASSES} of the smallest recall)" if len(rates) > _MOST_CLASSES else ""
    notes.append(f"Precision and recall of the classes{some}: {said}.")
    wrong = ~group.right
    pairs = Counter(zip(group.y_true[wrong].tolist(), group.y_pred[wrong].tolist(), strict=True))
    if pairs:
        said = "; ".join(
            f"{true} predicted as {predicted}, {pluralize(count, 'time')}"
            for (true, predicted), count in pairs.most_common(_MOST_CONFUSIONS)
        )
        notes.append(f"Most frequent confusions: {said}.")
    return [*notes, *_confidence_notes(group)]


def _share(value: float) -> str:
    return "–" if np.isnan(value) else format_percent(value, 0)


def _confidence_notes(group: Decisions) -> list[str]:
    if group.confidence is None:
        return []
    difference = group.confidence - group.right
    mean = float(difference.mean())
    error = (
        float(difference.std(ddof=1) / np.sqrt(len(difference))) if len(difference) > 1 else np.inf
    )
    if abs(mean) <= _Z95 * error:
        story = "the two agree within chance"
    elif mean > 0:
        story = "the model is more confident than it is right"
    else:
        story = "the model is right more often than it is confident"
    # A wrong prediction leaves at most 1 − c to the true class.
    least = np.where(group.right, group.confidence, 1.0 - group.confidence)
    with np.errstate(divide="ignore"):
        bound = float(-np.log(least).mean())
    apart = f"{format_points(mean)} from the accuracy (± {100 * _Z95 * error:.1f})"
    return [
        f"The mean confidence is {format_percent(group.confidence.mean())}, {apart}: {story}.",
        f"The cross-entropy is {format_nats(bound)} nats or more, whatever the other classes got.",
    ]
