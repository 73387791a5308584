"""The benchmark of known causes: what it plants, what it makes of a verdict, and how it counts."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import require

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.diagnosis import simulated, trained
from benchmarks.diagnosis.alternatives import ALTERNATIVES
from benchmarks.diagnosis.report import report, shortfalls
from benchmarks.diagnosis.scores import confusions, macro_f1, score_labels
from benchmarks.diagnosis.snapshots import ALONE, PAIRS
from benchmarks.diagnosis.trial import HEALTHY, Attributed, Design, Range
from benchmarks.diagnosis.worlds import log_softmax, losses_of, make_world

LABELS = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcde")), min_size=1)


@settings(deadline=None)
@given(LABELS)
def test_scores_are_those_of_scikit_learn(pairs):
    metrics = require("sklearn.metrics")
    true, said = (list(side) for side in zip(*pairs, strict=True))
    labels = sorted(set(true))
    scores = score_labels(true, said)
    expected = metrics.precision_recall_fscore_support(true, said, labels=labels, zero_division=0)
    ours = [(s.precision, s.recall, s.f1, s.support) for s in (scores[label] for label in labels)]
    np.testing.assert_allclose(np.array(ours).T, np.array(expected, dtype=float))
    np.testing.assert_allclose(
        macro_f1(scores), metrics.f1_score(true, said, labels=labels, average="macro")
    )


@settings(deadline=None)
@given(LABELS)
def test_confusions_count_every_wrong_label_once(pairs):
    true, said = zip(*pairs, strict=True)
    counted = confusions(true, said)
    assert sum(count for *_, count in counted) == sum(a != b for a, b in pairs)
    assert all(a != b for a, b, _ in counted)


@pytest.mark.parametrize(
    ("truth", "nats", "right"),
    [
        (0.02, 0.029, True),
        (0.02, 0.031, False),
        (0.5, 0.549, True),
        (0.5, 0.551, False),
        (0.0, 0.009, True),
    ],
)
def test_nats_are_right_within_a_tenth_or_a_hundredth(truth, nats, right):
    assert Attributed("overconfidence", nats, Range(truth, truth)).right is right


def test_nats_between_the_two_orders_are_right():
    truth = Range(0.2, 0.4)
    assert [truth.away(nats) for nats in (0.2, 0.3, 0.4)] == [0.0, 0.0, 0.0]
    assert truth.away(0.1) == pytest.approx(0.1)
    assert truth.away(0.45) == pytest.approx(0.05)


def test_a_world_is_as_hard_as_asked_and_its_posterior_calibrated():
    world = make_world(np.random.default_rng(3), 20_000, 3, 0.8)
    log_prob = world.log_posterior(0.5)
    loss, entropy = losses_of(log_prob, world.y), -(np.exp(log_prob) * log_prob).sum(axis=1)
    right = world.log_posterior().argmax(axis=1) == world.y
    assert right.mean() == pytest.approx(0.8, abs=0.03)
    assert abs((loss - entropy).mean()) < 4 * (loss - entropy).std() / np.sqrt(len(loss))
    np.testing.assert_allclose(np.exp(log_softmax(log_prob)).sum(axis=1), 1.0)


@pytest.mark.parametrize("name", ["overconfidence", "underconfidence", "permuted-classes"])
def test_what_a_cause_costs_is_the_loss_with_it_less_the_loss_without(name):
    planted = ALONE[name](np.random.default_rng(5), 500, 3, 1)
    (truth,) = planted.nats[name]
    assert truth.low == truth.high == pytest.approx(planted.effect)


@pytest.mark.parametrize("name", ["overconfidence", "healthy", "label-noise"])
def test_the_same_seed_is_the_same_trial_and_another_one_another(name):
    design = Design(name, 7, 1000, 3, 1)
    assert simulated.run(design) == simulated.run(design)
    plant = [
        ALONE[name](np.random.default_rng(seed), 300, 3, 1).source.predictions("val", 0).scores
        for seed in (7, 8)
    ]
    assert not np.array_equal(*plant)


def test_the_seeds_of_the_score_are_none_of_the_seeds_of_tuning():
    tune, score = ({d.seed for d in simulated.designs(first)} for first in (0, 1_000_000))
    assert max(tune) < 10_000 <= min(score)


def test_causes_are_names_of_rules():
    from whyloss.rules import ALL

    known = {rule.name for rule in ALL}
    planted = {part for name in PAIRS for part in name.split(" + ")}
    assert planted <= known
    assert {cause for recipe in trained.RECIPES.values() for cause in recipe.causes} <= known
    assert set(ALONE) - {HEALTHY} <= known


def test_a_slice_of_the_benchmark_runs_and_reports():
    names = ("healthy", "overconfidence", "overconfidence + label-noise", "overfitting (run)")
    designs = [d for d in simulated.designs(0, quick=True) if d.name in names]
    outcomes = [simulated.run(design) for design in designs]
    text = report({"simulated": outcomes})
    for title in ("Each cause alone", "In pairs", "Healthy", "Nats", "Simple alternatives"):
        assert f"### {title}" in text
    for name in ALTERNATIVES:
        assert f"| {name} |" in text
    alone = next(o for o in outcomes if o.design.name == "overconfidence")
    assert alone.verdict == alone.label == "overconfidence"
    assert all(a.right for a in alone.attributed)
    wrong = replace(alone, verdict="label-noise")
    assert shortfalls({"simulated": [wrong]}) != []


@pytest.mark.torch
def test_a_training_is_recorded_and_diagnosed():
    require("torch")
    require("sklearn")
    outcome = trained.run(next(iter(trained.designs(0, "validation labels from 1", quick=True))))
    assert outcome.level == "run"
    assert outcome.verdict == "label-encoding"
    assert "### Simple alternatives on the trained part" in report({"trained": [outcome]})
