"""Curves whose cause is known because it was put in: the answer follows from how they were made."""

import numpy as np
import pytest

import whyloss

IN_ORDER = {"consistent", "within-noise", "train-mode-gap", "underfitting", "generalisation-gap"}
TOO_SURE = {"overconfidence", "best-epochs-differ", "generalisation-gap"}
KNOWS_LESS = {"overfitting", "overconfidence", "generalisation-gap"}
GUESSES = {"chance-level", "underfitting", "majority-class", "saturated"}
RESTLESS = {"unstable-training", "small-validation-set"}
ALARMS = {"overconfidence", "overfitting"}
LENGTHS = [3, 4, 5, 6, 12, 30]
SEEDS = range(3)


def decay(n, epochs):
    return np.exp(-np.arange(n) / epochs)


def jittered(rng, losses, sd=0.01):
    return np.asarray(losses) * np.exp(sd * rng.standard_normal(len(losses)))


def counted(rng, shares, n):
    """Accuracies of the same n samples: an error that stays, and one of each epoch."""
    shares = np.clip(np.asarray(shares, dtype=np.float64), 0.0, 1.0)
    error = np.sqrt(shares * (1 - shares) / n)
    away = rng.standard_normal() * error + 0.4 * rng.standard_normal(len(shares)) * error
    return np.clip(np.round((shares + away) * n) / n, 0.0, 1.0)


def named(columns):
    found = whyloss.diagnose(history={name: list(map(float, v)) for name, v in columns.items()})
    suspects = [suspect.name for suspect in found.suspects[:2]]
    return found.verdict.name, {
        found.verdict.name,
        *(f.name for f in found.findings[:2]),
        *suspects,
    }


def healthy(rng, epochs, n=2000, train=0.95):
    fall = decay(epochs, max(1.0, epochs / 5))
    return {
        "loss": jittered(rng, train * (0.35 + fall)),
        "accuracy": counted(rng, 0.9 - 0.4 * fall, 20_000),
        "val_loss": jittered(rng, 0.35 + fall),
        "val_accuracy": counted(rng, 0.88 - 0.4 * fall, n),
    }


def too_sure(rng, epochs, low=0.45, share=0.83, rise=0.8):
    at = np.linspace(0, 1, epochs)
    return {
        "loss": jittered(rng, 0.9 * low * np.exp(-3 * at)),
        "accuracy": counted(rng, 1 - (1 - share) * np.exp(-3 * at), 20_000),
        "val_loss": jittered(
            rng, low * (1 + 0.4 * decay(epochs, 0.7) + rise * np.clip(at - 0.25, 0, 1))
        ),
        "val_accuracy": counted(rng, share - 0.06 * decay(epochs, 1.0), 2000),
    }


def knows_less(rng, epochs, lost=0.1):
    later = np.clip(np.linspace(0, 1, epochs) - 0.25, 0, 1) / 0.75
    columns = too_sure(rng, epochs)
    return columns | {"val_accuracy": counted(rng, 0.8 - lost * later, 5000)}


def jumping(rng, epochs, factor, drop):
    columns, hit = healthy(rng, epochs), np.arange(epochs)[::-1] % 3 == 0
    columns["val_loss"] = columns["val_loss"] * np.where(hit, factor, 1.0)
    columns["val_accuracy"] = columns["val_accuracy"] - drop * hit
    return columns


def guessing(rng, k, epochs, skill, times):
    losses = np.log(k) * (1 - skill * np.linspace(0, 1, epochs))
    shares = (1 + (times - 1) * np.linspace(0, 1, epochs)) / k
    return {
        "loss": jittered(rng, losses, 4e-4),
        "accuracy": counted(rng, shares, 20_000),
        "val_loss": jittered(rng, losses, 4e-4),
        "val_accuracy": counted(rng, shares, 5000),
    }


@pytest.mark.parametrize("train", [0.9, 1.2], ids=["train below", "train above"])
@pytest.mark.parametrize("epochs", LENGTHS)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_training_without_a_fault_gets_no_alarm(seed, epochs, train):
    verdict, names = named(healthy(np.random.default_rng(seed), epochs, train=train))
    assert names & IN_ORDER
    assert verdict not in ALARMS


@pytest.mark.parametrize("shape", ["warm-up", "steps", "restarts", "smoothed"])
@pytest.mark.parametrize("seed", SEEDS)
def test_schedules_are_no_fault(seed, shape):
    rng, at = np.random.default_rng(seed), np.arange(30)
    falls = {
        "warm-up": np.where(at < 4, 1.0, np.exp(-(at - 4) / 5)),
        "steps": np.where(at < 15, 0.4 + 0.6 * decay(30, 4), 0.1),
        "restarts": decay(30, 4) + 0.1 * np.isin(at, [10, 11, 20, 21]),
        "smoothed": decay(30, 8),
    }[shape]
    columns = {
        "loss": jittered(rng, 0.4 + 1.2 * falls),
        "val_loss": jittered(rng, 0.45 + 1.2 * falls),
        "val_accuracy": counted(rng, 0.85 - 0.5 * falls, 3000),
    }
    verdict, names = named(columns)
    assert names & (IN_ORDER | {"unstable-training"})
    assert verdict not in ALARMS


@pytest.mark.parametrize(("low", "share"), [(0.25, 0.91), (0.45, 0.83), (1.6, 0.6)])
@pytest.mark.parametrize("epochs", LENGTHS)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_loss_that_rises_beside_an_accuracy_that_holds(seed, epochs, low, share):
    _, names = named(too_sure(np.random.default_rng(seed), epochs, low, share))
    assert names & TOO_SURE


@pytest.mark.parametrize("score", ["f1", "auc", "exact_match", "iou", "dice", "bleu", "map"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_loss_that_rises_beside_another_score_that_gets_better(seed, score):
    columns = too_sure(np.random.default_rng(seed), 16)
    columns = {name: columns[name] for name in ("loss", "val_loss")}
    verdict, _ = named(columns | {f"val_{score}": 0.6 + 0.15 * (1 - decay(16, 5))})
    assert verdict in TOO_SURE


@pytest.mark.parametrize("epochs", [5, 6, 12, 30])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_loss_that_rises_beside_an_accuracy_that_falls(seed, epochs):
    _, names = named(knows_less(np.random.default_rng(seed), epochs))
    assert names & KNOWS_LESS


@pytest.mark.parametrize(("factor", "drop"), [(2.5, 0.15), (4.0, 0.3)])
@pytest.mark.parametrize("epochs", [12, 24])
@pytest.mark.parametrize("seed", SEEDS)
def test_epochs_that_jump_to_the_end(seed, epochs, factor, drop):
    columns = jumping(np.random.default_rng(seed), epochs, factor, drop)
    assert named(columns)[0] in RESTLESS
    alone = {name: columns[name] for name in ("accuracy", "val_accuracy")}
    if drop > 0.2:  # what a hundred samples do not do by chance
        assert named(alone)[0] in RESTLESS


@pytest.mark.parametrize("k", [2, 3, 7, 10, 100])
@pytest.mark.parametrize(("skill", "times"), [(0.0, 1.0), (0.01, 1.1), (0.02, 1.2)])
@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_hardly_better_than_guessing_is_never_in_order(seed, k, skill, times):
    verdict, _ = named(guessing(np.random.default_rng(seed), k, 10, skill, times))
    assert verdict in GUESSES


@pytest.mark.parametrize("n", [16, 20, 40])
@pytest.mark.parametrize("seed", SEEDS)
def test_single_samples_of_a_few_decide_nothing(seed, n):
    verdict, _ = named(healthy(np.random.default_rng(seed), 12, n=n))
    assert verdict not in {*ALARMS, "best-epochs-differ", "unstable-training"}
