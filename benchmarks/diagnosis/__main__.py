"""Plant known causes and diagnose them: ``python -m benchmarks.diagnosis``."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import pickle
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.diagnosis.report import report, shortfalls

if TYPE_CHECKING:
    from benchmarks.diagnosis.trial import Outcome

# Thresholds are tuned on the first; what RESULTS.md says comes from the second.
FIRST_SEED = {"tune": 0, "score": 1_000_000}
PARTS = ("simulated", "trained")
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def outcomes_of(part: str, first_seed: int, only: str, *, quick: bool) -> list[Outcome]:
    """Run one part on all cores, one thread each."""
    module = import_module(f"benchmarks.diagnosis.{part}")
    designs = module.designs(first_seed, only, quick=quick)
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    outcomes = []
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        for at, outcome in enumerate(pool.map(module.run, designs, chunksize=4), start=1):
            outcomes.append(outcome)
            if at % 200 == 0:
                print(f"{part}: {at} of {len(designs)}", file=sys.stderr, flush=True)
    return outcomes


def main() -> None:
    """Run, print, and write RESULTS.md where everything ran on the seeds of the score."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one trial per cause: a smoke test")
    parser.add_argument("--part", choices=PARTS, help="one of the two parts")
    parser.add_argument("--seed-set", choices=tuple(FIRST_SEED), default="score")
    parser.add_argument("--only", default="", help="trials whose name has this in it")
    parser.add_argument("--misses", action="store_true", help="list every trial that went wrong")
    parser.add_argument("--keep", type=Path, help="a file to pickle the outcomes into")
    options = parser.parse_args()
    results = {}
    for part in (options.part,) if options.part else PARTS:
        start = time.perf_counter()
        results[part] = outcomes_of(
            part, FIRST_SEED[options.seed_set], options.only, quick=options.quick
        )
        print(f"{part}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
    if options.keep:
        options.keep.write_bytes(pickle.dumps(results))
    text = report(results)
    whole = not (options.quick or options.part or options.only)
    if whole and options.seed_set == "score":
        Path(__file__).with_name("RESULTS.md").write_text(text, encoding="utf-8")
    print(text)
    if options.misses:
        print("\n".join(shortfalls(results)))


if __name__ == "__main__":
    main()
