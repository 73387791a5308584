"""How unevenly the loss is spread over the samples."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from whyloss.results.estimate import Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whyloss.measures.estimates.intervals import FloatVector

TOP_SHARES = (0.01, 0.05, 0.10)
DESCRIPTIVE = "describes these samples; their largest losses decide it, and leave no interval"


@dataclass(frozen=True)
class Concentration:
    """How few samples carry the loss. Descriptive: a good model's loss is concentrated too.

    Attributes
    ----------
    top : dict of float to Estimate
        For each share of the samples, the share of the loss that the worst of them carry.
    gini : Estimate
        0: all losses equal; towards 1: one sample carries all.
    participation : Estimate
        ``(sum l)^2 / sum l^2``: as many equal losses would be as concentrated.
    """

    top: dict[float, Estimate]
    gini: Estimate
    participation: Estimate


def concentration(loss: FloatVector, *, shares: Sequence[float] = TOP_SHARES) -> Concentration:
    """Measure how concentrated the losses are.

    Parameters
    ----------
    loss : ndarray of float64, shape (n_samples,)
        Finite, not negative: infinite losses carry everything and are to be counted apart.
    shares : sequence of float, default (0.01, 0.05, 0.10)
        Of the samples, rounded up to whole ones.

    Returns
    -------
    Concentration
        NaN throughout where there is no loss at all.
    """
    n = len(loss)
    total = float(loss.sum())
    if not total > 0.0:
        nothing = Estimate(math.nan, note="no loss to share")
        return Concentration(dict.fromkeys(shares, nothing), nothing, nothing)
    ascending = np.sort(loss)
    from_top = np.cumsum(ascending[::-1])
    # Losses around their mean rank: the plain formula cancels where all are nearly equal.
    ranks = 2.0 * np.arange(1, n + 1) - n - 1.0
    gini = float(ranks @ ascending) / (n * total)
    scaled = ascending / ascending[-1]  # so that no square is lost
    participation = float(scaled.sum()) ** 2 / float(scaled @ scaled)
    return Concentration(
        # 0.07 * 100 is a little more than 7
        {
            share: Estimate(
                float(from_top[max(1, math.ceil(share * n - 1e-9)) - 1]) / total, note=DESCRIPTIVE
            )
            for share in shares
        },
        Estimate(gini, note=DESCRIPTIVE),
        Estimate(participation, note=DESCRIPTIVE),
    )
