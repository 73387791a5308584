"""Which classes are taken for which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from whyloss.evidence import Evidence

MAX_CLASSES = 10  # of a whole matrix; of more classes only pairs are told
MAX_PAIRS = 30


@dataclass(frozen=True)
class ConfusedPair:
    """Samples of one class that are taken for another.

    Attributes
    ----------
    label, predicted : str
        Class names.
    samples : int
    share : float
        Of the samples with that label.
    """

    label: str
    predicted: str
    samples: int
    share: float


@dataclass(frozen=True)
class Confusion:
    """Labels against predictions at the epoch in question, each sample counted once.

    Attributes
    ----------
    classes : tuple of str
    counts : tuple of tuple of int, or None
        Samples by label, then by predicted class; None where there are too many classes.
    pairs : tuple of ConfusedPair
        The pairs of different classes with most samples, largest first.
    n_pairs : int
        Pairs of different classes that occur at all.
    n_wrong : int
        Samples that are taken for another class.
    """

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...] | None
    pairs: tuple[ConfusedPair, ...]
    n_pairs: int
    n_wrong: int


def confusion(evidence: Evidence) -> Confusion | None:
    """Count labels against predictions; None where nothing is predicted.

    Parameters
    ----------
    evidence : Evidence
    """
    if not evidence.epochs or not evidence.last.n_predicted:
        return None
    shot = evidence.last
    names = shot.predictions.classes
    k = len(names)
    y_true = shot.predictions.y_true[shot.predicted].astype(np.int64)
    y_pred = shot.samples.y_pred[shot.predicted].astype(np.int64)
    of_class = np.bincount(y_true, minlength=k)
    wrong = y_true != y_pred
    # Only pairs that occur: a matrix of all classes may be larger than the predictions.
    codes, samples = np.unique(y_true[wrong] * k + y_pred[wrong], return_counts=True)
    order = np.argsort(-samples, kind="stable")[:MAX_PAIRS]
    counts = None
    if k <= MAX_CLASSES:
        matrix = np.bincount(y_true * k + y_pred, minlength=k * k).reshape(k, k)
        counts = tuple(tuple(row) for row in matrix.tolist())
    return Confusion(
        classes=tuple(names) if counts else (),
        counts=counts,
        pairs=tuple(
            ConfusedPair(names[code // k], names[code % k], n, n / int(of_class[code // k]))
            for code, n in zip(codes[order].tolist(), samples[order].tolist(), strict=True)
        ),
        n_pairs=len(codes),
        n_wrong=int(np.count_nonzero(wrong)),
    )
