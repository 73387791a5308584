"""Slices in a diagnosis: what is split, how it is named, and that it adds up."""

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, log_loss

import whyloss
from whyloss import diagnose
from whyloss.reporters.json import schema
from whyloss.testing import known_cause, rule_out_truth
from whyloss.verbs.diagnose.slice_rows import MOST_NUMBERS, MOST_VALUES, OTHERS, RANGES

ONE = known_cause(0, temperature=1.5, n_samples=600).source.predictions("val", 0)
LOSS = np.logaddexp.reduce(ONE.scores, axis=1) - ONE.scores[np.arange(600), ONE.y_true]
RNG = np.random.default_rng(0)


def rows_of(column, **options):
    found = diagnose(ONE.y_true, logits=ONE.scores, slices={"column": column}, **options)
    assert all(row.column == "column" for row in found.slices)
    return {row.value: row for row in found.slices}


@settings(max_examples=25, deadline=None)
@given(
    kind=st.sampled_from(["few words", "many words", "few numbers", "whole", "broken", "gaps"]),
    weighted=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_slices_of_any_column_add_up_to_the_loss(kind, weighted, seed):
    rng = np.random.default_rng(seed)
    column = {
        "few words": lambda: rng.choice(["a", "b", "c"], 600),
        "many words": lambda: np.array([f"id {k}" for k in rng.integers(0, 300, 600)]),
        "few numbers": lambda: rng.integers(0, 3, 600) / 4,
        "whole": lambda: rng.integers(-(10**12), 10**12, 600),
        "broken": lambda: np.exp(rng.normal(scale=8, size=600)),
        "gaps": lambda: np.where(rng.random(600) < 0.2, np.nan, rng.exponential(size=600)),
    }[kind]()
    weights = rng.exponential(size=600) if weighted else None
    found = diagnose(ONE.y_true, logits=ONE.scores, slices={"column": column}, weights=weights)
    rows = found.slices
    assert sum(row.samples for row in rows) == 600
    assert sum(row.share for row in rows) == pytest.approx(1.0)
    loss = found.numbers["log_loss"].value
    assert sum(row.nats.value for row in rows) == pytest.approx(loss, rel=1e-12)
    assert sum(row.excess for row in rows) == pytest.approx(0.0, abs=1e-12)
    assert [row.excess for row in rows] == sorted((row.excess for row in rows), reverse=True)
    assert len({row.value for row in rows}) == len(rows) <= MOST_VALUES
    for row in rows:
        assert row.share * (row.log_loss.value - loss) == pytest.approx(row.excess, abs=1e-12)


@pytest.mark.parametrize("weights", [None, RNG.exponential(size=600)])
def test_loss_and_accuracy_of_a_slice_are_those_of_scikit_learn_on_its_rows(weights):
    sites = RNG.choice(["Oslo", "Paris"], 600)
    for site, row in rows_of(sites, weights=weights).items():
        chosen = sites == site
        prob = np.exp(ONE.scores - np.logaddexp.reduce(ONE.scores, axis=1, keepdims=True))[chosen]
        w = None if weights is None else weights[chosen]
        assert row.log_loss.value == pytest.approx(
            log_loss(ONE.y_true[chosen], prob, sample_weight=w), rel=1e-12
        )
        assert row.accuracy.value == pytest.approx(
            accuracy_score(ONE.y_true[chosen], prob.argmax(axis=1), sample_weight=w)
        )
        assert row.samples == chosen.sum()
        assert row.log_loss.low < row.log_loss.value < row.log_loss.high
        assert row.accuracy.low < row.accuracy.value < row.accuracy.high


def test_the_slice_that_costs_most_comes_first():
    hard = np.argsort(LOSS)[-100:]
    sites = np.full(600, "easy")
    sites[hard] = "hard"
    assert list(rows_of(sites)) == ["hard", "easy"]


def test_few_numbers_keep_their_own_name_and_many_become_ranges():
    assert set(rows_of(np.arange(600) % MOST_NUMBERS)) == {str(k) for k in range(MOST_NUMBERS)}
    assert set(rows_of(np.arange(600) % 2 / 2)) == {"0", "0.5"}
    ranges = rows_of(np.arange(600))
    assert set(ranges) == {"0 to 119", "120 to 239", "240 to 359", "360 to 479", "480 to 599"}
    assert len(ranges) == RANGES
    assert all(row.samples == 120 for row in ranges.values())
    assert ranges["120 to 239"].log_loss.value == pytest.approx(LOSS[120:240].mean())


def test_a_number_that_most_samples_have_is_a_range_of_its_own():
    length = np.zeros(600)
    length[:200] = np.arange(1, 201)
    rows = rows_of(length)
    assert rows["0"].samples == 400
    assert sum(row.samples for row in rows.values()) == 600


@pytest.mark.parametrize("start", [0.0, 1.7e9])
def test_ranges_are_written_with_as_many_digits_as_tell_them_apart(start):
    rows = rows_of(start + np.arange(600) * 1.5)
    assert len(rows) == RANGES
    assert len({end for value in rows for end in value.split(" to ")}) == 2 * RANGES


def test_a_missing_number_is_a_slice_of_its_own():
    column = np.where(np.arange(600) < 30, np.nan, np.arange(600.0))
    assert rows_of(column)["nan"].samples == 30
    assert rows_of(np.full(600, np.nan))["nan"].samples == 600


def test_of_many_names_the_rarest_are_drawn_together():
    names = np.array([f"user {k}" for k in range(600)])
    names[:100] = "guest"
    rows = rows_of(names)
    assert rows["guest"].samples == 100
    assert rows[OTHERS].samples == 600 - 100 - (MOST_VALUES - 2)
    assert len(rows) == MOST_VALUES


def test_yes_and_no_are_slices():
    assert set(rows_of(LOSS > 1)) == {"True", "False"}


def test_rows_that_cannot_be_scored_are_in_no_slice():
    one = rule_out_truth(known_cause(1), rows=30).source.predictions("val", 0)
    found = diagnose(one.y_true, logits=one.scores, slices={"first": np.arange(2000) < 40})
    assert {row.value: row.samples for row in found.slices} == {"False": 1960, "True": 10}


def test_every_report_shows_the_slices_and_none_breaks_on_their_names():
    hostile = "<b>|site|\x1b[31m*"
    found = diagnose(
        ONE.y_true,
        logits=ONE.scores,
        slices={"si|te <b>": RNG.choice(["Oslo", hostile], 600), "length": np.arange(600)},
    )
    jsonschema.validate(found.to_dict(), schema(type(found)), cls=jsonschema.Draft202012Validator)
    assert [row["column"] for row in found.to_dict()["slices"]] == ["si|te <b>"] * 2 + [
        "length"
    ] * 5
    for form in ("terminal", "markdown", "html"):
        text = found.render(form)
        assert "Oslo" in text
        assert "480 to 599" in text
        assert form == "html" or "\x1b" not in text
        assert form == "terminal" or "<b>|site" not in text
    assert not diagnose(ONE.y_true, logits=ONE.scores).slices


def test_slices_that_were_recorded_are_those_of_the_last_epoch(tmp_path):
    with whyloss.Recorder(tmp_path / "run") as recorder:
        for epoch in (1, 2):
            recorder.log(
                split="val",
                epoch=epoch,
                y_true=ONE.y_true,
                logits=ONE.scores * epoch,
                weights=1.0 + np.arange(600) % 3,
                slices={"site": np.where(np.arange(600) < 100 * epoch, "a", "b")},
            )
    found = whyloss.diagnose(whyloss.Run.open(tmp_path / "run"))
    assert {row.value: row.samples for row in found.slices} == {"a": 200, "b": 400}
    assert found.numbers["n_eff"] == pytest.approx(600 * 2**2 / (14 / 3))
