"""Sums by slice, and means of weighted samples."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whyloss.errors import DataError
from whyloss.measures.estimates.intervals import (
    mean_estimate,
    paired_share_difference,
    share_estimate,
    wilson,
)
from whyloss.measures.estimates.slices import slices
from whyloss.measures.estimates.weights import as_samples, effective_samples


def sample(seed, n, n_keys=4):
    rng = np.random.default_rng(seed)
    keys = rng.choice([f"site {k}" for k in range(n_keys)], n)
    columns = {"log_loss": rng.exponential(size=n), "calibration": rng.normal(size=n)}
    return keys, columns, rng.random(n) < 0.8, rng.random(n) < 0.9, rng.exponential(size=n)


# --- slices -------------------------------------------------------------------------------------


@settings(deadline=None)  # a busy machine is no failure
@given(st.integers(0, 10_000), st.integers(1, 60), st.booleans())
def test_contributions_add_up_to_the_whole(seed, n, weighted):
    keys, columns, right, scored, weights = sample(seed, n)
    scored[0] = True
    parts = slices(keys, columns, right, scored=scored, weights=weights if weighted else None)
    w = weights[scored] if weighted else np.ones(scored.sum())
    for name, values in columns.items():
        whole = math.fsum(part.contributions[name].value for part in parts)
        assert whole == pytest.approx(np.average(values[scored], weights=w), rel=1e-12, abs=1e-14)
        for part in parts:
            assert part.contributions[name].value == pytest.approx(
                part.share * part.means[name].value, rel=1e-9, abs=1e-14
            )
    assert sum(part.samples for part in parts) == scored.sum()
    assert sum(part.share for part in parts) == pytest.approx(1.0)


def test_without_weights_a_slice_is_the_plain_mean_of_its_rows():
    keys, columns, right, scored, _ = sample(1, 500)
    parts = slices(keys, columns, right, scored=scored)
    assert [part.key for part in parts] == sorted(set(keys.tolist()))
    for part in parts:
        rows = scored & (keys == part.key)
        loss = columns["log_loss"]
        assert part.samples == part.n_eff == rows.sum()
        assert part.accuracy == wilson(int(right[rows].sum()), int(rows.sum()))
        for ours, plain in (
            (part.means["log_loss"], mean_estimate(loss[rows])),
            (part.contributions["log_loss"], mean_estimate((loss * rows)[scored])),
        ):
            for end in ("value", "low", "high", "se"):
                assert getattr(ours, end) == pytest.approx(getattr(plain, end), rel=1e-9)


def test_with_weights_a_slice_is_the_weighted_mean_of_its_rows():
    keys, columns, right, scored, weights = sample(2, 300)
    for part in slices(keys, columns, right, scored=scored, weights=weights):
        rows = scored & (keys == part.key)
        mean = mean_estimate(columns["log_loss"][rows], weights[rows])
        assert part.means["log_loss"].value == pytest.approx(mean.value)
        assert part.means["log_loss"].se == pytest.approx(mean.se)
        assert part.means["log_loss"].high == pytest.approx(mean.high)
        assert part.accuracy.low == pytest.approx(share_estimate(right[rows], weights[rows]).low)
        inside = mean_estimate((columns["log_loss"] * rows)[scored], weights[scored])
        assert part.contributions["log_loss"].se == pytest.approx(inside.se)
        assert part.contributions["log_loss"].low == pytest.approx(inside.low)
        assert part.n_eff == pytest.approx(effective_samples(weights[rows]))


@pytest.mark.parametrize("weighted", [False, True])
def test_the_intervals_of_slices_cover(weighted):
    rng = np.random.default_rng(3)
    covered = []
    for _ in range(400):
        n = 2000
        keys = rng.random(n) < 0.4  # loss 2 in the slice, 1 outside; weight independent of both
        loss = rng.exponential(np.where(keys, 2.0, 1.0))
        right = rng.random(n) < np.where(keys, 0.5, 0.9)
        weights = rng.uniform(0.1, 3.0, n) if weighted else None
        parts = slices(keys, {"loss": loss}, right, scored=np.ones(n, dtype=bool), weights=weights)
        covered.append(
            [
                estimate.low <= truth <= estimate.high
                for estimate, truth in (
                    (parts[1].means["loss"], 2.0),
                    (parts[1].contributions["loss"], 0.8),
                    (parts[0].contributions["loss"], 0.6),
                    (parts[1].accuracy, 0.5),
                    (parts[0].accuracy, 0.9),
                )
            ]
        )
    coverage = np.mean(covered, axis=0)
    assert (coverage >= 0.92).all()
    assert (coverage <= 0.98).all()


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (np.array([2.0, np.nan, 2.0, np.nan]), [2.0, None]),
        (np.array([True, False, True, True]), [False, True]),
        (np.array([7, 7, 7, 7]), [7]),
        (np.array(["é", "b", "b", "é"], dtype=object), ["b", "é"]),
    ],
)
def test_any_sortable_column_is_a_key(keys, expected):
    parts = slices(keys, {}, np.ones(4, dtype=bool), scored=np.ones(4, dtype=bool))
    found = [None if part.key != part.key else part.key for part in parts]
    assert found == expected


def test_keys_without_an_order_are_refused():
    keys = np.array(["a", None, "b"], dtype=object)
    with pytest.raises(DataError, match="cannot be sorted"):
        slices(keys, {}, np.ones(3, dtype=bool), scored=np.ones(3, dtype=bool))


def test_columns_of_another_length_are_refused():
    three, four = np.ones(3, dtype=bool), np.ones(4)
    with pytest.raises(DataError, match="'loss'"):
        slices(np.arange(3), {"loss": four}, three, scored=three)


def test_rows_that_cannot_be_scored_are_not_looked_at():
    loss = np.array([1.0, np.nan, 3.0])
    scored = np.isfinite(loss)
    parts = slices(np.array(["a", "b", "a"]), {"loss": loss}, scored, scored=scored)
    assert [part.key for part in parts] == ["a"]
    assert parts[0].means["loss"].value == 2.0
    assert slices(np.array(["a"]), {}, np.array([True]), scored=np.array([False])) == []


def test_a_slice_without_weight_has_no_mean():
    three = np.ones(3, dtype=bool)
    parts = slices(
        np.array([0, 1, 1]), {"loss": np.arange(3.0)}, three, scored=three,
        weights=np.array([0.0, 1.0, 1.0]),
    )  # fmt: skip
    assert parts[0].means["loss"].note == "no weight"
    assert math.isnan(parts[0].accuracy.value)
    assert parts[0].contributions["loss"].value == 0.0


def test_a_slice_of_one_sample_has_no_spread():
    three = np.ones(3, dtype=bool)
    parts = slices(np.array([0, 1, 1]), {"loss": np.arange(3.0)}, three, scored=three)
    assert parts[0].means["loss"].low is None
    assert parts[0].means["loss"].note


# --- weights ------------------------------------------------------------------------------------


def same(ours, plain, rel=1e-6):
    assert (ours.value, ours.note) == (pytest.approx(plain.value, abs=1e-12), plain.note)
    for ends in zip((ours.low, ours.high, ours.se), (plain.low, plain.high, plain.se), strict=True):
        assert ends[0] == (None if ends[1] is None else pytest.approx(ends[1], rel=rel, abs=1e-6))


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.floats(-10, 10), min_size=1, max_size=30), st.floats(1e-300, 1e200))
def test_equal_weights_change_nothing(values, weight):
    values = np.array(values)
    weights = np.full(len(values), weight)
    first, second = values > 1, values > 2
    same(mean_estimate(values, weights), mean_estimate(values))
    same(share_estimate(first, weights), share_estimate(first))
    same(paired_share_difference(first, second, weights), paired_share_difference(first, second))
    assert effective_samples(weights) == pytest.approx(len(values))


@given(st.lists(st.tuples(st.floats(-10, 10), st.integers(0, 5)), min_size=1, max_size=30))
def test_whole_weights_move_a_mean_as_repeated_samples_do(rows):
    values, times = np.array(rows).T
    repeated = np.repeat(values, times.astype(int))
    if not len(repeated):
        return
    assert mean_estimate(values, times).value == pytest.approx(repeated.mean(), abs=1e-12)
    assert share_estimate(values > 1, times).value == pytest.approx((repeated > 1).mean())
    assert paired_share_difference(values > 1, values > 2, times).value == pytest.approx(
        (repeated > 2).mean() - (repeated > 1).mean(), abs=1e-12
    )
    assert as_samples(times).sum() == pytest.approx(effective_samples(times))
    assert (as_samples(times) ** 2).sum() == pytest.approx(effective_samples(times))


def test_effective_samples_by_hand():
    assert effective_samples(np.array([3.0, 0.0, 1.0])) == pytest.approx(1.6)


def test_the_interval_of_the_weighted_mean_covers_when_weights_depend_on_the_values():
    rng = np.random.default_rng(4)
    covered = []
    for _ in range(1000):
        values = rng.normal(size=500)
        weights = np.exp(0.5 * values)  # samples of a shifted normal, of mean 0.5
        estimate = mean_estimate(values, weights)
        covered.append(estimate.low <= 0.5 <= estimate.high)
    assert 0.93 <= np.mean(covered) <= 0.97


def test_the_interval_of_the_weighted_share_covers():
    rng = np.random.default_rng(5)
    covered = []
    for _ in range(1000):
        share = share_estimate(rng.random(500) < 0.9, rng.exponential(size=500))
        covered.append(share.low <= 0.9 <= share.high)
    assert 0.93 <= np.mean(covered) <= 0.97


def test_no_samples_have_no_mean():
    assert math.isnan(mean_estimate(np.zeros(0), np.zeros(0)).value)
    assert math.isnan(share_estimate(np.zeros(0, dtype=bool), np.zeros(0)).value)
    assert effective_samples(np.zeros(0)) == 0.0


def test_a_single_weight_leaves_no_spread():
    estimate = mean_estimate(np.array([1.0, 2.0]), np.array([0.0, 4.0]))
    assert (estimate.value, estimate.low) == (2.0, None)
