"""Where a change of the loss comes from: the rows of an attribution."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from whyloss.results.estimate import Estimate


class Outcome(StrEnum):
    """What became of a sample's label between two epochs."""

    STAYED_RIGHT = "stayed right"
    STAYED_WRONG = "stayed wrong"
    BROKE = "broke"
    FIXED = "fixed"


@dataclass(frozen=True)
class Top:
    """What the samples that changed most add to the change.

    Attributes
    ----------
    samples : int
        How many of them.
    nats : float
        Their part of the change of the mean loss over *all* samples; exact, and without an
        interval, since they were picked for what they add.
    share : float
        `nats` over the whole change; above 1 where the others changed the other way, NaN where
        there is no change.
    """

    samples: int
    nats: float
    share: float


class Held(StrEnum):
    """What became of the accuracy between two epochs."""

    ROSE = "rose"
    HELD = "held"
    FELL = "fell"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True)
class ChangePart:
    """One part of the change of the loss, in nats."""

    name: str
    nats: float
    se: float | None


@dataclass(frozen=True)
class OutcomeRow:
    """Samples with one outcome (of one class): how many, and what they add to the change."""

    outcome: str
    class_name: str | None
    samples: int
    total: Estimate
    refinement: Estimate
    calibration: Estimate


@dataclass(frozen=True)
class Attribution:
    """Where the change of the loss between two epochs comes from.

    Attributes
    ----------
    from_epoch, to_epoch : int
    n_samples : int
        Samples with a finite loss at both.
    before, after : float
        Mean loss at both epochs over those samples; nats.
    total : Estimate
        The difference, nats.
    parts : tuple of ChangePart
        Refinement and calibration; they sum to the total.
    cells, class_cells : tuple of OutcomeRow
        By outcome, and by outcome and true class; each sums to the total.
    top : tuple of Top
        What the samples that changed most carry of the total.
    inflation : float or None
        Size of the logits at the end over that at the start.
    scale_parts : tuple of ChangePart
        Another split of the same total: the size of the logits, and their direction.
    accuracy : Estimate
        Change of the accuracy, paired.
    held : Held
        What became of the accuracy.
    """

    from_epoch: int
    to_epoch: int
    n_samples: int
    before: float
    after: float
    total: Estimate
    parts: tuple[ChangePart, ...]
    cells: tuple[OutcomeRow, ...]
    class_cells: tuple[OutcomeRow, ...]
    top: tuple[Top, ...]
    inflation: float | None
    scale_parts: tuple[ChangePart, ...]
    accuracy: Estimate
    held: Held
