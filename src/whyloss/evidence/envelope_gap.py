"""Miscalibration that loss and accuracy alone prove, and which way it goes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from whyloss.measures.envelope import fano_envelope

if TYPE_CHECKING:
    from whyloss.evidence.evidence import Evidence
    from whyloss.results.metrics import Numbers

ALIKE = 0.8  # training loss over validation loss, from which on both are called alike


class Direction(StrEnum):
    """Whether the confidence is too high or too low."""

    OVER = "over"
    UNDER = "under"
    LIKELY_OVER = "likely over"


@dataclass(frozen=True)
class EnvelopeGap:
    """What a loss exceeds that of every calibrated model of its accuracy by.

    Attributes
    ----------
    nats : float
        A lower bound of the miscalibration.
    bound : float
        The largest loss of a calibrated model, at the lower end of the accuracy's interval.
    direction : Direction
        Above ln K no under-confident model comes. Below it, a training loss that exceeds its own
        envelope too, and is no smaller, shows a model that has not grown sure yet; otherwise too
        much confidence is the likelier reason.
    """

    nats: float
    bound: float
    direction: Direction


def envelope_gap(evidence: Evidence) -> EnvelopeGap | None:
    """The excess of the loss in question; None where the number of classes is not known.

    Parameters
    ----------
    evidence : Evidence
    """
    numbers = evidence.numbers
    if numbers is None or numbers.n_classes is None:
        return None
    bound = _bound(numbers, numbers.n_classes)
    excess = numbers.log_loss.value - bound
    if numbers.log_loss.value > math.log(numbers.n_classes):
        return EnvelopeGap(excess, bound, Direction.OVER)
    train = evidence.reported_numbers(evidence.train.split) if evidence.train else None
    if train is not None:
        also = train.log_loss.value > _bound(train, numbers.n_classes)
        if also and train.log_loss.value >= ALIKE * numbers.log_loss.value:
            return EnvelopeGap(excess, bound, Direction.UNDER)
    return EnvelopeGap(excess, bound, Direction.LIKELY_OVER)


def _bound(numbers: Numbers, n_classes: int) -> float:
    share = numbers.accuracy.value if numbers.accuracy.low is None else numbers.accuracy.low
    return fano_envelope(share, n_classes)[1]
