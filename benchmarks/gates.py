"""How often tests accept what is not there, and whether 95 % intervals cover 95 %.

Usage: ``python -m benchmarks.gates [--seeds 200]``. Prints the tables of docs/statistics.md.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from whyloss.evidence import Evidence
from whyloss.measures.calibration.noise_models import NestedFits, fit_nested
from whyloss.testing import KnownCause, known_cause

if TYPE_CHECKING:
    from whyloss.results.estimate import Estimate

SIZES = (500, 2000, 20_000)
CLASSES = (2, 10, 100)


def fits_of(known: KnownCause) -> NestedFits:
    """The noise models of the one epoch in `known`."""
    one = known.source.predictions("val", 0)
    return fit_nested(one, np.ones(len(one), dtype=np.bool_))


def gate_table(seeds: int) -> None:
    """How often label noise is accepted, and which share and temperature are found."""
    print(
        "| K | n | planted T | planted noise | label noise accepted | share | T with it | T alone |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for n_classes in CLASSES:
        for n in SIZES:
            # Enough signal that K classes can be told apart about equally well.
            signal = 2.0 + np.log10(n_classes)
            count = seeds if n * n_classes < 10**6 else max(20, seeds // 5)
            for temperature, noise in ((1.0, 0.0), (2.0, 0.0), (1.0, 0.03), (1.7, 0.10)):
                found = [
                    fits_of(
                        known_cause(
                            seed,
                            temperature=temperature,
                            noise=noise,
                            signal=signal,
                            n_classes=n_classes,
                            n_samples=n,
                        )
                    )
                    for seed in range(count)
                ]
                opened = np.mean([one.label_noise.accepted for one in found if one.label_noise])
                share = np.median([one.label_noise.share for one in found if one.label_noise])
                joint = np.median([one.label_noise.temperature for one in found if one.label_noise])
                alone = np.median([one.temperature.temperature for one in found])
                print(
                    f"| {n_classes} | {n:,} | {temperature} | {noise:.0%} | {opened:.3f} | "
                    f"{share:.3f} | {joint:.2f} | {alone:.2f} |",
                    flush=True,
                )


def bias_table(seeds: int) -> None:
    """How often class biases are accepted among models without any."""
    print("\n| K | n | class biases accepted |\n| --- | --- | --- |")
    for n_classes, n in ((2, 500), (2, 2000), (10, 2000), (10, 20_000)):
        found = [
            fits_of(known_cause(seed, temperature=1.5, n_classes=n_classes, n_samples=n))
            for seed in range(seeds)
        ]
        opened = np.mean([one.bias.accepted for one in found if one.bias])
        print(f"| {n_classes} | {n:,} | {opened:.3f} |", flush=True)


def gap_table(seeds: int) -> None:
    """Rate of |Z| > 3 among calibrated models (0.0027 if Z were exactly normal)."""
    print("\n| K | n | Z > 3 | Z < −3 |\n| --- | --- | --- | --- |")
    for n_classes in CLASSES:
        for n in (100, 500, 2000):
            z = np.array(
                [
                    Evidence(known_cause(seed, n_classes=n_classes, n_samples=n).source).last.gap.z
                    for seed in range(5 * seeds)
                ]
            )
            print(
                f"| {n_classes} | {n:,} | {(z > 3).mean():.4f} | {(z < -3).mean():.4f} |",
                flush=True,
            )


SCENE = {"temperature": (1.2, 1.9), "blur": (0.4, 0.6), "n_classes": 3}


def measured(seed: int, n: int) -> dict[str, Estimate]:
    """Every number with an interval, on one simulated pair of epochs."""
    evidence = Evidence(known_cause(seed, n_samples=n, **SCENE).source, from_epoch=1, to_epoch=2)
    found, last = evidence.comparison, evidence.last
    if found is None or last.calibrated is None:
        raise ValueError("the scene must be large enough to compare")
    out = {
        "loss": last.log_loss,
        "accuracy": last.accuracy,
        "refinement": last.calibrated.refinement,
        "calibration": last.calibrated.calibration,
        "temperature": last.calibrated.fit.estimate,
        "surprise gap": last.gap.gap,
        "Δ loss": found.change.total,
        "Δ refinement": found.change.refinement,
        "Δ calibration": found.change.calibration,
        "Δ accuracy": found.change.accuracy,
    }
    for cell in found.change.cells:
        out[f"Δ {cell.outcome}"] = cell.total
        out[f"Δ {cell.outcome}, calibration"] = cell.calibration
    if found.scale is not None:
        out["Δ scale"] = found.scale.scale
        out["Δ direction"] = found.scale.direction
    return out


def coverage_table(seeds: int) -> None:
    """Share of 95 % intervals that hold the value of a very large sample."""
    truth = measured(10**6, 1_000_000)
    print("\n| number | " + " | ".join(f"n = {n:,}" for n in (500, 2000)) + " |")
    print("| --- | --- | --- |")
    hits: dict[str, dict[int, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for n in (500, 2000):
        for seed in range(10 * seeds):
            for name, one in measured(seed, n).items():
                if one.low is None or one.high is None:
                    continue
                hits[name][n].append(one.low <= truth[name].value <= one.high)
    for name, by_size in hits.items():
        row = " | ".join(f"{np.mean(by_size[n]):.3f}" for n in (500, 2000))
        print(f"| {name} | {row} |", flush=True)


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("tables", nargs="*", default=["coverage", "gap", "bias", "gate"])
    arguments = parser.parse_args()
    for table in arguments.tables:
        {"coverage": coverage_table, "gap": gap_table, "bias": bias_table, "gate": gate_table}[
            table
        ](arguments.seeds)


if __name__ == "__main__":
    main()
