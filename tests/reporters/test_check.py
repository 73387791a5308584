"""The result of a check in every format."""

import json
from xml.etree import ElementTree as ET

import pytest

import whyloss
from whyloss import diagnose
from whyloss.data import InMemorySource, Predictions
from whyloss.reporters.check import render
from whyloss.testing import known_cause
from whyloss.verbs.check import check, parse

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
