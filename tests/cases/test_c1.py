"""Case C1: the recorded run that ships, and the training that made it.

The phenomenon is checked twice: by what whyloss says of it, and by NumPy alone.
"""

import json
import sys
import zlib

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

import whyloss
from conftest import require
from whyloss import cases, diagnose
from whyloss.data import Run
from whyloss.errors import MissingExtraError
from whyloss.measures.losses.per_sample import per_sample
from whyloss.results.attribution import Held


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


def losses(logits, y_true, beta=1.0):
    wrong_way = (1 - 2 * y_true) * (logits[:, 1] - logits[:, 0])
    return np.logaddexp(0.0, beta * wrong_way)


def refined(logits, y_true):
    """Losses under a temperature fitted on the other four fifths."""
    fold = np.arange(len(y_true)) % 5
    out = np.empty(len(y_true))
    for k in range(5):
        fit = fold != k
        u = minimize_scalar(
            lambda u, fit=fit: losses(logits[fit], y_true[fit], np.exp(u)).mean(),
            bounds=(-4, 2),
            method="bounded",
        ).x
        out[~fit] = losses(logits[~fit], y_true[~fit], np.exp(u))
    return out


def precision_and_recall(y_pred, y_true):
    hits = np.sum((y_pred == 1) & (y_true == 1))
    return np.array([hits / np.sum(y_pred == 1), hits / np.sum(y_true == 1)])


def check_phenomenon_by_hand(run):
    snapshots = [run.predictions("val", epoch) for epoch in run.epochs("val")]
    y_true = snapshots[0].y_true.astype(int)
    logits = [np.asarray(one.scores, dtype=np.float64) for one in snapshots]
    curve = [losses(one, y_true).mean() for one in logits]
    a, b = int(np.argmin(curve)), len(curve) - 1
    n = len(y_true)
    assert curve[0] > curve[a]  # it falls first

    delta = losses(logits[b], y_true) - losses(logits[a], y_true)
    rise = delta.mean()
    assert rise > 0.1
    assert rise / (delta.std(ddof=1) / np.sqrt(n)) > 4

    y_pred = [one.argmax(axis=1) for one in logits]
    right = [one == y_true for one in y_pred]
    drop = right[a].astype(float) - right[b]
    assert drop.mean() + 1.645 * drop.std(ddof=1) / np.sqrt(n) < 0.02
    assert 0.85 < right[b].mean() < 0.95
    before, after = (precision_and_recall(y_pred[k], y_true) for k in (a, b))
    # A single training moves the two against each other: by .07 at most in 20 trainings on these
    # images from other initial weights.
    assert np.all(after > before - 0.09)

    size = [np.sqrt(np.mean((one - one.mean(axis=1, keepdims=True)) ** 2)) for one in logits]
    assert size[b] / size[a] > 2
    assert delta[~right[a] & ~right[b]].sum() / n > 0.5 * rise
    refinement = (refined(logits[b], y_true) - refined(logits[a], y_true)).mean()
    assert rise - refinement > 0.5 * rise
    return before, after, right[a].mean(), right[b].mean()


def test_recorded_run_shows_the_phenomenon():
    check_phenomenon(cases.find("C1").diagnose())


def test_recorded_run_shows_the_phenomenon_by_hand():
    before, after, accuracy_before, accuracy_after = check_phenomenon_by_hand(
        Run.open(cases.find("C1").source())
    )
    assert accuracy_after == pytest.approx(accuracy_before, abs=0.005)
    assert accuracy_after == pytest.approx(0.9, abs=0.01)
    np.testing.assert_allclose(after, before, atol=0.01)


def test_recorded_run_is_small_and_complete():
    path = cases.find("C1").source()
    assert sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) < 2_000_000
    run = Run.open(path)
    assert set(run.splits) == {"train", "val"}
    assert run.epochs("train") == run.epochs("val") == tuple(range(1, 61))
    assert run.classes == ("even", "odd")
    (sample,) = run.samples("val", run.predictions("val", 1).ids[:1].tolist())
    assert sample.text.startswith("a ")
    assert sample.thumbnail.startswith(b"\x89PNG")


def test_scalars_reported_are_those_of_the_recorded_predictions():
    run = Run.open(cases.find("C1").source())
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

    random, threads = torch.get_rng_state(), torch.get_num_threads()
    with whyloss.Recorder(tmp_path / "c1", classes=CLASSES) as recorder:
        train(recorder)
    assert torch.equal(random, torch.get_rng_state())
    assert threads == torch.get_num_threads()
    check_phenomenon(diagnose(tmp_path / "c1"))
    check_phenomenon_by_hand(Run.open(tmp_path / "c1"))


@pytest.mark.torch
def test_two_trainings_of_one_seed_are_the_same_and_of_another_are_not(tmp_path):
    require("torch")
    require("sklearn")
    from whyloss.cases.c1_training import train

    scores = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        with whyloss.Recorder(tmp_path / name) as recorder:
            train(recorder, seed=seed, epochs=2)
        scores.append(Run.open(tmp_path / name).predictions("val", 2).scores)
    assert np.array_equal(scores[0], scores[1])
    assert not np.array_equal(scores[0], scores[2])


def test_pictures_are_the_images():
    datasets = require("sklearn.datasets")
    run = Run.open(cases.find("C1").source())
    ids = run.predictions("val", 1).ids
    digits = datasets.load_digits()
    for id_, sample in zip(ids, run.samples("val", ids.tolist()), strict=True):
        assert sample.text == f"a {digits.target[id_]}"
    first = run.samples("val", ids[:1].tolist())[0].thumbnail
    length = int.from_bytes(first[33:37], "big")
    rows = np.frombuffer(zlib.decompress(first[41 : 41 + length]), np.uint8).reshape(8, 9)
    assert not rows[:, 0].any()
    np.testing.assert_array_equal(rows[:, 1:], np.rint(digits.images[ids[0]] * 255 / 16))


def test_given_no_torch_then_the_error_says_what_to_install(monkeypatch):
    from whyloss.cases.c1_training import train

    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r'pip install "whyloss\[cases\]"'):
        train(None)


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
