"""WL505: Training and validation are alike, and both far from what could be had.

## What it means
The model has not fitted even its own training data. Either it was stopped too early (the losses
still fall), or it cannot do better: too small, too strongly regularised, a learning rate too small,
or a task that the inputs do not decide.

## Signature
Both losses are high and close to each other, and a little below the loss of guessing.

## Statistic and threshold
Skill = 1 − training loss / reference. The reference is the entropy of the class shares, ln K where
only K is known, and the first epoch's training loss where neither is.
- `max_skill` = 0.35: the skill must be at most so much.
- `min_skill` = 0.02: the skill must be more than that; without any, see `chance-level`.
- `max_gap` = 10 % by which the validation loss may exceed the training loss.
- `min_epochs` = 4 on both splits.

Or all that was learnt is hardly more than guessing, at every epoch:
- `max_skill` = 3 %: no loss may be further below ln K, nor 2 % above it. Where K is not known, the
  first validation loss tells it.
- `max_times` = 1.25 times the accuracy of guessing.
- `min_epochs` = 4.

Whether the loss still falls is Mann and Kendall's test over the last half of the epochs, in which
it must also fall by 2 %. A loss that no longer falls is only worth knowing: a task that the inputs
do not decide looks the same.

## Not to be confused with
`chance-level`: no skill at all. `train-mode-gap`: dropout and augmentation make the training
numbers look worse than they are.

## Remedy
If the loss still falls: train longer, or with a larger learning rate. If it is flat: a larger
model, less regularisation (weight decay, dropout, augmentation), better features. Try to overfit 50
samples; if that fails, the pipeline is at fault.

## References
Model size and the error: arXiv:1912.02292 (Nakkiran et al. 2019).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from whyloss.evidence import outline
from whyloss.formatting import format_nats, format_percent
from whyloss.measures.estimates.trend import mann_kendall
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import Lead, Rule
from whyloss.testing import known_history

if TYPE_CHECKING:
    from whyloss.evidence import Curve, Evidence
    from whyloss.testing import KnownCause

STILL_BETTER = 0.7  # fit
CLOSE = 0.1  # of the training loss
HIGH_TRAINING_LOSS = 0.5  # nats
PLATEAU = 0.05  # of the loss in half the training

RULE = Rule(
    "WL505",
    name="underfitting",
    page=__doc__,
    since="0.1",
)

LARGEST_LOSS = 7.0  # nats; that of guessing among 1,097 classes
ABOVE = 0.02  # of ln K
SUSPECTED_FROM = 4  # epochs, for a suspicion
FALLS = 1.64  # standard errors: the one-sided 5 % point of the normal distribution
NOTICEABLE = 0.02  # of the loss: if it falls by less in half the training, it has come to rest


def _slow(seed: int, last: float = 0.85, gap: float = 0.0, epochs: int = 12) -> KnownCause:
    """A training loss that falls from ln 3 to that share of it."""
    loss = np.linspace(1.0986, last * 1.0986, epochs)
    accuracy = np.linspace(0.36, 0.36 + 0.5 * (1 - last) + 0.05, epochs)
    return known_history(
        seed,
        train_loss=loss,
        train_accuracy=accuracy,
        val_loss=loss * (1 + gap),
        val_accuracy=accuracy - 0.01,
        noise=0.003,
        n_classes=3,
    )


@RULE.at(
    Level.CURVES,
    fires=_slow,
    near_misses={
        "max_skill": lambda seed: _slow(seed, last=0.5),
        "max_gap": lambda seed: _slow(seed, gap=0.25),
        "min_skill": lambda seed: _slow(seed, last=0.99),
        "min_epochs": lambda seed: _slow(seed, epochs=3),
    },
)
def little_skill(
    evidence: Evidence,
    *,
    max_skill: float = 0.35,
    max_gap: float = 0.1,
    min_skill: float = 0.02,
    min_epochs: float = 4,
) -> Finding | None:
    """Both losses are close to each other and little below guessing."""
    train, val = evidence.train, evidence.curve()
    if train is None or val is None:
        return None
    train, val = train.with_loss, val.with_loss
    fewest = min(len(train), len(val))
    if not fewest or fewest < min_epochs:
        return None
    end, val_end = float(np.mean(train.log_loss[-2:])), float(np.mean(val.log_loss[-2:]))
    reference, name = _reference(evidence, train)
    skill = 1.0 - end / reference if reference > 0 else 1.0
    gap = val_end / end - 1.0 if end > 0 else 1.0
    if not (min_skill < skill <= max_skill and gap <= max_gap):
        return None
    late = train.log_loss[len(train) // 2 :]
    falling = mann_kendall(late) < -FALLS and float(late[0]) - end > NOTICEABLE * end
    way = (
        "It still falls: train longer, or with a larger learning rate"
        if falling
        else "It no longer falls: the model is too small, too strongly regularised, or the inputs "
        "do not decide the labels"
    )
    return Finding(
        severity=Severity.WARNING if falling else Severity.INFO,
        headline="Under-fitted" if falling else "Under-fitted, or a task that is no easier",
        message=(
            f"The training loss is {format_nats(end)}, only {format_percent(skill, 0)} below "
            f"{format_nats(reference)} ({name}), and the validation loss ({format_nats(val_end)}) "
            f"is no worse. {way}."
        ),
        evidence={
            "train_loss": Estimate(end, note="mean of the last two epochs"),
            "val_loss": Estimate(val_end, note="mean of the last two epochs"),
            "reference": Estimate(reference, note=name),
            "skill": Estimate(skill, note="from the two above", unit="share"),
        },
        epochs=(int(train.epochs[-1]),),
    )


def _reference(evidence: Evidence, train: Curve) -> tuple[float, str]:
    shares, k = evidence.class_shares, evidence.n_classes
    if shares is not None:
        from whyloss.measures.envelope import entropy_of_shares  # noqa: PLC0415

        return entropy_of_shares(shares), "guessing by the class shares"
    if k is not None:
        return float(np.log(k)), f"guessing among {k} classes"
    return float(train.log_loss[0]), "the training loss of the first epoch"


def _barely(seed: int, last: float = 0.99, times: float = 1.08, epochs: int = 10) -> KnownCause:
    """Losses that fall from ln K to that share of it; K is not said."""
    k = 2 + seed % 9
    fall = math.log(k) * np.linspace(1.0, last, epochs)
    share = np.linspace(1.0, times, epochs) / k
    return known_history(
        seed,
        train_loss=fall,
        train_accuracy=share,
        val_loss=fall,
        val_accuracy=share,
        noise=0.001,
    )


@RULE.at(
    Level.CURVES,
    fires=_barely,
    near_misses={
        "max_skill": lambda seed: _barely(seed, last=0.9),
        "max_times": lambda seed: _barely(seed, times=1.4),
        "min_epochs": lambda seed: _barely(seed, epochs=3),
    },
)
def hardly_above_guessing(
    evidence: Evidence, *, max_skill: float = 0.03, max_times: float = 1.25, min_epochs: float = 4
) -> Finding | None:
    """Loss and accuracy of all epochs are hardly better than guessing."""
    seen = outline(evidence)
    if evidence.epochs or evidence.class_shares is not None or seen.loss is None:
        return None
    losses, shares = seen.losses, seen.accuracies
    if len(losses) < min_epochs or not len(shares):
        return None
    k = evidence.n_classes or (round(math.exp(losses[0])) if losses[0] <= LARGEST_LOSS else 0)
    if k < 2:
        return None
    guess = math.log(k)
    of_train = seen.train_losses[1:]  # the first is a mean of the worst epoch
    both = np.append(losses, of_train) / guess
    if not (both.min() >= 1.0 - max_skill and losses.max() <= (1.0 + ABOVE) * guess):
        return None
    if not np.append(shares, seen.train_accuracies).max() * k <= max_times:
        return None
    sure = "" if evidence.n_classes else ", if there are so many,"
    falls = mann_kendall(losses) < -FALLS
    return Finding(
        severity=Severity.WARNING,
        headline="Hardly better than guessing",
        message=(
            f"Over {len(losses)} epochs the loss went from {format_nats(losses[0])} to "
            f"{format_nats(losses[-1])}, and the accuracy is {format_percent(shares[-1])}. "
            f"Guessing among {k} even classes{sure} costs {format_nats(guess)} and is right in "
            f"{format_percent(1 / k)}. "
            + ("It learns very slowly: try" if falls else "It does not learn: try")
            + " a larger learning rate, and whether the model can learn 50 samples by heart."
        ),
        evidence={
            "log_loss": Estimate(float(losses[-1]), note="as reported"),
            "accuracy": Estimate(float(shares[-1]), note="as reported", unit="share"),
            "chance": Estimate(guess, note=f"ln {k}, exact"),
        },
        epochs=(int(evidence.history.epochs[-1]),),
    )


@RULE.suspected(
    prior=0.1,
    check="Does the training loss still fall when you train twice as long?",
)
def _suspicion(evidence: Evidence) -> Lead | None:
    """A loss or a score that still gets better, or training that is no better than validation."""
    seen = outline(evidence)
    if len(seen.losses) > 2 and float(np.ptp(seen.losses)) == 0.0:
        return None  # equal in every digit: that is no slow learning
    if len(seen.losses) > 2 and mann_kendall(seen.losses) < 0 and seen.rise <= NOTICEABLE:
        return Lead(
            STILL_BETTER,
            f"The loss still falls: {format_nats(float(seen.losses[0]))} at first, "
            f"{format_nats(float(seen.losses[-1]))} at the end.",
        )
    score = seen.score
    if score is not None and len(score) > 2 and int(score.gains.argmax()) == len(score) - 1:
        return Lead(
            STILL_BETTER,
            f"The {score.score.words} still gets better: {score.score.text(score.values[0])} at "
            f"first, {score.score.text(score.values[-1])} at the end.",
        )
    if seen.loss is not None and seen.train_loss is not None:
        close = seen.loss <= (1.0 + CLOSE) * seen.train_loss
        if close and seen.train_loss >= HIGH_TRAINING_LOSS:
            return Lead(
                1.0,
                f"The training loss is {format_nats(seen.train_loss)} and the validation loss "
                f"{format_nats(seen.loss)}: neither is small.",
            )
    if (
        len(seen.losses) >= SUSPECTED_FROM
        and seen.loss is not None
        and seen.loss >= HIGH_TRAINING_LOSS
    ):
        half = float(seen.losses[len(seen.losses) // 2])
        if abs(half - seen.loss) <= PLATEAU * half:
            return Lead(
                STILL_BETTER,
                f"The loss has come to rest at {format_nats(seen.loss)}, far from 0.",
            )
    return None
