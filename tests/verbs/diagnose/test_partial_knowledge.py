"""What is concluded from every part of what a training may report: a table, one cell per test.

Each pattern is one training as an expert knows it. Each view shows a part of its numbers. A cell holds
the causes that an expert would accept for what is seen; right is one of them as the verdict or, where
nothing can be claimed, among the first two suspects.
"""

import math

import numpy as np
import pytest

from whyloss.data import History, InMemorySource
from whyloss.evidence import Evidence
from whyloss.verbs.diagnose import diagnose

LENGTHS = (4, 6, 10, 30)

VIEWS = {
    "everything": ("train_loss", "train_accuracy", "val_loss", "val_accuracy"),
    "both losses": ("train_loss", "val_loss"),
    "validation": ("val_loss", "val_accuracy"),
    "training": ("train_loss", "train_accuracy"),
    "validation loss": ("val_loss",),
    "training loss": ("train_loss",),
    "both accuracies": ("train_accuracy", "val_accuracy"),
    "validation accuracy": ("val_accuracy",),
    "F1 in place of the accuracy": ("train_loss", "val_loss", "val_f1"),
}
LOSSES = ("both losses", "validation loss", "training loss")
OF_TRAINING = ("training", "training loss")
ACCURACIES = ("both accuracies", "validation accuracy")

FITS = frozenset({"consistent", "train-mode-gap", "underfitting"})
EITHER = frozenset({"overfitting", "overconfidence"})  # a rise without a score leaves both open


def _in(views, accepted):
    return dict.fromkeys(views, frozenset(accepted))


def falling(t):
    return 0.3 + 2.0 * np.exp(-4 * t)


def learning(t, top=0.9):
    return top - 0.5 * np.exp(-4 * t)


def late(t):
    return np.clip(t - 0.3, 0.0, None)


def flat(t, value):
    return np.full(len(t), value)


def pattern(train_loss, train_accuracy, val_loss, val_accuracy, fixed=()):
    """Curves of the time from 0 to 1; those that are fixed get no noise."""
    curves = {
        "train_loss": train_loss,
        "train_accuracy": train_accuracy,
        "val_loss": val_loss,
        "val_accuracy": val_accuracy,
    }

    def make(n):
        t, rng = np.linspace(0.0, 1.0, n), np.random.default_rng(n)
        columns = {}
        for name, curve in curves.items():
            values = np.asarray(curve(t), dtype=np.float64)
            noise = 0.003 * rng.standard_normal(n)
            columns[name] = values if name in fixed else np.round(values * (1 + noise), 4)
        return {**columns, "val_f1": columns["val_accuracy"]}

    return make


EVERYTHING = VIEWS["everything"]
FITTED = (lambda t: 0.02 + np.exp(-4 * t), lambda t: learning(t, 0.99))

PATTERNS = {
    "all is well": pattern(
        falling, lambda t: learning(t, 0.92), lambda t: 1.05 * falling(t), learning
    ),
    "too sure": pattern(
        *FITTED, lambda t: 0.3 + 0.6 * np.exp(-8 * t) + 0.5 * late(t), lambda t: learning(t, 0.88)
    ),
    "overfitted": pattern(
        *FITTED,
        lambda t: 0.3 + 0.6 * np.exp(-8 * t) + 0.6 * late(t),
        lambda t: 0.85 - 0.2 * np.exp(-8 * t) - 0.2 * late(t),
    ),
    "learnt by heart": pattern(
        *FITTED, lambda t: 0.9 + 0.3 * np.exp(-6 * t), lambda t: 0.66 - 0.2 * np.exp(-8 * t)
    ),
    "guessing among ten": pattern(
        *[lambda t: flat(t, math.log(10)), lambda t: flat(t, 0.1)] * 2
    ),
    "tossing a coin": pattern(*[lambda t: flat(t, math.log(2)), lambda t: flat(t, 0.5)] * 2),
    "one class": pattern(
        lambda t: flat(t, 0.56),
        lambda t: flat(t, 0.7531),
        lambda t: flat(t, 0.565),
        lambda t: flat(t, 0.7484),
        fixed=("train_accuracy", "val_accuracy"),
    ),
    "no longer a number": pattern(
        *[lambda t: np.where(t > 0.4, np.nan, falling(t)), lambda t: learning(t, 0.6)] * 2
    ),
    "diverging": pattern(
        *[
            lambda t: falling(t) + np.where(t > 0.6, 5.0 + 4 * t, 0.0),
            lambda t: np.where(t > 0.6, 0.2, learning(t, 0.8)),
        ]
        * 2
    ),
    "nothing evaluated": pattern(
        falling, learning, lambda t: flat(t, 0.0), lambda t: flat(t, 0.0)
    ),
    "never right": pattern(*[falling, lambda t: flat(t, 0.0)] * 2),
    "divided once too often": pattern(*[lambda t: falling(t) / 64, lambda t: learning(t, 0.7)] * 2),
    "a sum": pattern(*[lambda t: 64 * falling(t), learning] * 2),
    "below zero": pattern(*[lambda t: -5.0 - 30 * t, lambda t: flat(t, 0.33)] * 2),
    "saturated": pattern(*[lambda t: flat(t, 7.971), lambda t: flat(t, 0.5)] * 2, fixed=EVERYTHING),
    "other validation data": pattern(
        *FITTED, lambda t: 2.5 + 2.0 * t, lambda t: flat(t, 0.11)
    ),
    "training in training mode": pattern(
        lambda t: falling(t) + 0.2, lambda t: learning(t, 0.85), lambda t: 0.85 * falling(t), lambda t: learning(t, 0.93)
    ),
    "rising from the first epoch": pattern(
        *[lambda t: 0.7 + 0.8 * t, lambda t: 0.5 + 0.05 * t] * 2
    ),
    "softmax applied twice": pattern(
        *[lambda t: 1.3721 + 0.04 + 0.5 * np.exp(-4 * t), lambda t: 0.96 - 0.5 * np.exp(-4 * t)] * 2
    ),
    "an evaluation that stands still": pattern(
        falling, learning, lambda t: flat(t, 0.5127), lambda t: flat(t, 0.8125),
        fixed=("val_loss", "val_accuracy"),
    ),
}  # fmt: skip

# What is right in all views, then what is right in some of them instead.
ANSWERS = {
    "all is well": (FITS, {}),
    "too sure": (
        {"overconfidence"},
        {
            "both losses": EITHER,
            "validation loss": EITHER,
            **_in(OF_TRAINING, FITS),
            "both accuracies": {"generalisation-gap"},
            "validation accuracy": FITS,
        },
    ),
    "overfitted": (
        {"overfitting"},
        {**_in(OF_TRAINING, FITS), "both accuracies": {"overfitting", "generalisation-gap"}},
    ),
    "learnt by heart": (
        {"generalisation-gap"},
        _in(("validation", "validation loss", "validation accuracy", *OF_TRAINING), FITS),
    ),
    "guessing among ten": ({"chance-level"}, {}),
    "tossing a coin": ({"chance-level"}, {}),
    "one class": (
        {"majority-class"},
        _in((*LOSSES, "F1 in place of the accuracy"), {"chance-level", "underfitting"}),
    ),
    "no longer a number": ({"non-finite"}, _in(ACCURACIES, FITS)),
    "diverging": (
        {"unstable-training"},
        {
            "validation loss": {"unstable-training", "overfitting"},
            "validation accuracy": {"unstable-training", "overfitting"},
        },
    ),
    "nothing evaluated": (
        {"empty-split"},
        {**_in(OF_TRAINING, FITS), **_in(ACCURACIES, {"label-encoding"})},
    ),
    "never right": (
        {"label-encoding"},
        {**_in(LOSSES, FITS), "F1 in place of the accuracy": {"majority-class"}},
    ),
    "divided once too often": (
        {"impossible-pair"},
        _in((*LOSSES, *ACCURACIES, "F1 in place of the accuracy"), FITS),
    ),
    "a sum": ({"loss-mismatch"}, _in(ACCURACIES, FITS)),
    "below zero": ({"label-encoding"}, _in(ACCURACIES, {"chance-level"})),
    "saturated": (
        {"saturated"},
        _in(ACCURACIES, {"majority-class", "chance-level"}),
    ),
    "other validation data": (
        {"distribution-shift"},
        {
            **_in(OF_TRAINING, FITS),
            "both losses": {*EITHER, "generalisation-gap"},
            "validation": {"overconfidence", "chance-level"},
            "validation loss": EITHER,
            "both accuracies": {"generalisation-gap", "distribution-shift"},
            "validation accuracy": {"chance-level"},
            "F1 in place of the accuracy": {"overconfidence", "generalisation-gap"},
        },
    ),
    "training in training mode": ({"train-mode-gap"}, _in(
        ("validation", "validation loss", "validation accuracy", *OF_TRAINING), FITS
    )),
    "rising from the first epoch": (
        {"loss-mismatch", "unstable-training"},
        {
            "validation": {"overconfidence"},
            "validation loss": {*EITHER, "unstable-training"},
            **_in(ACCURACIES, {"chance-level", "underfitting", "consistent"}),
        },
    ),
    "softmax applied twice": (
        {"double-softmax"},
        _in((*LOSSES, *ACCURACIES, "F1 in place of the accuracy"), FITS),
    ),
    "an evaluation that stands still": (
        {"repeated-number"},
        {
            **_in(OF_TRAINING, FITS),
            "validation": {"majority-class", "saturated", "chance-level"},
            "validation loss": {"saturated", "chance-level"},
            **_in(ACCURACIES, {"majority-class", "train-mode-gap"}),
        },
    ),
}  # fmt: skip


def answer(columns):
    found = diagnose(Evidence(InMemorySource(history=History.from_columns(**columns))))
    if found.verdict.name == "cannot-tell":
        return {suspect.name for suspect in found.suspects[:2]}
    return {found.verdict.name}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", PATTERNS)
def test_each_part_of_a_training_gets_the_answer_of_an_expert(name, view):
    always, sometimes = ANSWERS[name]
    accepted = sometimes.get(view, always)
    for n in LENGTHS:
        columns = PATTERNS[name](n)
        got = answer({column: columns[column] for column in VIEWS[view]})
        assert got & accepted, f"{n} epochs: {sorted(got)} instead of {sorted(accepted)}"


@pytest.mark.parametrize(
    ("columns", "accepted"),
    [
        # A perplexity is the exponential of a loss.
        ({"train_perplexity": [30.0, 14.0], "val_perplexity": [16.0, 9.0]}, {"train-mode-gap"}),
        ({"val_perplexity": [40.0, 22.0, 15.0, 11.0]}, {"consistent"}),
        # No answer is right, and yet the loss is far below that of guessing.
        ({"val_perplexity": [9.0], "val_accuracy": [0.0], "n_classes": 5000}, {"impossible-pair"}),
        # The loss is worse than guessing among any number of classes, and the score improves.
        (
            {"val_perplexity": [2e5, 3e5, 4e5], "val_bleu": [0.05, 0.12, 0.17]},
            {"impossible-pair"},
        ),
        # What one class with the share of the accuracy gives, and a model that learnt does not.
        ({"val_loss": [0.637], "val_accuracy": [0.66]}, {"majority-class"}),
        ({"val_loss": [0.45], "val_accuracy": [0.82]}, {"consistent"}),
        # Far above ln K of the K that the accuracy suggests, there are simply more classes.
        ({"val_loss": [5.1], "val_accuracy": [0.111]}, set()),
        # A score of the positives that is 0, beside a good accuracy.
        ({"val_loss": [0.2], "val_accuracy": [0.94], "val_f1": [0.0]}, {"majority-class"}),
        # Jumps that the few samples make by chance are no unstable training.
        (
            {
                "n_val": 20,
                "val_loss": [0.7, 0.5, 0.9, 0.5, 0.9, 0.5, 0.9, 0.5],
                "val_accuracy": [0.7, 0.8, 0.7, 0.8, 0.7, 0.8, 0.7, 0.8],
            },
            {"small-validation-set", "consistent"},
        ),
    ],
)
def test_numbers_that_belong_together_are_read_together(columns, accepted):
    assert answer(columns) & accepted or answer(columns) == accepted


def test_training_that_is_all_right_leaves_open_what_new_samples_show():
    columns = {"train_loss": [0.9, 0.1, 0.01], "train_accuracy": [0.6, 1.0, 1.0]}
    found = diagnose(Evidence(InMemorySource(history=History.from_columns(**columns))))
    assert found.verdict.name == "consistent"
    assert "say nothing of new samples" in found.verdict.explanation
    assert {suspect.name for suspect in found.suspects} >= {"generalisation-gap", "train-mode-gap"}
