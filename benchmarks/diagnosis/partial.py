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
from benchmarks.diagnosis.worlds import log_softmax, losses_of

from whyloss.data import History, InMemorySource
from whyloss.measures.envelope import fano_envelope

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
# Reported numbers do not tell another term of the loss from a model that doubts too much.
OTHER_LOSS = {"smoothing-or-weights": ("underconfidence",)}
VISIBLE = 0.01  # nats above every calibrated model, from which on another term of the loss shows
# Between nothing and the planted effect someone who knows both, and the error of the difference,
# decides at half of it; below so many standard errors he is wrong in one case of twenty or more.
ORACLE = 2 * 1.645


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


def accuracies_alone(_rng: np.random.Generator, _it: Training, seen: Seen) -> dict[str, Floats]:
    """No loss."""
    return {"train_accuracy": seen.train_accuracy, "val_accuracy": seen.val_accuracy}


def training_alone(_rng: np.random.Generator, _it: Training, seen: Seen) -> dict[str, Floats]:
    """Nothing of the validation."""
    return {"train_loss": seen.train_loss, "train_accuracy": seen.train_accuracy}


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
    history = History.from_columns(**hide(rng, it, seen))  # type: ignore[arg-type]  # columns by name
    source = InMemorySource(history=history)
    if hide is training_alone:
        return Planted((), source)
    if hide is accuracies_alone:
        lost, error = _accuracy_lost(seen, len(it.world.y))
    else:
        lost, error = _loss_gained(it, seen)
    causes = SHAPES[shape][0]
    others = OPEN if hide is losses_alone else CLOSE
    accepted = {cause: others[cause] for cause in causes if cause in others}
    open_ = bool(causes) and lost < ORACLE * error
    return Planted(causes, source, effect=lost, accepted=accepted, open=open_)


def _loss_gained(it: Training, seen: Seen) -> tuple[float, float]:
    """Rise of the loss since its minimum, and the standard error of that over the same samples."""
    low, end = int(seen.val_loss.argmin()), len(it) - 1
    change = losses_of(it.logits(end), it.world.y) - losses_of(it.logits(low), it.world.y)
    return float(change.mean()), float(change.std() / np.sqrt(len(change)))


def _accuracy_lost(seen: Seen, n: int) -> tuple[float, float]:
    """Fall of the accuracy since its best epoch, and the standard error of a difference."""
    best, end = float(seen.val_accuracy.max()), float(seen.val_accuracy[-1])
    return best - end, float(np.sqrt((best * (1 - best) + end * (1 - end)) / n))


def _added(
    change: Callable[[np.random.Generator, Training, Seen, int], dict[str, Floats]],
    epochs: tuple[int, ...],
    rng: np.random.Generator,
    *cell: int,
) -> Planted:
    _, k, severity = cell
    it = _training(rng, cell, "healthy", int(rng.choice(epochs)))
    columns = change(rng, it, see(it), severity)
    history = History.from_columns(**columns)  # type: ignore[arg-type]  # columns by name
    source = InMemorySource(history=replace(history, n_classes=k))
    most = fano_envelope(float(columns["val_accuracy"][-1]), k)[1]
    if change is restarted or columns["val_loss"][-1] - most < VISIBLE:
        return Planted((), source)
    return Planted(tuple(OTHER_LOSS), source, accepted=OTHER_LOSS)


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


def weighted(
    rng: np.random.Generator, it: Training, seen: Seen, severity: int
) -> dict[str, Floats]:
    """Both losses weigh rare classes more, by a power of their frequency."""
    power = (0.5, 1.0, 2.0)[severity]
    columns = unknown_sizes(rng, it, seen)
    for name, logits, world in (
        ("train_loss", it.train_logits, it.train_world),
        ("val_loss", it.logits, it.world),
    ):
        weights = (1.0 / world.shares**power)[world.y]
        columns[name] = np.array(
            [np.average(losses_of(logits(e), world.y), weights=weights) for e in range(len(it))]
        )
    return columns


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
    "training alone": (training_alone, EPOCHS),
}
_SHAPES = ("healthy", "overconfidence", "overfitting")
_OTHER = {
    "smoothing-or-weights (penalised)": (penalised, EPOCHS),
    "smoothing-or-weights (smoothed)": (smoothed, EPOCHS),
    "smoothing-or-weights (smoothed, few epochs)": (smoothed, SHORT),
    "smoothing-or-weights (weighted)": (weighted, EPOCHS),
    "healthy (restarted)": (restarted, EPOCHS),
}

PARTIAL: dict[str, Plan] = {
    **{
        f"{shape} ({name})": partial(_planted, shape, hide, epochs)
        for shape in _SHAPES
        for name, (hide, epochs) in _HIDDEN.items()
    },
    **{
        f"{shape} (accuracies alone)": partial(_planted, shape, accuracies_alone, EPOCHS)
        for shape in ("healthy", "overfitting")
    },
    **{name: partial(_added, *how) for name, how in _OTHER.items()},
}
