"""Facts that a caller gives beside predictions: those that contradict them are refused."""

import numpy as np
import pytest

import whyloss
from conftest import run_cli
from whyloss.errors import DataError

Y = np.arange(90) % 3
Z = np.random.default_rng(0).normal(size=(90, 3))


@pytest.fixture
def file(tmp_path):
    np.savez(tmp_path / "a.npz", y_true=Y, logits=Z)
    return tmp_path / "a.npz"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"n_classes": 5}, "number of classes .* expected 3; got 5"),
        ({"n_val": 17}, "number of samples of val .* expected 90; got 17"),
        ({"task": "regression"}, "task .* got regression"),
        ({"task": "multilabel"}, "task .* got multilabel"),
        ({"task": "binary"}, "task .* expected one of 3 classes per sample; got binary"),
        ({"class_shares": (0.5, 0.3, 0.2)}, "shares of the classes .* 0.333, 0.333, 0.333"),
        ({"class_shares": (0.5, 0.5)}, "shares of the classes"),
        ({"scale": "probs"}, '--scale probs contradicts the name "logits"'),
        (
            {"columns": {"foo": "probs"}},
            "no column 'foo' to be mapped: expected one of y_true, logits",
        ),
        ({"columns": {"logits": "val.loss"}}, "cannot be mapped to 'val.loss'"),
    ],
)
def test_facts_that_contradict_the_predictions_are_refused(file, given, said):
    with pytest.raises(DataError, match=said):
        whyloss.diagnose(file, **given)


@pytest.mark.parametrize(
    "given",
    [
        {"n_classes": 3},
        {"n_val": 90},
        {"n_train": 5000},
        {"task": "multiclass"},
        {"task": "token"},
        {"class_shares": (0.33, 0.33, 0.34)},
        {"scale": "logits"},
        {"columns": {"logits": "logits"}},
    ],
)
def test_facts_that_are_those_of_the_predictions_change_nothing(file, given):
    assert whyloss.diagnose(file, **given).numbers == whyloss.diagnose(file).numbers


def test_two_columns_are_of_a_binary_task():
    assert whyloss.diagnose(Y % 2, logits=Z[:, :2], task="binary").numbers["n_samples"] == 90


@pytest.mark.parametrize(
    "given", [{"columns": {"a": "logits"}}, {"scale": "probs"}, {"model": "a"}]
)
def test_facts_that_say_nothing_of_a_run_are_refused(tmp_path, given):
    with whyloss.Recorder(tmp_path / "run") as recorder:
        recorder.log(split="val", epoch=0, logits=Z, y_true=Y)
    with pytest.raises(DataError, match="says nothing of a recorded run"):
        whyloss.diagnose(tmp_path / "run", **given)


def test_the_command_line_refuses_them_in_one_line(file):
    result = run_cli("diagnose", file, "--classes", "5")
    assert result.returncode == 2
    assert result.stderr.strip().count("\n") == 0
    assert "expected 3; got 5" in result.stderr


def test_a_scale_beside_predicted_classes_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("y_true,y_pred\n" + "".join(f"{y % 2},{y % 2}\n" for y in Y))
    with pytest.raises(DataError, match='"y_pred" holds predicted classes'):
        whyloss.diagnose(path, scale="probs")


def test_epochs_between_whole_ones_are_not_pooled(tmp_path):
    def written(epochs):
        path = tmp_path / "a.csv"
        rows = (
            f"{e},{y},{','.join(map(str, z))}" for e in epochs for y, z in zip(Y, Z, strict=True)
        )
        path.write_text("epoch,y_true,logit_0,logit_1,logit_2\n" + "\n".join(rows) + "\n")
        return path

    with pytest.raises(DataError, match=r"must be whole numbers: expected such as 3; got 1\.5"):
        whyloss.diagnose(written([1.0, 1.5]))
    assert [row.epoch for row in whyloss.diagnose(written([1.0, 2.0])).epochs] == [1, 2]
