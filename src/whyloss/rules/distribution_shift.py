"""WL701: Validation samples are not like training samples, or are not treated like them.

## What it means
The model is good on its training data and near guessing on validation data, from the start. That is
not overfitting, which begins alike on both. The inputs are prepared differently (scaling, channel
order, tokenisation), the labels are in another order, evaluation mode uses statistics that do not
fit (batch normalisation), or the data come from somewhere else.

## Signature
Training accuracy far above guessing, validation accuracy hardly above it; the validation loss is
larger than that of guessing. Or: a test split is far worse than the validation split, which should
be like it.

## Statistic and threshold
Guessing is right in 1/K, or as often as the largest class is frequent, or, where neither is known,
as seldom as any epoch was. Above it, in the median of the last three epochs:
- `min_train` = 30 points that the training accuracy has gained at least.
- `max_gain` = 15 points that the validation accuracy has gained at most; half of that where
  guessing is only taken from the epochs.
- `max_times` = 2.5 times the accuracy of guessing at most.

And over the whole training:
- `max_ever` = 60 % of what training had gained: validation must not have reached that at any epoch.
- `min_loss` = 80 % of the loss of guessing: the last validation loss must be at least that.

A single line must show all of it.

A test split, against the validation split:
- `min_drop` = 10 points by which its accuracy is lower.
- `min_z` = 3 standard errors of that difference. Where the number of samples is not known, 100 are
  assumed.

## Not to be confused with
`overfitting`: validation was good and got worse. `permuted-classes`: the predictions are right
under other names; it is looked for first. A model that has memorised its training data looks
calibrated on them, whatever the validation data are.

## Remedy
Run the validation pipeline on a few training samples: if the accuracy is bad there too, the
pipeline differs. Compare the statistics of the inputs. Evaluate the training set in evaluation
mode.

## References
arXiv:1906.02530 (Ovadia et al. 2019: confidence under shift). arXiv:1810.11953 (Rabanser et al.
2018: detecting shift).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from whyloss.evidence import ASSUMED_SAMPLES, TRAIN, Evidence, outline
from whyloss.formatting import format_nats, format_percent
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import Lead, Rule
from whyloss.testing import known_columns, known_history

if TYPE_CHECKING:
    from whyloss.testing import KnownCause

POOR_ACCURACY = 0.35
TEST = "test"
FAR_LOSS = 3.0  # nats; more than guessing among 20 classes

RULE = Rule(
    "WL701",
    name="distribution-shift",
    page=__doc__,
    since="0.1",
    explains=(
        "chance-level",
        "majority-class",
        "consistent",
        "overconfidence",
        "underconfidence",
        "overfitting",
        "best-epochs-differ",
    ),
)

LAST = 3  # epochs at the end that are taken together: one of them may be off
LEARNT = 0.2  # of what training gains in the end, from which epoch on it has learnt something
UNSURE = 0.5  # of a gain, where guessing is only taken from the epochs
ROUNDED = 0.01  # accuracy
SELDOM = 1e-3  # accuracy: the least that guessing is taken to have, so that its loss is finite


def _broken(
    seed: int,
    *,
    val: float = 0.06,
    train: float = 0.95,
    loss: float = 1.0,
    once: float = 0.0,
    n_classes: int = 20,
) -> KnownCause:
    """A training that validation does not follow; `once` is its accuracy at one epoch."""
    e = np.arange(8)
    return known_history(
        seed,
        train_loss=2.5 * np.exp(-e / 2) + 0.1,
        train_accuracy=train - 0.85 * np.exp(-e / 1.5),
        val_loss=np.asarray(loss * (4.0 + 0.6 * e), dtype=np.float64),
        val_accuracy=np.where(e == 4, max(once, val), np.minimum(0.05 + 0.1 * e, val)),
        noise=0.02,
        n_classes=n_classes,
    )


@RULE.at(
    Level.NUMBERS,
    fires=_broken,
    near_misses={
        "max_gain": lambda seed: _broken(seed, val=0.55, n_classes=4),
        "max_times": lambda seed: _broken(seed, val=0.18),
        "min_train": lambda seed: _broken(seed, train=0.25),
        "max_ever": lambda seed: _broken(seed, once=0.8),
        "min_loss": lambda seed: _broken(seed, loss=0.1),
    },
)
def training_alone_learns(
    evidence: Evidence,
    *,
    max_gain: float = 0.15,
    max_times: float = 2.5,
    min_train: float = 0.3,
    max_ever: float = 0.6,
    min_loss: float = 0.8,
) -> Finding | None:
    """Training is good, validation was never more than guessing."""
    train, val = evidence.train, evidence.curve()
    if train is None or val is None or evidence.split in TRAIN:
        return None
    train, val = train.whole, val.whole
    epochs = np.intersect1d(train.epochs, val.epochs)
    if not len(epochs):
        return None
    (_, of_train), (losses, of_val) = train.at(epochs), val.at(epochs)
    if evidence.n_classes is None and len(epochs) < LAST and of_val[-1] > max_gain:
        return None  # the first epochs have to show what guessing is
    k = evidence.n_classes
    guess = 1.0 / k if k else min(0.5, float(of_val.min()), float(of_train.min()))
    if evidence.class_shares is not None:
        guess = float(evidence.class_shares.max())
    gained_train = float(np.median(of_train[-LAST:])) - guess
    late_val = float(np.median(of_val[-LAST:]))
    known = k is not None or evidence.class_shares is not None
    most = max_gain if known else UNSURE * max_gain
    near = late_val - guess <= most and late_val <= max_times * guess + ROUNDED
    if not (gained_train >= min_train and near):
        return None
    learnt = of_train - guess >= LEARNT * gained_train
    ever = bool((of_val[learnt] - guess >= max_ever * (of_train[learnt] - guess)).any())
    loss = float(losses[-1])
    least = float(np.log(k)) if k else -float(np.log(max(guess, SELDOM)))
    if ever or not loss >= min_loss * least:
        return None
    return Finding(
        severity=Severity.ERROR,
        headline="Validation is not like training",
        message=(
            "Validation data are not like training data, or are not treated like them: the "
            f"training accuracy is {format_percent(float(of_train[-1]))}, the validation accuracy "
            f"{format_percent(float(of_val[-1]))}, hardly more than guessing, with a validation "
            f"loss of {format_nats(loss)}, and it was never much better. Look for inputs that are "
            "prepared differently, labels in another order, or batch normalisation whose "
            "statistics do not fit."
        ),
        evidence={
            "train_accuracy": Estimate(float(of_train[-1]), note="at the last epoch", unit="share"),
            "val_accuracy": Estimate(float(of_val[-1]), note="at the last epoch", unit="share"),
            "val_loss": Estimate(loss, note="at the last epoch"),
        },
        epochs=tuple(epochs[-LAST:].tolist()),
    )


def _tested(seed: int, test: float, n: int | None = 2000) -> KnownCause:
    """A validation accuracy of 95 %, and another one on a split for the test."""
    share = 0.95 + 0.0002 * (seed % 100)
    return known_columns(
        n_val=n, val_loss=[0.15], val_accuracy=[share], test_accuracy=[test + share - 0.95]
    )


@RULE.at(
    Level.NUMBERS,
    fires=lambda seed: _tested(seed, 0.6),
    near_misses={
        "min_drop": lambda seed: _tested(seed, 0.88),
        "min_z": lambda seed: _tested(seed, 0.82, n=25),
    },
    always=True,
)
def differs_from_validation(
    evidence: Evidence, *, min_drop: float = 0.10, min_z: float = 3.0
) -> Finding | None:
    """A test split is far worse than the validation split that it should be like."""
    val = (
        None
        if evidence.split in {*TRAIN, TEST}
        else evidence.history.column(evidence.split, "accuracy")
    )
    test = evidence.history.column(TEST, "accuracy")
    if val is None or test is None:
        return None
    known_val, known_test = val[np.isfinite(val)], test[np.isfinite(test)]
    if not (len(known_val) and len(known_test)):
        return None
    first, second = float(known_val[-1]), float(known_test[-1])
    n = evidence.history.n_val or ASSUMED_SAMPLES
    se = float(np.sqrt((first * (1.0 - first) + second * (1.0 - second)) / n))
    drop = first - second
    if not (drop > min_drop and drop > min_z * se):
        return None
    return Finding(
        severity=Severity.WARNING,
        headline="The test data are not like the validation data",
        message=(
            f"The accuracy is {format_percent(first)} on split {evidence.split!r} and "
            f"{format_percent(second)} on split {TEST!r}. Validation is too easy, or the test is "
            "different: near-copies of training samples in the validation split, another source "
            "or another preparation of the test data, or labels in another order."
        ),
        evidence={
            "val_accuracy": Estimate(first, note="as reported", unit="share"),
            "test_accuracy": Estimate(second, note="as reported", unit="share"),
            "drop": Estimate(drop, drop - 2 * se, drop + 2 * se, se, unit="share"),
        },
    )


@RULE.suspected(
    prior=0.1,
    check="Evaluate training samples through the validation code: if they are wrong there too, the "
    "preparation differs.",
)
def _suspicion(evidence: Evidence) -> Lead | None:
    """Training is fitted well, and validation is hardly better than guessing."""
    seen = outline(evidence)
    if evidence.split in TRAIN or not seen.train_fits:
        return None
    poor = seen.accuracy is not None and seen.accuracy <= POOR_ACCURACY
    far = seen.accuracy is None and seen.loss is not None and seen.loss >= FAR_LOSS
    if not (poor or far):
        return None
    what = (
        f"the accuracy is {format_percent(seen.accuracy)} in validation"
        if seen.accuracy is not None
        else f"the validation loss is {format_nats(seen.loss or 0.0)}"
    )
    return Lead(1.0, f"The model fits its training data, and {what}.")
