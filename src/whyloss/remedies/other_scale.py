"""Take the scores for what they are: probabilities or logits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from whyloss.formatting import format_estimate, format_nats
from whyloss.measures.estimates.intervals import mean_estimate
from whyloss.measures.losses.per_sample import per_sample
from whyloss.remedies.effects import in_words, loss_change

if TYPE_CHECKING:
    from whyloss.evidence import EpochFacts
    from whyloss.results.remedy import Remedy

TRAIN_WITH_LOGITS = {
    "pytorch": "# logits: the output of the last linear layer, without softmax\n"
    "loss = torch.nn.functional.cross_entropy(logits, y)",
    "keras": "# the last layer without activation, and:\n"
    "loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)",
}
LARGEST = 1.001  # probability, with what rounding adds
ONCE = "Remove the softmax or sigmoid at the end of the model, or tell the loss that it gets "
AGAIN = "If training used the same loss, train again: its gradients were too small."


def probabilities(facts: EpochFacts) -> Remedy:
    """Take logits for the probabilities that they are.

    Parameters
    ----------
    facts : EpochFacts
    """
    p = facts.predictions
    once = per_sample(p.y_true, np.clip(p.scores, 0.0, 1.0), "probs")
    rows = facts.scored & once.scored
    found = loss_change(facts, "Remove the last softmax", "", once.log_loss[rows], rows)
    return replace(
        found,
        text=(
            f"{ONCE}probabilities (from_logits=False). Read as probabilities, these outputs have "
            f"a loss of {format_nats(found.after.value)} instead of "
            f"{format_nats(found.before.value)}. {AGAIN} If only the record is mislabelled, pass "
            "them as probs=."
        ),
        snippets={"numpy": "probs = logits  # they are probabilities already"} | TRAIN_WITH_LOGITS,
    )


def logits(facts: EpochFacts) -> Remedy | None:
    """Take what was given as probabilities for the raw outputs that it looks like.

    Parameters
    ----------
    facts : EpochFacts

    Returns
    -------
    Remedy or None
        None where the values look like neither.
    """
    p = facts.predictions
    block = p.scores
    if p.scale != "probs" or not bool((block < 0).any() or (block > LARGEST).any()):
        return None
    raw = per_sample(p.y_true, p.scores, "logits")
    after = mean_estimate(raw.log_loss[raw.scored], facts.weights_of(raw.scored))
    found = in_words(
        "Pass the outputs as logits",
        f"Pass the outputs as logits=, not as probs=: some lie outside 0 to 1. As logits their "
        f"loss is {format_estimate(after)}.",
        note=f"as logits the loss is {format_estimate(after)}",
        retraining=False,
        snippets={"numpy": "logits = probs  # they are raw outputs\ndel probs"},
    )
    return replace(found, after=after, epoch=facts.epoch)


def train_with_logits(title: str, text: str) -> Remedy:
    """Compute the loss from the raw outputs, with the lines that do it.

    Parameters
    ----------
    title, text : str
    """
    return in_words(title, text, snippets=TRAIN_WITH_LOGITS)
