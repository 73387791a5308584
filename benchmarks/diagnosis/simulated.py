"""Which simulated trials there are."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np
from benchmarks.diagnosis.snapshots import ALONE, PAIRS
from benchmarks.diagnosis.trainings import CURVES, RUNS
from benchmarks.diagnosis.trial import Design, judge

if TYPE_CHECKING:
    from benchmarks.diagnosis.trial import Outcome

PLANS = {**ALONE, **PAIRS, **RUNS, **CURVES}
SIZES = (100, 300, 1000, 3000, 10_000, 50_000)
CLASSES = (2, 3, 10, 100)
SEVERITIES = (0, 1, 2)
LARGE = 400_000  # scores; beyond it the middle severity stands for all
# A rate of 2 % takes more healthy trials than one cause takes.
REPEATS = {"healthy": 6, "healthy (run)": 3, "healthy (curves)": 4}


def designs(first_seed: int, only: str = "", *, quick: bool = False) -> list[Design]:
    """Every trial, or the few of a smoke test."""
    found = []
    for name in PLANS:
        if only not in name:
            continue
        grid = product(
            range(1 if quick else REPEATS.get(name, 1)),
            SIZES[2:3] if quick else SIZES,
            CLASSES[1:2] if quick else CLASSES,
            SEVERITIES[1:2] if quick else SEVERITIES,
        )
        kept = [(n, k, s) for _, n, k, s in grid if n * k <= LARGE or s == 1]
        found += [Design(name, first_seed + at, *one) for at, one in enumerate(kept)]
    return found


def run(design: Design) -> Outcome:
    """Plant, and diagnose."""
    rng = np.random.default_rng([design.seed, crc32(design.name.encode())])
    plant = PLANS[design.name]
    return judge(design, plant(rng, design.n_samples, design.n_classes, design.severity))
