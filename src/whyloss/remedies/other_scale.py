"""Take the scores for what they are: probabilities or logits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from whyloss.formatting import format_nats
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


def without_second_softmax() -> Remedy:
    """The same from reported numbers, which cannot tell the effect."""
    return in_words(
        "Remove the last softmax",
        f"{ONCE}probabilities (from_logits=False), and train again.",
        snippets=TRAIN_WITH_LOGITS,
    )
