"""Leave every class a little probability, so that no loss is infinite."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize_scalar

from whyloss.formatting import format_estimate, format_percent, pluralize
from whyloss.measures.estimates.intervals import mean_estimate
from whyloss.measures.samples.folds import fold_of
from whyloss.remedies import code
from whyloss.results.estimate import Estimate
from whyloss.results.remedy import Remedy

if TYPE_CHECKING:
    import numpy.typing as npt

    from whyloss.evidence import EpochFacts
    from whyloss.measures.estimates.intervals import FloatVector

HALVES = 2
LEAST, MOST = 1e-9, 0.5
NAMED = 5


def mix_in(facts: EpochFacts, rows: npt.NDArray[np.intp]) -> Remedy:
    """Mix a small share of equal probabilities into each prediction.

    Parameters
    ----------
    facts : EpochFacts
    rows : ndarray of intp
        Those whose true class has probability 0.
    """
    p, seen = facts.predictions, facts.predicted
    prob, k = np.exp(-facts.samples.log_loss[seen]), p.n_classes
    weights, half = facts.weights_of(seen), fold_of(p.ids[seen], HALVES)
    losses = np.empty(len(prob))
    for fold in range(HALVES):
        own, other = half == fold, half != fold
        share = _best_share(prob[other], None if weights is None else weights[other], k)
        losses[own] = _mixed(prob[own], share, k)
    after, share = mean_estimate(losses, weights), _best_share(prob, weights, k)
    ids = p.ids[rows].tolist()
    named = ", ".join(map(str, ids[:NAMED])) + (" …" if len(ids) > NAMED else "")
    title = f"Leave every class a little probability: mix in {format_percent(share, 2)}"
    look = f"Look at {pluralize(len(ids), 'sample')} first (id {named}): is the label wrong, or a "
    look += "class masked by mistake?"
    if bool((facts.samples.confidence[seen] == 1.0).all()):
        title = "Pass the probabilities of the model, not its decisions"
        look = "Pass the probabilities of the model, not its decisions: every row here is 0 or 1."
    each = "it" if len(ids) == 1 else "them"
    return Remedy(
        name="",
        title=title,
        text=(
            f"{look} To score {each}, mix {format_percent(share, 2)} of equal "
            "probabilities into every prediction: on samples that this share was not fitted on, "
            f"the loss is {format_estimate(after)} instead of infinite. Of a network record the "
            "logits: probabilities in float32 round to 0. A temperature leaves a 0 as it is."
        ),
        metric="log_loss",
        before=Estimate(math.inf, note=f"{pluralize(len(ids), 'row')} of infinite loss"),
        after=after,
        effect=Estimate(math.nan, note=f"from infinite to {format_estimate(after)}"),
        epoch=facts.epoch,
        snippets={"numpy": _snippet(facts, share)},
        samples=tuple(ids),
    )


def _mixed(prob: FloatVector, share: float, k: int) -> FloatVector:
    losses: FloatVector = -np.log((1.0 - share) * prob + share / k)
    return losses


def _best_share(prob: FloatVector, weights: FloatVector | None, k: int) -> float:
    """The share with the smallest loss."""
    found = minimize_scalar(
        lambda u: float(np.average(_mixed(prob, math.exp(u), k), weights=weights)),
        bounds=(math.log(LEAST), math.log(MOST)),
        method="bounded",
    )
    return math.exp(float(found.x))


def _snippet(facts: EpochFacts, share: float) -> str:
    p = facts.predictions
    start = code.to_probs(p.scale, p.scores.shape[1])
    return f"{start}probs = {1.0 - share:.6g} * probs + {share:.3g} / {p.n_classes}"
