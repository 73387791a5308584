"""The recorder of a training loop: what is logged arrives, and nothing harms the training."""

import copy
import json
import os
import pickle
import shutil
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import whyloss
from whyloss.data import Run, Sample, run_writer
from whyloss.data.layout import PartName
from whyloss.errors import DataError, WhylossError
from whyloss.recorders import Recorder, RecorderWarning, epochs, loop, worker

RNG = np.random.default_rng(0)
SCORES = RNG.normal(size=(6, 3)).astype(np.float32)
LABELS = np.array([0, 1, 2, 2, 1, 0])
ROWS = {"split": "val", "epoch": 1, "logits": SCORES, "y_true": LABELS}


@pytest.fixture(autouse=True)
def _one_process(monkeypatch):
    monkeypatch.delenv("RANK", raising=False)


@pytest.fixture
def warned():
    """Collect what is warned of, on whatever thread."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught


def wait_for(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)


# --- what is logged arrives ---------------------------------------------------------------------


def test_given_batches_when_logged_then_they_are_in_the_run_with_row_numbers_as_ids(tmp_path):
    with whyloss.Recorder(tmp_path / "run") as recorder:
        for epoch in (1, 2):
            for k in range(0, 6, 2):
                rows = slice(k, k + 2)
                recorder.log(
                    split="val", epoch=epoch, logits=epoch * SCORES[rows], y_true=LABELS[rows]
                )
    run = Run.open(tmp_path / "run")
    assert run.epochs("val") == (1, 2)
    read = run.predictions("val", 2)
    assert read.ids.tolist() == [0, 1, 2, 3, 4, 5]
    np.testing.assert_array_equal(read.scores, 2 * SCORES)
    np.testing.assert_array_equal(read.y_true, LABELS)


def test_given_weights_and_slices_when_logged_in_batches_then_they_are_in_the_run(tmp_path):
    weights, sites = np.arange(1.0, 7.0), list("aabbab")
    with Recorder(tmp_path) as recorder:
        for k in range(0, 6, 2):
            rows = slice(k, k + 2)
            recorder.log(
                split="val",
                epoch=1,
                logits=SCORES[rows],
                y_true=LABELS[rows],
                weights=weights[rows],
                slices={"site": sites[rows]},
            )
            weights[rows] = 0.0  # a buffer that is used again
    read = Run.open(tmp_path).predictions("val", 1)
    assert read.weights.tolist() == [1, 2, 3, 4, 5, 6]
    assert read.slices["site"].tolist() == sites


@pytest.mark.parametrize("extra", [{"weights": [1.0]}, {"slices": {"site": ["a"]}}])
def test_given_weights_or_slices_of_another_length_then_recording_stops(tmp_path, extra):
    with (
        Recorder(tmp_path) as recorder,
        pytest.warns(RecorderWarning, match="the other columns differ in length"),
    ):
        recorder.log(**ROWS, **extra)


@pytest.mark.parametrize("scale", ["logits", "log_probs", "probs"])
def test_given_lists_then_they_are_taken(tmp_path, scale):
    with Recorder(tmp_path, classes=["no", "yes"]) as recorder:
        given = {scale: [[0.25, 0.75], [1, 0]]}
        recorder.log(split="test", epoch=0, y_true=["yes", "no"], ids=["a", "b"], **given)
        recorder.log(split="test", epoch=0, y_true=[False], ids=["c"], **{scale: [[0, 1]]})
    read = Run.open(tmp_path).predictions("test", 0)
    assert (read.scale, read.classes) == (scale, ("no", "yes"))
    assert read.scores.tolist() == [[0.25, 0.75], [1, 0], [0, 1]]
    assert read.y_true.tolist() == [1, 0, 0]
    assert read.ids.tolist() == ["a", "b", "c"]


def test_given_one_logit_per_sample_then_it_is_a_binary_model(tmp_path):
    with Recorder(tmp_path) as recorder:
        recorder.log(split="val", epoch=1, logits=SCORES[:, 0], y_true=LABELS == 1)
    read = Run.open(tmp_path).predictions("val", 1)
    assert read.scores.shape == (6, 1)
    assert read.n_classes == 2
    assert read.y_true.tolist() == [0, 1, 0, 0, 1, 0]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_given_a_precision_then_scores_are_kept_in_it(tmp_path, dtype):
    with Recorder(tmp_path, dtype=dtype) as recorder:
        recorder.log(split="val", epoch=1, logits=[[1e300, 0.1]], y_true=[0])
        recorder.log(split="val", epoch=1, logits=[[1, 2]], y_true=[0])
    read = Run.open(tmp_path).predictions("val", 1)
    assert read.scores.dtype == dtype
    assert read.scores[0, 1] == np.array(0.1, dtype)


def test_given_buffers_that_are_used_again_then_the_rows_keep_what_was_in_them(tmp_path):
    scores, labels, ids = np.zeros((2, 3)), np.zeros(2, int), np.zeros(2, int)
    with Recorder(tmp_path) as recorder:
        for k in range(3):
            scores[:], labels[:], ids[:] = k, k, [2 * k, 2 * k + 1]
            recorder.log(split="val", epoch=1, logits=scores, y_true=labels, ids=ids)
        scores[:], labels[:], ids[:] = 9, 9, 9
    read = Run.open(tmp_path).predictions("val", 1)
    assert read.scores[:, 0].tolist() == [0, 0, 1, 1, 2, 2]
    assert read.y_true.tolist() == [0, 0, 1, 1, 2, 2]
    assert read.ids.tolist() == list(range(6))


def test_scalars_and_samples_arrive(tmp_path):
    with Recorder(tmp_path) as recorder:
        recorder.log_scalars(epoch=1, loss=np.float32(0.5), accuracy=float("nan"))
        recorder.log_scalars(epoch=1, split="train", loss=0.25)
        recorder.log_samples("val", [7], text=("a cat",), paths=[Path("a.png")], thumbnails=[b"x"])
    run = Run.open(tmp_path)
    assert run.history.column("val", "loss").tolist() == [0.5]
    assert run.history.column("train", "loss").tolist() == [0.25]
    assert np.isnan(run.history.column("val", "accuracy")).all()
    assert run.samples("val", [7]) == [Sample("a cat", "a.png", b"x")]


def test_given_resume_then_the_run_goes_on(tmp_path):
    Recorder(tmp_path).close()
    for epoch in (1, 2):
        with Recorder(tmp_path, resume=True) as recorder:
            recorder.log(**ROWS | {"epoch": epoch})
    assert Run.open(tmp_path).epochs("val") == (1, 2)
    with Recorder(tmp_path, overwrite=True) as recorder:
        recorder.log(**ROWS)
    assert Run.open(tmp_path).epochs("val") == (1,)


# --- when an epoch is committed -----------------------------------------------------------------


@pytest.mark.parametrize("following", [{"epoch": 2}, {"split": "train"}])
def test_given_rows_of_another_epoch_or_split_then_the_one_before_is_in_the_run(
    tmp_path, following, monkeypatch
):
    monkeypatch.setattr(epochs, "IDLE_SECONDS", 1000.0)
    recorder = Recorder(tmp_path)
    recorder.log(**ROWS)
    recorder.log(**ROWS | following)
    run = Run.open(tmp_path)
    wait_for(lambda: run.splits)
    assert run.splits == ("val",)
    assert run.epochs("val") == (1,)
    assert run.predictions("val", 1).n_samples == 6
    recorder.close()


def test_given_no_new_rows_for_a_while_then_the_epoch_is_in_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr(epochs, "IDLE_SECONDS", 0.1)
    recorder = Recorder(tmp_path)
    recorder.log(**ROWS)
    run = Run.open(tmp_path)
    wait_for(lambda: run.epochs("val"))
    recorder.log(**ROWS)  # late ones make a further part, and row numbers go on
    recorder.close()
    assert run.predictions("val", 1).ids.tolist() == list(range(12))


def test_given_slow_logging_then_parts_do_not_become_many(tmp_path, monkeypatch):
    monkeypatch.setattr(epochs, "IDLE_SECONDS", 0.01)
    with Recorder(tmp_path) as recorder:
        for _ in range(40):
            recorder.log(**ROWS)
            time.sleep(0.03)
    (folder,) = (tmp_path / "predictions").glob("*/*")
    assert len(list(folder.iterdir())) < 8
    assert Run.open(tmp_path).predictions("val", 1).n_samples == 240


def test_given_interleaved_splits_then_parts_do_not_become_many(tmp_path):
    with Recorder(tmp_path) as recorder:
        for _ in range(50):
            for split in ("train", "val"):
                recorder.log(**ROWS | {"split": split})
    assert len(list(tmp_path.rglob("part-*.arrow"))) <= 4
    assert Run.open(tmp_path).predictions("train", 1).n_samples == 300


def test_given_flush_then_all_that_was_logged_is_in_the_run(tmp_path):
    recorder = Recorder(tmp_path)
    recorder.log(**ROWS)
    recorder.log_scalars(epoch=1, loss=1.0)
    recorder.flush()
    assert Run.open(tmp_path).epochs("val") == (1,)
    assert Run.open(tmp_path).history.epochs.tolist() == [1]
    recorder.log(**ROWS | {"epoch": 2})
    recorder.close()
    assert Run.open(tmp_path).epochs("val") == (1, 2)


def test_given_a_program_that_ends_without_close_then_everything_is_in_the_run(tmp_path):
    code = (
        "import sys, whyloss\n"
        "recorder = whyloss.Recorder(sys.argv[1])\n"
        "recorder.log(split='val', epoch=1, logits=[[1.0, 2.0]], y_true=[1])\n"
        "recorder.log_scalars(epoch=1, loss=0.5)\n"
        "raise RuntimeError('the training fails')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=False
    )
    assert done.stderr.strip().endswith("RuntimeError: the training fails")
    run = Run.open(tmp_path)
    assert run.predictions("val", 1).scores.tolist() == [[1.0, 2.0]]
    assert run.history.column("val", "loss").tolist() == [0.5]


def test_given_a_slow_disk_then_logging_does_not_wait_for_it(tmp_path, monkeypatch):
    synced = threading.Event()
    sync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda number: (synced.wait(20), sync(number))[1])
    synced.set()
    recorder = Recorder(tmp_path, rank=0)
    synced.clear()
    start = time.monotonic()
    for epoch in range(20):
        recorder.log(**ROWS | {"epoch": epoch})
    assert time.monotonic() - start < 1
    synced.set()
    recorder.close()
    assert Run.open(tmp_path).epochs("val") == tuple(range(20))


def test_given_many_epochs_at_once_then_they_are_synced_together(tmp_path, monkeypatch):
    groups = []
    sync = run_writer.sync_files

    def slow(paths):
        groups.append(len(paths))
        time.sleep(0.02)  # of a disk, each time
        return sync(paths)

    monkeypatch.setattr(run_writer, "sync_files", slow)
    with Recorder(tmp_path) as recorder:
        for epoch in range(400):
            recorder.log(**ROWS | {"epoch": epoch})
    assert Run.open(tmp_path).epochs("val") == tuple(range(400))
    assert max(groups) <= 256
    assert len(groups) < 400  # three for each group: files, folders, and the folders of those
    assert len(recorder._epochs._known) <= 64


# --- nothing harms the training -----------------------------------------------------------------

BAD_CALLS = {
    "a label that is no class": {"y_true": [0, 1, 2, 3, 1, 0]},
    "labels counted from 1": {"y_true": LABELS + 1},
    "labels that are words": {"y_true": ["a"] * 6},
    "labels that are fractions": {"y_true": LABELS + 0.5},
    "too few labels": {"y_true": [0, 1]},
    "labels that are one number": {"y_true": 1},
    "no scores": {"logits": None},
    "two scales": {"probs": SCORES},
    "ragged scores": {"logits": [[1.0], [1.0, 2.0]]},
    "scores that are words": {"logits": [["a", "b"]] * 6},
    "scores of sequences": {"logits": np.zeros((6, 5, 3))},
    "too few ids": {"ids": [1, 2]},
    "ids that are fractions": {"ids": LABELS / 7},
    "a negative epoch": {"epoch": -1},
    "no epoch": {"epoch": None},
    "scores with a mask": {"logits": np.ma.masked_less(SCORES, 0)},
    "labels with a mask": {"y_true": np.ma.masked_equal(LABELS, 2)},
    "a split that is no name": {"split": 3},
    "an argument that does not exist": {"labels": LABELS},
}


@pytest.mark.parametrize("name", BAD_CALLS)
def test_given_a_bad_call_then_one_warning_says_why_and_the_recorder_is_off(tmp_path, name, warned):
    recorder = Recorder(tmp_path)
    recorder.log(**ROWS)
    recorder.log(**ROWS | {"epoch": 2} | BAD_CALLS[name])
    wait_for(lambda: warned)
    recorder.log(**ROWS | {"epoch": 3})
    recorder.log_scalars(epoch=3, loss=1.0)
    recorder.flush()
    recorder.close()
    assert [warning.category for warning in warned] == [RecorderWarning]
    message = str(warned[0].message)
    assert message.startswith(f"Recording to {tmp_path} has stopped; the training continues. ")
    run = Run.open(tmp_path)
    assert run.epochs("val") == (1,)  # what was good before is kept
    assert run.predictions("val", 1).n_samples == 6


def test_given_a_second_failure_on_the_other_thread_then_there_is_one_warning(tmp_path, warned):
    recorder = Recorder(tmp_path)
    recorder.log(split="val", epoch=1, y_true=[0])
    recorder._write_failed(OSError("No space left on device"))
    recorder.close()
    assert len(warned) == 1


def test_the_warning_names_the_line_of_the_caller(tmp_path):
    with pytest.warns(
        RecorderWarning, match="The scale of the predictions is missing or ambiguous"
    ) as caught:
        Recorder(tmp_path).log(split="val", epoch=1, y_true=[0])
    assert caught[0].filename == __file__


@pytest.mark.parametrize("value", ["high", None, [1, 2]])
def test_given_a_scalar_that_is_no_number_then_there_is_one_warning(tmp_path, value, warned):
    with Recorder(tmp_path) as recorder:
        recorder.log_scalars(epoch=1, loss=value)
        recorder.log_scalars(epoch=2, loss=value)
    (warning,) = warned
    assert "The value of loss is not a number" in str(warning.message)
    assert Run.open(tmp_path).history.columns == {}


def test_given_samples_that_do_not_fit_then_there_is_one_warning(tmp_path):
    with (
        pytest.warns(RecorderWarning, match="text and ids differ in length"),
        Recorder(tmp_path) as rec,
    ):
        rec.log_samples("val", [1, 2], text=["a"])


def test_given_values_that_are_no_numbers_then_they_are_recorded(tmp_path):
    with Recorder(tmp_path) as recorder:
        recorder.log(**ROWS | {"logits": np.full((6, 3), np.nan)})
    assert np.isnan(Run.open(tmp_path).predictions("val", 1).scores).all()


def test_given_warnings_that_are_errors_then_still_nothing_is_raised(tmp_path, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Recorder(tmp_path).log(split="val", epoch=1, y_true=[0])
    assert "RecorderWarning: Recording to" in capsys.readouterr().err


def test_given_a_closed_recorder_then_logging_warns_once(tmp_path, warned):
    recorder = Recorder(tmp_path)
    recorder.close()
    recorder.close()
    recorder.log(**ROWS)
    recorder.log_scalars(epoch=1, loss=1.0)
    (warning,) = warned
    assert "The recorder is closed" in str(warning.message)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_given_a_full_disk_then_one_warning_says_so(tmp_path, monkeypatch, warned):
    recorder = Recorder(tmp_path)
    open_file = pa.OSFile
    monkeypatch.setattr(pa, "OSFile", lambda _path, mode: open_file("/dev/full", mode))
    recorder.log(**ROWS)
    recorder.log(**ROWS | {"epoch": 2})
    wait_for(lambda: warned)
    recorder.log(**ROWS | {"epoch": 3})
    recorder.close()
    assert [warning.category for warning in warned] == [RecorderWarning]
    assert "No space left" in str(warned[0].message)
    (note,) = Run.open(tmp_path).notes
    assert "has stopped before the training: OSError: " in note
    assert list(tmp_path.rglob("*.tmp")) == []


def test_given_a_folder_that_is_deleted_then_one_warning_says_so(tmp_path, warned):
    recorder = Recorder(tmp_path / "run")
    recorder.log(**ROWS)
    recorder.flush()
    shutil.rmtree(tmp_path / "run")
    for epoch in (2, 3):
        recorder.log(**ROWS | {"epoch": epoch})
        recorder.log_scalars(epoch=epoch, loss=0.5)
    recorder.close()
    assert not (tmp_path / "run").exists()
    assert [warning.category for warning in warned] == [RecorderWarning]


def test_given_a_disk_that_never_answers_then_memory_is_bounded_and_training_goes_on(
    tmp_path, monkeypatch, warned
):
    answers = threading.Event()
    monkeypatch.setattr(worker, "LIMIT_BYTES", 10_000)
    monkeypatch.setattr(worker, "PATIENCE_SECONDS", 0.2)
    recorder = Recorder(tmp_path)
    monkeypatch.setattr(recorder._writer, "append", lambda *_, **__: answers.wait(20))
    for _ in range(1000):
        recorder.log(**ROWS)
    assert recorder._worker.waiting_bytes <= 10_000
    answers.set()
    recorder.close()
    (warning,) = warned
    assert "the disk has not kept up" in str(warning.message)


def test_given_a_disk_that_never_answers_then_the_end_of_the_program_does_not_hang(
    tmp_path, monkeypatch
):
    answers = threading.Event()
    monkeypatch.setattr(loop, "CLOSE_SECONDS", 0.1)
    recorder = Recorder(tmp_path)
    monkeypatch.setattr(recorder._writer, "append", lambda *_, **__: answers.wait(20))
    recorder.log(**ROWS)
    with pytest.warns(RecorderWarning, match="the disk has not finished"):
        recorder.close()
    answers.set()


def test_given_an_interrupt_then_it_is_not_swallowed(tmp_path, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    with Recorder(tmp_path) as recorder:
        with monkeypatch.context() as patch:
            patch.setattr(np, "array", interrupt)
            with pytest.raises(KeyboardInterrupt):
                recorder.log(**ROWS)
        recorder.log(**ROWS)
    assert Run.open(tmp_path).epochs("val") == (1,)


BAD_OPTIONS = {
    "a precision of one's own": {"dtype": "int8"},
    "a negative rank": {"rank": -1},
    "a rank that is text": {"rank": "1"},
    "a rank that is neither": {"rank": True},
    "both ways": {"overwrite": True, "resume": True},
    "one class": {"classes": ["only"]},
    "the same class twice": {"classes": ["a", "a"]},
}


@pytest.mark.parametrize("name", BAD_OPTIONS)
def test_given_a_bad_option_then_making_the_recorder_raises(tmp_path, name):
    with pytest.raises(DataError):
        Recorder(tmp_path, **BAD_OPTIONS[name])


def test_given_a_path_with_a_run_or_a_file_then_making_the_recorder_raises(tmp_path):
    Recorder(tmp_path / "run", rank=0).close()
    with pytest.raises(WhylossError, match="exists already"):
        Recorder(tmp_path / "run")
    (tmp_path / "file").touch()
    with pytest.raises(WhylossError, match="cannot be written"):
        Recorder(tmp_path / "file")


# --- several processes --------------------------------------------------------------------------


def test_given_ranks_then_each_writes_its_own_file_and_padding_is_dropped(tmp_path, monkeypatch):
    ranks = []
    for rank in (0, 1):
        monkeypatch.setenv("RANK", str(rank))
        ranks.append(Recorder(tmp_path))
    for recorder, ids in zip(ranks, ([0, 2, 4], [1, 3, 0]), strict=True):
        recorder.log(split="val", epoch=1, logits=SCORES[ids], y_true=LABELS[ids], ids=ids)
        recorder.close()
    assert sorted(PartName.of(part).writer for part in tmp_path.rglob("part*")) == ["0", "1"]
    run = Run.open(tmp_path)
    assert run.predictions("val", 1).ids.tolist() == [0, 2, 4, 1, 3]
    assert run.duplicates("val", 1) == 1


def test_given_a_rank_without_ids_then_they_are_asked_for(tmp_path):
    with Recorder(tmp_path, rank=0) as first:
        first.log(**ROWS)
    with pytest.warns(RecorderWarning, match="samples of rank 1 have no ids.*Pass the samples'"):
        Recorder(tmp_path, rank=1).log(**ROWS)
    assert Run.open(tmp_path).predictions("val", 1).n_samples == 6


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that forks")
def test_given_a_fork_then_the_child_writes_nothing_and_harms_nothing(tmp_path):
    # In a process of its own, as the test's one has threads that forking warns of.
    code = (
        "import os, sys, warnings, whyloss\n"
        "recorder = whyloss.Recorder(sys.argv[1])\n"
        "row = dict(split='val', logits=[[1.0, 2.0]], y_true=[1])\n"
        "recorder.log(epoch=1, **row)\n"
        "warnings.simplefilter('ignore', DeprecationWarning)\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    recorder.log(epoch=2, **row)\n"
        "    recorder.log_scalars(epoch=2, loss=1.0)\n"
        "    recorder.flush()\n"
        "    sys.exit(7)\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7\n"
        "recorder.log(epoch=1, **row)\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code, tmp_path], check=True, timeout=60)
    run = Run.open(tmp_path)
    assert run.epochs("val") == (1,)
    assert run.predictions("val", 1).n_samples == 2
    assert run.history.columns == {}


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda r: pickle.loads(pickle.dumps(r))])  # noqa: S301
def test_given_a_copy_of_a_recorder_then_it_writes_nothing(tmp_path, duplicate):
    recorder = Recorder(tmp_path)
    other = duplicate(recorder)
    other.log(**ROWS | {"epoch": 2})
    other.flush()
    other.close()
    recorder.log(**ROWS)
    recorder.close()
    assert Run.open(tmp_path).epochs("val") == (1,)


def test_given_many_threads_then_all_rows_arrive(tmp_path):
    with Recorder(tmp_path) as recorder:

        def log(number):
            for k in range(50):
                recorder.log(
                    split="val", epoch=1, logits=[[0, 1]], y_true=[0], ids=[50 * number + k]
                )

        threads = [threading.Thread(target=log, args=[number]) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(Run.open(tmp_path).predictions("val", 1).ids.tolist()) == list(range(400))


def test_recording_and_reading_import_no_framework(tmp_path):
    code = (
        "import json, sys, whyloss\n"
        "with whyloss.Recorder(sys.argv[1]) as recorder:\n"
        "    recorder.log(split='val', epoch=1, logits=[[1.0, 2.0]], y_true=[1], ids=['a'])\n"
        "    recorder.log_samples('val', ['a'], text=['b'])\n"
        "run = whyloss.Run.open(sys.argv[1])\n"
        "run.predictions('val', 1)\n"
        "print(json.dumps(list(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert not loaded & {"torch", "keras", "tensorflow", "jax", "pandas"}
