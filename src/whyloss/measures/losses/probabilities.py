"""Probabilities of logits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from whyloss.measures.losses.logits import logit_blocks

if TYPE_CHECKING:
    from whyloss.data import Scale
    from whyloss.measures.estimates.intervals import FloatVector


def log_softmax(logits: FloatVector) -> FloatVector:
    """Logarithms of the probabilities of logits.

    Parameters
    ----------
    logits : ndarray of float64, shape (n_samples, n_classes)
        Each row has a finite maximum.

    Returns
    -------
    ndarray of float64, shape (n_samples, n_classes)
        -inf where the logit is.
    """
    below = logits - logits.max(axis=1, keepdims=True)
    log_prob: FloatVector = below - np.log(np.exp(below).sum(axis=1, keepdims=True))
    return log_prob


def softmax(logits: FloatVector) -> FloatVector:
    """Probabilities of logits.

    Parameters
    ----------
    logits : ndarray of float64, shape (n_samples, n_classes)
        Each row has a finite maximum.

    Returns
    -------
    ndarray of float64, shape (n_samples, n_classes)
    """
    with np.errstate(over="ignore"):  # a class masked by the most negative float
        weight: FloatVector = np.exp(logits - logits.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True)
    return weight


def top_probability(
    scores: npt.NDArray[np.floating[Any]], scale: Scale, *, beta: float = 1.0
) -> FloatVector:
    """Largest probability of each row once its logits are multiplied by `beta`.

    Rows that are no prediction come as uniform ones: leave them out by the status of
    :class:`~whyloss.measures.losses.logits.PerSample`.

    Parameters
    ----------
    scores : ndarray of shape (n_samples, n_columns)
    scale : {"logits", "log_probs", "probs"}
    beta : float, default 1
        Inverse temperature.

    Returns
    -------
    ndarray of float64, shape (n_samples,)
    """
    top = np.empty(len(scores))
    for rows, logits, _ in logit_blocks(scores, scale):
        with np.errstate(over="ignore"):  # as in `softmax`
            weights = beta * (logits - logits.max(axis=1, keepdims=True))
            np.exp(weights, out=weights)
        top[rows] = 1.0 / weights.sum(axis=1)
    return top
