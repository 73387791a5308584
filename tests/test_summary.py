"""A summary of shards is the summary of the whole, and says what the samples themselves say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whyloss.data import Predictions
from whyloss.errors import DataError, FormatError, TooFewSamplesError
from whyloss.measures import per_sample as per_sample_module
from whyloss.measures.classification import surprise_gap
from whyloss.measures.intervals import mean_estimate
from whyloss.measures.per_sample import RowStatus, per_sample
from whyloss.measures.summary import TOP, Summary
from whyloss.measures.temperature import calibrate
from whyloss.testing import known_cause

ARRAYS = (
    "status", "totals", "outcomes", "by_class", "confusion", "histogram", "reliability", "atoms",
    "nodes", "fold_counts", "extremes", "top_losses", "top_ids",
)  # fmt: skip


def batch(seed=0, n_samples=400, n_classes=4, *, ids=None):
    found = known_cause(seed, temperature=1.8, n_samples=n_samples, n_classes=n_classes)
    given = found.source.predictions("val", 0)
    scores = given.scores.copy()
    scores[:3] = np.nan
    scores[3, given.y_true[3]] = -np.inf
    return Predictions.from_arrays(given.y_true, logits=scores, ids=ids)


def part(whole, rows):
    return Predictions.from_arrays(
        whole.y_true[rows], logits=whole.scores[rows], ids=whole.ids[rows], classes=whole.classes
    )


def summed(predictions, weights=None, **options):
    summary = Summary(predictions.n_classes, **options)
    summary.update(predictions, weights)
    return summary


def same(first, second):
    for name in ARRAYS:
        got, expected = getattr(first, name), getattr(second, name)
        assert got.dtype == expected.dtype, name
        if got.dtype.kind == "f":
            np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-9, err_msg=name)
        else:
            np.testing.assert_array_equal(got, expected, err_msg=name)


@settings(max_examples=25, deadline=None)
@given(
    shard=st.lists(st.integers(0, 4), min_size=120, max_size=120),
    order=st.permutations(range(5)),
    weighted=st.booleans(),
    text=st.booleans(),
)
def test_shards_in_any_order_are_the_whole(shard, order, weighted, text):
    ids = [f"s{k}" for k in range(120)] if text else None
    whole = batch(3, 120, ids=ids)
    weights = np.linspace(0, 2, 120) if weighted else None
    merged = Summary(4)
    for k in order:
        rows = np.flatnonzero(np.array(shard) == k)
        if len(rows):
            merged.merge(summed(part(whole, rows), None if weights is None else weights[rows]))
    same(merged, summed(whole, weights))


def test_updates_one_after_the_other_are_the_whole():
    whole = batch()
    summary = Summary(4)
    for start in range(0, 400, 70):
        summary.update(part(whole, slice(start, start + 70)))
    same(summary, summed(whole))


def test_a_summary_says_what_the_samples_say():
    whole = batch(1, 3000)
    samples = per_sample(whole.y_true, whole.scores, "logits")
    scored = samples.scored
    summary = summed(whole)
    direct = mean_estimate(samples.log_loss[scored])
    assert summary.status.tolist() == [2996, 3, 0, 1]
    assert summary.n_scored == 2996
    assert summary.log_loss.value == pytest.approx(direct.value, rel=1e-12)
    assert summary.log_loss.se == pytest.approx(direct.se, rel=1e-9)
    right = (samples.y_pred == whole.y_true)[scored]
    assert summary.accuracy.value == pytest.approx(right.mean(), rel=1e-12)
    assert summary.gap.z == pytest.approx(surprise_gap(samples).z, rel=1e-9)
    assert summary.gap.gap.se == pytest.approx(surprise_gap(samples).gap.se, rel=1e-9)
    assert summary.extremes.tolist() == [
        samples.log_loss[scored].min(),
        samples.log_loss[scored].max(),
    ]
    assert np.trace(summary.confusion) == right.sum()
    assert summary.histogram.sum(axis=1).tolist() == [(~right).sum(), right.sum()]
    assert summary.reliability[0].sum() == pytest.approx(2996)
    assert summary.by_class[2].sum() == pytest.approx(2996)
    order = np.argsort(-samples.log_loss[scored], kind="stable")[:TOP]
    np.testing.assert_array_equal(summary.top_ids, whole.ids[scored][order])


def test_the_temperature_of_a_summary_is_that_of_the_samples():
    whole = batch(2, 5000, 6)
    scored = per_sample(whole.y_true, whole.scores, "logits").scored
    exact = calibrate(whole, scored)
    summary = summed(whole)
    assert summary.temperature().temperature == pytest.approx(exact.fit.temperature, rel=2e-5)
    assert summary.temperature().se == pytest.approx(exact.fit.se, rel=0.04)
    assert summary.refinement().value == pytest.approx(exact.refinement.value, abs=1e-7)
    assert summary.refinement().se == pytest.approx(exact.refinement.se, rel=0.02)


def test_the_compiled_path_gives_the_same(monkeypatch):
    whole = batch(4, 700)
    slow = summed(whole)
    monkeypatch.setattr(per_sample_module, "LARGE", 0)
    fast = summed(whole)
    for name in ("status", "outcomes", "by_class", "confusion", "histogram", "top_ids"):
        np.testing.assert_allclose(getattr(fast, name), getattr(slow, name), rtol=1e-9)
    np.testing.assert_allclose(fast.nodes, slow.nodes, rtol=1e-9, atol=1e-9)


def test_whole_weights_count_like_repeated_samples():
    whole = batch(5, 200)
    twice = part(whole, np.repeat(np.arange(200), 2))
    weighted = summed(whole, np.full(200, 2.0))
    assert weighted.log_loss.value == pytest.approx(summed(twice).log_loss.value, rel=1e-12)
    np.testing.assert_allclose(weighted.nodes, summed(twice).nodes, rtol=1e-9)
    assert weighted.effective_n == pytest.approx(196)


@pytest.mark.parametrize("n_classes", [2, 10, 256, 1000])
def test_bytes_keep_everything_and_stay_below_two_megabytes(n_classes):
    whole = batch(6, 1500, n_classes)
    summary = summed(whole)
    data = summary.to_bytes()
    assert len(data) < 2 << 20
    same(Summary.from_bytes(data), summary)
    again = Summary.from_bytes(data)
    again.merge(summary)
    assert again.n_scored == 2 * summary.n_scored


def test_the_largest_class_count_that_is_kept_by_class_fits_too():
    assert len(Summary(16_384).to_bytes()) < 2 << 20
    assert len(Summary(200_000).to_bytes()) < 2 << 20


def test_an_empty_summary_and_ids_of_text_survive_the_bytes():
    same(Summary.from_bytes(Summary(3).to_bytes()), Summary(3))
    text = summed(batch(7, 60, ids=[f"é{k}" for k in range(60)]))
    same(Summary.from_bytes(text.to_bytes()), text)


@pytest.mark.parametrize("data", [b"", b"nonsense", b"ARROW1\0\0"])
def test_bytes_that_are_no_summary(data):
    with pytest.raises(FormatError, match="no summary"):
        Summary.from_bytes(data)


def test_what_does_not_fit_together_is_an_error():
    summary = summed(batch())
    for other in (Summary(5), Summary(4, temperature=False)):
        with pytest.raises(DataError, match="do not go into one summary"):
            summary.merge(other)
    with pytest.raises(DataError, match="do not go into one summary"):
        summary.update(batch(1, 100, ids=[str(k) for k in range(100)]))
    with pytest.raises(DataError, match="do not go into one summary"):
        summary.update(batch(1, 100, 3))
    with pytest.raises(DataError, match="weights do not fit"):
        summary.update(batch(1, 100), np.full(100, -1.0))
    with pytest.raises(DataError, match="at least 2"):
        Summary(1)


def test_nothing_is_said_without_samples():
    empty = Summary(3)
    assert empty.log_loss.note == "no samples"
    assert empty.accuracy.note == "no samples"
    with pytest.raises(TooFewSamplesError):
        empty.temperature()
    with pytest.raises(TooFewSamplesError):
        summed(batch(), temperature=False).refinement()


def test_rows_that_cannot_be_scored_are_counted_and_nothing_else():
    summary = Summary(2)
    summary.update(Predictions.from_arrays([0, 1], logits=np.full((2, 2), np.nan)))
    assert summary.status[RowStatus.NON_FINITE] == 2
    assert summary.totals.sum() == 0
    assert len(summary.top_ids) == 0


# --- engines -------------------------------------------------------------------------------------


def test_batches_of_a_mapped_file_are_the_whole(tmp_path, monkeypatch):
    from whyloss.engines import local

    whole = batch(8, 500)
    np.save(tmp_path / "logits.npy", whole.scores)
    mapped = Predictions.from_arrays(
        whole.y_true, logits=np.load(tmp_path / "logits.npy", mmap_mode="r")
    )
    monkeypatch.setattr(local, "BATCH_BYTES", 5000)
    same(local.summarise(mapped), summed(whole))


def test_a_run_is_summed_part_by_part_and_padding_once(tmp_path, monkeypatch):
    import whyloss
    from whyloss.data.run_writer import FIRST_WRITER, RunWriter
    from whyloss.engines import local

    whole = batch(9, 300)
    for name, rows in ((FIRST_WRITER, np.arange(0, 200)), ("second", np.arange(150, 300))):
        with RunWriter(tmp_path / "run", writer=name) as writer:
            writer.append(
                "val", 3, whole.scores[rows], "logits", whole.y_true[rows], whole.ids[rows]
            )
            writer.commit("val", 3)
    monkeypatch.setattr(local, "BATCH_BYTES", 1600)
    run = whyloss.Run.open(tmp_path / "run")
    same(local.summarise_run(run, "val", 3), summed(run.predictions("val", 3)))
    with pytest.raises(DataError, match="no predictions of 'val' at epoch 4"):
        local.summarise_run(run, "val", 4)
