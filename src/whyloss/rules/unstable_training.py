"""WL504: The loss jumps up and down from epoch to epoch, or runs away.

## What it means
The steps are too large for the landscape, or the statistics that the model uses in evaluation
(batch normalisation) lag behind its weights. One epoch's numbers then say little about the model:
which epoch you stopped at is a matter of luck.

## Signature
Loss and accuracy of single epochs jump together, and jump back, while the training loss may look
smooth. Or the loss is astronomically large, or the training loss ends far above where it was.

## Statistic and threshold
A jump is a change of the loss by a factor of `min_factor` = 1.5 or more between neighbouring epochs with
an accuracy that moves the other way by at least `min_drop` = 2 points. There must be at least `min_jumps` = 2 of
them in the second half of training, up as well as down, and one in its last third: jumps that died out are the way
training begins. Also: a mean loss above 10,000 nats; a training loss that ends at twice its minimum
with less accuracy; a training accuracy 20 points below its best.

## Not to be confused with
`overfitting`: a rise that stays. `small-validation-set`: jumps of the size that so few samples
allow.

## Remedy
Lower the learning rate, or let it decay; warm it up; clip gradients. If only the validation jumps: a
larger batch or a faster momentum for the running statistics of batch normalisation. Then compare epochs.

## References
arXiv:2103.00065 (Cohen et al. 2021: training at the edge of stability). arXiv:2006.04884 (Mosbach et al.
2020: unstable fine-tuning). arXiv:1502.03167 (Ioffe and Szegedy 2015: batch normalisation).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from whyloss.evidence import TRAIN, Evidence, outline, said_of
from whyloss.formatting import format_nats, format_percent, pluralize
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import Lead, Rule
from whyloss.testing import known_history

if TYPE_CHECKING:
    from whyloss.evidence import Curve
    from whyloss.testing import KnownCause

VERY_LARGE = 20.0  # nats; far above guessing among a million classes
JUMP = 1.6  # factor between neighbouring epochs
MIN_WAYS = 2
ENDS_ABOVE = 1.2  # times the smallest training loss
SMALLEST_LOSS = 1e-9  # nats
SAID_TO_VARY = 0.4  # fit

RULE = Rule(
    "WL504",
    name="unstable-training",
    page=__doc__,
    since="0.1",
    explains=(
        "overfitting",
        "overconfidence",
        "underconfidence",
        "best-epochs-differ",
        "consistent",
    ),
)

MIN_EPOCHS = 6
COLLAPSE = 0.2  # training accuracy lost since its best
ABSURD = 1e4  # nats per sample; no output that anybody meant costs so much


def _jumpy(
    seed: int, factor: float = 4.0, drop: float = 0.15, hits: slice = slice(2, None, 3)
) -> KnownCause:
    epochs = np.arange(12)
    hit = np.isin(epochs, epochs[hits])
    return known_history(
        seed,
        val_loss=np.where(hit, factor, 1.0) * (0.1 + 0.5 * np.exp(-epochs / 2)),
        val_accuracy=0.97 - 0.2 * np.exp(-epochs / 2) - drop * hit,
        train_loss=0.05 + 0.5 * np.exp(-epochs / 2),
        train_accuracy=0.98 - 0.2 * np.exp(-epochs / 2),
        noise=0.02,
    )


@RULE.at(
    Level.NUMBERS,
    fires=_jumpy,
    near_misses={
        "min_factor": lambda seed: _jumpy(seed, factor=1.3),
        "min_drop": lambda seed: _jumpy(seed, drop=0.005),
        "min_jumps": lambda seed: _jumpy(seed, hits=slice(11, None)),
    },
)
def jumps_or_runs_away(
    evidence: Evidence, *, min_factor: float = 1.5, min_drop: float = 0.02, min_jumps: float = 2
) -> Finding | None:
    """The loss jumps, is absurdly large, or runs away in training."""
    curve = evidence.curve()
    if curve is None:
        return None
    trains = [curve] if curve.split in TRAIN else []
    if evidence.train is not None:
        trains.append(evidence.train)
    for one in (curve, *trains):
        found = _absurd(one)
        if found is not None:
            return found
    jumps = _jumps(curve.whole, min_factor, min_drop)
    n = len(curve.whole)
    ways = np.sign(np.diff(curve.whole.log_loss)[jumps - 1])
    back = bool((ways > 0).any() and (ways < 0).any())
    late = jumps[jumps >= n - max(2, n // 3)]
    # What only rises is no jump: it takes two to come back.
    enough = len(jumps) >= max(1, min_jumps) and (back or not min_jumps > 0)
    if n >= MIN_EPOCHS and enough and len(late):
        return _jumpy_finding(curve.whole, jumps)
    for one in trains:
        found = _runs_away(one, min_drop)
        if found is not None:
            return found
    return None


def _jumps(curve: Curve, min_factor: float, min_drop: float) -> np.ndarray:
    """Places in the second half at which loss and accuracy jump together."""
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.diff(np.log(np.maximum(curve.log_loss, 1e-12)))
    gains = np.diff(curve.accuracy)
    bound = math.log(min_factor) if min_factor > 0 else 0.0
    together = (np.abs(steps) >= bound) & (-gains * np.sign(steps) >= min_drop)
    places = np.flatnonzero(together) + 1
    return places[places >= len(curve) / 2]


def _jumpy_finding(curve: Curve, jumps: np.ndarray) -> Finding:
    steps = np.abs(np.diff(np.log(np.maximum(curve.log_loss, 1e-12))))[jumps - 1]
    worst = int(jumps[steps.argmax()])
    before, after = curve.log_loss[worst - 1], curve.log_loss[worst]
    return Finding(
        severity=Severity.WARNING,
        headline="Unstable training",
        message=(
            f"The loss on split {curve.split!r} jumps: {pluralize(len(jumps), 'time')} in the "
            f"second half of training, most of all from {format_nats(before)} to "
            f"{format_nats(after)} at epoch {curve.epochs[worst]}, with the accuracy going from "
            f"{format_percent(curve.accuracy[worst - 1])} to "
            f"{format_percent(curve.accuracy[worst])}. What one epoch shows is a matter of luck."
        ),
        evidence={
            "jumps": Estimate(float(len(jumps)), note="a count", unit="count"),
            "largest_factor": Estimate(
                float(np.exp(steps.max())), note="between two epochs", unit="number"
            ),
        },
        epochs=tuple(curve.epochs[jumps].tolist()),
    )


def _absurd(curve: Curve) -> Finding | None:
    finite = curve.with_loss
    if not len(finite) or not float(finite.log_loss.max()) > ABSURD:
        return None
    at = int(finite.log_loss.argmax())
    return Finding(
        severity=Severity.ERROR,
        headline="Training ran away",
        message=(
            f"The loss of split {curve.split!r} reached {finite.log_loss[at]:.3g} at epoch "
            f"{finite.epochs[at]}. A mean cross-entropy so large means logits in the thousands: "
            "the steps are too large, the inputs unscaled, or updates are summed that should be "
            "averaged."
        ),
        evidence={"log_loss": Estimate(float(finite.log_loss[at]), note="as reported")},
        epochs=(int(finite.epochs[at]),),
    )


def _runs_away(curve: Curve, min_drop: float) -> Finding | None:
    known = curve.whole
    if len(known) < MIN_EPOCHS:
        return None
    low = int(known.log_loss.argmin())
    best = float(known.accuracy.max())
    end, lowest = float(known.log_loss[-1]), float(known.log_loss[low])
    lost = best - float(known.accuracy[-1])
    away = end >= 2 * lowest and end - lowest > 0.05 and lost >= max(0.05, min_drop)
    if not (away or lost >= COLLAPSE):
        return None
    return Finding(
        severity=Severity.WARNING,
        headline="Training ran away",
        message=(
            f"The training loss went from {format_nats(lowest)} at epoch {known.epochs[low]} to "
            f"{format_nats(end)} and the training accuracy fell from {format_percent(best)} to "
            f"{format_percent(known.accuracy[-1])}: the steps are too large. Lower the learning "
            "rate."
        ),
        evidence={
            "lowest": Estimate(lowest, note="smallest training loss"),
            "last": Estimate(end, note="last training loss"),
        },
        epochs=(int(known.epochs[low]), int(known.epochs[-1])),
    )


@RULE.suspected(
    prior=0.12,
    check="Repeat the training with a tenth of the learning rate: do the jumps go away?",
)
def _suspicion(evidence: Evidence) -> Lead | None:
    """A loss that jumps, is very large, or ends far above where training had it."""
    seen = outline(evidence)
    said = said_of(evidence)
    if said is not None and said.loss == "varies":
        return Lead(
            SAID_TO_VARY, f"The text speaks of {pluralize(said.count, 'curve')}: {said.words}."
        )
    for name, losses in (("validation", seen.losses), ("training", seen.train_losses)):
        if not len(losses):
            continue
        if float(losses.max()) >= VERY_LARGE:
            return Lead(1.0, f"The {name} loss reached {float(losses.max()):.4g}.")
        steps = np.diff(np.log(np.maximum(losses, SMALLEST_LOSS)))
        ways = steps[np.abs(steps) >= math.log(JUMP)]
        if (ways > 0).any() and (ways < 0).any() and len(ways) >= MIN_WAYS:
            return Lead(
                1.0,
                f"The {name} loss jumps by a factor of {float(np.exp(np.abs(ways).max())):.1f} "
                "from one epoch to the next, up and down.",
            )
    train = seen.train_losses
    if len(train) > 2 and float(train[-1]) > ENDS_ABOVE * float(train.min()) > 0.0:
        return Lead(
            1.0,
            f"The training loss ends at {format_nats(float(train[-1]))}, above its minimum of "
            f"{format_nats(float(train.min()))}.",
        )
    return None
