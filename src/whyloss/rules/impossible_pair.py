"""WL105: No model has this loss beside this accuracy.

## What it means
A wrong prediction gives the true class at most one half, so it costs at least ln 2 = 0.693 nats. A
mean loss below the error rate times ln 2 is therefore no mean cross-entropy over the samples that
the accuracy was counted on: one of the two numbers is something else.

## Signature
The reported loss is below (1 − accuracy) · ln 2, on whatever split and at whatever epoch; or far
below what a calibrated model of this accuracy has at least.

## Statistic and threshold
Only reported losses are tested: those that whyloss computes itself keep the bound.

Impossible: the bound holds for every model and every set of samples, so no error bars enter, and
every epoch of every split is tested. The loss must be below `max_share` = 0.9 of it, because
running means and rounded digits move both numbers a little.

Hardly possible: the loss is below `max_envelope` = 0.75 of the least that a calibrated model of
this accuracy can have (the lower end of Fano's envelope). Only a model that nearly always puts the
truth second, with nearly the probability of the first, has such a loss.

Worse than guessing: the loss is at every epoch at least
- `min_loss` = 11.6 nats, what guessing among 100,000 classes costs, while a score of another kind
  (BLEU, IoU, …) gets better by
- `min_gain` = 0.05 of its unit. A model cannot know less than nothing and improve.

## Not to be confused with
`label-encoding`: a loss below zero. `loss-mismatch`: the predictions are at hand and say which
reduction the framework used.

## Remedy
Look for a loss that was divided once too often (by the batch size, by the number of classes, by
padded positions), a loss of the last batch only beside an accuracy of all, a mean over masked
outputs, or an accuracy with its labels in another order or form.

## References
Error rate and cross-entropy: doi:10.1109/18.272494 (Feder and Merhav 1994).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from whyloss.evidence import Family, outline
from whyloss.formatting import format_nats, format_percent, pluralize
from whyloss.measures.envelope import fano_envelope, least_possible_loss
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import TELLING, Lead, Rule
from whyloss.testing import known_columns, known_history

if TYPE_CHECKING:
    from whyloss.evidence import Curve, Evidence
    from whyloss.results.metrics import Metrics
    from whyloss.testing import KnownCause

STANDING = 3  # epochs
MOVED = 2.0  # factor of the loss meanwhile
ROUNDING = 0.0005  # nats; what four printed digits leave open
NEAR_BOUND = 1.1  # times the least possible loss
SMALLEST_LOSS = 1e-9  # nats

RULE = Rule(
    "WL105",
    name="impossible-pair",
    page=__doc__,
    since="0.1",
    explains=(
        "chance-level",
        "consistent",
        "overconfidence",
        "underconfidence",
        "train-mode-gap",
        "best-epochs-differ",
    ),
)

SELDOM = 1e-3  # accuracy: below it 1000 classes are assumed, more than nearly any task has
MIN_ERRORS = 0.01  # below it the digits of the accuracy decide


def _too_small(seed: int) -> KnownCause:
    return known_history(seed, val_loss=[0.011], val_accuracy=[0.7], noise=0.05)


def _just_possible(seed: int) -> KnownCause:
    """As near to the bound as the last batch of a running mean brings it."""
    return known_history(
        seed,
        train_loss=[0.205],
        train_accuracy=[0.7],
        val_loss=[0.6],
        val_accuracy=[0.7],
        noise=0.0001,
    )


@RULE.at(Level.NUMBERS, fires=_too_small, near_misses={"max_share": _just_possible})
def too_small(evidence: Evidence, *, max_share: float = 0.9) -> Finding | None:
    """The loss is below what any model of this accuracy has."""
    for split in evidence.splits:
        pairs = _impossible(evidence.reported(split), max_share)
        if pairs is not None and len(pairs):
            return _finding(pairs)
    return None


@RULE.at(
    Level.NUMBERS,
    fires=lambda seed: known_history(seed, val_loss=[0.25], val_accuracy=[0.7], noise=0.01),
    near_misses={
        "max_envelope": lambda seed: known_history(
            seed, val_loss=[0.36], val_accuracy=[0.7], noise=0.01
        )
    },
)
def hardly_possible(evidence: Evidence, *, max_envelope: float = 0.75) -> Finding | None:
    """The loss is far below what a calibrated model of this accuracy has at least."""
    numbers = evidence.reported_numbers(evidence.split)
    if numbers is None:
        return None
    # The upper end of the accuracy's interval allows the smallest loss.
    best = numbers.accuracy.value if numbers.accuracy.high is None else numbers.accuracy.high
    loss = numbers.log_loss.value
    if best < 1.0 - MIN_ERRORS and 0.0 <= loss <= max_envelope * _least_calibrated(best):
        return _hardly_possible(evidence.split, numbers)
    return None


def _least_calibrated(accuracy: float) -> float:
    """The smallest loss of a calibrated model, which the number of classes does not change."""
    return fano_envelope(accuracy, max(2, math.ceil(1.0 / max(accuracy, SELDOM))))[0]


def _impossible(curve: Curve | None, max_share: float) -> Curve | None:
    """The epochs of a split with a loss that no model of their accuracy has."""
    if curve is None:
        return None
    known = curve.whole
    bounds = np.array([least_possible_loss(share) for share in known.accuracy.tolist()])
    small = (known.log_loss >= 0.0) & (known.log_loss <= max_share * bounds)
    return known.take(small & (bounds > ROUNDING))


def _hardly_possible(split: str, numbers: Metrics) -> Finding:
    share, loss = numbers.accuracy.value, numbers.log_loss.value
    least = _least_calibrated(share)
    return Finding(
        severity=Severity.WARNING,
        headline="A hardly possible pair",
        message=(
            f"On split {split!r} a loss of {format_nats(loss)} is too small for an accuracy of "
            f"{format_percent(share)}: a calibrated model that is right so seldom has "
            f"{format_nats(least)} or more. Most likely the metric compares something else than "
            "the loss (labels of another shape, a string 'accuracy' resolved to the wrong "
            "function, another split), or the loss was scaled down."
        ),
        evidence={
            "log_loss": numbers.log_loss,
            "accuracy": numbers.accuracy,
            "envelope_low": Estimate(least, note="exact, at this accuracy"),
        },
        epochs=(numbers.epoch,),
    )


def _finding(pairs: Curve) -> Finding:
    """Word the last of the impossible pairs of a split."""
    loss, accuracy = float(pairs.log_loss[-1]), float(pairs.accuracy[-1])
    bound = least_possible_loss(accuracy)
    more = f" (and at {pluralize(len(pairs) - 1, 'other epoch')})" if len(pairs) > 1 else ""
    return Finding(
        severity=Severity.ERROR,
        headline="An impossible pair",
        message=(
            f"On split {pairs.split!r} a loss of {format_nats(loss)} beside an accuracy of "
            f"{format_percent(accuracy)} at epoch {pairs.epochs[-1]}{more} is impossible for any "
            f"model: each wrong prediction costs at least {format_nats(math.log(2))} nats, so the "
            f"mean is {format_nats(bound)} or more. The loss is no mean cross-entropy over these "
            "samples (a squared error, a sum divided once too often, another set of samples), or "
            "the accuracy compares something else."
        ),
        evidence={
            "log_loss": Estimate(loss, note="as reported"),
            "accuracy": Estimate(accuracy, note="as reported", unit="share"),
            "least_possible_loss": Estimate(bound, note="exact, at this accuracy"),
        },
        epochs=tuple(int(epoch) for epoch in pairs.epochs),
    )


def _senseless(seed: int, loss: float = 13.0, gain: float = 0.2) -> KnownCause:
    return known_columns(
        train_loss=[4.0, 3.0, 2.5],
        val_loss=[loss, loss + 0.3, loss + 0.5 + 0.001 * (seed % 100)],
        val_bleu=[0.1, 0.1 + gain / 2, 0.1 + gain],
    )


@RULE.at(
    Level.CURVES,
    fires=_senseless,
    near_misses={
        "min_loss": lambda seed: _senseless(seed, loss=9.0),
        "min_gain": lambda seed: _senseless(seed, gain=0.01),
    },
)
def worse_than_any_guessing(
    evidence: Evidence, *, min_loss: float = 11.6, min_gain: float = 0.05
) -> Finding | None:
    """The loss is worse than guessing at every epoch, and a score of another kind gets better."""
    seen = outline(evidence)
    score = seen.score
    if evidence.epochs or score is None or score.score.family is not Family.OTHER_TARGET:
        return None
    gain = float(score.gains[-1] - score.gains[0]) / score.unit
    if not len(seen.losses) or not seen.losses.min() >= min_loss or not gain >= min_gain:
        return None
    words = score.score.words
    return Finding(
        severity=Severity.WARNING,
        headline="A hardly possible pair",
        message=(
            f"On split {evidence.split!r} the loss is {format_nats(seen.losses[-1])} nats, worse "
            f"than guessing among {math.exp(min_loss):,.0f} classes, while the {words} went from "
            f"{score.score.text(score.values[0])} to {score.score.text(score.values[-1])}. A model "
            f"that improves its {words} cannot know less than nothing: most likely the loss is "
            "computed against other targets (shifted, padded, or of another order). Trust the "
            f"{words} until the loss is mended."
        ),
        evidence={
            "log_loss": Estimate(float(seen.losses[-1]), note="as reported"),
            "score_gain": Estimate(gain, note="of its unit", unit="number"),
        },
        epochs=tuple(score.epochs.tolist()),
    )


@RULE.suspected(
    prior=0.08,
    check="Compute accuracy and loss by hand on ten samples: do both agree with the log?",
)
def _suspicion(evidence: Evidence) -> Lead | None:
    """An accuracy that does not fit the loss: it stands still or is 0 while the loss falls."""
    seen = outline(evidence)
    if seen.accuracy is None or seen.loss is None or len(seen.accuracies) < 1:
        return None
    factor = float(seen.losses.max()) / max(float(seen.losses.min()), SMALLEST_LOSS)
    still = len(seen.accuracies) >= STANDING and float(np.ptp(seen.accuracies)) == 0.0
    if still and seen.accuracy < 1.0 and factor >= MOVED:
        return Lead(
            TELLING,
            f"The accuracy stays at {format_percent(seen.accuracy)} while the loss changes by a "
            f"factor of {factor:.1f}.",
        )
    bound = least_possible_loss(seen.accuracy)
    if 0.0 < seen.loss < NEAR_BOUND * bound:
        return Lead(
            1.0,
            f"A loss of {format_nats(seen.loss)} is small for an accuracy of "
            f"{format_percent(seen.accuracy)}.",
        )
    return None
