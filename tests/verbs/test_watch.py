"""A training that is watched while it runs: run or log, deleted, restarted, rotated, torn."""

import os
import time

import numpy as np
import pytest

import whyloss
from watched import KNOWN, N_EPOCHS, record
from whyloss.data.run_writer import RunWriter
from whyloss.readers import ReadOptions
from whyloss.reporters.watch.terminal import changes
from whyloss.verbs.watch.watcher import SETTLED, Watcher


def told(*views):
    """What is said of these views, one after the other."""
    before, lines = None, []
    for view in views:
        lines.append(list(changes(before, view)))
        before = view
    return lines


# --- a run --------------------------------------------------------------------------------------


def test_a_run_is_followed_from_before_it_is_there(tmp_path):
    watcher = Watcher(str(tmp_path / "r"))
    first = watcher.look()
    assert first.diagnosis is None
    assert first.waiting == f"Waiting for {tmp_path}/r."
    record(tmp_path / "r", [1])
    second = watcher.look()
    assert (second.last, second.waiting) == (1, "")
    record(tmp_path / "r", [2, 3, 4], resume=True)
    third = watcher.look()
    assert third.last == 4
    lines = told(first, second, third)
    assert lines[0] == [f"Waiting for {tmp_path}/r."]
    assert lines[1][0].startswith("epoch 1: loss ")
    assert [line.partition(":")[0] for line in lines[2]][:3] == ["epoch 2", "epoch 3", "epoch 4"]


def test_what_has_not_changed_is_not_diagnosed_again(tmp_path):
    record(tmp_path / "r", [1, 2])
    watcher = Watcher(str(tmp_path / "r"))
    assert watcher.look() is watcher.look()


def test_the_verdict_is_told_when_it_changes(tmp_path):
    watcher = Watcher(str(tmp_path / "r"))
    verdicts, lines, before = [], [], None
    for epoch in range(1, N_EPOCHS + 1):
        record(tmp_path / "r", [epoch], resume=epoch > 1)
        view = watcher.look()
        said = list(changes(before, view))
        lines.append([line for line in said if "loss 0" not in line])
        verdicts.append(view.diagnosis.verdict)
        before = view
    for at, verdict in enumerate(verdicts):
        same = at > 0 and verdict.name == verdicts[at - 1].name
        expected = [] if same else [f"epoch {at + 1}: {verdict.title}. {verdict.headline}"]
        assert lines[at] == expected
    assert verdicts[-1].name == "overconfidence"


def test_a_run_may_be_deleted_and_begin_again(tmp_path):
    import shutil

    record(tmp_path / "r", [1, 2, 3])
    watcher = Watcher(str(tmp_path / "r"))
    whole = watcher.look()
    shutil.rmtree(tmp_path / "r")
    gone = watcher.look()
    assert gone.diagnosis is whole.diagnosis
    assert "is gone" in gone.waiting
    RunWriter(tmp_path / "r", writer="0")
    assert "first epoch" in watcher.look().waiting
    record(tmp_path / "r", [1], resume=True)
    again = watcher.look()
    assert (again.last, again.restarts, again.waiting) == (1, 1, "")
    assert told(whole, again)[1][0] == "The training has begun again."
    record(tmp_path / "r", [1, 2, 3, 4], overwrite=True)  # all of it between two looks
    longer = watcher.look()
    assert (longer.last, longer.restarts) == (4, 2)
    lines = told(again, longer)[1]
    assert lines[0] == "The training has begun again."
    assert [line.partition(":")[0] for line in lines[1:5]] == [f"epoch {e}" for e in range(1, 5)]
    record(tmp_path / "r", [5], resume=True)
    assert (watcher.look().last, watcher.look().restarts) == (5, 2)


def test_a_run_that_comes_back_unchanged_is_up_to_date(tmp_path):
    record(tmp_path / "r", [1, 2])
    watcher = Watcher(str(tmp_path / "r"))
    whole = watcher.look()
    (tmp_path / "r").rename(tmp_path / "aside")
    assert "is gone" in watcher.look().waiting
    (tmp_path / "aside").rename(tmp_path / "r")
    back = watcher.look()
    assert (back.waiting, back.diagnosis) == ("", whole.diagnosis)


def test_a_damaged_run_is_told_and_read_once_it_is_whole(tmp_path):
    record(tmp_path / "r", [1, 2])
    part = next((tmp_path / "r").rglob("epoch=00002/part-*.arrow"))
    content = part.read_bytes()
    part.write_bytes(content[:100])
    watcher = Watcher(str(tmp_path / "r"))
    assert part.name in watcher.look().waiting
    part.write_bytes(content)
    assert watcher.look().last == 2


def test_an_epoch_counts_once_every_rank_has_written_it(tmp_path):
    def write(rank, epoch):
        one = KNOWN.predictions("val", epoch)
        rows = np.arange(300) % 2 == rank
        with whyloss.Recorder(tmp_path / "r", rank=rank, resume=True) as recorder:
            recorder.log(
                split="val", epoch=epoch, y_true=one.y_true[rows], logits=one.scores[rows],
                ids=one.ids[rows],
            )  # fmt: skip

    for epoch in (1, 2):
        for rank in (0, 1):
            write(rank, epoch)
    watcher = Watcher(str(tmp_path / "r"))
    assert watcher.look().last == 2
    write(0, 3)
    half = watcher.look()
    assert half.last == 2
    assert half.diagnosis.numbers["n_samples"] == 300
    write(1, 3)
    assert watcher.look().last == 3
    write(1, 4)  # the other rank died
    assert watcher.look().last == 3
    long_ago = time.time() - 2 * SETTLED
    for part in (tmp_path / "r").rglob("epoch=00004/part-*.arrow"):
        os.utime(part, (long_ago, long_ago))
    late = watcher.look()
    assert late.last == 4
    assert late.diagnosis.numbers["n_samples"] == 150


def test_a_split_can_be_chosen_before_it_is_there(tmp_path):
    record(tmp_path / "r", [1])
    watcher = Watcher(str(tmp_path / "r"), split="test")
    assert "no split 'test'" in watcher.look().waiting
    one = KNOWN.predictions("val", 2)
    with whyloss.Recorder(tmp_path / "r", resume=True) as recorder:
        recorder.log(split="test", epoch=2, y_true=one.y_true, logits=one.scores)
    assert watcher.look().diagnosis.split == "test"


# --- a log --------------------------------------------------------------------------------------


def line(epoch, loss=0.5):
    return (
        f"Epoch {epoch} loss: 0.4000 acc: 0.8000 val_loss: {loss + epoch / 100:.4f} "
        "val_acc: 0.7800\n"
    )


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "train.log"
    with Watcher(str(path), options=ReadOptions(n_classes=2)) as watcher:
        yield path, watcher


def append(path, text):
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def epochs_of(view):
    return [row.epoch for row in view.diagnosis.epochs if row.split == "val"]


def test_a_log_is_read_on(log):
    path, watcher = log
    assert watcher.look().waiting == f"Waiting for {path}."
    append(path, "loading data\n")
    assert watcher.look().diagnosis is None
    append(path, line(1))
    assert watcher.look().last == 1
    append(path, line(2) + line(3)[:30])
    assert watcher.look().last == 2
    append(path, line(3)[30:])
    assert epochs_of(watcher.look()) == [1, 2, 3]
    same = watcher.look()
    assert same is watcher.look()


def test_a_log_that_goes_on_elsewhere_is_one_training(log):
    path, watcher = log
    append(path, line(1) + line(2) + line(3))
    assert watcher.look().last == 3
    append(path, line(4))  # after the last look, before the rotation
    path.rename(path.with_suffix(".log.1"))
    assert "is gone" in watcher.look().waiting
    path.write_text(line(5), encoding="utf-8")
    for _ in range(2):
        view = watcher.look()
    assert epochs_of(view) == [1, 2, 3, 4, 5]
    assert (view.waiting, view.restarts) == ("", 0)


@pytest.mark.parametrize("how", ["replaced", "cut short"])
def test_a_log_that_begins_again_is_another_training(log, how):
    path, watcher = log
    append(path, "".join(map(line, range(1, 6))))
    assert watcher.look().last == 5
    if how == "replaced":
        path.unlink()
    path.write_text("begin\n", encoding="utf-8")
    assert watcher.look().last == 5  # nothing says yet which it is
    append(path, line(1, loss=0.7) + line(2, loss=0.7))
    view = watcher.look()
    assert epochs_of(view) == [1, 2]
    assert view.restarts == 1


def test_a_log_copied_away_and_emptied_goes_on(log):
    path, watcher = log
    append(path, "".join(map(line, range(1, 6))))
    assert watcher.look().last == 5
    path.write_text("", encoding="utf-8")
    assert watcher.look().last == 5
    append(path, line(6) + line(7))
    assert epochs_of(watcher.look()) == list(range(1, 8))


def test_a_log_of_powershell_is_utf_16(log):
    path, watcher = log
    path.write_bytes("".join(map(line, range(1, 4))).encode("utf-16"))
    assert watcher.look().last == 3


def test_text_that_is_no_log_of_a_classifier_is_told(log):
    path, watcher = log
    append(path, "Epoch 1 mse: 3.2 val_mse: 4.1\n" * 3)
    assert watcher.look().diagnosis is None
    append(path, "\x00\xff garbage\n")
    assert watcher.look().waiting


def test_a_table_that_grows_is_read_anew(tmp_path):
    path = tmp_path / "history.csv"
    watcher = Watcher(str(path))
    path.write_text("epoch,val_loss,val_accuracy\n1,0.5,0.8\n2,0.4,0.8\n", encoding="utf-8")
    assert watcher.look().last == 2
    append(path, "3,0.45,0.81\n")
    assert watcher.look().last == 3
