"""Simulated trainings with planted causes: as recorded runs, and as nothing but their curves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.diagnosis.trial import Planted, Range
from benchmarks.diagnosis.worlds import losses_of, make_world

from whyloss.data import History, InMemorySource, Predictions

if TYPE_CHECKING:
    from benchmarks.diagnosis.snapshots import Plan
    from benchmarks.diagnosis.worlds import Floats, Labels, World

EPOCHS = (8, 12, 20, 40)
RUN_EPOCHS = (4, 8, 12)
MOST_SCORES = 4_000_000  # of a run, over all epochs
TOO_SURE = (1.5, 2.2, 3.5)
WORSE = (0.8, 1.3, 2.0)  # blur at the end of an over-fitted training
LARGEST_SAMPLE = 10_000


@dataclass(frozen=True, eq=False)
class Training:
    """What the model knows and says, epoch by epoch.

    Attributes
    ----------
    world, train_world : World
        Validation and training samples of the same classes.
    blur, train_blur, heat, train_heat : ndarray, shape (n_epochs,)
        What is hidden from the model, and what its logits are multiplied by.
    seed : int
    """

    world: World
    train_world: World
    blur: Floats
    train_blur: Floats
    heat: Floats
    train_heat: Floats
    seed: int

    def exact(self, epoch: int) -> Floats:
        """What the model knows about the validation samples, as log-probabilities."""
        rng = np.random.default_rng([self.seed, epoch])
        return self.world.log_posterior(float(self.blur[epoch]), rng)

    def logits(self, epoch: int) -> Floats:
        """What it says about them."""
        return self.heat[epoch] * self.exact(epoch)

    def train_logits(self, epoch: int) -> Floats:
        """What it says about the training samples."""
        rng = np.random.default_rng([self.seed, epoch, 1])
        return self.train_heat[epoch] * self.train_world.log_posterior(
            float(self.train_blur[epoch]), rng
        )

    def __len__(self) -> int:
        return len(self.blur)


def make_training(  # noqa: PLR0917 - as every plan has them, and the shape of the training
    rng: np.random.Generator, n: int, k: int, n_epochs: int, worse: float = 0.0, heat: float = 1.0
) -> Training:
    """A training that learns, then keeps what it has, forgets some, or grows too sure of it."""
    accuracy = float(rng.choice((0.75, 0.85, 0.95)))
    world = make_world(rng, n, k, accuracy)
    train_world = _same_classes(rng, world, n)
    at = np.linspace(0.0, 1.0, n_epochs)
    learnt = 2.5 * np.exp(-at * 10) + 0.2
    later = np.clip((at - 0.35) / 0.65, 0.0, None)
    return Training(
        world,
        train_world,
        blur=learnt + worse * later,
        train_blur=learnt * (1.0 - 0.5 * later if worse else np.ones(n_epochs)),
        heat=1.0 + (heat - 1.0) * later,
        train_heat=1.0 + 0.2 * (heat - 1.0) * later,
        seed=int(rng.integers(2**31)),
    )


def _same_classes(rng: np.random.Generator, world: World, n: int) -> World:
    y = rng.choice(len(world.shares), size=n, p=world.shares)
    x = world.means[y] + rng.standard_normal((n, world.x.shape[1]))
    return replace(world, y=y, x=x, haze=rng.standard_normal(x.shape))


@dataclass(frozen=True, eq=False)
class Seen:
    """Loss and accuracy of both splits per epoch, and the parts of the loss."""

    val_loss: Floats
    val_accuracy: Floats
    train_loss: Floats
    train_accuracy: Floats
    refinement: Floats  # of the validation loss; the rest is the price of the heat

    def history(self, rng: np.random.Generator, n: int | None, k: int | None) -> History:
        """As reported; sometimes without the sizes."""
        return History.from_columns(
            n_val=n if rng.random() < 0.7 else None,
            n_classes=k if rng.random() < 0.7 else None,
            val_loss=self.val_loss,
            val_accuracy=self.val_accuracy,
            train_loss=self.train_loss,
            train_accuracy=self.train_accuracy,
        )


def see(it: Training) -> Seen:
    """Evaluate every epoch."""
    rows = []
    for epoch in range(len(it)):
        exact = it.exact(epoch)
        rows.append(
            (
                *_loss_and_accuracy(it.heat[epoch] * exact, it.world.y),
                *_loss_and_accuracy(it.train_logits(epoch), it.train_world.y),
                float(losses_of(exact, it.world.y).mean()),
            )
        )
    return Seen(*np.array(rows).T)


def _loss_and_accuracy(logits: Floats, y: Labels) -> tuple[float, float]:
    return float(losses_of(logits, y).mean()), float((logits.argmax(axis=1) == y).mean())


# ---- runs and curves of the same trainings


def as_run(it: Training, *causes: str) -> Planted:
    """The predictions of every epoch."""
    seen = see(it)
    snapshots = [
        Predictions.from_arrays(
            it.world.y,
            logits=it.logits(e).astype(np.float32),
            classes=[str(k) for k in range(len(it.world.shares))],
            epoch=e + 1,
        )
        for e in range(len(it))
    ]
    return Planted(causes, InMemorySource(snapshots), _parts(seen, causes), _rise(seen))


def as_curves(rng: np.random.Generator, it: Training, *causes: str) -> Planted:
    """What the framework reported, and no predictions."""
    seen = see(it)
    history = seen.history(rng, len(it.world.y), len(it.world.shares))
    parts = _parts(seen, causes) if len(causes) == 1 else {}  # curves do not tell two apart
    if "overconfidence" in parts:  # and what they prove is a lower bound
        parts["overconfidence"] = tuple(Range(0.0, heat.high) for heat in parts["overconfidence"])
    return Planted(causes, InMemorySource(history=history), parts, _rise(seen))


def _parts(seen: Seen, causes: tuple[str, ...]) -> dict[str, tuple[Range, ...]]:
    heat = seen.val_loss - seen.refinement
    parts = {"overconfidence": heat, "overfitting": seen.refinement}
    return {cause: tuple(Range(c, c) for c in parts[cause].tolist()) for cause in causes}


def _rise(seen: Seen) -> float:
    return float(seen.val_loss[-1] - seen.val_loss.min())


SHAPES = {
    "healthy": ((), False, False),
    "overconfidence": (("overconfidence",), False, True),
    "overfitting": (("overfitting",), True, False),
    "overfitting + overconfidence": (("overfitting", "overconfidence"), True, True),
}


def _plan(  # noqa: PLR0917 - as every plan has them
    shape: str, run: bool, rng: np.random.Generator, n: int, k: int, severity: int
) -> Planted:
    causes, worse, hot = SHAPES[shape]
    n_epochs = int(rng.choice(RUN_EPOCHS if run else EPOCHS))
    if run:
        n_epochs = max(4, min(n_epochs, MOST_SCORES // (n * k)))
    else:
        n = min(n, LARGEST_SAMPLE)
    it = make_training(
        rng,
        n,
        k,
        n_epochs,
        worse=WORSE[severity] if worse else 0.0,
        heat=TOO_SURE[severity] if hot else 1.0,
    )
    if len(causes) > 1:
        parts = _parts(see(it), causes)
        loss = [sum(truth[e].low for truth in parts.values()) for e in range(n_epochs)]
        rise = {c: truth[-1].low - truth[int(np.argmin(loss))].low for c, truth in parts.items()}
        causes = tuple(sorted(rise, key=lambda cause: -rise[cause]))
    return as_run(it, *causes) if run else as_curves(rng, it, *causes)


RUNS: dict[str, Plan] = {f"{shape} (run)": partial(_plan, shape, True) for shape in SHAPES}


# ---- faults that only curves are made of


def _healthy(rng: np.random.Generator, n: int, k: int) -> tuple[Training, Seen]:
    it = make_training(rng, min(n, LARGEST_SAMPLE), k, int(rng.choice(EPOCHS)))
    return it, see(it)


def _reported(
    rng: np.random.Generator, seen: Seen, n: int, k: int, cause: str, *, known: bool = False
) -> Planted:
    history = seen.history(rng, n, k)
    if known:
        history = replace(history, n_classes=k)
    return Planted((cause,), InMemorySource(history=history))


def underfitting(rng: np.random.Generator, n: int, k: int, severity: int) -> Planted:
    it = make_training(rng, min(n, LARGEST_SAMPLE), k, int(rng.choice(EPOCHS)))
    # From knowing nothing to little skill: blurs at which the loss is that share of guessing.
    grid = np.geomspace(0.3, 30.0, 24)
    shares = np.bincount(it.world.y, minlength=k) / len(it.world.y)
    guess = -(shares * np.log(np.maximum(shares, 1e-12))).sum()
    loss = [losses_of(it.world.log_posterior(b), it.world.y).mean() / guess for b in grid]
    wanted = np.linspace(0.97, (0.88, 0.8, 0.72)[severity], len(it))
    blur = np.interp(wanted, np.maximum.accumulate(loss), grid)
    return _reported(rng, see(replace(it, blur=blur, train_blur=blur)), n, k, "underfitting")


def unstable_training(rng: np.random.Generator, n: int, k: int, severity: int) -> Planted:
    it = make_training(rng, min(n, LARGEST_SAMPLE), k, int(rng.choice((12, 20, 40))))
    late = np.arange(len(it) * 2 // 3 + 1, len(it) - 1)
    hit = np.append(rng.choice(late, size=2 + severity, replace=len(late) < 2 + severity), late[0])
    blur, heat = it.blur.copy(), it.heat.copy()
    blur[hit], heat[hit] = 1.5, (1.5, 2.0, 3.0)[severity]
    return _reported(rng, see(replace(it, blur=blur, heat=heat)), n, k, "unstable-training")


def train_mode_gap(rng: np.random.Generator, n: int, k: int, severity: int) -> Planted:
    it = make_training(rng, min(n, LARGEST_SAMPLE), k, int(rng.choice(EPOCHS)))
    dropped = np.sqrt(it.blur**2 + (0.5, 0.8, 1.1)[severity] ** 2)
    return _reported(rng, see(replace(it, train_blur=dropped)), n, k, "train-mode-gap")


def distribution_shift(rng: np.random.Generator, n: int, k: int, severity: int) -> Planted:
    it = make_training(rng, min(n, LARGEST_SAMPLE), k, int(rng.choice(EPOCHS)))
    # Inputs that are prepared otherwise say hardly anything about their labels.
    lost = it.world.x[rng.permutation(len(it.world.y))]
    kept = (0.0, 0.1, 0.15)[severity]
    world = replace(it.world, x=np.where(rng.random((len(lost), 1)) < kept, it.world.x, lost))
    heat = 1.0 + 0.5 * np.linspace(0, 1, len(it))
    return _reported(
        rng, see(replace(it, world=world, heat=heat)), n, k, "distribution-shift", known=k > 2
    )


def majority_class(rng: np.random.Generator, n: int, k: int, severity: int) -> Planted:
    it, seen = _healthy(rng, n, k)
    largest = round((0.6, 0.75, 0.9)[severity] + 0.05 * rng.random(), 4)
    rest = 1.0 - largest
    guess = -largest * np.log(largest) - rest * np.log(rest / (k - 1))
    loss = guess * (1.0 + 0.1 * np.exp(-np.arange(len(it)))) + 0.002 * rng.standard_normal(len(it))
    same = np.full(len(it), largest)
    train = loss + 0.002 * rng.standard_normal(len(it))
    seen = replace(seen, val_loss=loss, val_accuracy=same, train_loss=train, train_accuracy=same)
    return _reported(rng, seen, n, k, "majority-class")


def chance_level(rng: np.random.Generator, n: int, k: int, _severity: int) -> Planted:
    it, _ = _healthy(rng, n, k)
    nothing = np.full(len(it), 1e4)
    even = replace(it.world, shares=np.full(k, 1.0 / k), y=rng.integers(k, size=len(it.world.y)))
    return _reported(
        rng,
        see(replace(it, world=even, train_world=even, blur=nothing, train_blur=nothing)),
        n,
        k,
        "chance-level",
        known=True,
    )


def saturated(rng: np.random.Generator, n: int, k: int, severity: int) -> Planted:
    it, seen = _healthy(rng, n, k)
    share = round(float(rng.uniform(0.1, 0.9)), 4)
    ceiling = -np.log((1.1920929e-07, 1e-15, 1e-7)[severity])
    loss = np.full(len(it), round(ceiling * (1.0 - share), 4))
    same = np.full(len(it), share)
    seen = replace(seen, val_loss=loss, val_accuracy=same, train_loss=loss, train_accuracy=same)
    return _reported(rng, seen, n, k, "saturated")


def double_softmax(rng: np.random.Generator, n: int, k: int, _severity: int) -> Planted:
    it, seen = _healthy(rng, n, k)
    # Trained through it, a network drives its outputs to the corners.
    sure = np.array([_squeezed(6.0 * it.logits(e), it.world.y) for e in range(len(it))])
    train = np.array(
        [_squeezed(6.0 * it.train_logits(e), it.train_world.y) for e in range(len(it))]
    )
    return _reported(
        rng, replace(seen, val_loss=sure, train_loss=train), n, k, "double-softmax", known=True
    )


def _squeezed(logits: Floats, y: Labels) -> float:
    below = logits - logits.max(axis=1, keepdims=True)
    prob = np.exp(below)
    return float(losses_of(prob / prob.sum(axis=1, keepdims=True), y).mean())


def binary_loss_for_classes(rng: np.random.Generator, n: int, k: int, severity: int) -> Planted:
    k = max(3, k)
    it, seen = _healthy(rng, n, k)
    falls = (0.99, 0.9, 0.7)[severity] ** np.arange(len(it))
    loss = falls * (-np.log(1 / k) / k - (1 - 1 / k) * np.log1p(-1 / k))
    share = 1.0 - falls / k
    seen = replace(seen, val_loss=loss, val_accuracy=share, train_loss=loss, train_accuracy=share)
    return _reported(rng, seen, n, k, "binary-loss-for-classes", known=True)


def impossible_pair(rng: np.random.Generator, n: int, k: int, severity: int) -> Planted:
    _, seen = _healthy(rng, n, k)
    batch = (16, 32, 64)[severity]  # a loss divided once too often
    seen = replace(seen, val_loss=seen.val_loss / batch, train_loss=seen.train_loss / batch)
    return _reported(rng, seen, n, k, "impossible-pair")


def loss_mismatch(rng: np.random.Generator, n: int, k: int, severity: int) -> Planted:
    it, seen = _healthy(rng, n, k)
    batch = min(len(it.world.y), (64, 128, 256)[severity])
    seen = replace(seen, val_loss=seen.val_loss * batch, train_loss=seen.train_loss * batch)
    return _reported(rng, seen, n, k, "loss-mismatch")


def label_encoding(rng: np.random.Generator, n: int, k: int, severity: int) -> Planted:
    it, seen = _healthy(rng, n, k)
    if severity:
        share = np.full(len(it), 1.0 / k)
        loss = -3.0 * np.arange(len(it)) * severity
        seen = replace(seen, val_loss=loss, train_loss=loss, val_accuracy=share)
    else:
        seen = replace(seen, val_accuracy=np.zeros(len(it)))
    return _reported(rng, seen, n, k, "label-encoding")


def non_finite(rng: np.random.Generator, n: int, k: int, severity: int) -> Planted:
    it, seen = _healthy(rng, n, k)
    since = (len(it) - 1, len(it) // 2, 1)[severity]
    loss = np.where(np.arange(len(it)) >= since, np.nan, seen.val_loss)
    return _reported(rng, replace(seen, val_loss=loss), n, k, "non-finite")


def small_validation_set(rng: np.random.Generator, n: int, k: int, _severity: int) -> Planted:
    few = min(n, 90)
    it = make_training(rng, few, k, int(rng.choice((12, 20, 40))))
    seen = see(it)
    seen = replace(seen, val_accuracy=np.round(seen.val_accuracy, 4))
    return replace(_reported(rng, seen, few, k, "small-validation-set"), effect=0.0)


CURVES: dict[str, Plan] = {
    **{f"{shape} (curves)": partial(_plan, shape, False) for shape in SHAPES},
    "underfitting (curves)": underfitting,
    "unstable-training (curves)": unstable_training,
    "train-mode-gap (curves)": train_mode_gap,
    "distribution-shift (curves)": distribution_shift,
    "majority-class (curves)": majority_class,
    "chance-level (curves)": chance_level,
    "saturated (curves)": saturated,
    "double-softmax (curves)": double_softmax,
    "binary-loss-for-classes (curves)": binary_loss_for_classes,
    "impossible-pair (curves)": impossible_pair,
    "loss-mismatch (curves)": loss_mismatch,
    "label-encoding (curves)": label_encoding,
    "non-finite (curves)": non_finite,
    "small-validation-set (curves)": small_validation_set,
}
