"""The best threshold of a binary classifier, and its gain in accuracy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from whyloss.errors import TooFewSamplesError
from whyloss.measures.classification.thresholds import best_threshold, log_odds


def test_log_odds_of_confident_predictions_keep_their_order():
    logits = np.array([[0.0, 40.0], [0.0, 50.0], [60.0, 0.0], [1e4, -1e4], [0.0, -np.inf]])
    np.testing.assert_array_equal(log_odds(logits, "logits"), [40, 50, -60, -2e4, -np.inf])
    np.testing.assert_array_equal(log_odds(logits[:4, 1:], "logits"), [40, 50, 0, -1e4])


@pytest.mark.parametrize("scale", ["log_probs", "probs"])
@pytest.mark.parametrize("n_columns", [1, 2])
def test_log_odds_are_the_same_on_every_scale(n_columns, scale):
    expected = np.array([-3.0, 0.0, 1.5])
    prob = np.stack([expit(-expected), expit(expected)], axis=1)[:, 2 - n_columns :]
    scores = prob if scale == "probs" else np.log(prob)
    np.testing.assert_allclose(log_odds(scores, scale), expected, rtol=1e-12, atol=1e-15)


def shifted(seed, n, shift):
    """Log-odds that are too high by a shift."""
    rng = np.random.default_rng(seed)
    log_odds = rng.normal(0.0, 2.0, n)
    return rng.random(n) < expit(log_odds), log_odds + shift


@settings(deadline=None)  # a busy machine is no failure
@given(
    st.lists(
        st.tuples(st.booleans(), st.sampled_from([-np.inf, -2.0, -1.0, 0.0, 1.0, 3.0, np.inf])),
        min_size=50,
        max_size=60,
    )
)
def test_no_other_cut_is_more_accurate(rows):
    positive, score = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    best = best_threshold(positive, score, np.arange(len(rows)))
    every = [-np.inf, -4.0, *score, 4.0]
    most = max(np.mean((score > cut) == positive) for cut in every)
    # An impossible positive can be called so, too: by a cut below every finite number.
    chosen = np.mean((np.clip(score, -4.0, 4.0) > best.log_odds) == positive)
    assert chosen >= most


def test_a_shifted_model_gains_what_the_shift_cost():
    positive, log_odds = shifted(0, 5000, 2.0)
    best = best_threshold(positive, log_odds, np.arange(5000))
    assert best.threshold.value == pytest.approx(expit(2.0), abs=0.06)
    assert best.gain.low > 0.08
    assert best.gain.value == pytest.approx(best.best_accuracy.value - best.accuracy.value)
    assert best.threshold.low is None
    assert "no interval" in best.threshold.note


def test_where_nothing_is_to_be_gained_nothing_is_claimed():
    lows = [
        best_threshold(*shifted(seed, 400, 0.0), np.arange(400)).gain.low for seed in range(300)
    ]
    assert np.mean(np.array(lows) > 0) <= 0.04


def test_the_interval_of_the_gain_covers():
    # The gain of the threshold that the shift asks for; a fold's own one is close to it.
    log_odds = np.random.default_rng(1).normal(0.0, 2.0, 400_000)
    between = (log_odds > -2.0) & (log_odds <= 0.0)
    truth = np.where(between, 1.0 - 2.0 * expit(log_odds), 0.0).mean()
    covered = []
    for seed in range(300):
        gain = best_threshold(*shifted(seed, 1500, 2.0), np.arange(1500)).gain
        covered.append(gain.low <= truth <= gain.high)
    assert 0.90 <= np.mean(covered) <= 0.98


def test_a_usual_threshold_that_is_best_stays():
    score = np.linspace(-3.0, 3.0, 100)
    best = best_threshold(score > 0, score, np.arange(100))
    assert best.threshold.value == 0.5
    assert best.gain.value == 0.0


@pytest.mark.parametrize("positive", [True, False])
def test_a_single_kind_is_always_or_never_called_positive(positive):
    score = np.linspace(-2.0, 2.0, 60)
    best = best_threshold(np.full(60, positive), score, np.arange(60))
    assert best.best_accuracy.value == 1.0


def test_one_id_throughout_leaves_nothing_to_choose_on():
    best = best_threshold(*shifted(2, 100, 2.0), np.zeros(100, dtype=int))
    assert best.gain.value == 0.0


def test_too_few_samples_choose_no_threshold():
    with pytest.raises(TooFewSamplesError, match="50 samples"):
        best_threshold(*shifted(3, 49, 0.0), np.arange(49))
