"""Decide as if all classes were equally frequent, or train again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from whyloss.formatting import format_percent
from whyloss.measures.estimates.intervals import mean_estimate
from whyloss.remedies import code
from whyloss.remedies.effects import in_words
from whyloss.results.remedy import Remedy

if TYPE_CHECKING:
    from whyloss.evidence import EpochFacts, Evidence
    from whyloss.results.finding import Finding

RETRAIN = (
    "Lower the learning rate and warm it up, weight or balance the classes in training, and check "
    "that the inputs reach the model as in training. A temperature or a threshold cannot mend it."
)


def decide_evenly(evidence: Evidence, found: Finding) -> Remedy:  # noqa: ARG001 - as cures are called
    """Divide the probabilities by the class shares before the class is chosen.

    Parameters
    ----------
    evidence : Evidence
        Of a model that predicts nearly always the largest class.
    found : Finding
        Adds nothing to that.

    Returns
    -------
    Remedy
        In words where the scores rank the samples no better than chance, or are not known.
    """
    if not evidence.epochs:
        return in_words(
            "Count the predicted classes, and train again",
            f"Count the predicted classes. If it is one class throughout, train again. {RETRAIN}",
        )
    facts = evidence.last
    p, rows = facts.predictions, facts.predicted
    y_true, shares = p.y_true[rows], facts.shares
    with np.errstate(divide="ignore"):
        moved = facts.logits[rows] - np.log(shares)
    moved[:, shares == 0.0] = -np.inf
    there = int(np.count_nonzero(shares))
    each = 1.0 / (there * shares[y_true])
    weights = facts.weights_of(rows)
    before = mean_estimate(each * facts.right[rows], weights)
    right = moved.argmax(axis=1) == y_true
    after = mean_estimate(each * right, weights)
    effect = mean_estimate(each * (right.astype(float) - facts.right[rows]), weights)
    if effect.low is None or not effect.low > 0.0:
        return in_words(
            "Train again: the scores do not tell the classes apart",
            f"Train again: no threshold helps, since the scores do not tell the classes apart. "
            f"{RETRAIN}",
        )
    accuracy = mean_estimate(right.astype(float), weights).value
    return Remedy(
        name="",
        title="Divide the probabilities by the class shares before you choose a class",
        text=(
            "Divide the probabilities by the class shares before you choose a class: the scores "
            f"do tell the classes apart. The mean recall of the classes goes from "
            f"{format_percent(before.value)} to {format_percent(after.value)}, the accuracy from "
            f"{format_percent(facts.accuracy.value)} to {format_percent(accuracy)}. Where only "
            "the accuracy counts, the largest class is the right answer, and only a better model "
            "helps. A temperature changes no prediction."
        ),
        metric="balanced_accuracy",
        before=replace(before, unit="share"),
        after=replace(after, unit="share"),
        effect=replace(effect, unit="share"),
        epoch=facts.epoch,
        snippets={"numpy": _even_snippet(facts)},
    )


def _even_snippet(facts: EpochFacts) -> str:
    p, shares = facts.predictions, facts.shares
    start = code.to_probs(p.scale, p.scores.shape[1])
    if p.scores.shape[1] == 1:
        odds = float(shares[1] / shares[0])
        return f"{start}probs = probs / (probs + {odds:.4f} * (1 - probs))"
    return (
        f"{start}import numpy as np\nshares = np.array({code.array(shares.tolist())})\n"
        "probs = np.divide(probs, shares, out=np.zeros_like(probs), where=shares > 0)\n"
        "probs /= probs.sum(axis=1, keepdims=True)"
    )
