"""WL107: Labels are encoded differently from what the loss or the metric expects.

## What it means
Labels count from 1 where 0 was expected, or are −1 and 1, or indices where one-hot rows were
expected, or classes of a many-class task given to a binary loss. The loss then pulls towards
targets that do not exist, or the metric compares numbers that never agree.

## Signature
- Predictions: every class is predicted as its neighbour, as labels from 1 beside outputs from 0
  would have it.
- Reported numbers: a cross-entropy below zero, so some target lies outside 0 to 1; or an accuracy
  of exactly 0, so model and metric number the classes differently.

## Statistic and threshold
From predictions, moving all labels by one must beat leaving them where they are:
- `min_gain` = 10 points of accuracy, and more than its error.

A loss below 0 has no other reason, so it has no threshold. An accuracy of exactly 0:
- `min_epochs` = 2 evaluations at which it must be seen.

## Not to be confused with
`permuted-classes`: the classes are exchanged in some other way. `binary-loss-for-classes`: labels
and outputs agree, and the loss treats the outputs one by one.

## Remedy
Print a few labels beside the output's shape. Integer labels 0 … K − 1 go with
`sparse_categorical_crossentropy` or `CrossEntropyLoss`; one-hot rows with
`categorical_crossentropy`; 0 and 1 with the binary losses. Subtract the smallest label; map {−1, 1}
to {0, 1}. The number of outputs is the number of classes.

## References
What mislabelled data do to tests: arXiv:2103.14749 (Northcutt et al. 2021).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from whyloss.evidence import outline
from whyloss.formatting import format_nats, format_percent
from whyloss.remedies import renamed
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import TELLING, Lead, Rule
from whyloss.testing import known_cause, known_history, shift_classes

if TYPE_CHECKING:
    from whyloss.evidence import Evidence
    from whyloss.results.remedy import Remedy
    from whyloss.testing import KnownCause

LIKE_GUESSING = 0.35  # accuracy
WORSE_THAN_TWO = 0.4  # accuracy on two classes
FITS_AS_WELL = 0.8  # fit

RULE = Rule(
    "WL107",
    name="label-encoding",
    page=__doc__,
    since="0.1",
    explains=(
        "chance-level",
        "majority-class",
        "consistent",
        "overconfidence",
        "underconfidence",
        "outliers",
        "label-noise",
        "class-bias",
        "overfitting",
        "best-epochs-differ",
        "within-noise",
        "underfitting",
        "unstable-training",
        "impossible-pair",
        "permuted-classes",
        "distribution-shift",
        "train-mode-gap",
        "temperature",
    ),
)


def _never_right(seed: int) -> KnownCause:
    return known_history(seed, val_loss=[1.2, 1.1, 1.05], val_accuracy=[0.0, 0.0, 0.0])


@RULE.at(
    Level.SNAPSHOT,
    fires=lambda seed: shift_classes(known_cause(seed, n_samples=300)),
    near_misses={
        "min_gain": lambda seed: shift_classes(known_cause(seed, n_samples=4000), share=0.54),
    },
)
def moved_by_one(evidence: Evidence, *, min_gain: float = 0.1) -> Finding | None:
    """Numbering the labels from the other end of 0 and 1 makes the predictions right."""
    best = evidence.noise_models.label_permutation
    if best is None or best.shift is None:
        return None
    if not (best.gain.value > min_gain and best.gain.low is not None and best.gain.low > 0):
        return None
    way = "below" if best.shift == 1 else "above"
    return Finding(
        severity=Severity.ERROR,
        headline="Labels moved by one",
        message=(
            f"The model predicts the class one {way} the label: numbering the labels from "
            f"{'0' if best.shift == 1 else '1'} instead takes the accuracy from "
            f"{format_percent(best.accuracy.value)} to "
            f"{format_percent(best.accuracy_renamed.value)}."
        ),
        evidence={"accuracy": best.accuracy, "accuracy_moved": best.accuracy_renamed},
        epochs=(evidence.last.epoch,),
    )


@RULE.at(
    Level.NUMBERS,
    fires=lambda seed: known_history(
        seed, val_loss=[-3.0, -9.0], val_accuracy=[0.1, 0.1], noise=0.1
    ),
    always=True,
)
def negative_loss(evidence: Evidence) -> Finding | None:
    """A reported cross-entropy is below zero."""
    for split in evidence.splits:
        curve = evidence.reported(split)
        below = [] if curve is None else np.flatnonzero(curve.log_loss < 0).tolist()
        if curve is None or not below:
            continue
        lowest = float(curve.log_loss[below].min())
        return Finding(
            severity=Severity.ERROR,
            headline="A loss below zero",
            message=(
                f"The loss of split {split!r} is {format_nats(lowest)}. A cross-entropy cannot be "
                "negative: some targets lie outside 0 to 1, as class numbers given to a binary "
                "loss or labels −1 and 1 do. A loss that adds other terms can be negative without "
                "that."
            ),
            evidence={"log_loss": Estimate(lowest, note="as reported")},
            epochs=tuple(curve.epochs[below].tolist()),
        )
    return None


@RULE.at(
    Level.NUMBERS,
    fires=_never_right,
    near_misses={
        "min_epochs": lambda seed: known_history(seed, val_loss=[1.2], val_accuracy=[0.0]),
    },
    always=True,
)
def never_right(evidence: Evidence, *, min_epochs: float = 2) -> Finding | None:
    """The reported accuracy is exactly 0, again and again."""
    curve = evidence.reported(evidence.split)
    if curve is None:
        return None
    known = curve.accuracy[np.isfinite(curve.accuracy)]
    if not (len(known) >= max(1, min_epochs) and (known == 0.0).all()):
        return None
    return Finding(
        severity=Severity.ERROR,
        headline="Never right",
        message=(
            f"The accuracy on split {evidence.split!r} was exactly 0 at {len(known)} evaluations. "
            "Even guessing is right now and then: the metric compares labels of another form "
            "(counted from 1, one-hot, another number of classes) than the model predicts."
        ),
        evidence={"accuracy": Estimate(0.0, note="as reported", unit="share")},
        epochs=tuple(curve.epochs.tolist()),
    )


@RULE.cured_by
def _renumber(evidence: Evidence, _: Finding) -> Remedy | None:
    """Undo the renumbering, where predictions show it."""
    best = evidence.noise_models.label_permutation if evidence.epochs else None
    return renamed.reorder(evidence, best) if best and best.shift is not None else None


@RULE.suspected(
    prior=0.08,
    check="Print ten validation samples with their labels and the name of each class: do they "
    "belong together?",
)
def _suspicion(evidence: Evidence) -> Lead | None:
    """Labels that cannot belong to the outputs: all right at once, or wrong in validation alone."""
    seen = outline(evidence)
    if seen.loss == 0.0 and seen.accuracy == 1.0:
        return Lead(
            TELLING,
            "A loss of 0 and an accuracy of 100 % are what labels of one class alone give: "
            "nothing is left to be decided.",
        )
    if seen.train_fits and seen.accuracy is not None and seen.accuracy <= LIKE_GUESSING:
        return Lead(
            FITS_AS_WELL,
            f"The model fits its training data, and {format_percent(seen.accuracy)} in validation "
            "is what labels in another order give.",
        )
    if seen.accuracy is not None and seen.accuracy < WORSE_THAN_TWO and evidence.n_classes == 2:
        return Lead(
            FITS_AS_WELL,
            f"With two classes an accuracy of {format_percent(seen.accuracy)} is worse than "
            "guessing: exchanged labels would explain it.",
        )
    return None
