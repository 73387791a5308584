"""The numbers that verdicts rest on, against programs that we did not write and values on paper."""

import math
import warnings

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from conftest import require
from whyloss.data import Predictions
from whyloss.measures.backend import LARGE
from whyloss.measures.calibration.refinement import calibrate
from whyloss.measures.calibration.temperature import N_FOLDS, LogitsObjective, fit_temperature
from whyloss.measures.losses.logits import RowStatus
from whyloss.measures.losses.per_sample import per_sample
from whyloss.measures.samples.folds import fold_of
from whyloss.testing import known_cause

TEMPERATURES = [0.5, 1.0, 1.7, 4.0]
N_SAMPLES = 2000


def planted(temperature, n_classes, *, n_samples=N_SAMPLES, noise=0.05):
    known = known_cause(
        n_classes, temperature=temperature, n_samples=n_samples, n_classes=n_classes, noise=noise
    )
    given = known.source.predictions("val", 0)
    return given.y_true.astype(np.int64), given.scores.astype(np.float64), given.ids


def split(y_true, scores, ids, scale="logits"):
    predictions = Predictions.from_arrays(y_true, **{scale: scores}, ids=ids)
    return calibrate(predictions, np.ones(len(y_true), dtype=bool))


# --- probmetrics: temperature, refinement and calibration error ---------------------------------


@pytest.fixture(scope="module")
def probmetrics():
    """Import probmetrics, past the old ways of an optimiser that it brings."""
    require("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        require("probmetrics.calibrators")
        require("probmetrics.metrics")
        return require("probmetrics")


def distributions(y_true, logits):
    import torch
    from probmetrics.distributions import CategoricalDirac, CategoricalLogits

    truth = CategoricalDirac(torch.from_numpy(y_true), n_classes=logits.shape[1])
    return truth, CategoricalLogits(torch.from_numpy(logits))


def their_split(y_true, logits, splitter):
    """Refinement and calibration error under their cross-fitted temperature."""
    from probmetrics.calibrators import get_calibrator
    from probmetrics.metrics import LogLoss, MetricsWithCalibration

    parts = MetricsWithCalibration(
        LogLoss(), get_calibrator("temp-scaling"), splitter, cal_name="ts", random_state=0
    ).compute_all(*distributions(y_true, logits))
    by_part = {name.split("_")[0]: float(value) for name, value in parts.items()}
    return by_part["refinement"], by_part["calib-err"]


@pytest.mark.torch
@pytest.mark.usefixtures("probmetrics")
@pytest.mark.parametrize("n_classes", [2, 3, 10, 30])
@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_the_temperature_is_that_of_probmetrics(n_classes, temperature):
    from probmetrics.calibrators import TemperatureScalingCalibrator

    y_true, logits, _ = planted(temperature, n_classes)
    theirs = TemperatureScalingCalibrator(max_bisection_steps=50)
    truth, predicted = distributions(y_true, logits)
    theirs.fit_torch(predicted, truth.get_modes())
    ours = fit_temperature(LogitsObjective(y_true, logits, "logits"))
    assert ours.beta == pytest.approx(theirs.invtemp_, rel=1e-4)


@pytest.mark.torch
@pytest.mark.usefixtures("probmetrics")
@pytest.mark.parametrize("n_classes", [2, 3, 10, 30])
@pytest.mark.parametrize("temperature", [0.5, 1.7])
def test_refinement_and_calibration_are_those_of_probmetrics_on_the_same_folds(
    n_classes, temperature
):
    from probmetrics.splitters import Splitter

    y_true, logits, ids = planted(temperature, n_classes)
    fold = fold_of(ids, N_FOLDS)

    class OurFolds(Splitter):
        def get_splits(self, y_true, random_state=None):
            del y_true, random_state
            return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(N_FOLDS)]

        def get_name(self):
            return "ours"

    refinement, calibration = their_split(y_true, logits, OurFolds())
    ours = split(y_true, logits, ids)
    assert ours.accepted
    assert ours.refinement.value == pytest.approx(refinement, abs=1e-4)
    assert ours.calibration.value == pytest.approx(calibration, abs=1e-4)
    assert ours.log_loss.value == pytest.approx(refinement + calibration, abs=1e-4)


@pytest.mark.torch
@pytest.mark.usefixtures("probmetrics")
@pytest.mark.parametrize(("n_classes", "temperature"), [(2, 0.5), (3, 1.7), (10, 4.0)])
def test_their_own_folds_give_nearly_the_same(n_classes, temperature):
    from probmetrics.splitters import CVSplitter

    # Which folds were drawn moves a calibrated loss by about 1 / n, more where labels are noise.
    y_true, logits, ids = planted(temperature, n_classes, n_samples=20_000, noise=0.0)
    refinement, calibration = their_split(y_true, logits, CVSplitter(n_cv=N_FOLDS))
    ours = split(y_true, logits, ids)
    assert ours.refinement.value == pytest.approx(refinement, abs=1e-4)
    assert ours.calibration.value == pytest.approx(calibration, abs=1e-4)


# --- torch: the temperature by LBFGS, the loss and the accuracy ---------------------------------


def temperature_by_lbfgs(y_true, logits):
    """The usual temperature scaling, in float64 and to convergence."""
    import torch

    scores, labels = torch.from_numpy(logits), torch.from_numpy(y_true)
    log_beta = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [log_beta],
        max_iter=200,
        tolerance_grad=1e-12,
        tolerance_change=1e-14,
        line_search_fn="strong_wolfe",
    )

    def loss():
        optimizer.zero_grad()
        value = torch.nn.functional.cross_entropy(scores * log_beta.exp(), labels)
        value.backward()
        return value

    optimizer.step(loss)
    return math.exp(-log_beta.item())


@pytest.mark.torch
@pytest.mark.parametrize("n_classes", [2, 3, 10, 100])
@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_temperature_and_refinement_are_those_of_lbfgs(n_classes, temperature):
    torch = require("torch")
    y_true, logits, ids = planted(temperature, n_classes, n_samples=2000)
    ours = split(y_true, logits, ids)
    assert ours.fit.temperature == pytest.approx(temperature_by_lbfgs(y_true, logits), rel=1e-6)
    fold = fold_of(ids, N_FOLDS)
    expected = np.empty(len(y_true))
    for k in range(N_FOLDS):
        held_out = fold == k
        fitted = temperature_by_lbfgs(y_true[~held_out], logits[~held_out])
        expected[held_out] = torch.nn.functional.cross_entropy(
            torch.from_numpy(logits[held_out] / fitted),
            torch.from_numpy(y_true[held_out]),
            reduction="none",
        ).numpy()
    assert ours.accepted
    np.testing.assert_allclose(ours.refined, expected, rtol=1e-5, atol=1e-9)
    assert ours.refinement.value == pytest.approx(expected.mean(), abs=1e-8)


@pytest.mark.torch
@pytest.mark.parametrize("temperature", [0.5, 4.0])
def test_the_compiled_path_finds_the_temperature_of_lbfgs(temperature):
    require("torch")
    y_true, logits, ids = planted(temperature, 10, n_samples=LARGE // 10 + 1)
    given = logits.astype(np.float32)
    fitted = split(y_true, given, ids).fit
    expected = temperature_by_lbfgs(y_true, given.astype(np.float64))
    assert fitted.temperature == pytest.approx(expected, rel=2e-6)


@pytest.mark.torch
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("n_classes", [2, 10, 100])
def test_losses_of_large_inputs_are_those_of_torch_in_float64(n_classes, dtype):
    torch = require("torch")
    n_samples = LARGE // n_classes + 1
    y_true, logits, _ = planted(3.0, n_classes, n_samples=n_samples)
    given = logits.astype(dtype)
    expected = torch.nn.CrossEntropyLoss(reduction="none")(
        torch.from_numpy(given.astype(np.float64)), torch.from_numpy(y_true)
    ).numpy()
    # Torch takes the logarithm of 1 + a tiny rest, so that losses near zero are good to 1e-15 each.
    np.testing.assert_allclose(
        per_sample(y_true, given, "logits").log_loss, expected, rtol=1e-6, atol=1e-14
    )


@pytest.mark.torch
@pytest.mark.parametrize("n_samples", [500, LARGE // 10 + 1])
def test_accuracy_and_the_first_five_are_those_of_torchmetrics(n_samples):
    torch = require("torch")
    accuracy = require("torchmetrics.functional.classification").multiclass_accuracy
    y_true, logits, _ = planted(1.0, 10, n_samples=n_samples)
    got = per_sample(y_true, logits, "logits")
    scores, labels = torch.from_numpy(logits), torch.from_numpy(y_true)
    for k in (1, 5):
        expected = accuracy(scores, labels, num_classes=10, average="micro", top_k=k).item()
        assert (got.rank <= k).mean() == pytest.approx(expected, abs=1e-6)
    np.testing.assert_array_equal(got.y_pred == y_true, got.rank == 1)


# --- p = sigma(a x + b) on five points: likelihood and accuracy have different optima -----------

X = np.array([-1.0, -0.3, 0.0, 0.9, 1.0])
Y = np.array([0, 0, 1, 0, 1])
SLOPE, INTERCEPT = 1.2680509, -0.6542743  # more digits than the 1.26805, -0.65427 on paper


def losses(slope, intercept):
    return per_sample(Y, (slope * X + intercept)[:, None], "logits")


def fit_by_the_product():
    """Maximise the exact likelihood: the product of the probabilities of what was seen."""

    def surprise(ab):
        p = 1 / (1 + np.exp(-(ab[0] * X + ab[1])))
        return -np.log(np.prod(np.where(Y == 1, p, 1 - p)))

    return minimize(
        surprise, [0.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-15}
    ).x


def fit_by_sklearn():
    model = LogisticRegression(C=np.inf, tol=1e-10).fit(X[:, None], Y)
    return model.coef_[0, 0], model.intercept_[0]


def fit_by_our_losses():
    def total(ab):
        return losses(*ab).log_loss.sum()

    return minimize(
        total, [0.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-15}
    ).x


@pytest.mark.parametrize("fit", [fit_by_the_product, fit_by_sklearn, fit_by_our_losses])
def test_the_likelihood_of_five_points_has_its_maximum_where_it_should(fit):
    slope, intercept = fit()
    assert slope == pytest.approx(SLOPE, abs=1e-6)
    assert intercept == pytest.approx(INTERCEPT, abs=1e-6)
    assert losses(slope, intercept).log_loss.mean() == pytest.approx(0.5824, abs=5e-5)
    assert -intercept / slope == pytest.approx(0.516, abs=5e-4)


@pytest.mark.parametrize(
    ("slope", "intercept", "each", "mean", "accuracy"),
    [
        (SLOPE, INTERCEPT, [0.1365, 0.3040, 1.0729, 0.9660, 0.4326], 0.5824, 0.6),
        (5.0, 0.5, [0.0110, 0.3133, 0.4741, 5.0067, 0.0041], 1.1618, 0.8),
        (5.0, -4.8, [0.00006, 0.0018, 4.8082, 0.5544, 0.5981], 1.1925, 0.8),
    ],
)
def test_the_best_accuracy_of_five_points_costs_twice_the_loss(
    slope, intercept, each, mean, accuracy
):
    got = losses(slope, intercept)
    np.testing.assert_allclose(got.log_loss, each, atol=5e-5)
    assert got.log_loss.mean() == pytest.approx(mean, abs=5e-5)
    assert (got.y_pred == Y).mean() == pytest.approx(accuracy)


def test_no_cut_of_five_points_is_right_more_often_than_four_times():
    grid = np.linspace(-5, 5, 101)
    slope, intercept = (part.ravel() for part in np.meshgrid(grid, grid, indexing="ij"))
    logits = np.outer(slope, X) + intercept[:, None]
    # Every label at every (a, b), in one call.
    got = per_sample(np.tile(Y, len(slope)), logits.reshape(-1, 1), "logits")
    accuracy = (got.y_pred == np.tile(Y, len(slope))).reshape(logits.shape).mean(axis=1)
    mean = got.log_loss.reshape(logits.shape).mean(axis=1)
    assert accuracy.max() == pytest.approx(0.8)
    best = mean.argmin()
    assert (slope[best], intercept[best]) == pytest.approx((1.3, -0.7))
    assert accuracy[best] == pytest.approx(0.6)
    assert mean[accuracy > 0.7].min() > mean.min()


# --- values at the edge, in small inputs and in large ones --------------------------------------

NAN, INF, LN2 = math.nan, math.inf, math.log(2)
NON_FINITE, IMPOSSIBLE = RowStatus.NON_FINITE, RowStatus.INFINITE_LOSS
NO_DISTRIBUTION, OK = RowStatus.NOT_A_DISTRIBUTION, RowStatus.OK
FULL = 65504.0  # the largest float16

# Scores, label, loss, status. Everything here is exact in float16.
EDGES = {
    "logits": [
        ([1e4, -1e4, 0, 0], 0, 0.0, OK),
        ([1e4, -1e4, 0, 0], 1, 2e4, OK),
        ([1e4, -1e4, 0, 0], 3, 1e4, OK),
        ([-1e4, -1e4, -1e4, -1e4], 2, 2 * LN2, OK),
        ([1e4, 1e4, -1e4, 0], 1, LN2, OK),
        ([FULL, FULL, 0, 0], 0, LN2, OK),
        ([FULL, FULL, 0, 0], 2, FULL + LN2, OK),
        ([FULL, -FULL, -FULL, -FULL], 0, 0.0, OK),
        ([-FULL, FULL, -FULL, -FULL], 0, 2 * FULL, OK),
        ([INF, 0, 0, 0], 0, NAN, NON_FINITE),
        ([0, -INF, 0, -INF], 0, LN2, OK),
        ([0, -INF, 0, -INF], 3, INF, IMPOSSIBLE),
        ([-INF, -INF, 7, -INF], 2, 0.0, OK),
        ([-INF, -INF, -INF, -INF], 0, NAN, NON_FINITE),
        ([NAN, 0, 0, 0], 1, NAN, NON_FINITE),
        ([0, 0, 0, NAN], 0, NAN, NON_FINITE),
        ([0, 0, 0, 0], 0, 2 * LN2, OK),
        ([-0.0, 0, -0.0, 0], 2, 2 * LN2, OK),
    ],
    "log_probs": [
        ([0, -INF, -INF, -INF], 0, 0.0, OK),
        ([0, -INF, -INF, -INF], 1, INF, IMPOSSIBLE),
        ([0, -1e4, -1e4, -1e4], 1, 1e4, OK),
        ([0, -FULL, -FULL, -FULL], 3, FULL, OK),
        ([NAN, 0, -INF, -INF], 1, NAN, NON_FINITE),
        ([INF, 0, 0, 0], 1, NAN, NON_FINITE),
        ([1e4, 0, 0, 0], 0, NAN, NO_DISTRIBUTION),
        ([-1e4, -1e4, -1e4, -1e4], 0, NAN, NO_DISTRIBUTION),
    ],
    "probs": [
        ([1, 0, 0, 0], 0, 0.0, OK),
        ([1, 0, 0, 0], 2, INF, IMPOSSIBLE),
        ([0.5, 0, 0.5, 0], 2, LN2, OK),
        ([0.5, 0, 0.5, 0], 1, INF, IMPOSSIBLE),
        ([0.25, 0.25, 0.25, 0.25], 3, 2 * LN2, OK),
        ([NAN, 1, 0, 0], 1, NAN, NON_FINITE),
        ([1, 1, 0, 0], 0, NAN, NO_DISTRIBUTION),
        ([0, 0, 0, 0], 0, NAN, NO_DISTRIBUTION),
        ([1.5, -0.5, 0, 0], 0, NAN, NO_DISTRIBUTION),
    ],
}
EDGES_OF_ONE_COLUMN = {
    "logits": [
        ([1e4], 1, 0.0, OK),
        ([1e4], 0, 1e4, OK),
        ([-1e4], 1, 1e4, OK),
        ([-FULL], 0, 0.0, OK),
        ([FULL], 0, FULL, OK),
        ([0], 1, LN2, OK),
        ([INF], 1, NAN, NON_FINITE),
        ([-INF], 0, NAN, NON_FINITE),
        ([NAN], 0, NAN, NON_FINITE),
    ],
    "log_probs": [
        ([0], 1, 0.0, OK),
        ([0], 0, INF, IMPOSSIBLE),
        ([-INF], 0, 0.0, OK),
        ([-INF], 1, INF, IMPOSSIBLE),
        ([-1e4], 1, 1e4, OK),
        ([1], 1, NAN, NO_DISTRIBUTION),
        ([NAN], 1, NAN, NON_FINITE),
    ],
    "probs": [
        ([0], 0, 0.0, OK),
        ([1], 1, 0.0, OK),
        ([0], 1, INF, IMPOSSIBLE),
        ([1], 0, INF, IMPOSSIBLE),
        ([0.5], 1, LN2, OK),
        ([2], 1, NAN, NO_DISTRIBUTION),
        ([NAN], 1, NAN, NON_FINITE),
    ],
}


@pytest.fixture
def compiled_calls(monkeypatch):
    """What the compiled path was asked to score."""
    from whyloss.measures.compiled import dispatch

    calls = []
    score = dispatch.score
    monkeypatch.setattr(dispatch, "score", lambda *args: (calls.append(args), score(*args))[1])
    return calls


@pytest.mark.parametrize("size", ["small", "large"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("scale", ["logits", "log_probs", "probs"])
@pytest.mark.parametrize("table", [EDGES, EDGES_OF_ONE_COLUMN], ids=["four columns", "one column"])
def test_values_at_the_edge_are_exact_or_named(compiled_calls, table, scale, dtype, size):
    rows, labels, expected, status = zip(*table[scale], strict=True)
    once = np.array(rows, dtype=dtype)
    repeats = 1 if size == "small" else LARGE // once.size + 1
    scores, y_true = np.tile(once, (repeats, 1)), np.tile(labels, repeats)
    got = per_sample(y_true, scores, scale)
    assert bool(compiled_calls) == (size == "large")
    np.testing.assert_array_equal(got.status, np.tile(status, repeats))
    np.testing.assert_allclose(got.log_loss, np.tile(expected, repeats), rtol=2e-7, atol=0)
    no_prediction = np.isnan(got.log_loss)
    assert (got.y_pred[no_prediction] == -1).all()
    for name in ("confidence", "entropy", "entropy_variance", "margin", "brier"):
        values = getattr(got, name)
        np.testing.assert_array_equal(np.isnan(values), no_prediction, err_msg=name)
    assert np.isin(got.confidence[~no_prediction], [0.25, 0.5, 1.0]).all()
