"""The five workloads: seeded float32 logits of an over-confident model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True)
class Workload:
    """Labels and logits.

    Attributes
    ----------
    name, what : str
    y_true : ndarray of int64, shape (n_samples,)
    logits : ndarray of float32, shape (n_samples, n_columns)
    n_epochs : int
        Equal parts that the rows fall into, one per epoch of a run.
    """

    name: str
    what: str
    y_true: npt.NDArray[np.int64]
    logits: npt.NDArray[np.float32]
    n_epochs: int = 1


SIZES = {
    "A": ("ImageNet validation", 50_000, 1000, 1),
    "B": ("a million samples, ten classes", 1_000_000, 10, 1),
    "C": ("binary, one logit", 20_000_000, 1, 1),
    "D": ("a run of 100 epochs", 1_000_000, 10, 100),
    "E": ("a batch of a language model", 4096, 128_256, 1),
}


def make(name: str, *, quick: bool) -> Workload:
    """Make one workload; `quick` shrinks it to a smoke test."""
    what, n, columns, n_epochs = SIZES[name]
    if quick:
        n = max(100 * n_epochs, n // 1000)
    rng = np.random.default_rng(0)
    y_true = rng.integers(max(2, columns), size=n // n_epochs)
    logits = np.empty((n, columns), dtype=np.float32)
    rows = n // n_epochs
    step = max(1, (1 << 24) // columns)
    for epoch in range(n_epochs):
        for start in range(0, rows, step):
            stop = min(start + step, rows)
            part = logits[epoch * rows + start : epoch * rows + stop]
            part[:] = rng.standard_normal(part.shape, dtype=np.float32)
            y = y_true[start:stop]
            # Gaussian classes so far apart that about three in four are told right; logits of the
            # exact posterior are the distance times x, and these are 1.8 times as large.
            if columns == 1:
                part[:, 0] += np.float32(0.7) * (2 * y - 1)
                part *= np.float32(1.8 * 1.4)
            else:
                distance = np.sqrt(2 * np.log(columns)) + 0.3
                part[np.arange(len(y)), y] += np.float32(distance)
                part *= np.float32(1.8 * distance)
    size = f"{n_epochs} × {rows:,} × {columns:,}" if n_epochs > 1 else f"{n:,} × {columns:,}"
    return Workload(name, f"{what}, {size}", np.tile(y_true, n_epochs), logits, n_epochs)
