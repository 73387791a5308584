"""The tables of single epochs, of samples and of confused classes, held to other implementations."""

import sys
from collections import Counter

import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from sklearn.metrics import confusion_matrix

from whyloss import diagnose
from whyloss.data import InMemorySource, Predictions
from whyloss.evidence import Evidence
from whyloss.testing import known_cause, rule_out_truth, spoil
from whyloss.verbs.diagnose import diagnose as diagnose_evidence
from whyloss.verbs.diagnose.confusion import MAX_CLASSES, MAX_PAIRS
from whyloss.verbs.diagnose.epoch_views import BEYOND, FEWEST, MAX_VIEWS
from whyloss.verbs.diagnose.sample_pool import COSTLIEST, DRAWN

TEMPERATURES = [0.8, 1.0, 1.6, 2.4]


def a_source(**options):
    return known_cause(0, **{"temperature": TEMPERATURES, "blur": 0.4, **options}).source


@pytest.fixture(scope="module")
def source():
    return a_source()


@pytest.fixture(scope="module")
def d(source):
    return diagnose(source)


def losses(source, epoch):
    p = source.predictions("val", epoch)
    return -log_softmax(p.scores, axis=1)[np.arange(p.n_samples), p.y_true]


def hits(source, epoch):
    p = source.predictions("val", epoch)
    return p.scores.argmax(axis=1) == p.y_true


# --- losses -------------------------------------------------------------------------------------


def test_every_epoch_is_counted_in_the_same_bins(d, source):
    edges = np.array(d.views.edges)
    assert [view.epoch for view in d.views.views] == [1, 2, 3, 4]
    for view in d.views.views:
        loss, right = losses(source, view.epoch), hits(source, view.epoch)
        assert view.right == tuple(np.histogram(loss[right], edges)[0])
        assert view.wrong == tuple(np.histogram(loss[~right], edges)[0])
        assert sum(view.right) + sum(view.wrong) + view.beyond == len(loss)


def test_an_epoch_that_diverged_does_not_press_the_others_flat():
    d = diagnose(a_source(temperature=[40.0, 1.0, 1.2]))
    first, *_, last = d.views.views
    worst = max(row.log_loss for row in d.pool.costliest)
    assert d.views.edges[-1] == pytest.approx(BEYOND * worst)
    assert first.beyond > 0
    assert last.beyond == 0


def test_infinite_losses_lie_beyond_the_axis():
    d = diagnose(rule_out_truth(a_source_of_known(), rows=7).source)
    assert d.views.views[-1].beyond == 7


def a_source_of_known():
    return known_cause(0, n_classes=2, temperature=[1.0, 1.5, 2.5], blur=0.3)


# --- reliability --------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", ["logits", "log_probs", "probs"])
def test_reliability_is_that_of_the_probabilities_before_and_after_the_temperature(scale):
    p = known_cause(1, n_classes=4, temperature=2.0).source.predictions("val", 0)
    scores = {
        "logits": p.scores,
        "log_probs": log_softmax(p.scores, axis=1),
        "probs": softmax(p.scores, axis=1),
    }[scale]
    view = diagnose(p.y_true, **{scale: scores}).views.views[-1]
    right = p.scores.argmax(axis=1) == p.y_true
    for bins, temperature in ((view.reliability, 1.0), (view.calibrated, view.temperature)):
        confidence = softmax(p.scores / temperature, axis=1).max(axis=1)
        place = np.minimum((confidence * 15).astype(int), 14)
        assert sum(one.samples for one in bins) == len(right)
        for one, k in zip(bins, np.unique(place), strict=True):
            chosen = place == k
            assert one.samples == chosen.sum()
            assert one.confidence == pytest.approx(confidence[chosen].mean(), rel=1e-6)
            assert one.right == pytest.approx(right[chosen].mean())
            assert one.low <= one.right <= one.high
    calibrated = softmax(p.scores / view.temperature, axis=1).max(axis=1)
    assert view.calibrated_confidence == pytest.approx(calibrated.mean(), rel=1e-6)


def test_of_one_output_both_classes_count():
    z = np.random.default_rng(0).normal(size=400)
    y = (np.random.default_rng(1).random(400) < 1 / (1 + np.exp(-z))).astype(int)
    view = diagnose(y, logits=2 * z).views.views[-1]
    assert min(one.confidence for one in view.calibrated) >= 0.5


def test_without_a_temperature_there_is_nothing_after_it():
    view = diagnose(known_cause(0, n_samples=20).source).views.views[-1]
    assert view.reliability
    assert (view.calibrated, view.temperature, view.calibrated_confidence) == ((), None, None)


# --- which labels changed -----------------------------------------------------------------------


def test_migration_at_the_last_epoch_is_that_of_the_attribution(d):
    assert d.views.since == d.attribution.from_epoch
    rows = d.views.views[-1].migration
    assert [(row.outcome, row.samples) for row in rows] == [
        (cell.outcome, cell.samples) for cell in d.attribution.cells
    ]
    for row, cell in zip(rows, d.attribution.cells, strict=True):
        assert row.total.value == pytest.approx(cell.total.value, abs=1e-12)
        assert row.total.se == pytest.approx(cell.total.se)


def test_migration_of_every_epoch_adds_up_to_its_change(d, source):
    before = losses(source, d.views.since).mean()
    for view in d.views.views:
        if view.epoch == d.views.since:
            assert view.migration == ()
            continue
        total = sum(row.total.value for row in view.migration)
        assert total == pytest.approx(losses(source, view.epoch).mean() - before, abs=1e-9)
        assert sum(row.samples for row in view.migration) == 2000


def test_the_change_that_was_asked_for_is_the_one_that_is_followed(source):
    assert diagnose(source, from_epoch=3).views.since == 3
    assert [view.epoch for view in diagnose(source, to_epoch=2).views.views] == [1, 2]


# --- which epochs -------------------------------------------------------------------------------


def test_long_runs_keep_their_ends_and_their_best_epochs():
    n = 90
    down_and_up = 1.0 + np.abs(np.arange(n) - 33) / 20
    d = diagnose(a_source(temperature=down_and_up, n_samples=300))
    kept = [view.epoch for view in d.views.views]
    assert FEWEST < len(kept) <= MAX_VIEWS
    assert kept == sorted(set(kept))
    assert d.views.recorded == n
    assert {1, n, d.views.since} <= set(kept)
    assert {best.epoch for best in d.best_epochs.values()} <= set(kept)
    assert np.diff(kept).max() <= 3


def test_large_inputs_get_fewer_epochs(monkeypatch):
    monkeypatch.setattr(sys.modules["whyloss.verbs.diagnose.epoch_views"], "MAX_WORK", 5000)
    d = diagnose(a_source(temperature=np.linspace(1, 2, 20)))
    assert len(d.views.views) <= FEWEST < d.views.recorded
    assert d.views.views[-1].epoch == 20


def test_without_predictions_there_are_no_views():
    for d in (
        diagnose(val_loss=0.4, val_accuracy=0.8, n_classes=2),
        diagnose(spoil(known_cause(0), rows=2000, value=np.nan).source),
    ):
        assert (d.views, d.pool) == (None, None)


# --- samples ------------------------------------------------------------------------------------


def test_few_samples_are_all_to_be_looked_through(source):
    d = diagnose(source)
    pool = d.pool
    assert len(pool.costliest) + len(pool.drawn) == pool.n_samples == 2000
    assert pool.costliest[: len(d.samples)] == d.samples
    ids = [row.id for row in (*pool.costliest, *pool.drawn)]
    assert sorted(ids) == list(range(2000))
    for k, view in enumerate(d.views.views):
        told = np.array([row[k] for row in pool.losses])
        np.testing.assert_allclose(told, losses(source, view.epoch)[ids], rtol=1e-6, atol=1e-12)


def test_of_many_samples_the_costliest_are_there_and_others_by_chance():
    source = known_cause(3, n_samples=20_000, temperature=1.5).source
    pool = diagnose(source).pool
    assert (len(pool.costliest), len(pool.drawn)) == (COSTLIEST, DRAWN)
    cost = [row.log_loss for row in pool.costliest]
    assert cost == sorted(cost, reverse=True)
    np.testing.assert_allclose(cost, np.sort(losses(source, 0))[::-1][:COSTLIEST], rtol=1e-6)
    drawn = [row.log_loss for row in pool.drawn]
    assert max(drawn) <= cost[-1]
    # By chance: their mean is that of all the others.
    others = np.sort(losses(source, 0))[:-COSTLIEST]
    assert abs(np.mean(drawn) - others.mean()) < 4 * others.std() / np.sqrt(DRAWN)


def test_samples_are_found_again_in_another_order_and_missing_ones_have_no_loss():
    known = a_source(temperature=[1.0, 1.5], n_samples=400)
    first, last = (known.predictions("val", epoch) for epoch in (1, 2))
    order = np.random.default_rng(0).permutation(400)[:300]
    shuffled = Predictions.from_arrays(
        first.y_true[order], logits=first.scores[order], ids=[f"s{i}" for i in order], epoch=1
    )
    named = Predictions.from_arrays(
        last.y_true, logits=last.scores, ids=[f"s{i}" for i in range(400)], epoch=2
    )
    d = diagnose(InMemorySource([shuffled, named]))
    expected = dict(zip((f"s{i}" for i in order), losses(known, 1)[order], strict=True))
    rows = (*d.pool.costliest, *d.pool.drawn)
    assert sum(told[0] is None for told in d.pool.losses) == 100
    for row, told in zip(rows, d.pool.losses, strict=True):
        if row.id in expected:
            assert told[0] == pytest.approx(expected[row.id], rel=1e-6)
        assert told[1] == pytest.approx(row.log_loss)


# --- confusion ----------------------------------------------------------------------------------


def test_the_confusion_is_that_of_scikit_learn():
    p = known_cause(2, n_classes=5, signal=1.0).source.predictions("val", 0)
    found = diagnose(p.y_true, logits=p.scores).confusion
    expected = confusion_matrix(p.y_true, p.scores.argmax(axis=1))
    np.testing.assert_array_equal(found.counts, expected)
    assert found.n_wrong == expected.sum() - np.trace(expected)
    for pair in found.pairs:
        i, j = (found.classes.index(name) for name in (pair.label, pair.predicted))
        assert pair.samples == expected[i, j]
        assert pair.share == pytest.approx(expected[i, j] / expected[i].sum())
    assert found.n_pairs == np.count_nonzero(expected) - np.count_nonzero(np.diag(expected))


def test_of_many_classes_only_the_most_confused_pairs_are_told():
    k = MAX_CLASSES + 30
    rng = np.random.default_rng(0)
    y = rng.integers(k, size=3000)
    wrong = rng.random(3000) < 0.4
    predicted = np.where(wrong, (y + 1 + rng.integers(3, size=3000)) % k, y)
    found = diagnose(y, logits=4 * np.eye(k)[predicted]).confusion
    counted = Counter(zip(y[wrong].tolist(), predicted[wrong].tolist(), strict=True))
    assert found.counts is None
    assert found.n_pairs == len(counted)
    assert found.n_wrong == wrong.sum()
    assert [pair.samples for pair in found.pairs] == [n for _, n in counted.most_common(MAX_PAIRS)]
    for pair in found.pairs:
        assert counted[int(pair.label), int(pair.predicted)] == pair.samples


def test_reported_curves_have_the_envelope_where_the_classes_are_known():
    known = diagnose(val_loss=[0.7, 0.5], val_accuracy=[0.6, 0.78], n_classes=2)
    assert known.epochs[1].envelope == pytest.approx((0.3049, 0.5269), abs=1e-3)
    unknown = diagnose(val_loss=[0.7, 0.5], val_accuracy=[0.6, 0.78])
    assert [row.envelope for row in unknown.epochs] == [None, None]


def test_the_tables_belong_to_the_evidence_alone(source):
    assert diagnose_evidence(Evidence(source)).views == diagnose(source).views
