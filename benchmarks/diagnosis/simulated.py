"""Which simulated trials there are."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np
from benchmarks.diagnosis.partial import PARTIAL
from benchmarks.diagnosis.snapshots import ALONE, PAIRS
from benchmarks.diagnosis.trainings import CURVES, RUNS
from benchmarks.diagnosis.trial import Design, judge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.diagnosis.trial import Outcome

PLANS = {**ALONE, **PAIRS, **RUNS, **CURVES, **PARTIAL}
SIZES = (100, 300, 1000, 3000, 10_000, 50_000)
CLASSES = (2, 3, 10, 100)
SEVERITIES = (0, 1, 2)
LARGE = 400_000  # scores; beyond it the middle severity stands for all
LARGEST = 1_000_000  # beyond it only causes that a threshold decides about
# A rate of 2 % takes more healthy trials than one cause takes.
REPEATS = {"healthy": 4, "healthy (run)": 3, "healthy (curves)": 4}
# Causes that a threshold decides about: all severities everywhere. Of the others one in each cell.
BY_DEGREES = (
    "healthy",
    "overconfidence",
    "underconfidence",
    "class-bias",
    "label-noise",
    "outliers",
    "overfitting",
    "underfitting",
    "unstable-training",
)


def designs(first_seed: int, only: str = "", *, quick: bool = False) -> list[Design]:
    """Every trial, or the few of a smoke test."""
    found = []
    for name in PLANS:
        if only not in name:
            continue
        repeats = 1 if quick else REPEATS.get(name, 1)
        cells = [cell for _ in range(repeats) for cell in _cells(name, quick=quick)]
        found += [Design(name, first_seed + at, *cell) for at, cell in enumerate(cells)]
    return found


def _cells(name: str, *, quick: bool) -> Iterator[tuple[int, int, int]]:
    """Numbers of samples and classes, and severities."""
    if quick:
        yield SIZES[2], CLASSES[1], 1
        return
    by_degrees = name.partition(" (")[0] in BY_DEGREES
    for (i, n), (j, k) in product(enumerate(SIZES), enumerate(CLASSES)):
        if n * k > LARGEST and not by_degrees:
            continue
        if n * k > LARGE:
            yield n, k, 1
        elif by_degrees:
            yield from ((n, k, severity) for severity in SEVERITIES)
        else:
            yield n, k, (i + j) % len(SEVERITIES)


def run(design: Design) -> Outcome:
    """Plant, and diagnose."""
    rng = np.random.default_rng([design.seed, crc32(design.name.encode())])
    plant = PLANS[design.name]
    return judge(design, plant(rng, design.n_samples, design.n_classes, design.severity))
