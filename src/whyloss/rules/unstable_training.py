"""WL504: The loss jumps up and down from epoch to epoch, or runs away.

## What it means
The steps are too large for the loss surface, or the statistics that the model uses in evaluation
(batch normalisation) lag behind its weights. One epoch's numbers then say little about the model:
which epoch you stopped at is a matter of luck.

## Signature
Loss and accuracy of single epochs jump together, and jump back, while the training loss may look
smooth. Or the loss is astronomically large, or the training loss ends far above where it was, alone
or together with the validation loss. Or a temperature that was fitted ran away.

## Statistic and threshold
A mean loss that no meant output has:
- `min_loss` = 10,000 nats; or, at the last epoch, 20 nats and `min_ratio` = 20 times the training
  loss.

A jump is a change of the loss between neighbouring epochs with an accuracy that moves the other
way:
- `min_factor` = 1.5 between the losses.
- `min_drop` = 2 points of accuracy.
- `min_jumps` = 2 of them in the second half of training, up as well as down, and one in its last
  third. Jumps that died out are the way training begins.

The training loss runs away where it ends above its minimum, with less accuracy where that is known:
- `min_factor` = 2 times the minimum, at the last two epochs.
- `min_rise` = 0.05 nat above it.
- `min_drop` = 5 points of training accuracy below its best.

Or the training accuracy alone collapses, or that of the validation where training is not reported:
- `min_drop` = 20 points below its best; in validation also
- `min_factor` = 1.5 times the first loss at the last epoch.

Or both losses rise together, after both had fallen: the validation loss by `min_rise` = 0.05 nat
and `min_z` = 4 standard errors of its noise, the training loss by a tenth over the same epochs.

A score without a loss, or one that the loss only stands in for, jumps by itself:
- `min_swing` = 0.1 of its unit, and 3 standard errors of 100 samples where n is not known.
- `min_jumps` = 3 of them, as above.

Jumps are looked for from `min_epochs` = 6 epochs on, runaways from 4 on. Where n is known, a jump
of the accuracy must exceed 3 standard errors of a difference. A text may say that both losses rise.
A fitted temperature of `min_temperature` = 50 or more says that all classes are alike: it is none.

## Not to be confused with
`overfitting`: a rise that stays. `small-validation-set`: jumps that few samples make by chance.

## Remedy
Lower the learning rate, or let it decay; warm it up; clip gradients. If only the validation jumps:
a larger batch or a faster momentum for the running statistics of batch normalisation. Then compare
epochs.

## References
arXiv:2103.00065 (Cohen et al. 2021: training at the edge of stability). arXiv:2006.04884 (Mosbach
et al. 2020: unstable fine-tuning). arXiv:1502.03167 (Ioffe and Szegedy 2015: batch normalisation).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from whyloss.data import TaskFacts
from whyloss.evidence import (
    TRAIN,
    Evidence,
    Family,
    comes_back,
    jumps_of_score,
    jumps_together,
    log_steps,
    loss_rise,
    outline,
    said_of,
)
from whyloss.formatting import format_nats, format_percent, pluralize
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import Lead, Rule
from whyloss.testing import known_columns, known_history, known_trends

if TYPE_CHECKING:
    import numpy.typing as npt

    from whyloss.evidence import Curve
    from whyloss.testing import KnownCause

RIGHT = 0.9  # accuracy of a model that has not run away
VERY_LARGE = 20.0  # nats; far above guessing among a million classes
JUMP = 1.6  # factor between neighbouring epochs
MIN_WAYS = 2
LEAP = 3.0  # factor between neighbouring epochs that needs no second one
ENDS_ABOVE = 1.2  # times the smallest training loss
SAID_TO_VARY = 0.4  # fit

RULE = Rule(
    "WL504",
    name="unstable-training",
    page=__doc__,
    since="0.1",
    explains=(
        "overfitting",
        "overconfidence",
        "underconfidence",
        "best-epochs-differ",
        "consistent",
    ),
)


def _jumpy(
    seed: int,
    factor: float = 4.0,
    drop: float = 0.15,
    hits: slice = slice(2, None, 3),
    n_epochs: int = 12,
) -> KnownCause:
    epochs = np.arange(n_epochs)
    hit = np.isin(epochs, epochs[hits])
    return known_history(
        seed,
        val_loss=np.where(hit, factor, 1.0) * (0.1 + 0.5 * np.exp(-epochs / 2)),
        val_accuracy=0.97 - 0.2 * np.exp(-epochs / 2) - drop * hit,
        train_loss=0.05 + 0.5 * np.exp(-epochs / 2),
        train_accuracy=0.98 - 0.2 * np.exp(-epochs / 2),
        noise=0.02,
    )


def _uphill(
    seed: int, low: float = 0.4, end: float = 2.0, drop: float = 0.12, n_epochs: int = 10
) -> KnownCause:
    """A training that is best in its middle and ends far from it."""
    epochs, corners = np.arange(n_epochs), (0, n_epochs // 2, n_epochs - 1)
    return known_history(
        seed,
        train_loss=np.interp(epochs, corners, (2 * low, low, end)),
        train_accuracy=np.interp(epochs, corners, (0.6, 0.85, 0.85 - drop)),
        val_loss=[0.8] * n_epochs,
        val_accuracy=[0.7] * n_epochs,
        noise=0.01,
    )


@RULE.at(
    Level.NUMBERS,
    fires=lambda seed: known_history(seed, val_loss=[3e5], val_accuracy=[0.1], noise=0.1),
    near_misses={
        "min_loss": lambda seed: known_history(seed, val_loss=[3e3], val_accuracy=[0.1], noise=0.1),
        "min_ratio": lambda _: known_columns(train_loss=[90.0], val_loss=[300.0]),
    },
)
def absurd_loss(
    evidence: Evidence, *, min_loss: float = 1e4, min_ratio: float = 20.0
) -> Finding | None:
    """A loss is larger than any output can have been meant to cost, or than training by far."""
    curve, trained = evidence.curve(), evidence.of_training
    last = trained[-1].with_loss.log_loss[-1:].tolist() if trained else []
    for one in () if curve is None else (curve, *trained):
        finite = one.with_loss
        largest = float(finite.log_loss.max()) if len(finite) else 0.0
        beside = one is curve and evidence.split not in TRAIN and last and len(finite)
        far = beside and float(finite.log_loss[-1]) >= max(VERY_LARGE, min_ratio * last[0])
        if not (largest > min_loss or far):
            continue
        right = len(one.whole) > 0 and float(one.whole.accuracy[-1]) >= RIGHT
        if right or (one is curve and outline(evidence).serves):
            continue  # a few samples, or a sum: training did not run away
        at = int(finite.log_loss.argmax())
        return Finding(
            severity=Severity.ERROR,
            headline="Training ran away",
            message=(
                f"The loss of split {finite.split!r} reached {finite.log_loss[at]:.3g} at epoch "
                f"{finite.epochs[at]}, as logits in the hundreds or thousands make it: the steps "
                "are too large, the inputs unscaled, or updates are summed that should be averaged."
            ),
            evidence={"log_loss": Estimate(float(finite.log_loss[at]), note="as reported")},
            epochs=(int(finite.epochs[at]),),
        )
    return None


@RULE.at(
    Level.CURVES,
    fires=_jumpy,
    near_misses={
        "min_factor": lambda seed: _jumpy(seed, factor=1.3),
        "min_drop": lambda seed: _jumpy(seed, drop=0.005),
        "min_jumps": lambda seed: _jumpy(seed, hits=slice(11, None)),
        "min_epochs": lambda seed: _jumpy(seed, hits=slice(3, 4), n_epochs=5),
    },
)
def jumps_and_comes_back(
    evidence: Evidence,
    *,
    min_factor: float = 1.5,
    min_drop: float = 0.02,
    min_jumps: float = 2,
    min_epochs: float = 6,
) -> Finding | None:
    """Loss and accuracy of single epochs jump together, and jump back."""
    known = evidence.curve()
    if known is None:
        return None
    curve = known.whole
    jumps = jumps_together(curve, min_factor=min_factor, min_drop=min_drop)
    if len(curve) < min_epochs or not comes_back(jumps, np.diff(curve.log_loss), min_jumps):
        return None
    worst = int(jumps[np.abs(log_steps(curve.log_loss))[jumps - 1].argmax()])
    before, after = map(format_nats, curve.log_loss[worst - 1 : worst + 1])
    right = " to ".join(map(format_percent, curve.accuracy[worst - 1 : worst + 1]))
    story = (
        f"from {before} to {after} at epoch {curve.epochs[worst]}, and the accuracy from {right}"
    )
    return _jumpy_finding(evidence, "loss", curve.epochs[jumps], story)


def _restless(seed: int, swing: float = 0.2, every: int = 3) -> KnownCause:
    """Accuracies of 20,000 samples without a loss, the last and every so many epochs lower."""
    epochs = np.arange(16)
    share = 0.88 + 0.0002 * (seed % 100) - 0.3 * np.exp(-epochs / 2)
    low = epochs[::-1] % every == 0
    return known_columns(val_accuracy=share - swing * low, n_val=20_000)


@RULE.at(
    Level.CURVES,
    fires=_restless,
    near_misses={
        "min_swing": lambda seed: _restless(seed, swing=0.06),
        "min_jumps": lambda seed: _restless(seed, every=20),
    },
)
def score_jumps_and_comes_back(
    evidence: Evidence, *, min_swing: float = 0.1, min_jumps: float = 3
) -> Finding | None:
    """A score jumps up and down, and the loss beside it is not known or only stands in for it."""
    scores, losses = outline(evidence).score, outline(evidence).losses
    if evidence.epochs or scores is None:
        return None
    if len(losses) and scores.score.family is not Family.OTHER_TARGET:
        return None  # loss and score jump together
    jumps = jumps_of_score(scores, min_swing=min_swing)
    if not comes_back(jumps, np.diff(scores.gains), min_jumps):
        return None
    worst = int(jumps[np.abs(np.diff(scores.values))[jumps - 1].argmax()])
    before, after = map(scores.score.text, scores.values[worst - 1 : worst + 1])
    story = f"from {before} to {after} at epoch {scores.epochs[worst]}"
    return _jumpy_finding(evidence, scores.score.words, scores.epochs[jumps], story)


@RULE.at(
    Level.CURVES,
    fires=_uphill,
    near_misses={
        "min_factor": lambda seed: _uphill(seed, end=0.7),
        "min_rise": lambda seed: _uphill(seed, low=0.02, end=0.06),
        "min_drop": lambda seed: _uphill(seed, drop=0.03),
        "min_epochs": lambda _: known_columns(train_loss=[0.4, 2.0, 2.1]),
    },
)
def training_loss_runs_away(
    evidence: Evidence,
    *,
    min_factor: float = 2.0,
    min_rise: float = 0.05,
    min_drop: float = 0.05,
    min_epochs: float = 4,
) -> Finding | None:
    """The training loss ends far above its minimum, with less accuracy."""
    for curve in evidence.of_training:
        known = curve.whole if len(curve.whole) else curve.with_loss
        if len(known) < max(2, min_epochs):
            continue
        end, lowest = float(known.log_loss[-2:].min()), float(known.log_loss.min())
        lost = known.lost >= min_drop or not len(curve.whole)
        if end >= min_factor * lowest and end - lowest > min_rise and lost:
            return _runaway_finding(known)
    return None


def _collapse(seed: int, end: float = 3.0, drop: float = 0.5) -> KnownCause:
    """A validation that learns for five epochs, and then loses what it had; no training numbers."""
    return known_history(
        seed,
        val_loss=[1.4, 0.9, 0.7, 0.6, 0.55, end, end],
        val_accuracy=[0.5, 0.68, 0.74, 0.78, 0.8, 0.8 - drop, 0.8 - drop],
        noise=0.01,
    )


@RULE.at(
    Level.CURVES,
    fires=lambda seed: _uphill(seed, end=0.7, drop=0.4) if seed % 2 else _collapse(seed),
    near_misses={
        "min_drop": lambda seed: _uphill(seed, end=0.7, drop=0.1),
        "min_epochs": lambda seed: _uphill(seed, end=0.7, drop=0.4, n_epochs=3),
        "min_factor": lambda seed: _collapse(seed, end=1.6),
    },
)
def accuracy_collapses(
    evidence: Evidence, *, min_drop: float = 0.2, min_epochs: float = 4, min_factor: float = 1.5
) -> Finding | None:
    """The accuracy ends far below its best, in training, or in validation with a large loss."""
    curve = evidence.reported(evidence.split)
    own = [] if curve is None or evidence.epochs or len(curve.whole) < 2 else [curve.whole]
    trained = evidence.of_training
    for each in trained or own:
        known = each.take(np.isfinite(each.accuracy))
        if not len(known) or len(known) < min_epochs or known.lost < min_drop:
            continue
        if trained or known.log_loss[-1] >= min_factor * known.log_loss[0]:
            return _runaway_finding(known)
    return None


def _together(
    seed: int, train_end: float = 0.9, val_end: float = 1.2, swing: float = 0.0
) -> KnownCause:
    """Both losses fall to their middle, and end at those values."""
    epochs = np.arange(20)
    later = np.clip((epochs - 10) / 9, 0.0, None)
    down = 0.5 + np.exp(-epochs / 2)
    return known_history(
        seed,
        train_loss=down + (train_end - 0.5) * later,
        val_loss=(down + 0.05) * (1 + swing * (-1.0) ** epochs) + (val_end - 0.55) * later,
        noise=0.004,
    )


@RULE.at(
    Level.CURVES,
    fires=_together,
    near_misses={
        "min_z": lambda seed: _together(seed, val_end=0.65, swing=0.1),
        "min_rise": lambda seed: _together(seed, val_end=0.59),
    },
)
def both_losses_rise_again(
    evidence: Evidence, *, min_z: float = 4.0, min_rise: float = 0.05
) -> Finding | None:
    """The losses of training and validation fall, and then rise together."""
    curve, train = evidence.curve(), evidence.train
    if curve is None or train is None or train.measured:
        return None
    rise = loss_rise(curve, min_z=min_z, min_rise=min_rise, train=train)
    if rise is None or not rise.with_training or rise.low == int(curve.epochs[0]):
        return None
    losses = train.with_loss
    since = losses.log_loss[losses.epochs >= rise.low]
    return Finding(
        severity=Severity.WARNING,
        headline="Both losses rise again",
        message=(
            f"Since epoch {rise.low} the training loss rose from {format_nats(since[0])} to "
            f"{format_nats(since[-1])}, and the loss on split {curve.split!r} from "
            f"{format_nats(rise.before)} to {format_nats(rise.after)}. A model that overfits gets "
            "better on its training data; this one gets worse on both. Lower the learning rate "
            f"from epoch {rise.low} on, or look for what changes there."
        ),
        evidence={
            "rise": Estimate(rise.height, note="as reported"),
            "train_rise": Estimate(float(since[-1] - since[0]), note="as reported"),
        },
        nats=rise.height,
        epochs=(rise.low, rise.end),
    )


@RULE.at(
    Level.NUMBERS,
    fires=lambda _: known_trends(train_loss="rises", val_loss="rises"),
)
def both_losses_are_said_to_rise(evidence: Evidence) -> Finding | None:
    """The text says that the losses of training and validation rise."""
    said = said_of(evidence)
    trends = {(trend.split, trend.metric): trend for trend in evidence.history.facts.trends}
    training = [trends[name, "loss"].direction for name in TRAIN if (name, "loss") in trends]
    if said is None or said.loss != "rises" or training != ["rises"] or evidence.split in TRAIN:
        return None
    return Finding(
        severity=Severity.WARNING,
        headline="Both losses rise",
        message=(
            f"The text speaks of {pluralize(said.count, 'curve')}: {said.words}. Overfitting "
            "lowers the training loss; a learning rate that is too high raises both. Lower it, "
            "and go on from the last good epoch."
        ),
        evidence={"trends": Estimate(float(said.count), note="that the text names", unit="number")},
    )


@RULE.at(
    Level.NUMBERS,
    fires=lambda seed: known_columns(
        val_loss=[2.0], facts=TaskFacts(fitted_temperature=4e4 + seed)
    ),
    near_misses={
        "min_temperature": lambda _: known_columns(
            val_loss=[2.0], facts=TaskFacts(fitted_temperature=4.0)
        )
    },
)
def fitted_temperature_ran_away(
    evidence: Evidence, *, min_temperature: float = 50.0
) -> Finding | None:
    """The text names a fitted temperature that makes all classes equal."""
    temperature = evidence.history.facts.fitted_temperature
    if temperature is None or not temperature >= min_temperature:
        return None
    return Finding(
        severity=Severity.ERROR,
        headline="The fit of the temperature ran away",
        message=(
            f"A temperature of {temperature:.4g} makes all classes equally likely, so the fit did "
            "not converge: the loss after it cannot be below that of guessing. Fit the logarithm "
            "of the temperature with a small learning rate, on logits of the model in evaluation "
            "mode, and keep it only if the loss falls."
        ),
        evidence={"temperature": Estimate(temperature, note="as said", unit="temperature")},
    )


def _jumpy_finding(
    evidence: Evidence, words: str, epochs: npt.NDArray[np.int64], story: str
) -> Finding:
    return Finding(
        severity=Severity.WARNING,
        headline="Unstable training",
        message=(
            f"Training is unstable: the {words} on split {evidence.split!r} jumps "
            f"{pluralize(len(epochs), 'time')} in the second half of training, most of all "
            f"{story}. What one epoch shows is partly luck."
        ),
        evidence={"jumps": Estimate(float(len(epochs)), note="a count", unit="count")},
        epochs=tuple(epochs.tolist()),
    )


def _runaway_finding(known: Curve) -> Finding:
    parts, numbers, start = [], {}, int(known.epochs[0])
    losses, right = known.with_loss, known.take(np.isfinite(known.accuracy))
    if len(losses):
        low = int(losses.log_loss.argmin())
        lowest, end, start = losses.log_loss[low], losses.log_loss[-1], int(losses.epochs[low])
        parts.append(f"the loss from {format_nats(lowest)} at epoch {start} to {format_nats(end)}")
        numbers["lowest"] = Estimate(float(lowest), note="smallest loss")
        numbers["last"] = Estimate(float(end), note="last loss")
    if len(right):
        best, last = float(right.accuracy.max()), float(right.accuracy[-1])
        parts.append(f"the accuracy from {format_percent(best)} to {format_percent(last)}")
        numbers["accuracy"] = Estimate(last, note="last one, as reported", unit="share")
    return Finding(
        severity=Severity.WARNING,
        headline="Training ran away",
        message=(
            f"The steps are too large: on split {known.split!r} {' and '.join(parts)}. Lower the "
            "learning rate."
        ),
        evidence=numbers,
        epochs=(start, int(known.epochs[-1])),
    )


@RULE.suspected(
    prior=0.12,
    check="Repeat the training with a tenth of the learning rate: do the jumps go away?",
)
def _suspicion(evidence: Evidence) -> Lead | None:
    """A loss that jumps, is very large, or ends far above where training had it."""
    seen = outline(evidence)
    said = said_of(evidence)
    if said is not None and said.loss == "varies":
        return Lead(SAID_TO_VARY, f"The text says that {said.words}.")
    if seen.leap >= LEAP:
        return Lead(1.0, f"The loss grows by a factor of {seen.leap:.1f} within one epoch.")
    for name, losses in (("validation", seen.losses), ("training", seen.train_losses)):
        largest = float(losses.max(initial=0.0))
        if largest >= VERY_LARGE and not losses[0] > losses[-1]:
            return Lead(1.0, f"The {name} loss reached {largest:.4g}.")
        steps = log_steps(losses)
        ways = steps[np.abs(steps) >= math.log(JUMP)]
        if (ways > 0).any() and (ways < 0).any() and len(ways) >= MIN_WAYS:
            factor = float(np.exp(np.abs(ways).max()))
            return Lead(1.0, f"The {name} loss jumps by a factor of {factor:.1f}, up and down.")
    train = seen.losses if evidence.split in TRAIN else seen.train_losses
    # Overfitting leaves the minimum of a validation loss, and seldom passes its first value.
    losses = train if len(train) else seen.losses
    if len(losses) > 2:
        end, start = float(losses[-1]), float(train.min() if len(train) else losses[0])
        if end > ENDS_ABOVE * start > 0.0:
            now, before = format_nats(end), format_nats(start)
            return Lead(1.0, f"The loss ends at {now}, far above {before} before.")
    return None
