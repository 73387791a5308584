"""WL504: The loss jumps up and down from epoch to epoch, or runs away.

## What it means
The steps are too large for the loss surface, or the statistics that the model uses in evaluation
(batch normalisation) lag behind its weights. One epoch's numbers then say little about the model:
which epoch you stopped at is a matter of luck.

## Signature
Loss and accuracy of single epochs jump together, and jump back, while the training loss may look
smooth. Or the loss is astronomically large, or the training loss ends far above where it was.

## Statistic and threshold
A mean loss that no meant output has:
- `min_loss` = 10,000 nats.

A jump is a change of the loss between neighbouring epochs with an accuracy that moves the other
way:
- `min_factor` = 1.5 between the losses.
- `min_drop` = 2 points of accuracy.
- `min_jumps` = 2 of them in the second half of training, up as well as down, and one in its last
  third. Jumps that died out are the way training begins.

The training loss runs away where it ends above its minimum, with less accuracy:
- `min_factor` = 2 times the minimum.
- `min_rise` = 0.05 nat above it.
- `min_drop` = 5 points of training accuracy below its best.

Or the training accuracy alone collapses:
- `min_drop` = 20 points below its best.

Jumps and runaways are looked for from `min_epochs` = 6 epochs on.

## Not to be confused with
`overfitting`: a rise that stays. `small-validation-set`: jumps of the size that so few samples
allow.

## Remedy
Lower the learning rate, or let it decay; warm it up; clip gradients. If only the validation jumps:
a larger batch or a faster momentum for the running statistics of batch normalisation. Then compare
epochs.

## References
arXiv:2103.00065 (Cohen et al. 2021: training at the edge of stability). arXiv:2006.04884 (Mosbach
et al. 2020: unstable fine-tuning). arXiv:1502.03167 (Ioffe and Szegedy 2015: batch normalisation).
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

TINY = 1e-12  # nats: keeps the logarithm of a loss of 0 finite
LATE = 3  # parts of the training: a jump must lie in the last one


def _jumpy(
    seed: int,
    factor: float = 4.0,
    drop: float = 0.15,
    hits: slice = slice(2, None, 3),
    n_epochs: int = 12,
) -> KnownCause:
    epochs = np.arange(n_epochs)
    hit = np.isin(epochs, epochs[hits])
    return known_history(
        seed,
        val_loss=np.where(hit, factor, 1.0) * (0.1 + 0.5 * np.exp(-epochs / 2)),
        val_accuracy=0.97 - 0.2 * np.exp(-epochs / 2) - drop * hit,
        train_loss=0.05 + 0.5 * np.exp(-epochs / 2),
        train_accuracy=0.98 - 0.2 * np.exp(-epochs / 2),
        noise=0.02,
    )


def _uphill(
    seed: int, low: float = 0.4, end: float = 2.0, drop: float = 0.12, n_epochs: int = 10
) -> KnownCause:
    """A training that is best in its middle and ends far from it."""
    half = n_epochs // 2
    return known_history(
        seed,
        train_loss=np.concatenate(
            [np.linspace(2 * low, low, half), np.linspace(low, end, n_epochs - half)]
        ),
        train_accuracy=np.concatenate(
            [np.linspace(0.6, 0.85, half), np.linspace(0.85, 0.85 - drop, n_epochs - half)]
        ),
        val_loss=[0.8] * n_epochs,
        val_accuracy=[0.7] * n_epochs,
        noise=0.01,
    )


@RULE.at(
    Level.NUMBERS,
    fires=lambda seed: known_history(seed, val_loss=[3e5], val_accuracy=[0.1], noise=0.1),
    near_misses={
        "min_loss": lambda seed: known_history(seed, val_loss=[3e3], val_accuracy=[0.1], noise=0.1)
    },
)
def absurd_loss(evidence: Evidence, *, min_loss: float = 1e4) -> Finding | None:
    """A loss is so large that no output can have been meant to cost so much."""
    curve = evidence.curve()
    for one in [] if curve is None else [curve, *_of_training(evidence)]:
        finite = one.with_loss
        if len(finite) and float(finite.log_loss.max()) > min_loss:
            return _absurd_finding(finite)
    return None


@RULE.at(
    Level.CURVES,
    fires=_jumpy,
    near_misses={
        "min_factor": lambda seed: _jumpy(seed, factor=1.3),
        "min_drop": lambda seed: _jumpy(seed, drop=0.005),
        "min_jumps": lambda seed: _jumpy(seed, hits=slice(11, None)),
        "min_epochs": lambda seed: _jumpy(seed, hits=slice(3, 4), n_epochs=5),
    },
)
def jumps_and_comes_back(
    evidence: Evidence,
    *,
    min_factor: float = 1.5,
    min_drop: float = 0.02,
    min_jumps: float = 2,
    min_epochs: float = 6,
) -> Finding | None:
    """Loss and accuracy of single epochs jump together, and jump back."""
    known = evidence.curve()
    if known is None:
        return None
    curve = known.whole
    jumps = _jumps(curve, min_factor, min_drop)
    n = len(curve)
    ways = np.sign(np.diff(curve.log_loss)[jumps - 1])
    back = bool((ways > 0).any() and (ways < 0).any())
    late = jumps[jumps >= n - max(2, n // LATE)]
    # What only rises is no jump: it takes two to come back.
    enough = len(jumps) >= max(1, min_jumps) and (back or not min_jumps > 0)
    if not (n >= min_epochs and enough and len(late)):
        return None
    return _jumpy_finding(curve, jumps)


@RULE.at(
    Level.CURVES,
    fires=_uphill,
    near_misses={
        "min_factor": lambda seed: _uphill(seed, end=0.7),
        "min_rise": lambda seed: _uphill(seed, low=0.02, end=0.06),
        "min_drop": lambda seed: _uphill(seed, drop=0.03),
        "min_epochs": lambda seed: _uphill(seed, n_epochs=5),
    },
)
def training_loss_runs_away(
    evidence: Evidence,
    *,
    min_factor: float = 2.0,
    min_rise: float = 0.05,
    min_drop: float = 0.05,
    min_epochs: float = 6,
) -> Finding | None:
    """The training loss ends far above its minimum, with less accuracy."""
    for curve in _of_training(evidence):
        known = curve.whole
        if not len(known) or len(known) < min_epochs:
            continue
        end, lowest = float(known.log_loss[-1]), float(known.log_loss.min())
        if end >= min_factor * lowest and end - lowest > min_rise and _lost(known) >= min_drop:
            return _runaway_finding(known)
    return None


@RULE.at(
    Level.CURVES,
    fires=lambda seed: _uphill(seed, end=0.7, drop=0.4),
    near_misses={
        "min_drop": lambda seed: _uphill(seed, end=0.7, drop=0.1),
        "min_epochs": lambda seed: _uphill(seed, end=0.7, drop=0.4, n_epochs=5),
    },
)
def training_accuracy_collapses(
    evidence: Evidence, *, min_drop: float = 0.2, min_epochs: float = 6
) -> Finding | None:
    """The training accuracy ends far below its best."""
    for curve in _of_training(evidence):
        known = curve.whole
        if len(known) and len(known) >= min_epochs and _lost(known) >= min_drop:
            return _runaway_finding(known)
    return None


def _of_training(evidence: Evidence) -> list[Curve]:
    """The curve of the training split, wherever it is."""
    curve = evidence.curve()
    own = [] if curve is None or curve.split not in TRAIN else [curve]
    return own if evidence.train is None else [*own, evidence.train]


def _lost(curve: Curve) -> float:
    """Accuracy lost since its best."""
    return float(curve.accuracy.max() - curve.accuracy[-1])


def _jumps(curve: Curve, min_factor: float, min_drop: float) -> np.ndarray:
    """Places in the second half at which loss and accuracy jump together."""
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.diff(np.log(np.maximum(curve.log_loss, TINY)))
    gains = np.diff(curve.accuracy)
    bound = math.log(min_factor) if min_factor > 0 else 0.0
    together = (np.abs(steps) >= bound) & (-gains * np.sign(steps) >= min_drop)
    places = np.flatnonzero(together) + 1
    return places[places >= len(curve) / 2]


def _jumpy_finding(curve: Curve, jumps: np.ndarray) -> Finding:
    steps = np.abs(np.diff(np.log(np.maximum(curve.log_loss, TINY))))[jumps - 1]
    worst = int(jumps[steps.argmax()])
    before, after = curve.log_loss[worst - 1], curve.log_loss[worst]
    return Finding(
        severity=Severity.WARNING,
        headline="Unstable training",
        message=(
            f"Training is unstable: the loss on split {curve.split!r} jumps "
            f"{pluralize(len(jumps), 'time')} in the "
            f"second half of training, most of all from {format_nats(before)} to "
            f"{format_nats(after)} at epoch {curve.epochs[worst]}, with the accuracy going from "
            f"{format_percent(curve.accuracy[worst - 1])} to "
            f"{format_percent(curve.accuracy[worst])}. What one epoch shows is partly luck."
        ),
        evidence={
            "jumps": Estimate(float(len(jumps)), note="a count", unit="count"),
            "largest_factor": Estimate(
                float(np.exp(steps.max())), note="between two epochs", unit="number"
            ),
        },
        epochs=tuple(curve.epochs[jumps].tolist()),
    )


def _absurd_finding(finite: Curve) -> Finding:
    at = int(finite.log_loss.argmax())
    return Finding(
        severity=Severity.ERROR,
        headline="Training ran away",
        message=(
            f"The loss of split {finite.split!r} reached {finite.log_loss[at]:.3g} at epoch "
            f"{finite.epochs[at]}. A mean cross-entropy so large means logits in the thousands: "
            "the steps are too large, the inputs unscaled, or updates are summed that should be "
            "averaged."
        ),
        evidence={"log_loss": Estimate(float(finite.log_loss[at]), note="as reported")},
        epochs=(int(finite.epochs[at]),),
    )


def _runaway_finding(known: Curve) -> Finding:
    low = int(known.log_loss.argmin())
    lowest, end = float(known.log_loss[low]), float(known.log_loss[-1])
    return Finding(
        severity=Severity.WARNING,
        headline="Training ran away",
        message=(
            f"The steps are too large: the training loss went from {format_nats(lowest)} at epoch "
            f"{known.epochs[low]} to {format_nats(end)} and the training accuracy fell from "
            f"{format_percent(float(known.accuracy.max()))} to "
            f"{format_percent(float(known.accuracy[-1]))}. Lower the learning rate."
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
