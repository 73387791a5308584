"""What a reported loss is to be measured against, and why fixed tables mislead."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from whyloss.measures.envelope import fano_envelope, least_possible_loss, provable_limit
from whyloss.results.metrics import ReferenceLosses

if TYPE_CHECKING:
    from whyloss.evidence import Evidence
    from whyloss.results.metrics import Numbers

# A table that is handed around for mean losses, whatever the task; upper ends, nats.
FOLK = (
    (0.0, "perfect"),
    (0.02, "great"),
    (0.05, "good"),
    (0.20, "fine"),
    (0.30, "so-so"),
    (1.00, "not great"),
    (2.00, "bad"),
    (math.inf, "broken"),
)


def yardsticks(evidence: Evidence) -> tuple[ReferenceLosses, ...]:
    """Compare the reported numbers of each split; empty where predictions say more.

    Parameters
    ----------
    evidence : Evidence
    """
    if evidence.epochs:
        return ()
    found = []
    for split in evidence.with_training:
        numbers = evidence.reported_numbers(split)
        if numbers is not None and numbers.log_loss.value >= 0.0:
            found.append(_yardstick(split, numbers))
    return tuple(found)


def _yardstick(split: str, numbers: Numbers) -> ReferenceLosses:
    loss, share = numbers.log_loss.value, numbers.accuracy.value
    k = numbers.n_classes or max(2, math.ceil(1.0 / max(share, 1e-3) - 1e-9))
    low, high = fano_envelope(share, k)
    guessing = numbers.prior_entropy
    return ReferenceLosses(
        split=split,
        epoch=numbers.epoch,
        log_loss=loss,
        accuracy=share,
        n_classes=numbers.n_classes,
        guessing=guessing,
        skill=1.0 - loss / guessing if guessing else None,
        least=least_possible_loss(share),
        envelope=(low, high),
        provable=max(0.0, loss - provable_limit(numbers.accuracy, k)) if numbers.n_classes else 0.0,
        folk=next(word for bound, word in FOLK if loss <= bound),
    )
