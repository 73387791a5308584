"""Case C1: the recorded run that ships, and the training that made it."""

import json

import numpy as np
import pytest

import whyloss
from conftest import require
from whyloss import cases
from whyloss.data import Run
from whyloss.diagnosis import diagnose
from whyloss.evidence import Held
from whyloss.measures.per_sample import per_sample


def check_phenomenon(diagnosis):
    """What practitioners saw: the loss climbs, the accuracy stays, the same samples pay."""
    a = diagnosis.attribution
    assert diagnosis.verdict.name == "overconfidence"
    assert a.total.value > 0.1
    assert a.total.value > 0.5 * a.before
    assert a.total.z > 4
    assert a.held in {Held.HELD, Held.ROSE}
    parts = {part.name: part.nats for part in a.parts}
    assert parts["calibration"] > 0.8 * a.total.value
    assert a.inflation > 2
    cells = {row.outcome: row.total.value for row in a.cells}
    assert cells["stayed wrong"] > 0.5 * a.total.value
    remedy = next(one for one in diagnosis.remedies if one.name == "temperature")
    assert remedy.effect.high < 0
    assert -remedy.effect.value > 0.5 * a.total.value
    accuracies = [row.accuracy.value for row in diagnosis.epochs if row.split == "val"]
    assert accuracies[-1] == pytest.approx(0.9, abs=0.05)
    last = [row for row in diagnosis.epochs if row.split == "val"][-1]
    assert last.precision.value == pytest.approx(0.9, abs=0.06)
    assert last.recall.value == pytest.approx(0.9, abs=0.06)


def test_recorded_run_shows_the_phenomenon():
    check_phenomenon(cases.find("C1").diagnose())


def test_recorded_run_is_small_and_complete():
    path = cases.find("C1").path
    assert sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) < 2_000_000
    run = Run.open(path)
    assert set(run.splits) == {"train", "val"}
    assert run.epochs("train") == run.epochs("val") == tuple(range(1, 61))
    assert run.classes == ("even", "odd")
    (sample,) = run.samples("val", run.predictions("val", 1).ids[:1].tolist())
    assert sample.text.startswith("a ")
    assert sample.thumbnail.startswith(b"\x89PNG")


def test_scalars_reported_are_those_of_the_recorded_predictions():
    run = Run.open(cases.find("C1").path)
    reported = run.history.column("val", "loss")
    for epoch in (1, 30, 60):
        one = run.predictions("val", epoch)
        recomputed = per_sample(one.y_true, one.scores, one.scale).log_loss.mean()
        assert recomputed == pytest.approx(reported[epoch - 1], rel=2e-3)  # float16
    assert set(json.loads((run.path / "scalars.jsonl").read_text().splitlines()[-1])) >= {
        "precision",
        "recall",
    }


@pytest.mark.torch
def test_training_again_shows_it_again(tmp_path):
    torch = require("torch")
    require("sklearn")
    from whyloss.cases.c1_training import CLASSES, train

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    before = torch.get_rng_state()
    try:
        with whyloss.Recorder(tmp_path / "c1", classes=CLASSES) as recorder:
            train(recorder)
    finally:
        torch.set_num_threads(threads)
    assert np.array_equal(before.numpy(), torch.get_rng_state().numpy())
    check_phenomenon(diagnose(tmp_path / "c1"))


@pytest.mark.parametrize(
    ("raw", "label", "prob", "loss"),
    [
        ((0.62, -0.52), 0, 0.7577, 0.2775),
        ((12.0, -12.0), 0, 1.0, 3.8e-11),
        ((12.0, -12.0), 1, 3.8e-11, 24.0),
    ],
)
def test_loss_of_one_image_by_hand(raw, label, prob, loss):
    one = per_sample(np.array([label]), np.array([raw]), "logits")
    assert one.log_loss[0] == pytest.approx(loss, rel=0.01 if loss < 1e-3 else 2e-4)
    assert np.exp(-one.log_loss[0]) == pytest.approx(prob, rel=0.01 if prob < 1e-3 else 1e-4)
