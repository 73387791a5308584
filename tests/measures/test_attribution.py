"""The parts of a change of the loss add up, whatever comes in."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import log_softmax

from whyloss.measures.attribution import (
    attribute_change,
    members_by_outcome,
    outcome_of,
    scale_change,
)
from whyloss.measures.estimates.intervals import mean_estimate
from whyloss.measures.samples.alignment import common_rows, rows_of_ids
from whyloss.results.attribution import Outcome

PARTS = ("total", "refinement", "calibration")
losses = st.floats(0, 700)


@st.composite
def two_epochs(draw):
    """Labels, losses, refined losses and right or wrong, at two epochs."""
    n = draw(st.integers(1, 40))
    column = hnp.arrays(np.float64, n, elements=losses)
    flags = hnp.arrays(np.bool_, n)
    y_true = draw(hnp.arrays(np.int32, n, elements=st.integers(0, 3)))
    return (
        y_true,
        (draw(column), draw(column)),
        (draw(column), draw(column)),
        (draw(flags), draw(flags)),
    )


@given(epochs=two_epochs())
def test_refinement_and_calibration_sum_to_the_change_of_the_mean_loss(epochs):
    _, loss, refined, _ = epochs
    got = attribute_change(*epochs)
    assert got.total.value == pytest.approx(loss[1].mean() - loss[0].mean(), abs=1e-9)
    assert got.refinement.value == pytest.approx(refined[1].mean() - refined[0].mean(), abs=1e-9)
    assert got.refinement.value + got.calibration.value == pytest.approx(got.total.value, abs=1e-9)
    assert got.n_samples == len(loss[0])
    np.testing.assert_array_equal(got.delta, loss[1] - loss[0])
    np.testing.assert_array_equal(got.delta_refined, refined[1] - refined[0])


@given(epochs=two_epochs())
def test_the_four_outcomes_sum_to_every_part(epochs):
    got = attribute_change(*epochs)
    assert [cell.outcome for cell in got.cells] == list(Outcome)
    assert sum(cell.samples for cell in got.cells) == got.n_samples
    for part in PARTS:
        cells = sum(getattr(cell, part).value for cell in got.cells)
        assert cells == pytest.approx(getattr(got, part).value, abs=1e-9)


@given(epochs=two_epochs())
def test_the_classes_of_an_outcome_sum_to_it(epochs):
    got = attribute_change(*epochs)
    assert all(cell.samples > 0 for cell in got.class_cells)
    for outcome in Outcome:
        whole = got.cell(outcome)
        classes = [cell for cell in got.class_cells if cell.outcome == outcome]
        assert len({cell.class_index for cell in classes}) == len(classes)
        assert sum(cell.samples for cell in classes) == whole.samples
        for part in PARTS:
            assert sum(getattr(cell, part).value for cell in classes) == pytest.approx(
                getattr(whole, part).value, abs=1e-9
            )


@given(epochs=two_epochs())
def test_the_way_back_is_the_negative(epochs):
    y_true, loss, refined, right = epochs
    there = attribute_change(*epochs)
    back = attribute_change(y_true, loss[::-1], refined[::-1], right[::-1])
    swapped = {Outcome.BROKE: Outcome.FIXED, Outcome.FIXED: Outcome.BROKE}
    assert back.accuracy.value == -there.accuracy.value
    for part in PARTS:
        assert getattr(back, part).value == pytest.approx(-getattr(there, part).value, abs=1e-9)
        for cell in there.cells:
            other = back.cell(swapped.get(cell.outcome, cell.outcome))
            assert other.samples == cell.samples
            assert getattr(other, part).value == pytest.approx(-getattr(cell, part).value, abs=1e-9)


@given(epochs=two_epochs(), data=st.data())
def test_the_order_of_the_samples_changes_nothing(epochs, data):
    y_true, loss, refined, right = epochs
    rows = np.array(data.draw(st.permutations(range(len(y_true)))))
    plain = attribute_change(*epochs)
    moved = attribute_change(
        y_true[rows], *(tuple(v[rows] for v in pair) for pair in (loss, refined, right))
    )
    for part in PARTS:
        assert getattr(moved, part).value == pytest.approx(getattr(plain, part).value, abs=1e-9)
    for one, other in zip(plain.class_cells, moved.class_cells, strict=True):
        assert (one.outcome, one.class_index, one.samples) == (
            other.outcome,
            other.class_index,
            other.samples,
        )


def test_a_change_by_hand():
    y_true = np.array([0, 0, 1, 1])
    right = (np.array([True, True, False, False]), np.array([True, False, False, True]))
    loss = (np.array([0.2, 0.4, 1.0, 2.0]), np.array([0.1, 1.2, 3.0, 0.5]))
    refined = (np.array([0.3, 0.5, 0.9, 1.5]), np.array([0.3, 0.9, 1.5, 0.6]))
    got = attribute_change(y_true, loss, refined, right)
    assert got.total.value == pytest.approx((-0.1 + 0.8 + 2.0 - 1.5) / 4)
    by_outcome = {cell.outcome: cell for cell in got.cells}
    assert by_outcome[Outcome.STAYED_RIGHT].total.value == pytest.approx(-0.025)
    assert by_outcome[Outcome.BROKE].total.value == pytest.approx(0.2)
    assert by_outcome[Outcome.STAYED_WRONG].total.value == pytest.approx(0.5)
    assert by_outcome[Outcome.STAYED_WRONG].refinement.value == pytest.approx(0.15)
    assert by_outcome[Outcome.STAYED_WRONG].calibration.value == pytest.approx(0.35)
    assert by_outcome[Outcome.FIXED].total.value == pytest.approx(-0.375)
    assert got.accuracy.value == 0.0
    assert [(c.outcome, c.class_index) for c in got.class_cells] == [
        (Outcome.STAYED_RIGHT, 0),
        (Outcome.BROKE, 0),
        (Outcome.STAYED_WRONG, 1),
        (Outcome.FIXED, 1),
    ]


def test_each_cell_has_the_spread_of_its_share_of_the_whole_mean():
    rng = np.random.default_rng(0)
    delta, right = rng.exponential(size=500), rng.random((2, 500)) < 0.8
    zero = np.zeros(500)
    got = attribute_change(np.zeros(500, int), (zero, delta), (zero, zero), tuple(right))
    broke = got.cell(Outcome.BROKE)
    assert broke.total == mean_estimate(delta * (right[0] & ~right[1]))
    assert broke.refinement.z == 0.0


def test_one_sample_and_no_sample_make_no_noise():
    one = np.ones(1)
    flag = np.ones(1, dtype=bool)
    got = attribute_change(np.zeros(1, int), (one, 2 * one), (one, one), (flag, flag))
    assert got.total.value == 1.0
    assert got.total.low is None
    none, no_flag = np.zeros(0), np.zeros(0, dtype=bool)
    got = attribute_change(np.zeros(0, int), (none, none), (none, none), (no_flag, no_flag))
    assert np.isnan(got.total.value)
    assert got.class_cells == ()
    assert scale_change(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0, int)) is None


# --- the samples that changed most --------------------------------------------------------------


@given(epochs=two_epochs())
def test_the_samples_that_changed_most_carry_their_exact_sum(epochs):
    got = attribute_change(*epochs)
    order = np.argsort(-np.abs(got.delta), kind="stable")
    n = len(order)
    assert [top.samples for top in got.top] == sorted(
        {1, -(-n // 100), -(-n // 20), -(-n // 10)} | ({10} if n >= 10 else set())
    )
    for top in got.top:
        assert top.nats == pytest.approx(got.delta[order[: top.samples]].sum() / n, abs=1e-12)
        if abs(got.total.value) > 1e-9:
            assert top.share * got.total.value == pytest.approx(top.nats, abs=1e-9)


def test_a_rise_that_one_sample_makes_is_known_to_be_its():
    loss = np.ones(200), np.ones(200)
    loss[1][17] += 6.0
    loss[1][18] -= 1.0
    flags = (np.ones(200, dtype=bool),) * 2
    one, *_ = attribute_change(np.zeros(200, int), loss, loss, flags).top
    assert (one.samples, one.nats, one.share) == (1, pytest.approx(0.03), pytest.approx(1.2))


def test_weights_count_among_the_samples_that_changed_most():
    loss = np.zeros(3), np.array([1.0, 2.0, 3.0])
    flags = (np.ones(3, dtype=bool),) * 2
    weights = np.array([8.0, 1.0, 1.0])
    one, *_ = attribute_change(np.zeros(3, int), loss, loss, flags, weights=weights).top
    assert (one.nats, one.share) == (pytest.approx(0.8), pytest.approx(8 / 13))


# --- size and direction of the logits -----------------------------------------------------------

LOGITS = st.tuples(st.integers(1, 20), st.integers(2, 5)).flatmap(
    lambda shape: st.tuples(
        hnp.arrays(np.float64, shape, elements=st.floats(-30, 30)),
        hnp.arrays(np.float64, shape, elements=st.floats(-30, 30)),
        hnp.arrays(np.int32, shape[0], elements=st.integers(0, shape[1] - 1)),
    )
)


def mean_change(first, second, y_true):
    rows = np.arange(len(y_true))
    before, after = (-log_softmax(z, axis=1)[rows, y_true].mean() for z in (first, second))
    return after - before


@given(drawn=LOGITS)
def test_scale_and_direction_sum_to_the_change(drawn):
    first, second, y_true = drawn
    got = scale_change(first, second, y_true)
    if got is None:  # all logits of a row equal, in every row
        assert min(np.ptp(first, axis=1).max(), np.ptp(second, axis=1).max()) < 1e-9
        return
    total = mean_change(first, second, y_true)
    assert got.scale.value + got.direction.value == pytest.approx(total, rel=1e-9, abs=1e-9)
    back = scale_change(second, first, y_true)
    assert back.scale.value == pytest.approx(-got.scale.value, rel=1e-9, abs=1e-9)
    assert back.inflation == pytest.approx(1 / got.inflation, rel=1e-9)


@given(drawn=LOGITS, factor=st.floats(0.05, 20))
def test_logits_that_only_grow_change_by_scale_alone(drawn, factor):
    first, _, y_true = drawn
    if np.ptp(first, axis=1).max() < 1e-3:
        return
    got = scale_change(first, factor * first, y_true)
    assert got.inflation == pytest.approx(factor, rel=1e-9)
    total = mean_change(first, factor * first, y_true)
    assert got.scale.value == pytest.approx(total, rel=1e-9, abs=1e-9)
    assert got.direction.value == pytest.approx(0, abs=1e-9)


def test_logits_that_only_turn_change_by_direction_alone():
    rng = np.random.default_rng(0)
    logits, y_true = rng.standard_normal((200, 3)), rng.integers(3, size=200)
    got = scale_change(logits, np.roll(logits, 1, axis=1), y_true)
    assert got.inflation == pytest.approx(1.0, rel=1e-12)
    assert got.scale.value == pytest.approx(0.0, abs=1e-12)


def test_constants_added_to_rows_are_no_size():
    rng = np.random.default_rng(1)
    first, second = rng.standard_normal((2, 100, 4))
    y_true = rng.integers(4, size=100)
    shift = 50 * rng.standard_normal((100, 1))
    plain, moved = (
        scale_change(first, second, y_true),
        scale_change(first + shift, second - shift, y_true),
    )
    assert moved.inflation == pytest.approx(plain.inflation, rel=1e-9)
    assert moved.scale.value == pytest.approx(plain.scale.value, abs=1e-9)


@pytest.mark.parametrize("value", [-np.inf, np.inf, np.nan, np.finfo(np.float64).min])
def test_logits_without_a_finite_size_have_no_scale_part(value):
    good, y_true = np.random.default_rng(0).standard_normal((5, 3)), np.zeros(5, dtype=np.int32)
    bad = good.copy()
    bad[2, 1] = value
    assert scale_change(good, bad, y_true) is None
    assert scale_change(bad, good, y_true) is None


@pytest.mark.parametrize("level", [0.0, 2.0, np.log(1 / 3), 0.1])
def test_logits_without_any_size_have_no_scale_part(level):
    y_true, flat = np.zeros(5, dtype=np.int32), np.full((5, 3), level)
    assert scale_change(flat, flat + np.array([1.0, 0.0, 0.0]), y_true) is None


# --- the same samples at every epoch ------------------------------------------------------------


def test_rows_stay_where_they_are_where_all_epochs_list_the_same_ids():
    ids = np.array([5, 3, 3, 9])  # repeated ones included
    got = common_rows({1: ids, 2: ids.copy()})
    assert {epoch: rows.tolist() for epoch, rows in got.items()} == {
        1: [0, 1, 2, 3],
        2: [0, 1, 2, 3],
    }


@given(
    ids=st.lists(
        st.lists(st.integers(0, 12), min_size=1, max_size=10, unique=True), min_size=1, max_size=4
    ),
    names=st.booleans(),
)
def test_rows_pair_exactly_the_ids_that_all_epochs_have(ids, names):
    arrays = {e: np.array([f"n{i}" for i in v] if names else v) for e, v in enumerate(ids)}
    rows = common_rows(arrays)
    paired = [arrays[epoch][index].tolist() for epoch, index in rows.items()]
    assert all(values == paired[0] for values in paired)
    assert set(paired[0]) == set.intersection(*(set(a.tolist()) for a in arrays.values()))


def test_of_a_repeated_id_the_first_row_counts():
    got = common_rows({1: np.array([7, 8, 7]), 2: np.array([8, 8, 7])})
    assert got[1].tolist() == [0, 1]
    assert got[2].tolist() == [2, 0]


def test_numbers_and_names_have_nothing_in_common():
    got = common_rows({1: np.array([1, 2]), 2: np.array(["1", "2"])})
    assert [rows.tolist() for rows in got.values()] == [[], []]


def test_a_change_is_frozen():
    flag = np.ones(2, dtype=bool)
    got = attribute_change(np.zeros(2, int), (np.ones(2),) * 2, (np.ones(2),) * 2, (flag, flag))
    with pytest.raises(dataclasses.FrozenInstanceError):
        got.n_samples = 3


@pytest.mark.parametrize("kind", [np.int64, np.str_])
def test_each_id_is_found_at_its_first_row_or_not_at_all(kind):
    among = np.array([5, 3, 9, 3]).astype(kind)
    ids = np.array([3, 9, 4, 10, 5]).astype(kind)
    assert rows_of_ids(ids, among).tolist() == [1, 2, -1, -1, 0]
    assert rows_of_ids(ids, among[:0]).tolist() == [-1] * 5


def test_repeated_ids_in_the_same_order_keep_their_rows():
    ids = np.array([7, 8, 7])
    assert rows_of_ids(ids, ids.copy()).tolist() == [0, 1, 2]


def test_ids_of_another_type_are_not_found():
    assert rows_of_ids(np.array([1, 2]), np.array(["1", "2"])).tolist() == [-1, -1]


def test_every_sample_has_exactly_one_outcome_and_a_single_one_has_the_same():
    before = np.array([True, True, False, False])
    after = np.array([True, False, True, False])
    members = members_by_outcome(before, after)
    assert {name: rows.tolist() for name, rows in members.items()} == {
        Outcome.STAYED_RIGHT: [True, False, False, False],
        Outcome.BROKE: [False, True, False, False],
        Outcome.FIXED: [False, False, True, False],
        Outcome.STAYED_WRONG: [False, False, False, True],
    }
    for k in range(4):
        assert members[outcome_of(before=before[k], after=after[k])][k]
