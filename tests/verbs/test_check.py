"""Conditions for continuous integration: what fails, what passes, and what cannot be told."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyloss import diagnose
from whyloss.data import InMemorySource, Predictions
from whyloss.errors import DataError
from whyloss.results.check import ConditionOutcome
from whyloss.rules import ALL
from whyloss.testing import known_cause, softmax_twice
from whyloss.verbs.check import METRICS, check, parse


def snapshot(accuracy, n):
    """A model that is right with this share of n samples, and says so."""
    right = np.arange(n) < round(accuracy * n)
    odds = np.log(accuracy / (1 - accuracy))
    logits = np.where(right[:, None], [[odds, 0.0]], [[0.0, odds]])
    return diagnose(InMemorySource([Predictions.from_arrays(np.zeros(n, int), logits=logits)]))


def outcome(diagnosis, condition, **keywords):
    return check(diagnosis, parse([condition]), **keywords).conditions[0].outcome


@pytest.fixture(scope="module")
def over_confident():
    return diagnose(known_cause(1, temperature=2.5).source)


# --- numbers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "plain", "strict"),
    [
        (
            "accuracy<0.9",
            ConditionOutcome.PASSED,
            ConditionOutcome.FAILED,
        ),  # 0.88, 95 %: 0.846 to 0.907
        ("accuracy<0.95", ConditionOutcome.FAILED, ConditionOutcome.FAILED),
        ("accuracy < 95 %", ConditionOutcome.FAILED, ConditionOutcome.FAILED),
        ("Accuracy<=.88", ConditionOutcome.PASSED, ConditionOutcome.FAILED),
        ("accuracy<0.88", ConditionOutcome.PASSED, ConditionOutcome.PASSED),
        ("accuracy>0.8", ConditionOutcome.FAILED, ConditionOutcome.FAILED),
        ("accuracy>=0.85", ConditionOutcome.PASSED, ConditionOutcome.FAILED),
        ("n_samples<501", ConditionOutcome.FAILED, ConditionOutcome.FAILED),
        ("n_samples<5e2", ConditionOutcome.PASSED, ConditionOutcome.PASSED),
        ("loss>0.1", ConditionOutcome.FAILED, ConditionOutcome.FAILED),
        ("log_loss>10", ConditionOutcome.PASSED, ConditionOutcome.PASSED),
        ("calibration>0.05", ConditionOutcome.PASSED, ConditionOutcome.PASSED),
    ],
)
def test_a_number_fails_with_its_whole_interval_or_strictly_by_its_value(condition, plain, strict):
    found = snapshot(0.88, 500)
    assert outcome(found, condition) is plain
    assert outcome(found, condition, strict=True) is strict


@given(st.floats(0.5, 1.0), st.sampled_from(["<", ">"]))
def test_what_fails_by_its_interval_fails_strictly_too(bound, how):
    condition = f"accuracy{how}{bound}"
    if outcome(SNAPSHOT, condition) is ConditionOutcome.FAILED:
        assert outcome(SNAPSHOT, condition, strict=True) is ConditionOutcome.FAILED


SNAPSHOT = snapshot(0.88, 200)


def test_a_number_without_an_interval_fails_by_its_value_and_says_why():
    found = diagnose(val_loss=0.5, val_accuracy=0.8, n_classes=2)
    (gate,) = check(found, parse(["accuracy<0.81"])).conditions
    assert gate.outcome is ConditionOutcome.FAILED
    assert "n is not known" in gate.message


def test_a_number_that_this_input_cannot_tell_is_not_checked():
    found = diagnose(val_loss=0.5, val_accuracy=0.8, n_classes=2)
    result = check(found, parse(["calibration>0.1", "accuracy>0.9"]))
    assert [gate.outcome for gate in result.conditions] == [
        ConditionOutcome.NOT_CHECKED,
        ConditionOutcome.PASSED,
    ]
    assert result.outcome is ConditionOutcome.NOT_CHECKED
    assert check(found, parse(["calibration>0.1", "loss>0.1"])).outcome is ConditionOutcome.FAILED


# --- rules and severities -----------------------------------------------------------------------


@pytest.mark.parametrize("condition", ["overconfidence", "WL301", "wl301", "warning", "info"])
def test_a_finding_fails_by_name_code_and_severity(over_confident, condition):
    assert outcome(over_confident, condition) is ConditionOutcome.FAILED


@pytest.mark.parametrize("condition", ["error", "underconfidence", "outliers"])
def test_what_was_not_found_passes(over_confident, condition):
    assert outcome(over_confident, condition) is ConditionOutcome.PASSED


def test_a_finding_that_another_one_explains_passes_with_its_name():
    found = diagnose(softmax_twice(known_cause(18, temperature=3)).source)
    explained = {item.name: item.explained_by for item in found.not_checked}
    assert explained["underconfidence"] == "double-softmax"
    (result,) = check(found, parse(["underconfidence"])).conditions
    assert result.outcome is ConditionOutcome.PASSED
    assert "double-softmax" in result.message


def test_a_rule_that_needs_more_evidence_is_not_checked():
    found = diagnose(val_loss=0.5, val_accuracy=0.8, n_classes=2)
    (gate,) = check(found, parse(["outliers"])).conditions
    assert gate.outcome is ConditionOutcome.NOT_CHECKED
    assert "needs the predictions" in gate.message


def test_every_rule_and_number_can_be_a_condition():
    names = [name for rule in ALL for name in (rule.name, rule.code)]
    assert len(parse([*names, *(f"{metric}>1" for metric in METRICS)])) == len(names) + len(METRICS)


@pytest.mark.parametrize(
    "condition", ["", "acuracy<0.9", "accuracy", "accuracy=0.9", "ok", "accuracy<1.2.3", "WL999"]
)
def test_a_condition_that_is_none_is_named_with_what_there_is(condition):
    with pytest.raises(DataError, match=r"accuracy<0\.9"):
        parse([condition])


def test_a_misspelt_condition_is_met_with_the_likely_one():
    with pytest.raises(DataError, match="Did you mean overconfidence"):
        parse(["over-confidence"])


@given(st.text(max_size=30))
def test_any_text_is_understood_or_declined(text):
    with suppress(DataError):
        parse([text])
