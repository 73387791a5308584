"""Rankings of suspect labels, and outliers."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.metrics import roc_auc_score

from conftest import require
from whyloss.data import Predictions
from whyloss.errors import DataError, TooFewSamplesError
from whyloss.measures.calibration.outliers import find_outliers
from whyloss.measures.label_quality import (
    mean_over_epochs,
    most_suspect,
    suggested_score,
    suspect_scores,
)
from whyloss.measures.losses.per_sample import per_sample


def noisy(seed, n=2000, n_classes=5, share=0.05, size=3.0):
    """Given labels, logits, and which of the labels were changed."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0.0, size, (n, n_classes))
    y_true = (
        (softmax(logits, axis=1).cumsum(axis=1) < rng.random((n, 1)))
        .sum(axis=1)
        .clip(0, n_classes - 1)
    )
    changed = rng.random(n) < share
    given = np.where(changed, (y_true + rng.integers(1, n_classes, n)) % n_classes, y_true)
    return given, logits, changed


# --- ranking ------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_classes", [2, 5])
@pytest.mark.parametrize("score", ["self_confidence", "normalized_margin"])
def test_scores_are_those_of_cleanlab(score, n_classes):
    rank = require("cleanlab.rank")
    labels, logits, _ = noisy(0, n_classes=n_classes)
    theirs = rank.get_label_quality_scores(labels, softmax(logits, axis=1), method=score)
    ours = suspect_scores(per_sample(labels, logits, "logits"), score)
    quality = 1.0 - ours if score == "self_confidence" else (1.0 - ours) / 2.0
    np.testing.assert_allclose(quality, theirs, atol=1e-14)


def test_the_margin_is_the_difference_of_log_probabilities():
    labels, logits, _ = noisy(1, n=50)
    log_prob = np.log(softmax(logits, axis=1))
    own = log_prob[np.arange(50), labels].copy()
    log_prob[np.arange(50), labels] = -np.inf
    margin = suspect_scores(per_sample(labels, logits, "logits"))
    np.testing.assert_allclose(margin, log_prob.max(axis=1) - own, atol=1e-12)


def test_every_score_finds_changed_labels():
    labels, logits, changed = noisy(2)
    samples = per_sample(labels, logits, "logits")
    for score in ("margin", "self_confidence", "normalized_margin"):
        assert roc_auc_score(changed, suspect_scores(samples, score)) > 0.9


def test_the_score_follows_the_accuracy():
    assert suggested_score(0.93) == "margin"
    assert suggested_score(0.60) == "self_confidence"


def test_impossible_labels_come_first_and_the_surest_among_them_ahead():
    prob = np.array([[0.6, 0.4, 0.0], [0.99, 0.0, 0.01], [0.5, 0.4, 0.1], [0.2, np.nan, 0.8]])
    samples = per_sample(np.array([2, 1, 2, 0]), prob, "probs")
    margin = suspect_scores(samples)
    assert most_suspect(margin, 10, then_by=samples.confidence).tolist() == [1, 0, 2]
    assert suspect_scores(samples, "normalized_margin")[:2].tolist() == [0.6, 0.99]
    assert suspect_scores(samples, "self_confidence")[:2].tolist() == [1.0, 1.0]


@settings(deadline=None)  # a busy machine is no failure
@given(
    st.lists(st.sampled_from([-np.inf, -1.0, 0.0, 2.0, np.inf, np.nan]), max_size=30),
    st.integers(-1, 35),
)
def test_the_top_is_the_head_of_the_whole_ranking(values, top):
    scores = np.array(values, dtype=float)
    rows = most_suspect(scores, top)
    whole = sorted((-value, row) for row, value in enumerate(values) if not math.isnan(value))
    assert rows.tolist() == [row for _, row in whole][: max(0, top)]


def test_the_mean_over_epochs_takes_what_there_is():
    nan, inf = np.nan, np.inf
    epochs = [
        np.array([1.0, nan, nan, inf, -inf, 2.0]),
        np.array([3.0, 5.0, nan, 1.0, -inf, inf]),
        np.array([2.0, 7.0, nan, -inf, -inf, -inf]),
    ]
    mean = mean_over_epochs(iter(epochs))
    np.testing.assert_array_equal(mean, [2.0, 6.0, nan, inf, -inf, inf])
    assert np.isposinf(epochs[0][3])  # what came in stays as it was


def test_several_epochs_rank_better_than_one():
    rng = np.random.default_rng(30)
    labels, logits, changed = noisy(3)
    epochs = [
        suspect_scores(per_sample(labels, logits + rng.normal(0, 4, logits.shape), "logits"))
        for _ in range(8)
    ]
    together = roc_auc_score(changed, mean_over_epochs(epochs))
    assert together > max(roc_auc_score(changed, scores) for scores in epochs) + 0.02


def test_no_epochs_have_no_mean():
    with pytest.raises(DataError, match="epochs"):
        mean_over_epochs([])


# --- outliers -----------------------------------------------------------------------------------


def calibrated(seed, n, n_classes=2, temperature=1.0, size=3.0):
    labels, logits, _ = noisy(seed, n=n, n_classes=n_classes, share=0.0, size=size)
    return labels, logits * temperature


def outliers(labels, logits):
    predictions = Predictions.from_arrays(labels, logits=logits)
    return find_outliers(predictions, per_sample(labels, logits, "logits"))


@pytest.mark.parametrize("n", [20, 200])
@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_ordinary_mistakes_are_no_outliers(n, temperature):
    found = [
        len(outliers(*calibrated(seed, n, temperature=temperature)).rows) > 0 for seed in range(80)
    ]
    assert np.mean(found) <= 0.075


@pytest.mark.parametrize("planted", [1, 2, 3])
def test_planted_outliers_are_found_and_named(planted):
    hits = 0
    for seed in range(20):
        labels, logits = calibrated(seed, 100, n_classes=4)
        rows = np.argsort(-np.ptp(logits, axis=1))[:planted]
        labels[rows] = logits[rows].argmin(axis=1)
        found = outliers(labels, logits)
        hits += set(rows) <= set(found.rows.tolist())
        assert found.log_loss_without.value < found.log_loss.value
        assert found.temperature_without.value < found.temperature.value
        assert (found.expected < 0.01).all()
    assert hits >= 19


def test_an_outlier_that_is_the_only_mistake_is_said_to_be():
    logits = np.zeros((20, 2))
    logits[:, 1] = 4.0
    labels = np.ones(20, dtype=int)
    logits[0, 1], labels[0] = 14.0, 0
    found = outliers(labels, logits)
    assert found.rows.tolist() == [0]
    assert found.errors_without == 0


def test_impossible_labels_are_counted_apart():
    labels, logits = calibrated(3, 60, n_classes=3)
    logits[5, labels[5]] = -np.inf
    found = outliers(labels, logits)
    assert found.impossible == 1
    assert 5 not in found.rows


def test_too_few_samples_tell_no_outlier():
    with pytest.raises(TooFewSamplesError, match="10 scored"):
        outliers(*calibrated(0, 9))
