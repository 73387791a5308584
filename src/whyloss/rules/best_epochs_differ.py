"""WL502: The loss is smallest at one epoch and the accuracy largest at another.

## What it means
Loss and accuracy ask different questions. Accuracy asks on which side of the threshold a sample
lies; the loss asks how sure the model is. Training can still move samples across the threshold
while it already makes the model too sure of the others. So there is no single best epoch until you
say what the model is for.

## Signature
The epoch of the best accuracy has a loss that is clearly above the smallest one.

## Statistic and threshold
From predictions, the paired difference of the loss between the two epochs:
- `min_z` = 4 standard errors, because both epochs were selected from many.
- `min_cost` = 0.01 nat: below that the choice does not matter.
- `min_samples` = 2: at least so many more samples must be right at the epoch of the best accuracy.

From curves:
- `min_z` and `min_cost` as above, against the noise of the curve itself.
- `min_share` = 10 % of the smallest loss, in place of `min_z`, where fewer than 6 epochs leave the
  noise unknown.
- `min_gain` = 1 point of accuracy, and twice its noise.

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

from whyloss.evidence import TRAIN, Evidence
from whyloss.formatting import format_nats, format_percent, format_points
from whyloss.measures.estimates.trend import noise_sd
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import Rule
from whyloss.testing import known_cause, known_history, mend_last

if TYPE_CHECKING:
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
    for_labels, for_probs = evidence.best_accuracy, evidence.best_loss
    a, b = for_labels.epoch, for_probs.epoch
    if a == b:
        return None
    cost = evidence.loss_difference(b, a)
    if not (cost.z > min_z and cost.value > min_cost):
        return None
    gain = evidence.accuracy_difference(b, a)
    # Half a sample below it, since a share times a number is rarely whole.
    if not gain.value * evidence.n_common > min_samples - 0.5:
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
    """The same of reported numbers, against the noise of their curves."""
    curve = evidence.curve()
    known = None if curve is None else curve.whole
    if known is None or known.split in TRAIN or len(known) < 2:
        return None
    a, b = int(known.accuracy.argmax()), int(known.log_loss.argmin())
    cost = float(known.log_loss[a] - known.log_loss[b])
    gain = float(known.accuracy[a] - known.accuracy[b])
    se = noise_sd(known.log_loss) * math.sqrt(2.0)
    noise = noise_sd(known.accuracy) * math.sqrt(2.0)
    least = float(known.log_loss[b])
    clear = cost > min_z * se if math.isfinite(se) else cost > min_share * least
    sure = gain > min_gain and gain > (2.0 * noise if math.isfinite(noise) else 0.0)
    if not (cost > min_cost and clear and sure):
        return None
    first, second = int(known.epochs[b]), int(known.epochs[a])
    return Finding(
        severity=Severity.INFO,
        headline="Two best epochs",
        message=(
            f"The loss is smallest at epoch {first} ({format_nats(known.log_loss[b])}), accuracy "
            f"is largest at epoch {second} ({format_percent(known.accuracy[a])}): epoch {second} "
            f"costs {format_nats(cost)} nats more for {format_points(gain)} of accuracy."
        ),
        evidence={
            "log_loss_cost": Estimate(cost, note="as reported"),
            "accuracy_gain": Estimate(gain, note="as reported"),
        },
        epochs=(first, second),
        remedies=("epoch-for-labels", "epoch-for-probabilities"),
    )
