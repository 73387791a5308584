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

From reported numbers alone:
- The excess over the envelope, at the lower end of the accuracy's interval, must exceed `min_gap`.
  Where the number of classes is not known, it must do so for every number up to 1,000. It proves
  too much confidence only for a plain mean of −ln p over the very samples of the accuracy: nothing
  is claimed where the text names label smoothing, class weights, a regulariser or another loss, or
  where the training pair has a quarter of the same excess.
- Or the loss must rise since its minimum by `min_rise` = 0.01 nat, 5 %, and `min_z` = 4 standard
  errors of the noise since then, because the minimum was selected; or by half of these standard
  errors with a clear rank trend. It must be up by 1.5 times the largest earlier rise and later
  fall. A slow wander of a curve cannot be told from a rise. The accuracy, or another score of the
  decisions or the ranking, does not clearly fall meanwhile.
- Or the mean loss exceeds the mean entropy of the predictions by `min_gap`: their difference is the
  slope above.

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

from typing import TYPE_CHECKING

import numpy as np

from whyloss.data import TaskFacts
from whyloss.evidence import (
    MOST_CLASSES,
    TRAIN,
    Direction,
    Evidence,
    Family,
    Outlook,
    ScoreCurve,
    envelope_gap,
    loss_rise,
    outline,
    said_of,
    score_curves,
)
from whyloss.formatting import format_nats, format_percent, format_signed, pluralize
from whyloss.measures.envelope import fano_envelope, provable_limit
from whyloss.measures.estimates.intervals import wilson
from whyloss.results.attribution import Outcome
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import Lead, Rule
from whyloss.testing import known_cause, known_columns, known_history, known_trends

if TYPE_CHECKING:
    from whyloss.evidence import CurveRise, EpochFacts, ScoreChange
    from whyloss.testing import KnownCause

SUSPECT_RISE = 0.02  # of the smallest loss; what is less nobody would ask about
CERTAIN_RISE = 0.05  # the rise that counts in full
SUSPECT_LOST = 0.02  # of the unit of a score
SUSPECT_ACCURACY = 0.5
HIGH_FOR_ACCURACY = 0.6  # fit

RULE = Rule(
    "WL301",
    name="overconfidence",
    page=__doc__,
    since="0.1",
    explains=("consistent",),
)

NO_TEMPERATURE = 50.0  # a fit that ran away: `unstable-training`
CLEAR = 2.0  # standard errors from which on a sentence names a number; nothing is decided by it
NOTICEABLE = 0.01  # accuracy; a gain of less is not worth a word


LAST = 5  # epochs at the end whose median counts
STANDING = 3  # epochs at the end that must all be above the envelope


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
    seed: int, low: float = 0.3, rise: float = 0.4, swing: float = 0.0, n_epochs: int = 20
) -> KnownCause:
    """A loss that rises in the second half, beside an accuracy that does not fall."""
    epochs = np.arange(n_epochs)
    return known_history(
        seed,
        val_loss=low * (1 + np.exp(-epochs) + swing * (-1.0) ** epochs)
        + rise * np.maximum(0, 2 * epochs / n_epochs - 1),
        val_accuracy=0.9 - 0.2 * np.exp(-epochs / 2),
        noise=0.005,
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
    numbers, gap = evidence.numbers, envelope_gap(evidence)
    if numbers is None or gap is None:
        return None
    if gap.direction in {Direction.UNDER, Direction.OTHER_LOSS} or not gap.nats > min_gap:
        return None
    if not evidence.epochs and not _stays_above(evidence, min_gap):
        return None
    over = gap.direction is Direction.OVER
    kind = "too much confidence" if over else "miscalibration, most likely too much confidence"
    return Finding(
        severity=Severity.WARNING,
        headline="Over-confidence" if over else "Over-confidence, most likely",
        message=(
            f"For {gap.classes} no calibrated model with an accuracy of "
            f"{format_percent(numbers.accuracy.value)} has a loss above {format_nats(gap.bound)}; "
            f"this one has {format_nats(numbers.log_loss.value)}. If the loss is a plain mean of "
            f"−ln p over the same samples, at least {format_nats(gap.nats)} nats are {kind}, which "
            "a temperature or another calibration recovers without retraining."
        ),
        evidence={
            "log_loss": numbers.log_loss,
            "accuracy": numbers.accuracy,
            "envelope_high": Estimate(gap.bound, note="exact, at the least accuracy that n allows"),
            "envelope_gap": Estimate(gap.nats, note="a lower bound"),
        },
        nats=gap.nats,
        epochs=(numbers.epoch,),
        remedies=("temperature",),
    )


def _stays_above(evidence: Evidence, min_gap: float) -> bool:
    """Whether the last epochs are all above the envelope, where one could be by chance."""
    curve = evidence.reported(evidence.split)
    rows = () if curve is None else evidence.metrics_of(curve.whole)[-STANDING:]
    return all(
        row.log_loss.value - provable_limit(row.accuracy, row.n_classes or MOST_CLASSES) > min_gap
        for row in rows
    )


def _another_loss(evidence: Evidence, height: float) -> bool:
    """Whether the training pair shows that the loss has a term larger than the rise."""
    gap = envelope_gap(evidence)
    others = {Direction.UNDER, Direction.OTHER_LOSS}
    return gap is not None and gap.direction in others and gap.nats > height


@RULE.at(
    Level.CURVES,
    fires=_rising,
    near_misses={
        "min_z": lambda seed: _rising(seed, rise=0.06, swing=0.1, n_epochs=40),
        "min_rise": lambda seed: _rising(seed, low=0.02, rise=0.008),
    },
)
def rises_while_right(
    evidence: Evidence, *, min_z: float = 4.0, min_rise: float = 0.01
) -> Finding | None:
    """The validation loss rises while the accuracy, or another score, does not fall."""
    curve = evidence.curve()
    if curve is None or curve.split in TRAIN:
        return None
    scores = score_curves(evidence.history, curve.split, curve.n_samples)
    rise = loss_rise(curve, min_z=min_z, min_rise=min_rise, train=evidence.train, scores=scores)
    change = None if rise is None else rise.change
    if rise is None or change is None or rise.fell or rise.with_training:
        return None
    if _another_loss(evidence, rise.height):
        return None  # `smoothing-or-weights`
    if change.score.family is Family.OTHER_TARGET:
        return None  # the loss only stands in for it: `best-epochs-differ`
    way = "got better" if change.improved else "did not clearly fall"
    return Finding(
        severity=Severity.WARNING,
        headline="Over-confidence, most likely",
        message=(
            f"Since epoch {rise.low} the loss on split {curve.split!r} rose from "
            f"{format_nats(rise.before)} to {format_nats(rise.after)} while the "
            f"{change.score.words} {way} ({change.score.text(change.before)} to "
            f"{change.score.text(change.after)}). {_what_that_means(evidence, change)} "
            f"{_which_epoch(change, rise)}"
        ),
        evidence={
            "rise": Estimate(rise.height, note="as reported"),
            "score_change": Estimate(
                -change.lost, note="in means of neighbouring epochs", unit="number"
            ),
        },
        nats=rise.height,
        epochs=(rise.low, rise.end),
        remedies=("epoch-for-labels", "epoch-for-probabilities"),
    )


@RULE.at(
    Level.NUMBERS,
    fires=lambda _: known_trends(val_loss="rises", val_f1="rises"),
)
def said_to_rise_while_right(evidence: Evidence) -> Finding | None:
    """The text says that the loss rises while a score does not get worse."""
    said = said_of(evidence)
    if said is None or said.score is None or said.loss != "rises":
        return None
    if said.outlook not in {Outlook.BETTER, Outlook.SAME}:
        return None
    return Finding(
        severity=Severity.WARNING,
        headline="Over-confidence, most likely",
        message=(
            f"The text speaks of {pluralize(said.count, 'curve')}: {said.words}. The decisions do "
            "not get worse, so most likely only the confidence in the wrong ones grows. Keep the "
            f"epoch of the best {said.score.words}; if you use the probabilities, fit a "
            "temperature on held-out data."
        ),
        evidence={"trends": Estimate(float(said.count), note="that the text names", unit="number")},
    )


@RULE.at(
    Level.NUMBERS,
    fires=lambda seed: known_columns(
        val_loss=[1.4], facts=TaskFacts(fitted_temperature=2.0 + 0.01 * (seed % 100))
    ),
    near_misses={
        "min_temperature": lambda _: known_columns(
            val_loss=[1.4], facts=TaskFacts(fitted_temperature=1.03)
        )
    },
)
def fitted_elsewhere(evidence: Evidence, *, min_temperature: float = 1.1) -> Finding | None:
    """The text names a temperature above 1 that was fitted to held-out predictions."""
    temperature = evidence.history.facts.fitted_temperature
    if temperature is None or not min_temperature < temperature < NO_TEMPERATURE:
        return None
    return Finding(
        severity=Severity.WARNING,
        headline="Over-confidence",
        message=(
            f"The fitted temperature is {temperature:.2f}, so the model is too sure: dividing its "
            "logits by that lowers the loss and changes no label. Use the model with this "
            "temperature."
        ),
        evidence={
            "temperature": Estimate(temperature, note="as the text has it", unit="temperature")
        },
    )


@RULE.at(
    Level.NUMBERS,
    fires=lambda seed: known_columns(
        val_loss=[1.2], val_entropy=[0.9 - 0.001 * (seed % 100)], val_perplexity=[3.32]
    ),
    near_misses={"min_gap": lambda _: known_columns(val_loss=[1.2], val_entropy=[1.197])},
)
def above_entropy(evidence: Evidence, *, min_gap: float = 0.01) -> Finding | None:
    """The mean loss exceeds the mean entropy of the predictions over the same samples."""
    for split in evidence.with_training:
        loss = evidence.history.column(split, "loss")
        entropy = evidence.history.column(split, "entropy")
        if loss is None or entropy is None:
            continue
        both = np.flatnonzero(np.isfinite(loss) & np.isfinite(entropy))
        gaps = loss[both] - entropy[both]
        if not len(both) or not float(np.median(gaps[-LAST:])) > min_gap:
            continue
        at = int(both[-1])
        return Finding(
            severity=Severity.WARNING,
            headline="Over-confidence",
            message=(
                f"On split {split!r} the mean loss is {format_nats(loss[at])} and the mean entropy "
                f"of the predictions {format_nats(entropy[at])}. If both are means over the same "
                "samples, their difference is the slope of the loss in the logarithm of the "
                "inverse temperature: a temperature above 1 lowers the loss. Fit one on held-out "
                "data."
            ),
            evidence={
                "log_loss": Estimate(float(loss[at]), note="as reported"),
                "entropy": Estimate(float(entropy[at]), note="as reported"),
            },
            epochs=(int(evidence.history.epochs[at]),),
            remedies=("temperature",),
        )
    return None


def _what_that_means(evidence: Evidence, change: ScoreChange) -> str:
    """What a rising loss beside an unharmed score says of the confidence."""
    if change.score.family is Family.RANKING and evidence.n_classes in {None, 2}:
        return (
            "With two classes the AUC depends on the order of the scores alone, so what got worse "
            "is the calibration."
        )
    return (
        "The same mistakes are made with more and more confidence. Curves alone cannot prove it; "
        "the predictions would, and would say what a temperature recovers."
    )


def _which_epoch(change: ScoreChange, rise: CurveRise) -> str:
    if change.improved:
        return f"Keep the epoch of the best {change.score.words}, and calibrate its probabilities."
    return f"For probabilities without calibration keep epoch {rise.low}."


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


@RULE.suspected(
    prior=0.2,
    check="Does one temperature, fitted on held-out predictions, lower the validation loss?",
)
def _suspicion(evidence: Evidence) -> Lead | None:
    """A loss that rises a little while the score does not get worse, or that is high for it."""
    seen, said = outline(evidence), said_of(evidence)
    if evidence.split in TRAIN:
        return None
    if said is not None and said.loss is None and said.outlook is Outlook.BETTER:
        return Lead(HIGH_FOR_ACCURACY, f"The text says that {said.words}, and asks of the loss.")
    if seen.loss is None:
        return None
    if seen.rise >= SUSPECT_RISE and (seen.score is None or not _worse_than_best(seen.score)):
        return Lead(
            min(1.0, seen.rise / CERTAIN_RISE),
            f"The loss is {format_nats(seen.loss)}, {format_percent(seen.rise, 0)} above its "
            f"minimum of {format_nats(float(seen.losses.min()))}.",
        )
    if seen.train_fits and seen.accuracy is not None and seen.accuracy > SUSPECT_ACCURACY:
        usual = fano_envelope(seen.accuracy, evidence.n_classes or 2)[1]
        if seen.loss > usual:
            return Lead(
                HIGH_FOR_ACCURACY,
                f"The loss of {format_nats(seen.loss)} is high for an accuracy of "
                f"{format_percent(seen.accuracy)}, and the training data are fitted well.",
            )
    return None


def _worse_than_best(curve: ScoreCurve) -> bool:
    """Whether a score ends clearly below its best value."""
    return float(curve.gains.max() - curve.gains[-1]) > SUSPECT_LOST * curve.unit
