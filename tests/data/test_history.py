"""Scalars per epoch: columns, rows, and what does not fit."""

import numpy as np
import pytest

import whyloss
from whyloss.data import History
from whyloss.errors import DataError


def test_columns_are_named_by_split_and_metric_and_counted_from_one():
    got = History.from_columns(val_loss=[0.5, 0.4], val_accuracy=[0.7, 0.8], n_val=100, n_classes=3)
    assert got.epochs.tolist() == [1, 2]
    assert got.column("val", "loss").tolist() == [0.5, 0.4]
    assert got.column("val", "accuracy").dtype == np.float64
    assert got.column("train", "loss") is None
    assert (got.n_val, got.n_classes) == (100, 3)


def test_a_metric_may_have_an_underscore_and_epochs_may_be_given():
    got = History.from_columns(epochs=[3, 7], val_top_5=[0.9, 0.95])
    assert got.epochs.tolist() == [3, 7]
    assert got.column("val", "top_5").tolist() == [0.9, 0.95]


def test_nothing_is_a_history_too():
    for empty in (History.from_columns(), History.from_rows([])):
        assert len(empty.epochs) == 0
        assert empty.columns == {}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            {"loss": [1.0]},
            "The name of the column 'loss' does not contain a split: expected <split>_<metric>",
        ),
        (
            {"val_loss": [1.0, 0.5], "val_accuracy": [0.5]},
            "The column val_accuracy and the epochs differ in length: expected 2 values",
        ),
        ({"epochs": [1, 2, 3], "val_loss": [1.0, 0.5]}, "expected 3 values"),
        (
            {"epochs": [1, 3, 2], "val_loss": [1.0, 0.5, 0.4]},
            "The epochs are not in ascending order: expected each epoch once, ascending; got epoch 2 after",
        ),
        ({"epochs": [1, 1], "val_loss": [1.0, 0.5]}, "got epoch 1 after epoch 1."),
    ],
)
def test_what_does_not_fit_is_refused(arguments, words):
    with pytest.raises(DataError) as caught:
        History.from_columns(**arguments)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_rows_are_gathered_by_epoch_split_and_metric():
    got = History.from_rows(
        [
            {"epoch": 2, "split": "val", "loss": 0.4, "accuracy": 0.8},
            {"epoch": 1, "split": "val", "loss": 0.5},
            {"epoch": 1, "loss": 0.6},
            {"epoch": 2, "split": "val", "loss": 0.3},
        ]
    )
    assert got.epochs.tolist() == [1, 2]
    assert got.column("val", "loss").tolist() == [0.5, 0.3]  # the later row counts
    assert got.column("train", "loss")[0] == 0.6
    np.testing.assert_array_equal(got.column("val", "accuracy"), [np.nan, 0.8])


def test_rows_without_an_epoch_and_values_that_are_no_numbers_are_left_out():
    got = History.from_rows(
        [
            {"loss": 0.4, "split": "val"},
            {"epoch": "3", "loss": 0.4},
            {"epoch": 1, "split": "val", "loss": 0.5, "note": "warm-up", "flag": None},
        ]
    )
    assert got.epochs.tolist() == [1]
    assert set(got.columns) == {("val", "loss")}


def test_rows_may_hold_numbers_of_numpy():
    got = History.from_rows([{"epoch": np.int64(4), "split": "val", "loss": np.float32(0.5)}])
    assert got.epochs.tolist() == [4]
    assert got.column("val", "loss").tolist() == [0.5]


IMPOSSIBLE = [
    {"n_classes": -3}, {"n_classes": 0}, {"n_classes": 1}, {"n_classes": "3"}, {"n_classes": 2.5},
    {"n_classes": True}, {"n_val": -5}, {"n_val": 0}, {"n_val": 1e3}, {"n_train": -1},
    {"class_shares": [-0.1, 1.1]}, {"class_shares": [np.nan, 0.5]}, {"class_shares": [np.inf, 0]},
    {"class_shares": [1.0]}, {"class_shares": ["a", "b"]},
]  # fmt: skip


@pytest.mark.parametrize("given", IMPOSSIBLE)
def test_given_an_impossible_size_then_the_error_names_it(given):
    (name,) = given
    with pytest.raises(DataError, match=f"`{name}` must"):
        History.from_columns(val_loss=[0.5], **given)


@pytest.mark.parametrize("given", [*IMPOSSIBLE, {"class_shares": 3}])
def test_given_an_impossible_size_to_diagnose_then_the_error_names_it(given):
    (name,) = given
    with pytest.raises(DataError, match=f"`{name}` must"):
        whyloss.diagnose(val_loss=0.5, val_accuracy=0.8, **given)


def test_given_the_smallest_sizes_then_they_are_taken():
    history = History.from_columns(
        val_loss=[0.5], n_classes=np.int64(2), n_val=1, n_train=1, class_shares=[0.0, 1.0]
    )
    assert (history.n_classes, history.n_val) == (2, 1)


def test_given_a_masked_number_then_it_was_not_reported():
    losses = np.ma.masked_equal([0.9, -1.0, 0.4], -1.0)
    column = History.from_columns(val_loss=losses).column("val", "loss")
    np.testing.assert_array_equal(column, [0.9, np.nan, 0.4])
    curve = {"val_loss": losses, "val_accuracy": [0.5, 0.6, 0.7]}
    found = whyloss.diagnose(history=curve, n_classes=2)
    assert "−1.000" not in found.verdict.headline
