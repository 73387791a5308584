"""WL301: The model is too confident in its wrong answers.

## What it means
The model is surer than it is right. While it trains, its logits keep growing. A right prediction
gains almost nothing from that, because its loss vanishes exponentially. A wrong prediction loses in
proportion, because its loss grows linearly in the logits. So the loss climbs while not one label
changes. This is overfitting of the probabilities, not of the decisions: the minimum of the loss and
the maximum of the accuracy need not coincide. If training goes on, the accuracy may start to fall
too: `overfitting` says whether it has.

## Signature
- Predictions: the loss exceeds the entropy of the predictions, which is the loss that they expect.
  A temperature above 1 recovers the difference. In a run, the rise sits in samples that are wrong
  at both epochs.
- Loss and accuracy alone: a loss above the largest one that a calibrated model with this accuracy
  can have (Fano's envelope).
- Curves: a validation loss that rises while the accuracy does not fall. That suggests
  over-confidence and does not prove it.

## Statistic and threshold
The surprise gap g = mean(loss − entropy) is the slope of the loss in ln β at T = 1. For a
calibrated model Z = Σ(loss − entropy) / √ΣV is standard normal. From predictions:
- `min_z` = 3: Z must be larger. A false alarm in 1 of 250 to 1 of 500 calibrated models; in 1 of
  125 with only 100 samples, as losses are skewed. With 60 samples of a weak model a temperature of
  1.3 goes unnoticed.
- `min_gap` = 0.01 nat: g must be larger. Nobody would notice less.
- `min_temperature` = 1.1: the fitted temperature must be larger. With many samples a temperature
  nearer to 1 is certain and still costs next to nothing.
- Both Z and g must hold after the samples named by `outliers` are removed. If a label-noise or
  class-bias term was accepted, a temperature fitted jointly with it must still lower the loss by
  `min_gap`.

From loss and accuracy: the loss must exceed the envelope, at the lower end of the accuracy's 95 %
interval, by `min_gap`. From curves: the loss must have risen since its minimum by `min_rise` = 0.01
nat, and by `min_z` = 4 standard errors of the curve's own noise; 4, because the minimum was
selected.

## Not to be confused with
`overfitting`: the decisions themselves get worse, which no temperature mends. Label noise also
makes a model look too sure: a temperature then helps less than it promises.

## Remedy
If you need labels only: keep the epoch of the best accuracy, and do not mind the loss. If you need
probabilities: fit a temperature on held-out data; it changes no label. When training again: stop on
the loss after calibration, or use weight decay, label smoothing or more data.

## References
arXiv:1706.04599 (Guo et al. 2017: networks overfit the log-likelihood without overfitting the 0/1
loss). arXiv:2002.09437 (Mukhoti et al. 2020: the rise comes from misclassified samples).
arXiv:1710.10345 (Soudry et al. 2018: logits grow for ever). arXiv:2103.07986 (Venter et al. 2021).
arXiv:2501.19195 (Berta et al. 2025: refine, then calibrate).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from whyloss.evidence import TRAIN, Direction, Evidence, envelope_gap, loss_rise
from whyloss.formatting import format_nats, format_percent, format_signed, pluralize
from whyloss.measures.envelope import fano_envelope
from whyloss.measures.estimates.intervals import wilson
from whyloss.results.attribution import Outcome
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import Rule
from whyloss.testing import known_cause, known_history

if TYPE_CHECKING:
    from whyloss.evidence import EpochFacts
    from whyloss.testing import KnownCause

RULE = Rule(
    "WL301",
    name="overconfidence",
    page=__doc__,
    since="0.1",
    explains=("consistent",),
)

CLEAR = 2.0  # standard errors from which on a sentence names a number; nothing is decided by it
NOTICEABLE = 0.01  # accuracy; a gain of less is not worth a word


def _reported(seed: int, excess: float) -> KnownCause:
    """A loss so many nats above that of every calibrated model of its accuracy."""
    share = wilson(0.9 * 2000, 2000).low
    bound = fano_envelope(0.9 if share is None else share, 2)[1]
    return known_history(
        seed,
        val_loss=[bound + excess],
        val_accuracy=[0.9],
        noise=0.002,
        n_classes=2,
        n_val=2000,
    )


def _rising(
    seed: int, low: float = 0.3, rise: float = 0.4, noise: float = 0.005, n_epochs: int = 20
) -> KnownCause:
    """A loss that rises in the second half, beside an accuracy that does not fall."""
    epochs = np.arange(n_epochs)
    return known_history(
        seed,
        val_loss=low * (1 + np.exp(-epochs)) + rise * np.maximum(0, 2 * epochs / n_epochs - 1),
        val_accuracy=0.9 - 0.2 * np.exp(-epochs / 2),
        noise=noise,
    )


@RULE.at(
    Level.SNAPSHOT,
    fires=lambda seed: known_cause(seed, temperature=1.8),
    near_misses={
        "min_z": lambda seed: known_cause(
            seed, temperature=1.3, signal=0.3, n_classes=5, n_samples=50
        ),
        "min_gap": lambda seed: known_cause(
            seed, temperature=1.4, signal=4.0, n_classes=2, n_samples=8000
        ),
        "min_temperature": lambda seed: known_cause(
            seed, temperature=1.06, n_classes=10, n_samples=6000
        ),
    },
)
def surer_than_right(
    evidence: Evidence, *, min_z: float = 3.0, min_gap: float = 0.01, min_temperature: float = 1.1
) -> Finding | None:
    """The loss exceeds the loss that the predictions expect, and a temperature lowers it."""
    snapshot = evidence.last
    if not _too_sure(evidence, min_z, min_gap, min_temperature):
        return None
    gap, calibrated = snapshot.gap, snapshot.calibrated
    joint = evidence.noise_models.joint_temperature
    numbers: dict[str, Estimate] = {"surprise_gap": gap.gap, "log_loss": snapshot.log_loss}
    nats_explained = gap.gap.value
    if calibrated is not None:
        numbers["temperature"] = calibrated.fit.estimate
        numbers["calibration"] = calibrated.calibration
        nats_explained = calibrated.calibration.value
    if joint is not None:
        numbers["joint_temperature_saves"] = Estimate(joint.nats, note="in sample; nats")
        nats_explained = joint.nats
    epochs: tuple[int, ...] = (snapshot.epoch,)
    story = (
        "The model is too confident: by its own probabilities the loss should be "
        f"{format_nats(snapshot.log_loss.value - gap.gap.value)}, and it is "
        f"{format_nats(snapshot.log_loss.value)}."
    )
    rise = evidence.rise
    if rise is not None and rise.change.calibration.z > CLEAR:
        cell = rise.change.cell(Outcome.STAYED_WRONG)
        nats_explained = rise.change.calibration.value
        numbers["calibration_change"] = rise.change.calibration
        numbers["stayed_wrong"] = cell.total
        epochs = (rise.first.epoch, rise.second.epoch)
        if rise.scale is not None:
            numbers["scale"] = rise.scale.scale
        if cell.total.z > CLEAR:
            story = (
                f"The model grew more confident in {pluralize(cell.samples, 'sample')} that it "
                f"gets wrong at both epochs ({format_signed(cell.total.value)} nats)."
            )
    return Finding(
        severity=Severity.WARNING,
        headline="Over-confidence",
        message=f"{story} {_remedy(snapshot)}".strip(),
        evidence=numbers,
        nats=nats_explained,
        epochs=epochs,
        samples=tuple(_surest_mistakes(snapshot)),
        remedies=("temperature", "epoch-for-labels", "epoch-after-calibration"),
    )


def _too_sure(evidence: Evidence, min_z: float, min_gap: float, min_temperature: float) -> bool:
    snapshot, noise_models = evidence.last, evidence.noise_models
    if snapshot.one_class:
        return False
    # A few outliers alone make a model look too sure, and so do label noise and class biases.
    for gap in (snapshot.gap, noise_models.gap_without_excluded):
        if not (gap.z > min_z and gap.gap.value > min_gap):
            return False
    joint, calibrated = noise_models.joint_temperature, snapshot.calibrated
    if joint is not None:
        return joint.nats > min_gap and joint.temperature > max(1.0, min_temperature)
    return calibrated is None or calibrated.fit.temperature > min_temperature


@RULE.at(
    Level.NUMBERS,
    fires=lambda seed: _reported(seed, 0.4),
    near_misses={"min_gap": lambda seed: _reported(seed, 0.004)},
)
def above_envelope(evidence: Evidence, *, min_gap: float = 0.01) -> Finding | None:
    """The reported loss is above that of every calibrated model of its accuracy."""
    numbers, excess = evidence.numbers, envelope_gap(evidence)
    if numbers is None or excess is None or excess.direction is Direction.UNDER:
        return None
    if not excess.nats > min_gap:
        return None
    over = excess.direction is Direction.OVER
    cause = "too much confidence" if over else "miscalibration, most likely too much confidence"
    return Finding(
        severity=Severity.WARNING,
        headline="Over-confidence" if over else "Over-confidence, most likely",
        message=(
            f"No calibrated model with an accuracy of {format_percent(numbers.accuracy.value)} on "
            f"{numbers.n_classes} classes has a loss above {format_nats(excess.bound)}; this one "
            f"has {format_nats(numbers.log_loss.value)}. At least {format_nats(excess.nats)} nats "
            f"are {cause}, which a temperature or another calibration recovers without retraining."
        ),
        evidence={
            "log_loss": numbers.log_loss,
            "accuracy": numbers.accuracy,
            "envelope_high": Estimate(
                excess.bound, note="exact, at the least accuracy that n allows"
            ),
            "envelope_gap": Estimate(excess.nats, note="a lower bound"),
        },
        nats=excess.nats,
        epochs=(numbers.epoch,),
        remedies=("temperature",),
    )


@RULE.at(
    Level.CURVES,
    fires=_rising,
    near_misses={
        "min_z": lambda seed: _rising(seed, rise=0.0, noise=0.1, n_epochs=40),
        "min_rise": lambda seed: _rising(seed, low=0.02, rise=0.008),
    },
)
def rises_while_right(
    evidence: Evidence, *, min_z: float = 4.0, min_rise: float = 0.01
) -> Finding | None:
    """The validation loss rises while the accuracy does not fall."""
    curve = evidence.curve()
    if curve is None or curve.split in TRAIN:
        return None
    rise = loss_rise(curve, min_z=min_z, min_rise=min_rise)
    if rise is None or math.isnan(rise.accuracy_after) or rise.fell:
        return None
    way = "rose" if rise.lost < -NOTICEABLE else "did not clearly fall"
    return Finding(
        severity=Severity.WARNING,
        headline="Over-confidence, most likely",
        message=(
            f"Since epoch {rise.low} the loss on split {curve.split!r} rose from "
            f"{format_nats(rise.before)} to {format_nats(rise.after)} while the accuracy {way} "
            f"({format_percent(rise.accuracy_before)} to {format_percent(rise.accuracy_after)}). "
            "Most likely the model makes the same mistakes with more and more confidence. Record "
            "the predictions to confirm it, and to see how much one temperature recovers."
        ),
        evidence={
            "rise": Estimate(rise.height, note="as reported"),
            "accuracy_change": Estimate(-rise.lost, note="as reported"),
        },
        nats=rise.height,
        epochs=(rise.low, rise.end),
        remedies=("epoch-for-labels", "epoch-for-probabilities"),
    )


def _remedy(snapshot: EpochFacts) -> str:
    calibrated = snapshot.calibrated
    if calibrated is None:
        few = pluralize(snapshot.n_scored, "sample is", "samples are")
        return f"{few} too few to fit a temperature."
    if not calibrated.calibration.z > CLEAR:
        n = pluralize(snapshot.n_scored, "sample")
        return f"How much a temperature would lower the loss is not clear from {n}."
    return (
        f"Dividing the logits by {calibrated.fit.temperature:.2f} takes the loss from "
        f"{format_nats(calibrated.log_loss.value)} to {format_nats(calibrated.refinement.value)} "
        f"({format_percent(calibrated.calibration.value / calibrated.log_loss.value, 0)} less) "
        "without retraining and changes no label."
    )


def _surest_mistakes(snapshot: EpochFacts, n: int = 20) -> list[int | str]:
    loss = np.where(snapshot.scored & ~snapshot.right, snapshot.samples.log_loss, -np.inf)
    order = np.argsort(-loss, kind="stable")[:n]
    ids: list[int | str] = snapshot.predictions.ids[order[np.isfinite(loss[order])]].tolist()
    return ids
