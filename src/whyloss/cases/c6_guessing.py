"""Case C6: what guessing costs, and what boldness does."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from whyloss.data import Predictions

if TYPE_CHECKING:
    import numpy.typing as npt

SHARES = (0.7, 0.2, 0.1)
N = 1000


def labels() -> npt.NDArray[np.int64]:
    """Labels of a thousand samples in three classes of unequal size."""
    return np.repeat(np.arange(len(SHARES)), [round(share * N) for share in SHARES])


def guesser() -> Predictions:
    """A model that says the class shares, whatever it sees."""
    return Predictions.from_arrays(labels(), probs=np.tile(SHARES, (N, 1)))


def lines() -> list[str]:
    """What guessing costs among balanced and unequal classes, and what boldness changes."""
    found = [
        f"Guessing among {k} equally frequent classes costs -ln(1/{k}) = {math.log(k):.4f} nats."
        for k in (2, 3, 10)
    ]
    entropy = -sum(share * math.log(share) for share in SHARES)
    found.append(
        "With class shares of 70, 20 and 10 % it costs their entropy, "
        f"{entropy:.4f} nats, and is right in 70 %."
    )
    for right, wrong in ((0.6, 0.4), (0.9, 0.4), (0.9, 0.001)):
        loss = -(99 * math.log(right) + math.log(wrong)) / 100
        found.append(
            f"99 of 100 right with p = {right}, one wrong with p = {wrong} for its label: "
            f"accuracy 0.99, loss {loss:.4f}."
        )
    return found
