"""WL108: The model tells the classes apart, and calls them by each other's names.

## What it means
Labels and outputs are in different orders: folders were sorted differently for training and
validation, two classes were exchanged in a table, or a binary model's output is the probability of
the other class. The model is better than its accuracy; its loss is large because it is sure of the
wrong name.

## Signature
In the table of true against predicted classes the large numbers lie off the diagonal. Renaming the
classes, one to one, makes them right.

## Statistic and threshold
The best one-to-one renaming is found by the Hungarian method. The best of many renamings gains by
chance, so each half of the samples is renamed as the other half has it best.
- `min_gain` = 10 points: the accuracy must rise by more than that.
- `min_z` = 5 standard errors: the paired difference must exceed them.
- `min_recall` = one half: of the classes that get another name, so much must be right then, all
  classes counting alike, and `min_gain` more than before. Garbled inputs also turn one class into
  another, and a biased model predicts one class for everything.

## Not to be confused with
`label-noise`: labels wrong here and there, in no order. `label-encoding`: all labels moved by one.
`permuted-classes` is looked for before both, since renamed classes look like noise.

## Remedy
Compare the class order of the training data with that of the validation data and of the model's
outputs (`class_to_idx`, `class_indices`, the categories of the column), and keep one list.

## References
The Hungarian method: doi:10.1002/nav.3800020109 (Kuhn 1955). Finding systematic label errors:
arXiv:1911.00068 (Northcutt et al. 2019).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from whyloss.formatting import format_percent, format_points
from whyloss.remedies import renamed
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import Rule
from whyloss.testing import known_cause, shift_classes, swap_classes

if TYPE_CHECKING:
    from whyloss.evidence import Evidence
    from whyloss.results.remedy import Remedy


RULE = Rule(
    "WL108",
    name="permuted-classes",
    page=__doc__,
    since="0.1",
    explains=(
        "overconfidence",
        "underconfidence",
        "outliers",
        "label-noise",
        "class-bias",
        "chance-level",
        "majority-class",
        "consistent",
        "distribution-shift",
        "overfitting",
        "temperature",
    ),
)

SHOWN = 6  # renamed classes that are spelt out


@RULE.at(
    Level.SNAPSHOT,
    fires=lambda seed: swap_classes(known_cause(seed, n_samples=300, n_classes=4)),
    near_misses={
        "min_gain": lambda seed: swap_classes(
            known_cause(seed, n_samples=20_000, n_classes=2, shares=(0.95, 0.05)), share=0.54
        ),
        "min_z": lambda seed: swap_classes(
            known_cause(seed, n_samples=30, signal=0.6, n_classes=2)
        ),
        "min_recall": lambda seed: shift_classes(
            known_cause(seed, n_samples=3000, n_classes=10, signal=1.2)
        ),
    },
)
def renaming_helps(
    evidence: Evidence, *, min_gain: float = 0.1, min_z: float = 5.0, min_recall: float = 0.5
) -> Finding | None:
    """Other names for the predicted classes make them right."""
    best = evidence.noise_models.label_permutation
    if best is None or not (best.gain.value > min_gain and best.gain.z > min_z):
        return None
    clearer = best.recall_renamed - best.recall > min_gain
    if not (clearer and best.recall_renamed >= min_recall):
        return None
    names = evidence.last.predictions.classes
    moved = [(names[a], names[b]) for a, b in enumerate(best.names) if a != b]
    spelt = ", ".join(f"{a!r} → {b!r}" for a, b in moved[:SHOWN])
    if len(moved) > SHOWN:
        spelt += f" and {len(moved) - SHOWN} more"
    return Finding(
        severity=Severity.ERROR,
        headline="Classes called by each other's names",
        message=(
            f"Labels and outputs are in different orders: renaming the predicted classes ({spelt}) "
            f"takes the accuracy from {format_percent(best.accuracy.value)} to "
            f"{format_percent(best.accuracy_renamed.value)} ({format_points(best.gain.value)})."
        ),
        evidence={
            "accuracy": best.accuracy,
            "accuracy_renamed": best.accuracy_renamed,
            "gain": best.gain,
        },
        nats=_saved(evidence, best.names),
        epochs=(evidence.last.epoch,),
    )


@RULE.cured_by
def _reorder(evidence: Evidence, _: Finding) -> Remedy | None:
    """Undo the renaming."""
    best = evidence.noise_models.label_permutation
    return renamed.reorder(evidence, best) if best else None


def _saved(evidence: Evidence, names: tuple[int, ...]) -> float:
    """Nats that the right names would save."""
    snapshot = evidence.last
    renamed = evidence.noise_models.loss_under_permutation(names)
    both = snapshot.scored & np.isfinite(renamed)
    return max(0.0, float((snapshot.samples.log_loss[both] - renamed[both]).mean()))
