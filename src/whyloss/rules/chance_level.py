"""WL201: The model does no better than guessing by the class shares.

## What it means
Whoever knows nothing but how frequent the classes are has a loss equal to the entropy of the
class shares (ln K for K balanced classes: 0.693, 1.099, 2.303 for 2, 3, 10) and is right as
often as the largest class is frequent. This model does no better on either count.

## Signature
Accuracy no higher than the share of the largest class, loss no lower than the entropy of the
shares, both within their errors.

## Statistic and threshold
Skill = 1 − loss / entropy of the shares. The rule needs the upper end of the 95 % interval of
the accuracy to stay within `max_gain` = 0.05 of the largest share, and the skill to stay below
`max_skill` = 0.05 at the lower end of the loss. Both are claims of equivalence: with few
samples the intervals are wide and the rule stays silent. Reported numbers without a sample size are
taken at their word. Where the number of classes is not known, an accuracy of 1/K for a whole K beside a
loss of at least ln K is what guessing among K even classes gives; so are curves that move neither
the loss (by 2 %) nor the accuracy (by 2 points, and not at all above one half).

## Not to be confused with
`overconfidence`, where the loss is as high and the accuracy is not. A model that has learnt to
rank but never crosses the threshold on a rare class has the accuracy of the majority and real
skill.

## Remedy
First suspect the pipeline: labels shuffled against inputs, inputs not normalised, a learning
rate too high or too low, a loss that does not fit the output. Then a model too small for the
task, or features that carry no information. Try to overfit 50 samples: a pipeline that works
can.

## References
Loss relative to the entropy of the shares: doi:10.1145/2648584.2648589 (He et al. 2014,
normalised entropy).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from whyloss.formatting import format_nats, format_percent
from whyloss.measures.envelope import binary_entropy
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import Rule
from whyloss.testing import known_cause, known_history

if TYPE_CHECKING:
    from whyloss.evidence import Evidence
    from whyloss.results.metrics import Metrics
    from whyloss.testing import KnownCause

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

FAR = 1.1  # times what guessing costs: worse than guessing
LABELS = "Check the labels first: 0 to K − 1, or 0 and 1 for a sigmoid."
LARGEST_FOUND = 1000  # classes
CONSTANT = 0.001  # accuracies that differ by no more are the same count, or nearly


def _even(seed: int, k: int) -> KnownCause:
    """What guessing among `k` even classes gives, their number not being said."""
    return known_history(seed, val_loss=[1.01 * math.log(k)], val_accuracy=[1 / k], noise=0.002)


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
    if not (gain <= max_gain + 1e-9 and skill <= max_skill):
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
            "skill": Estimate(1.0 - loss.value / numbers.prior_entropy, note="from the loss above"),
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


def _possible(loss: float) -> str:
    return (
        f"A loss of {format_nats(loss)} is possible, since a cross-entropy has no upper bound: a "
        f"label that got probability {math.exp(-loss):.2g} costs that much."
    )


@RULE.at(
    Level.NUMBERS,
    fires=lambda seed: _even(seed, 2 + seed % 20),
)
def even_classes_fit(evidence: Evidence) -> Finding | None:
    """An accuracy of 1/K stands beside a loss of at least ln K, for some whole K."""
    numbers = evidence.numbers
    if numbers is None or numbers.prior_entropy is not None:
        return None
    share, loss = numbers.accuracy.value, numbers.log_loss.value
    k = round(1.0 / share) if share > 0 else 0
    if not (2 <= k <= LARGEST_FOUND and abs(share * k - 1.0) <= 0.015):
        return None
    if not loss >= math.log(k) * (1.0 - 0.01):
        return None
    far = loss > FAR * math.log(k)
    curve = evidence.curve()
    if far and curve is not None and len(curve) > 1:
        return None  # a single line may be anything; a whole training far above ln K is not even
    return Finding(
        severity=Severity.WARNING,
        headline="No better than guessing" if k > 2 or not far else "Worse than guessing",
        message=(
            f"{_possible(loss)} But with an accuracy of {format_percent(share)} it is worse than "
            f"guessing, if the classes are {k} and equally frequent ({format_nats(math.log(k))}): "
            f"the model is sure and wrong. {LABELS} Then say how many classes there are, and how "
            "frequent."
            if far
            else f"An accuracy of {format_percent(share)} beside a loss of {format_nats(loss)} is what guessing among "
            f"{k} equally frequent classes gives ({format_nats(math.log(k))}). With other class "
            "shares or another number of classes it may be more than that: say how many there "
            "are."
        ),
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
    fires=lambda seed: known_history(
        seed, val_loss=[0.69, 0.682, 0.68, 0.68], val_accuracy=[0.6] * 4, noise=0.001
    ),
)
def nothing_moves(evidence: Evidence) -> Finding | None:
    """Training moves neither loss nor accuracy, and the loss is that of guessing."""
    numbers = evidence.numbers
    if numbers is None or numbers.prior_entropy is not None:
        return None
    curve, train = evidence.curve(), evidence.train
    known = None if curve is None else curve.whole
    if known is None or len(known) < 3:
        return None
    loss, share = float(known.log_loss[-1]), float(np.median(known.accuracy))
    moved = 1.0 - loss / float(known.log_loss[0])
    flat = abs(moved) <= 0.02 and float(np.ptp(known.accuracy)) <= 0.02
    if train is not None and len(train.with_loss) > 2:
        # The first epoch's mean is taken while the output bias still finds the class shares.
        later = train.with_loss.log_loss[1:]
        flat = flat and later[-1] >= 0.97 * later[0]
    if not (flat and share < 0.9 and loss >= binary_entropy(share)):
        return None
    # Guessing is right more than half the time only with one class for everything, whose share of
    # the samples does not move; a model that learnt all it could in one epoch goes up and down.
    if share > 0.5 and float(np.ptp(known.accuracy)) > CONSTANT:
        return None
    return Finding(
        severity=Severity.WARNING,
        headline="Nothing is learnt",
        message=(
            f"Over {len(known)} epochs the loss stayed at {format_nats(loss)} and the accuracy at "
            f"{format_percent(share)}: training moves neither. Most likely the model has learnt "
            "the class shares and nothing else."
        ),
        evidence={
            "log_loss": Estimate(loss, note="as reported"),
            "accuracy": Estimate(share, note="as reported"),
        },
        epochs=tuple(known.epochs.tolist()),
    )
