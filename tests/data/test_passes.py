"""Which rows of an epoch count that was logged twice."""

import numpy as np
import pytest

from whyloss.data.passes import kept_rows, last_pass

RNG = np.random.default_rng(3)


def numbered(*lengths):
    return np.concatenate([np.arange(n) for n in lengths])


def rows(found):
    return found.start, found.stop


def test_given_one_pass_then_all_rows_count():
    assert rows(last_pass(np.arange(500), RNG.integers(4, size=500))) == (0, 500)
    assert rows(last_pass(np.arange(0), np.arange(0))) == (0, 0)


def test_given_numbers_that_begin_again_then_the_last_pass_counts():
    assert rows(last_pass(numbered(90, 90, 90), RNG.integers(4, size=270))) == (180, 270)


def test_given_a_last_pass_that_was_interrupted_then_the_whole_one_before_counts():
    assert rows(last_pass(numbered(90, 40), RNG.integers(4, size=130))) == (0, 90)


@pytest.mark.parametrize("times", [2, 3])
def test_given_labels_that_repeat_in_their_order_then_the_last_pass_counts(times):
    labels = np.tile(RNG.integers(4, size=70), times)
    assert rows(last_pass(np.arange(70 * times), labels)) == (70 * (times - 1), 70 * times)


def test_given_labels_that_differ_in_one_place_then_it_is_one_pass():
    labels = np.tile(RNG.integers(4, size=70), 2)
    labels[100] = (labels[100] + 1) % 4
    assert rows(last_pass(np.arange(140), labels)) == (0, 140)


@pytest.mark.parametrize(
    ("labels", "n"),
    [
        ([0, 1, 2], 600),  # a pattern, as in made-up data
        ([1], 600),
        ([0, 1, 1, 0, 1, 0, 0, 1], 16),  # by chance, one in 256
    ],
)
def test_given_labels_that_repeat_by_themselves_then_it_is_one_pass(labels, n):
    assert rows(last_pass(np.arange(n), np.resize(labels, n))) == (0, n)


def test_given_a_pattern_and_epochs_of_half_the_length_then_it_is_two_passes():
    labels = np.resize([0, 1, 2], 600)
    assert rows(last_pass(np.arange(600), labels, {300})) == (300, 600)
    assert rows(last_pass(np.arange(600), labels, {250, 600, 900})) == (0, 600)


def test_given_one_label_and_epochs_of_half_the_length_then_it_may_be_one_pass():
    assert rows(last_pass(np.arange(600), np.ones(600, int), {300})) == (0, 600)


def test_of_one_process_the_last_row_counts_and_of_several_the_first():
    ids = np.array([7, 8, 7, 9, 8, 9, 9])
    kept, chosen = kept_rows(ids, np.array([0, 0, 0, 0, 1, 1, 1]))
    assert kept.tolist() == [1, 2, 3]
    assert chosen.tolist() == [2, 1, 2, 3, 1, 3, 3]
