"""Reliability bins: how often predictions of about the same confidence are right."""

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.calibration import calibration_curve

from conftest import require
from whyloss.measures.calibration.reliability import reliability_bins
from whyloss.measures.estimates.intervals import wilson
from whyloss.measures.losses.per_sample import per_sample


def binary(seed, n, temperature):
    """Confidences too extreme by a temperature, and which predictions were right."""
    rng = np.random.default_rng(seed)
    log_odds = rng.normal(2.0, 1.5, n)
    return expit(log_odds), rng.random(n) < expit(log_odds / temperature)


def test_bins_are_those_of_scikit_learn():
    confidence, right = binary(0, 3000, 1.7)
    bins = reliability_bins(confidence, right)
    share, mean = calibration_curve(right, confidence, n_bins=15)
    np.testing.assert_allclose([one.right for one in bins], share, rtol=1e-12)
    np.testing.assert_allclose([one.confidence for one in bins], mean, rtol=1e-12)
    assert sum(one.samples for one in bins) == 3000


@pytest.mark.parametrize("n_classes", [2, 10])
def test_the_calibration_error_of_the_bins_is_that_of_torchmetrics(n_classes):
    torch, functional = require("torch"), require("torchmetrics.functional")
    rng = np.random.default_rng(4)
    logits = rng.normal(0.0, 3.0, (4000, n_classes))
    y_true = rng.integers(0, n_classes, 4000)
    theirs = functional.calibration_error(
        torch.tensor(softmax(logits, axis=1)),
        torch.tensor(y_true),
        task="multiclass",
        num_classes=n_classes,
        n_bins=15,
    )
    samples = per_sample(y_true, logits, "logits")
    bins = reliability_bins(samples.confidence, samples.y_pred == y_true)
    ours = sum(one.samples * abs(one.right - one.confidence) for one in bins) / 4000
    assert ours == pytest.approx(theirs.item(), rel=1e-5)  # it computes in float32


def test_the_ends_belong_to_the_outer_bins_and_empty_bins_are_left_out():
    first, last = reliability_bins(np.array([0.0, 1.0, 1.0]), np.array([False, True, False]))
    assert (first.samples, first.confidence, first.right) == (1, 0.0, 0.0)
    assert (last.samples, last.confidence, last.right) == (2, 1.0, 0.5)


def test_a_bin_holds_its_lower_edge():
    low, high = reliability_bins(np.array([np.nextafter(0.2, 0.0), 0.2]), np.array([True, True]))
    assert low.samples == high.samples == 1


def test_a_confidence_above_1_by_rounding_belongs_to_the_last_bin():
    (only,) = reliability_bins(np.array([1.0 + 1e-7, 0.99]), np.array([True, True]))
    assert only.samples == 2
    assert only.confidence <= 1.0


def test_the_interval_of_a_bin_is_that_of_wilson():
    (only,) = reliability_bins(np.full(10, 0.5), np.arange(10) < 3)
    expected = wilson(3, 10)
    assert (only.low, only.right, only.high) == (expected.low, expected.value, expected.high)


def test_no_predictions_fill_no_bins():
    assert reliability_bins(np.zeros(0), np.zeros(0, dtype=bool)) == ()
