"""What a loss can be at a given accuracy: check values, ends, and brute force."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import entropy

from whyloss.errors import DataError
from whyloss.measures.envelope import (
    binary_entropy,
    entropy_of_shares,
    fano_envelope,
    least_possible_loss,
    provable_limit,
)
from whyloss.results.estimate import Estimate

CLASS_COUNTS = [2, 3, 10, 1000]


@pytest.mark.parametrize(
    ("accuracy", "n_classes", "low", "high"),
    [
        (0.7826, 2, 0.3014, 0.5236),
        (0.8224, 2, 0.2462, 0.4677),
    ],
)
def test_check_values(accuracy, n_classes, low, high):
    assert fano_envelope(accuracy, n_classes) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("accuracy", "loss", "n_classes", "at_least"),
    [(0.90, 2.40, 2, 2.075), (0.90, 0.80, 2, 0.475), (0.9022, 0.4243, 3, 0.036)],
)
def test_nats_that_are_provably_miscalibration(accuracy, loss, n_classes, at_least):
    # Stated as "at least" a number rounded to three decimals.
    excess = loss - fano_envelope(accuracy, n_classes)[1]
    assert excess == pytest.approx(at_least, abs=1e-3)


@pytest.mark.parametrize("n_classes", CLASS_COUNTS)
def test_the_ends(n_classes):
    assert fano_envelope(1.0, n_classes) == (0.0, 0.0)
    chance = fano_envelope(1 / n_classes, n_classes)
    assert chance == pytest.approx((math.log(n_classes),) * 2, rel=1e-9)
    assert fano_envelope(0.0, n_classes) == chance


@pytest.mark.parametrize("n_classes", CLASS_COUNTS)
def test_the_lower_end_passes_through_the_uniform_distributions(n_classes):
    for j in range(1, min(n_classes, 40) + 1):
        low, high = fano_envelope(1 / j, n_classes)
        assert low == pytest.approx(math.log(j), abs=1e-9)
        assert high >= low - 1e-9


@pytest.mark.parametrize("n_classes", CLASS_COUNTS)
def test_both_ends_fall_as_accuracy_rises_and_never_cross(n_classes):
    ends = np.array([fano_envelope(a, n_classes) for a in np.linspace(1 / n_classes, 1, 2001)])
    assert (np.diff(ends, axis=0) <= 1e-9).all()
    assert (ends[:, 0] <= ends[:, 1] + 1e-9).all()
    assert (ends >= 0).all()


@pytest.mark.parametrize(("n_classes", "accuracy"), [(3, 0.8), (10, 0.35), (10, 0.9), (5, 0.21)])
def test_both_ends_are_reached_by_calibrated_models(n_classes, accuracy):
    low, high = fano_envelope(accuracy, n_classes)
    spread = np.full(n_classes, (1 - accuracy) / (n_classes - 1))
    spread[0] = accuracy
    assert high == pytest.approx(entropy(spread), rel=1e-12)
    # A mixture of guessing among j and among j + 1 classes.
    j = math.floor(1 / accuracy)
    share = (1 / j - accuracy) / (1 / j - 1 / (j + 1))
    assert low == pytest.approx((1 - share) * math.log(j) + share * math.log(j + 1), abs=1e-12)


predictions = st.integers(2, 8).flatmap(
    lambda k: hnp.arrays(
        np.float64, st.tuples(st.integers(1, 6), st.just(k)), elements=st.floats(0, 1)
    )
)


@given(weights=predictions, sharpness=st.floats(0.2, 20))
def test_no_calibrated_model_leaves_the_envelope(weights, sharpness):
    prob = (weights + 1e-3) ** sharpness
    prob /= prob.sum(axis=1, keepdims=True)
    # A calibrated model is right as often as it says, and loses the entropy of what it says.
    low, high = fano_envelope(min(1.0, prob.max(axis=1).mean()), prob.shape[1])
    loss = entropy(prob, axis=1).mean()
    assert low - 1e-9 <= loss <= high + 1e-9


@given(weights=predictions, data=st.data())
def test_no_model_at_all_gets_below_the_least_possible_loss(weights, data):
    prob = weights + 1e-6
    prob /= prob.sum(axis=1, keepdims=True)
    n, k = prob.shape
    y_true = np.array(data.draw(st.lists(st.integers(0, k - 1), min_size=n, max_size=n)))
    accuracy = (prob.argmax(axis=1) == y_true).mean()
    loss = -np.log(prob[np.arange(n), y_true]).mean()
    assert loss >= least_possible_loss(accuracy) - 1e-12


def test_the_least_possible_loss_is_ln_2_for_every_wrong_one():
    assert least_possible_loss(1.0) == 0.0
    assert least_possible_loss(0.0) == pytest.approx(math.log(2))
    assert least_possible_loss(0.75) == pytest.approx(math.log(2) / 4)


@pytest.mark.parametrize(
    ("accuracy", "n_classes"), [(-0.1, 2), (1.1, 2), (math.nan, 2), (0.5, 1), (93.0, 10)]
)
def test_numbers_that_make_no_envelope_are_refused(accuracy, n_classes):
    with pytest.raises(DataError, match="expected an accuracy from 0 to 1 and at least 2 classes"):
        fano_envelope(accuracy, n_classes)


@pytest.mark.parametrize("share", [0.0, 1e-300, 0.3, 0.5, 1 - 1e-12, 1.0])
def test_binary_entropy_is_that_of_scipy(share):
    assert binary_entropy(share) == pytest.approx(entropy([share, 1 - share]), rel=1e-3, abs=1e-15)
    assert binary_entropy(0.3) == pytest.approx(entropy([0.3, 0.7]), rel=1e-14)


def test_the_entropy_of_shares_is_that_of_scipy_and_never_minus_zero():
    for shares in ([0.5, 0.5], [0.9, 0.1, 0.0], [0.2] * 5):
        assert entropy_of_shares(np.array(shares)) == pytest.approx(entropy(shares), rel=1e-13)
    assert math.copysign(1, entropy_of_shares(np.array([1.0, 0.0]))) == 1


def test_the_provable_limit_is_the_envelope_at_the_lower_end_of_the_accuracy():
    accuracy = Estimate(0.9, 0.8, 0.95, 0.04)
    # Fano's inequality at an accuracy of 0.8 and 4 classes: H(0.8) + 0.2 ln 3.
    assert provable_limit(accuracy, 4) == pytest.approx(entropy([0.8, 0.2]) + 0.2 * math.log(3))
    assert provable_limit(Estimate(0.9), 4) == fano_envelope(0.9, 4)[1]
