"""Estimates and their intervals: closed forms, SciPy, and coverage by simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, skew

from whyloss.measures.estimates.intervals import mean_estimate, paired_share_difference, wilson
from whyloss.results.estimate import Z95, Z95_ONE_SIDED, Estimate

BOOLS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60)


def test_the_quantiles_are_those_of_the_normal_distribution():
    assert math.erf(Z95 / math.sqrt(2)) == pytest.approx(0.95, abs=1e-15)
    assert 0.5 * (1 + math.erf(Z95_ONE_SIDED / math.sqrt(2))) == pytest.approx(0.95, abs=1e-15)


# --- the mean -----------------------------------------------------------------------------------


def test_a_mean_by_hand():
    got = mean_estimate(np.array([1.0, 2.0, 4.0, 5.0]))
    assert got.value == 3.0
    assert got.se == pytest.approx(math.sqrt(10 / 3) / 2)
    assert (got.low, got.high) == pytest.approx((3 - Z95 * got.se, 3 + Z95 * got.se))
    assert got.z == pytest.approx(3 / got.se)


def test_skewness_moves_the_interval_as_halls_transformation_says():
    values = np.array([1.0, 2.0, 3.0, 6.0, 9.0])
    got = mean_estimate(values)
    n, skewness = 5, skew(values)

    def transformed(mean):
        t = (got.value - mean) / got.se
        a = skewness / math.sqrt(n)
        return t + a * t**2 / 3 + a**2 * t**3 / 27 + a / 6

    assert transformed(got.low) == pytest.approx(Z95)
    assert transformed(got.high) == pytest.approx(-Z95)
    assert got.high - got.value > got.value - got.low
    mirrored = mean_estimate(-values)
    assert (mirrored.low, mirrored.high) == pytest.approx((-got.high, -got.low))


def test_interval_of_a_very_skewed_mean_covers():
    rng = np.random.default_rng(0)
    # As losses are: most near zero, a few large. Mean exp(2).
    hits = []
    for _ in range(2000):
        got = mean_estimate(np.exp(2 * rng.standard_normal(500)))
        hits.append(got.low <= math.exp(2) <= got.high)
    symmetric = 0.85  # what value ± 1.96 se reaches here
    assert np.mean(hits) > symmetric + 0.05


def test_one_sample_has_no_interval_and_says_why():
    got = mean_estimate(np.array([2.5]))
    assert (got.value, got.low, got.high, got.se) == (2.5, None, None, None)
    assert got.note == "one sample has no spread"
    assert got.z == 0.0


def test_no_samples_have_no_mean_and_say_why():
    got = mean_estimate(np.zeros(0))
    assert math.isnan(got.value)
    assert (got.low, got.high, got.note) == (None, None, "no samples")
    assert got.z == 0.0


def test_equal_samples_leave_no_doubt():
    got = mean_estimate(np.full(10, -0.25))
    assert (got.value, got.low, got.high, got.se) == (-0.25, -0.25, -0.25, 0.0)
    assert got.z == -math.inf
    assert mean_estimate(np.zeros(10)).z == 0.0


def test_a_number_without_a_standard_error_is_no_distance_from_zero():
    assert Estimate(3.0, note="as reported").z == 0.0
    assert Estimate(math.nan, se=1.0).z == 0.0


def coverage(draw, truth, n_draws=4000):
    covered = 0
    for seed in range(n_draws):
        got = draw(np.random.default_rng(seed))
        covered += got.low <= truth <= got.high
    return covered / n_draws


@pytest.mark.parametrize("n_samples", [500, 2000])
def test_the_interval_of_a_mean_loss_covers_it(n_samples):
    # Losses are skewed: an exponential is.
    got = coverage(lambda rng: mean_estimate(rng.exponential(0.5, n_samples)), 0.5, 2000)
    assert 0.93 <= got <= 0.97


def test_the_interval_of_a_paired_difference_of_losses_covers_it():
    def draw(rng):
        first = rng.exponential(0.5, 500)
        return mean_estimate(first * rng.uniform(0.8, 1.4, 500) - first)

    assert 0.93 <= coverage(draw, 0.05, 2000) <= 0.97


# --- a share ------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 7, 50, 9815])
def test_wilson_is_that_of_scipy(n):
    for successes in sorted({0, 1, n // 3, n - 1, n}):
        got = wilson(successes, n)
        expected = binomtest(successes, n).proportion_ci(method="wilson")
        assert got.value == successes / n
        assert (got.low, got.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
        assert 0 <= got.low <= got.value <= got.high <= 1


def test_wilson_in_closed_form():
    # No success in n: the upper end is z^2 / (n + z^2).
    assert wilson(0, 20).high == pytest.approx(Z95**2 / (20 + Z95**2), rel=1e-14)
    assert wilson(0, 20).low == 0.0
    assert wilson(20, 20).low == pytest.approx(20 / (20 + Z95**2), rel=1e-14)
    assert wilson(20, 20).high == 1.0
    assert wilson(5, 10).low == pytest.approx(0.5 - Z95 / 2 / math.sqrt(10 + Z95**2), rel=1e-14)


def test_a_share_of_nothing_has_no_value():
    got = wilson(0, 0)
    assert math.isnan(got.value)
    assert got.note == "no samples"


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_the_interval_of_an_accuracy_covers_it(share):
    got = coverage(lambda rng: wilson(rng.binomial(500, share), 500), share)
    assert 0.93 <= got <= 0.97


# --- a difference of shares, paired -------------------------------------------------------------


def test_a_paired_difference_by_hand():
    # 60 right twice, 20 wrong twice, 5 broke, 15 fixed.
    first = np.array([True] * 60 + [False] * 20 + [True] * 5 + [False] * 15)
    second = np.array([True] * 60 + [False] * 20 + [False] * 5 + [True] * 15)
    got = paired_share_difference(first, second)
    assert got.value == pytest.approx(second.mean() - first.mean()) == pytest.approx(0.10)
    centre, se = 10 / 102, math.sqrt(21 - 100 / 102) / 102
    assert got.se == pytest.approx(se)
    assert (got.low, got.high) == pytest.approx((centre - Z95 * se, centre + Z95 * se))


def test_agreement_everywhere_still_leaves_a_doubt():
    same = np.ones(100, dtype=bool)
    got = paired_share_difference(same, same)
    assert got.value == 0.0
    assert got.low < 0 < got.high
    assert got.low == pytest.approx(-got.high)


@given(pairs=BOOLS)
def test_the_sign_follows_the_order_and_the_interval_holds_the_value(pairs):
    first, second = np.array(pairs).T
    got, back = paired_share_difference(first, second), paired_share_difference(second, first)
    assert got.value == pytest.approx(second.mean() - first.mean(), abs=1e-12)
    assert back.value == -got.value
    assert (back.low, back.high) == pytest.approx((-got.high, -got.low))
    assert -1 <= got.low <= got.value + 1e-12
    assert got.value - 1e-12 <= got.high <= 1


def test_a_difference_of_nothing_has_no_value():
    nothing = np.zeros(0, dtype=bool)
    assert paired_share_difference(nothing, nothing).note == "no samples"


@pytest.mark.parametrize(("broke", "fixed"), [(0.05, 0.03), (0.1, 0.1), (0.01, 0.0)])
def test_the_interval_of_a_paired_difference_covers_it(broke, fixed):
    def draw(rng):
        which = rng.random(500)
        first = which < 0.7 + broke
        second = (which < 0.7) | ((which > 0.85) & (which < 0.85 + fixed))
        return paired_share_difference(first, second)

    # Where one sample in a hundred changes, so discrete a count covers a little more.
    assert 0.93 <= coverage(draw, fixed - broke) <= (0.97 if fixed else 0.99)
