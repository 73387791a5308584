"""What a run says of itself: who is missing, what is half, and which rows count."""

import json
import subprocess
import sys

import numpy as np
import pytest

import whyloss
from whyloss.data import Run
from whyloss.data.run_writer import RunWriter
from whyloss.data.writers import WriterRecord, read_writers

RNG = np.random.default_rng(0)
N = 60
LABELS = RNG.integers(3, size=N)
SCORES = (2 * np.eye(3)[LABELS] + RNG.normal(size=(N, 3))).astype(np.float32)
ALL = slice(0, N)


def write(path, epochs, rows=ALL, factor=1, **options):
    """Record rows, and leave the writer open."""
    writer = RunWriter(path, **options)
    for epoch in epochs:
        ids = np.arange(N)[rows]
        writer.append("val", epoch, factor * SCORES[rows], "logits", LABELS[rows], ids)
        writer.commit("val", epoch)
    return writer


def killed(path, **options):
    """Record in a process that ends without closing."""
    code = (
        "import os, sys, whyloss\n"
        "from tests.data import test_run_notes as here\n"
        f"here.write(sys.argv[1], [1], **{options})\n"
        "os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=False, timeout=60)
    return Run.open(path)


def test_a_run_that_is_whole_has_no_notes(tmp_path):
    write(tmp_path, [1, 2]).close()
    assert Run.open(tmp_path).notes == ()


def test_a_run_that_is_being_recorded_has_no_notes(tmp_path):
    writer = write(tmp_path, [1, 2])
    assert Run.open(tmp_path).notes == ()
    writer.close()


def test_given_a_killed_process_then_the_run_says_so_until_it_is_resumed(tmp_path):
    run = killed(tmp_path)
    (note,) = run.notes
    assert note == (
        "The recording of rank 0 was not closed, as after a kill: its last epoch may lack samples."
    )
    write(tmp_path, [2], resume=True).close()
    assert run.notes == ()


def test_given_a_writer_that_stopped_then_the_run_says_why(tmp_path):
    write(tmp_path, [1]).stop("OSError: No space left on device")
    assert Run.open(tmp_path).notes == (
        (
            "The recording of rank 0 has stopped before the training: OSError: No space left on "
            "device. What it would have recorded since then is missing."
        ),
    )


def test_given_a_rank_without_rows_then_the_run_says_that_it_is_a_part(tmp_path):
    first = write(tmp_path, [1, 2], slice(0, N, 2), n_writers=2)
    write(tmp_path, [1], slice(1, N, 2), writer="1", n_writers=2).close()
    first.close()
    missing = "at epoch 2 of val, 1 of 2 processes recorded some."
    assert any(missing in note for note in Run.open(tmp_path).notes)
    write(tmp_path, [2], slice(1, N, 2), writer="2", n_writers=2).close()
    assert not any(missing in note for note in Run.open(tmp_path).notes)


def test_given_two_processes_of_one_rank_then_both_count_and_the_run_says_so(tmp_path):
    code = (
        "import sys\n"
        "from tests.data import test_run_notes as here\n"
        "writer = here.write(sys.argv[1], [1], slice(0, 30))\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "writer.close()\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as other:
        assert other.stdout.readline() == "ready\n"
        mine = write(tmp_path, [1], slice(30, N), overwrite=True)
        assert mine.shares_name
        mine.close()
        other.communicate("\n", timeout=60)
    run = Run.open(tmp_path)
    assert sorted(run.predictions("val", 1).ids.tolist()) == list(range(N))
    (note,) = run.notes
    assert note.startswith("2 processes have recorded as rank 0 at the same time.")


def test_given_a_last_epoch_with_half_of_the_samples_then_the_run_says_so(tmp_path):
    write(tmp_path, [1, 2]).close()
    write(tmp_path, [3], slice(0, N // 2), resume=True).close()
    assert Run.open(tmp_path).notes == (
        "Epoch 3, the last one of val, has 30 rows, and others have 60.",
    )


def test_given_epochs_of_several_sizes_then_the_run_says_which(tmp_path):
    write(tmp_path, [1, 4]).close()
    write(tmp_path, [2, 3], slice(0, 45), resume=True).close()
    write(tmp_path, [4], resume=True).close()
    assert Run.open(tmp_path).notes == ("Epochs 2, 3 of val: 45 rows or more, and others have 60.",)


def test_given_a_training_resumed_at_an_earlier_epoch_then_later_ones_are_not_the_last(tmp_path):
    write(tmp_path, range(10), factor=3).close()
    write(tmp_path, [7, 8], resume=True).close()
    run = Run.open(tmp_path)
    assert run.epochs("val") == tuple(range(10))
    assert run.last_epoch("val") == 8
    assert run.notes == (
        (
            "Epoch 9 of val: recorded before the training was resumed at an earlier epoch, and left "
            "out. The last epoch is 8."
        ),
    )
    found = whyloss.diagnose(tmp_path)
    assert found.numbers["epoch"] == 8
    assert whyloss.diagnose(tmp_path, to_epoch=9).numbers["epoch"] == 9


def test_given_a_training_resumed_after_its_last_epoch_then_nothing_is_left_out(tmp_path):
    write(tmp_path, range(3)).close()
    write(tmp_path, [3], resume=True).close()
    assert Run.open(tmp_path).last_epoch("val") == 3
    assert Run.open(tmp_path).notes == ()


@pytest.mark.parametrize("with_ids", [True, False])
def test_given_an_epoch_that_was_logged_twice_then_the_last_pass_counts(tmp_path, with_ids):
    ids = np.arange(N) if with_ids else None
    with whyloss.Recorder(tmp_path) as recorder:
        for factor in (1, 5):
            for k in range(0, N, 20):
                rows = slice(k, k + 20)
                recorder.log(
                    split="val",
                    epoch=1,
                    logits=factor * SCORES[rows],
                    y_true=LABELS[rows],
                    ids=None if ids is None else ids[rows],
                )
    run = Run.open(tmp_path)
    np.testing.assert_array_equal(run.predictions("val", 1).scores, 5 * SCORES)
    assert run.notes == (
        (
            "Epoch 1 of val: 60 rows were logged again by the same process; of every sample, the last "
            "row counts."
        ),
    )
    assert run.duplicates("val", 1) == 0  # nothing that samplers have padded


def test_given_an_epoch_logged_again_after_another_then_the_last_pass_counts(tmp_path):
    with whyloss.Recorder(tmp_path) as recorder:
        for epoch, factor in ((1, 1), (2, 2), (1, 7)):
            labels = LABELS if factor < 7 else LABELS[::-1]  # shuffled anew
            scores = factor * SCORES if factor < 7 else factor * SCORES[::-1]
            recorder.log(split="val", epoch=epoch, logits=scores, y_true=labels)
    read = Run.open(tmp_path).predictions("val", 1)
    np.testing.assert_array_equal(read.scores, 7 * SCORES[::-1])


def test_given_a_rank_that_has_not_resumed_yet_then_the_run_says_whose_rows_are_old(tmp_path):
    halves = slice(0, N // 2), slice(N // 2, N)
    first = write(tmp_path, [1], halves[0], n_writers=2)
    write(tmp_path, [1], halves[1], writer="1", n_writers=2).close()
    first.close()
    write(tmp_path, [1], halves[0], factor=2, resume=True, n_writers=2).close()
    run = Run.open(tmp_path)
    assert run.predictions("val", 1).n_samples == N  # nothing is lost that was recorded
    assert run.notes == (
        (
            "At epoch 1 of val, the samples of rank 1 are from an earlier launch of the training than "
            "the others."
        ),
    )


def test_given_a_file_of_a_writer_that_is_damaged_then_the_run_is_read_without_it(tmp_path):
    write(tmp_path, [1]).close()
    (path,) = (tmp_path / "writers").iterdir()
    whole = json.loads(path.read_bytes())
    for content in (b"", b"[1]", b'{"a": 1}', json.dumps(whole | {"launch": "2"}).encode()):
        path.write_bytes(content)
        assert read_writers(tmp_path) == []
        assert Run.open(tmp_path).predictions("val", 1).n_samples == N


def test_given_a_process_of_the_same_number_on_another_machine_then_it_is_not_this_one():
    here = WriterRecord("0", 1)
    assert here.running
    assert not WriterRecord("0", 1, machine="another").running
    assert not WriterRecord("0", 1, process=2**22 + 1).running
