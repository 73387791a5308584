"""What is suspected where nothing is proved."""

import re

import pytest

from whyloss.data import TaskFacts
from whyloss.evidence import Evidence
from whyloss.rules import ALL
from whyloss.testing import known_cause, known_columns, known_trends
from whyloss.verbs.diagnose import diagnose

FALLING = [0.9, 0.6, 0.5, 0.45, 0.42, 0.41]


def names(known):
    return [suspect.name for suspect in diagnose(Evidence(known.source)).suspects]


def looks_at(name, known):
    rule = next(rule for rule in ALL if rule.name == name)
    found = rule.suspect(Evidence(known.source))
    return found is not None and found.suspect


# One example and one near-miss for each cause that can be suspected.
EXAMPLES = {
    "overconfidence": ({"val_loss": [0.50, 0.40, 0.41]}, {"val_loss": [0.50, 0.40, 0.401]}),
    "overfitting": (
        {"train_loss": [0.9, 0.5, 0.2], "val_loss": [0.9, 0.7, 0.7]},
        {"train_loss": [0.9, 0.6, 0.65], "val_loss": [0.9, 0.7, 0.7]},
    ),
    "generalisation-gap": (
        {"train_accuracy": [0.93], "val_accuracy": [0.86]},
        {"train_accuracy": [0.93], "val_accuracy": [0.91]},
    ),
    "distribution-shift": (
        {"train_accuracy": [0.97], "val_accuracy": [0.2]},
        {"train_accuracy": [0.97], "val_accuracy": [0.6]},
    ),
    "label-encoding": (
        {"val_loss": [0.0], "val_accuracy": [1.0]},
        {"val_loss": [0.001], "val_accuracy": [1.0]},
    ),
    "label-noise": (
        {"train_accuracy": [0.4], "val_accuracy": [0.6]},
        {"train_accuracy": [0.97], "val_accuracy": [0.98]},
    ),
    "binary-loss-for-classes": (
        {"val_accuracy": [0.95], "n_classes": 20},
        {"val_accuracy": [0.9], "n_classes": 20},
    ),
    "impossible-pair": (
        {"val_loss": [9.0, 5.0, 2.0], "val_accuracy": [0.5] * 3},
        {"val_loss": [9.0, 5.0, 2.0], "val_accuracy": [0.5, 0.51, 0.53]},
    ),
    "chance-level": ({"val_loss": [0.70]}, {"val_loss": [0.60]}),
    "majority-class": (
        {"val_accuracy": [0.7312] * 3},
        {"val_accuracy": [0.7312, 0.7290, 0.7333]},
    ),
    "saturated": ({"val_loss": [5.11] * 3}, {"val_loss": [5.11, 5.10, 5.11]}),
    "unstable-training": (
        {"val_loss": [0.5, 2.0, 0.4, 1.8, 0.5]},
        {"val_loss": [0.5, 0.6, 0.4, 0.5, 0.5]},
    ),
    "double-softmax": (
        {"val_loss": [1.52, 1.50, 1.51, 1.51, 1.50], "val_accuracy": [0.9] * 5},
        {"val_loss": [0.40, 0.38, 0.36, 0.33, 0.31], "val_accuracy": [0.9] * 5},
    ),
    "underfitting": ({"val_loss": FALLING}, {"val_loss": FALLING[::-1]}),
    "threshold": (
        {"val_auc": [0.9], "val_recall": [0.4]},
        {"val_auc": [0.9], "val_recall": [0.8]},
    ),
    "smoothing-or-weights": (
        {"val_loss": [0.3], "val_accuracy": [1.0]},
        {"val_loss": [0.001], "val_accuracy": [1.0]},
    ),
    "outliers": ({"val_loss": [0.5, 0.5, 40.0, 0.4, 0.4]}, {"val_loss": [0.5, 0.5, 0.9, 0.4, 0.4]}),
    "loss-mismatch": (
        {"val_loss": [155.0], "val_accuracy": [0.4]},
        {"val_loss": [3.0], "val_accuracy": [0.4]},
    ),
    "non-finite": ({"val_loss": [87.3362]}, {"val_loss": [80.0]}),
    "train-mode-gap": (
        {"train_accuracy": [0.8], "val_accuracy": [0.82]},
        {"train_accuracy": [0.8], "val_accuracy": [0.79]},
    ),
    "validation-too-easy": (
        {"train_accuracy": [0.7], "val_accuracy": [0.9]},
        {"train_accuracy": [0.7], "val_accuracy": [0.72]},
    ),
    "small-validation-set": (
        {"val_loss": [0.30, 0.35, 0.28, 0.36, 0.29]},
        {"val_loss": [0.36, 0.35, 0.30, 0.29, 0.28]},
    ),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_cause_is_suspected_where_the_numbers_fit_and_not_where_they_do_not(name):
    fits, does_not = EXAMPLES[name]
    suspect = looks_at(name, known_columns(**fits))
    assert suspect
    assert re.search(r"\d", suspect.why)
    assert suspect.why.endswith(".")
    assert suspect.check.endswith(("?", "."))
    assert not looks_at(name, known_columns(**does_not))


def test_every_cause_that_can_be_suspected_has_an_example():
    assert {rule.name for rule in ALL if rule.suspicion is not None} == set(EXAMPLES)


def test_priors_are_shares():
    assert all(0.0 < rule.suspicion.prior < 1.0 for rule in ALL if rule.suspicion is not None)


def test_at_most_three_are_named_and_none_that_was_found():
    diagnosis = diagnose(Evidence(known_columns(train_loss=[0.4, 0.1], val_loss=[0.6, 0.7]).source))
    assert 1 <= len(diagnosis.suspects) <= 3
    assert not {s.name for s in diagnosis.suspects} & {f.name for f in diagnosis.findings}


def test_nobody_is_suspected_where_predictions_are_at_hand():
    assert names(known_cause(3, n_samples=60)) == []


def test_nobody_is_suspected_where_nothing_is_wrong_or_a_fault_is_proved():
    assert names(known_columns(val_loss=[0.45], val_accuracy=[0.8], n_classes=2)) == []
    assert names(known_columns(val_loss=[0.01], val_accuracy=[0.5])) == []


def test_a_verdict_that_cannot_tell_names_the_likeliest_cause_and_the_check():
    diagnosis = diagnose(Evidence(known_columns(val_loss=[0.69, 0.692, 0.691]).source))
    assert diagnosis.verdict.name == "cannot-tell"
    assert diagnosis.suspects[0].name == "chance-level"
    assert "chance level" in diagnosis.verdict.explanation
    assert diagnosis.suspects[0].check in diagnosis.verdict.explanation


def test_a_loss_that_is_said_to_vary_is_a_small_validation_set_first():
    assert names(known_trends(val_loss="varies"))[0] == "small-validation-set"


def test_a_loss_that_varies_although_the_weights_stand_still_is_a_random_evaluation():
    known = known_columns(val_loss=[0.95, 0.5, 0.7], facts=TaskFacts(learning_rate=1e-99))
    assert "train-mode-gap" in names(known)
