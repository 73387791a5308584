"""Time whyloss and its peers side by side: ``python benchmarks [--quick] [--only AB]``.

``--on-disk 20`` times a run of 20 GB too, which is written into the folder for temporary files.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import statistics
import sys
import threading
import time
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from peers import THREADS, tasks
from workloads import SIZES, make

from engines import on_disk

if TYPE_CHECKING:
    from collections.abc import Callable

RESULTS = Path(__file__).with_name("RESULTS.md")
REPEATS = 5
SLOW = 5.0  # seconds; what takes longer is timed once
PACKAGES = (
    "whyloss",
    "numpy",
    "numba",
    "torch",
    "scikit-learn",
    "torchmetrics",
    "cleanlab",
    "probmetrics",
)


def timed(call: Callable[[], Any]) -> float:
    """Seconds that a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def resident() -> int:
    """Bytes of memory that the process holds now."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def extra_memory(call: Callable[[], Any]) -> int:
    """Bytes that the process holds at most during a call, beyond those before it."""
    gc.collect()
    before = peak = resident()
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.002):
            peak = max(peak, resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        call()
    finally:
        done.set()
        watcher.join()
    return max(peak, resident()) - before


def compare(name: str, *, quick: bool) -> list[str]:
    """Time one workload; rows of a markdown table."""
    work = make(name, quick=quick)
    calls = [(task, who, call) for task, by in tasks(work).items() for who, call in by.items()]
    memory, times = [], []
    for _, who, call in calls:  # the first call also compiles and imports
        memory.append(extra_memory(call))
        times.append([])
        print(f"{name}: {who}", file=sys.stderr, flush=True)
    for _ in range(1 if quick else REPEATS):
        for spent, (_, _, call) in zip(times, calls, strict=True):
            if not spent or spent[0] < SLOW:
                spent.append(timed(call))
    median = [statistics.median(spent) for spent in times]
    rows = [f"### {name}: {work.what}, {work.logits.nbytes / 1e6:,.0f} MB", ""]
    rows += [
        "| task | who | ms | × reading | × whyloss | extra memory, MB |",
        "|---|---|--:|--:|--:|--:|",
    ]
    first: dict[str, float] = {}
    for (task, who, _), seconds, size in zip(calls, median, memory, strict=True):
        ours = first.setdefault(task, seconds)
        rows.append(
            f"| {task} | {who} | {seconds * 1e3:,.1f} | {seconds / median[0]:,.1f} "
            f"| {seconds / ours:,.1f} | {size / 1e6:,.0f} |"
        )
    return [*rows, ""]


def machine() -> list[str]:
    """The machine in general terms, and what was installed."""
    flags = ""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        flags = cpuinfo.read_text(encoding="utf-8")
    widest = next((name for name in ("avx512f", "avx2", "avx") if name in flags), "none known")
    packages = []
    for package in PACKAGES:
        try:
            packages.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            packages.append(f"{package} not installed")
    return [
        (
            f"{os.cpu_count()} cores of {platform.machine()}, widest vectors {widest}, "
            f"{THREADS} threads for everyone. Load when it began: {os.getloadavg()[0]:.1f}."
        ),
        f"Python {platform.python_version()}; {', '.join(packages)}. {datetime.now(UTC):%Y-%m-%d}.",
        "",
    ]


def main() -> None:
    """Run, print, and write RESULTS.md unless it was only a smoke test."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="tiny workloads, once: a smoke test")
    parser.add_argument("--only", default="".join(SIZES), help="workloads, by their letters")
    parser.add_argument("--on-disk", type=float, default=0.0, help="gigabytes of a run to time")
    options = parser.parse_args()
    rows = ["# Measured side by side", "", *machine()]
    rows += [
        (
            "Medians of five rounds (one of what takes longer than 5 s) in one process, in turn. "
            "Memory: beyond what was held before."
        ),
        "",
    ]
    complete = not options.quick and set(options.only) == set(SIZES)
    for name in options.only:
        rows += compare(name, quick=options.quick)
        if complete:  # after each, so that what is measured is not lost
            RESULTS.write_text("\n".join(rows), encoding="utf-8")
    if options.on_disk:
        rows += on_disk(options.on_disk)
        if complete:
            RESULTS.write_text("\n".join(rows), encoding="utf-8")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
