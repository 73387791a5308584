"""Evidence: which epochs are compared, on which samples, and what can be said of them."""

import math

import numpy as np
import pytest

from whyloss.data import History, InMemorySource, Predictions
from whyloss.errors import DataError
from whyloss.evidence import HELD_MARGIN, Evidence, held
from whyloss.measures.estimates.intervals import paired_share_difference
from whyloss.results.attribution import Held
from whyloss.results.estimate import Estimate
from whyloss.results.level import Level
from whyloss.testing import known_cause

RUN = known_cause(0, temperature=(1.0, 1.5, 2.5), blur=(0.5, 0.2, 0.2), n_samples=600).source


def snapshots(source=RUN, split="val"):
    return [source.predictions(split, epoch) for epoch in source.epochs(split)]


def changed(predictions, rows=None, *, ids=None, y_true=None, scores=None, **options):
    """Make the same predictions with some rows, other ids, labels or scores."""
    rows = slice(None) if rows is None else rows
    return Predictions.from_arrays(
        (predictions.y_true if y_true is None else y_true)[rows],
        logits=(predictions.scores if scores is None else scores)[rows],
        ids=(predictions.ids if ids is None else ids)[rows],
        **{"epoch": predictions.epoch, "split": predictions.split, **options},
    )


def spoiled(predictions, rows):
    scores = predictions.scores.copy()
    scores[rows] = np.nan
    return changed(predictions, scores=scores)


def evidence(*predictions, history=None, **options):
    return Evidence(InMemorySource(predictions, history=history), **options)


def numbers_of(comparison):
    change = comparison.change
    return [
        change.n_samples,
        comparison.loss_before,
        comparison.loss_after,
        comparison.scale.inflation,
        comparison.scale.scale.value,
        change.accuracy.value,
        *(cell.samples for cell in change.cells),
        *(cell.total.value for cell in change.cells),
        change.refinement.value,
        change.calibration.value,
        change.total.se,
    ]


# --- the same samples at every epoch ------------------------------------------------------------


@pytest.mark.parametrize("names", [False, True])
def test_rows_in_another_order_give_the_same_change(names):
    rng = np.random.default_rng(1)
    ids = np.array([f"image-{i}.png" for i in range(600)]) if names else np.arange(600) * 7 - 300
    plain = [changed(p, ids=ids) for p in snapshots()]
    moved = [changed(p, rng.permutation(600), ids=ids) for p in snapshots()]
    one, other = evidence(*plain).comparison, evidence(*moved).comparison
    assert numbers_of(other) == pytest.approx(numbers_of(one), rel=1e-9, abs=1e-12)
    assert set(other.ids.tolist()) == set(ids.tolist())
    label = dict(zip(ids.tolist(), plain[0].y_true.tolist(), strict=True))
    assert [label[name] for name in other.ids.tolist()] == other.y_true.tolist()


def test_the_samples_that_all_epochs_have_are_compared():
    rng = np.random.default_rng(2)
    rows = [rng.permutation(600)[:n] for n in (500, 450, 550)]
    found = evidence(*(changed(p, r) for p, r in zip(snapshots(), rows, strict=True)))
    common = set.intersection(*(set(r.tolist()) for r in rows))
    assert found.run.n_common == len(common) == found.comparison.change.n_samples
    assert set(found.comparison.ids.tolist()) == common
    for epoch, predictions in zip((1, 2, 3), snapshots(), strict=True):
        whole = Evidence(InMemorySource([predictions])).at(epoch).samples.log_loss
        aligned = found.run.aligned(epoch, found.at(epoch).samples.log_loss)
        ids = found.run.aligned(epoch, found.at(epoch).predictions.ids)
        np.testing.assert_allclose(aligned, whole[ids], rtol=1e-12)


@pytest.mark.parametrize("kind", ["other numbers", "names"])
def test_epochs_without_a_common_sample_are_refused(kind):
    first, second, _ = snapshots()
    other = (
        np.arange(600) + 10_000
        if kind == "other numbers"
        else np.array([f"n{i}" for i in range(600)])
    )
    found = evidence(first, changed(second, ids=other))
    with pytest.raises(DataError, match="have no sample in common") as caught:
        found.comparison  # noqa: B018 - reading it is the test
    assert "Log ids= that name the samples" in caught.value.hint


def test_labels_that_change_are_refused_with_the_likely_reason():
    first, second, _ = snapshots()
    order = np.random.default_rng(3).permutation(600)
    shuffled = changed(second, y_true=second.y_true[order], scores=second.scores[order])
    with pytest.raises(DataError, match="change their label between epochs 1 and 2") as caught:
        evidence(first, shuffled).comparison  # noqa: B018
    assert "shuffles: pass ids=" in caught.value.hint
    first_changed = int(np.flatnonzero(first.y_true != second.y_true[order])[0])
    assert f"id {first_changed} with two labels" in str(caught.value)


def test_samples_without_a_finite_loss_at_one_epoch_leave_the_comparison():
    first, second, third = snapshots()
    found = evidence(first, spoiled(second, slice(0, 40)), spoiled(third, slice(560, 600)))
    assert found.comparable_epochs == (1, 2, 3)
    assert found.run.n_common == 520
    assert found.comparison.ids.tolist() == list(range(40, 560))
    plain = evidence(*(changed(p, slice(40, 560)) for p in snapshots()))
    assert found.run.best_loss.epoch == plain.run.best_loss.epoch
    assert found.comparison.change.total.value == pytest.approx(
        plain.run.compare(found.comparison.first.epoch, 3).change.total.value, rel=1e-9
    )


def test_epochs_without_a_common_scored_sample_are_not_compared():
    first, second, third = snapshots()
    found = evidence(spoiled(first, slice(0, 300)), spoiled(second, slice(300, 600)), third)
    assert found.comparable_epochs == (1, 2, 3)
    assert found.run.n_common == 0
    assert not found.supports(Level.RUN)
    assert found.supports(Level.SNAPSHOT)
    assert found.comparison is None
    assert found.rise is None


# --- epochs that broke --------------------------------------------------------------------------


def test_an_epoch_of_nothing_but_nan_is_shown_and_left_out_of_comparisons():
    first, second, third = snapshots()
    found = evidence(first, second, spoiled(third, slice(None)))
    assert found.level is Level.RUN
    assert found.epochs == (1, 2, 3)
    assert found.comparable_epochs == (1, 2)
    assert found.comparison.second.epoch == 2
    assert found.run.best_loss.epoch in {1, 2}
    assert found.run.best_accuracy.epoch in {1, 2}
    assert found.run.best_refinement.epoch in {1, 2}
    assert found.numbers is None
    last = found.last
    assert (last.epoch, last.n_scored) == (3, 0)
    assert last.calibrated is None
    assert last.gap.z == 0.0
    assert math.isnan(last.log_loss.value)
    assert math.isnan(last.accuracy.value)
    assert last.shares.tolist() == [0, 0, 0]
    assert all(score.recall.note == "no samples" for score in last.class_scores)
    assert all(loss.note == "no samples" for loss in last.class_losses)
    assert last.numbers.prior_entropy is None
    assert last.numbers.majority is None


def test_a_run_of_nothing_but_nan_supports_nothing_but_its_rows():
    found = evidence(*(spoiled(p, slice(None)) for p in snapshots()))
    assert found.comparable_epochs == ()
    assert not found.supports(Level.RUN)
    assert found.comparison is None
    assert found.numbers is None


def test_too_few_samples_to_calibrate_give_no_comparison():
    found = evidence(*(changed(p, slice(0, 49)) for p in snapshots()))
    assert found.supports(Level.RUN)
    assert found.last.calibrated is None
    assert found.run.best_refinement is None
    assert found.comparison is None
    assert found.run.best_loss.epoch in {1, 2, 3}
    assert evidence(*(changed(p, slice(0, 50)) for p in snapshots())).comparison is not None


def test_one_sample_makes_no_noise():
    found = evidence(*(changed(p, slice(0, 1)) for p in snapshots()))
    assert found.comparison is None
    assert found.run.best_loss.as_good == (1, 2, 3)
    assert found.last.log_loss.low is None


# --- which change is in question ----------------------------------------------------------------


def scaled(*factors, n_samples=600):
    return known_cause(5, temperature=factors, n_samples=n_samples).source


def test_the_change_is_from_the_smallest_loss_to_the_last_epoch():
    found = Evidence(scaled(0.3, 1.0, 2.0, 3.0))
    assert (found.comparison.first.epoch, found.comparison.second.epoch) == (2, 4)
    assert found.run.best_loss.epoch == 2
    assert found.rise is found.comparison
    assert found.rise.loss_after - found.rise.loss_before == pytest.approx(
        found.rise.change.total.value
    )


def test_where_the_last_loss_is_the_smallest_it_is_from_the_first():
    found = Evidence(scaled(0.3, 0.6, 1.0))
    assert (found.comparison.first.epoch, found.comparison.second.epoch) == (1, 3)
    assert found.rise is None


def test_the_epochs_asked_for_are_compared():
    found = Evidence(scaled(0.3, 1.0, 2.0, 3.0), from_epoch=1, to_epoch=3)
    assert (found.comparison.first.epoch, found.comparison.second.epoch) == (1, 3)
    assert found.epochs == (1, 2, 3)
    assert found.last.epoch == 3
    assert Evidence(scaled(0.3, 1.0, 2.0), to_epoch=1).level is Level.SNAPSHOT


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"from_epoch": 9},
            r"Epoch 9 \(--from\) was not recorded for split 'val': expected one of 1, 2, 3",
        ),
        ({"to_epoch": 0}, r"Epoch 0 \(--to\) was not recorded"),
        ({"from_epoch": 3, "to_epoch": 2}, "is not before the last one: expected a first epoch"),
        ({"from_epoch": 2, "to_epoch": 2}, "is not before the last one"),
        ({"from_epoch": 3}, "is not before the last one"),
    ],
)
def test_epochs_that_make_no_change_are_refused(options, words):
    with pytest.raises(DataError, match=words):
        Evidence(RUN, **options).comparison  # noqa: B018


@pytest.mark.parametrize("rows", [slice(0, 600), slice(0, 400)])
def test_an_epoch_asked_for_that_cannot_be_compared_is_refused(rows):
    first, second, third = snapshots()
    found = evidence(spoiled(first, rows), second, third, from_epoch=1)
    with pytest.raises(DataError, match=r"Epoch 1 \(--from\) cannot be compared") as caught:
        found.comparison  # noqa: B018
    assert caught.value.got == "epochs 2, 3"


def test_many_epochs_are_not_all_listed():
    found = Evidence(scaled(*[1.0] * 12, n_samples=60), from_epoch=40)
    with pytest.raises(DataError, match=r"expected one of 1 … 12 \(12 epochs\)"):
        found.epochs  # noqa: B018


def test_the_best_epochs_are_those_of_their_own_metrics():
    # What is known is largest at epoch 2, and stated with far too much confidence there.
    run = known_cause(3, temperature=(1.0, 5.0, 1.2), blur=(1.0, 0.1, 1.8), n_samples=3000)
    found = Evidence(run.source)
    assert found.run.best_accuracy.epoch == 2
    assert found.run.best_refinement.epoch == 2
    assert found.run.best_refinement.value == found.at(2).calibrated.refinement
    mean = {e: found.at(e).samples.log_loss.mean() for e in (1, 2, 3)}
    assert found.run.best_loss.epoch == min(mean, key=mean.get) == 1
    assert found.run.best_loss.value == found.at(1).log_loss


def test_masked_logits_have_no_scale_part_and_everything_else():
    first, second, _ = snapshots()
    masked = []
    for predictions in (first, second):
        scores = np.concatenate([predictions.scores, np.full((600, 1), -np.inf)], axis=1)
        masked.append(
            Predictions.from_arrays(predictions.y_true, logits=scores, epoch=predictions.epoch)
        )
    one, other = evidence(first, second).comparison, evidence(*masked).comparison
    assert other.scale is None
    assert other.change.total.value == pytest.approx(one.change.total.value, rel=1e-9)
    assert other.change.refinement.value == pytest.approx(one.change.refinement.value, rel=1e-6)


# --- the split ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["train", "val", "test"], "val"),
        (["train", "test", "validation"], "validation"),
        (["train", "eval", "dev"], "dev"),
        (["train", "test"], "test"),
        (["train", "holdout"], "holdout"),
        (["train"], "train"),
    ],
)
def test_the_validation_split_is_explained_if_there_is_one(names, chosen):
    predictions = [changed(snapshots()[0], split=name) for name in names]
    assert evidence(*predictions).split == chosen
    assert set(evidence(*predictions).splits) == set(names)


def test_another_split_can_be_asked_for_and_an_unknown_one_is_refused():
    predictions = [changed(snapshots()[0], split=name) for name in ("train", "val")]
    assert evidence(*predictions, split="train").split == "train"
    with pytest.raises(DataError, match="no split 'test': expected one of train, val; got test"):
        evidence(*predictions, split="test").split  # noqa: B018


def test_nothing_at_all_is_refused_with_what_to_log():
    with pytest.raises(DataError, match="There is nothing to diagnose") as caught:
        evidence().split  # noqa: B018
    assert "rec.log" in caught.value.hint


def test_a_split_known_from_scalars_only_has_numbers_and_no_epochs():
    history = History.from_columns(train_loss=[0.5, 0.4], train_accuracy=[0.8, 0.9])
    found = evidence(snapshots()[0], history=history, split="train")
    assert found.epochs == ()
    assert found.level is Level.CURVES
    assert found.numbers.log_loss.value == 0.4


# --- levels and numbers -------------------------------------------------------------------------


def test_levels_by_what_is_given():
    one_line = History.from_columns(val_loss=[0.5], val_accuracy=[0.8])
    curves = History.from_columns(val_loss=[0.5, 0.4], val_accuracy=[0.8, 0.8])
    cases = {
        Level.NUMBERS: evidence(history=one_line),
        Level.CURVES: evidence(history=curves),
        Level.SNAPSHOT: evidence(snapshots()[0]),
        Level.RUN: evidence(*snapshots()),
    }
    for level, found in cases.items():
        assert found.level is level
        assert found.supports(level)
        assert found.supports(Level.NUMBERS)
    assert not cases[Level.NUMBERS].supports(Level.CURVES)
    assert not cases[Level.CURVES].supports(Level.SNAPSHOT)
    assert not cases[Level.SNAPSHOT].supports(Level.RUN)
    assert cases[Level.RUN].supports(Level.CURVES)


def test_numbers_from_predictions_carry_their_intervals():
    found = evidence(snapshots()[0])
    numbers, samples = found.numbers, found.last.samples
    y_true = found.last.predictions.y_true
    shares = np.bincount(y_true) / 600
    assert numbers.log_loss.value == samples.log_loss.mean()
    assert numbers.accuracy.value == (samples.y_pred == y_true).mean()
    assert numbers.log_loss.low < numbers.log_loss.value < numbers.log_loss.high
    assert (numbers.n_samples, numbers.n_classes, numbers.epoch) == (600, 3, 1)
    assert numbers.prior_entropy == pytest.approx(-(shares * np.log(shares)).sum())
    assert numbers.majority == shares.max()


def test_numbers_as_reported_are_the_last_complete_ones():
    history = History.from_columns(
        epochs=[4, 5, 6],
        val_loss=[0.5, 0.4577, np.nan],
        val_accuracy=[0.7, 0.7826, 0.9],
        n_val=1000,
        n_classes=2,
    )
    numbers = evidence(history=history).numbers
    assert (numbers.epoch, numbers.log_loss.value, numbers.accuracy.value) == (5, 0.4577, 0.7826)
    assert numbers.log_loss.low is None
    assert numbers.log_loss.note
    assert numbers.accuracy.low < 0.7826 < numbers.accuracy.high
    assert numbers.prior_entropy == pytest.approx(math.log(2))
    unknown = History.from_columns(val_loss=[0.4], val_accuracy=[0.8])
    numbers = evidence(history=unknown).numbers
    assert numbers.accuracy.low is None
    assert (numbers.prior_entropy, numbers.n_samples) == (None, None)


@pytest.mark.parametrize(
    "columns",
    [
        {"val_loss": [0.5]},
        {"val_accuracy": [0.5]},
        {"val_loss": [np.nan], "val_accuracy": [0.9]},
        {"val_loss": [np.inf], "val_accuracy": [0.9]},
    ],
)
def test_half_a_report_is_no_numbers(columns):
    found = evidence(history=History.from_columns(**columns))
    assert found.numbers is None
    assert found.supports(Level.NUMBERS)  # rules that need only one of them can still be checked


@pytest.mark.parametrize(("share", "n"), [(93.0, 100), (93.0, None), (-0.1, 100)])
def test_an_accuracy_that_is_no_share_is_refused(share, n):
    history = History.from_columns(val_loss=[0.4], val_accuracy=[share], n_val=n)
    with pytest.raises(DataError, match="expected a number from 0 to 1") as caught:
        evidence(history=history).numbers  # noqa: B018
    assert caught.value.hint == "Divide percentages by 100."


# --- what became of the accuracy ----------------------------------------------------------------


def paired(n, *, broke, fixed):
    first = np.arange(n) < n // 2
    second = first.copy()
    second[:broke] = False
    second[n - fixed :] = True
    return paired_share_difference(first, second)


@pytest.mark.parametrize(
    ("difference", "what"),
    [
        (paired(2000, broke=20, fixed=20), Held.HELD),
        (paired(2000, broke=20, fixed=26), Held.HELD),  # a gain that may be chance
        (paired(2000, broke=0, fixed=0), Held.HELD),
        (paired(10_000, broke=120, fixed=60), Held.HELD),  # a sure loss, and a small one
        (paired(2000, broke=20, fixed=80), Held.ROSE),
        (paired(2000, broke=200, fixed=50), Held.FELL),
        (paired(2000, broke=70, fixed=40), Held.FELL),
        (paired(2000, broke=250, fixed=240), Held.CANNOT_TELL),
        (paired(60, broke=1, fixed=1), Held.CANNOT_TELL),
        (paired(60, broke=0, fixed=0), Held.CANNOT_TELL),
        (paired_share_difference(np.zeros(0, bool), np.zeros(0, bool)), Held.CANNOT_TELL),
        (Estimate(0.0, note="n is not known"), Held.CANNOT_TELL),
    ],
)
def test_held_is_a_claim_of_equivalence(difference, what):
    assert held(difference, 2000) is what


def test_held_depends_on_the_drop_that_would_matter():
    difference = paired(2000, broke=60, fixed=40)  # one point lost
    assert HELD_MARGIN == 0.02
    assert held(difference, 2000) is Held.HELD
    assert held(difference, 2000, margin=0.01) is Held.FELL
    assert held(difference, 2000, margin=0.1) is Held.HELD


def test_held_is_wrong_in_at_most_one_case_in_twenty_at_the_margin():
    said = 0
    for seed in range(1000):
        rng = np.random.default_rng(seed)
        which = rng.random(2000)
        said += (
            held(paired_share_difference(which < 0.86, (which < 0.8) | (which > 0.96)), 2000)
            is Held.HELD
        )
    assert said / 1000 < 0.07
