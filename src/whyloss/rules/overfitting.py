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
  30 epochs without any trend z exceeded 2 in 23 %, 3 in 2.7 % and 4 in 0.05 %. From curves, z is
  the rise over the curve's own noise.
- `min_rise` = 0.01 nat: nobody would notice less.

From curves the accuracy must also be down by a point and by twice its noise.

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

import math
from typing import TYPE_CHECKING

import numpy as np

from whyloss.evidence import TRAIN, Evidence, loss_rise
from whyloss.formatting import format_nats, format_percent, format_points
from whyloss.measures.estimates.intervals import mean_estimate
from whyloss.results.attribution import Held
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import Rule
from whyloss.testing import known_cause, known_history

if TYPE_CHECKING:
    from whyloss.testing import KnownCause

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
    seed: int, rise: float = 0.4, low: float = 0.5, noise: float = 0.005, n_epochs: int = 20
) -> KnownCause:
    """A loss that rises in the second half, and an accuracy that falls with it."""
    epochs = np.arange(n_epochs)
    since = np.maximum(0, 2 * epochs / n_epochs - 1)
    return known_history(
        seed,
        val_loss=low * (1 + np.exp(-epochs)) + rise * since,
        val_accuracy=0.8 - 0.2 * np.exp(-epochs / 2) - 0.1 * since,
        noise=noise,
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
    best = evidence.best_refinement
    if best is None:
        return None
    end = evidence.comparable_epochs[-1]
    first, last = evidence.at(best.epoch).calibrated, evidence.at(end).calibrated
    if first is None or last is None or best.epoch == end:
        return None
    rise = mean_estimate(
        evidence.aligned(end, last.refined) - evidence.aligned(best.epoch, first.refined),
        evidence.weights,
    )
    if not (rise.z > min_z and rise.value > min_rise):
        return None
    found = evidence.compare(best.epoch, end)
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
        "min_z": lambda seed: _worse(seed, rise=0.0, noise=0.1, n_epochs=40),
        "min_rise": lambda seed: _worse(seed, low=0.02, rise=0.008),
    },
)
def loss_up_accuracy_down(
    evidence: Evidence, *, min_z: float = 4.0, min_rise: float = 0.01
) -> Finding | None:
    """The reported loss rises since its minimum and the accuracy falls."""
    curve = evidence.curve()
    if curve is None or curve.split in TRAIN:
        return None
    rise = loss_rise(curve, min_z=min_z, min_rise=min_rise)
    if rise is None or not (rise.fell or math.isnan(rise.accuracy_after)):
        return None
    numbers = {"rise": Estimate(rise.height, note="as reported")}
    if rise.fell:
        numbers["accuracy_change"] = Estimate(-rise.lost, note="as reported")
        story = (
            f"and the accuracy fell from {format_percent(rise.accuracy_before)} to "
            f"{format_percent(rise.accuracy_after)}: the model knows less about new samples than "
            "it did"
        )
    else:
        story = (
            "; without the accuracy nobody can tell whether the decisions got worse or only the "
            "confidence"
        )
    return Finding(
        severity=Severity.WARNING,
        headline="Overfitting" if rise.fell else "Overfitting or over-confidence",
        message=(
            f"Since epoch {rise.low} the loss on split {curve.split!r} rose from "
            f"{format_nats(rise.before)} to {format_nats(rise.after)} {story}. Keep epoch "
            f"{rise.low}, or train with more data or more regularisation."
        ).replace(" ;", ";"),
        evidence=numbers,
        nats=rise.height,
        epochs=(rise.low, rise.end),
        remedies=("epoch-for-probabilities", "epoch-for-labels"),
    )
