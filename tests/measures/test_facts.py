"""A summary of shards is the summary of the whole, and says what the samples themselves say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whyloss.data import Predictions
from whyloss.errors import DataError, FormatError, TooFewSamplesError
from whyloss.measures import backend
from whyloss.measures.calibration.refinement import calibrate
from whyloss.measures.calibration.surprise_gap import surprise_gap
from whyloss.measures.estimates.intervals import mean_estimate
from whyloss.measures.facts import HISTOGRAM_EDGES, LIMITS, TOP, Summary
from whyloss.measures.losses.logits import RowStatus
from whyloss.measures.losses.per_sample import per_sample
from whyloss.testing import known_cause

ARRAYS = (
    "status", "totals", "outcomes", "by_class", "confusion", "histogram", "reliability", "clipped",
    "grid", "fold_counts", "extremes", "top_losses", "top_ids",
)  # fmt: skip


def batch(seed=0, n_samples=400, n_classes=4, *, ids=None):
    found = known_cause(seed, temperature=1.8, n_samples=n_samples, n_classes=n_classes)
    given = found.source.predictions("val", 0)
    scores = given.scores.copy()
    scores[:3] = np.nan
    scores[3, given.y_true[3]] = -np.inf
    return Predictions.from_arrays(given.y_true, logits=scores, ids=ids)


def part(whole, rows, weights=None):
    return Predictions.from_arrays(
        whole.y_true[rows],
        logits=whole.scores[rows],
        ids=whole.ids[rows],
        classes=whole.classes,
        weights=weights,
    )


def summed(predictions, **options):
    summary = Summary(predictions.n_classes, **options)
    summary.update(predictions)
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
    weights = np.linspace(0.1, 2, 120) if weighted else None
    merged = Summary(4)
    for k in order:
        rows = np.flatnonzero(np.array(shard) == k)
        if len(rows):
            merged.merge(summed(part(whole, rows, weights if weights is None else weights[rows])))
    same(merged, summed(part(whole, slice(None), weights)))


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


def as_scale(scores, scale):
    """Logits as another scale; what is no prediction stays none."""
    if scale == "logits":
        return scores
    with np.errstate(invalid="ignore"):
        if scores.shape[1] == 1:
            log_probs = -np.logaddexp(0, -scores)
        else:
            log_probs = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
        return log_probs if scale == "log_probs" else np.exp(log_probs)


def hard(seed, n_samples, n_columns, scale="logits", dtype=np.float64):
    """Scores with everything that occurs: other rows, masked classes, ties, sure predictions."""
    rng = np.random.default_rng(seed)
    y_true = rng.integers(max(2, n_columns), size=n_samples)
    scores = rng.standard_normal((n_samples, n_columns)) * 4
    right = rng.random(n_samples) < 0.7
    if n_columns > 1:
        scores[np.flatnonzero(right), y_true[right]] += 9
        scores[40:60] = np.round(scores[40:60])
        scores[60:70] = 0.0
        scores[np.arange(80, 90), (y_true[80:90] + 1) % n_columns] = -np.inf
        scores[np.arange(90, 93), y_true[90:93]] = -np.inf
    else:
        scores[right, 0] = np.abs(scores[right, 0]) * (2 * y_true[right] - 1)
        scores[40:60] = 0.0
    scores[100:110] *= 40
    scores = as_scale(scores, scale)
    scores[::31, n_columns // 2] = np.nan
    scores[5::37, -1] = np.inf
    scores[7] = -np.inf
    if scale != "logits":
        scores[11::41] += 0.5
    given = {scale: scores.astype(dtype)}
    return Predictions.from_arrays(y_true, ids=rng.permutation(n_samples), **given)


@pytest.mark.parametrize("scale", ["logits", "log_probs", "probs"])
@pytest.mark.parametrize("n_columns", [1, 2, 3, 10, 64, 65, 300, 17_000])
def test_the_kernel_adds_up_what_numpy_does(monkeypatch, n_columns, scale):
    whole = hard(n_columns, 2500 if n_columns < 1000 else 150, n_columns, scale)
    slow = summed(whole)
    monkeypatch.setattr(backend, "LARGE", 0)
    fast = summed(whole)
    for summary in (slow, fast):  # the order of losses that differ by a rounding is left to chance
        summary.top_ids = np.sort(summary.top_ids)
    same(fast, slow)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("n_columns", [1, 2, 10, 64, 200])
def test_the_kernel_adds_up_what_it_says_of_single_samples(monkeypatch, n_columns, dtype):
    whole = hard(n_columns, 2500, n_columns, dtype=dtype)
    slow = summed(whole)
    monkeypatch.setattr(backend, "LARGE", 0)
    fast, single = Summary(whole.n_classes), Summary(whole.n_classes)
    fast.update(whole)
    single._add_small(whole)
    for name in ARRAYS:
        if name in {"grid", "fold_counts"}:
            continue
        got, expected = getattr(fast, name), getattr(single, name)
        # The probabilities that are added up by class are rounded to float32 one by one.
        rtol = 1e-8 if name == "by_class" else 1e-9
        np.testing.assert_allclose(got, expected, rtol=rtol, atol=1e-6, err_msg=name)
    np.testing.assert_allclose(fast.totals, slow.totals, rtol=1e-6)
    np.testing.assert_allclose(fast.by_class, slow.by_class, rtol=1e-6)
    np.testing.assert_allclose(fast.grid, slow.grid, rtol=2e-5, atol=1e-3)


def test_many_blocks_on_many_threads_add_up_to_one(monkeypatch):
    from whyloss.measures.compiled import blocks

    monkeypatch.setattr(backend, "LARGE", 0)
    whole = hard(1, 9000, 12)
    at_once = summed(whole)
    monkeypatch.setattr(blocks, "AS_IT_IS", 12 * 8 * 700)
    same(summed(whole), at_once)


def test_losses_that_all_tie_are_kept_by_the_smallest_ids(monkeypatch):
    whole = Predictions.from_arrays(
        np.zeros(5000, int), logits=np.zeros((5000, 3)), ids=np.arange(5000)[::-1]
    )
    for large in (1 << 60, 0):
        monkeypatch.setattr(backend, "LARGE", large)
        np.testing.assert_array_equal(summed(whole).top_ids, np.arange(TOP))


def test_losses_on_the_edges_of_the_histogram(monkeypatch):
    edges = HISTOGRAM_EDGES[1:-1]
    z = np.concatenate([[0.0], edges, np.nextafter(edges, 0), np.nextafter(edges, 1e9), [1e4]])
    # Above 40 nats the loss of a class so far below is the distance itself.
    whole = Predictions.from_arrays(np.zeros(len(z), int), logits=np.stack([0 * z, z], axis=1))
    slow = summed(whole, temperature=False)
    monkeypatch.setattr(backend, "LARGE", 0)
    fast = summed(whole, temperature=False)
    np.testing.assert_array_equal(fast.histogram, slow.histogram)


def test_ceilings_are_counted_by_either_path(monkeypatch):
    z = np.concatenate([LIMITS[LIMITS > 30], [40.0, 86.0], LIMITS[LIMITS > 30] + 9e-5])
    whole = Predictions.from_arrays(np.zeros(len(z), int), logits=np.stack([0 * z, z], axis=1))
    slow = summed(whole, temperature=False)
    assert slow.clipped.sum() == 2 * np.count_nonzero(LIMITS > 30)
    monkeypatch.setattr(backend, "LARGE", 0)
    np.testing.assert_array_equal(summed(whole, temperature=False).clipped, slow.clipped)


def test_whole_weights_count_like_repeated_samples():
    whole = batch(5, 200)
    times = 1 + np.arange(200) % 3
    repeated = summed(part(whole, np.repeat(np.arange(200), times)))
    weighted = summed(part(whole, slice(None), times))
    assert weighted.log_loss.value == pytest.approx(repeated.log_loss.value, rel=1e-12)
    np.testing.assert_allclose(weighted.grid, repeated.grid, rtol=1e-9)
    counted = times[4:]  # the others cannot be scored
    assert weighted.effective_n == pytest.approx(counted.sum() ** 2 / (counted**2).sum())


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
