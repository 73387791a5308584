"""Predictions with a known cause and known nats, for the tests of whyloss and of its users.

Samples are drawn from Gaussian classes whose exact posterior is known, so that a calibrated model
exists and every departure from it has a computable price.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from whyloss.data import InMemorySource, Predictions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from whyloss.data import Scale


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


def _remade(
    predictions: Predictions, scores: npt.NDArray[np.floating[Any]], scale: Scale
) -> Predictions:
    return Predictions(
        y_true=predictions.y_true,
        scores=scores,
        scale=scale,
        ids=predictions.ids,
        classes=predictions.classes,
        split=predictions.split,
        epoch=predictions.epoch,
    )
