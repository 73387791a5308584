"""Scores that are not accuracy: direction, change, and what a rising loss beside them means."""

import numpy as np
import pytest

import whyloss
from whyloss.evidence import Evidence, score_curves
from whyloss.testing import known_columns

EPOCHS = 12
NAMES = [
    "f1_score",
    "macro_f1",
    "auc",
    "roc_auc",
    "iou",
    "miou",
    "dice",
    "map",
    "map50",
    "exact_match",
    "em",
    "bleu",
    "rouge",
    "rougeL",
    "wer",
    "cer",
    "hamming_loss",
    "balanced_accuracy",
    "mcc",
    "cohen_kappa",
    "top5_acc",
    "average_precision",
    "precision",
    "recall",
    "accuracy",
]
SMALLER_IS_BETTER = {"wer", "cer", "hamming_loss"}


def curve_of(values, name="f1", n_val=None):
    known = known_columns(n_val=n_val, **{f"val_{name}": values})
    return score_curves(known.source.history, "val", n_val)[0]


def log_of(name, scores):
    """A training whose loss rises from the fourth epoch on."""
    at = np.arange(EPOCHS)
    losses = 0.52 + 0.37 * np.exp(-at) + 0.045 * np.maximum(0, at - 3)
    lines = [f"epoch,train_loss,val_loss,val_{name}"]
    lines += [
        f"{epoch + 1},{0.55 * np.exp(-epoch / 4):.4f},{loss:.4f},{score:.4f}"
        for epoch, loss, score in zip(at, losses, scores, strict=True)
    ]
    return "\n".join(lines)


@pytest.mark.parametrize("name", NAMES)
def test_a_score_that_gets_better_beside_a_rising_loss_chooses_the_epoch(name):
    scores = np.linspace(0.31, 0.58, EPOCHS)
    if name in SMALLER_IS_BETTER:
        scores = scores[::-1]
    verdict = whyloss.diagnose(log_of(name, scores)).verdict
    assert verdict.name in {"overconfidence", "best-epochs-differ"}
    assert "Keep the epoch of the best" in verdict.explanation


@pytest.mark.parametrize("name", ["f1_score", "auc", "iou", "wer"])
def test_a_score_that_gets_worse_beside_a_rising_loss_is_overfitting(name):
    scores = np.concatenate([np.linspace(0.4, 0.58, 5), np.linspace(0.57, 0.42, EPOCHS - 5)])
    if name in SMALLER_IS_BETTER:
        scores = 1.0 - scores
    assert whyloss.diagnose(log_of(name, scores)).verdict.name == "overfitting"


def test_the_best_epoch_by_a_score_is_proposed():
    scores = np.append(np.linspace(0.31, 0.58, EPOCHS - 2), [0.55, 0.56])
    remedies = {r.name: r for r in whyloss.diagnose(log_of("f1", scores)).remedies}
    assert remedies["epoch-for-labels"].epoch == EPOCHS - 2
    assert remedies["epoch-for-labels"].metric == "f1"


def test_a_score_that_is_no_accuracy_has_no_envelope():
    found = whyloss.diagnose(log_of("iou", np.full(EPOCHS, 0.9)))
    assert not any("calibrated model" in finding.message for finding in found.findings)


def test_without_the_number_of_samples_a_change_below_four_points_is_open():
    assert not curve_of([0.80, 0.77]).change(1, 2).fell
    assert curve_of([0.80, 0.75]).change(1, 2).fell
    assert curve_of([0.80, 0.77], n_val=50_000).change(1, 2).fell


def test_a_score_on_a_scale_to_a_hundred_is_judged_by_its_own_unit():
    assert not curve_of([30.0, 29.5], "bleu").change(1, 2).fell
    assert curve_of([30.0, 27.0], "bleu").change(1, 2).fell


def test_a_loss_above_the_entropy_of_the_predictions_is_too_much_confidence():
    above = known_columns(train_loss=[1.3, 1.2], train_entropy=[1.0, 0.8])
    below = known_columns(train_loss=[1.3, 1.2], train_entropy=[1.31, 1.22])
    named = [
        [f.name for f in whyloss.verbs.diagnose.diagnose(Evidence(known.source)).findings]
        for known in (above, below)
    ]
    assert "overconfidence" in named[0]
    assert "overconfidence" not in named[1]
