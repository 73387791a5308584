"""Data with a known cause have the cause and the nats that they claim."""

import math

import numpy as np
import pytest
from scipy.stats import kstest

from whyloss.evidence import Evidence
from whyloss.measures.losses.logits import RowStatus
from whyloss.measures.losses.per_sample import per_sample
from whyloss.testing import known_cause, relabel_scale, rule_out_truth, softmax_twice, spoil


def measured(known, epoch=None):
    epochs = known.source.epochs("val")
    predictions = known.source.predictions("val", epochs[-1] if epoch is None else epoch)
    return per_sample(predictions.y_true, predictions.scores, predictions.scale), predictions


def standardised(values, expected):
    """Distance of the mean from what was expected, in standard errors."""
    error = np.asarray(values) - np.asarray(expected)
    return error.mean() / (error.std(ddof=1) / math.sqrt(len(error)))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"temperature": 2.0},
        {"temperature": 0.4, "n_classes": 10},
        {"blur": 0.8, "temperature": 1.5},
        {"shares": (0.7, 0.2, 0.1)},
        {"signal": 0.0, "temperature": 3.0, "shares": (0.5, 0.3, 0.2)},
    ],
)
def test_the_loss_is_refinement_plus_calibration_on_average(options):
    losses, expected = [], []
    for seed in range(150):
        known = known_cause(seed, n_samples=400, **options)
        samples, _ = measured(known)
        losses.append(samples.log_loss.mean())
        expected.append(known.refinement[0] + known.calibration[0])
        assert known.calibration[0] >= -1e-12
    assert abs(standardised(losses, expected)) < 3.5


def test_at_temperature_one_all_is_refinement_and_the_predictions_expect_their_loss():
    known = known_cause(0)
    samples, _ = measured(known)
    assert known.calibration == (0.0,)
    assert known.refinement[0] == pytest.approx(samples.entropy.mean(), rel=1e-12)


@pytest.mark.parametrize("options", [{}, {"blur": 0.7, "n_classes": 5}, {"n_classes": 2}])
def test_calibrated_predictions_have_a_standard_normal_surprise_gap(options):
    z = [
        Evidence(known_cause(seed, n_samples=500, **options).source).last.gap.z
        for seed in range(200)
    ]
    assert kstest(z, "norm").pvalue > 0.001
    assert 0.85 < np.std(z) < 1.15


@pytest.mark.parametrize(("temperature", "sign"), [(1.5, 1), (0.6, -1)])
def test_the_surprise_gap_has_the_sign_of_the_fault(temperature, sign):
    for seed in range(20):
        assert sign * Evidence(known_cause(seed, temperature=temperature).source).last.gap.z > 3


@pytest.mark.parametrize("noise", [0.05, 0.3])
def test_noise_redraws_that_share_of_the_labels_uniformly(noise):
    losses, expected = [], []
    for seed in range(150):
        known = known_cause(seed, noise=noise, n_samples=400)
        assert known.noise == noise
        samples, predictions = measured(known)
        log_prob = predictions.scores - np.log(
            np.exp(predictions.scores).sum(axis=1, keepdims=True)
        )
        # The model states the exact posterior of the clean labels.
        stated = (1 - noise) * np.exp(log_prob) + noise / 3
        losses.append(samples.log_loss.mean())
        expected.append(-(stated * log_prob).sum(axis=1).mean())
    assert abs(standardised(losses, expected)) < 3.5
    assert np.mean(losses) > known_cause(0, n_samples=400).refinement[0] + 0.05


def test_noise_leaves_the_inputs_as_they_were():
    clean, noisy = known_cause(4), known_cause(4, noise=0.2)
    one, other = measured(clean)[1], measured(noisy)[1]
    np.testing.assert_array_equal(one.scores, other.scores)
    assert np.mean(one.y_true != other.y_true) == pytest.approx(0.2 * 2 / 3, abs=0.03)


def test_a_temperature_scales_the_same_logits_and_a_blur_draws_anew():
    known = known_cause(1, temperature=(1.0, 2.0))
    first, second = (known.source.predictions("val", epoch).scores for epoch in (1, 2))
    np.testing.assert_allclose(second, 2 * first, rtol=1e-15)
    assert known.refinement[0] == known.refinement[1]
    assert known.calibration[0] == 0.0 < known.calibration[1]
    blurred = known_cause(1, blur=(0.5, 0.5))
    first, second = (blurred.source.predictions("val", epoch).scores for epoch in (1, 2))
    assert np.abs(first - second).mean() > 0.1


def test_a_blur_costs_refinement_and_no_calibration():
    known = known_cause(2, blur=(0.0, 0.5, 1.5))
    assert list(known.refinement) == sorted(known.refinement)
    assert known.calibration == (0.0, 0.0, 0.0)


def test_epochs_count_from_one_and_a_lone_snapshot_is_none():
    assert known_cause(0, temperature=(1, 2, 3), n_samples=10).source.epochs("val") == (1, 2, 3)
    assert known_cause(0, n_samples=10).source.epochs("val") == (0,)


def test_a_seed_gives_the_same_data_again_and_another_seed_others():
    one, same, other = (measured(known_cause(seed))[1] for seed in (7, 7, 8))
    np.testing.assert_array_equal(one.scores, same.scores)
    np.testing.assert_array_equal(one.y_true, same.y_true)
    assert not np.array_equal(one.scores, other.scores)


def test_shares_are_those_of_the_labels():
    labels = measured(known_cause(0, shares=(6, 3, 1), n_samples=20_000))[1].y_true
    assert np.bincount(labels) / 20_000 == pytest.approx([0.6, 0.3, 0.1], abs=0.015)


def test_without_a_signal_there_is_nothing_to_learn():
    samples, _ = measured(known_cause(0, signal=0.0, n_classes=4))
    np.testing.assert_allclose(samples.log_loss, math.log(4), rtol=1e-12)


# --- the faults that can be added ---------------------------------------------------------------


def test_spoiled_rows_are_no_predictions():
    known = spoil(known_cause(0, temperature=(1.0, 2.0), n_samples=100), rows=7, value=math.nan)
    for epoch in (1, 2):
        samples, _ = measured(known, epoch)
        assert samples.count(RowStatus.NON_FINITE) == 7
        assert not samples.scored[:7].any()


def test_a_truth_that_is_ruled_out_has_an_infinite_loss():
    samples, _ = measured(rule_out_truth(known_cause(0, n_samples=100), rows=5))
    assert np.isinf(samples.log_loss[:5]).all()
    assert samples.count(RowStatus.INFINITE_LOSS) == 5
    assert samples.scored[5:].all()


def test_a_softmax_put_twice_flattens_and_keeps_the_labels():
    known = known_cause(0, n_classes=2, signal=6.0)
    plain, twice = measured(known)[0], measured(softmax_twice(known))[0]
    np.testing.assert_array_equal(plain.y_pred, twice.y_pred)
    floor = math.log(math.e + 1) - 1  # 0.3133
    assert twice.log_loss.min() >= floor - 1e-12
    assert twice.log_loss.min() == pytest.approx(floor, abs=1e-6)
    half = measured(softmax_twice(known, share=0.5))[0]
    np.testing.assert_array_equal(half.log_loss[1000:], plain.log_loss[1000:])
    np.testing.assert_array_equal(half.log_loss[:1000], twice.log_loss[:1000])


def test_another_scale_can_be_claimed_of_the_same_numbers():
    known = known_cause(0, n_samples=100)
    claimed = relabel_scale(known, "probs")
    samples, predictions = measured(claimed)
    assert predictions.scale == "probs"
    np.testing.assert_array_equal(predictions.scores, measured(known)[1].scores)
    assert samples.count(RowStatus.NOT_A_DISTRIBUTION) > 90
    assert claimed.refinement == known.refinement
