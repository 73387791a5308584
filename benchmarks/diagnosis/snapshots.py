"""Snapshots with planted causes, alone and in pairs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.diagnosis.trial import Planted, Range
from benchmarks.diagnosis.worlds import (
    log_softmax,
    loss_at_best_temperature,
    losses_of,
    make_world,
    mean_loss,
)
from scipy.optimize import minimize_scalar

from whyloss.data import History, InMemorySource, Predictions

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.diagnosis.worlds import Floats, Labels, World

    from whyloss.data import Scale

    Plan = Callable[[np.random.Generator, int, int, int], Planted]

TOO_SURE = (1.3, 1.8, 3.0)
TOO_TIMID = (0.75, 0.5, 0.3)
BIAS = (0.6, 1.0, 1.6)  # standard deviation of the biases of the classes
NOISE = (0.05, 0.1, 0.25)
FEW = (0.003, 0.006, 0.01)  # shares of samples
CEILING = 1e-7


@dataclass(frozen=True, eq=False)
class Model:
    """What a model says about a world: its logits, the labels given to it, and the true ones."""

    world: World
    exact: Floats
    logits: Floats
    y: Labels

    @property
    def loss(self) -> float:
        """Mean loss as stated."""
        return mean_loss(self.logits, self.y)

    def planted(
        self,
        *causes: str,
        nats: dict[str, Range] | None = None,
        effect: float | None = None,
        history: History | None = None,
        scores: Floats | None = None,
        scale: Scale = "logits",
    ) -> Planted:
        """As evidence; the effect is what the loss exceeds that of the exact posterior by."""
        given = self.logits if scores is None else scores
        predictions = Predictions.from_arrays(
            self.y,
            **{scale: given.astype(np.float32)},
            classes=[str(k) for k in range(given.shape[1])],
        )
        if effect is None:
            effect = self.loss - mean_loss(self.exact, self.world.y)
        return Planted(
            causes,
            InMemorySource([predictions], history=history),
            {cause: (truth,) for cause, truth in (nats or {}).items()},
            effect,
        )


def model(
    rng: np.random.Generator, n: int, k: int, accuracy: float | None = None, **of_world: Floats
) -> Model:
    """A calibrated model of a new world, of one of three accuracies."""
    accuracy = accuracy or float(rng.choice((0.7, 0.85, 0.95)))
    world = make_world(rng, n, k, accuracy, **of_world)
    exact = world.log_posterior()
    return Model(world, exact, exact, world.y)


# ---- each changes a model


def heated(it: Model, factor: float) -> Model:
    """Multiply the logits."""
    return replace(it, logits=factor * it.logits)


def biased(rng: np.random.Generator, it: Model, spread: float) -> Model:
    """Add a constant to the logits of each class."""
    k = it.logits.shape[1]
    biases = rng.standard_normal(k)
    biases -= biases.mean()
    return replace(it, logits=it.logits + spread * biases / biases.std())


def noisy(rng: np.random.Generator, it: Model, share: float) -> Model:
    """Redraw a share of the labels uniformly."""
    n, k = it.logits.shape
    drawn = rng.integers(k, size=n)
    return replace(it, y=np.where(rng.random(n) < share, drawn, it.y))


def with_lapses(rng: np.random.Generator, it: Model, share: float) -> tuple[Model, Labels]:
    """Give a few samples the label that the model thinks least of."""
    n = len(it.y)
    sure = np.argsort(-it.exact.max(axis=1))[: n // 2]  # elsewhere it would be no lapse
    rows = rng.choice(sure, size=max(1, round(share * n)), replace=False)
    y = it.y.copy()
    y[rows] = it.exact[rows].argmin(axis=1)
    return replace(it, y=y), rows


# ---- what each costs


def cost_of_heat(it: Model, factor: float) -> float:
    """What the planted temperature adds to the loss on these labels."""
    return it.loss - mean_loss(it.logits / factor, it.y)


def loss_knowing_noise(it: Model, share: float) -> float:
    """Loss of the exact posterior that knows how many labels were redrawn."""
    return _mixed(it.exact, it.y, share)


def loss_at_best_share(it: Model) -> float:
    """Loss of the model as it is beside the share of redrawn labels that makes it smallest."""
    found = minimize_scalar(
        lambda share: _mixed(it.logits, it.y, share), bounds=(1e-6, 0.9), method="bounded"
    )
    return float(found.fun)


def _mixed(logits: Floats, y: Labels, share: float) -> float:
    own = np.exp(-losses_of(logits, y))
    return float(-np.log((1.0 - share) * own + share / logits.shape[1]).mean())


def cost_of_rows(it: Model, rows: Labels) -> float:
    """What the mean loss would lose if these samples were not there."""
    losses = losses_of(it.logits, it.y)
    return float(losses.mean() - np.delete(losses, rows).mean())


def exactly(value: float) -> Range:
    """A cost that does not depend on any order."""
    return Range(value, value)


def either(a: float, b: float) -> Range:
    """A cost that depends on which cause is removed first."""
    return Range(min(a, b), max(a, b))


# ---- alone


def healthy(rng: np.random.Generator, n: int, k: int, severity: int) -> Planted:
    """Calibrated: exactly, or but for a temperature whose cost nobody would notice."""
    accuracy = (0.6 if k > 2 else 0.7, 0.85, 0.97)[severity]
    it = model(rng, n, k, accuracy)
    return heated(it, float(rng.choice((1.0, 1.0, 0.97, 1.03)))).planted(effect=0.0)


def overconfidence(rng: np.random.Generator, n: int, k: int, severity: int) -> Planted:
    factor = TOO_SURE[severity]
    it = heated(model(rng, n, k), factor)
    return it.planted("overconfidence", nats={"overconfidence": exactly(cost_of_heat(it, factor))})


def underconfidence(rng: np.random.Generator, n: int, k: int, severity: int) -> Planted:
    factor = TOO_TIMID[severity]
    it = heated(model(rng, n, k), factor)
    return it.planted(
        "underconfidence", nats={"underconfidence": exactly(cost_of_heat(it, factor))}
    )


def class_bias(rng: np.random.Generator, n: int, k: int, severity: int) -> Planted:
    it = biased(rng, model(rng, n, k), BIAS[severity])
    cost = it.loss - mean_loss(it.exact, it.y)
    return it.planted("class-bias", nats={"class-bias": exactly(cost)})


def label_noise(rng: np.random.Generator, n: int, k: int, severity: int) -> Planted:
    it = noisy(rng, model(rng, n, k), NOISE[severity])
    cost = it.loss - loss_knowing_noise(it, NOISE[severity])
    return it.planted("label-noise", nats={"label-noise": exactly(cost)}, effect=cost)


def outliers(rng: np.random.Generator, n: int, k: int, severity: int) -> Planted:
    it, rows = with_lapses(rng, model(rng, n, k, 0.97), FEW[severity])
    cost = cost_of_rows(it, rows)
    return it.planted("outliers", nats={"outliers": exactly(cost)}, effect=cost)


def infinite_loss(rng: np.random.Generator, n: int, k: int, severity: int) -> Planted:
    it, rows = with_lapses(rng, model(rng, n, k), FEW[severity])
    scores = it.logits.copy()
    scores[rows, it.y[rows]] = -np.inf
    others = np.delete(losses_of(it.logits, it.y), rows)
    clipped = (others.sum() - len(rows) * np.log(CEILING)) / n
    cost = exactly(float(clipped - others.mean()))
    return it.planted("infinite-loss", nats={"infinite-loss": cost}, scores=scores, effect=np.inf)


def double_softmax(rng: np.random.Generator, n: int, k: int, _severity: int) -> Planted:
    it = model(rng, n, k)
    it = replace(it, logits=np.exp(it.exact))
    cost = it.loss - mean_loss(it.exact, it.y)
    return it.planted("double-softmax", nats={"double-softmax": exactly(cost)})


def not_probabilities(rng: np.random.Generator, n: int, k: int, _severity: int) -> Planted:
    it = model(rng, n, k)
    raw = it.exact + rng.standard_normal((n, 1))  # as a network leaves them
    return it.planted("not-probabilities", scores=raw, scale="probs", effect=np.inf)


def clipped_loss(rng: np.random.Generator, n: int, k: int, severity: int) -> Planted:
    it = model(rng, n, k)
    prob = np.exp(it.exact)
    rows = rng.choice(n, size=max(4, round(FEW[severity] * n)), replace=False)
    prob[rows] *= ((1.0 - CEILING) / (1.0 - prob[rows, it.y[rows]]))[:, None]
    prob[rows, it.y[rows]] = CEILING
    it = replace(it, logits=np.log(prob))
    cost = exactly(-len(rows) * np.log(CEILING) / n)
    return it.planted("clipped-loss", nats={"clipped-loss": cost}, scores=prob, scale="probs")


def permuted_classes(rng: np.random.Generator, n: int, k: int, severity: int) -> Planted:
    it = model(rng, n, k)
    many = k if severity == 2 else max(2, round((0.3, 0.6)[severity] * k))
    many = 2 if k == 3 else many  # three around in a circle are labels moved by one
    moved = rng.choice(k, size=many, replace=False)
    names = np.arange(k)
    # Around in a circle, in an order of its own, so that every one of them gets another name.
    names[moved] = np.roll(moved, 1)
    it = replace(it, y=names[it.y])
    cost = it.loss - mean_loss(it.exact, it.world.y)
    return it.planted("permuted-classes", nats={"permuted-classes": exactly(cost)})


def label_encoding(rng: np.random.Generator, n: int, k: int, severity: int) -> Planted:
    it = model(rng, n, max(3, k))
    step = (1, -1, 1)[severity]
    return replace(it, y=(it.y + step) % max(3, k)).planted("label-encoding")


def saturated(rng: np.random.Generator, n: int, k: int, _severity: int) -> Planted:
    it = model(rng, n, k, 0.8)
    prob = np.full((n, k), CEILING)
    prob[np.arange(n), it.exact.argmax(axis=1)] = 1.0 - CEILING
    it = replace(it, logits=np.log(prob))
    return it.planted("saturated", scores=prob, scale="probs")


def chance_level(rng: np.random.Generator, n: int, k: int, severity: int) -> Planted:
    it = model(rng, n, k, 1e-3, shares=np.full(k, 1.0 / k))  # as near as can be: nothing is known
    away = (0.0, 0.3, 1.0)[severity] * rng.standard_normal((n, k))
    it = replace(it, logits=away)
    shares = np.bincount(it.y, minlength=k) / n
    guess = float(-(shares * np.log(np.maximum(shares, 1e-12))).sum())
    return it.planted(
        "chance-level", nats={"chance-level": exactly(it.loss - guess)}, effect=np.inf
    )


def majority_class(rng: np.random.Generator, n: int, k: int, severity: int) -> Planted:
    largest = (0.7, 0.85, 0.95)[severity]
    shares = np.full(k, (1.0 - largest) / (k - 1))
    shares[rng.integers(k)] = largest
    it = model(rng, n, k, largest, shares=shares)
    # Hardly more than the shares themselves is known, so that no other class ever wins.
    return replace(it, logits=np.log(shares) + 0.1 * rng.standard_normal((n, k))).planted(
        "majority-class", effect=np.inf
    )


def non_finite(rng: np.random.Generator, n: int, k: int, severity: int) -> Planted:
    it = model(rng, n, k)
    scores = it.logits.copy()
    scores[rng.choice(n, size=max(1, round(FEW[severity] * n)), replace=False)] = np.nan
    return it.planted("non-finite", scores=scores, effect=np.inf)


def small_validation_set(rng: np.random.Generator, n: int, k: int, _severity: int) -> Planted:
    return model(rng, min(n, 150), k).planted("small-validation-set", effect=0.0)


# ---- a reported loss beside the predictions


def reported(it: Model, cause: str, loss: float, nats: float | None = None) -> Planted:
    """The predictions of a healthy model, and another loss than theirs in the log."""
    shares = it.logits.argmax(axis=1) == it.y
    history = History.from_rows(
        [{"epoch": 0, "split": "val", "loss": loss, "accuracy": float(shares.mean())}]
    )
    known = {} if nats is None else {cause: exactly(nats)}
    return it.planted(cause, history=history, effect=np.inf, nats=known)


def loss_mismatch(rng: np.random.Generator, n: int, k: int, severity: int) -> Planted:
    it = model(rng, n, k)
    factor = (float(n), 1.0 / np.log(2.0), 1.1)[severity]  # a sum, bits, and another term in it
    return reported(it, "loss-mismatch", factor * it.loss)


def smoothing_or_weights(rng: np.random.Generator, n: int, k: int, severity: int) -> Planted:
    it = model(rng, n, k)
    if severity == 2:
        counts = np.bincount(it.y, minlength=k)
        sums = np.bincount(it.y, losses_of(it.logits, it.y), minlength=k)
        if len(np.unique(counts[counts > 0])) > 1:  # else there is nothing to weigh
            return reported(
                it, "smoothing-or-weights", float((sums / np.maximum(counts, 1))[counts > 0].mean())
            )
    share = (0.1, 0.2, 0.05)[severity]
    uniform = float(-log_softmax(it.logits).mean())
    return reported(it, "smoothing-or-weights", (1 - share) * it.loss + share * uniform)


def last_batch_skew(rng: np.random.Generator, n: int, k: int, severity: int) -> Planted:
    it = model(rng, n - n % 64 + 7, k)
    batch = (32, 64, 64)[severity]
    losses = losses_of(it.logits, it.y)
    means = [losses[at : at + batch].mean() for at in range(0, len(losses), batch)]
    away = abs(float(np.mean(means)) - it.loss)
    return reported(it, "last-batch-skew", float(np.mean(means)), away)


def binary_loss_for_classes(rng: np.random.Generator, n: int, k: int, _severity: int) -> Planted:
    it = model(rng, n, max(3, k))
    prob = np.exp(log_softmax(it.logits))
    one_hot = np.eye(prob.shape[1])[it.y]
    rest = np.log1p(-np.minimum(prob, 1 - 1e-12))
    loss = -(one_hot * np.log(prob) + (1 - one_hot) * rest).mean()
    return reported(it, "binary-loss-for-classes", float(loss))


def validation_too_easy(rng: np.random.Generator, n: int, k: int, severity: int) -> Planted:
    it = model(rng, n, k)
    train = model(rng, n, k)
    rows = np.arange(max(6, round((0.03, 0.1, 0.3)[severity] * n)))
    # The model remembers its training samples: right, and surer than on the rest.
    logits, y = it.logits.copy(), it.y.copy()
    learnt = 8.0 * train.exact
    y[rows], logits[rows] = learnt[rows].argmax(axis=1), learnt[rows]
    it = replace(it, logits=logits, y=y)
    val = it.planted().source.predictions("val", 0)
    of_train = Predictions.from_arrays(
        learnt.argmax(axis=1), logits=learnt.astype(np.float32), classes=val.classes, split="train"
    )
    cost = np.delete(losses_of(logits, y), rows).mean() - it.loss
    return Planted(
        ("validation-too-easy",),
        InMemorySource([val, of_train]),
        {"validation-too-easy": (exactly(float(cost)),)},
    )


# ---- in pairs


def _hot_and_noisy(
    rng: np.random.Generator, n: int, k: int, factor: float
) -> tuple[Model, dict[str, Range]]:
    """Logits of another size, redrawn labels; nats of "heat" and "label-noise" in both orders."""
    it = noisy(rng, heated(model(rng, n, k), factor), NOISE[1])
    neither = loss_knowing_noise(it, NOISE[1])
    no_heat = loss_at_best_temperature(it.logits, it.y)
    no_noise = loss_at_best_share(it)
    return it, {
        "heat": either(it.loss - no_heat, no_noise - neither),
        "label-noise": either(it.loss - no_noise, no_heat - neither),
    }


def sure_and_noisy(rng: np.random.Generator, n: int, k: int, severity: int) -> Planted:
    it, costs = _hot_and_noisy(rng, n, k, TOO_SURE[severity])
    return _pair(it, {"overconfidence": costs["heat"], "label-noise": costs["label-noise"]})


def timid_and_noisy(rng: np.random.Generator, n: int, k: int, severity: int) -> Planted:
    it, costs = _hot_and_noisy(rng, n, k, TOO_TIMID[severity])
    return _pair(it, {"underconfidence": costs["heat"], "label-noise": costs["label-noise"]})


def sure_and_biased(rng: np.random.Generator, n: int, k: int, severity: int) -> Planted:
    factor = TOO_SURE[severity]
    hot = heated(model(rng, n, k), factor)
    it = biased(rng, hot, factor * BIAS[1])
    neither, no_heat = mean_loss(it.exact, it.y), loss_at_best_temperature(it.logits, it.y)
    return _pair(
        it,
        {
            "overconfidence": either(it.loss - no_heat, hot.loss - neither),
            "class-bias": either(it.loss - hot.loss, no_heat - neither),
        },
    )


def _hot_with_lapses(
    rng: np.random.Generator, n: int, k: int, factor: float
) -> tuple[Model, dict[str, Range]]:
    clean = heated(model(rng, n, k, 0.95), factor)
    it, rows = with_lapses(rng, clean, FEW[1])
    return it, {
        "heat": either(cost_of_heat(it, factor), cost_of_heat(clean, factor)),
        "outliers": exactly(cost_of_rows(it, rows)),
    }


def sure_with_lapses(rng: np.random.Generator, n: int, k: int, severity: int) -> Planted:
    it, costs = _hot_with_lapses(rng, n, k, TOO_SURE[severity])
    return _pair(it, {"overconfidence": costs["heat"], "outliers": costs["outliers"]})


def timid_with_lapses(rng: np.random.Generator, n: int, k: int, severity: int) -> Planted:
    it, costs = _hot_with_lapses(rng, n, k, TOO_TIMID[severity])
    return _pair(it, {"underconfidence": costs["heat"], "outliers": costs["outliers"]})


def noisy_and_biased(rng: np.random.Generator, n: int, k: int, severity: int) -> Planted:
    tilted = biased(rng, model(rng, n, k), BIAS[severity])
    it = noisy(rng, tilted, NOISE[1])
    clean = replace(it, logits=it.exact)
    neither = loss_knowing_noise(it, NOISE[1])
    no_noise = loss_at_best_share(it)
    return _pair(
        it,
        {
            "label-noise": either(it.loss - no_noise, clean.loss - neither),
            "class-bias": either(it.loss - clean.loss, no_noise - neither),
        },
    )


def permuted_and_sure(rng: np.random.Generator, n: int, k: int, severity: int) -> Planted:
    it = heated(model(rng, n, k), TOO_SURE[severity])
    return replace(it, y=(k - 1 - it.y)).planted("permuted-classes")


def infinite_and_sure(rng: np.random.Generator, n: int, k: int, severity: int) -> Planted:
    factor = TOO_SURE[severity]
    clean = heated(model(rng, n, k), factor)
    it, rows = with_lapses(rng, clean, FEW[0])
    scores = it.logits.copy()
    scores[rows, it.y[rows]] = -np.inf
    return it.planted("infinite-loss", "overconfidence", scores=scores, effect=np.inf)


def _pair(it: Model, costs: dict[str, Range]) -> Planted:
    dearest = sorted(costs, key=lambda cause: -(costs[cause].low + costs[cause].high))
    return it.planted(*dearest, nats=costs)


ALONE: dict[str, Plan] = {
    "healthy": healthy,
    "overconfidence": overconfidence,
    "underconfidence": underconfidence,
    "class-bias": class_bias,
    "label-noise": label_noise,
    "outliers": outliers,
    "infinite-loss": infinite_loss,
    "double-softmax": double_softmax,
    "not-probabilities": not_probabilities,
    "clipped-loss": clipped_loss,
    "permuted-classes": permuted_classes,
    "label-encoding": label_encoding,
    "saturated": saturated,
    "chance-level": chance_level,
    "majority-class": majority_class,
    "non-finite": non_finite,
    "small-validation-set": small_validation_set,
    "loss-mismatch": loss_mismatch,
    "smoothing-or-weights": smoothing_or_weights,
    "last-batch-skew": last_batch_skew,
    "binary-loss-for-classes": binary_loss_for_classes,
    "validation-too-easy": validation_too_easy,
}
PAIRS: dict[str, Plan] = {
    "overconfidence + label-noise": sure_and_noisy,
    "underconfidence + label-noise": timid_and_noisy,
    "overconfidence + class-bias": sure_and_biased,
    "overconfidence + outliers": sure_with_lapses,
    "underconfidence + outliers": timid_with_lapses,
    "label-noise + class-bias": noisy_and_biased,
    "permuted-classes + overconfidence": permuted_and_sure,
    "infinite-loss + overconfidence": infinite_and_sure,
}
