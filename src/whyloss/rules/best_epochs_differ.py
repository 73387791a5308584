"""WL502: The loss is smallest at one epoch and the accuracy largest at another.

## What it means
Loss and accuracy ask different questions. Accuracy asks on which side of the threshold a sample
lies; the loss asks how sure the model is. Training can still move samples across the threshold
while it already makes the model too sure of the others. So there is no single best epoch until you
say what the model is for.

## Signature
The epoch of the best accuracy, or of another score, has a loss that is clearly above the smallest
one. Or the loss rises while a score that it only stands in for (mAP, IoU, BLEU, word error rate)
does not get worse.

## Statistic and threshold
From predictions, the paired difference of the loss between the two epochs:
- `min_z` = 4 standard errors, because both epochs were selected from many.
- `min_cost` = 0.01 nat: below that the choice does not matter.
- `min_samples` = 2: at least so many more samples must be right at the epoch of the best accuracy.

From curves:
- `min_z` and `min_cost` as above, against the noise of the curve itself.
- `min_share` = 10 % of the smallest loss, in place of `min_z`, where fewer than 6 epochs leave the
  noise unknown.
- `min_gain` = 1 hundredth of the unit of the score, and twice its noise.
- Beside a score of another target the loss must rise since its minimum by `min_z` = 4 standard
  errors of the curve's noise and by `min_rise` = 0.01 nat, as in `overconfidence`.

## Not to be confused with
`within-noise`: epochs that differ by chance only. The epochs that are statistically as good as each
best one are listed with it; where the lists overlap, take an epoch from both.

## Remedy
For labels keep the epoch of the best accuracy. For probabilities keep the epoch of the smallest
loss after calibration, and use it with a temperature; it is often as good for labels too.

## References
arXiv:2501.19195 (Berta et al. 2025: calibration and refinement are best at different epochs).
arXiv:1706.04599 (Guo et al. 2017).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from whyloss.evidence import TRAIN, Evidence, Family, loss_rise, score_curves
from whyloss.formatting import format_nats, format_percent, format_points
from whyloss.measures.estimates.trend import noise_sd
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import Rule
from whyloss.testing import known_cause, known_history, mend_last

if TYPE_CHECKING:
    from whyloss.evidence import ScoreCurve
    from whyloss.measures.estimates.intervals import FloatVector
    from whyloss.testing import KnownCause

RULE = Rule(
    "WL502",
    name="best-epochs-differ",
    page=__doc__,
    since="0.1",
)


def _apart(
    seed: int,
    *,
    cost: float = 0.3,
    noise: float = 0.005,
    low: float = 0.05,
    gain: float = 0.15,
    n_epochs: int = 16,
) -> KnownCause:
    """The accuracy still grows while the loss rises in the second half."""
    epochs = np.arange(n_epochs)
    return known_history(
        seed,
        val_loss=low + 0.4 * np.exp(-4 * epochs) + cost * np.maximum(0, 2 * epochs / n_epochs - 1),
        val_accuracy=np.linspace(0.8, 0.8 + gain, n_epochs),
        noise=noise,
    )


def _proxy(seed: int, low: float = 0.4, rise: float = 0.3, swing: float = 0.0) -> KnownCause:
    """A loss that rises while the mAP grows."""
    epochs = np.arange(24)
    return known_history(
        seed,
        val_loss=low * (1 + np.exp(-epochs) + swing * (-1.0) ** epochs)
        + rise * np.maximum(0, epochs - 10) / 13,
        scores={"val_map": np.linspace(0.2, 0.5, len(epochs)).tolist()},
        noise=0.005,
    )


@RULE.at(
    Level.RUN,
    fires=lambda seed: known_cause(
        seed, blur=(0.8, 0.7, 0.5), temperature=(1, 1, 4), n_samples=4000
    ),
    near_misses={
        "min_z": lambda seed: known_cause(seed, blur=(1.2, 0.6), temperature=(1, 3), n_samples=100),
        "min_cost": lambda seed: known_cause(
            seed, blur=(0.2, 0.1), temperature=(1, 1.36), signal=1.5, n_classes=2, n_samples=40_000
        ),
        "min_samples": lambda seed: mend_last(known_cause(seed, temperature=(1, 4)), rows=1),
    },
)
def best_epochs_of_predictions(
    evidence: Evidence, *, min_z: float = 4.0, min_cost: float = 0.01, min_samples: float = 2
) -> Finding | None:
    """The epoch of the best accuracy has a loss clearly above the smallest one."""
    for_labels, for_probs = evidence.run.best_accuracy, evidence.run.best_loss
    a, b = for_labels.epoch, for_probs.epoch
    if a == b:
        return None
    cost = evidence.run.loss_difference(b, a)
    if not (cost.z > min_z and cost.value > min_cost):
        return None
    gain = evidence.run.accuracy_difference(b, a)
    # Half a sample below it, since a share times a number is rarely whole.
    if not gain.value * evidence.run.n_common > min_samples - 0.5:
        return None
    beyond = "" if gain.low is not None and gain.low > 0 else ", which may be chance"
    return Finding(
        severity=Severity.INFO,
        headline="Two best epochs",
        message=(
            f"The loss is smallest at epoch {b} ({format_nats(for_probs.value.value)}), accuracy "
            f"is largest at epoch {a} ({format_percent(for_labels.value.value)}): epoch {a} costs "
            f"{format_nats(cost.value)} nats more for {format_points(gain.value)} of "
            f"accuracy{beyond}."
        ),
        evidence={"log_loss_cost": cost, "accuracy_gain": gain},
        epochs=(b, a),
        remedies=("epoch-for-labels", "epoch-for-probabilities", "epoch-after-calibration"),
    )


@RULE.at(
    Level.CURVES,
    fires=_proxy,
    near_misses={
        "min_z": lambda seed: _proxy(seed, rise=0.08, swing=0.1),
        "min_rise": lambda seed: _proxy(seed, low=0.02, rise=0.008),
    },
)
def loss_only_stands_in(
    evidence: Evidence, *, min_z: float = 4.0, min_rise: float = 0.01
) -> Finding | None:
    """The loss rises while a score that it only stands in for does not get worse."""
    curve = evidence.curve()
    if curve is None or curve.split in TRAIN:
        return None
    scores = score_curves(evidence.history, curve.split, curve.n_samples)
    rise = loss_rise(curve, min_z=min_z, min_rise=min_rise, train=evidence.train, scores=scores)
    change = None if rise is None else rise.change
    if rise is None or change is None or rise.fell or rise.with_training:
        return None
    if change.score.family is not Family.OTHER_TARGET:
        return None
    words = change.score.words
    return Finding(
        severity=Severity.WARNING,
        headline="The score decides, not the loss",
        message=(
            f"Keep the epoch of the best {words}. Since epoch {rise.low} the loss on split "
            f"{curve.split!r} rose from {format_nats(rise.before)} to {format_nats(rise.after)} "
            f"while the {words} went from {change.score.text(change.before)} to "
            f"{change.score.text(change.after)}, which is no worse. The loss only stands in for "
            f"the {words}: most likely the model grows too sure of its mistakes."
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
    Level.CURVES,
    fires=_apart,
    near_misses={
        "min_z": lambda seed: _apart(seed, cost=0.005, noise=0.2, n_epochs=80),
        "min_cost": lambda seed: _apart(seed, cost=0.005, noise=0.001),
        "min_share": lambda seed: _apart(seed, low=0.8, cost=0.03, noise=0.001, n_epochs=5),
        "min_gain": lambda seed: _apart(seed, gain=0.007),
    },
)
def best_epochs_of_curves(
    evidence: Evidence,
    *,
    min_z: float = 4.0,
    min_cost: float = 0.01,
    min_share: float = 0.1,
    min_gain: float = 0.01,
) -> Finding | None:
    """The loss is clearly higher at the epoch of the best score, which is better by its noise."""
    curve = evidence.curve()
    losses = None if curve is None else curve.with_loss
    if curve is None or losses is None or curve.split in TRAIN or len(losses) < 2:
        return None
    low = int(losses.log_loss.argmin())
    first, smallest = int(losses.epochs[low]), float(losses.log_loss[low])
    for scores in score_curves(evidence.history, curve.split, curve.n_samples):
        best = int(scores.gains.argmax())
        second = int(scores.epochs[best])
        before = scores.at(first)
        after = float(losses.at(np.array([second]))[0][0])
        if before is None or not math.isfinite(after):
            continue
        cost = after - smallest
        gain = float(scores.gains[best]) - (-before if scores.score.falls else before)
        clear = cost > min_cost and _clear(losses.log_loss, cost, min_z, min_share)
        if not (clear and _better(scores, gain, min_gain)):
            continue
        return _finding(scores, (first, second), (smallest, cost), (before, gain))
    return None


def _clear(losses: FloatVector, cost: float, min_z: float, min_share: float) -> bool:
    """Whether a loss is above the smallest one by more than the noise of its curve."""
    se = noise_sd(losses) * math.sqrt(2.0)
    return cost > (min_z * se if math.isfinite(se) else min_share * float(losses.min()))


def _better(scores: ScoreCurve, gain: float, min_gain: float) -> bool:
    """Whether a score gains so much of its unit, and twice its noise and that of its samples."""
    noise = noise_sd(scores.gains) * math.sqrt(2.0)
    noise = max(noise if math.isfinite(noise) else 0.0, scores.sampling_error(scores.values.max()))
    return gain > max(min_gain * scores.unit, 2.0 * noise)


def _finding(
    scores: ScoreCurve,
    epochs: tuple[int, int],
    loss: tuple[float, float],
    score: tuple[float, float],
) -> Finding:
    (first, second), (smallest, cost), (before, gain) = epochs, loss, score
    best = float(scores.gains.max())
    best = -best if scores.score.falls else best
    words = scores.score.words
    return Finding(
        severity=Severity.INFO,
        headline="Two best epochs",
        message=(
            f"The loss is smallest at epoch {first} ({format_nats(smallest)}), the {words} is best "
            f"at epoch {second} ({scores.score.text(best)}, against {scores.score.text(before)} "
            f"at epoch {first}). Epoch {second} costs {format_nats(cost)} nats more."
        ),
        evidence={
            "log_loss_cost": Estimate(cost, note="as reported"),
            "score_gain": Estimate(gain, note="as reported", unit="number"),
        },
        epochs=epochs,
        remedies=("epoch-for-labels", "epoch-for-probabilities"),
    )
