"""How well the scores order samples and classes: AUC and top-k accuracy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from whyloss.errors import DataError
from whyloss.measures.estimates.intervals import BoolVector, FloatVector, mean_estimate, wilson
from whyloss.measures.losses.logits import logit_blocks
from whyloss.results.estimate import Z95, Estimate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from whyloss.data import Scale


def auc(positive: BoolVector, score: FloatVector) -> Estimate:
    """Area under the ROC curve: how often a positive sample outscores a negative one.

    Ties count one half. The standard error is that of DeLong, DeLong and Clarke-Pearson (1988,
    Biometrics 44:837), from a sort; the interval is symmetric in the log-odds of the area, so
    that it stays within 0 and 1.

    Parameters
    ----------
    positive : ndarray of bool, shape (n_samples,)
    score : ndarray of float64, shape (n_samples,)
        Larger for positives; may be infinite, not NaN.
    """
    return _auc(positive, score)[0]


def _auc(positive: BoolVector, score: FloatVector) -> tuple[Estimate, FloatVector]:
    """The area, and what each sample adds to it: their mean is 0, their spread that of the area."""
    if np.isnan(score).any():
        raise DataError(
            "No order among the scores",
            expected="numbers",
            got=f"{np.count_nonzero(np.isnan(score))} NaN",
            hint="Leave out the rows that cannot be scored.",
        )
    positives, negatives = score[positive], score[~positive]
    n_positive, n_negative = len(positives), len(negatives)
    if not (n_positive and n_negative):
        return Estimate(math.nan, note="needs samples of both kinds"), np.zeros(len(score))
    beats = _share_below(np.sort(negatives), positives)
    beaten_by = 1.0 - _share_below(np.sort(positives), negatives)
    area = float(beats.mean())
    parts = np.empty(len(score))
    parts[positive] = (beats - area) * (len(score) / n_positive)
    parts[~positive] = (beaten_by - area) * (len(score) / n_negative)
    if min(n_positive, n_negative) == 1:
        return Estimate(area, note="one sample has no spread"), parts
    if not 0.0 < area < 1.0:
        return Estimate(area, note="no sample out of order: no spread to tell an interval"), parts
    se = math.sqrt(beats.var(ddof=1) / n_positive + beaten_by.var(ddof=1) / n_negative)
    half = Z95 * se / (area * (1.0 - area))
    low, high = (float(expit(logit(area) + side * half)) for side in (-1.0, 1.0))
    return Estimate(area, low, high, se), parts


def _share_below(ascending: FloatVector, values: FloatVector) -> FloatVector:
    """Share of the sorted numbers below each value, ties as one half."""
    left = np.searchsorted(ascending, values, side="left")
    right = np.searchsorted(ascending, values, side="right")
    share: FloatVector = (left + right) / (2.0 * len(ascending))
    return share


@dataclass(frozen=True)
class OneVersusRest:
    """Areas of every class against the rest.

    Attributes
    ----------
    classes : tuple of Estimate
        NaN for a class that never occurs.
    macro : Estimate
        Their mean over the classes that occur.
    """

    classes: tuple[Estimate, ...]
    macro: Estimate


def one_versus_rest_auc(
    y_true: npt.NDArray[np.integer[Any]],
    scores: npt.NDArray[np.floating[Any]],
    scale: Scale,
    *,
    scored: BoolVector,
) -> OneVersusRest:
    """Area of the probability of each class, that class against all others.

    The same samples serve every class; the interval of the mean allows for it, by adding up what
    each sample contributes to all of them.

    Parameters
    ----------
    y_true : ndarray of int, shape (n_samples,)
    scores : ndarray of shape (n_samples, n_columns)
    scale : {"logits", "log_probs", "probs"}
    scored : ndarray of bool, shape (n_samples,)
        Rows that take part.
    """
    y = y_true[scored]
    classes, together, n_areas = [], np.zeros(len(y)), 0
    for k, score in enumerate(class_log_odds(scores, scale, scored=scored)):
        area, parts = _auc(y == k, score)
        classes.append(area)
        if not math.isnan(area.value):
            together += parts
            n_areas += 1
    if not n_areas:
        return OneVersusRest(
            tuple(classes), Estimate(math.nan, note="needs samples of two classes")
        )
    mean = float(np.nanmean([area.value for area in classes]))
    se = mean_estimate(together / n_areas).se
    macro = Estimate.normal(mean, math.nan if se is None else se)
    if macro.se == 0.0:
        macro = Estimate(mean, note="no sample out of order: no spread to tell an interval")
    return OneVersusRest(tuple(classes), macro)


def class_log_odds(
    scores: npt.NDArray[np.floating[Any]], scale: Scale, *, scored: BoolVector
) -> Iterator[FloatVector]:
    """Yield ``ln(p_k / (1 - p_k))`` of the scored rows, class by class.

    Only one class is held at a time. Log-odds, not probabilities, since those of a sure model all
    round to 1 and lose their order.

    Parameters
    ----------
    scores : ndarray of shape (n_samples, n_columns)
    scale : {"logits", "log_probs", "probs"}
    scored : ndarray of bool, shape (n_samples,)

    Yields
    ------
    ndarray of float64, shape (n_scored,)
    """
    n, columns = scores.shape
    if columns == 1:
        single = np.empty(n)
        for rows, logits, _ in logit_blocks(scores, scale):
            single[rows] = logits[:, 1] - logits[:, 0]
        yield from (-single[scored], single[scored])
        return
    peak, log_total = np.empty(n), np.empty(n)
    for rows, logits, _ in logit_blocks(scores, scale):
        index, top = np.arange(len(logits)), logits.argmax(axis=1)
        peak[rows] = logits[index, top]
        with np.errstate(over="ignore"):  # a class masked by the most negative float
            rest = np.exp(logits - peak[rows][:, None])
        rest[index, top] = 0.0
        log_total[rows] = np.log1p(rest.sum(axis=1))
    peak, log_total = peak[scored], log_total[scored]
    for k in range(columns):
        column = scores[:, k][scored].astype(np.float64)
        with np.errstate(divide="ignore", over="ignore"):
            if scale == "probs":
                column = np.log(np.maximum(column, 0.0))
            log_prob = column - peak - log_total
            log_odds = log_prob - np.log(-np.expm1(log_prob))
        yield log_odds


def top_k_accuracy(rank: npt.NDArray[np.integer[Any]], k: int) -> Estimate:
    """Share of samples whose true class is among the `k` most probable, with Wilson's interval.

    Parameters
    ----------
    rank : ndarray of int, shape (n_samples,)
        Place of the true class among the scores, from 1, of the scored rows.
    k : int
        At least 1.
    """
    if k < 1:
        raise DataError("No accuracy among no classes", expected="k of at least 1", got=str(k))
    return wilson(int(np.count_nonzero(rank <= k)), len(rank))
