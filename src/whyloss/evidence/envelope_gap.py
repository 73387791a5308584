"""Miscalibration that loss and accuracy alone prove, and which way it goes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from whyloss.measures.envelope import provable_limit

if TYPE_CHECKING:
    from whyloss.evidence.evidence import Evidence

ALIKE = 0.8  # smallest ratio of training to validation loss at which both count as alike


class Direction(StrEnum):
    """Whether the confidence is too high or too low."""

    OVER = "over"
    UNDER = "under"
    LIKELY_OVER = "likely over"


@dataclass(frozen=True)
class EnvelopeGap:
    """Nats by which a loss lies above the largest one that a calibrated model can have.

    Attributes
    ----------
    nats : float
        A lower bound of the miscalibration; 0 or less where nothing is proved.
    bound : float
        The largest loss of a calibrated model, at the lower end of the accuracy's interval.
    direction : Direction
        "over" above ln K, which no under-confident model reaches. Below it, "under" where the
        training loss is above its own limit too and about as large: the confidence has not caught
        up with the accuracy yet. Otherwise "likely over".
    """

    nats: float
    bound: float
    direction: Direction


def envelope_gap(evidence: Evidence) -> EnvelopeGap | None:
    """How far the loss in question is above the limit; None where the number of classes is unknown.

    Parameters
    ----------
    evidence : Evidence
    """
    numbers = evidence.numbers
    if numbers is None or numbers.n_classes is None:
        return None
    bound = provable_limit(numbers.accuracy, numbers.n_classes)
    excess = numbers.log_loss.value - bound
    if numbers.log_loss.value > math.log(numbers.n_classes):
        return EnvelopeGap(excess, bound, Direction.OVER)
    train = evidence.reported_numbers(evidence.train.split) if evidence.train else None
    if train is not None:
        also = train.log_loss.value > provable_limit(train.accuracy, numbers.n_classes)
        if also and train.log_loss.value >= ALIKE * numbers.log_loss.value:
            return EnvelopeGap(excess, bound, Direction.UNDER)
    return EnvelopeGap(excess, bound, Direction.LIKELY_OVER)
