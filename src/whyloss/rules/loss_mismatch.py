"""WL106: The reported loss is not the mean cross-entropy of these predictions.

## What it means
The number in the log is another quantity: a sum instead of a mean, divided by the number of
classes, in bits, clipped, or of another set of samples. What is known of cross-entropies (ln K for
guessing, envelopes, other people's values) does not apply to it.

## Signature
- Predictions and the reported loss of the same split and epoch: they differ, and one known
  computation on these predictions reproduces the reported number to its last digit.
- Loss and accuracy alone: each mistake would have to cost more than any sensible output can.
- Curves: training and validation loss rise together from the first epoch on, as if training
  minimised something else.

## Statistic and threshold
From predictions, a number that some computation reproduces to the printed digits is always named.
One that nothing reproduces is no concern on the training split, whose numbers are taken while the
model learns; elsewhere it must differ by
- `min_difference` = 2 % of the loss.

From loss and accuracy, the loss, less the ln K that right predictions may cost, divided by the
error rate must exceed
- `min_cost` = 60 nats: a mistake of a network whose logits are of usual size costs at most 20 or
  30.

From curves, both losses must rise at every epoch:
- `min_step` = 0.5 % of the training loss per epoch.
- `min_epochs` = 3.

A sum since the start grows by the same amount with every line:
- `min_epochs` = 3 lines, and `max_uneven` = 15 % between each loss divided by its number and their
  mean.

## Not to be confused with
`smoothing-or-weights`, `last-batch-skew` and `binary-loss-for-classes`: the computation found is
one of these. `impossible-pair`: too small for any model. `saturated`: each mistake costs exactly a
clipping limit.

## Remedy
Use the mean over samples, in nats, on the split as a whole; compare runs only by the same
computation. If predictions and loss belong to different weights or data, record both in one pass.

## References
Label smoothing and what it does to the loss: arXiv:1512.00567 (Szegedy et al. 2015).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from whyloss.evidence import MOST_CLASSES, TRAIN, Evidence, ScoreCurve, envelope_gap, outline
from whyloss.formatting import format_nats, format_percent
from whyloss.measures.losses.reported_loss import Kind
from whyloss.remedies import recomputed
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import TELLING, Lead, Rule
from whyloss.testing import known_cause, known_columns, known_history, report_loss

if TYPE_CHECKING:
    from whyloss.results.metrics import Metrics
    from whyloss.results.remedy import Remedy
    from whyloss.testing import KnownCause

TIMES_GUESSING = 3.0
IN_BITS = 0.8  # fit

RULE = Rule(
    "WL106",
    name="loss-mismatch",
    page=__doc__,
    since="0.1",
    explains=(
        "consistent",
        "overfitting",
        "impossible-pair",
        "smoothing-or-weights",
        "best-epochs-differ",
    ),
)

USUAL = 10  # classes, where their number is not known; ln K hardly depends on it
RIGHT = 0.9  # accuracy of a model that has not run away
OTHER_SCALE = 20.0  # times the training loss: a sum would be one in training too
ABSURD = 1e4  # nats: beyond it training has run away, as `unstable-training` says
BCE_LIMIT = 100.0  # nats: the most that PyTorch's BCELoss counts; `saturated` names it
NEAR_LIMIT = 0.005  # of it: what printed digits leave open
ELSEWHERE = {Kind.SMOOTHING, Kind.WEIGHTS, Kind.LAST_BATCH, Kind.BINARY}  # rules of their own


def _summed(seed: int) -> KnownCause:
    return report_loss(known_cause(seed, n_samples=300), lambda losses: float(losses.sum()))


def _both_rise(seed: int, train_end: float = 1.4, n_epochs: int = 8) -> KnownCause:
    return known_history(
        seed,
        train_loss=np.linspace(0.7, train_end, n_epochs),
        val_loss=np.linspace(0.7, 1.5, n_epochs),
        val_accuracy=np.linspace(0.5, 0.6, n_epochs),
        noise=0.0005,
    )


def _a_little_off(seed: int) -> KnownCause:
    return report_loss(
        known_cause(seed, n_samples=300), lambda losses: round(1.01 * float(losses.mean()), 9)
    )


@RULE.at(Level.SNAPSHOT, fires=_summed, near_misses={"min_difference": _a_little_off})
def another_computation(evidence: Evidence, *, min_difference: float = 0.02) -> Finding | None:
    """The reported loss is not the mean cross-entropy of the recorded predictions."""
    for epoch, reported in evidence.reported_losses.items():
        snapshot = evidence.at(epoch)
        computed = snapshot.log_loss
        found = evidence.reproduction(epoch)
        numbers = {"reported": Estimate(reported, note="as reported"), "computed": computed}
        if found is None:
            if evidence.split in TRAIN:
                continue  # averages over the epoch, in training mode: of other weights by nature
            relative = abs(reported / computed.value - 1.0) if computed.value > 0 else 0.0
            if not relative > min_difference:
                continue
            story = (
                "and no known reduction, base, clipping, smoothing or weighting gives the reported "
                "number: it belongs to other samples, other weights, or has other terms in it"
            )
        elif found.kind in ELSEWHERE or found.kind is Kind.SAME:
            continue
        else:
            story = f"and {found.words} is {format_nats(found.value)}: that is what was reported"
        return Finding(
            severity=Severity.ERROR,
            headline="The reported loss is another quantity",
            message=(
                f"At epoch {epoch} the reported loss is {format_nats(reported)}; the mean "
                f"cross-entropy of the recorded predictions is {format_nats(computed.value)}, "
                f"{story}."
            ),
            evidence=numbers,
            epochs=(epoch,),
        )
    return None


@RULE.at(
    Level.NUMBERS,
    fires=lambda seed: known_history(seed, val_loss=[0.3 * 200.0], val_accuracy=[0.7], noise=0.05),
    near_misses={
        "min_cost": lambda seed: known_history(
            seed, val_loss=[0.3 * 25.0], val_accuracy=[0.7], noise=0.05
        ),
    },
)
def mistakes_cost_too_much(evidence: Evidence, *, min_cost: float = 60.0) -> Finding | None:
    """Each mistake would have to cost more nats than a mistake can sensibly cost."""
    for split in evidence.with_training:
        numbers = evidence.reported_numbers(split)
        if numbers is None or numbers.accuracy.value >= 1.0:
            continue
        # What is right may cost something, too: as much as guessing, at most.
        of_right = numbers.accuracy.value * math.log(numbers.n_classes or USUAL)
        cost = (numbers.log_loss.value - of_right) / (1.0 - numbers.accuracy.value)
        if (
            not cost > min_cost
            or (numbers.log_loss.value > ABSURD and numbers.accuracy.value < RIGHT)
            or _training_is_far_below(evidence, split, numbers)
            or abs(cost / BCE_LIMIT - 1) < NEAR_LIMIT
        ):
            continue
        return Finding(
            severity=Severity.WARNING,
            headline="A loss too large to be a mean",
            message=(
                f"On split {split!r} a loss of {format_nats(numbers.log_loss.value)} beside an "
                f"accuracy of {format_percent(numbers.accuracy.value)} means {cost:.0f} nats per "
                "mistake. Most likely it is a sum (over a batch, or over outputs) and no mean; if "
                "it is a mean, the logits are in the hundreds."
            ),
            evidence={"cost_per_mistake": Estimate(cost, note="of wrong predictions; nats")},
            nats=numbers.log_loss.value,  # all of it is in doubt
            epochs=(numbers.epoch,),
        )
    return None


def _training_is_far_below(evidence: Evidence, split: str, numbers: Metrics) -> bool:
    """Whether the training loss is of another order, and the outputs exploded on this split.

    Of a model that serves well there, or better with each evaluation, only the printed loss is
    another quantity.
    """
    train = None if split in TRAIN else evidence.train
    losses = np.zeros(0) if train is None else train.with_loss.log_loss
    far = len(losses) > 0 and numbers.log_loss.value > OTHER_SCALE * float(losses[-1])
    return far and not outline(evidence).serves


@RULE.at(
    Level.CURVES,
    fires=_both_rise,
    near_misses={
        "min_step": lambda seed: _both_rise(seed, train_end=0.715),
        "min_epochs": lambda seed: _both_rise(seed, n_epochs=2),
    },
    always=True,
)
def both_losses_rise(
    evidence: Evidence, *, min_step: float = 0.005, min_epochs: float = 3
) -> Finding | None:
    """Training and validation loss rise together from the first epoch on."""
    train, val = evidence.train, evidence.curve()
    if train is None or val is None or train.measured:
        return None
    train, val = train.with_loss, val.with_loss
    fewest = min(len(train), len(val))
    if fewest <= 1 or fewest < min_epochs:
        return None
    rises = np.diff(train.log_loss) > min_step * np.abs(train.log_loss[:-1])
    if not (rises.all() and (np.diff(val.log_loss) > 0).all()):
        return None
    return Finding(
        severity=Severity.WARNING,
        headline="Training does not minimise this loss",
        message=(
            "The training loss rises from the first epoch on, steadily "
            f"({format_nats(train.log_loss[0])} to {format_nats(train.log_loss[-1])}), and the "
            "validation loss with it. That is no overfitting: training minimises something else "
            "than what is printed (weights for classes, another objective), or goes uphill (a "
            "sign, a learning rate far too high)."
        ),
        evidence={
            "train_rise": Estimate(
                float(train.log_loss[-1] - train.log_loss[0]), note="last less first, as reported"
            )
        },
        epochs=tuple(train.epochs.tolist()),
    )


def _running_sum(seed: int, uneven: float = 0.02, n_epochs: int = 5) -> KnownCause:
    """A loss that grows by about 5 with every epoch."""
    steps = 5.0 + 0.01 * (seed % 100)
    count = np.arange(1, n_epochs + 1)
    return known_columns(train_loss=steps * count * (1 + uneven * (-1.0) ** count))


@RULE.at(
    Level.CURVES,
    fires=_running_sum,
    near_misses={
        "min_epochs": lambda seed: _running_sum(seed, n_epochs=2),
        "max_uneven": lambda seed: _running_sum(seed, uneven=0.2),
    },
)
def grows_with_every_line(
    evidence: Evidence, *, min_epochs: float = 3, max_uneven: float = 0.15
) -> Finding | None:
    """The loss divided by the number of its line is the same at every line."""
    for split in () if evidence.epochs else evidence.splits:
        curve = evidence.reported(split)
        losses = np.zeros(0) if curve is None else curve.with_loss.log_loss
        if len(losses) < max(2, min_epochs) or not float(losses[0]) > 0.0:
            continue
        each = losses / np.arange(1, len(losses) + 1)
        mean = float(each.mean())
        if not (np.abs(each / mean - 1.0) <= max_uneven).all():
            continue
        return Finding(
            severity=Severity.ERROR,
            headline="A sum since the start, no mean",
            message=(
                f"The loss of split {split!r} grows by about {format_nats(mean)} with each of "
                f"{len(losses)} lines, from {format_nats(losses[0])} to {format_nats(losses[-1])}: "
                "it is added up since the start and never reset. Divided by the number of its "
                f"line it stays at about {format_nats(mean)}."
            ),
            evidence={
                "per_line": Estimate(mean, note="the loss divided by the number of its line")
            },
            epochs=() if curve is None else tuple(curve.with_loss.epochs.tolist()),
        )
    return None


@RULE.cured_by
def _over_samples(evidence: Evidence, found: Finding) -> Remedy | None:
    """Recompute the loss."""
    return recomputed.plain_mean(
        evidence,
        found,
        "Compare runs only by the same computation; record predictions and loss in one pass.",
    )


@RULE.suspected(
    prior=0.05,
    check="Divide the loss by the batch size and by the number of batches: does one of them give a "
    "mean?",
)
def _suspicion(evidence: Evidence) -> Lead | None:
    """A loss that is too large for any mean over the samples."""
    seen = outline(evidence)
    if seen.loss is None:
        return None
    if seen.loss < 0.0:
        return Lead(
            TELLING, f"A cross-entropy is never negative; this loss is {format_nats(seen.loss)}."
        )
    usual = math.log(evidence.n_classes or MOST_CLASSES)
    beside = "" if seen.score is None else f" beside {seen.score.score.words} {_last(seen.score)}"
    if seen.loss >= TIMES_GUESSING * usual:
        return Lead(
            1.0 if seen.score is None else TELLING,
            f"A loss of {seen.loss:.4g}{beside} is more than a mean: a sum over the batch or the "
            "epoch, or a loss of another kind.",
        )
    gap = envelope_gap(evidence)
    if gap is not None and gap.nats > 0.0 and seen.loss * math.log(2) <= gap.bound:
        return Lead(
            IN_BITS,
            f"A loss of {format_nats(seen.loss)}{beside} is too high for a mean in nats; if it is "
            f"in bits, as some tools print it, it is {format_nats(seen.loss * math.log(2))} nats.",
        )
    return None


def _last(curve: ScoreCurve) -> str:
    return curve.score.text(curve.values[-1])
