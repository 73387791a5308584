"""Trend against noise in curves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from whyloss.measures.estimates.trend import (
    mann_kendall,
    noise_sd,
)

curves = st.lists(st.floats(0.01, 10.0), min_size=1, max_size=60).map(np.array)


def test_noise_is_found_beside_a_smooth_curve():
    epochs = np.arange(400)
    smooth = 0.3 + 2.0 * np.exp(-epochs / 80)
    noise = np.random.default_rng(1).normal(0, 0.05, 400)
    assert noise_sd(smooth + noise) == pytest.approx(0.05, rel=0.15)
    assert noise_sd(smooth) < 0.001


def test_a_few_spikes_do_not_count_as_noise():
    values = np.random.default_rng(2).normal(1.0, 0.02, 200)
    spiked = values.copy()
    spiked[[30, 90, 150]] += 5.0
    assert noise_sd(spiked) == pytest.approx(noise_sd(values), rel=0.15)


def test_noise_of_a_few_epochs_is_not_known():
    assert np.isnan(noise_sd(np.array([0.5, 0.4, 0.6, 0.5, 0.4])))


@given(curves)
def test_trend_is_that_of_kendall(values):
    if len(values) < 4:
        assert mann_kendall(values) == 0.0
        return
    tau = stats.kendalltau(np.arange(len(values)), values, method="asymptotic")
    z = mann_kendall(values)
    if np.isnan(tau.statistic) or tau.statistic == 0:
        assert z == 0.0
        return
    # Kendall's z has no correction for continuity: ours is the smaller by one over the deviation.
    assert np.sign(z) in {0.0, np.sign(tau.statistic)}
    assert abs(z) <= stats.norm.isf(tau.pvalue / 2) + 1e-9


def test_trend_of_a_rising_curve_in_closed_form():
    # n (n - 1) / 2 = 45 concordant pairs of ten, variance n (n - 1) (2 n + 5) / 18 = 125
    assert mann_kendall(np.arange(10.0)) == pytest.approx(44 / np.sqrt(125))


@given(curves)
def test_turning_the_curve_round_turns_the_trend(values):
    assert mann_kendall(values[::-1]) == pytest.approx(-mann_kendall(values))
