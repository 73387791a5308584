"""A loss that rises for good, as against noise, single epochs, wanders and restarts."""

import numpy as np
import pytest

from whyloss.evidence.rises import lasting_rise


def rise_of(losses, *, expected=False):
    return lasting_rise(
        np.asarray(losses, dtype=np.float64),
        min_z=4.0,
        min_rise=0.01,
        min_share=0.05,
        expected=expected,
    )


def falling(n):
    at = np.arange(n)
    return 0.47 + 0.83 * np.exp(-at / max(1.5, n / 6))


@pytest.mark.parametrize("n", [4, 6, 9, 14, 30, 80])
def test_noise_around_a_falling_loss_is_no_rise(n):
    rng = np.random.default_rng(n)
    hits = [rise_of(falling(n) * np.exp(0.06 * rng.standard_normal(n))) for _ in range(100)]
    assert sum(hit is not None for hit in hits) <= 3


@pytest.mark.parametrize("n", [8, 14, 30, 80])
def test_a_rise_in_the_second_half_is_found(n):
    rng = np.random.default_rng(n)
    at = np.arange(n)
    losses = 0.47 + 0.83 * np.exp(-at / (n / 12)) + 0.9 * np.maximum(0, at - 0.4 * n) / n
    found = [
        rise_of(losses * np.exp(0.02 * rng.standard_normal(n)), expected=True) for _ in range(50)
    ]
    assert sum(rise is not None for rise in found) >= 45


def test_early_jitter_does_not_hide_a_late_rise():
    early = [2.9, 1.1, 2.4, 0.9, 1.9, 0.75]
    assert rise_of([*early, 0.70, 0.74, 0.79, 0.83, 0.88, 0.94, 0.98]) is not None


def test_the_minimum_is_named_and_the_height_is_on_the_logarithm():
    rise = rise_of([1.0, 0.5, 0.55, 0.62, 0.70])
    assert rise.at == 1
    assert rise.height == pytest.approx(np.log(0.70 / 0.5))


def test_a_single_high_epoch_at_the_end_is_no_rise():
    assert rise_of([0.9, 0.6, 0.5, 0.48, 0.47, 0.48, 0.9]) is None


def test_a_training_that_restarts_is_no_rise():
    at = np.arange(40)
    cycles = 0.5 + 0.2 * np.exp(-at / 15) + 0.15 * (1 - np.cos(2 * np.pi * at / 10)) / 2
    assert rise_of(cycles[:37]) is None


def test_a_short_curve_must_rise_by_a_tenth_or_by_a_twentieth_while_training_falls():
    assert rise_of([0.8, 0.50, 0.52, 0.54]) is None
    assert rise_of([0.8, 0.50, 0.52, 0.54], expected=True) is not None
    assert rise_of([0.8, 0.50, 0.54, 0.58]) is not None


def test_a_rise_of_less_than_a_hundredth_of_a_nat_matters_to_nobody():
    assert rise_of([0.05, 0.020, 0.022, 0.024, 0.026]) is None


def through(levels, n_epochs=400, noise=0.02, seed=0):
    """A loss through these levels, evenly spaced, with noise."""
    rng = np.random.default_rng(seed)
    at = np.linspace(0, 1, len(levels))
    level = np.interp(np.linspace(0, 1, n_epochs), at, levels)
    return level * np.exp(noise * rng.normal(size=n_epochs))


@pytest.mark.parametrize("seed", range(5))
def test_a_rise_that_falls_again_by_half_and_stays_up_is_a_rise(seed):
    assert rise_of(through([0.5, 0.1, 0.13, 0.17, 0.15, 0.13, 0.14], seed=seed))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "levels",
    [
        [0.5, 0.1, 0.17, 0.1, 0.17, 0.1, 0.14],  # starts again and again
        [0.5, 0.1, 0.17, 0.1, 0.1, 0.1, 0.14],  # comes back, and wanders off at the end
        [0.5, 0.3, 0.2, 0.1, 0.1, 0.17, 0.13],  # has been up for a short while
    ],
)
def test_a_loss_that_comes_back_is_no_rise(levels, seed):
    assert rise_of(through(levels, seed=seed)) is None


@pytest.mark.parametrize(
    "losses",
    [
        [0.31, 0.315, 0.43],
        [0.52, 0.50, 0.66],
        [0.33, 0.36, 0.39, 0.45, 0.42, 0.48],
        [0.61, 0.66, 0.64, 0.73, 0.80],
    ],
)
def test_few_epochs_rise_from_the_first_on(losses):
    assert rise_of(losses, expected=True) is not None


@pytest.mark.parametrize(
    "losses",
    [
        [0.31, 0.315, 0.36],
        [0.52, 0.66, 0.60, 0.53, 0.55],
        [0.33, 0.30, 0.36, 0.31, 0.36, 0.32],
        [0.50, 0.48, 0.47, 0.46, 0.62, 0.60, 0.47],
    ],
)
def test_few_epochs_that_come_back_or_hardly_move_do_not(losses):
    assert rise_of(losses, expected=True) is None
