"""The rungs above one temperature: found where they were planted, silent where they were not."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import logsumexp

from whyloss.measures.calibration.noise_models import LAPSE_GATE, climb
from whyloss.testing import known_cause


def ladder_of(known, y_true=None, scores=None):
    one = known.source.predictions("val", 0)
    changed = replace(
        one,
        y_true=one.y_true if y_true is None else y_true,
        scores=one.scores if scores is None else scores,
    )
    return climb(changed, np.ones(len(one), dtype=bool))


@pytest.mark.parametrize("temperature", [1.0, 1.7])
@pytest.mark.parametrize("n_classes", [3, 10])
def test_uniform_label_noise_goes_to_the_lapse_share_and_not_to_the_temperature(
    temperature, n_classes
):
    known = known_cause(
        1, temperature=temperature, noise=0.10, signal=3.0, n_classes=n_classes, n_samples=5000
    )
    found = ladder_of(known)
    assert found.label_noise.accepted
    assert found.label_noise.share == pytest.approx(0.10, abs=0.02)
    assert found.label_noise.temperature == pytest.approx(temperature, rel=0.08)
    assert found.temperature.temperature > 1.25 * temperature
    assert not found.bias.accepted
    assert found.refinement.value < found.log_loss.value


@pytest.mark.parametrize("n_classes", [2, 10])
def test_pure_overconfidence_has_no_lapses(n_classes):
    accepted = [
        ladder_of(
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
    found = ladder_of(known, y_true=labels)
    assert found.bias.accepted
    assert found.bias.biases[2] > found.bias.biases[1]
    assert found.bias.biases.sum() == pytest.approx(0, abs=1e-9)


def test_shifted_logits_are_found_and_undone():
    known = known_cause(4, n_samples=5000)
    shift = np.array([1.0, 0.0, -1.0])
    found = ladder_of(known, scores=known.source.predictions("val", 0).scores + shift)
    assert found.bias.biases == pytest.approx(-shift, abs=0.15)
    assert found.refinement.value == pytest.approx(known.refinement[0], abs=0.03)


def test_calibrated_model_climbs_no_rung():
    found = ladder_of(known_cause(5, n_samples=5000))
    assert not found.label_noise.accepted
    assert not found.bias.accepted
    assert set(found.shares) == {"temperature"}
    assert found.refinement.value <= found.log_loss.value


def test_both_rungs_give_an_interval_over_the_two_orders():
    known = known_cause(6, noise=0.1, signal=3.0, n_samples=5000)
    shift = np.array([1.5, 0.0, -1.5])
    found = ladder_of(known, scores=known.source.predictions("val", 0).scores + shift)
    assert found.label_noise.accepted
    assert found.bias.accepted
    for low, high in (found.shares["label_noise"], found.shares["bias"]):
        assert 0 <= low <= high
    assert found.shares["temperature"][0] < 0.01 < found.shares["temperature"][1]
    assert np.exp(-found.log_beta) == pytest.approx(1.0, abs=0.1)


def test_a_temperature_beside_noise_keeps_what_the_noise_does_not_explain():
    noisy = ladder_of(known_cause(6, noise=0.1, n_samples=5000))
    both = ladder_of(known_cause(6, noise=0.1, n_samples=5000, temperature=2.0))
    # A temperature alone would save much of what the noise costs; beside it, nothing.
    least, most = noisy.shares["temperature"]
    assert least < 0.002
    assert most > 0.02
    assert both.shares["temperature"][0] > 0.02
    assert np.exp(-both.log_beta) == pytest.approx(2.0, abs=0.2)
    for found in (noisy, both):
        first = found.log_loss.value - found.shares["label_noise"][1]
        last = first - found.shares["temperature"][0]
        assert last == pytest.approx(found.refinement.value, abs=0.003)


def test_what_the_others_do_without_has_no_nats_and_the_rest_add_up():
    noisy = ladder_of(known_cause(6, noise=0.1, n_samples=5000))
    both = ladder_of(known_cause(6, noise=0.1, n_samples=5000, temperature=2.0))
    sure = ladder_of(known_cause(6, n_samples=5000, temperature=2.0))
    assert noisy.nats["temperature"] == 0.0
    assert noisy.nats["label_noise"] == pytest.approx(noisy.shares["label_noise"][1])
    assert min(both.nats.values()) > 0.01
    assert set(sure.nats) == {"temperature"}
    for found in (noisy, both, sure):
        for name, saved in found.nats.items():
            low, high = found.shares[name]
            assert saved == 0.0 or low - 1e-9 <= saved <= high + 1e-9
        remains = found.log_loss.value - sum(found.nats.values())
        assert remains == pytest.approx(found.refinement.value, abs=0.003)


def test_too_few_samples_leave_rungs_untried():
    found = ladder_of(known_cause(7, n_samples=80, n_classes=10))
    assert found.label_noise is None
    assert found.bias is None


def test_likelihood_ratio_is_that_of_an_independent_fit():
    known = known_cause(8, noise=0.08, n_samples=1500)
    one = known.source.predictions("val", 0)
    z, y, k = one.scores, one.y_true, 3

    def loss(parameters):
        u, share = parameters
        log_prob = np.exp(u) * z - logsumexp(np.exp(u) * z, axis=1, keepdims=True)
        own = np.exp(log_prob[np.arange(len(y)), y])
        return -np.log((1 - share) * own + share / k).mean()

    alone = minimize(lambda u: loss((u[0], 0.0)), [0.0], method="Nelder-Mead", tol=1e-12).fun
    both = minimize(
        loss, [0.0, 0.05], method="Nelder-Mead", tol=1e-12, bounds=[(-5, 5), (0, 0.9)]
    ).fun
    found = ladder_of(known)
    assert found.label_noise.likelihood_ratio == pytest.approx(
        2 * len(y) * (alone - both), abs=1e-4
    )
    assert found.label_noise.accepted == (found.label_noise.likelihood_ratio > LAPSE_GATE)
