"""Other names for the classes."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whyloss.measures.classification.label_permutation import best_permutation


@settings(deadline=None)
@given(st.integers(0, 1000), st.integers(2, 5))
def test_no_other_renaming_is_better(seed, k):
    rng = np.random.default_rng(seed)
    y_true, y_pred = rng.integers(k, size=(2, 40))
    best = max(np.mean(np.array(names)[y_pred] == y_true) for names in permutations(range(k)))
    found = best_permutation(y_true, y_pred, k)
    if found is None:
        assert best == pytest.approx(np.mean(y_true == y_pred))
        return
    assert np.mean(np.array(found.names)[y_pred] == y_true) == pytest.approx(best)
    assert found.gain.value == pytest.approx(found.accuracy_renamed.value - found.accuracy.value)


def test_a_model_that_guesses_gains_nothing_by_the_best_of_many_names():
    rng = np.random.default_rng(4)
    gains, in_sample = [], []
    for _ in range(40):
        y_true, y_pred = rng.integers(20, size=(2, 200))
        found = best_permutation(y_true, y_pred, 20)
        gains.append(found.gain.value)
        in_sample.append(np.mean(np.array(found.names)[y_pred] == y_true) - found.accuracy.value)
    assert abs(np.mean(gains)) < 0.01
    assert np.mean(in_sample) > 0.05


def test_recall_is_that_of_the_renamed_classes_alone():
    y_true = np.tile([0, 1, 2, 3], 50)
    y_pred = np.array([1, 0, 2, 3])[y_true]
    y_pred[:8] = 3
    found = best_permutation(y_true, y_pred, 4)
    assert found.names == (1, 0, 2, 3)
    assert found.recall == 0.0
    assert found.recall_renamed == pytest.approx(0.96)


@pytest.mark.parametrize("shift", [1, -1])
def test_labels_from_another_number_are_a_shift(shift):
    y_pred = np.random.default_rng(1).integers(5, size=300)
    found = best_permutation((y_pred + shift) % 5, y_pred, 5)
    assert found.shift == shift
    assert found.accuracy_renamed.value == 1.0


def test_exchange_of_two_of_many_classes_is_no_shift():
    y_pred = np.random.default_rng(2).integers(5, size=300)
    y_true = np.array([1, 0, 2, 3, 4])[y_pred]
    assert best_permutation(y_true, y_pred, 5).shift is None


def test_nothing_is_searched_where_nothing_can_be_gained():
    y_true = np.arange(100) % 4
    y_pred = np.where(np.arange(100) < 96, y_true, (y_true + 1) % 4)
    assert best_permutation(y_true, y_pred, 4, at_least=0.05) is None
    assert best_permutation(y_true[:0], y_true[:0], 4) is None
