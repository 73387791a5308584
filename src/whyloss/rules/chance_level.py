"""WL201: The model does no better than guessing by the class shares.

## What it means
Whoever knows only how frequent the classes are has a loss equal to the entropy of the class shares
(ln K for K balanced classes: 0.693, 1.099, 2.303 for 2, 3, 10) and is right as often as the largest
class is frequent. This model does no better on either count.

## Signature
Accuracy no higher than the share of the largest class, loss no lower than the entropy of the
shares, both within their errors.

## Statistic and threshold
Skill = 1 − loss / entropy of the shares. Where the class shares or the number of classes are known:
- `max_gain` = 0.05: the upper end of the accuracy's 95 % interval must stay within it of the
  largest share.
- `max_skill` = 0.05: the skill must stay below it at the lower end of the loss.

Both are claims of equivalence: with few samples the intervals are wide and the rule stays silent.
Reported numbers without a sample size are taken as exact. Where the number of classes is not known,
an accuracy of 1/K for a whole K, beside a loss of ln K, is what guessing among K even classes
gives:
- `max_distance` = 1.5 % between the accuracy and 1/K.
- `max_skill` = 1 %: the loss may lie so much below ln K, and 10 % above it, or
  anywhere above it at the one evaluation of two classes.

Curves that move neither loss nor accuracy say the same:
- `min_epochs` = 3.
- `max_fall` = 2 % of the loss, first to last.
- `max_change` = 2 points of accuracy, and 0.1 point above an accuracy of one half.
- `max_train_fall` = 3 % of the training loss, from its second epoch on.
- `max_accuracy` = 0.9: above it a model that learnt everything in one epoch looks the same.

A loss whose accuracy is not known, or hardly better than guessing, at `min_epochs` = 3 epochs or
more:
- `max_distance` = 1 % between every loss and that of guessing. Where neither shares nor the number
  of classes are known, ln 2 and ln 10 alone are tried, within 0.3 %: other numbers are rare, and
  one of many would always fit.
- The last training loss may not lie further below it, where it is known.

An accuracy without its loss, where the number of classes is known, at `min_epochs` = 3 epochs:
- `max_gain` = 2 points above the share of the largest class, 1/K where the shares are not known, at
  every epoch and in training.

## Not to be confused with
`overconfidence`, where the loss is as high and the accuracy is not. A model that has learnt to rank
but never crosses the threshold on a rare class has the accuracy of the majority and real skill.

## Remedy
First suspect the pipeline: labels shuffled against inputs, inputs not normalised, a learning rate
too high or too low, a loss that does not fit the output. Then a model too small for the task, or
features that carry no information. Try to overfit 50 samples: a pipeline that works can.

## References
Loss relative to the entropy of the shares: doi:10.1145/2648584.2648589 (He et al. 2014, normalised
entropy).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from whyloss.evidence import LITTLE_BETTER, USUAL_CLASSES, outline
from whyloss.formatting import format_nats, format_percent
from whyloss.measures.envelope import binary_entropy, entropy_of_shares
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import Lead, Rule
from whyloss.testing import known_cause, known_columns, known_history

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whyloss.evidence import Evidence, Outline
    from whyloss.results.metrics import Metrics
    from whyloss.testing import KnownCause

NEAR_HALF = 0.08  # of an AUC
NEAR_CHANCE = 0.05  # of ln K
NEAR_EVEN = 1.5  # accuracy times K
FREE_CLASSES = 0.6  # fit where the number of classes is not known
EXACTLY = 0.003  # of ln 2 or ln 10, where the number of classes is not known
MOST_USED = (2, 10)  # numbers of classes that nobody has to say
AS_GUESSED = 1.12  # times the accuracy of guessing
RESTS = 0.05  # range of accuracies over which nothing is learnt
FLAT_EPOCHS, FLAT = 3, 0.05  # epochs over which a loss moves by that share at most

LEARNT = 0.5  # of the validation loss: a training loss below it is no guessing

RULE = Rule(
    "WL201",
    name="chance-level",
    page=__doc__,
    since="0.1",
    explains=(
        "consistent",
        "overconfidence",
        "underconfidence",
        "underfitting",
        "train-mode-gap",
    ),
)

FAR = 1.1  # times the loss of guessing; beyond it a model is worse than guessing, and sure
LABELS = "Check the labels first: 0 to K − 1, or 0 and 1 for a sigmoid."
LARGEST_FOUND = 1000  # classes; beyond it 1/K is too small for the digits of an accuracy
ROUNDING = 1e-9  # of a difference of shares in float64
CONSTANT = 0.001  # accuracies that differ by no more are the same count, or nearly


def _even(seed: int, k: int, loss: float = 1.01, accuracy: float = 1.0) -> KnownCause:
    """What guessing among `k` even classes gives, times two factors; their number is not said."""
    return known_history(
        seed, val_loss=[loss * math.log(k)], val_accuracy=[accuracy / k], noise=0.002
    )


def _still(
    seed: int,
    val_loss: Sequence[float] = (0.69, 0.682, 0.68, 0.68),
    val_accuracy: Sequence[float] = (0.6,) * 4,
    train_loss: Sequence[float] | None = None,
) -> KnownCause:
    """Curves in which nothing happens, or nearly."""
    return known_history(
        seed,
        val_loss=val_loss,
        val_accuracy=val_accuracy,
        train_loss=train_loss,
        noise=0.001,
    )


@RULE.at(
    Level.NUMBERS,
    fires=lambda seed: known_cause(seed, signal=0.0),
    near_misses={
        "max_gain": lambda seed: known_cause(seed, signal=0.3, n_classes=2, n_samples=10_000),
        "max_skill": lambda seed: known_cause(seed, signal=1.5, n_classes=2, shares=(0.93, 0.07)),
    },
)
def no_better_than_shares(
    evidence: Evidence, *, max_gain: float = 0.05, max_skill: float = 0.05
) -> Finding | None:
    """Loss and accuracy are no better than those of guessing by the class shares."""
    numbers = evidence.numbers
    if numbers is None or not numbers.prior_entropy or numbers.majority is None:
        return None
    at_most = numbers.accuracy.value if numbers.accuracy.high is None else numbers.accuracy.high
    gain = at_most - numbers.majority
    loss = numbers.log_loss
    best_case = loss.value if loss.low is None else loss.low
    skill = 1.0 - best_case / numbers.prior_entropy
    if not (gain <= max_gain + ROUNDING and skill <= max_skill):
        return None
    return Finding(
        severity=Severity.WARNING,
        headline="No better than guessing",
        message=_message(numbers, numbers.prior_entropy, numbers.majority),
        evidence={
            "log_loss": loss,
            "accuracy": numbers.accuracy,
            "prior_entropy": Estimate(numbers.prior_entropy, note="of the observed class shares"),
            "chance": Estimate(
                math.log(numbers.n_classes) if numbers.n_classes else math.nan, note="ln K, exact"
            ),
            "skill": Estimate(
                1.0 - loss.value / numbers.prior_entropy, note="from the loss above", unit="share"
            ),
        },
        nats=max(0.0, loss.value - numbers.prior_entropy),
        epochs=(numbers.epoch,),
    )


def _message(numbers: Metrics, entropy: float, majority: float) -> str:
    loss, share = numbers.log_loss.value, numbers.accuracy.value
    guessing = f"costs {format_nats(entropy)} and is right in {format_percent(majority)}"
    if loss <= FAR * entropy:
        return (
            f"A loss of {format_nats(loss)} at an accuracy of {format_percent(share)} is no better "
            f"than guessing by the class shares, which {guessing}."
        )
    return (
        f"{_possible(loss)} But at an accuracy of {format_percent(share)} it is worse than "
        f"guessing by the class shares, which {guessing}: the model is sure and wrong. {LABELS}"
    )


def _even_message(share: float, loss: float, k: int, *, far: bool) -> str:
    even = f"{k} equally frequent classes"
    if far:
        return (
            f"{_possible(loss)} But with an accuracy of {format_percent(share)} it is worse than "
            f"guessing among {even}, which gives {format_nats(math.log(k))}: the model is sure and "
            f"wrong. {LABELS} Then say how many classes there are, and how frequent."
        )
    return (
        f"The model does no better than guessing, if there are {even}: an accuracy of "
        f"{format_percent(share)} beside a loss of {format_nats(loss)} is what guessing gives "
        f"({format_nats(math.log(k))}). Say how many classes there are: with another number or "
        "other class shares it may be better than guessing."
    )


def _possible(loss: float) -> str:
    return (
        f"A loss of {format_nats(loss)} is possible, since a cross-entropy has no upper bound: a "
        f"label that got probability {math.exp(-loss):.2g} costs that much."
    )


@RULE.at(
    Level.NUMBERS,
    fires=lambda seed: _even(seed, 2 + seed % 20),
    near_misses={
        "max_distance": lambda seed: _even(seed, 2 + seed % 5, accuracy=1.04),
        "max_skill": lambda seed: _even(seed, 2 + seed % 20, loss=0.96),
    },
)
def even_classes_fit(
    evidence: Evidence, *, max_distance: float = 0.015, max_skill: float = 0.01
) -> Finding | None:
    """An accuracy of 1/K stands beside a loss of at least ln K, for some whole K."""
    numbers = evidence.numbers
    if numbers is None or numbers.prior_entropy is not None:
        return None
    share, loss = numbers.accuracy.value, numbers.log_loss.value
    k = round(1.0 / share) if share > 0 else 0
    if not (2 <= k <= LARGEST_FOUND and abs(share * k - 1.0) <= max_distance):
        return None
    if not loss >= math.log(k) * (1.0 - max_skill):
        return None
    far = loss > FAR * math.log(k)
    curve = evidence.curve()
    if far and (k > 2 or (curve is not None and len(curve) > 1)):
        return None  # a model that knows a part of many more classes has such a pair as well
    return Finding(
        severity=Severity.WARNING,
        headline="Worse than guessing" if far else "No better than guessing",
        message=_even_message(share, loss, k, far=far),
        evidence={
            "log_loss": numbers.log_loss,
            "accuracy": numbers.accuracy,
            "chance": Estimate(math.log(k), note=f"ln {k}, exact"),
        },
        nats=max(0.0, loss - math.log(k)),
        epochs=(numbers.epoch,),
    )


@RULE.at(
    Level.CURVES,
    fires=_still,
    near_misses={
        "min_epochs": lambda seed: _still(seed, (0.69, 0.685), (0.6, 0.6)),
        "max_fall": lambda seed: _still(seed, (0.71, 0.69, 0.685, 0.68)),
        "max_change": lambda seed: _still(seed, (0.72,) * 3, (0.42, 0.47, 0.45)),
        "max_train_fall": lambda seed: _still(seed, train_loss=(0.7, 0.7, 0.67, 0.64)),
        "max_accuracy": lambda seed: _still(seed, (0.26,) * 4, (0.94,) * 4),
    },
)
def nothing_moves(
    evidence: Evidence,
    *,
    min_epochs: float = 3,
    max_fall: float = 0.02,
    max_change: float = 0.02,
    max_train_fall: float = 0.03,
    max_accuracy: float = 0.9,
) -> Finding | None:
    """Training moves neither loss nor accuracy, and the loss is that of guessing."""
    numbers = evidence.numbers
    if numbers is None or numbers.prior_entropy is not None:
        return None
    curve, train = evidence.curve(), evidence.train
    known = None if curve is None else curve.whole
    if known is None or not len(known) or len(known) < min_epochs:
        return None
    loss, share = float(known.log_loss[-1]), float(np.median(known.accuracy))
    moved = 1.0 - loss / float(known.log_loss[0])
    flat = abs(moved) <= max_fall and float(np.ptp(known.accuracy)) <= max_change
    if train is not None and len(train.with_loss) > 2:
        # The first epoch's mean is taken while the output bias still finds the class shares.
        later = train.with_loss.log_loss[1:]
        flat = flat and 1.0 - later[-1] / later[0] <= max_train_fall
        flat = flat and later[-1] >= LEARNT * loss  # whoever fits the training data has learnt
    if not (flat and share < max_accuracy and loss >= binary_entropy(share)):
        return None
    # Guessing is right more than half the time only with one class for everything, whose share of
    # the samples does not move; a model that learnt all it could in one epoch goes up and down.
    if share > 0.5 and float(np.ptp(known.accuracy)) > CONSTANT:
        return None
    return Finding(
        severity=Severity.WARNING,
        headline="Nothing is learnt",
        message=(
            f"Training moves neither number: over {len(known)} epochs the loss stayed at "
            f"{format_nats(loss)} and the accuracy at {format_percent(share)}. Most likely the "
            "model has learnt the class shares and nothing else."
        ),
        evidence={
            "log_loss": Estimate(loss, note="as reported"),
            "accuracy": Estimate(share, note="as reported", unit="share"),
        },
        epochs=tuple(known.epochs.tolist()),
    )


def _guessing(
    seed: int, k: int, away: float = 0.0, epochs: int = 5, fit: float = 0.0
) -> KnownCause:
    """Losses near ln K without an accuracy; `fit` is what training gained."""
    even = math.log(k) * (1.0 + away + 1e-4 * np.sin(seed + np.arange(epochs)))
    return known_columns(
        train_loss=even - fit * np.linspace(0.0, 1.0, epochs), val_loss=even, n_classes=k
    )


@RULE.at(
    Level.CURVES,
    fires=lambda seed: _guessing(seed, 2 + seed % 50),
    near_misses={
        "min_epochs": lambda seed: _guessing(seed, 2 + seed % 50, epochs=2),
        "max_distance": lambda seed: _guessing(seed, 2 + seed % 50, away=-0.02),
    },
)
def loss_of_guessing(
    evidence: Evidence, *, min_epochs: float = 3, max_distance: float = 0.01
) -> Finding | None:
    """The loss stays at that of guessing, and the accuracy, where known, is no better."""
    seen = outline(evidence)
    if evidence.epochs or len(seen.losses) < max(2, min_epochs):
        return None
    for entropy, words, distance in _references(evidence):
        # More right answers than this, and the loss is high for another reason.
        if len(seen.accuracies) and seen.accuracies.max() > AS_GUESSED * math.exp(-entropy):
            continue
        apart = float(np.abs(seen.losses / entropy - 1.0).max())
        fits = seen.train_loss is not None and seen.train_loss < (1.0 - 2 * distance) * entropy
        middle = abs(float(np.median(seen.losses)) / entropy - 1.0)
        if not (apart <= max_distance and middle <= distance) or fits:
            continue
        return Finding(
            severity=Severity.WARNING,
            headline="No better than guessing",
            message=(
                f"Over {len(seen.losses)} epochs the loss stays at {format_nats(seen.losses[-1])}, "
                f"which is what {words} costs ({format_nats(entropy)}): nothing is learnt."
            ),
            evidence={
                "log_loss": Estimate(float(seen.losses[-1]), note="as reported"),
                "chance": Estimate(entropy, note=f"of {words}, exact"),
            },
            epochs=tuple(evidence.history.epochs.tolist()),
        )
    return None


def _references(evidence: Evidence) -> list[tuple[float, str, float]]:
    """Losses of guessing, with their words and how far a loss may be from them, relative."""
    if evidence.class_shares is not None:
        entropy = entropy_of_shares(evidence.class_shares)
        return [(entropy, "guessing by the class shares", math.inf)] if entropy > 0.0 else []
    k = evidence.n_classes
    classes = MOST_USED if k is None else (k,) if k > 1 else ()
    return [
        (math.log(each), f"guessing among {each} classes", EXACTLY if k is None else math.inf)
        for each in classes
    ]


def _right(seed: int, gain: float = 0.0, epochs: int = 5) -> KnownCause:
    k = 3 + seed % 20
    shares = 1.0 / k + gain + 0.002 * np.sin(seed + np.arange(epochs))
    return known_columns(val_accuracy=shares, n_classes=k)


@RULE.at(
    Level.CURVES,
    fires=_right,
    near_misses={
        "min_epochs": lambda seed: _right(seed, epochs=2),
        "max_gain": lambda seed: _right(seed, gain=0.04),
    },
)
def accuracy_of_guessing(
    evidence: Evidence, *, min_epochs: float = 3, max_gain: float = 0.02
) -> Finding | None:
    """The accuracy stays at that of guessing, and no loss is known."""
    seen, k = outline(evidence), evidence.n_classes
    if evidence.epochs or k is None or len(seen.losses):
        return None
    shares = evidence.class_shares
    guess = 1.0 / k if shares is None else float(shares.max())
    every = np.append(seen.accuracies, seen.train_accuracies)
    if len(seen.accuracies) < max(1, min_epochs) or not every.max() <= guess + max_gain:
        return None
    return Finding(
        severity=Severity.WARNING,
        headline="No better than guessing",
        message=(
            f"Over {len(seen.accuracies)} epochs the accuracy is at most "
            f"{format_percent(float(every.max()))}, and guessing among {k} classes is right in "
            f"{format_percent(guess)}: nothing is learnt."
        ),
        evidence={
            "accuracy": Estimate(float(every.max()), note="the largest reported", unit="share"),
            "guessing": Estimate(guess, note="exact", unit="share"),
        },
        epochs=tuple(evidence.history.epochs.tolist()),
    )


@RULE.suspected(
    prior=0.12,
    check="Can the model learn 50 samples by heart? If not, inputs and labels do not reach it as "
    "they should.",
)
def _suspicion(evidence: Evidence) -> Lead | None:
    """Numbers near those of guessing, or curves that hardly move."""
    seen = outline(evidence)
    auc = evidence.history.column(evidence.split, "auc")
    last = None if auc is None else auc[np.isfinite(auc)]
    if last is not None and len(last) and abs(float(last[-1]) - 0.5) <= NEAR_HALF:
        return Lead(1.0, f"The AUC is {float(last[-1]):.3f}, and guessing has 0.5.")
    k = evidence.n_classes
    if seen.loss is None:
        return _accuracy_rests(seen, k)
    for classes in (k,) if k else USUAL_CLASSES:
        even = math.log(classes)
        fits = seen.accuracy is None or seen.accuracy * classes <= NEAR_EVEN
        if abs(seen.loss / even - 1.0) <= NEAR_CHANCE and fits:
            return Lead(
                1.0 if k or seen.accuracy is not None else FREE_CLASSES,
                f"The loss of {format_nats(seen.loss)} is near ln {classes} = "
                f"{format_nats(even)}, what guessing among {classes} even classes has.",
            )
    if len(seen.losses) >= FLAT_EPOCHS and float(np.ptp(seen.losses)) <= FLAT * seen.loss:
        return Lead(
            FREE_CLASSES,
            f"The loss hardly moves: {format_nats(float(seen.losses.min()))} to "
            f"{format_nats(float(seen.losses.max()))}.",
        )
    return None


def _accuracy_rests(seen: Outline, k: int | None) -> Lead | None:
    """An accuracy that hardly moves, or that is hardly better than one of K."""
    every = seen.accuracies
    if k and len(every) and float(every[-1]) * k <= LITTLE_BETTER:
        return Lead(
            1.0,
            f"The accuracy is {format_percent(float(every[-1]))}, and guessing among {k} even "
            f"classes has {format_percent(1 / k)}.",
        )
    if len(every) < FLAT_EPOCHS or float(np.ptp(every)) > RESTS or float(every.max()) > 0.5 + RESTS:
        return None
    return Lead(
        FREE_CLASSES,
        f"The accuracy hardly moves: {format_percent(float(every.min()))} to "
        f"{format_percent(float(every.max()))}.",
    )
