"""Two sides: paired where they can be, with intervals that hold, and which of them to take."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import whyloss
from whyloss.data import Predictions
from whyloss.errors import DataError
from whyloss.measures.estimates.intervals import mean_estimate, wilson
from whyloss.measures.estimates.unpaired_differences import unpaired_difference
from whyloss.reporters.compare import render
from whyloss.results.estimate import Estimate
from whyloss.testing import known_cause, rule_out_truth


def predictions(known, epoch=0, **changes):
    p = known.source.predictions("val", epoch)
    given_too = {"y_true": p.y_true, "logits": p.scores, "ids": p.ids, **changes}
    return Predictions.from_arrays(given_too.pop("y_true"), **given_too)


def losses(p):
    log_prob = p.scores - np.logaddexp.reduce(p.scores, axis=1, keepdims=True)
    return -log_prob[np.arange(len(p)), p.y_true]


def contrast(found, metric):
    return next(one for one in found.differences if one.metric == metric)


# --- paired -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two():
    known = known_cause(1, temperature=(1.0, 2.5), blur=(0.4, 0.5), n_samples=800)
    return predictions(known, 1), predictions(known, 2)


def test_paired_differences_are_the_means_of_differences(two):
    found = whyloss.compare(*two)
    assert found.n_common == 800
    delta = losses(two[1]) - losses(two[0])
    loss = contrast(found, "log_loss").difference
    assert loss.value == pytest.approx(delta.mean())
    assert loss.se == pytest.approx(delta.std(ddof=1) / np.sqrt(800))
    right = [p.scores.argmax(axis=1) == p.y_true for p in two]
    assert contrast(found, "accuracy").difference.value == pytest.approx(
        right[1].mean() - right[0].mean()
    )
    parts = sum(contrast(found, name).difference.value for name in ("refinement", "calibration"))
    assert parts == pytest.approx(loss.value)
    assert set(found.named["broke"]) == set(np.flatnonzero(right[0] & ~right[1]).tolist())
    assert set(found.named["fixed"]) == set(np.flatnonzero(~right[0] & right[1]).tolist())


def test_the_samples_that_differ_most_come_first(two):
    found = whyloss.compare(*two)
    delta = np.abs(losses(two[1]) - losses(two[0]))
    assert [row.id for row in found.samples] == np.argsort(-delta, kind="stable")[:50].tolist()
    row = found.samples[0]
    assert row.log_loss == pytest.approx((losses(two[0])[row.id], losses(two[1])[row.id]))


def test_each_purpose_has_its_own_choice():
    known = known_cause(1, temperature=(1.0, 2.5), n_samples=800)
    a, b = predictions(known, 1), predictions(known, 2)
    for sides, better in (((a, b), "A"), ((b, a), "B")):
        found = whyloss.compare(*sides)
        assert {purpose: one.better for purpose, one in found.choices.items()} == {
            "labels": None,
            "probabilities as they are": better,
            "probabilities after a temperature": None,
        }


def test_better_labels_are_told_from_better_probabilities(two):
    blurred = predictions(known_cause(1, temperature=(1, 0.4), blur=(2.0, 0.1), n_samples=800), 2)
    found = whyloss.compare(two[0], blurred)
    assert found.choices["labels"].better == "B"
    assert found.choices["probabilities as they are"].better == "A"
    assert found.choices["probabilities after a temperature"].better == "B"


def test_a_side_beside_itself_has_nothing_to_choose(two):
    found = whyloss.compare(two[0], two[0])
    assert all(one.difference.value == 0 and one.better is None for one in found.differences)


def test_the_order_of_the_samples_does_not_matter(two):
    order = np.random.default_rng(0).permutation(800)
    a, b = two
    shuffled = Predictions.from_arrays(b.y_true[order], logits=b.scores[order], ids=b.ids[order])
    straight, mixed = whyloss.compare(a, b), whyloss.compare(a, shuffled)
    for metric in ("log_loss", "refinement", "accuracy"):
        assert contrast(mixed, metric).difference.value == pytest.approx(
            contrast(straight, metric).difference.value
        )
    assert [row.id for row in mixed.samples] == [row.id for row in straight.samples]


def test_only_the_samples_in_common_count_and_the_rest_is_told(two):
    a, b = two
    fewer = Predictions.from_arrays(b.y_true[100:], logits=b.scores[100:], ids=b.ids[100:])
    found = whyloss.compare(a, fewer)
    assert found.n_common == 700
    assert contrast(found, "log_loss").first.value == pytest.approx(losses(a)[100:].mean())
    assert "700 samples whose ids occur in both, of 800 and 700" in " ".join(found.notes)


def test_samples_that_cannot_be_scored_are_left_out_and_told():
    known = known_cause(3, n_samples=300)
    a, b = predictions(known), predictions(rule_out_truth(known, rows=2))
    found = whyloss.compare(a, b)
    assert found.n_common == 298
    assert "2 samples have no finite loss on one of the sides" in " ".join(found.notes)


def test_a_few_new_labels_are_left_out(two):
    a, b = two
    labels = b.y_true.copy()
    labels[:8] = (labels[:8] + 1) % 3
    found = whyloss.compare(a, Predictions.from_arrays(labels, logits=b.scores, ids=b.ids))
    assert found.n_common == 792
    assert "8 samples with different labels" in " ".join(found.notes)


# --- unpaired -----------------------------------------------------------------------------------


def unpaired(a, b):
    found = whyloss.compare(a, b)
    assert found.n_common is None
    assert found.attribution is None
    (note,) = found.notes
    assert note.startswith("Not paired: ")
    return found, note


def test_other_samples_are_not_paired(two):
    a, b = two
    other = Predictions.from_arrays(b.y_true, logits=b.scores, ids=b.ids + 5000)
    found, note = unpaired(a, other)
    assert "only 0 of 800 ids" in note
    assert contrast(found, "log_loss").difference.value == pytest.approx(
        losses(b).mean() - losses(a).mean()
    )
    narrow = contrast(whyloss.compare(a, b), "log_loss").difference
    wide = contrast(found, "log_loss").difference
    assert wide.high - wide.low > narrow.high - narrow.low


def test_row_numbers_of_shuffled_files_are_found_out(two):
    order = np.random.default_rng(0).permutation(800)
    a, b = two
    shuffled = Predictions.from_arrays(b.y_true[order], logits=b.scores[order])
    assert "different labels" in unpaired(a, shuffled)[1]


def test_other_splits_and_other_weights_are_not_paired(two):
    a, b = two
    test = Predictions.from_arrays(b.y_true, logits=b.scores, ids=b.ids, split="test")
    assert "'val' and 'test'" in unpaired(a, test)[1]
    weighted = Predictions.from_arrays(
        b.y_true, logits=b.scores, ids=b.ids, weights=np.arange(1, 801)
    )
    assert "weighted differently" in unpaired(a, weighted)[1]


def test_reported_numbers_are_compared_as_far_as_they_go(two):
    found = whyloss.compare(two[0], "val_loss: 5.0 - val_acc: 0.1", n_val=400)
    loss, accuracy = contrast(found, "log_loss"), contrast(found, "accuracy")
    assert loss.difference.low is None
    assert loss.better is None
    assert accuracy.better == "A"
    assert "not known whether that is chance" in render(found, "markdown")


def test_other_classes_cannot_be_compared():
    a, b = predictions(known_cause(1)), predictions(known_cause(1, n_classes=4))
    with pytest.raises(DataError, match="3 and 4 classes"):
        whyloss.compare(a, b)
    named = predictions(known_cause(1), classes=["x", "y", "z"])
    assert whyloss.compare(a, named).samples[0].label in {"x", "y", "z"}
    with pytest.raises(DataError, match="same order"):
        whyloss.compare(named, predictions(known_cause(1), classes=["y", "x", "z"]))


def test_nothing_to_score_is_said_with_the_side():
    a = predictions(known_cause(1))
    with pytest.raises(DataError, match="Side B contains nothing to compare"):
        whyloss.compare(a, Predictions.from_arrays([0, 1], logits=np.full((2, 2), np.nan)))


# --- the interval of unpaired differences -------------------------------------------------------


def test_the_interval_of_two_shares_is_newcombes():
    # Newcombe 1998, table II, method 10: 56/70 - 48/80 gives 0.0524 to 0.3339.
    found = unpaired_difference(wilson(48, 80), wilson(56, 70))
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


ends = st.floats(0.0, 1e3)


estimates = st.builds(
    lambda x, below, above: Estimate(x, x - below, x + above), st.floats(-1e3, 1e3), ends, ends
)


@given(estimates, estimates)
def test_turning_the_sides_round_turns_the_interval_round(a, b):
    there, back = unpaired_difference(a, b), unpaired_difference(b, a)
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))
    assert there.low <= there.value <= there.high


def test_intervals_of_unpaired_means_cover_the_truth():
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(1000):
        a = mean_estimate(rng.exponential(1.0, 150))
        b = mean_estimate(rng.exponential(1.5, 250))
        found = unpaired_difference(a, b)
        covered += found.low <= 0.5 <= found.high
    assert 930 <= covered <= 970


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 60))
def test_small_sets_give_numbers_or_a_reason(seed, n):
    known = known_cause(seed, temperature=(1.0, 2.0), blur=0.5, n_samples=n)
    found = whyloss.compare(predictions(known, 1), predictions(known, 2))
    for form in whyloss.Comparison.FORMATS:
        assert not re.search(r"\b(nan|None|inf)\b", render(found, form))
