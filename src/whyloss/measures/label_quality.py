"""Which labels look wrong: rankings for review."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from whyloss.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from whyloss.measures.estimates.intervals import FloatVector
    from whyloss.measures.losses.logits import PerSample

SuspectScore = Literal["margin", "self_confidence", "normalized_margin"]

MARGIN_ACCURACY = 0.85  # from here on the margin ranks better in most benchmarks


def suggested_score(accuracy: float) -> SuspectScore:
    """Score that ranks label errors best for a model of that accuracy.

    Parameters
    ----------
    accuracy : float
        0 to 1.

    Returns
    -------
    {"margin", "self_confidence"}
    """
    return "margin" if accuracy >= MARGIN_ACCURACY else "self_confidence"


def suspect_scores(samples: PerSample, score: SuspectScore = "margin") -> FloatVector:
    """How much the model disagrees with each label; larger is more suspect.

    With p the probability of the label and q the largest of another class: ``margin`` is
    ``ln q - ln p`` (nats), ``self_confidence`` is ``1 - p``, ``normalized_margin`` is ``q - p``
    (Northcutt, Jiang and Chuang 2021, 1911.00068).

    Parameters
    ----------
    samples : PerSample
    score : {"margin", "self_confidence", "normalized_margin"}, default "margin"

    Returns
    -------
    ndarray of float64, shape (n_samples,)
        NaN where the row is no prediction; a label of probability 0 has the margin inf.
    """
    if score == "margin":
        return samples.margin
    if score == "self_confidence":
        return -np.expm1(-samples.log_loss)
    # The larger of p and q is the confidence, and the margin is the logarithm of their ratio.
    normalized: FloatVector = (
        -np.sign(samples.margin) * samples.confidence * np.expm1(-np.abs(samples.margin))
    )
    return normalized


def mean_over_epochs(scores: Iterable[FloatVector]) -> FloatVector:
    """Mean score of every sample over several epochs (arXiv 2510.16211).

    Parameters
    ----------
    scores : iterable of ndarray of float64, shape (n_samples,)
        The same samples in the same order; each array is read once and let go.

    Returns
    -------
    ndarray of float64, shape (n_samples,)
        Over the epochs at which the sample has a prediction, NaN where it never has one. One inf
        makes it inf: a label that was impossible once stays a suspect.
    """
    total: FloatVector | None = None
    for values in scores:
        if total is None:
            total, known = np.zeros(len(values)), np.zeros(len(values), dtype=np.int64)
            impossible = np.zeros(len(values), dtype=np.bool_)
        there = ~np.isnan(values)
        infinite = np.isposinf(values)
        impossible |= infinite
        known += there
        total += np.where(there & ~infinite, values, 0.0)
    if total is None:
        raise DataError("No epochs to take a mean over", expected="at least one")
    mean = np.full(len(total), np.nan)
    np.divide(total, known, out=mean, where=known > 0)
    mean[impossible] = np.inf
    return mean


def most_suspect(
    scores: FloatVector, top: int, *, then_by: FloatVector | None = None
) -> npt.NDArray[np.intp]:
    """Rows of the largest scores, largest first; a row whose score is NaN is never among them.

    Parameters
    ----------
    scores : ndarray of float64, shape (n_samples,)
    top : int
        How many rows at most.
    then_by : ndarray of float64, shape (n_samples,), optional
        Orders equal scores, largest first. All labels of probability 0 have the same infinite
        margin: the confidence tells the sure ones from the unsure. What still ties stays in the
        order of the rows.
    """
    rows = np.flatnonzero(~np.isnan(scores))
    top = max(0, min(top, len(rows)))
    if 0 < top < len(rows):  # sort no more than the top and what ties with its end
        last = np.partition(scores[rows], len(rows) - top)[len(rows) - top]
        rows = rows[scores[rows] >= last]
    second = np.zeros(len(rows)) if then_by is None else then_by[rows]
    return rows[np.lexsort((-second, -scores[rows]))[:top]]
