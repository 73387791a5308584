"""The best epoch, and those that the data do not tell from it."""

import numpy as np
import pytest

from whyloss.measures.estimates.best_epoch import best_epoch
from whyloss.measures.estimates.intervals import mean_estimate


def chosen(cost):
    return best_epoch("log_loss", cost, {e: mean_estimate(values) for e, values in cost.items()})


def null_run(seed, n_epochs=30, n_samples=500):
    """Epochs that differ by chance alone, on the same samples."""
    rng = np.random.default_rng(seed)
    difficulty = rng.exponential(0.4, n_samples)
    return {
        epoch: difficulty + 0.1 * rng.standard_normal(n_samples) for epoch in range(1, n_epochs + 1)
    }


def test_where_epochs_differ_by_chance_nearly_all_are_as_good():
    excluded, last_excluded = [], []
    for seed in range(200):
        found = chosen(null_run(seed))
        assert found.epoch in found.as_good
        assert list(found.as_good) == sorted(found.as_good)
        excluded.append(30 - len(found.as_good))
        last_excluded.append(30 not in found.as_good)
    assert np.mean(excluded) < 0.3  # of 30
    assert np.mean(last_excluded) <= 0.01


def test_a_clearly_worse_epoch_is_not_as_good():
    for seed in range(50):
        cost = null_run(seed)
        cost[12] = cost[12] + 0.05
        found = chosen(cost)
        assert 12 not in found.as_good
        assert len(found.as_good) >= 27


def test_the_smallest_mean_wins_with_its_own_value():
    cost = null_run(0)
    cost[7] = cost[7] - 0.5
    found = chosen(cost)
    assert (found.metric, found.epoch, found.as_good) == ("log_loss", 7, (7,))
    assert found.value == mean_estimate(cost[7])


def test_of_equal_epochs_the_earliest_is_best_and_all_are_as_good():
    same = np.random.default_rng(0).exponential(size=100)
    found = chosen({9: same, 3: same.copy(), 5: same.copy()})
    assert found.epoch == 3
    assert found.as_good == (3, 5, 9)


def test_a_shift_without_any_spread_is_a_difference():
    same = np.arange(64) / 64  # exact in binary, and so are the differences
    assert chosen({1: same, 2: same + 0.25}).as_good == (1,)


@pytest.mark.parametrize("n_samples", [1, 2])
def test_next_to_no_samples_tell_next_to_nothing(n_samples):
    rng = np.random.default_rng(3)
    found = chosen({epoch: rng.random(n_samples) for epoch in range(4)})
    assert found.epoch in found.as_good


def test_accuracy_counts_as_the_share_of_mistakes():
    wrong = np.zeros(1000)
    wrong[:100] = 1
    worse = wrong.copy()
    worse[100:150] = 1
    found = best_epoch(
        "accuracy",
        {1: worse, 2: wrong, 3: np.roll(wrong, 1)},
        {e: mean_estimate(1 - c) for e, c in {1: worse, 2: wrong, 3: np.roll(wrong, 1)}.items()},
    )
    assert found.epoch == 2
    assert found.as_good == (2, 3)
    assert found.value.value == pytest.approx(0.9)
