"""Terminal, Markdown and JSON: what they print, and that they break on nothing."""

import json
import re
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import whyloss
from whyloss import diagnose
from whyloss.data import History, InMemorySource, Predictions
from whyloss.reporters.json import schema
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
every_level = pytest.mark.parametrize("level", LEVELS)


@every_level
def test_json_follows_the_schema_and_is_strict_json(level):
    content = json.loads(LEVELS[level]().to_json(), parse_constant=pytest.fail)
    jsonschema.validate(content, schema(whyloss.Diagnosis), cls=jsonschema.Draft202012Validator)


def test_json_has_the_agreed_outline():
    content = LEVELS["run"]().to_dict()
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
    text = LEVELS[level]().render(form)
    path = SNAPSHOTS / f"{level}.{form}.txt"
    if request.config.getoption("--update-snapshots"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@every_level
@pytest.mark.parametrize("form", ["terminal", "markdown"])
def test_text_shows_verdict_and_no_number_that_is_none(level, form):
    found = LEVELS[level]()
    text = found.render(form)
    assert found.verdict.code in text
    assert not re.search(r"\b(nan|None|inf)\b", text)


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
