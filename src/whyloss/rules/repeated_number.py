"""WL112: Two numbers that should differ are equal in every digit.

## What it means
Two sets of samples never have the same mean loss to seven digits, and no model under training
has the same accuracy on two sets at every epoch. Either both numbers were computed from the same
rows, or one of them was printed twice, or it is a placeholder.

## Signature
A metric of two splits that agrees to the last digit; or an accuracy that is one and the same
number on every split and at every epoch while the loss moves.

## Statistic and threshold
- The same metric of two splits: at least `min_digits` = 8 digits agree, added up over the
  different values at the epochs that both have (0 and 1 do not count: two perfect splits agree; a
  value that stands still counts once, since splits can have the same class shares).
- An evaluation that stands still: the validation loss is the same to at least four digits at
  `min_epochs` = 3 epochs or more, while the training loss changes by at least a factor of
  `min_factor` = 1.2.
- A score that is always 1, on every split and at `min_epochs` = 2 epochs or more, beside a loss of
  at least `min_loss` = 0.2 nat: it is too easy to be a measure, as a top-5 accuracy of five classes
  is.
- A constant accuracy: it is the same on at least two splits at `min_epochs` = 3 epochs or more,
  while a loss changes by at least a factor of `min_factor` = 1.5.

## Not to be confused with
`majority-class`: the accuracy of one split does not move, because one class is predicted; it
differs between splits unless their class shares are equal.

## Remedy
Look at the call that evaluates each split: which data does it get, and is the result assigned to
the right name? Compute the accuracy from the labels and the predictions of that very split.

## References
Leaks between splits and other errors of evaluation: doi:10.1016/j.patter.2023.100804 (Kapoor and
Narayanan 2023).
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from whyloss.evidence import SCORES, outline
from whyloss.formatting import pluralize
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import Rule
from whyloss.testing import known_columns

if TYPE_CHECKING:
    import numpy.typing as npt

    from whyloss.evidence import Evidence
    from whyloss.testing import KnownCause

FEW_DIGITS = 4  # from which on two losses that agree are the same
MOST_DIGITS = 17  # of a float64

RULE = Rule(
    "WL112",
    name="repeated-number",
    page=__doc__,
    since="0.2",
    explains=(
        "consistent",
        "train-mode-gap",
        "majority-class",
        "chance-level",
        "underfitting",
    ),
)


def _twins(seed: int, digits: int) -> KnownCause:
    value = round(0.81234567891234 + 0.001 * (seed % 100), digits)
    return known_columns(train_auc=[value], val_auc=[value])


def _placeholder(seed: int, epochs: int, factor: float) -> KnownCause:
    losses = np.linspace(3.0 + 0.01 * (seed % 100), 3.0 / factor, epochs)
    return known_columns(
        train_loss=losses,
        val_loss=1.1 * losses,
        train_accuracy=[0.5] * epochs,
        val_accuracy=[0.5] * epochs,
    )


@RULE.at(
    Level.NUMBERS,
    fires=lambda seed: _twins(seed, 12),
    near_misses={"min_digits": lambda seed: _twins(seed, 3)},
)
def two_splits(evidence: Evidence, *, min_digits: float = 8) -> Finding | None:
    """One metric of two splits agrees in every digit."""
    for metric in ("loss", *SCORES):
        columns = {
            split: evidence.history.columns[split, metric]
            for split in evidence.splits
            if (split, metric) in evidence.history.columns
        }
        for (first, one), (second, other) in combinations(columns.items(), 2):
            both = np.isfinite(one) & np.isfinite(other)
            if not both.any() or not (one[both] == other[both]).all():
                continue
            digits = sum(_digits(value) for value in set(one[both].tolist()))
            if digits < max(1, min_digits):
                continue
            value = float(one[both][-1])
            return Finding(
                severity=Severity.ERROR,
                headline="The same number twice",
                message=(
                    f"The {metric.replace('_', ' ')} of split {first!r} and of split {second!r} "
                    f"are equal in every digit (last: {value!r}). Two sets of samples do not "
                    "agree so far: the same rows were evaluated twice, or one number was printed "
                    "under both names."
                ),
                evidence={
                    "value": Estimate(value, note="as reported, for both splits", unit="number"),
                    "digits": Estimate(
                        float(digits), note="that agree, over all epochs", unit="count"
                    ),
                },
                epochs=tuple(int(epoch) for epoch in evidence.history.epochs[both]),
            )
    return None


@RULE.at(
    Level.CURVES,
    fires=lambda seed: _placeholder(seed, 6, 4.0),
    near_misses={
        "min_epochs": lambda seed: _placeholder(seed, 2, 4.0),
        "min_factor": lambda seed: _placeholder(seed, 6, 1.1),
    },
)
def placeholder(
    evidence: Evidence, *, min_epochs: float = 3, min_factor: float = 1.5
) -> Finding | None:
    """One accuracy stands on every split and at every epoch while the loss moves."""
    curves = [curve for split in evidence.splits if (curve := evidence.reported(split)) is not None]
    known = [curve.whole for curve in curves if len(curve.whole)]
    if len(known) < 2:
        return None
    values = np.unique(np.concatenate([curve.accuracy for curve in known]))
    n = min(len(curve) for curve in known)
    if len(values) != 1 or not 0.0 < values[0] < 1.0 or n < max(2, min_epochs):
        return None
    if max(_factor(curve.log_loss) for curve in known) < min_factor:
        return None
    return Finding(
        severity=Severity.ERROR,
        headline="An accuracy that is not measured",
        message=(
            f"The accuracy is {values[0]:g} on all {pluralize(len(known), 'split')} and at every "
            "epoch, while the loss moves. No model under training is right equally often on "
            "different samples each time: the number is a placeholder, or compares something that "
            "does not change."
        ),
        evidence={
            "accuracy": Estimate(float(values[0]), note="as reported, everywhere", unit="share")
        },
        epochs=tuple(int(epoch) for epoch in known[0].epochs),
    )


def _stale(seed: int, epochs: int = 4, factor: float = 2.0) -> KnownCause:
    value = 0.5127 + 0.001 * (seed % 100)
    return known_columns(
        train_loss=np.linspace(0.3 * factor, 0.3, epochs),
        val_loss=[value] * epochs,
        val_accuracy=[0.8125] * epochs,
    )


@RULE.at(
    Level.CURVES,
    fires=_stale,
    near_misses={
        "min_epochs": lambda seed: _stale(seed, epochs=2),
        "min_factor": lambda seed: _stale(seed, factor=1.02),
    },
)
def evaluation_stands_still(
    evidence: Evidence, *, min_epochs: float = 3, min_factor: float = 1.2
) -> Finding | None:
    """The validation loss is the same in every digit while the training loss moves."""
    curve, train = evidence.reported(evidence.split), evidence.train
    losses = None if curve is None else curve.with_loss
    if evidence.epochs or train is None or losses is None or len(losses) < max(2, min_epochs):
        return None
    value = float(losses.log_loss[-1])
    if np.ptp(losses.log_loss) > 0.0 or _digits(value) < FEW_DIGITS:
        return None
    if not len(train.with_loss) or _factor(train.with_loss.log_loss) < min_factor:
        return None
    first, last = train.with_loss.log_loss[0], train.with_loss.log_loss[-1]
    return Finding(
        severity=Severity.ERROR,
        headline="The evaluation stands still",
        message=(
            f"The loss on split {evidence.split!r} is {value:.6g} at {len(losses)} epochs, in "
            f"every digit, while the training loss goes from {first:.4g} to {last:.4g}. Weights "
            "that change give another loss: the evaluation uses other weights than training (an "
            "old copy, a frozen part that alone decides), or an old result is printed again."
        ),
        evidence={
            "log_loss": Estimate(value, note="as reported, at every epoch"),
            "train_loss": Estimate(float(last), note="as reported"),
        },
        epochs=tuple(losses.epochs.tolist()),
    )


def _perfect(seed: int, epochs: int = 4, loss: float = 0.5) -> KnownCause:
    losses = np.linspace(1.2, 1.0, epochs) * (loss + 0.0001 * (seed % 100))
    return known_columns(
        train_loss=1.1 * losses,
        train_top5_accuracy=[1.0] * epochs,
        val_loss=losses,
        val_top5_accuracy=[1.0] * epochs,
    )


@RULE.at(
    Level.CURVES,
    fires=_perfect,
    near_misses={
        "min_epochs": lambda seed: _perfect(seed, epochs=1),
        "min_loss": lambda seed: _perfect(seed, loss=0.05),
    },
)
def always_perfect(
    evidence: Evidence, *, min_epochs: float = 2, min_loss: float = 0.2
) -> Finding | None:
    """A score other than the accuracy is exactly 1 everywhere, beside a loss that is not small."""
    seen = outline(evidence)
    score = seen.score
    if evidence.epochs or score is None or score.score.name == "accuracy" or seen.loss is None:
        return None
    if len(score) < max(1, min_epochs) or not seen.loss >= min_loss:
        return None
    columns = [
        values
        for (_, metric), values in evidence.history.columns.items()
        if metric == score.score.name
    ]
    if any((values[np.isfinite(values)] != 1.0).any() for values in columns):
        return None
    words = score.score.words
    return Finding(
        severity=Severity.WARNING,
        headline="A score that is always 1",
        message=(
            f"The {words} is exactly 1 on every split at {len(score)} epochs, beside a loss of "
            f"{seen.loss:.4g}: it cannot be missed (the top 5 of five classes, a comparison of a "
            "thing with itself), so it says nothing. Use the accuracy."
        ),
        evidence={"log_loss": Estimate(seen.loss, note="as reported")},
        epochs=tuple(score.epochs.tolist()),
    )


def _digits(value: float) -> int:
    """Significant digits of a number as it was printed; none for 0 and 1, which say nothing."""
    if value in {0.0, 1.0}:
        return 0
    mantissa = repr(abs(value)).partition("e")[0].replace(".", "").strip("0")
    return min(MOST_DIGITS, len(mantissa))


def _factor(losses: npt.NDArray[np.float64]) -> float:
    """Largest loss over the smallest one."""
    low, high = float(losses.min()), float(losses.max())
    return high / low if low > 0 else 1.0
