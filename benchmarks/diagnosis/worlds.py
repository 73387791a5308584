"""Inputs whose exact posterior is known, and models of them that know less or say more.

They are drawn otherwise than the examples that the rules are tested with: class means lie at
random, so that some classes are hard to tell apart and others easy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize_scalar

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Labels = npt.NDArray[np.int64]

DIMENSIONS = 16
PILOT = 2000
CLEARLY = 0.2  # accuracy above the share of the largest class
FRESH = 0.1  # share of the blur that is drawn anew at every epoch


@dataclass(frozen=True, eq=False)
class World:
    """Samples of Gaussian classes.

    Attributes
    ----------
    y : ndarray of int, shape (n_samples,)
    x, haze : ndarray, shape (n_samples, n_dimensions)
        Inputs, and the noise that a blurred model sees them through.
    means : ndarray, shape (n_classes, n_dimensions)
    shares : ndarray, shape (n_classes,)
    """

    y: Labels
    x: Floats
    haze: Floats
    means: Floats
    shares: Floats

    def log_posterior(self, blur: float = 0.0, rng: np.random.Generator | None = None) -> Floats:
        """Exact log-probabilities of the classes, with inputs seen through such noise."""
        haze = self.haze
        if rng is not None:
            anew = rng.standard_normal(haze.shape)
            haze = np.sqrt(1.0 - FRESH) * haze + np.sqrt(FRESH) * anew
        return log_posterior(
            self.x + blur * haze if blur else self.x, self.means, self.shares, blur
        )


def make_world(
    rng: np.random.Generator,
    n_samples: int,
    n_classes: int,
    accuracy: float,
    shares: Floats | None = None,
) -> World:
    """Draw samples that the exact posterior classifies with about that accuracy."""
    if shares is None:
        shares = np.full(n_classes, 1.0 / n_classes)
        drawn = rng.dirichlet(np.full(n_classes, 8))
        # Where the largest class alone were nearly as accurate, predicting it throughout is right.
        if rng.random() < 0.5 and drawn.max() < accuracy - CLEARLY:
            shares = drawn
    directions = rng.standard_normal((n_classes, DIMENSIONS))
    apart = _spread(rng, directions, shares, accuracy)
    y, x = _draw(rng, apart * directions, shares, n_samples)
    return World(y, x, rng.standard_normal(x.shape), apart * directions, shares)


def log_posterior(x: Floats, means: Floats, shares: Floats, blur: float = 0.0) -> Floats:
    """Exact log-probabilities of Gaussian classes of variance 1 plus that of the blur."""
    fit = x @ means.T - 0.5 * (means**2).sum(axis=1)
    return log_softmax(fit / (1.0 + blur**2) + np.log(shares))


def log_softmax(logits: Floats) -> Floats:
    """Logarithm of the softmax of every row."""
    below = logits - logits.max(axis=1, keepdims=True)
    return below - np.log(np.exp(below).sum(axis=1, keepdims=True))


def mean_loss(logits: Floats, y: Labels) -> float:
    """Mean cross-entropy, nats."""
    return float(losses_of(logits, y).mean())


def losses_of(logits: Floats, y: Labels) -> Floats:
    """Cross-entropy of every sample, nats."""
    return -log_softmax(logits)[np.arange(len(y)), y]


def loss_at_best_temperature(logits: Floats, y: Labels) -> float:
    """Mean cross-entropy after the one temperature that makes it smallest."""
    found = minimize_scalar(
        lambda u: mean_loss(np.exp(u) * logits, y), bounds=(-4.0, 4.0), method="bounded"
    )
    return float(found.fun)


def _draw(
    rng: np.random.Generator, means: Floats, shares: Floats, n_samples: int
) -> tuple[Labels, Floats]:
    y = rng.choice(len(shares), size=n_samples, p=shares)
    return y, means[y] + rng.standard_normal((n_samples, means.shape[1]))


def _spread(rng: np.random.Generator, directions: Floats, shares: Floats, accuracy: float) -> float:
    """How far apart the means must lie: bisection on a pilot sample."""
    y = rng.choice(len(shares), size=PILOT, p=shares)
    noise = rng.standard_normal((PILOT, directions.shape[1]))
    low, high = 0.0, 8.0
    for _ in range(16):
        middle = 0.5 * (low + high)
        means = middle * directions
        right = log_posterior(means[y] + noise, means, shares).argmax(axis=1) == y
        low, high = (middle, high) if right.mean() < accuracy else (low, middle)
    return 0.5 * (low + high)
