"""Which other loss a framework may have reported: reductions, bases, smoothing, weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from whyloss.measures.losses.logits import logit_blocks
from whyloss.measures.losses.probabilities import log_softmax

if TYPE_CHECKING:
    from collections.abc import Iterator

    from whyloss.data import Scale
    from whyloss.measures.estimates.intervals import FloatVector

BATCHES = (8, 10, 16, 20, 24, 32, 48, 50, 64, 96, 100, 128, 200, 250, 256, 500, 512, 1000, 1024)
SMOOTHINGS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3)
CLIPS = (1e-7, 1e-15)
FLOAT32 = 3e-6  # relative error of a mean that was summed in float32
MAX_TOLERANCE = 0.002  # relative; a number printed more coarsely fits too many explanations


class Kind(StrEnum):
    """What a reported loss differs by."""

    SAME = "same"
    REDUCTION = "reduction"
    BASE = "base"
    CLIP = "clip"
    SMOOTHING = "smoothing"
    WEIGHTS = "weights"
    LAST_BATCH = "last batch"
    BINARY = "binary"


@dataclass(frozen=True)
class Reproduction:
    """A computation that gives the reported number.

    Attributes
    ----------
    kind : Kind
    words : str
        What it is, in a few words.
    value : float
        What it gives on these predictions.
    """

    kind: Kind
    words: str
    value: float


def printed_error(value: float) -> float:
    """Half a unit of the last printed digit of a number, or the rounding error of float32 sums.

    Parameters
    ----------
    value : float

    Returns
    -------
    float
        The larger of both, in the unit of the number.
    """
    text = repr(float(value))
    digits = len(text.partition(".")[2]) if "e" not in text else 17
    return max(0.51 * 10.0**-digits, FLOAT32 * abs(value))


def reproduce(
    reported: float,
    y_true: npt.NDArray[np.integer[Any]],
    scores: npt.NDArray[np.floating[Any]],
    scale: Scale,
    losses: FloatVector,
) -> Reproduction | None:
    """Find a computation on these predictions that gives the reported loss.

    Parameters
    ----------
    reported : float
        As the framework printed it.
    y_true : ndarray of int, shape (n_samples,)
    scores : ndarray of shape (n_samples, n_columns)
    scale : {"logits", "log_probs", "probs"}
        The samples in the order of evaluation.
    losses : ndarray of float64, shape (n_samples,)
        Their cross-entropies, all finite.

    Returns
    -------
    Reproduction or None
        None where nothing tried gives that number, or too few digits were printed to tell.
    """
    error = printed_error(reported)
    mean = float(losses.mean())
    if abs(mean - reported) <= error:
        return Reproduction(Kind.SAME, "the mean cross-entropy", mean)
    if not error <= MAX_TOLERANCE * abs(reported):
        return None
    for candidate in _candidates(y_true, scores, scale, losses):
        if abs(candidate.value - reported) <= error:
            return candidate
    return None


def _candidates(
    y_true: npt.NDArray[np.integer[Any]],
    scores: npt.NDArray[np.floating[Any]],
    scale: Scale,
    losses: FloatVector,
) -> Iterator[Reproduction]:
    """Likeliest first; each differs from the plain mean only where that shows."""
    mean, n = float(losses.mean()), len(losses)
    k = max(2, scores.shape[1])
    yield Reproduction(Kind.REDUCTION, "the sum over all samples", mean * n)
    yield Reproduction(Kind.REDUCTION, f"the mean divided by the {k} classes", mean / k)
    yield Reproduction(Kind.REDUCTION, f"the mean times the {k} classes", mean * k)
    yield Reproduction(Kind.BASE, "the mean in bits (logarithm to base 2)", mean / math.log(2))
    yield Reproduction(Kind.BASE, "the mean with logarithms to base 10", mean / math.log(10))
    for clip in CLIPS:
        clipped = float(np.minimum(losses, -math.log(clip)).mean())
        if clipped < mean:
            words = f"the mean with probabilities clipped at {clip:g}"
            yield Reproduction(Kind.CLIP, words, clipped)
    for batch in BATCHES:
        if batch >= n:
            break
        starts = np.arange(0, n, batch)
        sums = np.add.reduceat(losses, starts)
        sizes = np.diff(np.append(starts, n))
        if n % batch:
            skewed = float((sums / sizes).mean())
            words = (
                f"the mean of the means of batches of {batch}, the short last one counted in full"
            )
            yield Reproduction(Kind.LAST_BATCH, words, skewed)
        words = f"the mean of the sums of batches of {batch}"
        yield Reproduction(Kind.REDUCTION, words, float(sums.mean()))
        yield Reproduction(Kind.REDUCTION, f"the mean divided by {batch}", mean / batch)
    uniform, binary = _other_losses(y_true, scores, scale)
    for share in SMOOTHINGS:
        words = f"label smoothing of {share:g}"
        yield Reproduction(Kind.SMOOTHING, words, (1 - share) * mean + share * uniform)
    counts = np.bincount(y_true, minlength=k)
    by_class = np.bincount(y_true, weights=losses, minlength=k)
    there = counts > 0
    if counts[there].min() < counts[there].max():
        words = "class weights that make all classes count alike"
        balanced = float((by_class[there] / counts[there]).mean())
        yield Reproduction(Kind.WEIGHTS, words, balanced)
    if k > 2:
        words = f"a binary cross-entropy of each of the {k} outputs"
        yield Reproduction(Kind.BINARY, words, binary)


def _other_losses(
    y_true: npt.NDArray[np.integer[Any]], scores: npt.NDArray[np.floating[Any]], scale: Scale
) -> tuple[float, float]:
    """Mean loss under uniform labels, and mean binary loss of the softmax outputs."""
    uniform = binary = 0.0
    for rows, logits, _ in logit_blocks(scores, scale):
        log_prob = log_softmax(logits)
        uniform -= float(log_prob.mean(axis=1).sum())
        with np.errstate(divide="ignore"):
            log_rest = np.log(-np.expm1(np.minimum(log_prob, -1e-300)))
        place, y = np.arange(len(log_prob)), y_true[rows]
        others = log_rest.sum(axis=1) - log_rest[place, y]
        binary -= float((log_prob[place, y] + others).sum()) / logits.shape[1]
    return uniform / len(y_true), binary / len(y_true)
