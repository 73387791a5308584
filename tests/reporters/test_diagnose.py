"""Terminal, Markdown and JSON: what they print, and that they break on nothing."""

import dataclasses
import functools
import io
import json
import re
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import whyloss
from whyloss import diagnose
from whyloss.data import History, InMemorySource, Predictions
from whyloss.formatting import format_change, format_change_interval, format_estimate
from whyloss.reporters.diagnose.short_answer import short_answer
from whyloss.reporters.json import schema
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Suspect
from whyloss.testing import known_cause, rule_out_truth, spoil

SNAPSHOTS = Path(__file__).parents[1] / "snapshots"
HOSTILE = [
    "</script><script>alert(1)</script>",
    "a|b`c*d_[e](f)\x1b[31m\n# g",
    "\u202e" + "x" * 10_000,
]

LEVELS = {
    "run": lambda: diagnose(known_cause(1, temperature=(1.0, 1.5, 2.5), n_classes=2).source),
    "snapshot": lambda: diagnose(known_cause(2).source),
    "twenty": lambda: diagnose(known_cause(3, n_samples=20).source),
    "infinite": lambda: diagnose(rule_out_truth(known_cause(4), rows=3).source),
    "nan": lambda: diagnose(spoil(known_cause(5), rows=2000, value=np.nan).source),
    "numbers": lambda: diagnose(
        history=History.from_columns(val_loss=[0.4577], val_accuracy=[0.7826], n_classes=2)
    ),
    "curves": lambda: diagnose(
        history=History.from_columns(
            val_loss=[0.6, 0.5, 0.7], val_accuracy=[0.7, 0.8, 0.8], n_classes=2, n_val=500
        )
    ),
}


@functools.cache
def diagnosis_of(level):
    return LEVELS[level]()


every_level = pytest.mark.parametrize("level", LEVELS)


@every_level
def test_json_follows_the_schema_and_is_strict_json(level):
    content = json.loads(diagnosis_of(level).to_json(), parse_constant=pytest.fail)
    jsonschema.validate(content, schema(whyloss.Diagnosis), cls=jsonschema.Draft202012Validator)


def test_json_has_the_agreed_outline():
    content = diagnosis_of("run").to_dict()
    assert content["level"] == "run"
    assert {"code", "name", "text"} <= set(content["verdict"])
    assert set(content["best_epochs"]) == {"accuracy", "log_loss", "refinement"}
    total = content["attribution"]["total"]
    assert sum(part["nats"] for part in content["attribution"]["parts"]) == pytest.approx(total)
    for remedy in content["remedies"]:
        low, high = remedy["interval"]
        assert low <= remedy["effect"] <= high
        assert remedy["retraining"] is False


@pytest.mark.parametrize("form", ["terminal", "markdown"])
@pytest.mark.parametrize("level", ["run", "snapshot", "twenty", "numbers"])
def test_text_is_as_reviewed(level, form, request):
    text = diagnosis_of(level).render(form)
    path = SNAPSHOTS / f"{level}.{form}.txt"
    if request.config.getoption("--update-snapshots"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@every_level
@pytest.mark.parametrize("form", ["terminal", "markdown"])
def test_text_shows_verdict_and_no_number_that_is_none(level, form):
    found = diagnosis_of(level)
    text = found.render(form)
    assert found.verdict.code in text
    assert not re.search(r"\b(nan|None|inf)\b", text)


@every_level
@pytest.mark.parametrize("width", [60, 80, 100])
def test_the_short_answer_has_five_lines_with_the_verdict_a_reason_and_what_to_do(level, width):
    found = diagnosis_of(level)
    answer = short_answer(found, width)
    assert len(answer.lines) <= 5
    assert max(map(len, answer.lines)) <= width
    assert answer.title.startswith(f"{found.verdict.title} ({found.verdict.code})")
    assert " ".join(answer.reason).startswith(found.verdict.headline[:30])
    assert answer.action[0].startswith(("What to do: ", "Check first", "What to record: "))


def test_the_short_answer_and_the_rest_hold_the_whole_explanation():
    found = diagnosis_of("run")
    answer = short_answer(found, 100)
    assert f"{' '.join(answer.reason)} {answer.rest}".strip() == found.verdict.text


def test_brief_prints_nothing_but_the_short_answer(capsys):
    found = diagnosis_of("run")
    found.show(brief=True)
    printed = capsys.readouterr().out.splitlines()
    assert [line.rstrip() for line in printed] == list(short_answer(found, 80).lines)


SUSPECTS = (
    Suspect("WL101", "double-softmax", "The loss stays above 0.313.", "Compare both.", "p.sum()"),
    Suspect("WL203", "majority-class", "Accuracy is 70 %.", "Count the predictions."),
)


@pytest.mark.parametrize("form", ["terminal", "markdown", "html"])
def test_suspects_stand_in_their_order_with_their_check_and_their_snippet(form):
    text = dataclasses.replace(diagnosis_of("numbers"), suspects=SUSPECTS).render(form)
    assert "Possible causes" in text
    places = [text.index(word) for word in ("double-softmax", "Compare both", "majority-class")]
    assert places == sorted(places)
    assert "p.sum()" in text


def test_suspects_in_json_have_the_agreed_keys():
    found = dataclasses.replace(diagnosis_of("numbers"), suspects=SUSPECTS).to_dict()["suspects"]
    assert [set(suspect) for suspect in found] == [{"code", "name", "why", "check", "snippet"}] * 2


def test_a_diagnosis_without_suspects_has_no_such_section():
    for form in ("terminal", "markdown", "html"):
        assert "Possible causes" not in diagnosis_of("run").render(form)


def test_an_unproved_remedy_is_named_apart_from_those_with_a_clear_gain():
    found = diagnosis_of("run")
    names = {remedy.name for remedy in found.remedies}
    assert {"temperature", "epoch-for-labels"} <= names
    listed, _, unclear = found.render("terminal").partition("No clear gain, may be chance: ")
    assert "For probabilities: temperature" in listed
    assert unclear.startswith("for labels: epoch 1, accuracy")


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1"])
def test_show_writes_on_streams_of_any_encoding(encoding, monkeypatch):
    out = io.BytesIO()
    stream = io.TextIOWrapper(out, encoding=encoding, newline="")
    monkeypatch.setattr(sys, "stdout", stream)
    diagnosis_of("run").show()
    stream.flush()
    text = out.getvalue().decode(encoding)
    assert "#####" in text  # the bars
    assert "?" not in text.replace("Why", "")
    assert stream.errors == "strict"  # as it was


@pytest.mark.parametrize("form", ["terminal", "markdown", "json"])
def test_hostile_names_are_shown_as_text(form):
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=200)
    found = diagnose(
        InMemorySource(
            [
                Predictions.from_arrays(
                    labels,
                    logits=rng.normal(size=(200, 3)),
                    classes=HOSTILE,
                    ids=[f"{HOSTILE[i % 2]}{i}" for i in range(200)],
                )
            ],
            name=HOSTILE[1],
        )
    )
    text = found.render(form)
    assert "\x1b" not in text
    if form != "json":
        assert "\u202e" not in text
        assert max(map(len, text.splitlines())) < 1000
    if form == "markdown":
        assert "<script" not in text.replace("\\<", "")


def two_epochs(delta):
    """A diagnosis of 400 samples of class 0 whose losses change by so many nats."""
    loss = np.full(400, 2.0), 2.0 + delta
    # log(1 - exp(-loss)) is the other class.
    epochs = [np.stack([-x, np.log(-np.expm1(-x))], axis=1) for x in loss]
    labels = np.zeros(400, dtype=int)
    return diagnose(
        InMemorySource(
            Predictions.from_arrays(labels, log_probs=values, epoch=epoch)
            for epoch, values in enumerate(epochs)
        ),
        from_epoch=0,
        to_epoch=1,
    )


NOISE = np.random.default_rng(0).normal(scale=1e-3, size=400)


@pytest.mark.parametrize(
    ("delta", "line"),
    [
        (
            np.where(np.arange(400) < 10, 3.0, 0.0) + NOISE,
            "The 10 samples that changed most carry 100 % of the rise",
        ),
        (
            np.where(np.arange(400) < 10, 3.0, -0.0085),
            "carry 112 % of the rise; the others together fell.",
        ),
        (np.where(np.arange(400) < 10, -1.5, 0.0), "carry 100 % of the fall."),
        (np.full(400, 0.1) + NOISE, None),
        (np.where(np.arange(400) < 1, 3.0, 0.0) + NOISE, None),  # may be chance
    ],
)
def test_a_change_that_few_samples_make_is_said_in_one_line(delta, line):
    found = two_epochs(delta)
    for form in ("terminal", "markdown", "html"):
        text = found.render(form)
        assert line in text if line else "changed most" not in text


def test_the_numbers_behind_a_finding_are_written_in_their_unit():
    numbers, run = diagnosis_of("numbers"), diagnosis_of("run")
    assert numbers.findings[0].evidence["accuracy"].unit == "share"
    assert numbers.findings[0].evidence["envelope_low"].unit == "nats"
    assert "<dt>accuracy</dt><dd>78.3 %" in numbers.render("html")
    for row in run.epochs:
        units = (row.log_loss.unit, row.accuracy.unit, row.temperature.unit, row.recall.unit)
        assert units == ("nats", "share", "temperature", "share")


@pytest.mark.parametrize(
    ("estimate", "written"),
    [
        (Estimate(0.8333, 0.653, 1.0884), "0.833 (0.653 … 1.088)"),
        (Estimate(0.896, 0.876, 0.913, unit="share"), "89.6 % (87.6 … 91.3 %)"),
        (Estimate(6.5, 5.831, 7.249, unit="temperature"), "6.50 (5.83 … 7.25)"),
        (Estimate(1234.0, note="a count", unit="count"), "1,234, a count"),
        (Estimate(-0.25, unit="number"), "−0.25"),
        (Estimate(float("nan"), note="no samples"), "–, no samples"),
    ],
)
def test_an_estimate_is_written_in_its_unit_with_its_interval_or_the_reason(estimate, written):
    assert format_estimate(estimate) == written


@pytest.mark.parametrize(
    ("estimate", "written", "bounds"),
    [
        (Estimate(-0.605, -0.82, -0.454), "−0.605 nats", "(−0.820 … −0.454)"),
        (Estimate(0.004, -0.005, 0.013, unit="share"), "+0.4 points", "(−0.5 … +1.3)"),
        (Estimate(0.05, unit="number"), "+0.050", ""),
    ],
)
def test_a_difference_has_its_sign_and_its_unit(estimate, written, bounds):
    assert (format_change(estimate), format_change_interval(estimate)) == (written, bounds)
