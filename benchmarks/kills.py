"""Kill recording processes at random moments, and look whether their runs hold what was confirmed.

    python -m benchmarks.kills --kills 1000

Every situation has a run of its own. Processes record into it and report each epoch once `flush`
has returned; after a while they are killed, and the run is looked at. Needs a system that forks.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from pathlib import Path

import numpy as np
import pyarrow as pa

from whyloss.data import Run
from whyloss.errors import DataError, WhylossError
from whyloss.recorders import Recorder

N_ROWS, N_COLUMNS, BATCH = 1200, 50, 300
LIFE = 0.02, 0.5  # seconds from the start of the processes to the kill
GENERATIONS = 10  # of processes that record into one run, one after the other
CHILD = 500  # what a forked process adds to the generation that it records


@dataclass(frozen=True)
class Situation:
    """What records, and how it ends.

    Attributes
    ----------
    ranks : tuple of int
        One per process; each records its share of the samples.
    again : bool
        Whether the same five epochs are recorded again and again, or new ones appended.
    overwrite : bool
        Whether each generation replaces the run, or resumes it.
    end : signal.Signals
        What ends the processes.
    disk_full_after : int or None
        Number of epochs after which nothing more can be written.
    forks : bool
        Whether a child of the recording process logs, too.
    """

    ranks: tuple[int, ...] = (0,)
    again: bool = False
    overwrite: bool = False
    end: signal.Signals = signal.SIGKILL
    disk_full_after: int | None = None
    forks: bool = False


SITUATIONS = {
    "appended": Situation(),
    "recorded again": Situation(again=True),
    "overwritten": Situation(overwrite=True),
    "two ranks, appended": Situation(ranks=(0, 1)),
    "two ranks, recorded again": Situation(ranks=(0, 1), again=True),
    "two ranks, overwritten": Situation(ranks=(0, 1), overwrite=True),
    "two processes of one rank": Situation(ranks=(0, 0)),
    "full disk": Situation(disk_full_after=2),
    "forked child": Situation(forks=True),
    "asked to end": Situation(end=signal.SIGTERM),
}

Confirmed = dict[tuple[int, int], int]  # newest generation by epoch and process


def share(process: int, situation: Situation) -> slice:
    """The rows of one of the processes."""
    size = N_ROWS // len(situation.ranks)
    return slice(process * size, (process + 1) * size)


def log(recorder: Recorder, epoch: int, generation: int, rows: slice) -> None:
    """Log one epoch in batches; its scores tell epoch and generation."""
    ids = np.arange(rows.start, rows.stop)
    for k in range(0, len(ids), BATCH):
        some = ids[k : k + BATCH]
        scores = np.full((len(some), N_COLUMNS), 1000.0 * epoch + generation)
        recorder.log(split="val", epoch=epoch, logits=scores, y_true=some % N_COLUMNS, ids=some)
    recorder.log_scalars(epoch=epoch, loss=1 / epoch)


def fill(open_file: Callable[[str, str], object], _path: str, mode: str) -> object:
    """Open a file on a disk that is full."""
    return open_file("/dev/full", mode)


def record(path: Path, situation: Situation, process: int, generation: int, report: int) -> None:
    """Record until killed, and report what is confirmed."""
    exists = (path / "run.json").exists()
    overwrite = exists and situation.overwrite
    rank = situation.ranks[process]
    resume = exists and not overwrite
    try:
        recorder = Recorder(path, rank=rank, overwrite=overwrite, resume=resume, dtype="float64")
    except DataError:  # another process has made the run since
        recorder = Recorder(path, rank=rank, resume=True, dtype="float64")
    first = 1 if situation.again or situation.overwrite else 1 + 1000 * generation
    parent = os.getppid()
    for count in takewhile(lambda _: os.getppid() == parent, range(10**6)):
        epoch = first + (count % 5 if situation.again else count)
        if situation.disk_full_after == count:
            pa.OSFile = partial(fill, pa.OSFile)
        log(recorder, epoch, generation, share(process, situation))
        if situation.forks and count == 1 and os.fork() == 0:
            for later in range(1000):
                log(recorder, epoch + later, generation + CHILD, share(process, situation))
                recorder.flush()
            os._exit(0)
        if situation.end is signal.SIGKILL:
            recorder.flush()
        if not recorder._off:  # noqa: SLF001 - flush() says nothing else
            os.write(report, f"{epoch} {process} {generation}\n".encode())


def start(arguments: tuple[Path, Situation, int, int, int], errors: Path) -> int:
    """Fork a process that records, in a group of its own; return its number."""
    child = os.fork()
    if child:
        return child
    os.setpgid(0, 0)
    os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    warnings.simplefilter("always")
    try:
        record(*arguments)
    finally:
        os._exit(1)


def end(child: int, number: signal.Signals) -> str | None:
    """End a process and what it has forked; say what is wrong about how it ended."""
    os.kill(child, number)
    _, status = os.waitpid(child, 0)
    with suppress(ProcessLookupError):  # it has forked nothing
        os.killpg(child, signal.SIGKILL)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == number:
        return None
    return f"the process ended by itself, with status {status}"


def faults(path: Path, situation: Situation, confirmed: Confirmed, last: int) -> Iterator[str]:
    """Compare a run with what was confirmed, `last` being the generation that was just killed."""
    if not (path / "run.json").exists():
        if confirmed:
            yield "the run is gone"
        return
    try:
        run = Run.open(path)
        epochs = run.epochs("val")
        _ = run.history
        notes = run.notes
        found = {
            (epoch, process): recorded(run, epoch, share(process, situation))
            for epoch in epochs
            for process in range(len(situation.ranks))
        }
    except WhylossError as error:
        yield f"the run cannot be read: {error}"
        return
    if epochs and not notes and situation.end is signal.SIGKILL:
        yield "the run does not say that it was not closed"
    generations = {generation for _, of in found.values() for generation in of}
    if any(generation >= CHILD for generation in generations):
        yield "the run holds rows of a forked process"
    if situation.overwrite:
        if len(generations) > 1:
            yield f"the run holds epochs of several trainings: {generations}"
        # It holds either the training that was just killed, or one that it did not replace.
        now = generations or {last}
        confirmed = {key: g for key, g in confirmed.items() if g == last or {g} == now}
    yield from losses(found, confirmed, situation)


def recorded(run: Run, epoch: int, rows: slice) -> tuple[int, set[int]]:
    """The number of rows that a process has in an epoch, and their generations."""
    read = run.predictions("val", epoch)
    mine = read.scores[(read.ids >= rows.start) & (read.ids < rows.stop)]
    return len(mine), {int(value) - 1000 * epoch for value in np.unique(mine)}


def losses(
    found: dict[tuple[int, int], tuple[int, set[int]]], confirmed: Confirmed, situation: Situation
) -> Iterator[str]:
    """What was confirmed and is not there, or not whole."""
    size = N_ROWS // len(situation.ranks)
    for (epoch, process), (n_rows, generations) in found.items():
        if len(generations) > 1:
            yield f"epoch {epoch} of process {process} is of generations {generations}"
        if (epoch, process) in confirmed and n_rows != size:
            yield f"epoch {epoch} of process {process} has {n_rows} of {size} rows"
    for (epoch, process), generation in confirmed.items():
        _, generations = found.get((epoch, process), (0, set()))
        if not generations or min(generations) < generation:
            yield f"epoch {epoch} of process {process}: {generations}, confirmed {generation}"


def kills(name: str, n: int, seed: int, folder: Path) -> Iterator[list[str]]:
    """Kill the processes of one situation `n` times, and yield what is wrong after each time."""
    situation = SITUATIONS[name]
    moments = random.Random(f"{name} {seed}")  # noqa: S311 - no secret
    for generation in range(n):
        # A run that has grown over many generations would take long to look at.
        series = folder / f"{generation // GENERATIONS}"
        series.mkdir(exist_ok=True)
        path, reported = series / "run", series / "report"
        report = os.open(reported, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        children = [
            start((path, situation, process, generation, report), folder / "errors")
            for process in range(len(situation.ranks))
        ]
        time.sleep(moments.uniform(*LIFE))
        problems = [end(child, situation.end) for child in children]
        os.close(report)
        confirmed: Confirmed = {}
        for line in reported.read_text().splitlines():
            epoch, process, at = map(int, line.split())
            confirmed[epoch, process] = max(at, confirmed.get((epoch, process), 0))
        found = [problem for problem in problems if problem]
        yield [*found, *faults(path, situation, confirmed, generation)]


def main(arguments: Iterable[str], say: Callable[[str], object] = print) -> int:
    """Kill in all situations; return 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=100, help="in all situations together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=SITUATIONS, action="append")
    options = parser.parse_args([*arguments])
    names = options.only or list(SITUATIONS)
    wrong = 0
    for name in names:
        folder = Path(tempfile.mkdtemp(prefix="kills-"))
        n = -(-options.kills // len(names))
        found = [problem for each in kills(name, n, options.seed, folder) for problem in each]
        say(f"{name}: {n} kills, {len(found)} faults")
        for problem in found[:10]:
            say(f"  {problem}")
        if not found:
            shutil.rmtree(folder)
        wrong += len(found)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
