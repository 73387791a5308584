"""Miscalibration that loss and accuracy alone prove, and which way it goes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from whyloss.evidence.assumptions import LITTLE_BETTER, MOST_CLASSES
from whyloss.evidence.curves import TRAIN
from whyloss.measures.envelope import binary_entropy, entropy_of_shares, provable_limit

if TYPE_CHECKING:
    from whyloss.evidence.evidence import Evidence
    from whyloss.results.metrics import Metrics

EXPLAINS = 0.25  # of the excess of the validation loss, from which on training has the same one
ALIKE = 0.8  # training loss over validation loss, from which on both are called alike
ONE_CLASS = 0.03  # of the entropy of the shares, by which the loss of a constant answer may differ
BY_CHANCE = 0.01  # accuracy, by which a constant answer may differ from epoch to epoch
NO_SKILL = 0.97  # of the loss of guessing: nearer to it, little can have been learnt
MOST_PER_MISTAKE = 60.0  # nats; logits of usual size cost at most half of it
SURE = 0.95  # accuracy; above it every good model is near that entropy
# What texts call a plain mean of -ln p; None where they do not say.
PLAIN_LOSSES = (None, "cross-entropy", "binary cross-entropy")


class Direction(StrEnum):
    """What a loss above the envelope of its accuracy means."""

    OVER = "over"
    UNDER = "under"
    LIKELY_OVER = "likely over"
    OTHER_LOSS = "other loss"  # smoothed, weighted or regularised: no plain mean of -ln p


@dataclass(frozen=True)
class EnvelopeGap:
    """How far a loss lies above the largest loss of a calibrated model with this accuracy.

    Attributes
    ----------
    nats : float
        A lower bound of the miscalibration, if the loss is a plain mean of -ln p with this very
        accuracy.
    bound : float
        The largest loss of a calibrated model, at the lower end of the accuracy's interval.
    direction : Direction
        Above ln K no under-confident model comes. A training loss that exceeds its own envelope
        by at least a quarter as much shows a model that has not grown sure yet where it is about as
        large, and otherwise a loss with another term in it. In all other cases too much confidence
        is the likelier reason. At an accuracy of 100 % only too little confidence can cost
        anything.
    n_classes : int or None
        None where the number of classes is not known: then it holds for up to 1,000.
    """

    nats: float
    bound: float
    direction: Direction
    n_classes: int | None

    @property
    def classes(self) -> str:
        """For a sentence: on how many classes this holds."""
        if self.n_classes is None:
            return f"any number of classes up to {MOST_CLASSES:,}"
        return f"{self.n_classes} classes"


def envelope_gap(evidence: Evidence) -> EnvelopeGap | None:
    """The excess of the loss in question; None where loss or accuracy is not known.

    Parameters
    ----------
    evidence : Evidence
    """
    numbers = evidence.numbers
    if numbers is None:
        return None
    most = numbers.n_classes or MOST_CLASSES
    bound = provable_limit(numbers.accuracy, most)
    return EnvelopeGap(
        nats=numbers.log_loss.value - bound,
        bound=bound,
        direction=_direction(evidence, numbers, most),
        n_classes=numbers.n_classes,
    )


def _direction(evidence: Evidence, numbers: Metrics, most: int) -> Direction:
    facts = evidence.history.facts
    other = facts.label_smoothing or facts.class_weights or facts.regularised
    # Training numbers are those of other weights and of a loss that may have further terms.
    if other or evidence.split in TRAIN or facts.loss_function not in PLAIN_LOSSES:
        return Direction.OTHER_LOSS
    loss, errors = numbers.log_loss.value, 1.0 - numbers.accuracy.value
    if loss > math.log(most) + MOST_PER_MISTAKE * errors:
        return Direction.OTHER_LOSS  # a sum, or a loss of another kind
    if numbers.accuracy.value == 1.0:
        return Direction.UNDER  # every prediction is right: only doubt costs anything
    train = evidence.reported_numbers(evidence.train.split) if evidence.train else None
    excess = loss - provable_limit(numbers.accuracy, most)
    of_train = 0.0 if train is None else train.log_loss.value - provable_limit(train.accuracy, most)
    if train is not None and of_train > 0.0 and of_train >= EXPLAINS * excess:
        alike = train.log_loss.value >= ALIKE * loss and loss <= math.log(most)
        return Direction.UNDER if alike else Direction.OTHER_LOSS
    return Direction.OVER if loss > math.log(most) else Direction.LIKELY_OVER


def fits_one_class(evidence: Evidence) -> float | None:
    """The entropy of two classes, one as frequent as the accuracy, where the loss is about that.

    A model that gives every sample the class shares has just these two numbers, and a calibrated
    model that has learnt something has a smaller loss with the same accuracy.

    Parameters
    ----------
    evidence : Evidence

    Returns
    -------
    float or None
        None where the loss is another one, the accuracy moves, or the shares are known.
    """
    numbers, curve = evidence.numbers, evidence.curve()
    if numbers is None or curve is None or evidence.epochs or evidence.class_shares is not None:
        return None
    share = numbers.accuracy.value
    moves = float(np.ptp(curve.whole.accuracy)) > BY_CHANCE
    if moves or not 0.5 < share <= SURE or numbers.n_classes not in {None, 2}:
        return None
    entropy = binary_entropy(share)
    return entropy if abs(numbers.log_loss.value / entropy - 1.0) <= ONE_CLASS else None


def hardly_learnt(evidence: Evidence) -> bool:
    """Whether reported numbers are hardly better than those of a model that has learnt nothing.

    Such a model guesses among even classes, as many as the loss suggests where their number is not
    known, or it gives every sample the class shares.

    Parameters
    ----------
    evidence : Evidence

    Returns
    -------
    bool
        False where predictions tell more.
    """
    numbers, shares = evidence.numbers, evidence.class_shares
    if numbers is None or evidence.epochs:
        return False
    loss, right = numbers.log_loss.value, numbers.accuracy.value
    if shares is not None:
        entropy, guess = entropy_of_shares(shares), float(shares.max())
    else:
        k = numbers.n_classes or max(2, round(math.exp(min(loss, math.log(MOST_CLASSES)))))
        entropy, guess = math.log(k), 1.0 / k
    near = NO_SKILL * entropy <= loss <= entropy / NO_SKILL
    guesses = near and right <= LITTLE_BETTER * guess
    return guesses or fits_one_class(evidence) is not None
