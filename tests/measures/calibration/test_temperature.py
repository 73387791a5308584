"""The temperature, its interval, its folds, and the split of the loss that rests on it."""

import math
import warnings
from functools import cache

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from scipy.stats import chisquare

from whyloss.data import Predictions
from whyloss.errors import TooFewSamplesError
from whyloss.measures.calibration.refinement import MAX_HARM, calibrate
from whyloss.measures.calibration.surprise_gap import surprise_gap
from whyloss.measures.calibration.temperature import (
    PRIOR_MEAN,
    PRIOR_SD,
    LogitsObjective,
    fit_temperature,
)
from whyloss.measures.losses.per_sample import per_sample
from whyloss.measures.samples.folds import fold_of
from whyloss.testing import known_cause


def planted(seed, **options):
    """Labels and logits with a known cause."""
    predictions = known_cause(seed, **options).source.predictions("val", 0)
    return predictions.y_true, predictions.scores


def split(y_true, scores, scale="logits", *, ids=None, scored=None, weights=None):
    predictions = Predictions.from_arrays(y_true, **{scale: scores}, ids=ids, weights=weights)
    return calibrate(predictions, np.ones(len(y_true), dtype=bool) if scored is None else scored)


def mean_loss(y_true, logits, log_beta):
    return -log_softmax(math.exp(log_beta) * logits, axis=1)[np.arange(len(y_true)), y_true].mean()


# --- the fit ------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_classes", [2, 3, 10, 100])
@pytest.mark.parametrize("temperature", [0.3, 1.0, 1.7, 8.0, 2000.0])
def test_the_minimum_is_that_of_a_general_optimiser(n_classes, temperature):
    y_true, logits = planted(n_classes, temperature=temperature, n_classes=n_classes, n_samples=400)
    expected = minimize_scalar(
        lambda u: mean_loss(y_true, logits, u),
        bounds=(-math.log(temperature) - 2, -math.log(temperature) + 2),
        method="bounded",
        options={"xatol": 1e-10},
    )
    fit = fit_temperature(LogitsObjective(y_true, logits, "logits"))
    assert fit.temperature == pytest.approx(math.exp(-expected.x), rel=1e-6)
    assert fit.beta == pytest.approx(1 / fit.temperature, rel=1e-15)
    assert not fit.shrunk


def test_a_small_sample_is_pulled_towards_the_prior_by_as_much_as_it_says():
    y_true, logits = planted(1, temperature=3.0, n_samples=120)
    expected = minimize_scalar(
        lambda u: 120 * mean_loss(y_true, logits, u) + 0.5 * ((u - PRIOR_MEAN) / PRIOR_SD) ** 2,
        bounds=(-4, 2),
        method="bounded",
        options={"xatol": 1e-10},
    )
    fit = fit_temperature(LogitsObjective(y_true, logits, "logits"))
    assert fit.shrunk
    assert fit.log_beta == pytest.approx(expected.x, abs=1e-6)


@pytest.mark.parametrize("start", [-6.0, -1.0, 2.0, 6.0])
def test_the_minimum_does_not_depend_on_where_the_search_begins(start):
    problem = LogitsObjective(*planted(2, temperature=2.0), "logits")
    assert fit_temperature(problem, start=start).log_beta == pytest.approx(
        fit_temperature(problem).log_beta, abs=1e-9
    )


@pytest.mark.parametrize("scale", ["logits", "log_probs", "probs"])
@pytest.mark.parametrize("columns", [slice(None), slice(1, None)])
def test_every_scale_and_one_column_give_the_same_temperature(scale, columns):
    y_true, logits = planted(3, temperature=1.6, n_classes=2)
    expected = fit_temperature(LogitsObjective(y_true, logits, "logits")).log_beta
    scores = logits - logits[:, :1] if scale == "logits" else log_softmax(logits, axis=1)
    scores = np.exp(scores) if scale == "probs" else scores
    got = fit_temperature(LogitsObjective(y_true, scores[:, columns], scale)).log_beta
    assert got == pytest.approx(expected, abs=1e-7)


def test_classes_that_are_masked_out_change_no_temperature():
    y_true, logits = planted(4, temperature=0.5)
    expected = fit_temperature(LogitsObjective(y_true, logits, "logits"))
    for mask in (-np.inf, float(np.finfo(np.float32).min), float(np.finfo(np.float64).min)):
        masked = np.concatenate([logits, np.full((len(logits), 1), mask)], axis=1)
        got = fit_temperature(LogitsObjective(y_true, masked, "logits"))
        assert got.log_beta == pytest.approx(expected.log_beta, abs=1e-9)


def test_the_slopes_are_those_of_finite_differences():
    y_true, logits = planted(5, temperature=1.4, n_samples=300)
    problem = LogitsObjective(y_true, logits, "logits")
    h = 1e-5
    for u in (-1.0, 0.0, 0.7):
        _, gradient, gauss_newton, curvature = problem.at(u)
        up, down = problem.at(u + h), problem.at(u - h)
        np.testing.assert_allclose(gradient, (up[0] - down[0]) / (2 * h), rtol=1e-5, atol=1e-8)
        np.testing.assert_allclose(curvature, (up[1] - down[1]) / (2 * h), rtol=1e-5, atol=1e-8)
        assert (gauss_newton >= 0).all()
        np.testing.assert_array_equal(gauss_newton + gradient, curvature)


def test_at_temperature_one_the_slope_is_the_surprise_gap():
    y_true, logits = planted(6, temperature=2.0)
    loss, gradient, gauss_newton, _ = LogitsObjective(y_true, logits, "logits").at(0.0)
    samples = per_sample(y_true, logits, "logits")
    np.testing.assert_allclose(loss, samples.log_loss, rtol=1e-13)
    np.testing.assert_allclose(gradient, samples.log_loss - samples.entropy, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(gauss_newton, samples.entropy_variance, rtol=1e-9, atol=1e-14)
    assert gradient.mean() == pytest.approx(surprise_gap(samples).gap.value, rel=1e-12)


def test_one_temperature_per_sample_is_that_sample_at_its_own():
    y_true, logits = planted(7, n_samples=60)
    problem = LogitsObjective(y_true, logits, "logits")
    each = np.linspace(-1, 1, 60)
    for row in (0, 31, 59):
        assert problem.at(each)[0][row] == pytest.approx(problem.at(each[row])[0][row], rel=1e-14)


@pytest.mark.parametrize(
    ("temperature", "n_classes", "n_samples"),
    [(0.6, 3, 300), (1.0, 2, 300), (1.8, 3, 300), (1.8, 10, 1000), (4.0, 100, 400), (1.4, 3, 100)],
)
def test_the_interval_covers_the_planted_temperature(temperature, n_classes, n_samples):
    covered = 0
    for seed in range(200):
        y_true, logits = planted(
            seed, temperature=temperature, n_classes=n_classes, n_samples=n_samples
        )
        estimate = fit_temperature(LogitsObjective(y_true, logits, "logits")).estimate
        assert estimate.low < estimate.value < estimate.high
        covered += estimate.low <= temperature <= estimate.high
    assert 0.90 <= covered / 200 <= 0.99


# --- samples that tell no temperature -----------------------------------------------------------


def all_right(n, gap):
    rng = np.random.default_rng(0)
    y_true = rng.integers(3, size=n)
    logits = rng.uniform(0, 1, (n, 3))
    logits[np.arange(n), y_true] += 1.0 + gap
    return y_true, logits


@pytest.mark.parametrize("n_samples", [60, 250, 2000])
@pytest.mark.parametrize("gap", [0.01, 1.0, 30.0, 1000.0])
def test_samples_that_are_all_right_ask_for_no_absurd_confidence(n_samples, gap):
    y_true, logits = all_right(n_samples, gap)
    got = split(y_true, logits)
    assert got.fit.shrunk
    assert 0.02 < got.fit.temperature < 20
    assert got.refinement.value <= got.log_loss.value


@pytest.mark.parametrize("n_samples", [60, 250, 2000])
@pytest.mark.parametrize("size", [1.0, 100.0])
def test_samples_that_are_all_wrong_do_not_end_at_a_bound(n_samples, size):
    y_true, logits = all_right(n_samples, 0.0)
    got = split(y_true, -size * logits)
    assert got.fit.shrunk
    assert got.refinement.value < got.log_loss.value
    assert got.refinement.value == pytest.approx(math.log(3), abs=0.6)
    assert 0 < got.fit.estimate.low < got.fit.temperature < got.fit.estimate.high < math.inf


def test_logits_that_tell_nothing_end_near_chance_and_say_that_the_prior_took_part():
    rng = np.random.default_rng(0)
    got = split(rng.integers(3, size=2000), 3 * rng.standard_normal((2000, 3)))
    assert got.log_loss.value > 2.5
    assert got.refinement.value == pytest.approx(math.log(3), abs=0.01)
    assert got.fit.shrunk
    assert 3 < got.fit.estimate.low < got.fit.estimate.high < 100


@pytest.mark.parametrize("n_samples", [60, 500])
def test_uniform_predictions_have_no_temperature(n_samples):
    y_true = np.arange(n_samples) % 3
    got = split(y_true, np.zeros((n_samples, 3)))
    assert got.refinement.value == got.log_loss.value == pytest.approx(math.log(3), rel=1e-14)
    if n_samples < 200:  # then it is the prior's, as wide as that is
        assert got.fit.log_beta == pytest.approx(PRIOR_MEAN)
        assert got.fit.se == pytest.approx(PRIOR_SD)
    else:
        assert got.fit.temperature == 1.0
        assert got.fit.estimate.low is None
        assert got.fit.estimate.note == "no spread in the samples"


def test_fewer_than_fifty_samples_are_too_few():
    y_true, logits = planted(0, n_samples=60)
    scored = np.arange(60) < 49
    with pytest.raises(TooFewSamplesError, match="at least 50 scored samples; got 49"):
        split(y_true, logits, scored=scored)
    scored[49] = True
    assert split(y_true, logits, scored=scored).log_loss.value > 0


# --- the split of the loss ----------------------------------------------------------------------


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
@pytest.mark.parametrize("n_samples", [50, 333, 3000])
def test_refinement_and_calibration_sum_to_the_loss(temperature, n_samples):
    y_true, logits = planted(8, temperature=temperature, n_samples=n_samples)
    got = split(y_true, logits)
    assert got.refinement.value + got.calibration.value == pytest.approx(
        got.log_loss.value, abs=1e-12
    )
    assert got.log_loss.value == pytest.approx(
        per_sample(y_true, logits, "logits").log_loss.mean(), rel=1e-13
    )
    assert got.refined.mean() == pytest.approx(got.refinement.value, rel=1e-13)
    assert got.calibration.value > -MAX_HARM / n_samples


def test_each_sample_is_scored_by_a_temperature_fitted_without_its_fold():
    y_true, logits = planted(9, temperature=2.0, n_samples=400)
    ids = np.arange(400) * 17
    got, fold = split(y_true, logits, ids=ids), fold_of(ids, 5)
    for k in range(5):
        rest = fold != k
        u = fit_temperature(LogitsObjective(y_true[rest], logits[rest], "logits")).log_beta
        expected = -log_softmax(math.exp(u) * logits, axis=1)[np.arange(400), y_true]
        np.testing.assert_allclose(got.refined[~rest], expected[~rest], rtol=1e-9)


def test_a_calibrated_model_has_a_calibration_part_of_nothing_within_its_error():
    parts = []
    for seed in range(200):
        y_true, logits = planted(seed, temperature=1.0, n_samples=300)
        got = split(y_true, logits)
        assert got.accepted
        parts.append(got.calibration)
    inside = [part.low <= 0 <= part.high for part in parts]
    assert np.mean(inside) > 0.93
    # What fitting one parameter on four fifths of the samples costs out of fold.
    assert np.mean([part.value for part in parts]) == pytest.approx(-0.625 / 300, abs=1e-3)


def test_a_temperature_that_does_harm_is_not_accepted():
    # Every answer right: the prior alone holds the temperature, and it asks for doubt.
    y_true, logits = all_right(500, 15.0)
    got = split(y_true, logits)
    assert not got.accepted
    assert got.refinement.value == got.log_loss.value
    assert got.calibration.value == 0.0
    np.testing.assert_array_equal(got.refined, per_sample(y_true, logits, "logits").log_loss)


def test_the_order_of_the_rows_changes_only_the_order_of_the_result():
    y_true, logits = planted(10, temperature=1.7, n_samples=600)
    ids = np.array([f"image-{i}" for i in range(600)])
    order = np.random.default_rng(0).permutation(600)
    plain = split(y_true, logits, ids=ids)
    moved = split(y_true[order], logits[order], ids=ids[order])
    np.testing.assert_allclose(moved.refined, plain.refined[order], rtol=1e-9, atol=1e-13)
    assert moved.fit.log_beta == pytest.approx(plain.fit.log_beta, abs=1e-10)


def test_rows_that_are_not_scored_take_no_part():
    y_true, logits = planted(11, temperature=1.7, n_samples=300)
    spoiled = np.concatenate([logits, np.full((20, 3), np.nan)])
    scored = np.arange(320) < 300
    got = split(np.concatenate([y_true, np.zeros(20, int)]), spoiled, scored=scored)
    plain = split(y_true, logits)
    np.testing.assert_array_equal(got.refined[:300], plain.refined)
    assert np.isnan(got.refined[300:]).all()
    assert got.refinement == plain.refinement


def test_one_id_throughout_leaves_nothing_to_hold_out_and_is_fitted_as_one():
    y_true, logits = planted(12, temperature=2.0, n_samples=300)
    got = split(y_true, logits, ids=np.zeros(300, dtype=np.int64))
    u = fit_temperature(LogitsObjective(y_true, logits, "logits")).log_beta
    np.testing.assert_allclose(
        got.refined, -log_softmax(math.exp(u) * logits, axis=1)[np.arange(300), y_true], rtol=1e-9
    )


@cache
def simulated():
    """Estimates and standard errors over many draws of the same situation."""
    rows = []
    for seed in range(300):
        got = split(*planted(seed, temperature=1.8, n_samples=1000))
        rows.append(
            [got.refinement.value, got.refinement.se, got.calibration.value, got.calibration.se]
        )
    return np.array(rows).T


def test_standard_errors_are_those_that_a_simulation_shows():
    refinement, se_refinement, calibration, se_calibration = simulated()
    assert np.median(se_refinement) == pytest.approx(refinement.std(ddof=1), rel=0.2)
    assert np.median(se_calibration) == pytest.approx(calibration.std(ddof=1), rel=0.2)


def test_refinement_and_calibration_are_the_planted_ones_on_average():
    refinement, _, calibration, _ = simulated()
    truth = [known_cause(seed, temperature=1.8, n_samples=1000) for seed in range(300)]
    planted_refinement = np.array([known.refinement[0] for known in truth])
    planted_calibration = np.array([known.calibration[0] for known in truth])
    for got, planted_value in (
        (refinement, planted_refinement),
        (calibration, planted_calibration),
    ):
        error = got - planted_value
        # Cross-fitting costs about 1 / (2 n) = 0.0005 nat.
        assert abs(error.mean()) < 3.5 * error.std(ddof=1) / math.sqrt(300) + 0.001


# --- folds --------------------------------------------------------------------------------------

IDS = {
    "consecutive": np.arange(20_000),
    "every fifth": np.arange(0, 100_000, 5),
    "every thousandth": np.arange(0, 20_000_000, 1000),
    "negative": -np.arange(20_000),
    "int32": np.arange(20_000, dtype=np.int32),
    "strings": np.array([f"val/{i:06d}.png" for i in range(20_000)]),
}


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize("n_folds", [2, 5, 10])
def test_folds_are_about_equal(name, n_folds):
    counts = np.bincount(fold_of(IDS[name], n_folds), minlength=n_folds)
    assert len(counts) == n_folds
    assert chisquare(counts).pvalue > 1e-4


def test_a_fold_depends_on_the_id_and_on_nothing_else():
    for ids in IDS.values():
        whole = fold_of(ids, 5)
        order = np.random.default_rng(0).permutation(len(ids))
        np.testing.assert_array_equal(fold_of(ids[order], 5), whole[order])
        np.testing.assert_array_equal(fold_of(ids[:3], 5), whole[:3])
    np.testing.assert_array_equal(fold_of(IDS["int32"], 5), fold_of(IDS["consecutive"], 5))
    wide = np.array(["a", "b", "a" * 99])
    np.testing.assert_array_equal(fold_of(wide, 5)[:2], fold_of(wide[:2].astype("U1"), 5))


def test_folds_are_the_same_on_every_machine_and_in_every_version():
    # Recorded once: a change would split runs that were recorded before from those after.
    assert fold_of(np.arange(12), 5).tolist() == FOLDS_OF_INTEGERS
    assert fold_of(np.array(["a", "b", "ä", "val/1.png"]), 5).tolist() == FOLDS_OF_STRINGS


FOLDS_OF_INTEGERS = [0, 0, 0, 3, 3, 3, 2, 2, 2, 3, 1, 3]
FOLDS_OF_STRINGS = [3, 1, 2, 1]


def test_the_first_integer_is_hashed_as_the_published_generator_does():
    # splitmix64 with seed 0 gives 0xE220A8397B1DCDAF first, then 0x6E789E6AA1B965F4.
    golden = 0x9E3779B97F4A7C15
    first, second = 0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4
    ids = np.array([0, golden], dtype=np.uint64).view(np.int64)
    assert fold_of(ids, 1_000_003).tolist() == [first % 1_000_003, second % 1_000_003]


def test_samples_with_the_same_id_share_a_fold():
    ids = np.repeat(np.arange(50), 7)
    folds = fold_of(ids, 5).reshape(50, 7)
    assert (folds == folds[:, :1]).all()


def test_ids_that_are_no_clean_text_have_a_fold_too():
    # What a file name with stray bytes looks like in Python.
    assert fold_of(np.array(["caf\udce9.png", "b.png"]), 5).shape == (2,)


def test_nothing_here_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        split(np.zeros(50, dtype=int), np.full((50, 2), 1e4) * [1, -1])
