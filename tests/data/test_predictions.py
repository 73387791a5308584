"""The door: what gets in, in which form, and what every refusal says."""

import dataclasses
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import require
from whyloss.data import InMemorySource, Predictions, Sample
from whyloss.errors import DataError, WhylossError

TWO = np.array([[0.2, 0.8], [0.6, 0.4], [0.5, 0.5]])
THREE = np.array([[1.0, 0.0, 2.0], [0.5, 0.1, 0.0], [0.0, 3.0, 1.0]])


def made(y_true=(0, 1, 1), **arguments):
    return Predictions.from_arrays(y_true, **(arguments or {"probs": TWO}))


# --- what is refused, and how -------------------------------------------------------------------

REFUSED = {
    "no scale": (
        {"y_true": [0, 1, 1]},
        "expected exactly one of logits=, log_probs= or probs=; got none of them",
    ),
    "two scales": (
        {"y_true": [0, 1, 1], "logits": TWO, "probs": TWO},
        "expected exactly one of logits=, log_probs= or probs=; got logits= and probs=",
    ),
    "labels from one": (
        {"y_true": [1, 2, 3], "logits": THREE},
        "expected class indices from 0 to 2; got 3 in row 2. The labels count from 1: pass y_true - 1.",
    ),
    "labels -1 and 1": (
        {"y_true": [1, -1, 1], "probs": TWO},
        "got -1 in row 1. The labels are -1 and 1: pass (y_true + 1) // 2.",
    ),
    "floats -1 and 1": (
        {"y_true": [1.0, -1.0, 1.0], "probs": TWO},
        "got -1 in row 1. The labels are -1 and 1: pass (y_true + 1) // 2.",
    ),
    "labels beyond the classes": (
        {"y_true": [0, 7, 9], "logits": THREE},
        "2 of 3 labels lie outside the 3 classes: expected class indices from 0 to 2; got 7 in row 1.",
    ),
    "labels from one, and beyond": (
        {"y_true": [1, 2, 5], "logits": THREE},
        "got 5 in row 2. Check that the columns cover every class.",
    ),
    "labels beyond int32": (
        {"y_true": [0, 2**40, 1], "logits": THREE},
        "expected class indices from 0 to 2; got 1099511627776 in row 1",
    ),
    "floats beyond the integers": (
        {"y_true": [0.0, 1e300, 1.0], "logits": THREE},
        "1 of 3 labels lie outside the 3 classes",
    ),
    "one-hot labels": (
        {"y_true": np.eye(3)[[0, 1, 2]], "logits": THREE},
        "got shape (3, 3). For one-hot labels pass y_true.argmax(axis=1).",
    ),
    "soft labels": (
        {"y_true": [0.0, 0.5, 1.0], "probs": TWO},
        "expected whole numbers; got 0.5. Soft labels",
    ),
    "missing labels": (
        {"y_true": [0.0, np.nan, 1.0], "probs": TWO},
        "expected whole numbers; got nan.",
    ),
    "infinite labels": (
        {"y_true": [0.0, np.inf, 1.0], "probs": TWO},
        "expected whole numbers; got inf.",
    ),
    "dates for labels": (
        {"y_true": np.array(["2024-01-01"] * 3, dtype="datetime64[D]"), "probs": TWO},
        "expected integers, booleans or strings; got datetime64[D]",
    ),
    "ragged labels": (
        {"y_true": [[0], [1, 2], [1]], "probs": TWO},
        "y_true cannot be read as an array: expected rows of equal length",
    ),
    "lists for labels": (
        {
            "y_true": np.array([[0], [1, 2], [1]], dtype=object),
            "probs": TWO,
            "classes": ["cat", "dog"],
        },
        "Labels must be strings or integers: expected strings or integers; got unhashable type",
    ),
    "too few labels": (
        {"y_true": [0, 1], "logits": THREE},
        "y_true and logits differ in length: expected 3 labels, one per row of logits; got 2.",
    ),
    "too many labels": (
        {"y_true": [0, 1, 1, 0], "probs": TWO},
        "expected 3 labels, one per row of probs; got 4.",
    ),
    "a label per position": (
        {"y_true": [0, 1, 1], "logits": np.zeros((3, 4, 2))},
        "for a binary model with one output; got (3, 4, 2). Sequences and images",
    ),
    "a single number": (
        {"y_true": [0], "probs": 0.5},
        "probs has the wrong shape",
    ),
    "no columns": (
        {"y_true": [0, 0], "logits": np.zeros((2, 0))},
        "got (2, 0).",
    ),
    "ragged scores": (
        {"y_true": [0, 1], "logits": [[1.0, 2.0], [1.0]]},
        "logits cannot be read as an array: expected rows of equal length",
    ),
    "words for scores": (
        {"y_true": [0, 1, 1], "logits": [["a", "b"]] * 3},
        "logits does not contain numbers: expected an array of floats",
    ),
    "complex scores": (
        {"y_true": [0, 1, 1], "logits": TWO.astype(complex)},
        "got an array of complex128 of shape (3, 2)",
    ),
    "nothing among the scores": (
        {"y_true": [0, 1], "logits": [[None, 1.0], [2.0, 3.0]]},
        "logits does not contain numbers",
    ),
    "no samples": (
        {"y_true": [], "logits": np.zeros((0, 3))},
        "There are no samples: expected at least one row; got 0 rows.",
    ),
    "names without their columns": (
        {"y_true": ["cat", "dog", "dog"], "probs": TWO},
        "expected classes=[...], one name per column; got labels such as 'cat'.",
    ),
    "an unknown name": (
        {"y_true": ["cat", "cow", "dog"], "probs": TWO, "classes": ["cat", "dog"]},
        "A label in y_true is not one of the classes: expected one of ['cat', 'dog']; got 'cow'.",
    ),
    "an unknown name among names of NumPy": (
        {"y_true": np.array(["cow"] * 3), "probs": TWO, "classes": np.array(["cat", "dog"])},
        "expected one of ['cat', 'dog']; got 'cow'.",
    ),
    "an unknown number": (
        {"y_true": [10, 30, 20], "probs": TWO, "classes": [10, 20]},
        "expected one of [10, 20]; got 30.",
    ),
    "a missing name": (
        {"y_true": ["cat", None, "dog"], "probs": TWO, "classes": ["cat", "dog"]},
        "got None.",
    ),
    "a name twice": (
        {"y_true": ["cat", "cat", "cat"], "probs": TWO, "classes": ["cat", "cat"]},
        "Two classes have the same name: expected different names; got ['cat', 'cat'].",
    ),
    "a name twice beside indices": (
        {"y_true": [0, 1, 1], "probs": TWO, "classes": ["cat", "cat"]},
        "Two classes have the same name",
    ),
    "names that read the same": (
        {"y_true": [0, 1, 1], "probs": TWO, "classes": [1, "1"]},
        "Two classes have the same name",
    ),
    "a list for a name": (
        {"y_true": [0, 1, 1], "probs": TWO, "classes": [["cat"], ["dog"]]},
        "Class names must be strings or integers: expected strings or integers; got unhashable type",
    ),
    "too few names": (
        {"y_true": [0, 1, 1], "logits": THREE, "classes": ["cat", "dog"]},
        "The number of class names does not match the predictions: expected 3 names, one per column; got 2.",
    ),
    "three names for one column": (
        {"y_true": [0, 1, 1], "probs": TWO[:, 1], "classes": ["a", "b", "c"]},
        "expected 2 names, one per column; got 3.",
    ),
    "too few ids": (
        {"y_true": [0, 1, 1], "probs": TWO, "ids": [1, 2]},
        "expected one id per sample, shape (3,); got shape (2,).",
    ),
    "a table of ids": (
        {"y_true": [0, 1, 1], "probs": TWO, "ids": np.zeros((3, 2), dtype=int)},
        "got shape (3, 2).",
    ),
    "ragged ids": (
        {"y_true": [0, 1, 1], "probs": TWO, "ids": [[1], [2, 3], [4]]},
        "ids cannot be read as an array",
    ),
    "ids with decimals": (
        {"y_true": [0, 1, 1], "probs": TWO, "ids": [0.5, 1.5, 2.5]},
        "The ids have an unsupported type: expected integers or strings; got float64.",
    ),
    "yes and no for ids": (
        {"y_true": [0, 1, 1], "probs": TWO, "ids": [True, False, True]},
        "expected integers or strings; got bool.",
    ),
    "too few weights": (
        {"y_true": [0, 1, 1], "probs": TWO, "weights": [1.0, 2.0]},
        "expected one number per sample, shape (3,); got float64 of shape (2,).",
    ),
    "words for weights": (
        {"y_true": [0, 1, 1], "probs": TWO, "weights": ["a", "b", "c"]},
        "The weights do not match the predictions: expected one number per sample",
    ),
    "negative weights": (
        {"y_true": [0, 1, 1], "probs": TWO, "weights": [1.0, -1.0, -2.0]},
        "2 of 3 weights are negative or not finite: expected finite numbers of at least 0; got -1 in row 1.",
    ),
    "missing weights": (
        {"y_true": [0, 1, 1], "probs": TWO, "weights": [1.0, 1.0, np.nan]},
        "1 of 3 weights are negative or not finite: expected finite numbers of at least 0; got nan in row 2.",
    ),
    "infinite weights": (
        {"y_true": [0, 1, 1], "probs": TWO, "weights": [np.inf, 1.0, 1.0]},
        "got inf in row 0.",
    ),
    "a slice of another length": (
        {"y_true": [0, 1, 1], "probs": TWO, "slices": {"site": ["a", "b"]}},
        "The slice 'site' does not match the predictions: expected one value per sample, shape (3,)",
    ),
    "a slice without a name": (
        {"y_true": [0, 1, 1], "probs": TWO, "slices": {"": ["a", "b", "c"]}},
        "The name of a slice cannot be used: expected 1 to 80 printable characters; got ''.",
    ),
    "a number for a name of a slice": (
        {"y_true": [0, 1, 1], "probs": TWO, "slices": {3: ["a", "b", "c"]}},
        "got 3.",
    ),
    "dates for a slice": (
        {
            "y_true": [0, 1, 1],
            "probs": TWO,
            "slices": {"day": np.array(["2024-01-01"] * 3, dtype="datetime64[D]")},
        },
        "The slice 'day' has an unsupported type: expected numbers, strings or booleans",
    ),
    "weights that are all 0": (
        {"y_true": [0, 1, 1], "probs": TWO, "weights": [0, 0, 0]},
        "All weights are 0: expected at least one above 0; got only zeros.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused_in_one_line_with_expected_and_got(case):
    arguments, words = REFUSED[case]
    with pytest.raises(DataError) as caught:
        Predictions.from_arrays(**arguments)
    text = str(caught.value)
    assert words in text
    assert "\n" not in text
    assert caught.value.expected
    assert caught.value.got
    assert text.endswith(".")
    assert ".." not in text.replace("...", "")


def test_a_refusal_can_be_caught_as_a_value_error_and_as_our_own():
    for kind in (ValueError, WhylossError):
        with pytest.raises(kind):
            made([0, 1], probs=TWO)


@pytest.mark.torch
@pytest.mark.parametrize("make", ["needs its gradient", "a kind that NumPy lacks"])
def test_a_tensor_that_numpy_cannot_read_is_refused_with_the_way_out(make):
    torch = require("torch")
    tensor = torch.zeros(3, 2, requires_grad=True)
    if make == "a kind that NumPy lacks":
        tensor = torch.zeros(3, 2, dtype=torch.bfloat16)
    with pytest.raises(DataError, match="logits cannot be read as an array") as caught:
        made(logits=tensor)
    assert caught.value.hint == "A tensor: pass tensor.detach().float().cpu().numpy()."
    assert len(made(logits=tensor.detach().float().cpu().numpy())) == 3


@pytest.mark.torch
def test_a_plain_tensor_is_read():
    torch = require("torch")
    got = made(torch.tensor([0, 1, 1]), logits=torch.tensor(TWO, dtype=torch.float32))
    assert got.scores.dtype == np.float32
    assert got.y_true.tolist() == [0, 1, 1]


# --- what is taken, and as what -----------------------------------------------------------------

LABELS = {
    "integers": [0, 1, 1],
    "unsigned": np.array([0, 1, 1], dtype=np.uint8),
    "whole floats": [0.0, 1.0, 1.0],
    "booleans": [False, True, True],
    "a column": [[0], [1], [1]],
    "integers as objects": np.array([0, 1, 1], dtype=object),
    "booleans as objects": np.array([False, True, True], dtype=object),
}


@pytest.mark.parametrize("name", LABELS)
@pytest.mark.parametrize("classes", [None, ["cat", "dog"], [0, 1], [False, True]])
def test_labels_of_every_kind_become_indices(name, classes):
    got = made(LABELS[name], probs=TWO, classes=classes)
    assert got.y_true.dtype == np.int32
    assert got.y_true.tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("y_true", "classes"),
    [
        (["dog", "cat", "cat"], ["dog", "cat"]),
        (np.array(["dog", "cat", "cat"], dtype=object), ["dog", "cat"]),
        (np.array([b"dog", b"cat", b"cat"]), [b"dog", b"cat"]),
        (np.array(["dog", "cat", "cat"]), np.array(["dog", "cat"])),
        ([10, 20, 20], [10, 20]),
        ([10.0, 20.0, 20.0], [10, 20]),  # a column of integers that once had a gap
        (np.array([10, 20, 20], dtype=object), [10, 20]),
        ([1, 0, 0], [1, 0]),
        ([True, False, False], [True, False]),
        ([True, False, False], np.array([True, False])),
        ([1, 2, 2], np.array([1, 2])),
        ([-1, 1, 1], [-1, 1]),
    ],
)
def test_labels_that_occur_among_the_classes_are_looked_up(y_true, classes):
    assert made(y_true, probs=TWO, classes=classes).y_true.tolist() == [0, 1, 1]


def test_classes_have_names_in_the_order_of_the_columns():
    assert made(logits=THREE).classes == ("0", "1", "2")
    assert made(probs=TWO[:, 1]).classes == ("0", "1")
    assert made(probs=TWO, classes=[10, 20], y_true=[10, 10, 20]).classes == ("10", "20")
    assert made(logits=THREE, classes="abc", y_true=list("aac")).classes == ("a", "b", "c")


@pytest.mark.parametrize("shape", [(3,), (3, 1)])
@pytest.mark.parametrize("scale", ["logits", "log_probs", "probs"])
def test_one_column_is_a_binary_model(shape, scale):
    got = made(**{scale: TWO[:, 1].reshape(shape)})
    assert (got.scores.shape, got.n_classes, got.scale) == ((3, 1), 2, scale)
    assert len(got) == got.n_samples == 3


@pytest.mark.parametrize(
    ("given_dtype", "kept"),
    [
        (np.float16, np.float16),
        (np.float32, np.float32),
        (np.float64, np.float64),
        (np.longdouble, np.float64),
        (np.int32, np.float64),
        (np.bool_, np.float64),
    ],
)
def test_the_precision_that_was_given_is_kept(given_dtype, kept):
    assert made(logits=np.ones((3, 2), dtype=given_dtype)).scores.dtype == kept


def test_values_that_are_no_numbers_are_kept_for_the_diagnosis_to_name():
    scores = np.array([[np.nan, 1.0], [np.inf, 0.0], [-np.inf, 0.0]])
    np.testing.assert_array_equal(made(logits=scores).scores, scores)
    np.testing.assert_array_equal(made(probs=5 * TWO).scores, 5 * TWO)


def test_ids_are_integers_or_text_and_row_numbers_where_there_are_none():
    assert made().ids.tolist() == [0, 1, 2]
    assert made(probs=TWO, ids=np.array([4, 2, 9], dtype=np.int16)).ids.dtype == np.int64
    for ids in (["a", "bb", "c"], np.array(["a", "bb", "c"], dtype=object)):
        got = made(probs=TWO, ids=ids).ids
        assert got.tolist() == ["a", "bb", "c"]
        assert got.dtype.kind == "U"


def test_weights_are_numbers_of_any_kind():
    for weights in ([1, 2, 3], np.array([1, 2, 3], dtype=np.float32), [True, True, True]):
        got = made(probs=TWO, weights=weights).weights
        assert got is None if weights[1] is True else got.dtype == np.float64


def test_a_sample_of_weight_0_is_left_out():
    got = made(probs=TWO, weights=[1.0, 0.0, 3.0], slices={"site": list("xyz")})
    assert got.slices["site"].tolist() == ["x", "z"]
    assert got.ids.tolist() == [0, 2]
    assert got.y_true.tolist() == [0, 1]
    assert got.scores.tolist() == TWO[[0, 2]].tolist()
    assert got.weights.tolist() == [1.0, 3.0]


@pytest.mark.parametrize("weight", [1e-300, 1, 7.5])
def test_equal_weights_are_none(weight):
    assert made(probs=TWO, weights=np.full(3, weight)).weights is None
    assert made(probs=TWO, weights=[weight, 0, weight]).weights is None


@given(order=st.permutations(range(3)))
def test_the_order_of_the_names_is_the_order_of_the_columns(order):
    names = ["ant", "bee", "cow"]
    got = made(["ant", "bee", "cow"], logits=THREE, classes=[names[k] for k in order])
    assert [got.classes[k] for k in got.y_true] == names


# --- frozen, and the caller's own arrays free ---------------------------------------------------


def test_what_was_taken_cannot_be_written():
    got = made(probs=TWO, ids=["a", "b", "c"], weights=[1, 2, 3], slices={"site": list("xyz")})
    for array in (got.y_true, got.scores, got.ids, got.weights, got.slices["site"]):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[1]
    with pytest.raises(dataclasses.FrozenInstanceError):
        got.epoch = 3
    with pytest.raises(TypeError):
        got.slices["site"] = None


def test_what_was_taken_can_be_sent_to_another_process():
    one = made(probs=TWO, weights=[1, 2, 3], slices={"site": list("xyz")})
    other = pickle.loads(pickle.dumps(one))  # noqa: S301 - our own
    assert other.slices["site"].tolist() == ["x", "y", "z"]
    assert other.weights.tolist() == [1, 2, 3]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(3,), (3, 1), (3, 2)])
def test_the_arrays_of_the_caller_stay_writable_and_as_they_were(dtype, shape):
    scores = np.ones(shape, dtype=dtype)
    y_true, ids = np.array([0, 1, 1], dtype=np.int32), np.array([5, 6, 7])
    made(y_true, logits=scores, ids=ids)
    for array in (scores, y_true, ids):
        before = array.copy()
        array[0] = array[1]
        array[...] = before
        assert array.flags.writeable


def test_the_arrays_stay_writable_also_where_nothing_is_checked():
    y_true, scores, ids = np.zeros(2, dtype=np.int32), np.ones((2, 2)), np.arange(2)
    got = Predictions(y_true, scores, "logits", ids, ("a", "b"))
    assert not got.scores.flags.writeable
    scores[0, 0] = y_true[0] = ids[0] = 1


def test_scores_are_not_copied():
    scores = np.ones((3, 2), dtype=np.float32)
    assert np.shares_memory(made(logits=scores).scores, scores)


# --- in memory ----------------------------------------------------------------------------------


def test_a_source_sorts_its_epochs_and_keeps_its_splits():
    snapshots = [
        made(probs=TWO, split=split, epoch=epoch)
        for split, epoch in (("val", 5), ("train", 1), ("val", 2))
    ]
    source = InMemorySource(snapshots)
    assert source.splits == ("val", "train")
    assert source.epochs("val") == (2, 5)
    assert source.epochs("test") == ()
    assert source.predictions("val", 2) is snapshots[2]
    assert source.samples("val", [1, 2]) == [Sample(), Sample()]
    assert len(source.history.epochs) == 0


def test_a_lone_snapshot_is_epoch_0_and_there_cannot_be_two():
    assert InMemorySource([made()]).epochs("val") == (0,)
    with pytest.raises(DataError, match=r"expected one per split and epoch; got two\. Pass epoch="):
        InMemorySource([made(), made()])


@pytest.mark.parametrize("name", ["y_true", "logits", "ids", "weights", "slices"])
def test_given_a_masked_value_then_it_is_refused_and_never_read_through_the_mask(name):
    given = {
        "y_true": np.array([0, 1, 1]),
        "logits": np.ones((3, 2)),
        "ids": np.arange(3),
        "weights": np.ones(3),
        "slices": np.arange(3),
    }
    given[name] = np.ma.array(given[name], mask=False)
    slices = {"site": given.pop("slices")}
    assert Predictions.from_arrays(given["y_true"], slices=slices, **without(given)).n_samples == 3
    masked = slices["site"] if name == "slices" else given[name]
    masked[1] = np.ma.masked
    with pytest.raises(DataError, match=r"has masked values.*got [12] masked\. Leave out the rows"):
        Predictions.from_arrays(given["y_true"], slices=slices, **without(given))


def without(given):
    return {name: values for name, values in given.items() if name != "y_true"}


def test_given_rows_with_a_mask_in_a_list_then_they_are_refused():
    rows = [np.ma.array([1.0, 2.0], mask=[True, False]), np.array([1.0, 2.0])]
    with pytest.raises(DataError, match="logits has masked values"):
        Predictions.from_arrays([0, 1], logits=rows)
