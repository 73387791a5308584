"""A kill at any moment loses at most the epoch that is being written, and the run says so.

A few kills in each situation; `python -m benchmarks.kills --kills 1000` is the long run.
"""

import os
import shutil

import numpy as np
import pytest

from benchmarks import kills
from whyloss.data import Run
from whyloss.recorders import Recorder

pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork") or not os.path.exists("/dev/full"),  # noqa: PTH110
    reason="needs a system that forks, and a disk that is always full",
)


def test_given_kills_in_every_situation_then_nothing_that_was_confirmed_is_lost():
    said = []
    assert kills.main(["--kills", "30"], said.append) == 0, "\n".join(said)
    assert said == [f"{name}: 3 kills, 0 faults" for name in kills.SITUATIONS]


@pytest.fixture
def recorded(tmp_path):
    """A run of two epochs, and what was confirmed of it."""
    with Recorder(tmp_path, dtype="float64") as recorder:
        for epoch in (1, 2):
            kills.log(recorder, epoch, 3, slice(0, kills.N_ROWS))
            recorder.flush()
    return tmp_path, {(1, 0): 3, (2, 0): 3}


def faults(path, confirmed, situation="asked to end"):
    return list(kills.faults(path, kills.SITUATIONS[situation], confirmed, 3))


def test_the_check_finds_nothing_wrong_with_a_whole_run(recorded):
    assert faults(*recorded) == []


def test_the_check_finds_an_epoch_that_is_gone(recorded):
    path, confirmed = recorded
    shutil.rmtree(path / "predictions" / "split=val" / "epoch=00002")
    assert faults(path, confirmed) == ["epoch 2 of process 0: set(), confirmed 3"]


def test_the_check_finds_an_epoch_that_is_older_than_what_was_confirmed(recorded):
    path, confirmed = recorded
    assert faults(path, confirmed | {(2, 0): 4}) == ["epoch 2 of process 0: {3}, confirmed 4"]


def test_the_check_finds_an_epoch_with_half_of_its_rows(recorded):
    path, confirmed = recorded
    with Recorder(path, resume=True, dtype="float64") as recorder:
        kills.log(recorder, 2, 4, slice(0, kills.N_ROWS // 2))
    assert faults(path, confirmed | {(2, 0): 4}) == ["epoch 2 of process 0 has 600 of 1200 rows"]


def test_the_check_finds_a_run_that_does_not_say_that_it_was_killed(recorded):
    said = faults(*recorded, situation="appended")
    assert said == ["the run does not say that it was not closed"]


def test_the_check_finds_rows_of_another_training(recorded):
    path, confirmed = recorded
    with Recorder(path, resume=True, dtype="float64") as recorder:
        kills.log(recorder, 2, 4, slice(0, kills.N_ROWS))
    (said,) = (each for each in faults(path, confirmed, "overwritten") if "several" in each)
    assert said == "the run holds epochs of several trainings: {3, 4}"


def test_the_scores_of_a_situation_tell_epoch_and_generation(recorded):
    scores = Run.open(recorded[0]).predictions("val", 2).scores
    assert np.unique(scores).tolist() == [2003.0]
