"""The comparison in every format."""

import json
from pathlib import Path

import jsonschema
import pytest

import whyloss
from whyloss.data import InMemorySource, Predictions
from whyloss.reporters.compare import render
from whyloss.reporters.json import schema
from whyloss.testing import known_cause


def predictions(known, epoch=0, **changes):
    p = known.source.predictions("val", epoch)
    given_too = {"y_true": p.y_true, "logits": p.scores, "ids": p.ids, **changes}
    return Predictions.from_arrays(given_too.pop("y_true"), **given_too)


@pytest.fixture(scope="module")
def two():
    known = known_cause(1, temperature=(1.0, 2.5), blur=(0.4, 0.5), n_samples=800)
    return predictions(known, 1), predictions(known, 2)


@pytest.mark.parametrize("form", ["terminal", "markdown"])
def test_text_is_as_reviewed(two, form, request):
    text = render(whyloss.compare(*two), form)
    path = Path(__file__).parents[1] / "snapshots" / f"compare.{form}.txt"
    if request.config.getoption("--update-snapshots"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


HOSTILE = "<i>\x1b[31m|`" + "x" * 1000


@pytest.fixture(scope="module")
def hostile(two):
    sides = [
        InMemorySource(
            [
                Predictions.from_arrays(
                    p.y_true, logits=p.scores, classes=[HOSTILE, "|", "\u202e"],
                    ids=[f"{HOSTILE}{i}" for i in range(800)], split=HOSTILE,
                )
            ],
            name=HOSTILE,
        )
        for p in two
    ]  # fmt: skip
    return whyloss.compare(*sides)


@pytest.mark.parametrize("form", ["terminal", "markdown"])
def test_hostile_names_are_shown_as_text(hostile, form):
    text = render(hostile, form)
    assert "\x1b" not in text
    assert "\u202e" not in text
    if form == "markdown":
        assert "<i>" not in text.replace("\\<", "")
        assert all(
            line.replace("\\|", "").count("|") in {5, 7, 8}
            for line in text.splitlines()
            if line.startswith("| ")
        )


def test_json_follows_the_schema(two, hostile):
    other = Predictions.from_arrays(two[1].y_true, logits=two[1].scores, ids=two[1].ids + 5000)
    for found in (
        whyloss.compare(*two),
        hostile,
        whyloss.compare(two[0], other),
        whyloss.compare(two[0], "val_loss: 5.0 - val_acc: 0.1"),
    ):
        content = json.loads(render(found, "json"), parse_constant=pytest.fail)
        jsonschema.validate(content, schema(type(found)), cls=jsonschema.Draft202012Validator)
