"""WL202: The loss is what a well calibrated model of this accuracy has.

## What it means
A "high" loss beside a "good" accuracy is no contradiction. Accuracy counts how often the largest
probability is right; the loss asks what probability the truth got. For a calibrated model the
accuracy confines the loss to an envelope, and this loss lies inside it.

## Signature
The loss lies between the lower and the upper end of Fano's envelope at this accuracy. With
predictions, the loss also equals the loss that they expect.

## Statistic and threshold
The loss may leave the envelope by no more than its own 95 % error and that of the accuracy:
- `max_excess` = 0 nats beyond that, above.
- `max_deficit` = 0 nats beyond that, below.
- `min_samples` = 50, where their number is known: fewer samples fit nearly everything and prove
  nothing. Where it is not known, the numbers are taken as exact.

With predictions, the surprise gap must be small by one of two measures, and a temperature must not
clearly save more than the second:
- `max_z` = 3 standard errors, or
- `max_gap` = 0.01 nat, less than which nobody would notice.

Where the number of classes is not known, two are assumed: more of them only widen the envelope,
upwards.

At an accuracy of 100 % any training leaves up to 0.1 nat of doubt; a loss of exactly 0 is none.

Where the number of classes is not known and the loss is too high for two:
- The least number for which it fits is named. It must be at most `max_classes` = 20, and the
  validation loss at most `max_ratio` = 1.3 times that of the training. Where no training loss is
  known, the loss may exceed that of two classes by `max_ratio` - 1 at most.

A loss of guessing, or the entropy of two classes, one as frequent as the accuracy, is no sign of
anything learnt: nothing is said of it.

From curves, with or without an accuracy:
- The loss fell by at least `min_fall` = 15 % and ends at most `max_rise` = 2 % above its minimum.
- It is at most `max_ratio` = 1.5 times the training loss, where that is known.

Where no loss is known, a score says the same:
- It gained at least `min_gain` = 0.05 of its unit and ends at most `max_lost` = 0.02 below its
  best.
- Training is at most `max_gap` = 0.05 better.

From the scores of one evaluation, where class shares and the number of samples are known:
- `min_lead` = 5 points between the lower end of the accuracy's 95 % interval and the share of the
  largest class.
- The mean recall of the classes is at most `max_behind` = 10 points below the accuracy.

## Not to be confused with
A good model: a consistent model can still be weak. Reported numbers alone cannot prove calibration,
only fail to contradict it.

## Remedy
Train on while the validation loss falls. A higher accuracy needs more data, better features or a
larger model. A temperature will not help.

## References
Fano's inequality and the lower envelope: doi:10.1109/18.272494 (Feder and Merhav 1994).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from whyloss.data import History, InMemorySource
from whyloss.evidence import (
    MOST_CLASSES,
    PERFECT_LOSS,
    TRAIN,
    Outlook,
    envelope_gap,
    hardly_learnt,
    last_scores,
    outline,
    said_of,
)
from whyloss.formatting import format_nats, format_percent, format_signed
from whyloss.measures.envelope import binary_entropy, fano_envelope
from whyloss.measures.estimates.intervals import wilson
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import Rule
from whyloss.testing import KnownCause, known_cause, known_columns

if TYPE_CHECKING:
    from whyloss.evidence import EpochFacts, Evidence, Outline
    from whyloss.results.metrics import Metrics

ROUNDING = 1e-9
MIN_EPOCHS = 3
MUCH = 0.5  # of the loss: a score does not stand still while it falls so far
STANDS = 0.01  # of the unit of a score
LONG, RESTLESS = 8, 0.03  # epochs, and the accuracy from one to the next
HARDLY, POOR = 0.15, 0.8  # a fall of the loss, and an accuracy
OF_POSITIVES = ("f1", "recall")
JUMP = 1.5  # factor between two epochs of the second half
LOST = 0.05  # of the unit of a score since its best epoch
TWICE = 2.0  # standard errors of few samples, which may be more than that
PLAUSIBLE_LOSS = 7.0  # nats; about what guessing among 1,000 classes costs

RULE = Rule(
    "WL202",
    name="consistent",
    page=__doc__,
    since="0.1",
)


def _reported_above_envelope(seed: int) -> KnownCause:
    history = History.from_columns(
        val_loss=[0.8 + 0.001 * (seed % 100)], val_accuracy=[0.9], n_classes=2, n_val=5000
    )
    return KnownCause(InMemorySource(history=history), (), (), 0.0)


def _reported_below_envelope(seed: int) -> KnownCause:
    history = History.from_columns(
        val_loss=[0.05 + 0.0005 * (seed % 100)], val_accuracy=[0.8], n_classes=2, n_val=5000
    )
    return KnownCause(InMemorySource(history=history), (), (), 0.0)


def _alike(seed: int, loss: float, ratio: float = 0.9) -> KnownCause:
    """Validation and training numbers that are alike, with an accuracy of 60 %."""
    loss += 0.001 * (seed % 100)
    return known_columns(
        train_loss=[loss / ratio], train_accuracy=[0.58], val_loss=[loss], val_accuracy=[0.6]
    )


def _healthy(seed: int, fall: float = 0.6, rise: float = 0.0, train: float = 0.9) -> KnownCause:
    """Losses that fall by that share, and rise by that share in the last of eight epochs."""
    level = 1.0 + 0.01 * (seed % 100)
    losses = level * np.append(np.linspace(1.0, 1.0 - fall, 7), (1.0 - fall) * (1.0 + rise))
    return known_columns(train_loss=train * losses, val_loss=losses)


@RULE.at(
    Level.NUMBERS,
    fires=known_cause,
    near_misses={
        # Either of the two suffices, so what both hold back is held back by each.
        "max_z": lambda seed: known_cause(seed, temperature=1.25),
        "max_gap": lambda seed: known_cause(seed, temperature=1.25),
        "max_excess": _reported_above_envelope,
        "max_deficit": _reported_below_envelope,
        "min_samples": lambda seed: known_cause(seed, n_samples=40),
    },
)
def inside_envelope(
    evidence: Evidence,
    *,
    max_z: float = 3.0,
    max_excess: float = 0.0,
    max_deficit: float = 0.0,
    max_gap: float = 0.01,
    min_samples: float = 50,
) -> Finding | None:
    """The loss lies where a calibrated model of this accuracy has it."""
    numbers = evidence.numbers
    if numbers is None or not _tells(numbers, min_samples) or hardly_learnt(evidence):
        return None
    if _beside_poor_score(evidence) or _restless(evidence):
        return None
    k = numbers.n_classes or 2  # two classes have the narrowest envelope
    low, high = _envelope_with_error(numbers)
    loss = numbers.log_loss
    if not evidence.epochs and numbers.accuracy.value == 1.0:
        # No training gets to 0: labels of one class, or nothing evaluated.
        high = -math.inf if loss.value == 0.0 else max(high, PERFECT_LOSS)
    upper = loss.value if loss.low is None else loss.low  # the loss could be this small
    lower = loss.value if loss.high is None else loss.high
    if not (upper - high <= max_excess and low - lower <= max_deficit):
        return None
    sure = ""
    evidence_numbers = {"log_loss": loss, "accuracy": numbers.accuracy}
    if evidence.epochs:
        gap = evidence.last.gap
        if _to_be_mended(evidence.last, max_gap) or not (
            abs(gap.z) <= max_z or abs(gap.gap.value) <= max_gap
        ):
            return None
        evidence_numbers["surprise_gap"] = gap.gap
        small = "within chance" if abs(gap.z) <= max_z else "too small to matter"
        sure = (
            f" Going by its own confidence the model should have a loss of "
            f"{format_nats(loss.value - gap.gap.value)}; the difference is {small}."
        )
    exact_low, exact_high = fano_envelope(numbers.accuracy.value, k)
    more = (
        ""
        if numbers.n_classes
        else " More classes only raise the upper end, so that holds whatever their number."
    )
    between = f"from {format_nats(exact_low)} to {format_nats(exact_high)}"
    if numbers.accuracy.value == 1.0 and loss.value > exact_high:
        between = "near 0, and this one still falls as the confidence grows"
    elif not exact_low <= loss.value <= exact_high:
        between += ", give or take the error of both numbers"
    sure += _beside_training(evidence, numbers) + _what_is_missing(evidence)
    evidence_numbers["envelope_low"] = Estimate(exact_low, note="exact, at this accuracy")
    evidence_numbers["envelope_high"] = Estimate(exact_high, note="exact, at this accuracy")
    return Finding(
        severity=Severity.OK,
        headline="Nothing looks wrong",
        message=(
            f"Loss and accuracy fit together: a calibrated {k}-class model that is right "
            f"{format_percent(numbers.accuracy.value)} of the time normally has a loss {between}. "
            "The loss is no error rate: "
            f"{_typical_probability(loss.value)}.{more}{sure}"
        ),
        evidence=evidence_numbers,
        epochs=(numbers.epoch,),
    )


@RULE.at(
    Level.NUMBERS,
    fires=lambda seed: _alike(seed, 1.6),
    near_misses={
        "max_classes": lambda seed: _alike(seed, 2.9),
        "max_ratio": lambda seed: _alike(seed, 1.6, ratio=1.4),
    },
)
def inside_for_more_classes(
    evidence: Evidence, *, max_classes: float = 20, max_ratio: float = 1.3
) -> Finding | None:
    """For some number of classes the loss fits, and validation is no worse than training."""
    numbers = evidence.reported_numbers(evidence.split)
    train = evidence.reported_numbers(evidence.train.split) if evidence.train else None
    if numbers is None or numbers.n_classes is not None or evidence.epochs:
        return None
    loss, share = numbers.log_loss.value, numbers.accuracy.value
    if not 0.0 < share < 1.0 or hardly_learnt(evidence) or _rests(evidence):
        return None
    most = binary_entropy(share) if train is None else train.log_loss.value
    if not loss <= max_ratio * most:
        return None
    rest = (loss - binary_entropy(share)) / (1.0 - share)  # at least ln(K - 1)
    if not rest <= math.log(MOST_CLASSES):
        return None
    least = max(math.ceil(1.0 / share), 1 + math.ceil(math.exp(max(0.0, rest)) - ROUNDING))
    if not least <= max_classes or loss < fano_envelope(share, least)[0]:
        return None
    return Finding(
        severity=Severity.OK,
        headline="Nothing looks wrong",
        message=(
            f"For {least} or more classes a loss of {format_nats(loss)} is what a calibrated model "
            f"with an accuracy of {format_percent(share)} can have"
            + ("" if train is None else f", and training is hardly better ({_pair(train)})")
            + ". With fewer classes the loss would be too high: say how many there are."
        ),
        evidence={
            "log_loss": numbers.log_loss,
            "accuracy": numbers.accuracy,
            "least_classes": Estimate(float(least), note="exact, at this accuracy", unit="count"),
        },
        epochs=(numbers.epoch,),
    )


@RULE.at(
    Level.CURVES,
    fires=_healthy,
    near_misses={
        "min_fall": lambda seed: _healthy(seed, fall=0.05),
        "max_rise": lambda seed: _healthy(seed, rise=0.04),
        "max_ratio": lambda seed: _healthy(seed, train=0.2),
    },
)
def curves_in_order(
    evidence: Evidence, *, min_fall: float = 0.15, max_rise: float = 0.02, max_ratio: float = 1.5
) -> Finding | None:
    """The loss fell and ends near its minimum, and training, where known, is not far below it."""
    seen = outline(evidence)
    if evidence.epochs or len(seen.losses) < MIN_EPOCHS or seen.loss is None:
        return None
    if not 0.0 < seen.loss <= PLAUSIBLE_LOSS or seen.fall < min_fall or seen.rise > max_rise:
        return None
    if seen.train_loss is not None and seen.loss > max_ratio * seen.train_loss:
        return None
    if _contradicted(evidence, seen):
        return None
    better = int(seen.losses.argmin()) == len(seen.losses) - 1
    numbers = {"log_loss": Estimate(seen.loss, note="as reported")}
    beside = ""
    if seen.train_loss is not None:
        numbers["train_loss"] = Estimate(seen.train_loss, note="as reported")
        beside = f", and the training loss is {format_nats(seen.train_loss)}"
    return Finding(
        severity=Severity.OK,
        headline="Nothing looks wrong",
        message=(
            f"The loss on split {evidence.split!r} fell from {format_nats(float(seen.losses[0]))} "
            f"to {format_nats(seen.loss)}, near its minimum{beside}: the curves show no fault. "
            + ("They still get better: train on." if better else "Any of the last epochs will do.")
            + _what_is_missing(evidence)
        ),
        evidence=numbers,
        epochs=(int(evidence.history.epochs[-1]),),
    )


def _scored(seed: int, gain: float = 0.3, lost: float = 0.0, gap: float = 0.0) -> KnownCause:
    """Accuracies that gain so much in six epochs and lose in the last, and no losses."""
    share = 0.6 + 0.001 * (seed % 100) + np.append(np.linspace(0.0, gain, 6), gain - lost)
    return known_columns(train_accuracy=share + gap, val_accuracy=share)


@RULE.at(
    Level.CURVES,
    fires=lambda seed: _scored(seed, gain=0.25),
    near_misses={
        "min_gain": lambda seed: _scored(seed, gain=0.03),
        "max_lost": lambda seed: _scored(seed, gain=0.25, lost=0.03),
        "max_gap": lambda seed: _scored(seed, gain=0.2, gap=0.08),
    },
)
def score_in_order(
    evidence: Evidence, *, min_gain: float = 0.05, max_lost: float = 0.02, max_gap: float = 0.05
) -> Finding | None:
    """No loss is known; the score got better, ends near its best, and training is no better."""
    seen = outline(evidence)
    score, said = seen.score, said_of(evidence)
    if evidence.epochs or len(seen.losses) or score is None or len(score) < MIN_EPOCHS:
        return None
    if said is not None and said.outlook is not Outlook.BETTER:
        return None
    gains = score.gains / score.unit
    if not (gains[-1] - gains[0] >= min_gain and gains.max() - gains[-1] <= max_lost):
        return None
    trained = (
        None if evidence.train is None else last_scores(evidence.history, evidence.train.split)
    )
    ahead = (trained or {}).get(score.score.name, float(score.values[-1])) - float(score.values[-1])
    if (-ahead if score.score.falls else ahead) > max_gap * score.unit:
        return None
    return Finding(
        severity=Severity.OK,
        headline="Nothing looks wrong",
        message=(
            f"The {score.score.words} on split {evidence.split!r} went from "
            f"{score.score.text(score.values[0])} to {score.score.text(score.values[-1])}, near "
            "its best: the curve shows no fault. What the loss does beside it is not known."
            + _what_is_missing(evidence)
        ),
        evidence={"score": Estimate(float(score.values[-1]), note="as reported", unit="number")},
        epochs=(int(score.epochs[-1]),),
    )


def _decided(seed: int, accuracy: float = 0.85, behind: float = 0.0) -> KnownCause:
    """Scores of one evaluation of 500 samples in four even classes."""
    share = accuracy + 0.0005 * (seed % 100)
    known = known_columns(n_val=500, val_accuracy=[share], val_recall=[share - behind])
    history = replace(known.source.history, class_shares=(0.25,) * 4)
    return replace(known, source=InMemorySource(history=history))


@RULE.at(
    Level.NUMBERS,
    fires=_decided,
    near_misses={
        "min_lead": lambda seed: _decided(seed, accuracy=0.26),
        "max_behind": lambda seed: _decided(seed, behind=0.3),
    },
)
def decisions_beat_guessing(
    evidence: Evidence, *, min_lead: float = 0.05, max_behind: float = 0.1
) -> Finding | None:
    """Predicted classes are right more often than the largest class is frequent, in every class."""
    seen, shares, n = outline(evidence), evidence.class_shares, evidence.history.n_val
    if evidence.epochs or shares is None or not n or seen.accuracy is None:
        return None
    scores = last_scores(evidence.history, evidence.split)
    if seen.loss is not None or len(seen.accuracies) > 1 or "recall" not in scores:
        return None
    share, largest = wilson(seen.accuracy * n, n), float(shares.max())
    lead = (share.low or 0.0) - largest
    if lead < min_lead or seen.accuracy - scores["recall"] > max_behind:
        return None
    return Finding(
        severity=Severity.OK,
        headline="Better than guessing",
        message=(
            f"The accuracy of {format_percent(seen.accuracy)} (95 %: "
            f"{format_percent(share.low or 0.0, 0)} to {format_percent(share.high or 1.0, 0)}) is "
            f"above the share of the largest class, {format_percent(largest)}, and the mean recall "
            f"is {format_percent(scores['recall'])}. What confidence is due is not known."
        ),
        evidence={"accuracy": share},
        epochs=(int(evidence.history.epochs[-1]),),
    )


def _what_is_missing(evidence: Evidence) -> str:
    if evidence.split not in TRAIN or evidence.epochs:
        return ""
    return " Training numbers alone say nothing of new samples: evaluate a validation split too."


def _contradicted(evidence: Evidence, seen: Outline) -> bool:
    """Whether the loss jumps or is above the envelope, or a score fell since its best epoch."""
    score, gap = seen.score, envelope_gap(evidence)
    lost, bound = 0.0, LOST
    if score is not None:
        lost = float(score.gains.max() - score.gains[-1]) / score.unit
        bound = max(LOST, TWICE * score.sampling_error(score.values[-1]))
    ups = seen.losses[1:] / np.maximum(seen.losses[:-1], ROUNDING)
    jumps = bool((ups[len(ups) // 2 :] >= JUMP).any())
    too_high = gap is not None and gap.nats > 0.0 and evidence.split not in TRAIN
    return jumps or lost > bound or too_high or _stands(seen)


def _stands(seen: Outline) -> bool:
    """Whether the score does not move while the loss falls far: it measures something else."""
    score = seen.score
    if score is None or len(score) < MIN_EPOCHS or seen.fall < MUCH or score.values[-1] == 1.0:
        return False
    return float(score.gains[-1] - score.gains[0]) < STANDS * score.unit


def _rests(evidence: Evidence) -> bool:
    """Whether accuracy and loss hardly move while the accuracy is poor: nothing may be learnt."""
    seen = outline(evidence)
    if len(seen.accuracies) < MIN_EPOCHS or not len(seen.losses):
        return False
    still = float(np.ptp(seen.accuracies)) <= STANDS and seen.fall <= HARDLY
    return still and float(seen.accuracies.max()) < POOR


def _restless(evidence: Evidence) -> bool:
    """Whether the validation accuracy goes up and down, and that of the training does not."""
    both = outline(evidence).accuracies, outline(evidence).train_accuracies
    if evidence.epochs or min(map(len, both)) < LONG:
        return False
    steps = [float(np.median(np.abs(np.diff(each[len(each) // 2 :])))) for each in both]
    return steps[0] >= max(RESTLESS, 2 * steps[1])


def _beside_poor_score(evidence: Evidence) -> bool:
    """Whether a score of the positives is 0: an accuracy is then the share of the negatives."""
    if evidence.epochs:
        return False
    scores = last_scores(evidence.history, evidence.split)
    return any(scores.get(name) == 0.0 for name in OF_POSITIVES)


def _pair(numbers: Metrics) -> str:
    return f"{format_nats(numbers.log_loss.value)} and {format_percent(numbers.accuracy.value)}"


def _tells(numbers: Metrics, min_samples: float) -> bool:
    """Whether samples are enough, and two classes can have such an accuracy if K is unknown."""
    few = numbers.n_samples is not None and numbers.n_samples < min_samples
    return not few and (numbers.n_classes is not None or numbers.accuracy.value >= 0.5)


def _envelope_with_error(numbers: Metrics) -> tuple[float, float]:
    """The envelope over the 95 % interval of the accuracy."""
    k = numbers.n_classes or 2
    share = numbers.accuracy
    worst = share.value if share.low is None else share.low
    best = share.value if share.high is None else share.high
    return fano_envelope(best, k)[0], fano_envelope(worst, k)[1]


def _to_be_mended(snapshot: EpochFacts, max_gap: float) -> bool:
    """Whether a temperature clearly helps, or nobody can tell what confidence is due."""
    calibrated = snapshot.calibrated
    saved = None if calibrated is None else calibrated.calibration.low
    return snapshot.one_class or (saved is not None and saved > max_gap)


def _beside_training(evidence: Evidence, numbers: Metrics) -> str:
    """How far the reported training numbers are from those of the validation."""
    train = evidence.reported_numbers(evidence.train.split) if evidence.train else None
    if train is None or evidence.epochs:
        return ""
    gap = numbers.log_loss.value - train.log_loss.value
    return (
        f" The training loss is {format_nats(train.log_loss.value)} with an accuracy of "
        f"{format_percent(train.accuracy.value)}: a gap of {format_signed(gap)} nats."
    )


def _typical_probability(loss: float) -> str:
    """The probability of the right class that a mean loss stands for, in words."""
    probability = format_percent(math.exp(-loss), 0)
    said = f"{format_nats(loss)} means that the right class typically gets a probability of"
    return f"{said} {probability}"
