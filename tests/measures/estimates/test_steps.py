"""The number of samples behind shares, from their common step."""

import numpy as np
import pytest

from whyloss.measures.estimates.steps import samples_by_steps


@pytest.mark.parametrize("n", [6, 16, 20, 37, 70, 151])
def test_shares_of_few_samples_show_how_many_there_are(n):
    right = np.random.default_rng(n).integers(n // 2, n, size=12)
    assert samples_by_steps(right / n) in {n, n // 2, n // 3}  # all of them may have a common part
    assert samples_by_steps((right / n).astype(np.float32).astype(np.float64)) is not None


@pytest.mark.parametrize("digits", [2, 3])
def test_rounded_shares_of_many_samples_show_nothing(digits):
    right = np.random.default_rng(digits).integers(3000, 4900, size=10)
    assert samples_by_steps(np.round(right / 5000, digits)) is None


def test_two_shares_one_sample_apart_are_enough_with_four_digits_and_not_with_two():
    assert samples_by_steps(np.array([0.9375, 0.875, 0.875])) == 16
    assert samples_by_steps(np.array([0.94, 0.88, 0.88])) is None


def test_all_or_nothing_right_has_no_step():
    assert samples_by_steps(np.array([0.0, 1.0, 1.0])) is None
