"""Which labels look wrong: rankings for review, and how many there may be."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from whyloss.errors import DataError
from whyloss.measures.estimates.intervals import FloatVector, wilson
from whyloss.measures.losses.probabilities import probability_blocks
from whyloss.results.estimate import Estimate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from whyloss.data import Scale
    from whyloss.measures.losses.logits import PerSample

SuspectScore = Literal["margin", "self_confidence", "normalized_margin"]

MARGIN_ACCURACY = 0.85  # from here on the margin ranks better in most benchmarks
RATE_ERROR = 0.4  # relative error of the confident-joint rate on data with known label errors
FLOAT32_TIE = 1e-6  # a probability that close to a threshold reaches it


def suggested_score(accuracy: float) -> SuspectScore:
    """Score that ranks label errors best for a model of that accuracy (0 to 1)."""
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


@dataclass(frozen=True, eq=False)
class ConfidentJoint:
    """Labels against the classes that the model is confident of.

    Attributes
    ----------
    thresholds : ndarray of float64, shape (n_classes,)
        Mean probability of a class over the samples labelled so; NaN for a class without samples.
    suggested : ndarray of int32, shape (n_samples,)
        The class that the model is confident of; -1 where there is none.
    given, instead, count : ndarrays of int, shape (n_pairs,)
        Confident disagreements by label and suggested class, the most frequent first.
    counted : Estimate
        Share of confident disagreements among the samples that have a confident class.
    rate : Estimate
        Estimated share of label errors. Its ends are a range of experience, no 95 % interval.
    """

    thresholds: FloatVector
    suggested: npt.NDArray[np.int32]
    given: npt.NDArray[np.int64]
    instead: npt.NDArray[np.int64]
    count: npt.NDArray[np.int64]
    counted: Estimate
    rate: Estimate


def confident_joint(
    y_true: npt.NDArray[np.integer[Any]],
    scores: npt.NDArray[np.floating[Any]],
    scale: Scale,
    *,
    samples: PerSample,
) -> ConfidentJoint:
    """Count confident disagreements, and estimate from them the share of wrong labels.

    Confident learning (Northcutt, Jiang and Chuang 2021, 1911.00068): a class counts as confident
    if its probability reaches the mean one among the samples that carry its label; of several the
    most probable one. The counts of each label are then scaled to its samples. No
    table of classes against classes is ever made: only pairs that occur are kept.

    Parameters
    ----------
    y_true : ndarray of int, shape (n_samples,)
    scores : ndarray of shape (n_samples, n_columns)
        Out-of-sample predictions: a model has learned the labels it was trained on.
    scale : {"logits", "log_probs", "probs"}
    samples : PerSample
        Of the same predictions.

    Returns
    -------
    ConfidentJoint
        A label of probability 0 takes part, a row that is no prediction does not.
    """
    n_classes = max(2, scores.shape[1])
    predicted = samples.y_pred >= 0
    labels = y_true[predicted].astype(np.int64)
    by_label = np.bincount(labels, minlength=n_classes)
    confidence = np.bincount(labels, np.exp(-samples.log_loss[predicted]), minlength=n_classes)
    with np.errstate(invalid="ignore"):
        thresholds = confidence / by_label
    suggested = np.full(len(y_true), -1, dtype=np.int32)
    for rows, prob in probability_blocks(scores, scale):
        reached = prob >= thresholds - FLOAT32_TIE  # never where the threshold is NaN
        prob[~reached] = -1.0
        suggested[rows] = np.where(reached.any(axis=1) & predicted[rows], prob.argmax(axis=1), -1)
    confident = suggested >= 0
    given, guessed = y_true[confident].astype(np.int64), suggested[confident].astype(np.int64)
    other = given != guessed
    pairs, count = np.unique(given[other] * n_classes + guessed[other], return_counts=True)
    order = np.argsort(-count, kind="stable")
    disagreements = np.bincount(given[other], minlength=n_classes)
    counted = wilson(int(np.count_nonzero(other)), len(given))
    return ConfidentJoint(
        thresholds=thresholds,
        suggested=suggested,
        given=pairs[order] // n_classes,
        instead=pairs[order] % n_classes,
        count=count[order],
        counted=counted,
        rate=_rate(by_label, disagreements, np.bincount(given, minlength=n_classes), counted),
    )


def _rate(
    by_label: npt.NDArray[np.int64],
    disagreements: npt.NDArray[np.int64],
    confident: npt.NDArray[np.int64],
    counted: Estimate,
) -> Estimate:
    """Share of errors after each label's counts are scaled to all of its samples."""
    if not confident.sum():
        return Estimate(math.nan, note="the model is confident of no sample")
    # A label of which nothing is confident keeps its samples, as right ones.
    errors = by_label * disagreements / np.maximum(confident, 1)
    value = float(errors.sum() / by_label.sum())
    low, high = (value if end is None else end for end in (counted.low, counted.high))
    return Estimate(
        value,
        min(value, low) * (1.0 - RATE_ERROR),
        min(1.0, max(value, high) * (1.0 + RATE_ERROR)),
        note="a range, no 95 % interval: the method was up to 40 % off where errors are known",
    )


@dataclass(frozen=True, eq=False)
class Duplicates:
    """Ids that occur more than once.

    Attributes
    ----------
    ids : ndarray, shape (n_repeated,)
        Sorted.
    count : ndarray of int64, shape (n_repeated,)
        Rows of each.
    conflicting : ndarray of bool, shape (n_repeated,)
        Whether those rows disagree about the label.
    surplus : int
        Rows that would go if each id were kept once.
    """

    ids: npt.NDArray[Any]
    count: npt.NDArray[np.int64]
    conflicting: npt.NDArray[np.bool_]
    surplus: int


def duplicate_ids(ids: npt.NDArray[Any], y_true: npt.NDArray[np.integer[Any]]) -> Duplicates:
    """Find repeated ids, and those whose rows carry different labels.

    Parameters
    ----------
    ids : ndarray of int or str, shape (n_samples,)
    y_true : ndarray of int, shape (n_samples,)
    """
    order = np.lexsort((y_true, ids))  # equal ids side by side, their labels ascending
    names, labels = ids[order], y_true[order]
    starts = np.flatnonzero(np.concatenate([[True], names[1:] != names[:-1]])[: len(names)])
    count = np.diff(np.append(starts, len(names)))
    repeated = count > 1
    first = starts[repeated]
    last = first + count[repeated] - 1
    return Duplicates(
        ids=names[first],
        count=count[repeated].astype(np.int64),
        conflicting=labels[first] != labels[last],
        surplus=len(names) - len(starts),
    )
