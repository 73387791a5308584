"""AUC, top-k accuracy and the best threshold."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, ndtr, softmax
from sklearn.metrics import roc_auc_score, top_k_accuracy_score

from whyloss.errors import DataError, TooFewSamplesError
from whyloss.measures.losses.per_sample import per_sample
from whyloss.measures.ranking import auc, class_log_odds, one_versus_rest_auc, top_k_accuracy
from whyloss.measures.thresholds import best_threshold


def everything(n):
    return np.ones(n, dtype=bool)


def multiclass(seed, n, n_classes=4, signal=1.5):
    rng = np.random.default_rng(seed)
    y_true = rng.integers(0, n_classes, n)
    logits = rng.normal(size=(n, n_classes))
    logits[np.arange(n), y_true] += signal
    return y_true, logits


# --- AUC ----------------------------------------------------------------------------------------


@settings(deadline=None)  # a busy machine is no failure
@given(
    st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=2, max_size=40).filter(
        lambda rows: len({positive for positive, _ in rows}) == 2
    )
)
def test_the_area_is_that_of_scikit_learn_with_ties(rows):
    positive, score = np.array([r[0] for r in rows]), np.array([float(r[1]) for r in rows])
    assert auc(positive, score).value == pytest.approx(roc_auc_score(positive, score), abs=1e-12)


def test_the_standard_error_is_delongs_from_all_pairs():
    rng = np.random.default_rng(0)
    positive = rng.random(120) < 0.4
    score = (rng.normal(size=120) + positive).round(1)  # with ties
    above = score[positive][:, None] - score[~positive]
    wins = (above > 0) + 0.5 * (above == 0)
    n_positive, n_negative = wins.shape
    variance = (
        wins.mean(axis=1).var(ddof=1) / n_positive + wins.mean(axis=0).var(ddof=1) / n_negative
    )
    assert auc(positive, score).se == pytest.approx(math.sqrt(variance), rel=1e-12)


@pytest.mark.parametrize("shift", [0.0, 1.0, 2.5])
def test_the_interval_of_the_area_covers(shift):
    rng = np.random.default_rng(1)
    truth = ndtr(shift / math.sqrt(2))
    covered = []
    for _ in range(1000):
        positive = rng.random(500) < 0.4
        area = auc(positive, rng.normal(size=500) + shift * positive)
        covered.append(area.low <= truth <= area.high)
    assert 0.935 <= np.mean(covered) <= 0.967


def test_infinite_scores_have_their_order():
    positive = np.array([True, True, False, False])
    area = auc(positive, np.array([np.inf, 1.0, 1.0, -np.inf]))
    assert area.value == 0.875


def test_a_perfect_order_has_no_interval():
    area = auc(np.arange(10) > 4, np.arange(10.0))
    assert (area.value, area.low) == (1.0, None)
    assert "no spread" in area.note


def test_one_positive_has_no_interval():
    area = auc(np.arange(10) == 4, np.arange(10.0))
    assert (area.value, area.low) == (pytest.approx(4 / 9), None)


@pytest.mark.parametrize("positive", [np.zeros(3, dtype=bool), np.zeros(0, dtype=bool)])
def test_one_kind_alone_has_no_area(positive):
    assert math.isnan(auc(positive, np.zeros(len(positive))).value)


def test_scores_that_are_no_numbers_are_refused():
    with pytest.raises(DataError, match="NaN"):
        auc(np.array([True, False]), np.array([np.nan, 1.0]))


# --- one class against the rest -----------------------------------------------------------------


@pytest.mark.parametrize("scale", ["logits", "log_probs", "probs"])
def test_areas_of_classes_are_those_of_scikit_learn(scale):
    y_true, logits = multiclass(2, 600)
    prob = softmax(logits, axis=1)
    scores = {"logits": logits, "log_probs": np.log(prob), "probs": prob}[scale]
    areas = one_versus_rest_auc(y_true, scores, scale, scored=everything(600))
    theirs = roc_auc_score(y_true, prob, multi_class="ovr", average=None)
    np.testing.assert_allclose([area.value for area in areas.classes], theirs, atol=1e-9)
    assert areas.macro.value == pytest.approx(theirs.mean(), abs=1e-9)


def test_the_interval_of_the_mean_area_covers():
    y_true, logits = multiclass(3, 100_000)
    truth = one_versus_rest_auc(y_true, logits, "logits", scored=everything(100_000)).macro.value
    covered = []
    for seed in range(400):
        y_true, logits = multiclass(seed, 500)
        mean = one_versus_rest_auc(y_true, logits, "logits", scored=everything(500)).macro
        covered.append(mean.low <= truth <= mean.high)
    assert 0.92 <= np.mean(covered) <= 0.98


def test_a_class_that_never_occurs_stays_out_of_the_mean():
    y_true, logits = multiclass(4, 200, n_classes=3)
    wide = np.concatenate([logits, np.full((200, 1), -np.inf)], axis=1)
    three = one_versus_rest_auc(y_true, logits, "logits", scored=everything(200))
    four = one_versus_rest_auc(y_true, wide, "logits", scored=everything(200))
    assert math.isnan(four.classes[3].value)
    assert four.macro == three.macro


def test_one_column_is_the_same_as_two():
    y_true, logits = multiclass(5, 300, n_classes=2)
    single = logits[:, 1:] - logits[:, :1]
    one = one_versus_rest_auc(y_true, single, "logits", scored=everything(300))
    two = one_versus_rest_auc(y_true, logits, "logits", scored=everything(300))
    assert one.macro.value == pytest.approx(two.macro.value, rel=1e-12)
    assert one.classes[0].value == pytest.approx(one.classes[1].value, rel=1e-12)


def test_sure_predictions_keep_their_order():
    logits = np.array([[0.0, 40.0], [0.0, 50.0], [60.0, 0.0], [1e4, -1e4], [-1e4, 1e4]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        log_odds = list(class_log_odds(logits, "logits", scored=everything(5)))
    np.testing.assert_allclose(log_odds[1], [40.0, 50.0, -60.0, -2e4, np.inf])
    np.testing.assert_allclose(log_odds[0], [-40.0, -50.0, 60.0, np.inf, -2e4])


def test_masked_classes_and_rows_left_out_are_no_trouble():
    y_true, logits = multiclass(6, 80, n_classes=3)
    logits[:, 2] = -np.inf
    logits[:5] = np.nan
    y_true[y_true == 2] = 0
    scored = per_sample(y_true, logits, "logits").scored
    kept = one_versus_rest_auc(y_true, logits, "logits", scored=scored)
    assert kept == one_versus_rest_auc(y_true[5:], logits[5:], "logits", scored=everything(75))


def test_no_rows_have_no_area():
    areas = one_versus_rest_auc(
        np.zeros(3, dtype=int), np.full((3, 2), np.nan), "logits", scored=np.zeros(3, dtype=bool)
    )
    assert math.isnan(areas.macro.value)


# --- top-k accuracy -----------------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 2, 5])
def test_top_k_accuracy_is_that_of_scikit_learn(k):
    y_true, logits = multiclass(7, 500, n_classes=8)
    accuracy = top_k_accuracy(per_sample(y_true, logits, "logits").rank, k)
    assert accuracy.value == pytest.approx(top_k_accuracy_score(y_true, logits, k=k))
    assert accuracy.low < accuracy.value < accuracy.high


def test_equal_scores_rank_as_they_are_predicted():
    samples = per_sample(np.array([0, 1, 2]), np.zeros((3, 3)), "logits")
    assert [top_k_accuracy(samples.rank, k).value for k in (1, 2, 3)] == pytest.approx(
        [1 / 3, 2 / 3, 1.0]
    )
    assert top_k_accuracy(samples.rank, 1).value == np.mean(samples.y_pred == [0, 1, 2])


def test_the_top_of_no_classes_is_refused():
    with pytest.raises(DataError, match="at least 1"):
        top_k_accuracy(np.array([1, 2]), 0)


# --- the best threshold -------------------------------------------------------------------------


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
    assert best.fold_low <= best.threshold.value <= best.fold_high
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
