"""Which classes are taken for which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from whyloss.results.samples import ConfusedPair, Confusion

if TYPE_CHECKING:
    from whyloss.evidence import Evidence

MAX_CLASSES = 10  # of a whole matrix; of more classes only pairs are listed
MAX_PAIRS = 30


def confusion(evidence: Evidence) -> Confusion | None:
    """Count labels against predictions; None where nothing is predicted.

    Parameters
    ----------
    evidence : Evidence
    """
    if not evidence.epochs or not evidence.last.n_predicted:
        return None
    facts = evidence.last
    names = facts.predictions.classes
    k = len(names)
    y_true = facts.predictions.y_true[facts.predicted].astype(np.int64)
    y_pred = facts.samples.y_pred[facts.predicted].astype(np.int64)
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
