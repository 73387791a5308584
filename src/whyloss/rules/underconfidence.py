"""WL302: The model is right more often than its confidence says.

## What it means
The predictions leave more doubt than they should, so the loss is higher than it need be at this
accuracy. That is common early in training. Methods that soften the labels do it on purpose.

## Signature
- Predictions: the loss is below the entropy of the predictions, which is the loss that they expect.
  A temperature below 1 recovers the difference.
- Loss and accuracy alone: the loss exceeds that of every calibrated model with this accuracy, it is
  still below ln K, and the training loss shows the same.

## Statistic and threshold
The surprise gap g = mean(loss − entropy) and its Z are those of `overconfidence`, with the sign
turned. From predictions:
- `min_z` = 3: −Z must be larger.
- `min_gap` = 0.01 nat: −g must be larger. Nobody would notice less.
- `max_temperature` = 0.9: the fitted temperature must be smaller. With many samples a temperature
  nearer to 1 is certain and still costs next to nothing.
- If a label-noise or class-bias term was accepted, a temperature fitted jointly with it must still
  lower the loss by `min_gap`.

From loss and accuracy the loss must exceed the envelope by `min_gap`, in training as well.

## Not to be confused with
`double-softmax`, which squeezes all probabilities together. A few samples with a huge loss hide
under-confidence: they raise the loss above the entropy.

## Remedy
Train on if the loss still falls. Label smoothing, mixup, focal loss, dropout at prediction time and
averaging of models all soften predictions. That is a choice; a temperature below 1 takes it back
without retraining and changes no label.

## References
arXiv:1906.02629 (Müller et al. 2019: label smoothing). arXiv:2002.09437 (Mukhoti et al. 2020: focal
loss). arXiv:1706.04599 (Guo et al. 2017: temperature).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from whyloss.evidence import PERFECT_LOSS, Direction, Evidence, envelope_gap
from whyloss.formatting import format_nats, format_percent
from whyloss.measures.envelope import fano_envelope
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import Rule
from whyloss.testing import known_cause, known_history

if TYPE_CHECKING:
    from whyloss.testing import KnownCause

CLEAR = 2.0  # standard errors from which on the saving is named; nothing is decided by it


RULE = Rule(
    "WL302",
    name="underconfidence",
    page=__doc__,
    since="0.1",
    explains=(
        "consistent",
        "underfitting",
    ),
)


def _unsure(seed: int, excess: float) -> KnownCause:
    """Training and validation alike, both so many nats above the envelope of their accuracy."""
    bound = fano_envelope(0.9, 10)[1]
    return known_history(
        seed,
        train_loss=[bound + excess],
        train_accuracy=[0.9],
        val_loss=[bound + excess],
        val_accuracy=[0.9],
        n_classes=10,
        noise=0.002,
    )


@RULE.at(
    Level.SNAPSHOT,
    fires=lambda seed: known_cause(seed, temperature=0.5),
    near_misses={
        "min_z": lambda seed: known_cause(
            seed, temperature=0.75, signal=0.6, n_classes=5, n_samples=60
        ),
        "min_gap": lambda seed: known_cause(
            seed, temperature=0.8, signal=4.0, n_classes=2, n_samples=20_000
        ),
        "max_temperature": lambda seed: known_cause(
            seed, temperature=0.95, n_classes=10, n_samples=8000
        ),
    },
)
def right_more_often_than_sure(
    evidence: Evidence, *, min_z: float = 3.0, min_gap: float = 0.01, max_temperature: float = 0.9
) -> Finding | None:
    """The loss is below the loss that the predictions expect, and a temperature lowers it."""
    snapshot = evidence.last
    if snapshot.one_class:
        return None
    gap = snapshot.gap
    if not (-gap.z > min_z and -gap.gap.value > min_gap):
        return None
    joint, calibrated = evidence.noise_models.joint_temperature, snapshot.calibrated
    if joint is not None:
        if not (joint.nats > min_gap and joint.temperature < min(1.0, max_temperature)):
            return None
    elif calibrated is not None and not calibrated.fit.temperature < max_temperature:
        return None
    numbers = {"surprise_gap": gap.gap, "log_loss": snapshot.log_loss}
    explained, remedy = -gap.gap.value, ""
    if calibrated is not None:
        numbers["temperature"] = calibrated.fit.estimate
        numbers["calibration"] = calibrated.calibration
        explained = calibrated.calibration.value if joint is None else joint.nats
        if calibrated.calibration.z > CLEAR:
            remedy = (
                f" Dividing the logits by {calibrated.fit.temperature:.2f} takes the loss from "
                f"{format_nats(calibrated.log_loss.value)} to "
                f"{format_nats(calibrated.refinement.value)} without retraining; if the loss still "
                "falls, train on."
            )
    return Finding(
        severity=Severity.WARNING,
        headline="Under-confidence",
        message=(
            "The model is not confident enough: by its own probabilities the loss should be "
            f"{format_nats(snapshot.log_loss.value - gap.gap.value)}, and it is only "
            f"{format_nats(snapshot.log_loss.value)}.{remedy}"
        ),
        evidence=numbers,
        nats=explained,
        epochs=(snapshot.epoch,),
        remedies=("temperature",),
    )


@RULE.at(
    Level.NUMBERS,
    fires=lambda seed: _unsure(seed, 0.4),
    near_misses={"min_gap": lambda seed: _unsure(seed, 0.004)},
)
def above_envelope_like_training(evidence: Evidence, *, min_gap: float = 0.01) -> Finding | None:
    """The reported loss is above the envelope of its accuracy, and so is that of training."""
    numbers, excess = evidence.numbers, envelope_gap(evidence)
    if numbers is None or excess is None or excess.direction is not Direction.UNDER:
        return None
    perfect = numbers.accuracy.value == 1.0
    if not excess.nats > (max(min_gap, PERFECT_LOSS) if perfect else min_gap):
        return None
    why = (
        "Every prediction is right, so only doubt costs anything: label smoothing, mixup, a "
        "penalty in the loss, or a training that is not finished."
        if perfect
        else "The training loss shows the same. Either the model is right more often than its "
        "confidence says (train on), or the loss contains label smoothing, class weights or a "
        "penalty: compute the plain mean cross-entropy to tell."
    )
    return Finding(
        severity=Severity.WARNING if perfect else Severity.INFO,
        headline="Under-confidence" if perfect else "Under-confidence, or another loss",
        message=(
            f"A loss of {format_nats(numbers.log_loss.value)} is high for an accuracy of "
            f"{format_percent(numbers.accuracy.value)}: a calibrated model has at most "
            f"{format_nats(excess.bound)}. {why}"
        ),
        evidence={
            "log_loss": numbers.log_loss,
            "accuracy": numbers.accuracy,
            "envelope_high": Estimate(
                excess.bound, note="exact, at the least accuracy that n allows"
            ),
        },
        nats=excess.nats,
        epochs=(numbers.epoch,),
        remedies=("temperature",),
    )
