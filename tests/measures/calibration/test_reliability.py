"""Reliability diagrams and the calibration errors drawn from them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import expit, log_expit, logit, softmax
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from conftest import require
from whyloss.errors import DataError
from whyloss.measures.calibration.calibration_error import (
    brier_estimate,
    calibration_errors,
    classwise_calibration_error,
    debiased_calibration_error,
    expected_calibration_error,
    expected_error_if_calibrated,
    smooth_calibration_error,
)
from whyloss.measures.calibration.reliability import class_reliability_bins, reliability_bins
from whyloss.measures.losses.per_sample import per_sample


def binary(seed, n, temperature):
    """Probabilities too extreme by a temperature, and what became of them."""
    rng = np.random.default_rng(seed)
    log_odds = rng.normal(2.0, 1.5, n)
    return expit(log_odds), rng.random(n) < expit(log_odds / temperature)


def multiclass(seed, n, n_classes, temperature=1.7):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0.0, 2.0, (n, n_classes))
    y_true = (
        (softmax(logits, axis=1).cumsum(axis=1) < rng.random((n, 1)))
        .sum(axis=1)
        .clip(0, n_classes - 1)
    )
    return y_true, logits * temperature


def top_label(y_true, logits):
    samples = per_sample(y_true, logits, "logits")
    return samples.confidence, samples.y_pred == y_true


# --- the bins -----------------------------------------------------------------------------------


def test_bins_of_equal_width_are_those_of_scikit_learn():
    probability, happened = binary(0, 3000, 1.7)
    bins = reliability_bins(probability, happened)
    observed, predicted = calibration_curve(happened, probability, n_bins=15)
    filled = bins.count > 0
    np.testing.assert_allclose(bins.observed[filled], observed, rtol=1e-12)
    np.testing.assert_allclose(bins.probability[filled], predicted, rtol=1e-12)


def test_bins_of_equal_mass_hold_equally_many():
    bins = reliability_bins(*binary(1, 3000, 1.0), binning="mass")
    assert len(bins.count) == 15
    assert set(bins.count.tolist()) <= {199, 200, 201}


def test_equal_probabilities_share_a_bin():
    probability = np.array([0.3] * 50 + [0.9] * 50)
    bins = reliability_bins(probability, np.arange(100) % 2 == 0, binning="mass")
    assert bins.count.tolist() == [50, 50]


def test_the_ends_belong_to_the_outer_bins():
    bins = reliability_bins(np.array([0.0, 1.0, 1.0]), np.array([False, True, False]))
    assert bins.count[[0, -1]].tolist() == [1, 2]
    assert bins.observed[-1] == 0.5
    assert (bins.confidence_low[-1], bins.confidence_high[-1]) == pytest.approx(
        (0.0945, 0.9055), abs=1e-4
    )
    assert (bins.consistency_low[-1], bins.consistency_high[-1]) == (1.0, 1.0)
    assert np.isnan(bins.observed[1:-1]).all()
    assert np.isnan(bins.consistency_low[1:-1]).all()


def test_the_consistency_band_is_the_binomial_one():
    probability, happened = binary(2, 700, 1.0)
    bins = reliability_bins(probability, happened)
    kept = bins.count > 0
    n, p = bins.count[kept], bins.probability[kept]
    np.testing.assert_allclose(bins.consistency_low[kept], stats.binom.ppf(0.025, n, p) / n)
    np.testing.assert_allclose(bins.consistency_high[kept], stats.binom.ppf(0.975, n, p) / n)


def test_the_bands_hold_their_share():
    rng = np.random.default_rng(3)
    within_band, within_interval = [], []
    probability = expit(rng.normal(1.0, 2.0, 1500))
    for _ in range(200):
        bins = reliability_bins(probability, rng.random(1500) < probability)
        within_band.append(
            (bins.consistency_low <= bins.observed) & (bins.observed <= bins.consistency_high)
        )
        within_interval.append(
            (bins.confidence_low <= bins.probability) & (bins.probability <= bins.confidence_high)
        )
    assert 0.945 <= np.mean(within_band) <= 0.985  # counts are whole: never below 95 %
    assert 0.935 <= np.mean(within_interval) <= 0.97


@pytest.mark.parametrize("values", [[0.2, np.nan], [-0.1, 0.5], [0.5, 1.1]])
def test_what_is_no_probability_is_refused(values):
    with pytest.raises(DataError, match="probabilities"):
        reliability_bins(np.array(values), np.array([True, False]))


def test_no_bins_are_refused():
    with pytest.raises(DataError, match="at least 1 bin"):
        reliability_bins(np.array([0.5]), np.array([True]), n_bins=0)


# --- the errors ---------------------------------------------------------------------------------


@pytest.mark.parametrize("n_classes", [2, 10])
def test_ece_is_that_of_torchmetrics(n_classes):
    torch, functional = require("torch"), require("torchmetrics.functional")
    y_true, logits = multiclass(4, 4000, n_classes)
    theirs = functional.calibration_error(
        torch.tensor(softmax(logits, axis=1)),
        torch.tensor(y_true),
        task="multiclass",
        num_classes=n_classes,
        n_bins=15,
    )
    ours = calibration_errors(*top_label(y_true, logits)).ece
    assert ours.value == pytest.approx(theirs.item(), rel=1e-5)  # it computes in float32
    assert ours.low is None
    assert "biased upwards" in ours.note


def test_classwise_error_is_the_mean_over_classes():
    y_true, logits = multiclass(5, 2000, 4)
    scored = np.arange(2000) % 7 != 0
    prob = softmax(logits, axis=1)[scored]
    expected = [
        expected_calibration_error(reliability_bins(prob[:, k], y_true[scored] == k)).value
        for k in range(4)
    ]
    classes = class_reliability_bins(y_true, logits, "logits", scored=scored)
    assert classwise_calibration_error(classes).value == pytest.approx(np.mean(expected), rel=1e-10)
    assert [bins.n_samples for bins in classes] == [scored.sum()] * 4


def test_one_column_is_the_same_as_two():
    y_true, logits = multiclass(6, 500, 2)
    single = logits[:, 1:] - logits[:, :1]
    scored = np.ones(500, dtype=bool)
    two = class_reliability_bins(y_true, logits, "logits", scored=scored)
    one = class_reliability_bins(y_true, single, "logits", scored=scored)
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a.count, b.count)
        np.testing.assert_allclose(a.probability, b.probability, rtol=1e-12)
    assert brier_estimate(per_sample(y_true, single, "logits")).value == pytest.approx(
        brier_estimate(per_sample(y_true, logits, "logits")).value, rel=1e-12
    )


def test_the_error_expected_of_a_calibrated_model_is_the_one_it_shows():
    rng = np.random.default_rng(7)
    probability = expit(rng.normal(3.0, 2.0, 800))  # many bins of a few samples, one of very many
    shown = [
        expected_calibration_error(bins).value
        for bins in (
            reliability_bins(probability, rng.random(800) < probability) for _ in range(400)
        )
    ]
    expected = expected_error_if_calibrated(reliability_bins(probability, probability > 2))
    assert expected == pytest.approx(np.mean(shown), rel=0.03)


def test_a_certain_model_is_expected_to_make_no_error():
    bins = reliability_bins(np.array([0.0, 1.0, 1.0]), np.array([False, True, True]))
    assert expected_error_if_calibrated(bins) == 0.0


def test_the_squared_debiased_error_has_no_bias():
    rng = np.random.default_rng(8)
    squares = []
    probability = rng.uniform(0.2, 0.95, 600)
    for _ in range(500):
        bins = reliability_bins(probability, rng.random(600) < probability, binning="mass")
        weight = bins.count / 600
        squares.append(float((weight * (bins.gap**2 - bins.gap_variance)).sum()))
    assert abs(np.mean(squares)) < 3 * np.std(squares) / math.sqrt(500)


@pytest.mark.parametrize(("n", "temperature"), [(500, 2.0), (3000, 1.7), (3000, 0.6)])
def test_the_interval_of_the_debiased_error_covers(n, temperature):
    probability, _ = binary(9, 30_000, temperature)
    truth = expit(logit(probability) / temperature)
    rng = np.random.default_rng(10)
    covered = []
    for _ in range(400):
        rows = rng.integers(0, len(probability), n)
        bins = reliability_bins(probability[rows], rng.random(n) < truth[rows], binning="mass")
        error = debiased_calibration_error(bins)
        index = np.searchsorted(bins.edges[1:-1], probability, side="right")
        count = np.bincount(index)
        gap = np.bincount(index, truth - probability) / count
        true_error = math.sqrt(float((count * gap**2).sum()) / len(probability))
        covered.append(error.low <= true_error <= error.high)
    assert 0.92 <= np.mean(covered) <= 0.98


def test_the_debiased_error_of_a_calibrated_model_includes_zero():
    lows = [
        debiased_calibration_error(reliability_bins(*binary(seed, 1000, 1.0), binning="mass")).low
        for seed in range(200)
    ]
    assert np.mean(np.array(lows) == 0.0) >= 0.95


def test_few_samples_have_no_interval():
    error = debiased_calibration_error(reliability_bins(*binary(11, 99, 2.0), binning="mass"))
    assert error.low is None
    assert "100 samples" in error.note


def test_the_smooth_error_is_the_integral_over_a_reflected_kernel():
    probability, happened = binary(12, 400, 2.0)
    width = smooth_calibration_error(probability, happened).value  # the error is its own width
    at = (np.arange(20_000) + 0.5) / 20_000
    residual = np.zeros(len(at))
    for p, r in zip(probability, happened - probability, strict=True):
        for image in (p, -p, 2.0 - p):
            residual += r * stats.norm.pdf(at, image, width)
    assert np.abs(residual).mean() / 400 == pytest.approx(width, abs=3e-4)


def test_everything_wrong_and_sure_is_the_largest_error():
    errors = calibration_errors(np.ones(200), np.zeros(200, dtype=bool))
    assert errors.ece.value == errors.adaptive_ece.value == 1.0
    assert errors.smooth_ece.value == pytest.approx(1.0)
    assert errors.debiased.value == 1.0


def test_no_samples_make_no_error():
    errors = calibration_errors(np.zeros(0), np.zeros(0, dtype=bool))
    assert math.isnan(errors.ece.value)
    assert math.isnan(errors.smooth_ece.value)
    assert errors.debiased.note == "no samples"
    assert math.isnan(errors.ece_if_calibrated)


@settings(deadline=None)  # a busy machine is no failure
@given(seed=st.integers(0, 10_000), n=st.integers(1, 300))
def test_the_order_of_the_samples_does_not_matter(seed, n):
    probability, happened = binary(seed, n, 1.5)
    probability = probability.round(2)  # with ties
    order = np.random.default_rng(seed).permutation(n)
    one = calibration_errors(probability, happened)
    other = calibration_errors(probability[order], happened[order])
    for name in ("ece", "adaptive_ece", "smooth_ece", "debiased"):
        assert getattr(one, name).value == pytest.approx(getattr(other, name).value, abs=1e-7)


# --- Brier --------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_classes", [2, 5])
def test_brier_is_that_of_scikit_learn(n_classes):
    y_true, logits = multiclass(13, 800, n_classes)
    prob = softmax(logits, axis=1)
    theirs = brier_score_loss(y_true, prob, labels=range(n_classes), scale_by_half=False)
    ours = brier_estimate(per_sample(y_true, logits, "logits"))
    assert ours.value == pytest.approx(theirs, rel=1e-12)


def test_the_interval_of_brier_covers():
    rng = np.random.default_rng(14)
    covered = []
    log_odds = rng.normal(1.0, 2.0, 100_000)
    truth = 2 * np.mean(expit(log_odds) * expit(-log_odds))
    for _ in range(400):
        z = rng.choice(log_odds, 500)
        y_true = (rng.random(500) < expit(z)).astype(int)
        scores = np.stack([log_expit(-z), log_expit(z)], axis=1)
        estimate = brier_estimate(per_sample(y_true, scores, "log_probs"))
        covered.append(estimate.low <= truth <= estimate.high)
    assert 0.925 <= np.mean(covered) <= 0.975


def test_rows_without_a_prediction_are_left_out():
    y_true, logits = multiclass(15, 100, 3)
    spoiled = logits.copy()
    spoiled[:10] = np.nan
    assert brier_estimate(per_sample(y_true, spoiled, "logits")).value == pytest.approx(
        brier_estimate(per_sample(y_true[10:], logits[10:], "logits")).value
    )
