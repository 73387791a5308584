"""Samples that count more than others, from the arrays to the report."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, log_loss, precision_score, recall_score

import whyloss
from whyloss import diagnose
from whyloss.data import InMemorySource, Predictions
from whyloss.errors import DataError, TooFewSamplesError
from whyloss.evidence import Evidence
from whyloss.measures.calibration.noise_models import fit_nested
from whyloss.measures.calibration.outliers import find_outliers
from whyloss.measures.calibration.refinement import calibrate
from whyloss.measures.calibration.temperature import LogitsObjective, fit_temperature
from whyloss.measures.estimates.intervals import mean_estimate
from whyloss.measures.losses.per_sample import per_sample
from whyloss.results.estimate import Estimate
from whyloss.testing import known_cause


def remade(known, rows=None, weights=None):
    """The same epochs on some rows, perhaps repeated, under weights."""
    source = known.source
    return InMemorySource(
        Predictions.from_arrays(
            one.y_true if rows is None else one.y_true[rows],
            logits=one.scores if rows is None else one.scores[rows],
            ids=one.ids if rows is None else one.ids[rows],
            epoch=epoch,
            weights=weights,
        )
        for epoch in source.epochs("val")
        for one in [source.predictions("val", epoch)]
    )


def point_estimates(found):
    """What repeating a sample does not change: all numbers but spreads, counts and ranks."""
    content = found.to_dict()
    kept = {key: content[key] for key in ("numbers", "attribution", "best_epochs", "classes")}
    gone = re.compile(
        r"interval|se$|n_samples|n_eff|samples|predicted$|top|as_good|held|surprise_z"
    )
    flat = {}

    def walk(name, value):
        if gone.search(name):
            return
        if isinstance(value, dict | list):
            items = value.items() if isinstance(value, dict) else enumerate(value)
            for key, item in items:
                walk(f"{name}.{key}", item)
        elif isinstance(value, float | int):
            flat[name] = value

    walk("", kept)
    return flat


# --- laws ---------------------------------------------------------------------------------------


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10_000), st.floats(1e-200, 1e200))
def test_equal_weights_give_exactly_the_numbers_without_weights(seed, weight):
    known = known_cause(seed, temperature=(1.0, 1.6), n_samples=300)
    plain, weighted = diagnose(known.source), diagnose(remade(known, weights=np.full(300, weight)))
    assert replace(weighted, source="known cause").to_dict() == plain.to_dict()


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10_000))
def test_a_sample_of_weight_0_is_absent(seed):
    known = known_cause(seed, temperature=(1.0, 1.6), n_samples=400)
    rng = np.random.default_rng(seed)
    weights = rng.integers(0, 4, 400) * 1.0
    kept = np.flatnonzero(weights)
    with_zeros = diagnose(remade(known, weights=weights))
    assert with_zeros.to_dict() == diagnose(remade(known, kept, weights[kept])).to_dict()
    without = diagnose(remade(known, weights=(weights > 0) * 2.0))
    assert without.to_dict() == diagnose(remade(known, kept)).to_dict()


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 4))
def test_whole_weights_give_the_numbers_of_repeated_samples(seed, n_classes):
    # Over-confident enough that a temperature is accepted whatever the effective number of samples.
    known = known_cause(
        seed, temperature=(2.5, 3.5), blur=(0.1, 0.4), n_samples=500, n_classes=n_classes
    )
    times = np.random.default_rng(seed).integers(1, 4, 500)
    weighted = point_estimates(diagnose(remade(known, weights=times)))
    repeated = point_estimates(diagnose(remade(known, np.repeat(np.arange(500), times))))
    assert len(repeated) > 50
    assert weighted == pytest.approx(repeated, rel=1e-7, abs=1e-9)


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 10_000), st.floats(1e-100, 1e100))
def test_the_unit_of_the_weights_does_not_matter(seed, unit):
    known = known_cause(seed, temperature=(1.0, 1.6), n_samples=300)
    weights = np.random.default_rng(seed).uniform(0.1, 2.0, 300)
    one, other = (diagnose(remade(known, weights=w)).numbers for w in (weights, unit * weights))
    assert one.keys() == other.keys()
    for name, value in one.items():
        if isinstance(value, Estimate):
            assert other[name].value == pytest.approx(value.value, rel=1e-7, abs=1e-9)
            assert other[name].low == pytest.approx(value.low, rel=1e-6, abs=1e-9)


# --- against others -----------------------------------------------------------------------------


def weighted_sample(seed=0, n=1000, **options):
    one = known_cause(seed, n_samples=n, **options).source.predictions("val", 0)
    return one, np.random.default_rng(seed).exponential(size=n)


def test_loss_accuracy_precision_and_recall_are_those_of_scikit_learn():
    one, weights = weighted_sample(temperature=2.0)
    found = diagnose(one.y_true, logits=one.scores, weights=weights)
    prob = np.exp(one.scores - np.logaddexp.reduce(one.scores, axis=1, keepdims=True))
    guess = prob.argmax(axis=1)
    assert found.numbers["log_loss"].value == pytest.approx(
        log_loss(one.y_true, prob, sample_weight=weights), rel=1e-12
    )
    assert found.numbers["accuracy"].value == pytest.approx(
        accuracy_score(one.y_true, guess, sample_weight=weights), rel=1e-12
    )
    for score, name in ((precision_score, "precision"), (recall_score, "recall")):
        theirs = score(one.y_true, guess, average=None, sample_weight=weights)
        assert [getattr(row, name).value for row in found.classes] == pytest.approx(theirs)
    for k, row in enumerate(found.classes):
        rows = one.y_true == k
        losses = -np.log(prob[rows, k])
        assert row.log_loss.value == pytest.approx(np.average(losses, weights=weights[rows]))


def test_the_note_says_how_many_equal_samples_the_weights_leave():
    one, weights = weighted_sample()
    n_eff = weights.sum() ** 2 / (weights**2).sum()
    found = whyloss.diagnose(one.y_true, logits=one.scores, weights=weights)
    assert found.numbers["n_samples"] == 1000
    assert found.numbers["n_eff"] == pytest.approx(n_eff)
    assert f"1,000 samples weigh as much as {n_eff:.0f} equal ones" in found.notes[0]
    for form in ("terminal", "markdown", "html"):
        assert "n_eff" in found.render(form).replace("\\", "")
    assert "n_eff" not in diagnose(one.y_true, logits=one.scores).numbers


def test_the_most_expensive_samples_are_those_that_add_most_to_the_loss():
    one, weights = weighted_sample(temperature=2.0)
    found = diagnose(one.y_true, logits=one.scores, weights=weights)
    loss = np.logaddexp.reduce(one.scores, axis=1) - one.scores[np.arange(1000), one.y_true]
    order = np.argsort(-weights * loss)[:50]
    assert [row.id for row in found.samples] == order.tolist()
    assert found.samples[0].share == pytest.approx((weights * loss).max() / (weights @ loss))
    assert found.samples[0].log_loss == pytest.approx(loss[order[0]])


# --- fits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_classes", [2, 5])
def test_every_fit_is_that_of_repeated_samples(n_classes):
    one, _ = weighted_sample(3, temperature=1.8, noise=0.1, n_classes=n_classes, n=2000)
    times = np.random.default_rng(3).integers(1, 4, 2000)
    rows = np.repeat(np.arange(2000), times)
    weighted = replace(one, weights=times * 1.0)
    repeated = Predictions.from_arrays(one.y_true[rows], logits=one.scores[rows], ids=one.ids[rows])
    pair = [(weighted, np.ones(2000, dtype=bool)), (repeated, np.ones(len(rows), dtype=bool))]
    ours, theirs = (calibrate(*both) for both in pair)
    assert ours.fit.log_beta == pytest.approx(theirs.fit.log_beta, abs=1e-9)
    assert ours.refinement.value == pytest.approx(theirs.refinement.value, abs=1e-9)
    ours, theirs = (fit_nested(*both) for both in pair)
    assert ours.label_noise.share == pytest.approx(theirs.label_noise.share, abs=1e-5)
    assert ours.label_noise.gain == pytest.approx(theirs.label_noise.gain, abs=1e-7)
    assert ours.bias.biases == pytest.approx(theirs.bias.biases, abs=1e-4)
    n_eff = times.sum() ** 2 / (times**2).sum()
    assert ours.label_noise.likelihood_ratio == pytest.approx(2 * n_eff * ours.label_noise.gain)


def test_outliers_are_told_at_the_temperature_of_the_weighted_samples():
    one, _ = weighted_sample(6, temperature=2.0, n=300)
    times = np.random.default_rng(6).integers(1, 4, 300)
    weighted = replace(one, weights=times * 1.0)
    found = find_outliers(weighted, per_sample(one.y_true, one.scores, "logits"))
    assert found.temperature.value == pytest.approx(diagnose(weighted).numbers["temperature"].value)
    assert found.log_loss == diagnose(weighted).numbers["log_loss"]


def test_the_size_of_a_sample_is_what_the_weights_leave():
    one, _ = weighted_sample(5, n=60)
    weights = np.full(60, 1e-3)
    weights[:20] = 1.0
    few = replace(one, weights=weights)
    with pytest.raises(TooFewSamplesError, match="got 20"):
        calibrate(few, np.ones(60, dtype=bool))
    assert diagnose(few).numbers.get("refinement") is None
    problem = LogitsObjective(one.y_true, one.scores, "logits", weights)
    assert len(problem) == 20
    assert fit_temperature(problem).shrunk


# --- intervals ----------------------------------------------------------------------------------


def test_intervals_cover_the_population_that_the_weights_stand_for(trials):
    """The rare classes, which cost most, are sampled too often, and weigh the less."""
    covered, missed = [], []
    for seed in range(trials(150)):
        rng = np.random.default_rng(10**6 + seed)
        known = known_cause(seed, n_samples=3000, **TASK)
        one = known.source.predictions("val", 1)
        rare = one.y_true >= 2
        rows = np.flatnonzero(rare | (rng.random(3000) < 0.25))
        weights = np.where(rare[rows], 1.0, 4.0)
        a = Evidence(remade(known, rows, weights), from_epoch=1, to_epoch=2).comparison.change
        facts = Evidence(remade(known, rows, weights)).last
        truth = POPULATION
        covered.append(
            [
                estimate.low <= truth[name] <= estimate.high
                for name, estimate in {
                    "loss": facts.log_loss,
                    "accuracy": facts.accuracy,
                    "refinement": facts.calibrated.refinement,
                    "calibration": facts.calibrated.calibration,
                    "gap": facts.gap.gap,
                    "rise": a.total,
                    "rise of calibration": a.calibration,
                    "temperature": facts.calibrated.fit.estimate,
                }.items()
            ]
        )
        plain = mean_estimate(facts.samples.log_loss)
        missed.append(not plain.low <= truth["loss"] <= plain.high)
    rates = np.mean(covered, axis=0)
    assert (rates >= 0.89).all(), rates
    assert np.mean(missed) > 0.3  # or the weights would make no difference


TASK = {"temperature": (1.2, 1.9), "n_classes": 4, "shares": (0.4, 0.3, 0.2, 0.1)}


def population():
    known = known_cause(10**6, n_samples=400_000, **TASK)
    first, second = (known.source.predictions("val", epoch) for epoch in (1, 2))
    rows = np.arange(len(first))

    def pieces(one):
        log_prob = one.scores - np.logaddexp.reduce(one.scores, axis=1, keepdims=True)
        loss = -log_prob[rows, one.y_true]
        return loss, -(np.exp(log_prob) * log_prob).sum(axis=1), log_prob.argmax(axis=1)

    (before, _, _), (after, entropy, guess) = pieces(first), pieces(second)
    calibration = known.calibration
    return {
        "loss": after.mean(),
        "accuracy": (guess == first.y_true).mean(),
        "refinement": after.mean() - calibration[1],
        "calibration": calibration[1],
        "gap": (after - entropy).mean(),
        "rise": (after - before).mean(),
        "rise of calibration": calibration[1] - calibration[0],
        "temperature": 1.9,
    }


POPULATION = population()


# --- over several epochs ------------------------------------------------------------------------


def test_weights_that_change_between_epochs_are_refused():
    known = known_cause(6, temperature=(1.0, 1.6), n_samples=300)
    epochs = [known.source.predictions("val", epoch) for epoch in (1, 2)]
    weights = np.linspace(1, 2, 300)
    for other in (weights[::-1].copy(), None):
        source = InMemorySource(
            [replace(epochs[0], weights=weights), replace(epochs[1], weights=other)]
        )
        with pytest.raises(DataError, match="weights of the samples change between epochs 1 and 2"):
            diagnose(source)
    twice = [replace(epochs[0], weights=weights), replace(epochs[1], weights=2 * weights)]
    assert diagnose(InMemorySource(twice)).attribution is not None


def test_weights_beside_a_source_of_its_own_are_refused():
    one, weights = weighted_sample()
    with pytest.raises(DataError, match="labels as the first argument where weights= is given"):
        diagnose(one, weights=weights)
