"""Predictions with a known cause and known nats, for the tests of whyloss and of its users.

Samples are drawn from Gaussian classes whose exact posterior is known, so that a calibrated model
exists and every departure from it has a computable price.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from whyloss.data import History, InMemorySource, Predictions, TaskFacts, Trend

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from whyloss.data import Scale

    Curve = Sequence[float] | npt.NDArray[np.float64]  # one number per epoch


@dataclass(frozen=True, eq=False)
class KnownCause:
    """Predictions and the truth about them.

    Attributes
    ----------
    source : InMemorySource
        One set of predictions per epoch, split "val".
    refinement, calibration : tuple of float
        Per epoch, the expected loss of the calibrated model behind the predictions, and what the
        planted temperature adds to it; nats, averaged over the inputs that were drawn.
    noise : float
        Share of labels that were redrawn uniformly.
    """

    source: InMemorySource
    refinement: tuple[float, ...]
    calibration: tuple[float, ...]
    noise: float


def known_cause(
    seed: int,
    *,
    temperature: float | Sequence[float] = 1.0,
    blur: float | Sequence[float] = 0.0,
    noise: float = 0.0,
    signal: float = 2.0,
    n_samples: int = 2000,
    n_classes: int = 3,
    shares: Sequence[float] | None = None,
) -> KnownCause:
    """Make predictions with planted faults.

    Sample i of class y is ``x = signal * e_y + N(0, I)`` in K dimensions; the model sees it
    through fresh noise of standard deviation `blur`, states the exact posterior of what it sees,
    and then multiplies its logits by `temperature`.

    Parameters
    ----------
    seed : int
    temperature : float or sequence of float, default 1
        Per epoch; above 1 the model is over-confident by that factor.
    blur : float or sequence of float, default 0
        Per epoch; a blurred model knows less and is still calibrated. Where it is above 0, epochs
        differ by chance.
    noise : float, default 0
        Share of labels redrawn uniformly over the classes, the model not knowing.
    signal : float, default 2
        Distance of the class means in standard deviations; 0 leaves nothing to learn.
    n_samples, n_classes : int
    shares : sequence of float, optional
        Class shares; uniform if left out.

    Returns
    -------
    KnownCause
    """
    rng = np.random.default_rng(seed)
    weights = np.full(n_classes, 1.0 / n_classes) if shares is None else np.asarray(shares, float)
    weights = weights / weights.sum()
    y_clean = rng.choice(n_classes, size=n_samples, p=weights)
    x = rng.standard_normal((n_samples, n_classes))
    x[np.arange(n_samples), y_clean] += signal
    flipped = rng.random(n_samples) < noise
    y_true = np.where(flipped, rng.integers(n_classes, size=n_samples), y_clean)

    n_epochs = max(np.size(temperature), np.size(blur))
    temperatures = np.broadcast_to(np.asarray(temperature, float), n_epochs)
    blurs = np.broadcast_to(np.asarray(blur, float), n_epochs)
    snapshots, refinement, calibration = [], [], []
    for epoch, (factor, sigma) in enumerate(zip(temperatures, blurs, strict=True), start=1):
        seen = x + sigma * rng.standard_normal(x.shape) if sigma else x
        exact = _log_softmax(signal * seen / (1.0 + sigma**2) + np.log(weights))
        stated = factor * exact
        prob = np.exp(exact)
        known = float(-(prob * exact).sum(axis=1).mean())
        paid = float(-(prob * _log_softmax(stated)).sum(axis=1).mean())
        refinement.append(known)
        calibration.append(paid - known)
        snapshots.append(
            Predictions.from_arrays(y_true, logits=stated, epoch=epoch if n_epochs > 1 else None)
        )
    return KnownCause(
        InMemorySource(snapshots, name="known cause"), tuple(refinement), tuple(calibration), noise
    )


def known_history(
    seed: int,
    *,
    val_loss: Curve,
    val_accuracy: Curve | None = None,
    train_loss: Curve | None = None,
    train_accuracy: Curve | None = None,
    noise: float = 0.0,
    n_val: int | None = None,
    n_classes: int | None = None,
    class_shares: Sequence[float] | None = None,
    scores: Mapping[str, Curve] | None = None,
) -> KnownCause:
    """Make the history of a training without its predictions.

    Parameters
    ----------
    seed : int
    val_loss, val_accuracy, train_loss, train_accuracy : sequence of float, optional
        Per epoch, before the noise.
    noise : float, default 0
        Relative standard deviation of the losses, and a tenth part of it, absolute, of the
        accuracies, drawn anew at every epoch.
    n_val, n_classes, class_shares
        What is known of the task.
    scores : mapping of str to sequence of float, optional
        Further columns, such as ``val_f1``; they get no noise.
    """
    rng = np.random.default_rng(seed)

    def drawn(values: Curve, metric: str) -> list[float]:
        exact = np.asarray(values, dtype=np.float64)
        away = noise * rng.standard_normal(len(exact))
        if metric == "loss":
            return list(exact * np.exp(away))
        return list(np.clip(exact + 0.1 * away, 0.0, 1.0))

    given = {
        "train_loss": train_loss,
        "train_accuracy": train_accuracy,
        "val_loss": val_loss,
        "val_accuracy": val_accuracy,
    }
    columns: dict[str, Any] = {
        name: drawn(values, name.partition("_")[2])
        for name, values in given.items()
        if values is not None
    }
    columns |= scores or {}
    history = History.from_columns(
        n_val=n_val,
        n_classes=n_classes,
        class_shares=class_shares,
        **columns,
    )
    return KnownCause(InMemorySource(history=history, name="known history"), (), (), 0.0)


def known_columns(
    *,
    n_train: int | None = None,
    n_val: int | None = None,
    n_classes: int | None = None,
    facts: TaskFacts | None = None,
    **columns: Curve,
) -> KnownCause:
    """Make a history of any columns, without noise.

    Parameters
    ----------
    n_train, n_val, n_classes : int, optional
    facts : TaskFacts, optional
        What the text around the numbers says of the task.
    **columns : sequence of float
        ``<split>_<metric>``, such as ``val_auc``; all of one length.
    """
    values: dict[str, Any] = {
        name: [float(value) for value in column] for name, column in columns.items()
    }
    history = History.from_columns(n_train=n_train, n_val=n_val, n_classes=n_classes, **values)
    history = replace(history, facts=facts or history.facts)
    return KnownCause(InMemorySource(history=history, name="known columns"), (), (), 0.0)


def known_trends(**directions: str) -> KnownCause:
    """Make a history that says in words what curves do, and gives no number.

    Parameters
    ----------
    **directions : str
        ``<split>_<metric>="rises"``, or "falls", "constant" or "varies".
    """
    named = [(name.partition("_"), direction) for name, direction in directions.items()]
    trends = tuple(Trend(split, metric, direction) for (split, _, metric), direction in named)
    return known_columns(facts=TaskFacts(trends=trends))


def _log_softmax(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    below = logits - logits.max(axis=1, keepdims=True)
    log_prob: npt.NDArray[np.float64] = below - np.log(np.exp(below).sum(axis=1, keepdims=True))
    return log_prob


def spoil(known: KnownCause, *, rows: int, value: float) -> KnownCause:
    """Overwrite all scores of the first `rows` samples, at every epoch, with `value`."""

    def change(predictions: Predictions) -> Predictions:
        scores = predictions.scores.copy()
        scores[:rows] = value
        return _remade(predictions, scores, predictions.scale)

    return _changed(known, change)


def rule_out_truth(known: KnownCause, *, rows: int) -> KnownCause:
    """Give the true class of the first `rows` samples probability 0, at every epoch."""

    def change(predictions: Predictions) -> Predictions:
        scores = predictions.scores.copy()
        scores[np.arange(rows), predictions.y_true[:rows]] = -np.inf
        return _remade(predictions, scores, predictions.scale)

    return _changed(known, change)


def relabel_scale(known: KnownCause, scale: Scale) -> KnownCause:
    """Claim that the scores are on another scale than they are."""
    return _changed(known, lambda predictions: _remade(predictions, predictions.scores, scale))


def softmax_twice(known: KnownCause, *, share: float = 1.0) -> KnownCause:
    """Put probabilities where the logits of the first `share` of the samples were."""

    def change(predictions: Predictions) -> Predictions:
        scores = predictions.scores.astype(np.float64)
        rows = round(share * len(scores))
        scores[:rows] = np.exp(_log_softmax(scores[:rows]))
        return _remade(predictions, scores, "logits")

    return _changed(known, change)


def _changed(known: KnownCause, change: Callable[[Predictions], Predictions]) -> KnownCause:
    snapshots = [known.source.predictions("val", epoch) for epoch in known.source.epochs("val")]
    source = InMemorySource([change(snapshot) for snapshot in snapshots], name="known cause")
    return KnownCause(source, known.refinement, known.calibration, known.noise)


def swap_classes(known: KnownCause, *, share: float = 1.0) -> KnownCause:
    """Exchange the labels 0 and 1 of the first `share` of the samples, at every epoch."""

    def change(predictions: Predictions) -> Predictions:
        y_true = predictions.y_true.copy()
        first = y_true[: round(share * len(y_true))]
        first[first < 2] = 1 - first[first < 2]
        return replace(predictions, y_true=y_true)

    return _changed(known, change)


def mend_last(known: KnownCause, *, rows: int) -> KnownCause:
    """Make the first `rows` wrong samples of the last epoch right."""
    last = known.source.epochs("val")[-1]

    def change(predictions: Predictions) -> Predictions:
        if predictions.epoch != last:
            return predictions
        scores, y_true = predictions.scores.copy(), predictions.y_true
        wrong = np.flatnonzero(scores.argmax(axis=1) != y_true)[:rows]
        top = scores[wrong].argmax(axis=1)
        scores[wrong, top], scores[wrong, y_true[wrong]] = (
            scores[wrong, y_true[wrong]],
            scores[wrong, top],
        )
        return replace(predictions, scores=scores)

    return _changed(known, change)


def shift_classes(known: KnownCause, *, share: float = 1.0) -> KnownCause:
    """Move the labels of the first `share` of the samples on by one, at every epoch."""

    def change(predictions: Predictions) -> Predictions:
        y_true = predictions.y_true.copy()
        first = y_true[: round(share * len(y_true))]
        first += 1
        first %= predictions.n_classes
        return replace(predictions, y_true=y_true)

    return _changed(known, change)


def clip_probabilities(known: KnownCause, *, rows: int, least: float) -> KnownCause:
    """State probabilities, with that of the truth at `least` in the first `rows` samples."""

    def change(predictions: Predictions) -> Predictions:
        prob = np.exp(_log_softmax(predictions.scores.astype(np.float64)))
        place, y = np.arange(rows), predictions.y_true[:rows]
        prob[place, y] = 0.0
        prob[:rows] *= (1.0 - least) / prob[:rows].sum(axis=1, keepdims=True)
        prob[place, y] = least
        return replace(predictions, scores=prob, scale="probs")

    return _changed(known, change)


def bias_classes(known: KnownCause, *, shift: float) -> KnownCause:
    """Add `shift` to the logits of class 0, at every epoch."""

    def change(predictions: Predictions) -> Predictions:
        scores = predictions.scores.copy()
        scores[:, 0] += shift
        return replace(predictions, scores=scores)

    return _changed(known, change)


def batch_means(losses: npt.NDArray[np.float64], batch: int) -> float:
    """Mean of the means of batches, the last of which may be shorter."""
    return float(np.mean([losses[at : at + batch].mean() for at in range(0, len(losses), batch)]))


def report_loss(known: KnownCause, report: Callable[..., float]) -> KnownCause:
    """Add a history whose loss is `report` of the samples' losses.

    `report` takes the losses, shape (n_samples,), and, if it has a second parameter, the mean loss
    of each class.
    """
    source = known.source
    rows: list[dict[str, object]] = []
    for epoch in source.epochs("val"):
        predictions = source.predictions("val", epoch)
        log_prob = _log_softmax(predictions.scores.astype(np.float64))
        losses = -log_prob[np.arange(len(log_prob)), predictions.y_true]
        by_class = [losses[predictions.y_true == k].mean() for k in np.unique(predictions.y_true)]
        wanted = len(inspect.signature(report).parameters)
        loss = report(losses, by_class) if wanted > 1 else report(losses)
        rows.append({"epoch": epoch, "split": "val", "loss": loss})
    snapshots = [source.predictions("val", epoch) for epoch in source.epochs("val")]
    reported = InMemorySource(snapshots, history=History.from_rows(rows), name=source.name)
    return replace(known, source=reported)


def known_splits(seed: int, *, leaked: int, n_samples: int = 400) -> KnownCause:
    """Training and validation predictions, with `leaked` training samples in the validation set."""
    train = known_cause(seed, n_samples=n_samples).source.predictions("val", 0)
    val = known_cause(seed + 100_000, n_samples=n_samples)
    here = val.source.predictions("val", 0)
    y_true, scores = here.y_true.copy(), here.scores.copy()
    y_true[:leaked], scores[:leaked] = train.y_true[:leaked], train.scores[:leaked]
    source = InMemorySource(
        [replace(here, y_true=y_true, scores=scores), replace(train, split="train")],
        name="known splits",
    )
    return replace(val, source=source)


def _remade(
    predictions: Predictions, scores: npt.NDArray[np.floating[Any]], scale: Scale
) -> Predictions:
    return replace(predictions, scores=scores, scale=scale)
