"""What can be passed to `diagnose`: objects of frameworks, and numbers beside predictions."""

from types import SimpleNamespace

import numpy as np
import pytest

from whyloss import History, Predictions
from whyloss.errors import DataError
from whyloss.readers import ReadOptions
from whyloss.verbs.sources import source_of

EVALS = {
    "training": {"mlogloss": [0.9, 0.6, 0.4], "merror": [0.4, 0.3, 0.1]},
    "validation_0": {"mlogloss": [1.0, 0.8, 0.85], "merror": [0.5, 0.25, 0.25]},
}
RECORDS = [
    {"epoch": 1.0, "step": 10, "loss": 0.9},
    {"epoch": 1.0, "step": 10, "eval_loss": 1.0, "eval_accuracy": 0.5},
    {"epoch": 2.0, "step": 20, "loss": 0.6},
    {"epoch": 2.0, "step": 20, "eval_loss": 0.8, "eval_accuracy": 0.75},
]
KERAS = {"loss": [0.9, 0.6], "val_loss": np.array([1.0, 0.8]), "val_accuracy": (0.5, 0.75)}


REPORTED = ("val_loss", "val_accuracy")


def opened(source=None, history=None, **given):
    reported = {name: given.pop(name) for name in REPORTED if name in given}
    return source_of(
        source, options=ReadOptions(), labelled=given, reported=reported, history=history
    )


@pytest.mark.parametrize(
    "told",
    [
        EVALS, RECORDS, KERAS, SimpleNamespace(history=KERAS), SimpleNamespace(log_history=RECORDS),
        SimpleNamespace(evals_result_=EVALS),
    ],
    ids=["evals_result", "log_history", "history", "keras", "trainer state", "booster"],
)  # fmt: skip
def test_objects_of_frameworks_are_curves(told):
    for source in (opened(told), opened(history=told)):
        assert source.history.column("val", "loss")[:2].tolist() == [1.0, 0.8]
        assert source.history.column("val", "accuracy")[:2].tolist() == [0.5, 0.75]
        assert source.history.column("train", "loss")[:2].tolist() == [0.9, 0.6]


def test_error_rates_of_every_set_are_turned_into_accuracies():
    sets = {
        f"validation_{k}": {"mlogloss": [0.9, 0.6], "merror": [0.4 - k / 10, 0.2]} for k in (0, 1)
    }
    source = opened(sets)
    assert source.history.column("val", "accuracy").tolist() == pytest.approx([0.7, 0.8])
    assert source.history.column("val_0", "accuracy").tolist() == pytest.approx([0.6, 0.8])


def test_lists_of_fewer_evaluations_count_as_those_of_every_nth_epoch():
    source = opened(history={"loss": [0.9, 0.8, 0.7, 0.6], "val_loss": [1.0, 0.8]})
    assert source.history.column("val", "loss").tolist() == pytest.approx(
        [np.nan, 1.0, np.nan, 0.8], nan_ok=True
    )
    said = '"val_loss" has 2 values beside 4 of others: they count as one for every 2 epochs.'
    assert said in source.notes


Y = np.array([0, 1, 1, 0])
P = np.array([0.2, 0.7, 0.6, 0.4])


@pytest.mark.parametrize(
    ("given", "epoch"),
    [
        ({"history": {"val_loss": [0.5]}}, 1),
        ({"history": {"val_loss": [0.9, 0.5]}}, 2),
        ({"history": {"epoch": [7], "val_loss": [0.5]}}, 7),
        ({"val_loss": 0.5, "val_accuracy": 0.75}, 1),
        ({"val_loss": [0.9, 0.7, 0.5]}, 3),
    ],
)
def test_numbers_beside_predictions_are_of_the_same_epoch(given, epoch):
    for source in (
        opened(Y, probs=P, **given),
        opened(Predictions.from_arrays(Y, probs=P), **given),
    ):
        assert source.epochs("val") == (epoch,)
        assert source.history.epochs[-1] == epoch
        assert source.history.column("val", "loss")[-1] == 0.5


def test_predictions_that_name_their_epoch_keep_it():
    source = opened(Predictions.from_arrays(Y, probs=P, epoch=1), history={"val_loss": [0.9, 0.5]})
    assert source.epochs("val") == (1,)


def test_a_history_of_ones_own_is_kept():
    mine = History.from_columns(val_loss=[0.5], n_val=10)
    assert opened(history=mine).history is mine


@pytest.mark.parametrize(
    ("source", "given", "words"),
    [
        (None, {}, "There is nothing to diagnose"),
        (None, {"history": 3}, "The history is not understood"),
        (None, {"history": KERAS, "val_loss": 0.5}, "can be given in two ways"),
        (None, {"val_loss": [0.5, 0.4], "val_accuracy": 0.5}, "of different lengths"),
        ("loss: 0.5 - acc: 0.7", {"val_loss": 0.5}, "with a source that has its own"),
        ("loss: 0.5 - acc: 0.7", {"ids": [1]}, "labels as the first argument where ids= is given"),
        (None, {"probs": P}, "nothing, or predictions without labels"),
    ],
)
def test_what_does_not_fit_says_so(source, given, words):
    with pytest.raises(DataError, match=words):
        opened(source, **given)
