"""Curves as people post them: with something missing, replaced, cut short or added to the loss."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.diagnosis.trainings import (
    EPOCHS,
    LARGEST_SAMPLE,
    SHAPES,
    TOO_SURE,
    WORSE,
    make_training,
    see,
)
from benchmarks.diagnosis.trial import Planted
from benchmarks.diagnosis.worlds import log_softmax

from whyloss.data import History, InMemorySource

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.diagnosis.snapshots import Plan
    from benchmarks.diagnosis.trainings import Seen, Training
    from benchmarks.diagnosis.worlds import Floats, Labels

    Hide = Callable[[np.random.Generator, Training, Seen], dict[str, Floats]]

SHORT = (3, 4, 5, 6)
JITTER = (1.0, 1.6, 0.8, 1.5, 0.9)  # of the first epochs
SMOOTHING = (0.05, 0.1, 0.2)
PENALTY = (0.1, 0.3, 0.6)  # nats at first; weight decay takes most of it away
# Without a score nobody can tell the two apart, and with curves alone one leads to the other.
OPEN = {"overconfidence": ("overfitting", "best-epochs-differ"), "overfitting": ("overconfidence",)}
CLOSE = {"overconfidence": ("best-epochs-differ",)}
# Reported numbers do not tell a smoothed loss from a model that doubts too much.
SMOOTHED = {"smoothing-or-weights": ("underconfidence",)}


def unknown_sizes(_rng: np.random.Generator, _it: Training, seen: Seen) -> dict[str, Floats]:
    """Loss and accuracy of both splits; neither the classes nor the samples are counted."""
    return {
        "train_loss": seen.train_loss,
        "train_accuracy": seen.train_accuracy,
        "val_loss": seen.val_loss,
        "val_accuracy": seen.val_accuracy,
    }


def losses_alone(_rng: np.random.Generator, _it: Training, seen: Seen) -> dict[str, Floats]:
    """No accuracy."""
    return {"train_loss": seen.train_loss, "val_loss": seen.val_loss}


def another_score(_rng: np.random.Generator, it: Training, seen: Seen) -> dict[str, Floats]:
    """F1 in place of the accuracy."""
    scores = np.array([_macro_f1(it.logits(e), it.world.y) for e in range(len(it))])
    return {**losses_alone(_rng, it, seen), "val_f1": scores}


def early_jitter(rng: np.random.Generator, it: Training, seen: Seen) -> dict[str, Floats]:
    """Validation losses that jump in the first epochs."""
    columns = unknown_sizes(rng, it, seen)
    jumps = np.ones(len(it))
    first = min(len(JITTER), len(it) // 3)
    jumps[:first] = JITTER[:first]
    return {**columns, "val_loss": columns["val_loss"] * jumps}


def _macro_f1(logits: Floats, y: Labels) -> float:
    guessed, k = logits.argmax(axis=1), logits.shape[1]
    hits = np.bincount(y[guessed == y], minlength=k)
    sizes = np.bincount(y, minlength=k) + np.bincount(guessed, minlength=k)
    there = sizes > 0
    return float(np.mean(2 * hits[there] / sizes[there]))


def _training(
    rng: np.random.Generator, cell: tuple[int, ...], shape: str, n_epochs: int
) -> Training:
    n, k, severity = cell
    _, worse, hot = SHAPES[shape]
    return make_training(
        rng,
        min(n, LARGEST_SAMPLE),
        k,
        n_epochs,
        worse=WORSE[severity] if worse else 0.0,
        heat=TOO_SURE[severity] if hot else 1.0,
    )


def _planted(
    shape: str, hide: Hide, epochs: tuple[int, ...], rng: np.random.Generator, *cell: int
) -> Planted:
    it = _training(rng, cell, shape, int(rng.choice(epochs)))
    seen = see(it)
    history = History.from_columns(**hide(rng, it, seen))  # type: ignore[arg-type]
    rise = float(seen.val_loss[-1] - seen.val_loss.min())
    causes = SHAPES[shape][0]
    others = OPEN if hide is losses_alone else CLOSE
    accepted = {cause: others[cause] for cause in causes if cause in others}
    return Planted(causes, InMemorySource(history=history), effect=rise, accepted=accepted)


def _added(
    change: Callable[[np.random.Generator, Training, Seen, int], dict[str, Floats]],
    rng: np.random.Generator,
    *cell: int,
) -> Planted:
    _, k, severity = cell
    it = _training(rng, cell, "healthy", int(rng.choice(EPOCHS)))
    history = History.from_columns(**change(rng, it, see(it), severity))  # type: ignore[arg-type]
    source = InMemorySource(history=replace(history, n_classes=k))
    if change is smoothed:
        return Planted(tuple(SMOOTHED), source, accepted=SMOOTHED)
    return Planted((), source)


def _with(columns: dict[str, Floats], train: Floats, val: Floats) -> dict[str, Floats]:
    return {
        **columns,
        "train_loss": columns["train_loss"] + train,
        "val_loss": columns["val_loss"] + val,
    }


def penalised(
    rng: np.random.Generator, it: Training, seen: Seen, severity: int
) -> dict[str, Floats]:
    """Both losses contain a penalty on the weights."""
    penalty = PENALTY[severity] * (0.3 + 0.7 * np.exp(-np.arange(len(it)) / 5))
    return _with(unknown_sizes(rng, it, seen), penalty, penalty)


def smoothed(
    rng: np.random.Generator, it: Training, seen: Seen, severity: int
) -> dict[str, Floats]:
    """Both losses are taken against smoothed labels."""
    share = SMOOTHING[severity]
    extra = [
        [share * _excess_of_uniform(logits(e), y) for e in range(len(it))]
        for logits, y in ((it.train_logits, it.train_world.y), (it.logits, it.world.y))
    ]
    return _with(unknown_sizes(rng, it, seen), *np.array(extra))


def _excess_of_uniform(logits: Floats, y: Labels) -> float:
    """What labels spread over all classes cost beyond the true ones."""
    log_prob = log_softmax(logits)
    return float((log_prob[np.arange(len(y)), y] - log_prob.mean(axis=1)).mean())


def restarted(
    rng: np.random.Generator, it: Training, seen: Seen, severity: int
) -> dict[str, Floats]:
    """The learning rate restarts again and again; the loss jumps up and comes down each time."""
    at = np.arange(len(it))
    period = max(3, len(it) // 4)
    height = (0.1, 0.2, 0.4)[severity]
    bump = height * np.exp(-(at % period) / (period / 4)) * (at >= period)
    columns = unknown_sizes(rng, it, seen)
    return {
        **columns,
        "train_loss": columns["train_loss"] * (1.0 + bump),
        "val_loss": columns["val_loss"] * (1.0 + bump),
    }


_HIDDEN: dict[str, tuple[Hide, tuple[int, ...]]] = {
    "sizes unknown": (unknown_sizes, EPOCHS),
    "losses alone": (losses_alone, EPOCHS),
    "another score": (another_score, EPOCHS),
    "few epochs": (unknown_sizes, SHORT),
    "early jitter": (early_jitter, EPOCHS),
}
_SHAPES = ("healthy", "overconfidence", "overfitting")
_OTHER = {
    "healthy (penalised)": penalised,
    "smoothing-or-weights (smoothed)": smoothed,
    "healthy (restarted)": restarted,
}

PARTIAL: dict[str, Plan] = {
    **{
        f"{shape} ({name})": partial(_planted, shape, hide, epochs)
        for shape in _SHAPES
        for name, (hide, epochs) in _HIDDEN.items()
    },
    **{name: partial(_added, change) for name, change in _OTHER.items()},
}
