"""Kill -9 at any moment loses at most the epoch that is being written, and the run opens.

The test starts this file as a program, which forks one writer after the other and kills each at a
random moment; between two of them the test looks at the run.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from whyloss.data import Run
from whyloss.data.run_writer import RunWriter
from whyloss.recorders import Recorder

N_ROWS, N_COLUMNS = 3000, 100  # more than one batch per epoch
KILLS = {"append": 25, "rewrite": 12, "record": 8}
REWRITTEN = range(1, 6)
LONGEST_LIFE = 0.3  # seconds

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that forks")


def batches(epoch, generation):
    scores = np.full((N_ROWS, N_COLUMNS), 1000 * epoch + generation, np.float32)
    ids = np.arange(N_ROWS)
    for k in range(0, N_ROWS, 500):
        rows = slice(k, k + 500)
        yield scores[rows], ids[rows] % N_COLUMNS, ids[rows]


def append(path, generation, report):
    """Write one epoch after the other, and report those whose commit has returned."""
    with RunWriter(path, resume=(path / "run.json").exists()) as writer:
        epochs = Run.open(path).epochs("val")
        for epoch in range(len(epochs) + 1, 10_000):
            writer.log_scalars(epoch, "val", loss=1 / epoch)
            for scores, y_true, ids in batches(epoch, generation):
                writer.append("val", epoch, scores, "logits", y_true, ids)
            writer.commit("val", epoch)
            os.write(report, f"{epoch}\n".encode())


def rewrite(path, generation, _report):
    """Write the same few epochs again and again, each time as a training that is resumed."""
    while True:
        with RunWriter(path, resume=(path / "run.json").exists()) as writer:
            for epoch in REWRITTEN:
                for scores, y_true, ids in batches(epoch, generation):
                    writer.append("val", epoch, scores, "logits", y_true, ids)
                writer.commit("val", epoch)


def record(path, generation, _report):
    """Log one epoch after the other with a recorder."""
    recorder = Recorder(path, resume=(path / "run.json").exists())
    epochs = Run.open(path).epochs("val")
    for epoch in range(len(epochs) + 1, 10_000):
        for scores, y_true, ids in batches(epoch, generation):
            recorder.log(split="val", epoch=epoch, logits=scores, y_true=y_true, ids=ids)


def main(path, mode, seed):
    moments = random.Random(seed)  # noqa: S311 - no secret
    report = os.open(path.with_name("report"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for generation in range(KILLS[mode]):
        child = os.fork()
        if child == 0:
            {"append": append, "rewrite": rewrite, "record": record}[mode](path, generation, report)
        time.sleep(moments.uniform(0, LONGEST_LIFE))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        print("killed" if os.WIFSIGNALED(status) else "ended by itself", flush=True)  # noqa: T201
        sys.stdin.readline()


def kills(path, mode, seed):
    """Yield after each kill, while nothing writes."""
    command = [sys.executable, __file__, str(path), mode, str(seed)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as main:
        for _ in range(KILLS[mode]):
            assert main.stdout.readline() == "killed\n"
            yield
            main.stdin.write("\n")
            main.stdin.flush()


def generation_of(run, epoch):
    """Check that an epoch is whole, and tell which writer it is from."""
    read = run.predictions("val", epoch)
    assert read.ids.tolist() == list(range(N_ROWS))
    assert np.array_equal(read.y_true, read.ids % N_COLUMNS)
    (value,) = np.unique(read.scores)
    assert value // 1000 == epoch
    return value % 1000


def leftovers(path):
    return list(path.rglob("*.tmp"))


def test_given_kills_while_epochs_are_appended_then_at_most_the_one_in_work_is_lost(tmp_path):
    path = tmp_path / "run"
    checked = 0
    interrupted = 0
    for _ in kills(path, "append", seed=1):
        if not (path / "run.json").exists():
            continue  # killed before there was a run
        run = Run.open(path)
        epochs = run.epochs("val")
        reported = (tmp_path / "report").read_text().split()
        assert epochs == tuple(range(1, len(epochs) + 1))
        assert len(epochs) in {len(reported), len(reported) + 1}
        if len(epochs) > len(reported):  # killed between the commit and its report
            with (tmp_path / "report").open("a") as file:
                file.write(f"{len(epochs)}\n")
        for epoch in epochs[checked:]:
            generation_of(run, epoch)
        checked = len(epochs)
        history = run.history
        assert len(history.epochs) - len(epochs) in {0, 1}
        losses = history.columns.get(("val", "loss"), np.empty(0))
        assert np.array_equal(losses, 1 / history.epochs)
        interrupted += bool(leftovers(path))
    assert checked >= 10
    assert interrupted >= 3  # or the kills have come at harmless moments only
    run.repair()
    assert leftovers(path) == []
    assert len({generation_of(run, epoch) for epoch in run.epochs("val")}) > 3


def test_given_kills_while_epochs_are_replaced_then_each_is_the_old_or_the_new_one(tmp_path):
    path = tmp_path / "run"
    before, complete = set(), False
    for _ in kills(path, "rewrite", seed=2):
        if not (path / "run.json").exists():
            continue
        run = Run.open(path)
        epochs = run.epochs("val")
        for epoch in epochs:
            generation_of(run, epoch)
        assert len(before - set(epochs)) <= 1
        before = set(epochs)
        complete = complete or len(epochs) == len(REWRITTEN)
    assert complete


def test_given_kills_of_a_recorder_then_what_is_in_the_run_is_whole(tmp_path):
    path = tmp_path / "run"
    for _ in kills(path, "record", seed=3):
        if (path / "run.json").exists():
            run = Run.open(path)
            assert run.epochs("val") == tuple(range(1, len(run.epochs("val")) + 1))
            for epoch in run.epochs("val"):
                generation_of(run, epoch)
    assert run.epochs("val")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
