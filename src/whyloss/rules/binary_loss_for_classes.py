"""WL110: A binary loss (and accuracy) treats each output of a many-class model by itself.

## What it means
With one-hot labels and a binary cross-entropy each of the K outputs is asked "this class, or not?".
Answering "no" everywhere is right in K − 1 of K outputs. So the accuracy looks splendid from the
first epoch on, and the loss small, while the model has learnt nothing.

## Signature
- Predictions and a reported loss: the mean binary cross-entropy of the outputs is what was
  reported.
- Loss and accuracy alone: at the start (or for ever) the accuracy is 1 − 1/K and the loss H(1/K),
  the entropy of a coin that shows heads once in K: 0.90 and 0.325 for ten classes.

## Statistic and threshold
- `max_distance` = 0.02: at some epoch both numbers lie so near to these values; relative for the
  loss.

At no epoch may the accuracy be clearly lower: a categorical accuracy passes 0.90 on its way up, a
binary one begins there. The number of classes must be known and at least 3. Predictions decide
where there are any.

## Not to be confused with
`majority-class`: with two classes of shares 1/K and 1 − 1/K the same two numbers are what
predicting the larger class gives.

## Remedy
For exactly one class per sample use `categorical_crossentropy` (one-hot), or
`sparse_categorical_crossentropy` (class numbers), or PyTorch's `CrossEntropyLoss`, with a softmax;
and a categorical accuracy. If you chose the binary loss on purpose, report the categorical
accuracy.

## References
Binary losses for single-label classes, on purpose: arXiv:2110.00476 (Wightman et al. 2021).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from whyloss.evidence import outline
from whyloss.formatting import format_nats, format_percent
from whyloss.measures.envelope import binary_entropy
from whyloss.measures.losses.reported_loss import Kind
from whyloss.remedies import recomputed
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import TELLING, Lead, Rule
from whyloss.testing import known_cause, known_history, report_loss

if TYPE_CHECKING:
    from whyloss.evidence import Evidence
    from whyloss.measures.losses.reported_loss import Reproduction
    from whyloss.results.remedy import Remedy
    from whyloss.testing import KnownCause

RULE = Rule(
    "WL110",
    name="binary-loss-for-classes",
    page=__doc__,
    since="0.1",
    explains=(
        "chance-level",
        "majority-class",
        "consistent",
        "overconfidence",
        "train-mode-gap",
        "impossible-pair",
    ),
)

MANY = 5  # classes, from which on answering no everywhere is mostly right
BELOW = 0.01  # accuracy by which the first steps may fall short of answering no everywhere


def _start(seed: int, away: float) -> KnownCause:
    k = 5 + seed % 40
    loss = [binary_entropy(1 / k) * (1 + away), 0.8 * binary_entropy(1 / k) * (1 + away)]
    return known_history(
        seed, val_loss=loss, val_accuracy=[1 - 1 / k, 1 - 0.9 / k], n_classes=k, noise=0.003
    )


def _mean_binary(seed: int) -> KnownCause:
    """Predictions, and beside them the mean binary cross-entropy of their outputs."""
    known = known_cause(seed, n_samples=300)
    predictions = known.source.predictions("val", 0)
    from scipy.special import softmax  # noqa: PLC0415 - an example's; pasted text waits for no SciPy

    prob = softmax(predictions.scores, axis=1)
    one_hot = np.eye(predictions.n_classes)[predictions.y_true]
    loss = float(-np.log(np.where(one_hot == 1, prob, 1 - prob)).mean())
    return report_loss(known, lambda _losses: loss)


@RULE.at(Level.SNAPSHOT, fires=_mean_binary)
def reported_loss_is_binary(evidence: Evidence) -> Finding | None:
    """The reported loss is the mean binary cross-entropy of the outputs."""
    k = evidence.n_classes
    if k is None or k <= 2:
        return None
    for epoch, reported in evidence.reported_losses.items():
        found = evidence.reproduction(epoch)
        if found is not None and found.kind is Kind.BINARY:
            return _reproduced(evidence, epoch, reported, found)
    return None


@RULE.at(
    Level.NUMBERS,
    fires=lambda seed: _start(seed, 0.0),
    near_misses={"max_distance": lambda seed: _start(seed, 0.3)},
)
def answers_no_everywhere(evidence: Evidence, *, max_distance: float = 0.02) -> Finding | None:
    """Loss and accuracy begin where answering no to every class has them."""
    k = evidence.n_classes
    if k is None or k <= 2:
        return None
    share, entropy = 1.0 - 1.0 / k, binary_entropy(1.0 / k)
    every = [evidence.reported(split) for split in evidence.with_training]
    curves = [curve.whole for curve in every if curve is not None]
    if any((known.accuracy < share - BELOW).any() for known in curves):
        return None
    for known in curves:
        for epoch, loss, accuracy in zip(
            known.epochs.tolist(), known.log_loss.tolist(), known.accuracy.tolist(), strict=True
        ):
            near = abs(loss / entropy - 1.0) <= max_distance
            if near and abs(accuracy - share) <= min(max_distance, 1 / k):
                return Finding(
                    severity=Severity.ERROR,
                    headline="A binary loss for many classes",
                    message=(
                        f"At epoch {epoch} the loss was {format_nats(loss)} and the accuracy "
                        f"{format_percent(accuracy)}: what answering no to each of {k} outputs "
                        "gives under a binary cross-entropy. Use a categorical loss and a "
                        "categorical accuracy."
                    ),
                    evidence={
                        "log_loss": Estimate(loss, note="as reported"),
                        "accuracy": Estimate(accuracy, note="as reported", unit="share"),
                        "always_no": Estimate(entropy, note="exact"),
                    },
                    epochs=(epoch,),
                )
    return None


def _reproduced(evidence: Evidence, epoch: int, reported: float, found: Reproduction) -> Finding:
    computed = evidence.at(epoch).log_loss
    return Finding(
        severity=Severity.ERROR,
        headline="A binary loss for many classes",
        message=(
            f"The loss reported at epoch {epoch} ({format_nats(reported)}) is {found.words} "
            f"({format_nats(found.value)}), not the cross-entropy over the classes "
            f"({format_nats(computed.value)}). Use a categorical loss."
        ),
        evidence={"reported": Estimate(reported, note="as reported"), "computed": computed},
        epochs=(epoch,),
    )


@RULE.cured_by
def _over_classes(evidence: Evidence, found: Finding) -> Remedy | None:
    """Recompute the loss."""
    return recomputed.plain_mean(
        evidence,
        found,
        "For exactly one class per sample train with a categorical loss: "
        "categorical_crossentropy for one-hot rows, sparse_categorical_crossentropy or "
        "CrossEntropyLoss for class numbers, with a softmax.",
    )


@RULE.suspected(
    prior=0.05,
    check="Compute the share of samples whose largest output is the right class: is it much lower?",
    snippet="categorical = (outputs.argmax(axis=1) == labels).mean()",
)
def _suspicion(evidence: Evidence) -> Lead | None:
    """A binary loss that the text names, or an accuracy that answering no everywhere has."""
    k, seen = evidence.n_classes, outline(evidence)
    if k is None or k <= 2 or evidence.history.task == "multilabel":
        return None
    if evidence.history.facts.loss_function == "binary cross-entropy":
        return Lead(TELLING, f"The text names a binary cross-entropy for {k} classes.")
    always_no = 1.0 - 1.0 / k
    if seen.accuracy is None or k < MANY or abs(seen.accuracy - always_no) > BELOW:
        return None
    return Lead(
        1.0,
        f"An accuracy of {format_percent(seen.accuracy)} is what answering no to each of {k} "
        f"outputs has ({format_percent(always_no)}).",
    )
