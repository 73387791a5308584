"""Time summaries of a run on disk: out of core, and by one Dask worker against two.

Usage: ``python benchmarks/engines.py [--gigabytes 20] [--folder FOLDER]``. The folder keeps the run
for the next time; without it, the run is removed at the end.
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from workloads import make

import whyloss
from whyloss.data.run_writer import FIRST_WRITER, RunWriter
from whyloss.engines import local

if TYPE_CHECKING:
    from collections.abc import Iterator

PARTS = 4
CHUNK = 8 << 20


def write(folder: Path, gigabytes: float) -> None:
    """Record the logits of workload A again and again, under new ids, in a few parts."""
    work = make("A", quick=False)
    n = len(work.y_true)
    times = max(1, round(gigabytes * 1e9 / work.logits.nbytes / PARTS))
    done = 0
    for part in range(PARTS):
        with RunWriter(folder, writer=f"part{part}" if part else FIRST_WRITER) as writer:
            for _ in range(times):
                ids = np.arange(done, done + n)
                writer.append("val", 0, work.logits, "logits", work.y_true.astype(np.int32), ids)
                done += n
            writer.commit("val", 0)


def files(folder: Path) -> list[Path]:
    """The large files of a run."""
    return [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size > CHUNK]


def forget(folder: Path) -> None:
    """Drop the run from the memory that the system caches files in."""
    for path in files(folder):
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def read(folder: Path) -> None:
    """Read the files one after the other, and do nothing with them."""
    buffer = bytearray(CHUNK)
    for path in files(folder):
        with path.open("rb", buffering=0) as file:
            while file.readinto(buffer):
                pass


def own_memory() -> int:
    """Bytes that the process holds itself, without pages of files that the system may drop."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"RssAnon:\s+(\d+)", status)
    return int(found[1]) << 10 if found else 0


@contextmanager
def watched() -> Iterator[dict[str, float]]:
    """Seconds, and most memory beyond that before, of what happens in here."""
    result: dict[str, float] = {"memory": 0.0}
    before, done = own_memory(), threading.Event()

    def watch() -> None:
        while not done.wait(0.01):
            result["memory"] = max(result["memory"], own_memory() - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    try:
        yield result
    finally:
        result["seconds"] = time.perf_counter() - start
        done.set()
        watcher.join()


def by_dask(run: Any, workers: int) -> float:  # noqa: ANN401 - a run
    """Seconds that workers of one thread each take, once they have started."""
    from distributed import Client, LocalCluster

    from whyloss.engines.dask import summarise_run

    with (
        LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        client.run(_warm)
        start = time.perf_counter()
        summarise_run(run, "val", 0, client)
        return time.perf_counter() - start


def _warm() -> None:
    """Load the kernels, which a worker does once in its life."""
    from whyloss.data import Predictions
    from whyloss.measures.facts import Summary

    logits = np.zeros((2000, 1000), dtype=np.float32)
    Summary(1000).update(Predictions.from_arrays(np.zeros(2000, int), logits=logits))


def table(folder: Path) -> list[str]:
    """Rows of a markdown table."""
    run = whyloss.Run.open(folder)
    size = sum(path.stat().st_size for path in files(folder))
    _warm()
    rows = [f"### A run of {size / 1e9:.1f} GB on disk, 1,000 classes", ""]
    rows += ["| what | s | GB/s | × reading | extra memory, MB |", "|---|--:|--:|--:|--:|"]

    def row(what: str, seconds: float, reading: float, memory: str) -> None:
        rows.append(
            f"| {what} | {seconds:,.1f} | {size / 1e9 / seconds:.2f} | {seconds / reading:.2f} "
            f"| {memory} |"
        )

    forget(folder)
    with watched() as reading:
        read(folder)
    row("read the files", reading["seconds"], reading["seconds"], f"{reading['memory'] / 1e6:,.0f}")
    for temperature in (False, True):
        forget(folder)
        with watched() as found:
            local.summarise_run(run, "val", 0, temperature=temperature)
        what = f"summary, with{'' if temperature else 'out'} temperatures"
        row(what, found["seconds"], reading["seconds"], f"{found['memory'] / 1e6:,.0f}")
    for workers in (1, 2):
        forget(folder)
        seconds = by_dask(run, workers)
        row(f"summary with temperatures, {workers} Dask worker(s)", seconds, reading["seconds"], "")
    return [*rows, ""]


def on_disk(gigabytes: float, folder: Path | None = None) -> list[str]:
    """Write a run, or take the one in the folder, and time summaries of it."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = folder or Path(temporary) / "run"
        if not folder.exists():
            write(folder, gigabytes)
        return table(folder)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=20.0)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    print("\n".join(on_disk(options.gigabytes, options.folder)))


if __name__ == "__main__":
    main()
