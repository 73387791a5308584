"""The noise models: found where they were planted, silent where they were not."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import logsumexp

from whyloss.measures.calibration.noise_models import MIN_NOISE_RATIO, fit_nested
from whyloss.testing import known_cause


def fitted(known, y_true=None, scores=None):
    one = known.source.predictions("val", 0)
    changed = replace(
        one,
        y_true=one.y_true if y_true is None else y_true,
        scores=one.scores if scores is None else scores,
    )
    return fit_nested(changed, np.ones(len(one), dtype=bool))


def log_prob(scores, log_beta, biases=0.0):
    scaled = np.exp(log_beta) * scores + biases
    return scaled - logsumexp(scaled, axis=1, keepdims=True)


def loss_of(known, log_beta=0.0, share=0.0):
    """Mean loss of the contamination model, worked out here."""
    one = known.source.predictions("val", 0)
    own = np.exp(log_prob(one.scores, log_beta)[np.arange(len(one)), one.y_true])
    return -np.log((1 - share) * own + share / one.n_classes).mean()


@pytest.mark.parametrize("temperature", [1.0, 1.7])
@pytest.mark.parametrize("n_classes", [3, 10])
def test_uniform_label_noise_goes_to_the_share_and_not_to_the_temperature(temperature, n_classes):
    known = known_cause(
        1, temperature=temperature, noise=0.10, signal=3.0, n_classes=n_classes, n_samples=5000
    )
    found = fitted(known)
    assert found.label_noise.accepted
    assert found.label_noise.share == pytest.approx(0.10, abs=0.02)
    assert found.label_noise.temperature == pytest.approx(temperature, rel=0.08)
    assert found.temperature.temperature > 1.25 * temperature
    assert not found.bias.accepted


@pytest.mark.parametrize("n_classes", [2, 10])
def test_pure_overconfidence_has_no_label_noise(n_classes):
    accepted = [
        fitted(
            known_cause(seed, temperature=1.8, n_classes=n_classes, n_samples=500)
        ).label_noise.accepted
        for seed in range(60)
    ]
    assert sum(accepted) <= 2


def test_flipped_class_goes_to_the_bias():
    known = known_cause(3, signal=3.0, n_samples=5000)
    rng = np.random.default_rng(0)
    labels = known.source.predictions("val", 0).y_true.copy()
    flipped = (labels == 1) & (rng.random(len(labels)) < 0.3)
    labels[flipped] = 2
    found = fitted(known, y_true=labels)
    assert found.bias.accepted
    assert found.bias.biases[2] > found.bias.biases[1]
    assert found.bias.biases.sum() == pytest.approx(0, abs=1e-9)


def test_shifted_logits_are_found_and_undone():
    known = known_cause(4, n_samples=5000)
    one = known.source.predictions("val", 0)
    shift = np.array([1.0, 0.0, -1.0])
    bias = fitted(known, scores=one.scores + shift).bias
    assert bias.biases == pytest.approx(-shift, abs=0.15)
    undone = log_prob(one.scores + shift, bias.log_beta, bias.biases)
    loss = -undone[np.arange(len(one)), one.y_true].mean()
    assert loss == pytest.approx(known.refinement[0], abs=0.03)


def test_calibrated_model_needs_no_noise_model():
    found = fitted(known_cause(5, n_samples=5000))
    assert not found.label_noise.accepted
    assert not found.bias.accepted
    assert set(found.nats) == {"temperature"}


def test_both_noise_models_at_once_leave_the_temperature_redundant():
    known = known_cause(6, noise=0.1, signal=3.0, n_samples=5000)
    shift = np.array([1.5, 0.0, -1.5])
    found = fitted(known, scores=known.source.predictions("val", 0).scores + shift)
    assert found.label_noise.accepted
    assert found.bias.accepted
    assert found.nats["temperature"] == 0.0
    assert min(found.nats["label_noise"], found.nats["bias"]) > 0.01
    assert np.exp(-found.log_beta) == pytest.approx(1.0, abs=0.1)


def test_a_temperature_keeps_the_nats_that_the_noise_does_not_explain():
    noisy = fitted(known_cause(6, noise=0.1, n_samples=5000))
    both = fitted(known_cause(6, noise=0.1, n_samples=5000, temperature=2.0))
    assert noisy.nats["temperature"] == 0.0
    assert min(both.nats.values()) > 0.01
    assert np.exp(-both.log_beta) == pytest.approx(2.0, abs=0.2)


@pytest.mark.parametrize("causes", [{"noise": 0.1}, {"noise": 0.1, "temperature": 2.0}])
def test_nats_add_up_to_the_loss_that_the_noise_model_saves(causes):
    known = known_cause(6, n_samples=5000, **causes)
    found = fitted(known)
    noise = found.label_noise
    joint = loss_of(known, noise.log_beta, noise.share)
    saved = loss_of(known) - joint
    # A redundant term may cost up to 0.01 nats to drop, and then nobody has them.
    assert saved - 0.01 <= sum(found.nats.values()) <= saved + 1e-6
    if found.nats["temperature"]:
        assert sum(found.nats.values()) == pytest.approx(saved, abs=1e-6)


def test_a_temperature_alone_has_the_nats_that_it_saves():
    known = known_cause(6, n_samples=5000, temperature=2.0)
    found = fitted(known)
    saved = loss_of(known) - loss_of(known, found.temperature.log_beta)
    assert found.nats == {"temperature": pytest.approx(saved, abs=1e-9)}


def test_too_few_samples_leave_the_noise_models_unfitted():
    found = fitted(known_cause(7, n_samples=80, n_classes=10))
    assert found.label_noise is None
    assert found.bias is None


def test_likelihood_ratio_is_that_of_an_independent_fit():
    known = known_cause(8, noise=0.08, n_samples=1500)
    alone = minimize(lambda u: loss_of(known, u[0]), [0.0], method="Nelder-Mead", tol=1e-12).fun
    both = minimize(
        lambda x: loss_of(known, *x),
        [0.0, 0.05],
        method="Nelder-Mead",
        tol=1e-12,
        bounds=[(-5, 5), (0, 0.9)],
    ).fun
    noise = fitted(known).label_noise
    assert noise.likelihood_ratio == pytest.approx(2 * 1500 * (alone - both), abs=1e-4)
    assert noise.accepted == (noise.likelihood_ratio > MIN_NOISE_RATIO)
