"""Two epochs of one split, sample by sample, and what became of the accuracy between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from whyloss.results.attribution import Held
from whyloss.results.estimate import Z95_ONE_SIDED, Estimate

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from whyloss.evidence.epoch_facts import EpochFacts
    from whyloss.measures.attribution import LossChange, ScaleChange

RULE_OF_THREE = 3.0  # -ln 0.05: 95 % bound of a count of zero
HELD_MARGIN = 0.02  # accuracy counts as held if it lost less than this, with 95 % confidence


@dataclass(frozen=True, eq=False)
class EpochChange:
    """Two epochs of one split, sample by sample.

    Attributes
    ----------
    first, second : EpochFacts
    change : LossChange
    scale : ScaleChange or None
        None where logits are masked or absent.
    accuracy : Held
        What became of the accuracy, by equivalence.
    ids, y_true : ndarrays of shape (n_samples,)
        The samples compared.
    loss_before, loss_after : float
        Mean loss of those samples at both epochs, nats.
    """

    first: EpochFacts
    second: EpochFacts
    change: LossChange
    scale: ScaleChange | None
    accuracy: Held
    ids: npt.NDArray[Any]
    y_true: npt.NDArray[np.int32]
    loss_before: float
    loss_after: float


def held(difference: Estimate, n_samples: float, margin: float = HELD_MARGIN) -> Held:
    """Judge a paired difference of accuracies: "held" is a claim of equivalence.

    Parameters
    ----------
    difference : Estimate
        Second minus first.
    n_samples : float
        Samples that both accuracies were counted on. Where not one of n changed, drops of up to
        3 / n still occur in one of twenty cases.
    margin : float
        The drop that would matter.
    """
    if difference.se is None or difference.low is None or difference.high is None:
        return Held.CANNOT_TELL
    if difference.low > 0:
        return Held.ROSE
    centre = 0.5 * (difference.low + difference.high)
    if centre - Z95_ONE_SIDED * difference.se > -margin and RULE_OF_THREE / n_samples < margin:
        return Held.HELD
    return Held.FELL if difference.high < 0 else Held.CANNOT_TELL
