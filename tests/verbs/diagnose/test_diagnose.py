"""What a diagnosis says, and that it adds up."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st

import whyloss
from whyloss import diagnose, rules
from whyloss.data import History, InMemorySource, Predictions
from whyloss.errors import DataError
from whyloss.results.attribution import Held
from whyloss.results.level import Level
from whyloss.testing import known_cause, relabel_scale, rule_out_truth, softmax_twice, spoil


def test_overconfidence_is_the_verdict_and_its_nats_are_the_planted_ones():
    known = known_cause(1, temperature=(1.0, 1.5, 2.5), n_samples=5000)
    found = diagnose(known.source)
    assert found.level is Level.RUN
    assert found.verdict.name == "overconfidence"
    assert found.verdict.text.startswith("The loss rose by ")
    planted = known.calibration[2] - known.calibration[0]
    parts = {part.name: part.nats for part in found.attribution.parts}
    assert parts["calibration"] == pytest.approx(planted, abs=0.03)
    assert parts["refinement"] == pytest.approx(0.0, abs=0.01)
    assert found.attribution.held is Held.HELD


def test_refinement_lost_is_called_overfitting_not_overconfidence():
    known = known_cause(2, blur=(0.3, 0.2, 0.9), n_samples=5000)
    found = diagnose(known.source)
    assert found.verdict.name == "overfitting"
    assert "overconfidence" not in {one.name for one in found.findings}
    parts = {part.name: part.nats for part in found.attribution.parts}
    assert parts["refinement"] == pytest.approx(known.refinement[2] - known.refinement[1], abs=0.03)


def test_calibrated_snapshot_is_consistent_and_gets_no_temperature():
    found = diagnose(known_cause(3).source)
    assert (found.level, found.verdict.name) == (Level.SNAPSHOT, "consistent")
    assert found.attribution is None
    assert not found.remedies
    assert any(item.name == "temperature" for item in found.not_checked)


def test_twenty_samples_cannot_tell():
    found = diagnose(known_cause(4, n_samples=20).source)
    assert found.verdict.name == "small-validation-set"
    assert found.verdict.title == "Too few validation samples to tell"
    assert "too few" in found.verdict.text
    assert {"refinement", "temperature"}.isdisjoint(found.numbers)


def test_guessing_model_is_at_chance():
    found = diagnose(known_cause(5, signal=0.0, n_classes=10).source)
    assert found.verdict.name == "chance-level"
    assert found.numbers["chance"] == pytest.approx(np.log(10))


def test_beginner_with_one_line_of_a_log_is_told_that_nothing_is_wrong():
    history = History.from_columns(val_loss=[0.4577], val_accuracy=[0.7826], n_classes=2)
    found = diagnose(history=history)
    assert (found.level, found.verdict.name) == (Level.NUMBERS, "consistent")
    assert found.numbers["envelope_low"] == pytest.approx(0.3014, abs=5e-5)
    assert found.numbers["envelope_high"] == pytest.approx(0.5236, abs=5e-5)
    assert found.open_questions


def test_probabilities_passed_as_logits_are_named_before_anything_else():
    found = diagnose(softmax_twice(known_cause(6, temperature=3)).source)
    assert found.verdict.name == "double-softmax"
    assert "overconfidence" not in {one.name for one in found.findings}


def test_logits_passed_as_probabilities_are_named():
    found = diagnose(relabel_scale(known_cause(6), "probs").source)
    assert found.verdict.name == "not-probabilities"


def test_rows_of_nan_are_named_and_kept_out_of_the_numbers():
    clean = known_cause(7)
    found = diagnose(spoil(clean, rows=5, value=float("nan")).source)
    assert found.verdict.name == "non-finite"
    assert found.findings[0].samples == (0, 1, 2, 3, 4)
    assert found.numbers["n_samples"] == 1995
    assert np.isfinite(found.numbers["log_loss"].value)


def test_training_that_diverges_at_the_end_is_still_compared_up_to_there():
    known = known_cause(8, temperature=(1.0, 2.0, 2.0))
    last = known.source.predictions("val", 3)
    broken = replace(last, scores=np.full_like(last.scores, np.nan))
    source = InMemorySource(
        [known.source.predictions("val", 1), known.source.predictions("val", 2), broken]
    )
    found = diagnose(source)
    assert found.verdict.name == "non-finite"
    assert (found.attribution.from_epoch, found.attribution.to_epoch) == (1, 2)
    assert "Epochs 3 are left out" in found.notes[0]
    found.render("terminal")


def test_rule_that_raises_is_reported_and_hides_no_other(monkeypatch):
    silly = rules.Rule("WL999", name="silly", page="WL999: Silly.", since="0.1")

    @silly.at(Level.SNAPSHOT, fires=known_cause)
    def broken(_evidence):
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(rules, "ALL", (silly, *rules.ALL))
    found = diagnose(known_cause(9, temperature=2).source)
    assert found.verdict.name == "overconfidence"
    reasons = {item.name: item.reason for item in found.not_checked}
    assert reasons["silly"] == "could not run: ZeroDivisionError: planted"


def test_findings_are_ranked_by_severity_then_nats():
    found = diagnose(known_cause(10, temperature=(1, 1.2, 1.3), blur=(0.3, 0.2, 0.9)).source)
    nats = [one.nats or 0 for one in found.findings if one.severity == "warning"]
    assert len(nats) > 1
    assert nats == sorted(nats, reverse=True)


def test_epochs_asked_for_are_the_ones_compared():
    known = known_cause(11, temperature=(1.0, 1.5, 2.0, 3.0))
    found = diagnose(known.source, from_epoch=2, to_epoch=3)
    assert (found.attribution.from_epoch, found.attribution.to_epoch) == (2, 3)
    assert found.numbers["epoch"] == 3


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    n_classes=st.integers(2, 6),
    n_samples=st.integers(50, 300),
    growth=st.floats(0.2, 6),
)
def test_parts_cells_and_classes_sum_to_the_change(seed, n_classes, n_samples, growth):
    rng = np.random.default_rng(seed)
    y_true = rng.integers(n_classes, size=n_samples)
    first = rng.normal(size=(n_samples, n_classes)) * 3
    second = growth * first + rng.normal(size=first.shape)
    source = InMemorySource(
        Predictions.from_arrays(y_true, logits=logits, epoch=epoch)
        for epoch, logits in enumerate((first, second))
    )
    a = diagnose(source, from_epoch=0, to_epoch=1).attribution
    assert sum(part.nats for part in a.parts) == pytest.approx(a.total.value, abs=1e-9)
    assert sum(part.nats for part in a.scale_parts) == pytest.approx(a.total.value, abs=1e-9)
    for cells in (a.cells, a.class_cells):
        assert sum(cell.total.value for cell in cells) == pytest.approx(a.total.value, abs=1e-9)
        assert sum(cell.samples for cell in cells) == n_samples
        for cell in cells:
            both = cell.refinement.value + cell.calibration.value
            assert both == pytest.approx(cell.total.value, abs=1e-9)
    assert a.after - a.before == pytest.approx(a.total.value, abs=1e-9)


def test_order_of_the_samples_changes_nothing():
    known = known_cause(12, temperature=(1.0, 2.0))
    shuffled = []
    for epoch in (1, 2):
        one = known.source.predictions("val", epoch)
        order = np.random.default_rng(epoch).permutation(len(one))
        shuffled.append(
            Predictions.from_arrays(
                one.y_true[order], logits=one.scores[order], ids=one.ids[order], epoch=epoch
            )
        )
    a = diagnose(known.source).attribution
    b = diagnose(InMemorySource(shuffled)).attribution
    assert b.total.value == pytest.approx(a.total.value, abs=1e-12)
    assert [part.nats for part in b.parts] == pytest.approx([p.nats for p in a.parts], abs=1e-12)


def test_shuffled_loader_without_ids_is_refused_with_the_reason():
    known = known_cause(13, temperature=(1.0, 2.0))
    one, two = (known.source.predictions("val", epoch) for epoch in (1, 2))
    order = np.random.default_rng(0).permutation(len(two))
    source = InMemorySource(
        [one, Predictions.from_arrays(two.y_true[order], logits=two.scores[order], epoch=2)]
    )
    with pytest.raises(DataError, match="shuffles: pass ids="):
        diagnose(source)


def test_arrays_are_diagnosed_in_one_call():
    rng = np.random.default_rng(0)
    y_true = rng.integers(2, size=500)
    logits = (y_true * 2 - 1) + rng.normal(size=500)
    found = whyloss.diagnose(y_true, logits=4 * logits)
    assert found.verdict.name == "overconfidence"
    assert whyloss.diagnose(y_true, probs=1 / (1 + np.exp(-4 * logits))).numbers[
        "log_loss"
    ].value == pytest.approx(found.numbers["log_loss"].value, abs=1e-9)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"logits": [[0.0, 1.0]]},
        {"source": [0, 1], "logits": [0.1, 0.2], "probs": [0.1, 0.2]},
        {"source": [0, 1]},
    ],
)
def test_call_that_says_nothing_is_an_error_that_says_what_to_pass(arguments):
    with pytest.raises(DataError, match="expected"):
        diagnose(**arguments)


def test_repeated_ids_are_said(tmp_path):
    one = known_cause(14).source.predictions("val", 0)
    ids = one.ids.copy()
    ids[1:4] = ids[0]
    found = diagnose(one.y_true, logits=one.scores, ids=ids)
    assert any("3 rows repeat the id" in note for note in found.notes)
    with whyloss.Recorder(tmp_path / "r") as recorder:
        recorder.log(split="val", epoch=1, y_true=one.y_true, logits=one.scores)
        recorder.log(
            split="val", epoch=1, y_true=one.y_true[:2], logits=one.scores[:2], ids=one.ids[:2]
        )
    found = diagnose(tmp_path / "r")
    assert found.numbers["n_samples"] == 2000
    assert any("2 rows were logged again" in note for note in found.notes)


def test_infinite_losses_count_as_wrong_answers():
    known = known_cause(15, n_samples=1000)
    found = diagnose(rule_out_truth(known, rows=100).source)
    one = known.source.predictions("val", 0)
    right = (one.scores.argmax(axis=1) == one.y_true)[100:].sum()
    assert found.numbers["accuracy"].value == pytest.approx(right / 1000)
    assert found.numbers["n_samples"] == 1000
    assert "without 100 infinite losses" in found.numbers["log_loss"].note


def test_model_that_doubts_too_much_is_told_so():
    found = diagnose(known_cause(16, temperature=0.5).source)
    assert found.verdict.name == "underconfidence"
    (remedy,) = found.remedies
    assert remedy.name == "temperature"
    assert "logits by 0.50" in found.verdict.text


def test_snippet_for_probabilities_is_code_that_does_what_it_promises():
    known = known_cause(17, temperature=2.0, n_classes=2, n_samples=4000)
    one = known.source.predictions("val", 0)
    logit = (one.scores[:, 1] - one.scores[:, 0]).astype(float)
    for scale, values in {
        "logits": logit,
        "log_probs": -np.logaddexp(0, -logit),
        "probs": scipy.special.expit(logit),
    }.items():
        found = diagnose(one.y_true, **{scale: values})
        remedy = next(one for one in found.remedies if one.name == "temperature")
        namespace = {"np": np, "scipy": scipy, scale: values}
        exec(remedy.snippets["numpy"], namespace)  # noqa: S102 - our own snippet is the test
        probs = namespace["probs"]
        loss = -np.log(np.where(one.y_true == 1, probs, 1 - probs)).mean()
        assert loss == pytest.approx(remedy.after.value, abs=2e-3)


def test_remedies_that_would_mend_a_symptom_are_set_aside():
    found = diagnose(softmax_twice(known_cause(18, temperature=3)).source)
    assert found.verdict.name == "double-softmax"
    assert [remedy.name for remedy in found.remedies] == ["double-softmax"]
    reasons = {item.name: item.reason for item in found.not_checked}
    assert reasons["temperature"] == "set aside: double-softmax comes first"


def test_infinite_losses_are_in_the_headline():
    found = diagnose(rule_out_truth(known_cause(19), rows=3).source)
    assert "without 3 infinite losses" in found.verdict.headline


def test_predictions_without_the_name_of_their_scale_are_refused():
    with pytest.raises(DataError, match=r"scale of the predictions is not given.*logits=z"):
        whyloss.diagnose([0, 1], [[0.1, 0.9], [0.5, 0.5]])


def test_labels_of_one_class_tell_nothing_about_confidence():
    known = known_cause(2, n_samples=600, temperature=2.0).source.predictions("val", 0)
    zero = known.y_true == 0
    found = diagnose(np.zeros(int(zero.sum()), dtype=int), logits=known.scores[zero])
    names = {finding.name for finding in found.findings}
    assert not names & {
        "overconfidence",
        "underconfidence",
        "class-bias",
        "label-noise",
        "consistent",
    }
    assert "one class" in found.verdict.text
    assert not any(remedy.name == "temperature" for remedy in found.remedies)


def test_nothing_is_called_held_that_a_hundred_samples_cannot_show():
    few = diagnose(known_cause(1, temperature=(1.0, 1.2), n_samples=100).source)
    many = diagnose(known_cause(1, temperature=(1.0, 1.2), n_samples=400).source)
    assert few.attribution.accuracy.value == many.attribution.accuracy.value == 0.0
    assert few.attribution.held == "cannot tell"
    assert many.attribution.held == "held"
