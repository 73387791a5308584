"""WL103: The logits are probabilities already, so the loss applies softmax a second time.

## What it means
A loss that expects raw outputs (PyTorch's `CrossEntropyLoss`, Keras with `from_logits=True`) was
given the output of a softmax or sigmoid. It squeezes the probabilities once more: no class can get
more than e times the odds of another, the loss has a floor far above 0, and gradients vanish where
the model is right. The accuracy is untouched.

## Signature
- Predictions: every row of the logits lies in [0, 1] and sums to 1.
- Loss and accuracy alone: a loss that stays at the floor plus the error rate, far above what the
  accuracy allows a calibrated model, and does not rise. The floor is ln(e + K − 1) − 1: 0.3133,
  1.4612, 3.6222 for K = 2, 10, 100.

## Statistic and threshold
From predictions, the share of rows whose values lie in [0, 1] and sum to 1 within 0.001:
- `min_share` = 0.99. Raw outputs do not lie on that surface by chance, so there are no false alarms
  to trade. A binary model with one output counts from 50 samples on, if its outputs lie in [0, 1]
  and come within 0.1 of both ends.

From loss and accuracy, as medians of the last five epochs:
- `max_distance` = 0.03 nat between the loss and the floor plus the error rate.
- `min_excess` = 0.05 nat above Fano's envelope: below it a calibrated model has the same numbers.
- `max_rise` = 0.05 nat above the smallest loss: what rises does not sit at a floor.
- `min_accuracy` = 0.7: below it an ordinary model has such a loss.

Where the number of classes is not known, one from 2 to 40 must fit, as one does by chance for every
fifth flat curve. Then the training loss must be above the same floor by its own error rate, or:
- `min_steady` = 0.85, the accuracy of five epochs: hardly another model with it has such a loss for
  so long.

From every pair of loss and error rate that is known, of training and validation: where softmax is
applied twice and the outputs are sure, the loss is the floor plus the error rate, a line of slope
1.
- `min_pairs` = 4 pairs, and `min_span` = 0.2 between their error rates.
- `max_off` = 0.02 nat between nine of ten pairs and the line whose floor is their median; that
  floor is one of 2 classes or more. So do nine of ten in the upper half of the error rates.
- `min_excess` = 0.05 nat above Fano's envelope for the number of classes that has this floor.

## Not to be confused with
`chance-level`: the loss is as high, but so is the error rate. Under-confidence by label smoothing
leaves logits that are no probabilities.

## Remedy
Remove the softmax or sigmoid at the end of the model (or tell the loss that it gets probabilities),
and train again: the training loss had the same mistake. If only the record is mislabelled, pass the
values as `probs=`.

## References
Cross-entropy from logits against from probabilities: arXiv:1706.04599 (Guo et al. 2017) for what
the softmax of the logits means.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from whyloss.evidence import USUAL_CLASSES, outline
from whyloss.formatting import format_nats, format_percent
from whyloss.measures.envelope import fano_envelope
from whyloss.measures.estimates.intervals import mean_estimate
from whyloss.measures.losses.per_sample import per_sample
from whyloss.remedies import other_scale
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import Lead, Rule
from whyloss.testing import known_cause, known_columns, known_history, softmax_twice

if TYPE_CHECKING:
    from whyloss.evidence import Evidence
    from whyloss.results.remedy import Remedy
    from whyloss.testing import KnownCause

STILL = 0.03  # of the loss
AT_FLOOR = 0.04  # nats
MOSTLY_RIGHT = 0.7  # accuracy; below it an ordinary model has such a loss
NEARLY_ALL = 0.9  # of the pairs
SMALLEST_FLOOR = 0.29  # nats; that of two classes, less what digits and doubt move it
LARGEST_FLOOR = 6.0  # nats; that of 1,000 classes
OTHER_K = 0.03  # nats by which the floor of a whole number of classes may differ
NEAR_SUM = 0.1  # nats
FEW_CLASSES = 10  # where their number is not known

RULE = Rule(
    "WL103",
    name="double-softmax",
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
        "overfitting",
        "best-epochs-differ",
        "within-noise",
        "underfitting",
        "unstable-training",
        "temperature",
        "epoch-for-probabilities",
        "epoch-after-calibration",
    ),
)

BLOCK = 1024  # rows that are looked at together: they stay in the cache
LARGEST_FOUND = 40  # classes; beyond it every loss is near some floor
SUM_TOLERANCE = 1e-3  # of a row: float16 leaves that of probabilities
ENDS = 0.1  # one output of a sigmoid comes so near to 0 and to 1 among 50 samples
NEAR_FLOOR = 0.03  # nats; as `max_distance`, for the training loss
ROUNDING = 0.005  # nats: no epoch may be further below the floor than printed digits bring it
LAST = 5  # reported epochs that are taken together
SLACK = 0.1  # classes by which the number that fits may miss a whole one
RELATIVE_SLACK = 0.015  # the same for many classes: so much does 0.015 nat of the loss move it
MIN_ONE_COLUMN = 50  # a few raw outputs may lie between 0 and 1 by chance


def _half_of_them(seed: int) -> KnownCause:
    return softmax_twice(known_cause(seed, n_samples=300), share=0.5)


def _at_floor(
    seed: int,
    n_classes: int = 10,
    errors: tuple[float, ...] = (0.2, 0.15, 0.12, 0.1, 0.1),
    above: float = 0.0,
    *,
    known: bool = True,
) -> KnownCause:
    """A loss at the floor of so many classes, plus the error rate."""
    floor = math.log(math.e + n_classes - 1) - 1
    return known_history(
        seed,
        val_loss=[floor + rate + above for rate in errors],
        val_accuracy=[1 - rate for rate in errors],
        noise=0.001,
        n_classes=n_classes if known else None,
    )


@RULE.at(
    Level.SNAPSHOT,
    fires=lambda seed: softmax_twice(known_cause(seed, n_samples=300)),
    near_misses={"min_share": _half_of_them},
)
def logits_are_probabilities(evidence: Evidence, *, min_share: float = 0.99) -> Finding | None:
    """The values given as logits are probabilities."""
    snapshot = evidence.last
    predictions = snapshot.predictions
    if predictions.scale != "logits":
        return None
    share = _share_of_probabilities(predictions.scores, min_share)
    if not share >= min_share:
        return None
    k = predictions.n_classes
    # What the loss would be if the values were taken for what they look like.
    once = per_sample(predictions.y_true, np.clip(predictions.scores, 0.0, 1.0), "probs")
    true_loss = mean_estimate(once.log_loss[once.scored], snapshot.weights_of(once.scored))
    floor = math.log(math.e + k - 1) - 1
    return Finding(
        severity=Severity.ERROR,
        headline="Softmax applied twice",
        message=(
            "The logits are probabilities already, so the loss of "
            f"{format_nats(snapshot.log_loss.value)} applies softmax a second time; it cannot fall "
            f"below {format_nats(floor)} for {k} classes. Taken as probabilities their loss is "
            f"{format_nats(true_loss.value)}: remove the last softmax, or pass probs= if only the "
            "record is mislabelled."
        ),
        evidence={
            "log_loss": snapshot.log_loss,
            "log_loss_as_probs": true_loss,
            "floor": Estimate(floor, note="exact"),
            "share_of_rows": Estimate(share, note="a count", unit="share"),
        },
        nats=max(0.0, snapshot.log_loss.value - true_loss.value),
        epochs=(snapshot.epoch,),
    )


def _share_of_probabilities(scores: npt.NDArray[np.floating[Any]], enough: float) -> float:
    """Share of rows that are probabilities; 0 as soon as it can no longer be `enough`."""
    n = len(scores)
    if scores.shape[1] == 1:
        inside = (scores >= 0) & (scores <= 1)
        spread = (
            n >= MIN_ONE_COLUMN and float(scores.min()) < ENDS and float(scores.max()) > 1 - ENDS
        )
        return float(np.mean(inside)) if spread else 0.0
    kept = 0
    for start in range(0, n, BLOCK):
        block = scores[start : start + BLOCK].astype(np.float64)
        bounded = ((block >= 0) & (block <= 1)).all(axis=1)
        kept += int(np.count_nonzero(bounded & (np.abs(block.sum(axis=1) - 1) < SUM_TOLERANCE)))
        if kept + n - min(n, start + BLOCK) < enough * n:
            return 0.0
    return kept / n


@RULE.at(
    Level.NUMBERS,
    fires=lambda seed: _at_floor(seed, n_classes=2 + seed % 20),
    near_misses={
        "max_distance": lambda seed: _at_floor(seed, above=0.06),
        "min_excess": lambda seed: _at_floor(seed, n_classes=2, errors=(0.2,) * 5),
        "max_rise": lambda seed: _at_floor(seed, errors=(0.1, 0.1, *(0.2,) * 5)),
        "min_accuracy": lambda seed: _at_floor(seed, errors=(0.4,) * 5),
        "min_steady": lambda seed: _at_floor(seed, errors=(0.2,) * 5, known=False),
    },
)
def loss_at_floor(
    evidence: Evidence,
    *,
    max_distance: float = 0.03,
    min_excess: float = 0.05,
    max_rise: float = 0.05,
    min_accuracy: float = 0.7,
    min_steady: float = 0.85,
) -> Finding | None:
    """The reported loss stays at the floor of a softmax of a softmax."""
    curve = evidence.reported(evidence.split)
    known = None if curve is None else curve.whole
    if known is None or not len(known):
        return None
    loss = float(np.median(known.log_loss[-LAST:]))
    accuracy = float(np.median(known.accuracy[-LAST:]))
    k = evidence.n_classes or _classes_of(loss - (1.0 - accuracy))
    if k is None or not accuracy >= min_accuracy:
        return None
    floor = math.log(math.e + k - 1) - 1
    above = loss - floor - (1.0 - accuracy)
    excess = loss - fano_envelope(accuracy, k)[1]
    if not (abs(above) <= max_distance and excess > min_excess):
        return None
    lowest = float(known.log_loss.min())
    if not (loss <= lowest + max_rise and lowest > floor - ROUNDING):
        return None
    steady = len(known) >= LAST and accuracy >= min_steady
    if evidence.n_classes is None and not (steady or _training_tells(evidence, accuracy, floor)):
        return None
    found = "" if evidence.n_classes else f" (for {k} classes, which is the number that fits)"
    return Finding(
        severity=Severity.ERROR,
        headline="Softmax applied twice",
        message=(
            "Softmax is most likely applied twice: the loss stays at "
            f"{format_nats(loss)} beside an accuracy of "
            f"{format_percent(accuracy)}. That is the floor of a softmax applied to probabilities, "
            f"{format_nats(floor)}{found}, plus the error rate. Remove the softmax before a loss "
            "that expects raw outputs, in training too if that does the same."
        ),
        evidence={
            "log_loss": Estimate(loss, note="median of the last epochs"),
            "floor": Estimate(floor, note="exact"),
            "above_floor_and_errors": Estimate(above, note="0 for saturated outputs"),
        },
        nats=excess,
        epochs=tuple(known.epochs[-LAST:].tolist()),
    )


def _line(
    seed: int,
    *,
    pairs: int = 8,
    span: float = 0.4,
    off: float = 0.0,
    floor: float = 1.3693,
    least: float = 0.05,
) -> KnownCause:
    """A loss that is a floor plus the error rate, every second one `off` the line."""
    errors = np.linspace(least + span, least, pairs // 2) + 0.001 * (seed % 10)
    away = np.where(np.arange(len(errors)) % 2, off, -off)
    return known_columns(
        train_loss=floor + errors + away,
        train_accuracy=1 - errors,
        val_loss=floor + errors[::-1] + away,
        val_accuracy=1 - errors[::-1],
    )


@RULE.at(
    Level.CURVES,
    fires=_line,
    near_misses={
        "min_pairs": lambda _: known_columns(
            val_loss=[1.8693, 1.6693, 1.4193], val_accuracy=[0.5, 0.7, 0.95]
        ),
        "min_span": lambda seed: _line(seed, span=0.04),
        "max_off": lambda seed: _line(seed, off=0.08),
        "min_excess": lambda seed: _line(seed, span=0.2, floor=0.3133, least=0.25),
    },
)
def loss_follows_errors(
    evidence: Evidence,
    *,
    min_pairs: float = 4,
    min_span: float = 0.2,
    max_off: float = 0.02,
    min_excess: float = 0.05,
) -> Finding | None:
    """Loss and error rate of all epochs lie on one line of slope 1, far above calibrated losses."""
    curves = [evidence.reported(split) for split in evidence.with_training]
    known = [curve.whole for curve in curves if curve is not None]
    if evidence.epochs or not known:
        return None
    losses = np.concatenate([curve.log_loss for curve in known])
    errors = 1.0 - np.concatenate([curve.accuracy for curve in known])
    if len(losses) < max(2, min_pairs) or not float(np.ptp(errors)) >= min_span:
        return None
    floors = losses - errors
    floor = float(np.median(floors))
    k = max(2, round(math.exp(floor + 1.0) - math.e + 1.0)) if floor < LARGEST_FLOOR else 0
    near = np.abs(floors - floor) <= max_off
    # Most epochs of a training lie at its end: those of the upper half of the errors must fit too.
    upper = near[errors >= 0.5 * float(errors.min() + errors.max())]
    on_line = min(float(near.mean()), float(upper.mean())) >= NEARLY_ALL
    if not on_line or not k >= 2 or floor < SMALLEST_FLOOR:
        return None
    if abs(math.log(math.e + (evidence.n_classes or k) - 1) - 1 - floor) > OTHER_K:
        return None
    best = int(errors.argmin())
    excess = float(losses[best]) - fano_envelope(1.0 - float(errors[best]), k)[1]
    if not excess > min_excess:
        return None
    return Finding(
        severity=Severity.ERROR,
        headline="Softmax applied twice",
        message=(
            f"Softmax is most likely applied twice: at {len(losses)} pairs of loss and accuracy "
            f"the loss is {format_nats(floor)} plus the error rate, as a softmax of probabilities "
            f"of about {k} classes has it. Remove the softmax before a loss that expects raw "
            "outputs; then the loss can fall further."
        ),
        evidence={
            "floor": Estimate(floor, note="median of the loss less the error rate"),
            "log_loss": Estimate(float(losses[best]), note="at the best accuracy, as reported"),
        },
        nats=excess,
        epochs=tuple(known[0].epochs.tolist()),
    )


def _classes_of(floor: float) -> int | None:
    """The number of classes whose floor this is; None where no whole number is near."""
    k = math.exp(floor + 1.0) - math.e + 1.0
    nearest = round(k)
    if not 2 <= nearest <= LARGEST_FOUND:
        return None
    slack = max(SLACK, RELATIVE_SLACK * (math.e + k - 1.0))
    return nearest if abs(k - nearest) <= slack else None


def _training_tells(evidence: Evidence, accuracy: float, floor: float) -> bool:
    """Whether the training numbers rule out that a number of classes fits by chance.

    They do where the training loss sits above the same floor by another error rate. A training loss
    below the floor shows that training has no second softmax.
    """
    train = evidence.train
    known = None if train is None else train.with_loss
    if known is None or not len(known):
        return False
    of_train = float(np.median(known.log_loss[-LAST:]))
    errors = 1.0 - float(np.median(known.accuracy[-LAST:]))  # NaN where it was not reported
    other = abs(1.0 - accuracy - errors) >= NEAR_FLOOR
    return other and abs(of_train - floor - errors) <= NEAR_FLOOR


@RULE.cured_by
def _once(evidence: Evidence, _: Finding) -> Remedy:
    """Apply softmax once."""
    if evidence.epochs and evidence.last.predictions.scale == "logits":
        return other_scale.probabilities(evidence.last)
    return other_scale.train_with_logits(
        "Remove the last softmax",
        f"{other_scale.ONCE}probabilities (from_logits=False), and train again.",
    )


@RULE.suspected(
    prior=0.06,
    check="Print the model's outputs: do they sum to 1 before they enter a loss that expects "
    "logits?",
)
def _suspicion(evidence: Evidence) -> Lead | None:
    """A loss that hardly moves beside an accuracy that it is too large for."""
    seen = outline(evidence)
    if seen.loss is None or seen.accuracy is None:
        return None
    k = evidence.n_classes
    if len(seen.losses) < LAST:
        return _near_floor(seen.loss, seen.accuracy, (k,) if k else USUAL_CLASSES)
    floor = math.log(math.e + (k or 2) - 1) - 1
    if not (floor <= seen.loss and float(np.ptp(seen.losses[-LAST:])) <= STILL * seen.loss):
        return None
    bounded = k is None or abs(seen.loss - floor - (1.0 - seen.accuracy)) <= NEAR_SUM
    high = seen.loss > fano_envelope(seen.accuracy, k or FEW_CLASSES)[1]
    if not (bounded and high):
        return None
    return Lead(
        1.0,
        f"The loss stays at {format_nats(seen.loss)} beside an accuracy of "
        f"{format_percent(seen.accuracy)}: a softmax of probabilities has such a floor.",
    )


def _near_floor(loss: float, accuracy: float, classes: tuple[int, ...]) -> Lead | None:
    """A single loss at the floor of some usual number of classes, plus the error rate."""
    for k in classes:
        floor = math.log(math.e + k - 1) - 1
        high = loss > fano_envelope(accuracy, k)[1] if accuracy >= MOSTLY_RIGHT else False
        if high and abs(loss - floor - (1.0 - accuracy)) <= AT_FLOOR:
            return Lead(
                1.0,
                f"A loss of {format_nats(loss)} beside an accuracy of {format_percent(accuracy)} "
                f"is the floor of a softmax of probabilities of {k} classes "
                f"({format_nats(floor)}) plus the error rate.",
            )
    return None
