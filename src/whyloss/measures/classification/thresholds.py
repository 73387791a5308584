"""The threshold that decides best: what it would gain in accuracy. The loss does not see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from whyloss.errors import TooFewSamplesError
from whyloss.measures.estimates.intervals import (
    BoolVector,
    FloatVector,
    paired_share_difference,
    wilson,
)
from whyloss.measures.losses.logits import logit_blocks
from whyloss.measures.samples.folds import fold_of
from whyloss.results.estimate import Estimate

if TYPE_CHECKING:
    from whyloss.data import Scale

MIN_SAMPLES = 50
N_FOLDS = 5


@dataclass(frozen=True)
class BestThreshold:
    """The most accurate threshold on the probability, compared with the usual 1/2.

    Cross-entropy scores the probabilities themselves: it is the same at every threshold.

    Thresholds of different folds share samples, which the interval of the gain does not know. Where
    there is something to gain it covers 93 to 95 %; where there is nothing, 88 to 90 %, but its
    lower end exceeds 0 in no more than 2.4 % (simulated, n = 100 to 3000).

    Attributes
    ----------
    threshold : Estimate
        On all samples; a probability, above which a sample counts as positive.
    log_odds : float
        The same as log-odds, to be used where probabilities round to 0 or 1.
    accuracy : Estimate
        At 1/2.
    best_accuracy : Estimate
        Out of fold, at the thresholds found without the sample's own fold.
    gain : Estimate
        ``best_accuracy - accuracy``, paired (McNemar).
    """

    threshold: Estimate
    log_odds: float
    accuracy: Estimate
    best_accuracy: Estimate
    gain: Estimate


def log_odds(scores: npt.NDArray[np.floating[Any]], scale: Scale) -> FloatVector:
    """Log-odds of the second of two classes.

    Probabilities of a confident model round to 1 and lose their order; log-odds do not.

    Parameters
    ----------
    scores : ndarray of shape (n_samples, 1) or (n_samples, 2)
    scale : {"logits", "log_probs", "probs"}

    Returns
    -------
    ndarray of float64, shape (n_samples,)
        Infinite where one class has probability 0; 0 where the row is no prediction.
    """
    odds = np.empty(len(scores))
    for rows, logits, _ in logit_blocks(scores, scale):
        odds[rows] = logits[:, 1] - logits[:, 0]
    return odds


def best_threshold(
    positive: BoolVector, log_odds: FloatVector, ids: npt.NDArray[Any]
) -> BestThreshold:
    """Find the threshold of the highest accuracy, and its gain out of fold.

    Parameters
    ----------
    positive : ndarray of bool, shape (n_samples,)
    log_odds : ndarray of float64, shape (n_samples,)
        Of being positive; may be infinite, not NaN.
    ids : ndarray of int or str, shape (n_samples,)
        Samples with the same id share a fold.

    Returns
    -------
    BestThreshold

    Raises
    ------
    TooFewSamplesError
        Fewer than 50 samples.
    """
    n = len(positive)
    if n < MIN_SAMPLES:
        raise TooFewSamplesError(
            "Too few samples to choose a threshold",
            expected=f"at least {MIN_SAMPLES} samples",
            got=str(n),
        )
    known = log_odds[np.isfinite(log_odds)]
    # One beyond the last finite number: a cut halfway to infinity would be of no use.
    finite = np.clip(log_odds, known.min(initial=0.0) - 1.0, known.max(initial=0.0) + 1.0)
    usual = (finite > 0.0) == positive
    chosen = usual.copy()
    fold = fold_of(ids, N_FOLDS)
    for k in np.unique(fold):
        held_out = fold == k
        if held_out.all():  # one id throughout: there is nothing else to choose on
            continue
        cut = _most_accurate_cut(positive[~held_out], finite[~held_out])
        chosen[held_out] = (finite[held_out] > cut) == positive[held_out]
    cut = _most_accurate_cut(positive, finite)
    return BestThreshold(
        threshold=Estimate(
            float(expit(cut)),
            note="no interval: the best cut converges too slowly for one",
            unit="number",
        ),
        log_odds=cut,
        accuracy=wilson(int(np.count_nonzero(usual)), n),
        best_accuracy=wilson(int(np.count_nonzero(chosen)), n),
        gain=paired_share_difference(usual, chosen),
    )


def _most_accurate_cut(positive: BoolVector, score: FloatVector) -> float:
    """Cut above which samples count as positive; of equally good ones the nearest to 0."""
    values, place = np.unique(score, return_inverse=True)
    positives = np.bincount(place[positive], minlength=len(values))
    negatives = np.bincount(place[~positive], minlength=len(values))
    # At cut c the c smallest values are called negative.
    right = np.concatenate([[0], np.cumsum(negatives - positives)])
    best = right == right.max()
    # Any number from one value up to the next makes the same cut: 0 if it can, else the middle.
    low = np.concatenate([[-np.inf], values])[best]
    high = np.concatenate([values, [np.inf]])[best]
    cuts = np.minimum(low / 2 + high / 2, np.nextafter(high, -np.inf))
    cuts[(low <= 0.0) & (high > 0.0)] = 0.0
    return float(cuts[np.argmin(np.abs(cuts))])
