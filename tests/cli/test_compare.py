"""``whyloss compare``: epochs of runs, and what cannot be compared."""

import json

import pytest

import whyloss
from conftest import run_cli
from whyloss.testing import known_cause


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "exp@1"
    source = known_cause(1, temperature=(1.0, 1.2, 2.5)).source
    with whyloss.Recorder(path) as recorder:
        for epoch in (1, 2, 3):
            one = source.predictions("val", epoch)
            recorder.log(split="val", epoch=epoch, y_true=one.y_true, logits=one.scores)
    return path


def test_two_epochs_of_a_run(recorded):
    done = run_cli("compare", f"{recorded}@1", recorded)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "A has the smaller loss" in done.stdout
    content = json.loads(
        run_cli("compare", f"{recorded}@1", f"{recorded}@2", "--format", "json").stdout
    )
    assert [content[side]["epoch"] for side in ("first", "second")] == [1, 2]
    assert any("owes a part of that to chance" in note for note in content["notes"])


def test_what_cannot_be_compared_is_named(recorded, tmp_path):
    for sides, word in (
        ((recorded, f"{recorded}@7"), "Epoch 7"),
        ((recorded, tmp_path / "nothing.npz"), "nothing.npz"),
        ((recorded, recorded.parent), "is a folder of 1 run"),
        ((recorded, "-"), "stdin"),
    ):
        done = run_cli("compare", *sides)
        assert done.returncode == 2
        assert done.stdout == ""
        assert word in done.stderr
        assert "Traceback" not in done.stderr
