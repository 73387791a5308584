"""Conditions for continuous integration: what fails, what passes, and what cannot be told."""

import json
from contextlib import suppress
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import whyloss
from conftest import run_cli
from whyloss import diagnose
from whyloss.data import InMemorySource, Predictions
from whyloss.errors import DataError
from whyloss.reporters.check import render
from whyloss.results.check import ConditionOutcome
from whyloss.rules import ALL
from whyloss.testing import known_cause
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


# --- formats ------------------------------------------------------------------------------------


CONDITIONS = ["overconfidence", "accuracy<0.1", "validation-too-easy"]


@pytest.fixture(scope="module")
def checked():
    names = ["a", "b|<i>", "c"]
    p = known_cause(1, temperature=2.5).source.predictions("val", 0)
    source = InMemorySource(
        [Predictions.from_arrays(p.y_true, logits=p.scores, classes=names)],
        name="<evil>\x00\x1b[31m|",
    )
    return check(diagnose(source), parse(CONDITIONS))


def test_junit_counts_and_names_every_condition(checked):
    root = ET.fromstring(render(checked, "junit"))  # noqa: S314 - our own text
    suite = root.find("testsuite")
    assert [case.get("name") for case in suite] == CONDITIONS
    failures = [case.get("name") for case in suite if case.find("failure") is not None]
    errors = [case.get("name") for case in suite if case.find("error") is not None]
    assert (suite.get("tests"), suite.get("failures")) == ("3", str(len(failures)))
    assert suite.get("errors") == str(len(errors))
    assert failures == ["overconfidence"]


def test_markdown_is_a_table_that_names_do_not_break(checked):
    text = render(checked, "markdown")
    rows = [line for line in text.splitlines() if line.startswith("| ")][2:]
    assert len(rows) == len(CONDITIONS)
    assert all(row.replace("\\|", "").count("|") == 4 for row in rows)
    assert "<evil>" not in text


def test_json_is_for_machines(checked):
    content = json.loads(render(checked, "json"))
    assert content["outcome"] == "failed"
    assert [gate["condition"] for gate in content["conditions"]] == CONDITIONS


@pytest.mark.parametrize("form", whyloss.CheckResult.FORMATS)
def test_no_format_passes_control_characters_on(checked, form):
    assert "\x1b" not in render(checked, form)
    assert "\x00" not in render(checked, form)


# --- the verb -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "exp1"
    source = known_cause(1, temperature=(1.0, 2.5)).source
    with whyloss.Recorder(path) as recorder:
        for epoch in (1, 2):
            one = source.predictions("val", epoch)
            recorder.log(split="val", epoch=epoch, y_true=one.y_true, logits=one.scores)
    return path


def test_exit_codes(recorded, tmp_path):
    failed = run_cli("check", recorded, cwd=tmp_path)
    assert failed.returncode == 1
    assert failed.stderr == ""
    assert failed.stdout.startswith("FAILED  warning  ")
    assert run_cli("check", recorded, "--fail-on", "error", cwd=tmp_path).returncode == 0
    text = "val_loss: 0.5 - val_acc: 0.8"
    unknown = run_cli("check", text, "--fail-on", "outliers", cwd=tmp_path)
    assert unknown.returncode == 2
    assert unknown.stdout.startswith("NOT CHECKED")
    wrong = run_cli("check", recorded, "--fail-on", "acuracy<1", cwd=tmp_path)
    assert wrong.returncode == 2
    assert wrong.stdout == ""
    assert wrong.stderr.count("\n") == 1


def test_an_epoch_can_be_chosen(recorded, tmp_path):
    done = run_cli("check", recorded, "--fail-on", "overconfidence", "--epoch", 1, cwd=tmp_path)
    assert done.returncode == 0


TOML = """
[tool.whyloss.check]
fail-on = ["accuracy<0.1", "{condition}"]
"""


def test_conditions_stand_in_the_pyproject_here_or_above(recorded, tmp_path):
    (tmp_path / "pyproject.toml").write_text(TOML.format(condition="overconfidence"))
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    done = run_cli("check", recorded, cwd=below)
    assert done.returncode == 1
    assert "2 conditions: 1 passed, 1 failed" in done.stdout
    given_here = run_cli("check", recorded, "--fail-on", "error", cwd=below)
    assert given_here.returncode == 0


def test_conditions_stand_in_a_file_of_their_own(recorded, tmp_path):
    path = tmp_path / "gates.toml"
    path.write_text('fail-on = ["temperature>2.3"]\nstrict = true\nepoch = 2\n')
    done = run_cli("check", recorded, "--config", path, cwd=tmp_path)
    assert done.returncode == 1
    assert "temperature>2.3" in done.stdout
    path.write_text(TOML.format(condition="error"))
    assert run_cli("check", recorded, "--config", path, cwd=tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[tool.whyloss.check]\nfail_on = []", ("fail_on", "fail-on")),
        ("[tool.whyloss.check]\nfail-on = [1]", ("a list of conditions", "[1]")),
        ("[tool.whyloss.check]\nepoch = true", ("a whole number", "True")),
        ("[tool.whyloss]\ncheck = 3", ("no table", "3")),
        ("a = ", ("TOML",)),
        ("[tool.other]", ("says nothing of a check",)),
    ],
)
def test_settings_that_are_not_understood_are_named(recorded, tmp_path, content, words):
    path = tmp_path / "gates.toml"
    path.write_text(content)
    done = run_cli("check", recorded, "--config", path, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr
