"""Trend against noise in curves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from whyloss.measures.estimates.trend import (
    mann_kendall,
    noise_sd,
    rise_after_minimum,
    running_mean,
    window,
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


@given(curves)
def test_the_end_is_never_below_the_minimum(values):
    rise = rise_after_minimum(values)
    assert rise.height >= -1e-12
    assert 0 <= rise.at < len(values)
    assert rise.lowest == pytest.approx(running_mean(values, window(len(values))).min())


def test_curves_of_pure_noise_seldom_rise_clearly():
    rng = np.random.default_rng(3)
    clear = [rise_after_minimum(rng.normal(1.0, 0.1, 30)).z > 4.0 for _ in range(1000)]
    assert np.mean(clear) < 0.05


def test_a_rise_is_measured_from_its_minimum():
    values = np.concatenate([np.linspace(1.0, 0.2, 9), np.linspace(0.21, 0.9, 9)])
    rise = rise_after_minimum(values)
    assert (rise.at, rise.lowest, rise.last) == (8, pytest.approx(0.2), pytest.approx(0.9))
    assert rise.z > 10
