"""Case C3: loss and accuracy of a logistic regression, over the whole grid of its parameters.

NumPy alone: three data sets, the maximum of the likelihood, and both criteria at every point of a
grid, so that anybody can see that the two optima differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from whyloss.data import Predictions

if TYPE_CHECKING:
    from collections.abc import Iterator

Vector = npt.NDArray[np.float64]

STEP = 0.1
BLOCK = 512  # grid points that are computed together


@dataclass(frozen=True, eq=False)
class DataSet:
    """Points on a line with labels 0 and 1, and the grid to look at.

    Attributes
    ----------
    name : str
    x, y : ndarrays of shape (n_samples,)
    slopes, intercepts : ndarrays
        The grid of ``p = sigmoid(a x + b)``.
    """

    name: str
    x: Vector
    y: npt.NDArray[np.int64]
    slopes: Vector
    intercepts: Vector


@dataclass(frozen=True, eq=False)
class Sweep:
    """Both criteria over the grid, shape (n_slopes, n_intercepts)."""

    log_loss: Vector
    accuracy: Vector


def data_sets() -> dict[str, DataSet]:
    """The three data sets: five points, a hundred, ten thousand.

    The larger two are drawn: x uniform on (-1, 1), y with probability
    ``sigmoid(slope x + intercept)``, with slope 0.3 and intercept 0.5, and 1 and 0.
    """
    small = DataSet(
        "small",
        np.array([-1.0, -0.3, 0.0, 0.9, 1.0]),
        np.array([0, 0, 1, 0, 1]),
        _grid(-5, 5),
        _grid(-5, 5),
    )
    return {
        "small": small,
        "medium": _drawn("medium", 100, seed=845, slope=0.3, intercept=0.5),
        "large": _drawn("large", 10_000, seed=1234, slope=1.0, intercept=0.0),
    }


def _grid(low: float, high: float) -> Vector:
    return np.round(np.arange(low, high + STEP / 2, STEP), 10)


def _drawn(name: str, n: int, *, seed: int, slope: float, intercept: float) -> DataSet:
    """Draw points as R's ``set.seed(seed)``, ``runif`` and ``rbinom`` do, to compare with R."""
    uniform = _uniform_of_r(seed, 2 * n)
    x = 2.0 * uniform[:n] - 1.0
    prob = 1.0 / (1.0 + np.exp(-(slope * x + intercept)))
    # The rarer outcome lies at the upper end of the second draw.
    rare = uniform[n:] >= 1.0 - np.minimum(prob, 1.0 - prob)
    y = np.where(prob > 0.5, ~rare, rare).astype(np.int64)
    return DataSet(name, x, y, _grid(0, 10), _grid(-5, 5))


def _uniform_of_r(seed: int, n: int) -> Vector:
    """Uniform numbers of the Mersenne twister, seeded by a linear congruence as R seeds it."""
    state, words = seed, []
    for _ in range(50 + 625):
        state = (69069 * state + 1) % 2**32
        words.append(state)
    twister = np.random.RandomState()
    twister.set_state(("MT19937", np.array(words[51:], dtype=np.uint32), 624, 0, 0.0))
    bits = twister.randint(0, 2**32, size=n, dtype=np.uint64)
    uniform: Vector = bits.astype(np.float64) * 2.3283064365386963e-10  # 1 / (2^32 - 1)
    return uniform


def losses(a: float, b: float, data: DataSet) -> Vector:
    """Cross-entropy of every point under ``p = sigmoid(a x + b)``, shape (n_samples,).

    Parameters
    ----------
    a, b : float
        Slope and intercept.
    data : DataSet

    Returns
    -------
    ndarray of float64, shape (n_samples,)
        Nats.
    """
    z = a * data.x + b
    return np.logaddexp(0.0, np.where(data.y == 1, -z, z))


def accuracy(a: float, b: float, data: DataSet) -> float:
    """Share of right decisions, 1 being predicted above one half.

    Parameters
    ----------
    a, b : float
        Slope and intercept.
    data : DataSet
    """
    return float(np.mean((a * data.x + b > 0.0) == (data.y == 1)))


def fit(data: DataSet) -> tuple[float, float]:
    """Maximum of the likelihood, by Newton's method.

    Parameters
    ----------
    data : DataSet

    Returns
    -------
    a, b : float
    """
    inputs = np.stack([data.x, np.ones(len(data.x))])
    parameters = np.zeros(2)
    for _ in range(50):
        prob = 1.0 / (1.0 + np.exp(-(parameters @ inputs)))
        gradient = inputs @ (prob - data.y)
        step = np.linalg.solve((inputs * (prob * (1.0 - prob))) @ inputs.T, gradient)
        parameters -= step
        if float(np.abs(step).max()) < 1e-12:
            break
    return float(parameters[0]), float(parameters[1])


def sweep(data: DataSet) -> Sweep:
    """Both criteria at every point of the grid.

    The loss of a sample depends on z = a x + b alone; a point of the grid costs one pass over the
    samples.

    Parameters
    ----------
    data : DataSet
    """
    shape = len(data.slopes), len(data.intercepts)
    log_loss, right = np.empty(shape), np.empty(shape)
    sign = np.where(data.y == 1, -1.0, 1.0)
    for row, columns in _blocks(shape, len(data.x)):
        z = data.slopes[row] * data.x[:, None] + data.intercepts[None, columns]
        z *= sign[:, None]
        # A decision of exactly one half is 0: wrong for a 1, right for a 0.
        wrong = np.where(sign[:, None] < 0, z >= 0.0, z > 0.0)
        right[row, columns] = 1.0 - wrong.mean(axis=0)
        log_loss[row, columns] = (np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z)))).mean(axis=0)
    return Sweep(log_loss, right)


def _blocks(shape: tuple[int, int], n: int) -> Iterator[tuple[int, slice]]:
    width = max(1, min(shape[1], BLOCK * 1000 // n))
    for row in range(shape[0]):
        for start in range(0, shape[1], width):
            yield row, slice(start, start + width)


def fitted(name: str = "medium") -> Predictions:
    """Predictions of the fitted model on one of the data sets.

    Parameters
    ----------
    name : {"small", "medium", "large"}, default "medium"
    """
    data = data_sets()[name]
    a, b = fit(data)
    return Predictions.from_arrays(data.y, logits=a * data.x + b)


def lines() -> list[str]:
    """Where the loss is smallest, where the accuracy is largest, and what each costs the other."""
    found = []
    for data in data_sets().values():
        a, b = fit(data)
        grid = sweep(data)
        best = float(grid.accuracy.max())
        there = grid.log_loss[grid.accuracy > best - 1e-9]
        found.append(
            f"{len(data.x):,} points: the smallest loss, {losses(a, b, data).mean():.4f}, is at "
            f"a = {a:.3f}, b = {b:.3f}, with an accuracy of {accuracy(a, b, data):.4f}. The best "
            f"accuracy on the grid, {best:.4f}, has losses from {there.min():.4f} to "
            f"{there.max():.4f}."
        )
    return found
