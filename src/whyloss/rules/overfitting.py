"""WL501: The loss after calibration rose: the model knows less about new samples than it did.

## What it means
Even with the best temperature at each epoch the loss is higher now than it was. That part is not
too much confidence. The model tells the classes apart less well, and only an earlier epoch or
another training brings it back.

## Signature
- Predictions: refinement, the loss that remains after a cross-fitted temperature, has a minimum
  before the last epoch and rises significantly after it. Accuracy and AUC tend to fall with it.
- Curves: the validation loss rises since its minimum and the accuracy falls.

## Statistic and threshold
From predictions, paired over the same samples: z = mean(ΔR) / se(ΔR) from the epoch of the smallest
refinement to the last.
- `min_z` = 4, because that epoch was selected for being the smallest: among 2,000 simulated runs of
  30 epochs without any trend z exceeded 2 in 23 %, 3 in 2.7 % and 4 in 0.05 %.
- `min_rise` = 0.01 nat: nobody would notice less.

From curves alone:
- The loss since its minimum is tested against the noise of that part of the curve (`min_z` = 4
  standard errors, or half of them and a clear rank trend). It must be up by 5 % and by 1.5 times
  the largest earlier rise and later fall, which a training that restarts repeats.
- The accuracy, or another score, must be down by twice its noise and by one point; by four points
  where the number of samples is not known, since a hundred samples move it so far by chance.
- A score that falls alone counts where it ends `min_fall` = 0.04 of its unit below its best epoch,
  tested in the same way.
- The part of the loss that no calibrated model of this accuracy can have is not counted as
  overfitting.

## Not to be confused with
`overconfidence`: the loss rises and the loss after calibration does not. `within-noise`: the rise
may be chance.

## Remedy
Keep the epoch of the smallest loss after calibration. When training again: more data or
augmentation, weight decay, dropout, a smaller model, fewer epochs.

## References
arXiv:2501.19195 (Berta et al. 2025: stop on refinement). arXiv:1912.02292 (Nakkiran et al. 2019:
the error can also fall again). arXiv:2002.08709 (Ishida et al. 2020: flooding).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from whyloss.evidence import (
    TRAIN,
    Direction,
    Evidence,
    Outlook,
    ScoreCurve,
    envelope_gap,
    loss_rise,
    outline,
    said_of,
)
from whyloss.formatting import format_nats, format_percent, format_points, pluralize
from whyloss.measures.estimates.intervals import mean_estimate
from whyloss.results.attribution import Held
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import Lead, Rule
from whyloss.testing import known_cause, known_history, known_trends

if TYPE_CHECKING:
    from whyloss.testing import KnownCause

SUSPECT_RISE = 0.02  # of the smallest loss; what is less nobody would ask about
CERTAIN_RISE = 0.05  # the rise that counts in full
SUSPECT_LOST = 0.03  # of the unit of a score since its best epoch
LEAP = 3.0  # factor from one loss to the next; overfitting is no matter of one epoch
FALLS, AT_MINIMUM = 0.9, 1.02  # of the loss at the best score, and of its minimum
BESIDE_A_SCORE = 0.8  # fit where a score is known, and did not clearly fall
SUSPECT_RATIO = 1.3  # validation loss over training loss
CERTAIN_RATIO = 3.0
SMALLEST_LOSS = 1e-9  # nats

RULE = Rule(
    "WL501",
    name="overfitting",
    page=__doc__,
    since="0.1",
    explains=(
        "consistent",
        "within-noise",
    ),
)


def _worse(
    seed: int, rise: float = 0.4, low: float = 0.5, swing: float = 0.0, n_epochs: int = 20
) -> KnownCause:
    """A loss that rises in the second half, and an accuracy that falls with it."""
    epochs = np.arange(n_epochs)
    since = np.maximum(0, 2 * epochs / n_epochs - 1)
    return known_history(
        seed,
        val_loss=low * (1 + np.exp(-epochs) + swing * (-1.0) ** epochs) + rise * since,
        val_accuracy=0.8 - 0.2 * np.exp(-epochs / 2) - 0.1 * since,
        noise=0.005,
    )


def _falling(seed: int, fall: float, swing: float = 0.0) -> KnownCause:
    """An accuracy that falls in the second half beside a loss that does not move."""
    epochs = np.arange(30)
    since = np.clip((epochs - 12) / 9, 0.0, 1.0)
    return known_history(
        seed,
        val_loss=[2.0] * 30,
        val_accuracy=0.75 - 0.3 * np.exp(-epochs / 2) - fall * since + swing * (-1.0) ** epochs,
        noise=0.02,
    )


@RULE.at(
    Level.RUN,
    fires=lambda seed: known_cause(seed, blur=(0.5, 0.3, 0.6, 0.9)),
    near_misses={
        "min_z": lambda seed: known_cause(seed, blur=(0.3, 0.5), n_samples=150),
        "min_rise": lambda seed: known_cause(
            seed, blur=(0.1, 0.25), signal=3.0, n_classes=2, n_samples=12_000
        ),
    },
)
def worse_after_calibration(
    evidence: Evidence, *, min_z: float = 4.0, min_rise: float = 0.01
) -> Finding | None:
    """The loss after calibration rose since its minimum."""
    best = evidence.run.best_refinement
    if best is None:
        return None
    end = evidence.comparable_epochs[-1]
    first, last = evidence.at(best.epoch).calibrated, evidence.at(end).calibrated
    if first is None or last is None or best.epoch == end:
        return None
    rise = mean_estimate(
        evidence.run.aligned(end, last.refined) - evidence.run.aligned(best.epoch, first.refined),
        evidence.run.weights,
    )
    if not (rise.z > min_z and rise.value > min_rise):
        return None
    found = evidence.run.compare(best.epoch, end)
    accuracy = ""
    numbers = {"refinement_rise": rise, "refinement": last.refinement}
    if found is not None:
        numbers["accuracy_change"] = found.change.accuracy
        verb = {
            Held.FELL: "fell too",
            Held.HELD: "held",
            Held.ROSE: "rose",
            Held.CANNOT_TELL: "cannot be told apart",
        }[found.accuracy]
        accuracy = f"; accuracy {verb} ({format_points(found.change.accuracy.value)})"
    explained = evidence.rise.change.refinement.value if evidence.rise else rise.value
    return Finding(
        severity=Severity.WARNING,
        headline="Overfitting",
        message=(
            f"Even after calibration the loss rose from {format_nats(first.refinement.value)} at "
            f"epoch {best.epoch} to {format_nats(last.refinement.value)} at epoch {end}{accuracy}. "
            "No temperature brings that back: keep the earlier epoch."
        ),
        evidence=numbers,
        nats=max(0.0, explained),
        epochs=(best.epoch, end),
        remedies=("epoch-after-calibration", "epoch-for-probabilities"),
    )


@RULE.at(
    Level.CURVES,
    fires=_worse,
    near_misses={
        "min_z": lambda seed: _worse(seed, rise=0.1, swing=0.1, n_epochs=40),
        "min_rise": lambda seed: _worse(seed, low=0.02, rise=0.008),
    },
)
def loss_up_score_down(
    evidence: Evidence, *, min_z: float = 4.0, min_rise: float = 0.01
) -> Finding | None:
    """The reported loss rises since its minimum, and the score falls or is not known."""
    curve = evidence.curve()
    if curve is None or curve.split in TRAIN:
        return None
    rise = loss_rise(
        curve, min_z=min_z, min_rise=min_rise, train=evidence.train, scores=_scores(evidence)
    )
    if rise is None or rise.with_training or not (rise.fell or rise.change is None):
        return None
    miscalibrated = _provable(evidence)
    numbers = {"rise": Estimate(rise.height, note="as reported")}
    if rise.change is not None:
        change, words = rise.change, rise.change.score.words
        numbers["score_change"] = Estimate(
            -change.lost, note="in means of neighbouring epochs", unit="number"
        )
        story = (
            f" and the {words} went from {change.score.text(change.before)} to "
            f"{change.score.text(change.after)}: the model knows less about new samples than it did"
        )
    else:
        story = (
            ". Without the accuracy or another score it stays open whether the decisions got "
            "worse or only the confidence grew"
        )
    if miscalibrated > 0.0:
        story += (
            f". At least {format_nats(miscalibrated)} nats of the loss are miscalibration, which a "
            "temperature mends"
        )
    return Finding(
        severity=Severity.WARNING,
        headline="Overfitting" if rise.fell else "Overfitting or over-confidence",
        message=(
            f"Since epoch {rise.low} the loss on split {curve.split!r} rose from "
            f"{format_nats(rise.before)} to {format_nats(rise.after)}{story}. Keep epoch "
            f"{rise.low}, or train with more data or more regularisation."
        ),
        evidence=numbers,
        nats=max(0.0, rise.height - miscalibrated),
        epochs=(rise.low, rise.end),
        remedies=("epoch-for-probabilities", "epoch-for-labels"),
    )


@RULE.at(
    Level.CURVES,
    fires=lambda seed: _falling(seed, 0.12),
    near_misses={
        "min_fall": lambda seed: _falling(seed, 0.02),
        "min_z": lambda seed: _falling(seed, 0.06, swing=0.03),
    },
)
def score_down(evidence: Evidence, *, min_fall: float = 0.04, min_z: float = 4.0) -> Finding | None:
    """A score falls since its best epoch and stays down, whatever the loss does."""
    if evidence.split in TRAIN or evidence.epochs:
        return None
    for curve in evidence.scores():
        fall = curve.lasting_fall(min_fall=min_fall, min_z=min_z)
        if fall is None:
            continue
        best = int(curve.epochs[fall.at])
        if _loss_falls_since(evidence, best):
            continue  # the few samples that decide the score, or a threshold
        return Finding(
            severity=Severity.WARNING,
            headline="Overfitting",
            message=(
                f"On split {evidence.split!r} the {curve.score.words} went from "
                f"{curve.score.text(curve.values[fall.at])} at epoch {best} to "
                f"{curve.score.text(curve.values[-1])} at epoch {curve.epochs[-1]}: the decisions "
                f"on new samples got worse. Keep epoch {best}, or train with more data or more "
                "regularisation."
            ),
            evidence={"fall": Estimate(fall.height, note="in means of neighbouring epochs")},
            epochs=(best, int(curve.epochs[-1])),
            remedies=("epoch-for-labels",),
        )
    return None


@RULE.at(
    Level.NUMBERS,
    fires=lambda _: known_trends(val_loss="rises", val_accuracy="falls"),
)
def said_to_get_worse(evidence: Evidence) -> Finding | None:
    """The text says that the score falls, or that the loss rises and nothing of a score."""
    said = said_of(evidence)
    if said is None or not (said.outlook is Outlook.WORSE or said.rises_alone):
        return None
    if evidence.split in TRAIN or outline(evidence).leap >= LEAP:
        return None  # `unstable-training`
    sure = said.outlook is Outlook.WORSE
    return Finding(
        severity=Severity.WARNING,
        headline="Overfitting" if sure else "Overfitting or over-confidence",
        message=(
            f"The text speaks of {pluralize(said.count, 'curve')}: {said.words}. "
            + (
                "Worse decisions on new samples are overfitting: keep the epoch of the best "
                "score, or regularise more."
                if sure
                else "Whether the decisions got worse too, the accuracy per epoch would tell."
            )
        ),
        evidence={"trends": Estimate(float(said.count), note="that the text names", unit="number")},
    )


def _scores(evidence: Evidence) -> tuple[ScoreCurve, ...]:
    return evidence.scores()


def _loss_falls_since(evidence: Evidence, epoch: int) -> bool:
    """Whether the loss falls by a tenth from that epoch to its minimum at the end."""
    curve = evidence.reported(evidence.split)
    losses = np.zeros(0) if curve is None else curve.log_loss[curve.epochs >= epoch]
    known = losses[np.isfinite(losses)]
    return len(known) > 1 and bool(known[-1] <= min(FALLS * known[0], AT_MINIMUM * known.min()))


def _provable(evidence: Evidence) -> float:
    """Nats of the loss that no calibrated model of this accuracy can have."""
    gap = envelope_gap(evidence)
    if gap is None or gap.direction in {Direction.UNDER, Direction.OTHER_LOSS}:
        return 0.0
    return max(0.0, gap.nats)


@RULE.suspected(
    prior=0.18,
    check="Does the accuracy on the validation set fall from the epoch of the smallest loss to the "
    "last?",
)
def _suspicion(evidence: Evidence) -> Lead | None:
    """A loss that rises a little, or that stands while the training loss falls."""
    seen = outline(evidence)
    if evidence.split in TRAIN:
        return None
    if seen.rise >= SUSPECT_RISE and seen.loss is not None:
        return Lead(
            min(1.0, seen.rise / CERTAIN_RISE) * (1.0 if seen.score is None else BESIDE_A_SCORE),
            f"The loss is {format_nats(seen.loss)}, {format_percent(seen.rise, 0)} above its "
            f"minimum of {format_nats(float(seen.losses.min()))}.",
        )
    lost = 0.0 if seen.score is None else float(seen.score.gains.max() - seen.score.gains[-1])
    if seen.score is not None and lost >= SUSPECT_LOST * seen.score.unit and seen.fall <= 0.0:
        return _lost(seen.score)
    train = seen.train_losses
    if seen.loss is None:
        return None
    if len(train) > 2 and seen.train_loss is not None and train[-1] < train[len(train) // 2]:
        ratio = seen.loss / max(seen.train_loss, SMALLEST_LOSS)
        if ratio >= SUSPECT_RATIO:
            return Lead(
                min(1.0, ratio / CERTAIN_RATIO),
                f"The training loss still falls ({format_nats(seen.train_loss)}), and the "
                f"validation loss of {format_nats(seen.loss)} no longer follows it.",
            )
    return None


def _lost(curve: ScoreCurve) -> Lead:
    best = int(curve.gains.argmax())
    return Lead(
        BESIDE_A_SCORE,
        f"The {curve.score.words} was best at epoch {curve.epochs[best]} "
        f"({curve.score.text(curve.values[best])}) and ends at "
        f"{curve.score.text(curve.values[-1])}.",
    )
