"""Confusion matrices and classification reports, as scikit-learn prints them."""

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    classification_report,
    confusion_matrix,
    precision_recall_fscore_support,
)

from whyloss.errors import FormatError
from whyloss.readers import read

RNG = np.random.default_rng(3)
TRUE = RNG.integers(0, 4, size=180)
PREDICTED = np.where(RNG.random(180) < 0.7, TRUE, RNG.integers(0, 4, size=180))


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("form", [str, repr, lambda matrix: str(matrix.tolist())])
def test_a_confusion_matrix_gives_accuracy_classes_shares_and_size(n_classes, form):
    true, predicted = TRUE % n_classes, PREDICTED % n_classes
    matrix = confusion_matrix(true, predicted)
    source = read(f"Confusion matrix:\n{form(matrix)}\nval_loss: 0.9\n")
    history = source.history
    assert history.column("val", "accuracy").tolist() == [accuracy_score(true, predicted)]
    assert (history.n_classes, history.n_val) == (n_classes, 180)
    assert history.class_shares == pytest.approx(np.bincount(true) / 180)
    assert any("read with the true classes as rows" in note for note in source.notes)


@pytest.mark.parametrize(
    "matrix", ["[[0.1 0.9]\n [0.8 0.2]]", "[[1 2 3]\n [4 5 6]]", "[[3 -1]\n [2 4]]"]
)
def test_a_matrix_that_is_none_of_counts_is_passed_over(matrix):
    history = read(f"{matrix}\nval_loss: 0.9 val_acc: 0.6\n").history
    assert history.column("val", "accuracy").tolist() == [0.6]
    assert history.n_classes is None


def test_a_classification_report_gives_the_scores_and_the_shares():
    report = classification_report(TRUE, PREDICTED, target_names=["ant", "bee", "cat", "red deer"])
    history = read(f"val_loss: 0.9\n{report}\n").history
    precision, recall, f1, _ = precision_recall_fscore_support(TRUE, PREDICTED, average="macro")
    for metric, value in [
        ("accuracy", accuracy_score(TRUE, PREDICTED)),
        ("precision", precision),
        ("recall", recall),
        ("f1", f1),
    ]:
        assert history.column("val", metric)[0] == pytest.approx(value, abs=0.005), metric
    assert (history.n_classes, history.n_val) == (4, 180)
    assert history.class_shares == pytest.approx(np.bincount(TRUE) / 180)


@pytest.mark.parametrize(
    ("text", "role", "value"),
    [
        (">>> accuracy_score(y_test, predicted)\n0.875\n", ("test", "accuracy"), 0.875),
        ("log_loss(y_val, p)\n# 1.31\n", ("val", "loss"), 1.31),
        ("In [4]: roc_auc_score(df_train['y'], p)\nOut[4]: 0.71\n", ("train", "auc"), 0.71),
        ("model.score(X_test, y_test)\n0.66\n", ("test", "accuracy"), 0.66),
    ],
)
def test_the_result_below_a_call_of_a_metric_is_read(text, role, value):
    assert read(text).history.column(*role).tolist() == [value]


def test_a_number_below_another_call_is_not_read():
    with pytest.raises(FormatError):
        read("np.mean(x_test)\n0.875\n")


def test_numbers_of_catboost_are_a_score_where_the_largest_is_the_best():
    lines = (
        "0:\tlearn: 0.70\ttest: 0.66\tbest: 0.66 (0)\ttotal: 70ms\tremaining: 7s\n"
        "10:\tlearn: 0.90\ttest: 0.81\tbest: 0.82 (8)\ttotal: 90ms\tremaining: 6s\n"
    )
    with pytest.raises(FormatError, match='"test loss"'):
        read(lines)
    named = f"{lines}roc_auc_score(y_test, p)\n0.81\n"
    assert read(named).history.column("test", "auc").tolist() == [0.66, 0.81]
    falls = lines.replace("test: 0.81", "test: 0.52").replace("best: 0.82", "best: 0.51")
    assert read(falls).history.column("test", "loss").tolist() == [0.66, 0.52]


@pytest.mark.parametrize(
    ("counts", "read_as_scores"),
    [("tp=40 tn=50 fp=5 fn=5", True), ("tp=40 tn=50 fp=5", False), ("tp=0 tn=0 fp=0 fn=0", False)],
)
def test_four_counts_give_the_accuracy_and_three_do_not(counts, read_as_scores):
    history = read(f"val_loss=0.4 {counts}\n").history
    accuracy = history.column("val", "accuracy")
    assert (accuracy is not None) is read_as_scores
    if accuracy is not None:
        assert accuracy.tolist() == [0.9]
        assert (history.n_val, history.n_classes) == (100, 2)


@pytest.mark.parametrize(
    "line",
    [
        "class 3 accuracy: 0.9\nclass 4 accuracy: 0.1\n",
        "Accuracy for class plane: 81.0 %\nAccuracy for class car: 12.0 %\n",
    ],
)
def test_accuracies_of_single_classes_are_not_that_of_all(line):
    assert read(f"{line}val loss: 0.65\n").history.column("val", "accuracy") is None
    history = read(f"{line}val loss: 0.65, val acc: 0.64\n").history
    assert history.column("val", "accuracy").tolist() == [0.64]
    assert history.column("train", "accuracy") is None


def test_counts_of_single_classes_make_the_accuracy_the_shares_and_the_number_of_samples():
    lines = "INFO     Category 0 acc: 100.0% (150/150)\nINFO     Category 1 acc: 2.0% (1/50)\n"
    history = read(f"{lines}INFO     val Epoch 2 | loss: 0.65\n").history
    assert history.column("val", "accuracy").tolist() == [pytest.approx(151 / 200)]
    assert (history.n_val, history.n_classes) == (200, 2)
    assert history.class_shares == (0.75, 0.25)


def test_accuracies_of_single_classes_without_counts_make_the_balanced_accuracy():
    history = read(
        "Accuracy of plane : 80 %\nAccuracy of   car : 70 %\nAccuracy of  bird : 30 %\n"
    ).history
    assert history.column("val", "balanced_accuracy").tolist() == [pytest.approx(0.6)]
    assert history.n_classes == 3


def test_the_accuracy_over_all_counts_more_than_that_of_the_classes():
    history = read(
        "Test Loss: 0.9\nTest Accuracy of cat: 70% (70/100)\nTest Accuracy of dog: 40% (40/100)\n"
        "Test Accuracy (Overall): 55% (110/200)\n"
    ).history
    assert history.epochs.tolist() == [1]
    assert history.column("test", "accuracy").tolist() == [0.55]


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        # the true classes are the columns, as caret prints them
        (
            "          Reference\nPrediction   B   M\n         B  70  20\n         M   0  10\n",
            (0.7, 0.3),
        ),
        ("      cat  dog\ncat    70    0\ndog    20   10\n", (0.7, 0.3)),
        ("|     | cat | dog |\n| cat | 70 | 0 |\n| dog | 20 | 10 |\n", (0.7, 0.3)),
    ],
)
def test_a_confusion_matrix_with_the_names_of_the_classes_is_read(text, shares):
    history = read(f"{text}\nval loss: 0.4\n").history
    assert history.column("val", "accuracy").tolist() == [pytest.approx(0.8)]
    assert history.n_val == 100
    assert history.class_shares == pytest.approx(shares)


def test_rows_of_names_and_counts_that_are_no_square_are_no_confusion_matrix():
    history = read("size  small  large\ncars  10  20\nval loss: 0.4\n").history
    assert history.column("val", "accuracy") is None
