"""WL111: A loss and an accuracy of exactly 0: nothing was evaluated.

## What it means
A loss of 0 means that every label got probability 1, and then every prediction is right. Beside an
accuracy of 0 it can only be the starting value of two sums to which no batch was ever added.

## Signature
Loss and accuracy of one split are both exactly 0, at one epoch or at all of them. Or the loss of a
split is exactly 0 at every epoch from the first on.

## Statistic and threshold
Both numbers are 0 to every printed digit. Nothing is estimated. Where no accuracy is known, the
loss is 0 at `min_epochs` = 3 epochs or more: a model that fits everything does not start so.

## Not to be confused with
`impossible-pair`: a loss that is too small for its accuracy, and an accuracy that is not 0.

## Remedy
Count the validation batches. Usual reasons: a generator that the first epoch used up, a number of
validation steps of 0, a batch size above the size of the split together with dropping the last
batch, a folder or a list of files that is empty, or a filter that leaves no rows.

## References
Loss and error rate bound each other: doi:10.1109/18.272494 (Feder and Merhav 1994).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from whyloss.evidence import TRAIN
from whyloss.formatting import format_ranges, pluralize
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import Rule
from whyloss.testing import known_columns

if TYPE_CHECKING:
    from whyloss.evidence import Evidence

RULE = Rule(
    "WL111",
    name="empty-split",
    page=__doc__,
    since="0.2",
    explains=(
        "impossible-pair",
        "chance-level",
        "consistent",
        "distribution-shift",
        "generalisation-gap",
        "train-mode-gap",
        "unstable-training",
        "label-encoding",
        "within-noise",
    ),
)


@RULE.at(
    Level.NUMBERS,
    fires=lambda seed: known_columns(
        train_loss=[0.7, 0.5 + 0.001 * (seed % 100)],
        train_accuracy=[0.6, 0.7],
        val_loss=[0.0, 0.0],
        val_accuracy=[0.0, 0.0],
    ),
)
def reported(evidence: Evidence) -> Finding | None:
    """Loss and accuracy of a split are both 0."""
    for split in evidence.splits:
        curve = evidence.reported(split)
        if curve is None:
            continue
        empty = (curve.log_loss == 0.0) & (curve.accuracy == 0.0)
        if not empty.any():
            continue
        epochs = tuple(curve.epochs[empty].tolist())
        return _finding(
            f"Loss and accuracy of split {split!r} are both exactly 0 at epoch "
            f"{format_ranges(epochs)}. That is impossible for predictions: with a loss of 0 all of "
            "them are right.",
            epochs,
            accuracy=Estimate(0.0, note="as reported", unit="share"),
        )
    return None


@RULE.at(
    Level.CURVES,
    fires=lambda seed: known_columns(
        train_loss=[0.7, 0.6, 0.5 + 0.001 * (seed % 100)], val_loss=[0.0, 0.0, 0.0]
    ),
    near_misses={
        "min_epochs": lambda seed: known_columns(
            train_loss=[0.7, 0.5 + 0.001 * (seed % 100)], val_loss=[0.0, 0.0]
        )
    },
)
def loss_of_zero(evidence: Evidence, *, min_epochs: float = 3) -> Finding | None:
    """The loss of a split is exactly 0 at every epoch, and its accuracy is not known."""
    for split in evidence.splits:
        curve = evidence.reported(split)
        if curve is None or np.isfinite(curve.accuracy).any() or split in TRAIN:
            continue
        losses = curve.with_loss
        if len(losses) < max(1, min_epochs) or losses.log_loss.any():
            continue
        return _finding(
            f"The loss of split {split!r} is exactly 0 at {pluralize(len(losses), 'epoch')}, from "
            "the first on. No model starts so.",
            tuple(losses.epochs.tolist()),
        )
    return None


def _finding(what: str, epochs: tuple[int, ...], **more: Estimate) -> Finding:
    return Finding(
        severity=Severity.ERROR,
        headline="Nothing was evaluated",
        message=f"{what} No sample was evaluated: check the size of the split and the number of "
        "its batches.",
        evidence={"log_loss": Estimate(0.0, note="as reported"), **more},
        epochs=epochs,
    )
