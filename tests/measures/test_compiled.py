"""The compiled kernels against the NumPy path, which is their oracle."""

import subprocess
import sys
from dataclasses import fields

import numpy as np
import pytest

from whyloss.data import Predictions
from whyloss.errors import DataError
from whyloss.measures import backend
from whyloss.measures.losses.logits import RowStatus
from whyloss.measures.losses.per_sample import per_sample
from whyloss.testing import known_cause

SCALES = ("logits", "log_probs", "probs")


@pytest.fixture
def both(monkeypatch):
    """Score by both paths, whatever the size."""

    def run(y_true, scores, scale="logits"):
        y_true = np.asarray(y_true)
        monkeypatch.setattr(backend, "LARGE", 1 << 60)
        slow = per_sample(y_true, scores, scale)
        monkeypatch.setattr(backend, "LARGE", 0)
        return per_sample(y_true, scores, scale), slow

    return run


def agree(fast, slow, rtol):
    for name in ("y_pred", "rank", "status"):
        np.testing.assert_array_equal(getattr(fast, name), getattr(slow, name), err_msg=name)
    for field in fields(slow):
        got, expected = getattr(fast, field.name), getattr(slow, field.name)
        assert got.dtype == expected.dtype
        # What float32 cannot hold is 0 there.
        factor = 20 if field.name == "entropy_variance" else 1
        np.testing.assert_allclose(
            got, expected, rtol=factor * rtol, atol=1e-30, err_msg=field.name
        )


def some(seed, n_samples, n_classes, *, spread=3.0, dtype=np.float32):
    """Labels and logits that know them more or less well."""
    rng = np.random.default_rng(seed)
    y_true = rng.integers(max(2, n_classes), size=n_samples).astype(np.int32)
    logits = rng.standard_normal((n_samples, n_classes)) * spread
    if n_classes > 1:
        logits[np.arange(n_samples), y_true] += rng.uniform(0, 12, n_samples)
    return y_true, logits.astype(dtype)


def on_scale(logits, scale):
    if scale == "logits":
        return logits
    wide = logits.astype(np.float64)
    if logits.shape[1] == 1:
        log_probs = -np.logaddexp(0, -wide)
    else:
        log_probs = wide - np.logaddexp.reduce(wide, axis=1, keepdims=True)
    return (log_probs if scale == "log_probs" else np.exp(log_probs)).astype(logits.dtype)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(
    ("n_samples", "n_classes"),
    [(1, 2), (63, 2), (65, 3), (500, 10), (300, 1), (129, 64), (70, 65), (40, 257), (7, 5000)],
)
def test_every_dtype_scale_and_shape(both, n_samples, n_classes, dtype, scale):
    y_true, logits = some(n_classes, n_samples, n_classes, dtype=dtype)
    scores = on_scale(logits, scale)
    agree(*both(y_true, scores, scale), rtol=1e-6 if dtype != np.float64 else 1e-12)


@pytest.mark.parametrize("n_classes", [1, 2, 10, 64, 65, 1000])
@pytest.mark.parametrize("spread", [1e-3, 30.0, 1e4])
def test_logits_of_any_size(both, n_classes, spread):
    for dtype, rtol in ((np.float32, 1e-6), (np.float64, 1e-11)):
        y_true, logits = some(3, 200, n_classes, spread=spread, dtype=dtype)
        fast, slow = both(y_true, logits)
        if spread == 1e-3:  # a variance that is all rounding, beside the squares it comes from
            scale = slow.entropy_variance.max()
            np.testing.assert_allclose(
                fast.entropy_variance,
                slow.entropy_variance,
                rtol=100 * rtol,
                atol=30 * rtol * scale,
            )
            continue
        agree(fast, slow, rtol=rtol)


def test_losses_near_zero_keep_their_relative_precision(both):
    depth = np.linspace(1, 80, 400, dtype=np.float32)
    for logits in (np.stack([depth, 0 * depth], axis=1), depth[:, None]):
        y_true = np.full(400, logits.shape[1] == 1, dtype=np.int32)
        fast, slow = both(y_true, logits)
        assert slow.log_loss.min() < 1e-34
        np.testing.assert_allclose(fast.log_loss, slow.log_loss, rtol=5e-7)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("n_classes", [2, 5, 70, 600])
@pytest.mark.parametrize("scale", ["logits", "log_probs"])
def test_rows_that_are_no_prediction_and_masked_classes(both, n_classes, dtype, scale):
    y_true, logits = some(7, 260, n_classes, dtype=dtype)
    scores = on_scale(logits, scale)
    rng = np.random.default_rng(1)
    last = n_classes - 1
    for row, value in enumerate([np.nan, -np.nan, np.inf, -np.inf]):
        for offset, column in enumerate([0, last, n_classes // 2]):
            scores[20 * row + offset, column] = value
    scores[100] = -np.inf
    scores[101] = np.nan
    scores[102] = np.inf
    scores[103, 1:] = -np.inf
    scores[104, :-1] = -np.inf
    scores[np.arange(110, 150), rng.integers(n_classes, size=40)] = -np.inf
    scores[150, 0], scores[150, last] = np.inf, -np.inf
    scores[160] = np.finfo(dtype).min
    scores[161, 0] = np.finfo(dtype).min
    scores[162, 0] = np.finfo(dtype).max
    fast, slow = both(y_true, scores, scale)
    assert {RowStatus.NON_FINITE, RowStatus.OK} < set(slow.status)
    agree(fast, slow, rtol=1e-6)


@pytest.mark.parametrize("n_classes", [1, 3, 100])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nan_of_any_bit_pattern_is_nan(both, n_classes, dtype):
    y_true, logits = some(8, 300, n_classes, dtype=dtype)
    word = np.uint32 if dtype == np.float32 else np.uint64
    quiet = np.array(np.nan, dtype=dtype).view(word)
    patterns = quiet + np.random.default_rng(0).integers(0, 1 << 20, size=100).astype(word)
    logits[np.arange(0, 300, 3), np.arange(100) % n_classes] = patterns.view(dtype)
    fast, slow = both(y_true, logits)
    assert slow.count(RowStatus.NON_FINITE) == 100
    agree(fast, slow, rtol=1e-6)


@pytest.mark.parametrize("n_classes", [1, 4, 80])
@pytest.mark.parametrize("scale", ["log_probs", "probs"])
def test_rows_that_are_no_distribution(both, n_classes, scale):
    y_true, logits = some(9, 200, n_classes)
    scores = on_scale(logits, scale)
    scores[:20] += 0.3
    scores[20:40] *= 3
    scores[50] = 0.0
    scores[51, 0] = -0.5
    scores[52, 0] = np.nan
    scores[53], scores[53, 0] = 0.0, 1.0
    fast, slow = both(y_true, scores, scale)
    assert slow.count(RowStatus.NOT_A_DISTRIBUTION) > 0
    agree(fast, slow, rtol=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0, -0.0, 3e4])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_single_logit(both, value, dtype):
    agree(*both([0, 1, 1], np.array([[value], [1.0], [value]], dtype=dtype)), rtol=1e-6)


@pytest.mark.parametrize("n_classes", [4, 64, 300])
def test_of_classes_that_tie_the_first_comes_first(both, n_classes):
    rng = np.random.default_rng(5)
    logits = rng.integers(-1, 2, size=(300, n_classes)).astype(np.float32)
    logits[logits == 0] *= rng.choice([-1, 1])  # zeros of either sign tie
    logits[::7] = 0.0
    logits[::7, 1] = -0.0
    y_true = rng.integers(n_classes, size=300).astype(np.int32)
    agree(*both(y_true, logits), rtol=1e-6)


def test_arrays_in_any_order_of_memory(both, tmp_path):
    y_true, logits = some(11, 400, 20)
    expected, _ = both(y_true, logits)
    np.save(tmp_path / "logits.npy", logits)
    mapped = np.load(tmp_path / "logits.npy", mmap_mode="r")
    fortran = np.asfortranarray(logits)
    strided = np.repeat(np.repeat(logits, 2, axis=0), 3, axis=1)[::2, ::3]
    swapped = logits.astype(logits.dtype.newbyteorder())
    for scores in (mapped, fortran, strided, swapped, logits[::-1][::-1]):
        fast, _ = both(y_true, scores)
        agree(fast, expected, rtol=0)
    for labels in (y_true.astype(np.int64), np.repeat(y_true, 2)[::2], y_true.astype(np.uint8)):
        fast, _ = both(labels, logits)
        agree(fast, expected, rtol=0)


def test_many_blocks_make_one_result(both, monkeypatch):
    from whyloss.measures.compiled import blocks

    y_true, logits = some(12, 5000, 12)
    whole, _ = both(y_true, logits)
    monkeypatch.setattr(blocks, "AS_IT_IS", 1000)
    monkeypatch.setattr(blocks, "CONVERTED", 1000)
    pieces, _ = both(y_true, logits)
    agree(pieces, whole, rtol=0)
    agree(*both(y_true, logits.astype(np.float16)), rtol=1e-6)


@pytest.mark.parametrize("labels", [[-1, 0], [0, 3], [0]])
def test_a_label_outside_the_row_is_an_error_and_reads_nothing(labels):
    from whyloss.measures.compiled.dispatch import score

    with pytest.raises(DataError, match="labels do not fit"):
        score(np.array(labels), np.zeros((2, 3), dtype=np.float32), "logits")


def test_no_compiler_for_small_inputs():
    code = (
        "import sys, numpy as np, whyloss;"
        "z = np.random.default_rng(0).normal(size=(500, 10)).astype('f4');"
        "whyloss.diagnose(z.argmax(1), logits=z);"
        "print('numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_what_decides_is_the_size_of_all_inputs_together(monkeypatch):
    from whyloss.measures.compiled import dispatch

    y_true, logits = some(13, 100, 10)
    monkeypatch.setattr(dispatch, "score", lambda *_: "compiled")
    monkeypatch.setattr(backend, "LARGE", 100_000)
    assert per_sample(y_true, logits, "logits", repeats=99) != "compiled"
    assert per_sample(y_true, logits, "logits", repeats=100) == "compiled"


# --- temperature ---------------------------------------------------------------------------------


@pytest.fixture
def split_by_both(monkeypatch):
    """Split the loss by both paths, whatever the size."""
    from whyloss.measures.calibration.refinement import calibrate

    def run(y_true, scores, scale="logits", *, ids=None):
        ids = np.arange(len(y_true)) if ids is None else ids
        results = []
        for large in (0, 1 << 60):
            monkeypatch.setattr(backend, "LARGE", large)
            scored = per_sample(y_true, scores, scale).scored
            predictions = Predictions.from_arrays(y_true, **{scale: scores}, ids=ids)
            results.append(calibrate(predictions, scored))
        return results

    return run


def close(fast, slow):
    assert fast.accepted == slow.accepted
    assert fast.fit.shrunk == slow.fit.shrunk
    assert fast.fit.temperature == pytest.approx(slow.fit.temperature, rel=1e-6)
    assert fast.fit.se == pytest.approx(slow.fit.se, rel=1e-3)
    for name in ("log_loss", "refinement", "calibration"):
        got, expected = getattr(fast, name), getattr(slow, name)
        assert got.value == pytest.approx(expected.value, rel=1e-8, abs=1e-7)
        assert got.se == pytest.approx(expected.se, rel=1e-4, abs=1e-12)
    np.testing.assert_allclose(fast.refined, slow.refined, rtol=2e-5, atol=1e-5)


@pytest.mark.parametrize("temperature", [0.2, 1.0, 2.2, 30.0])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(("n_samples", "n_classes"), [(400, 3), (3000, 10), (1200, 80)])
def test_temperatures_agree(split_by_both, n_samples, n_classes, dtype, temperature):
    known = known_cause(
        n_samples, temperature=temperature, n_samples=n_samples, n_classes=n_classes
    )
    given = known.source.predictions("val", 0)
    close(*split_by_both(given.y_true, given.scores.astype(dtype)))


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("n_classes", [1, 4])
def test_temperatures_agree_on_every_scale(split_by_both, n_classes, scale):
    rng = np.random.default_rng(3)
    logits = rng.standard_normal((2000, n_classes)) * 3
    y_true = (rng.random(2000) < 0.7).astype(np.int32)
    y_true *= logits[:, -1] > 0
    close(*split_by_both(y_true, on_scale(logits.astype(np.float32), scale), scale))


def test_rows_that_are_not_scored_take_no_part_in_a_temperature(split_by_both):
    y_true, logits = some(14, 1500, 12)
    logits[::9] = np.nan
    logits[4::9, 3] = np.inf
    logits[np.arange(1, 300, 9), y_true[1:300:9]] = -np.inf
    fast, slow = split_by_both(y_true, logits)
    close(fast, slow)
    assert np.isnan(fast.refined).sum() > 300


@pytest.mark.parametrize("n_samples", [60, 1000])
def test_no_minimum_where_all_are_right_and_one_id_alone_has_no_folds(split_by_both, n_samples):
    y_true, logits = some(15, n_samples, 5, spread=1.0)
    logits[np.arange(n_samples), y_true] = 6.0
    close(*split_by_both(y_true, logits))
    close(*split_by_both(y_true, logits, ids=np.full(n_samples, 7)))


def test_folds_that_differ_much_are_fitted_one_by_one(split_by_both):
    known = known_cause(5, temperature=3.0, n_samples=70, n_classes=4)
    given = known.source.predictions("val", 0)
    close(*split_by_both(given.y_true, given.scores))


def test_a_handful_of_passes_is_enough(monkeypatch):
    from whyloss.measures.compiled import crossfit
    from whyloss.measures.samples.folds import fold_of

    known = known_cause(1, temperature=1.7, n_samples=20_000, n_classes=5)
    given = known.source.predictions("val", 0)
    monkeypatch.setattr(crossfit, "SAMPLE_VALUES", 20_000)
    sizes = []
    kernel = crossfit.fold_moments
    monkeypatch.setattr(crossfit, "fold_moments", lambda *a: (sizes.append(len(a[0])), kernel(*a)))
    fold = fold_of(given.ids, 5).astype(np.int8)
    crossfit.cross_fit(given.y_true, given.scores, "logits", fold)
    assert sum(sizes) <= 5 * given.n_samples


@pytest.mark.parametrize("planted", [0, 2])
def test_outliers_are_found_by_either_path(monkeypatch, planted):
    from whyloss.measures.calibration.outliers import find_outliers

    known = known_cause(6, temperature=1.5, n_samples=1500, n_classes=4)
    given = known.source.predictions("val", 0)
    scores = given.scores.copy()
    scores[:planted] = 0.0
    scores[np.arange(planted), (given.y_true[:planted] + 1) % 4] = 60.0
    predictions = Predictions.from_arrays(given.y_true, logits=scores)
    found = []
    for large in (0, 1 << 60):
        monkeypatch.setattr(backend, "LARGE", large)
        samples = per_sample(predictions.y_true, predictions.scores, "logits")
        found.append(find_outliers(predictions, samples))
    fast, slow = found
    assert slow.rows.tolist() == list(range(planted))
    np.testing.assert_array_equal(fast.rows, slow.rows)
    np.testing.assert_allclose(fast.expected, slow.expected, rtol=1e-4)
    assert fast.temperature_without.value == pytest.approx(slow.temperature_without.value, rel=1e-6)


def test_label_noise_is_fitted_by_either_path(monkeypatch):
    from whyloss.measures.calibration.noise_models import fit_nested

    known = known_cause(8, temperature=1.7, noise=0.1, n_samples=3000, n_classes=10)
    given = known.source.predictions("val", 0)
    found = []
    for large in (0, 1 << 60):
        monkeypatch.setattr(backend, "LARGE", large)
        found.append(fit_nested(given, np.ones(3000, dtype=np.bool_)))
    fast, slow = found
    assert slow.label_noise.accepted
    assert fast.label_noise.share == pytest.approx(slow.label_noise.share, abs=1e-5)
    assert fast.label_noise.temperature == pytest.approx(slow.label_noise.temperature, rel=1e-4)
    assert fast.label_noise.likelihood_ratio == pytest.approx(
        slow.label_noise.likelihood_ratio, rel=1e-4
    )
    assert fast.nats == pytest.approx(slow.nats, abs=1e-5)
