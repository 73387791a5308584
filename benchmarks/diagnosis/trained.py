"""Small networks, trained with a planted fault, recorded as users record theirs, and diagnosed."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from benchmarks.diagnosis.trial import Design, Planted, judge

import whyloss
from whyloss.readers import read

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.diagnosis.trial import Outcome

SEEDS = 4
BATCH = 32


@dataclass(frozen=True)
class Recipe:
    """One training and the fault in it.

    Attributes
    ----------
    causes : tuple of str
        Names under which the planted fault is right; none for a healthy training.
    data : str
        "digits", "wine", "cancer", "tangled" (many clusters per class) or "blobs" (Gaussian classes
        of one variance, for which a linear model is exactly right).
    train, val : int
        Samples of each split.
    hidden : tuple of int
        Sizes of the hidden layers; none for a linear model.
    epochs, rate, decay, dropout
        Of Adam.
    predictions : tuple of str
        Splits whose predictions are recorded at every epoch; of all others only what is reported.
    objective, reported : str
        What is minimised, and what is written into the log.
    train_noise, val_noise : float
        Shares of labels that are redrawn.
    spoil : callable, optional
        Changes the inputs and labels of the splits.
    split : str, optional
        The split to diagnose.
    """

    causes: tuple[str, ...]
    data: str = "digits"
    train: int = 800
    val: int = 900
    hidden: tuple[int, ...] = (64,)
    epochs: int = 12
    rate: float = 2e-3
    decay: float = 0.0
    dropout: float = 0.0
    predictions: tuple[str, ...] = ("train", "val")
    objective: str = "cross-entropy"
    reported: str = "mean"
    train_noise: float = 0.0
    val_noise: float = 0.0
    spoil: Callable[[Splits, np.random.Generator], None] | None = None
    split: str | None = None


@dataclass
class Splits:
    """Inputs and labels by split; scaled as the training split is."""

    x: dict[str, np.ndarray] = field(default_factory=dict)
    y: dict[str, np.ndarray] = field(default_factory=dict)
    raw: dict[str, np.ndarray] = field(default_factory=dict)
    n_classes: int = 2


# ---- faults in the data


def permuted(splits: Splits, rng: np.random.Generator) -> None:
    """Sort the classes of the validation set otherwise."""
    order = np.arange(splits.n_classes)
    while (order == np.arange(splits.n_classes)).any():
        order = rng.permutation(splits.n_classes)
    splits.y["val"] = order[splits.y["val"]]


def moved(splits: Splits, _rng: np.random.Generator) -> None:
    """Count the labels of the validation set from 1."""
    splits.y["val"] = (splits.y["val"] + 1) % splits.n_classes


def unscaled(splits: Splits, _rng: np.random.Generator) -> None:
    """Forget to scale the inputs of the validation set."""
    splits.x["val"] = splits.raw["val"]


def shuffled_columns(splits: Splits, rng: np.random.Generator) -> None:
    """Read the columns of the validation set in another order."""
    splits.x["val"] = splits.x["val"][:, rng.permutation(splits.x["val"].shape[1])]


def unbalanced(splits: Splits, rng: np.random.Generator) -> None:
    """Leave 4 % of all classes but the first, and no signal in the inputs."""
    for split, y in splits.y.items():
        kept = (y == 0) | (rng.random(len(y)) < 0.04)
        splits.y[split] = (y[kept] > 0).astype(np.int64)
        splits.x[split] = 0.05 * rng.standard_normal(splits.x[split][kept].shape)
    splits.n_classes = 2


def leaked(splits: Splits, rng: np.random.Generator) -> None:
    """Put training samples into the validation set."""
    rows = rng.choice(len(splits.y["train"]), size=len(splits.y["val"]) // 5, replace=False)
    splits.x["val"][: len(rows)] = splits.x["train"][rows]
    splits.y["val"][: len(rows)] = splits.y["train"][rows]


def not_a_number(splits: Splits, _rng: np.random.Generator) -> None:
    """A missing value in three inputs."""
    splits.x["val"][:3, 0] = np.nan


RECIPES: dict[str, Recipe] = {
    "healthy, linear": Recipe((), "blobs", 4000, 3000, (), rate=1e-2, epochs=10),
    "healthy, linear, curves": Recipe(
        (), "blobs", 4000, 3000, (), rate=1e-2, epochs=10, predictions=()
    ),
    "healthy, small network": Recipe((), "blobs", 6000, 3000, (8,), rate=5e-3, decay=1e-4),
    "too many epochs": Recipe(("overconfidence",), train=150, epochs=60, rate=1e-2),
    "too many epochs, curves": Recipe(
        ("overconfidence",), "tangled", 400, 2000, (128,), 60, predictions=()
    ),
    "too many epochs, tangled": Recipe(("overconfidence",), "tangled", 400, 2000, (128,), 60),
    "overfitting to noisy labels": Recipe(
        ("overfitting",), train=700, hidden=(256,), epochs=60, train_noise=0.4
    ),
    "overfitting to noisy labels, curves": Recipe(
        ("overfitting",), train=700, hidden=(256,), epochs=60, train_noise=0.4, predictions=()
    ),
    "flipped training labels, seen in training": Recipe(
        ("label-noise",), train=1000, epochs=12, train_noise=0.2, decay=1e-3, split="train"
    ),
    "flipped training labels, seen in validation": Recipe(
        ("underconfidence",), train=1000, epochs=12, train_noise=0.2, decay=1e-3
    ),
    "flipped validation labels": Recipe(("label-noise",), val_noise=0.1),
    "softmax twice": Recipe(("double-softmax",), objective="softmax twice", epochs=20),
    "softmax twice, curves": Recipe(
        ("double-softmax",), objective="softmax twice", epochs=40, predictions=()
    ),
    "binary loss": Recipe(
        ("binary-loss-for-classes",), objective="binary", reported="binary", predictions=("val",)
    ),
    "permuted validation classes": Recipe(("permuted-classes",), spoil=permuted),
    "validation labels from 1": Recipe(("label-encoding",), spoil=moved),
    "unscaled validation inputs": Recipe(
        ("distribution-shift",), "cancer", 280, 280, spoil=unscaled
    ),
    "validation columns in another order": Recipe(("distribution-shift",), spoil=shuffled_columns),
    "the same, curves": Recipe(("distribution-shift",), spoil=shuffled_columns, predictions=()),
    "imbalance": Recipe(
        ("majority-class",), "digits", 800, 900, (), 40, rate=1e-2, spoil=unbalanced
    ),
    "tiny validation set": Recipe(
        ("small-validation-set",), "wine", 140, 30, (), epochs=15, rate=1e-2, decay=1e-2
    ),
    # So high that it jumps, and so high that no unit survives the first steps.
    "learning rate too high": Recipe(
        ("unstable-training",), rate=0.1, hidden=(64, 64), epochs=20, predictions=()
    ),
    "learning rate much too high": Recipe(
        ("unstable-training", "non-finite", "chance-level"), rate=0.6, hidden=(64, 64), epochs=20,
        predictions=("val",),
    ),
    "too few epochs": Recipe(
        ("underfitting", "underconfidence"), epochs=5, rate=1e-4, predictions=("val",)
    ),
    "too small a model": Recipe(("underfitting",), "tangled", 3000, 2000, (), epochs=15),
    "label smoothing": Recipe(("underconfidence",), objective="smoothing", epochs=25, decay=1e-3),
    "smoothed loss in the log": Recipe(
        ("smoothing-or-weights",), "blobs", 4000, 3000, (), rate=1e-2, epochs=10,
        reported="smoothed", predictions=("val",),
    ),
    "summed loss in the log": Recipe(
        ("loss-mismatch",), "blobs", 4000, 3000, (), rate=1e-2, epochs=10, reported="sum",
        predictions=("val",),
    ),
    "summed loss in the log, curves": Recipe(
        ("loss-mismatch",), "blobs", 4000, 3000, (), rate=1e-2, epochs=10, reported="sum",
        predictions=(),
    ),
    "short last batch in full": Recipe(
        ("last-batch-skew",), "blobs", 4000, 2990, (), rate=1e-2, epochs=10,
        reported="mean of batches", predictions=("val",),
    ),
    "dropout": Recipe(
        ("train-mode-gap",), hidden=(64,), epochs=20, dropout=0.8, predictions=()
    ),
    "duplicates in validation": Recipe(("validation-too-easy",), decay=1e-3, spoil=leaked),
    "missing inputs": Recipe(("non-finite",), spoil=not_a_number),
}  # fmt: skip


def load(recipe: Recipe, rng: np.random.Generator) -> Splits:
    """Draw both splits, add noise, scale, and spoil."""
    from sklearn import datasets
    from sklearn.preprocessing import StandardScaler

    seed, n = int(rng.integers(2**31)), recipe.train + recipe.val
    if recipe.data == "blobs":
        k, dimensions = 4, 8
        means = 0.6 * rng.standard_normal((k, dimensions))
        y = rng.integers(k, size=n)
        x = means[y] + rng.standard_normal((n, dimensions))
    elif recipe.data == "tangled":
        x, y = datasets.make_classification(
            n, 20, n_informative=10, n_classes=5, n_clusters_per_class=4, random_state=seed
        )
    else:
        loaders = {
            "digits": datasets.load_digits,
            "wine": datasets.load_wine,
            "cancer": datasets.load_breast_cancer,
        }
        x, y = loaders[recipe.data](return_X_y=True)
    order = rng.permutation(len(y))[:n]
    rows = {"train": order[: recipe.train], "val": order[recipe.train :]}
    scaler = StandardScaler().fit(x[rows["train"]])
    splits = Splits(n_classes=int(y.max()) + 1)
    for split, noise in (("train", recipe.train_noise), ("val", recipe.val_noise)):
        splits.raw[split] = x[rows[split]]
        splits.x[split] = scaler.transform(x[rows[split]])
        clean = y[rows[split]]
        drawn = rng.integers(splits.n_classes, size=len(clean))
        splits.y[split] = np.where(rng.random(len(clean)) < noise, drawn, clean)
    if recipe.spoil is not None:
        recipe.spoil(splits, rng)
    return splits


def train(recipe: Recipe, splits: Splits, seed: int, folder: Path) -> None:
    """Train, and record every epoch."""
    import torch

    torch.manual_seed(seed)
    torch.set_num_threads(1)
    x = {s: torch.tensor(v, dtype=torch.float32) for s, v in splits.x.items()}
    y = {s: torch.tensor(v, dtype=torch.int64) for s, v in splits.y.items()}
    model = _network(recipe, x["train"].shape[1], splits.n_classes)
    optimizer = torch.optim.Adam(model.parameters(), recipe.rate, weight_decay=recipe.decay)
    objective = _losses(recipe.objective)
    with whyloss.Recorder(folder) as recorder:
        for epoch in range(1, recipe.epochs + 1):
            model.train()
            losses, right = [], 0
            for batch in torch.randperm(len(y["train"])).split(BATCH):
                optimizer.zero_grad()
                out = model(x["train"][batch])
                loss = objective(out, y["train"][batch]).mean()
                loss.backward()
                optimizer.step()
                losses.append(loss.item() * len(batch))
                right += int((out.argmax(1) == y["train"][batch]).sum())
            model.eval()
            n = len(y["train"])
            factor = BATCH if recipe.reported == "sum" else 1
            recorder.log_scalars(
                epoch=epoch, split="train", loss=factor * sum(losses) / n, accuracy=right / n
            )
            with torch.no_grad():
                out = model(x["val"])
                recorder.log_scalars(
                    epoch=epoch,
                    split="val",
                    loss=_report(recipe, out, y["val"]),
                    accuracy=(out.argmax(1) == y["val"]).double().mean().item(),
                )
                for split in recipe.predictions:
                    recorder.log(split=split, epoch=epoch, logits=model(x[split]), y_true=y[split])


def _network(recipe: Recipe, n_inputs: int, n_classes: int) -> Any:  # noqa: ANN401 - of torch
    from torch import nn

    layers: list[Any] = []
    for size in recipe.hidden:
        layers += [nn.Linear(n_inputs, size), nn.ReLU(), nn.Dropout(recipe.dropout)]
        n_inputs = size
    layers.append(nn.Linear(n_inputs, n_classes))
    if recipe.objective == "softmax twice":
        layers.append(nn.Softmax(dim=1))
    return nn.Sequential(*layers)


def _losses(name: str) -> Callable[[Any, Any], Any]:
    """A loss per sample."""
    from torch.nn import functional

    def binary(out: Any, y: Any) -> Any:  # noqa: ANN401 - tensors
        one_hot = functional.one_hot(y, out.shape[1]).to(out.dtype)
        prob = functional.softmax(out, dim=1)
        return functional.binary_cross_entropy(prob, one_hot, reduction="none").mean(dim=1)

    def plain(out: Any, y: Any) -> Any:  # noqa: ANN401 - tensors
        return functional.cross_entropy(out, y, reduction="none")

    def smoothed(out: Any, y: Any) -> Any:  # noqa: ANN401 - tensors
        return functional.cross_entropy(out, y, reduction="none", label_smoothing=0.1)

    return {"binary": binary, "smoothing": smoothed, "smoothed": smoothed}.get(name, plain)


def _report(recipe: Recipe, out: Any, y: Any) -> float:  # noqa: ANN401 - tensors
    losses = _losses(recipe.reported)(out, y)
    if recipe.reported == "sum":
        return float(losses.sum())
    if recipe.reported == "mean of batches":
        means = [batch.mean() for batch in losses.split(BATCH)]
        return float(sum(means) / len(means))
    return float(losses.mean())


def designs(first_seed: int, only: str = "", *, quick: bool = False) -> list[Design]:
    """Every training, or one of each."""
    return [
        Design(name, first_seed + at, recipe.val, 0, 0)
        for name, recipe in RECIPES.items()
        if only in name
        for at in range(1 if quick else SEEDS)
    ]


def run(design: Design) -> Outcome:
    """Train, record, and diagnose what was recorded."""
    recipe = RECIPES[design.name]
    rng = np.random.default_rng([design.seed, list(RECIPES).index(design.name)])
    accepted = dict.fromkeys(recipe.causes[:1], recipe.causes[1:])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run"
        train(recipe, load(recipe, rng), design.seed, path)
        planted = Planted(recipe.causes[:1], read(path), accepted=accepted, split=recipe.split)
        return judge(design, planted)
