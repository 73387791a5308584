"""Compare the shipped kernels with plain Numba loops: ``python -m benchmarks.kernels [ROUNDS]``.

Both compute the same: all statistics of every sample, and the loss with its derivatives at the
temperatures of five folds. They run in turn in one process, and the ratio of their medians is
printed; above 1 the plain loops are slower. Let nothing else run.
"""

from __future__ import annotations

import os
import statistics as stats
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from benchmarks.kernels import plain

from whyloss.measures.compiled.blocks import prepare
from whyloss.measures.compiled.derivatives import fold_moments, from_lanes, workspace
from whyloss.measures.compiled.statistics import statistics
from whyloss.measures.compiled.sums import scratch
from whyloss.measures.compiled.vectors import LANES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BLOCK_BYTES = 4 << 20
FIELDS, MOMENTS, FOLDS = 6, 6, 5
SIZES = {
    "A": (10_000, 1000),
    "B": (500_000, 10),
    "D": (10_000, 10),
    "64 classes": (50_000, 64),
    "3 classes": (500_000, 3),
}
BETAS = np.array([0.55, 0.56, 0.57, 0.58, 0.59])
NOTHING = np.empty(0)
TOLERANCE = 1e-4  # relative; float32 inside

Arrays = tuple[np.ndarray[Any, Any], ...]


def draw(n: int, k: int) -> Arrays:
    """Labels and over-confident float32 logits."""
    rng = np.random.default_rng(0)
    y = rng.integers(k, size=n).astype(np.int32)
    z = rng.standard_normal((n, k), dtype=np.float32)
    signal = np.float32(np.sqrt(2 * np.log(k)) + 0.3)
    z[np.arange(n), y] += signal
    return y, np.asarray(1.8 * signal * z, dtype=np.float32)


def blocks(z: np.ndarray[Any, Any]) -> Iterator[tuple[int, Any]]:
    """The rows in blocks, as the kernels get them."""
    step = max(1, BLOCK_BYTES // (4 * z.shape[1]))
    for start in range(0, len(z), step):
        yield start, prepare(z[start : start + step], "logits")[0]


def results(n: int) -> Arrays:
    """Arrays for the statistics of every sample."""
    whole = (np.empty(n, np.int32), np.empty(n, np.int32), np.zeros(n, np.uint8))
    return np.empty((FIELDS, n)), *whole


def of_kernel(y: Any, z: Any) -> Arrays:  # noqa: ANN401 - arrays
    """Statistics by the kernel that is shipped."""
    values, predicted, rank, status = results(len(y))
    for start, block in blocks(z):
        statistics(
            block,
            start,
            y,
            False,
            np.inf,
            values.reshape(-1),
            predicted,
            rank,
            status,
            scratch(block),
        )
    return values, predicted, rank, status


def of_loops(y: Any, z: Any) -> Arrays:  # noqa: ANN401 - arrays
    """Statistics by plain loops."""
    values, predicted, rank, status = results(len(y))
    for start, block in blocks(z):
        buffers = plain.scratch(z.shape[1])
        plain.statistics(block, start, y, values.reshape(-1), predicted, rank, status, *buffers)
    return values, predicted, rank, status


def moments_of_kernel(y: Any, z: Any) -> Any:  # noqa: ANN401 - arrays
    """Sums by fold at its temperature, by the kernel that is shipped."""
    fold, parts = (np.arange(len(y)) % FOLDS).astype(np.int8), []
    for start, block in blocks(z):
        moments = np.zeros((FOLDS, MOMENTS, LANES))
        space = workspace(block, FOLDS)
        fold_moments(block, start, y, fold, BETAS, moments.reshape(-1), NOTHING, NOTHING, space)
        parts.append(moments)
    return from_lanes(np.stack(parts))


def moments_of_loops(y: Any, z: Any) -> Any:  # noqa: ANN401 - arrays
    """The same by plain loops."""
    fold, parts = (np.arange(len(y)) % FOLDS).astype(np.int8), []
    for start, block in blocks(z):
        moments = np.zeros((FOLDS, MOMENTS))
        buffers = plain.scratch(z.shape[1])
        plain.slopes(block, start, y, fold, BETAS, moments, NOTHING, NOTHING, *buffers)
        parts.append(moments)
    stacked = np.stack(parts)
    total = stacked.sum(0)
    total[:, -1] = stacked[:, :, -1].max(0)  # the largest loss
    return total


def timed(work: Callable[..., Any], y: Any, z: Any) -> float:  # noqa: ANN401 - arrays
    """Seconds of one call."""
    began = time.perf_counter()
    work(y, z)
    return time.perf_counter() - began


def main(rounds: int) -> None:
    """Print the ratios, once both have been shown to agree."""
    for name, (n, k) in SIZES.items():
        y, z = draw(n, k)
        np.testing.assert_allclose(of_loops(y, z)[0], of_kernel(y, z)[0], TOLERANCE, TOLERANCE)
        np.testing.assert_allclose(moments_of_loops(y, z), moments_of_kernel(y, z), TOLERANCE)
        pairs = {
            "statistics": (of_loops, of_kernel),
            "temperature": (moments_of_loops, moments_of_kernel),
        }
        for what, (loops, kernel) in pairs.items():
            times = [(timed(loops, y, z), timed(kernel, y, z)) for _ in range(rounds)]
            first, second = (stats.median(column) for column in zip(*times, strict=True))
            print(f"{name:>10}  {what:<11}  plain / vectors {first / second:.2f}")
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
