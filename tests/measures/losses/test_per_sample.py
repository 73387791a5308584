"""Per-sample losses against independent implementations, and what happens to rows that are none."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import log_softmax
from sklearn.metrics import log_loss as sklearn_log_loss

from conftest import require
from whyloss.measures.calibration.surprise_gap import surprise_gap
from whyloss.measures.classification.class_scores import class_scores, confusion_counts
from whyloss.measures.losses import logits as logits_module
from whyloss.measures.losses.logits import RowStatus, logit_blocks
from whyloss.measures.losses.per_sample import per_sample

CLASS_COUNTS = [2, 3, 10, 1000]
DTYPES = [np.float16, np.float32, np.float64]
FLOATS = ("log_loss", "confidence", "entropy", "entropy_variance", "margin", "brier")
FIELDS = (*FLOATS, "y_pred", "rank", "status")


def drawn(n_classes, n_samples=200, *, spread=4.0, seed=0):
    rng = np.random.default_rng(seed)
    logits = spread * rng.standard_normal((n_samples, n_classes))
    return rng.integers(n_classes, size=n_samples), logits


def of_true(matrix, y_true):
    return matrix[np.arange(len(y_true)), y_true]


def same(first, second, rows=slice(None), **tolerance):
    for field in FIELDS:
        np.testing.assert_allclose(
            getattr(first, field)[rows], getattr(second, field), err_msg=field, **tolerance
        )


# --- against other implementations --------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_classes", CLASS_COUNTS)
def test_logits_of_any_precision_agree_with_scipy_in_float64(n_classes, dtype):
    y_true, logits = drawn(n_classes)
    logits = logits.astype(dtype)
    log_prob = log_softmax(logits.astype(np.float64), axis=1)
    prob = np.exp(log_prob)
    got = per_sample(y_true, logits, "logits")
    entropy = -(prob * log_prob).sum(axis=1)
    others = log_prob.copy()
    others[np.arange(len(y_true)), y_true] = -np.inf
    np.testing.assert_allclose(got.log_loss, -of_true(log_prob, y_true), rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(got.y_pred, logits.argmax(axis=1))
    np.testing.assert_allclose(got.confidence, prob.max(axis=1), rtol=1e-12)
    np.testing.assert_allclose(got.entropy, entropy, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(
        got.entropy_variance,
        (prob * (log_prob + entropy[:, None]) ** 2).sum(axis=1),
        rtol=1e-10,
        atol=1e-14,
    )
    np.testing.assert_allclose(
        got.margin, others.max(axis=1) - of_true(log_prob, y_true), rtol=1e-11, atol=1e-12
    )
    one_hot = np.arange(n_classes) == y_true[:, None]
    np.testing.assert_allclose(
        got.brier, ((prob - one_hot) ** 2).sum(axis=1), rtol=1e-9, atol=1e-15
    )
    order = np.argsort(-logits.astype(np.float64), axis=1, kind="stable")
    np.testing.assert_array_equal(got.rank, 1 + (order == y_true[:, None]).argmax(axis=1))
    assert got.scored.all()
    assert all(getattr(got, field).dtype == np.float64 for field in FLOATS)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_classes", CLASS_COUNTS)
def test_log_probabilities_and_probabilities_give_what_their_logits_give(n_classes, dtype):
    # Stored in little precision, the numbers are what they are: the oracle gets the same ones.
    y_true, logits = drawn(n_classes, spread=1.0)
    log_prob = log_softmax(logits, axis=1)
    for scale, scores in (("log_probs", log_prob), ("probs", np.exp(log_prob))):
        stored = scores.astype(dtype)
        as_given = stored.astype(np.float64)
        oracle = log_softmax(np.log(as_given) if scale == "probs" else as_given, axis=1)
        got = per_sample(y_true, stored, scale)
        np.testing.assert_allclose(got.log_loss, -of_true(oracle, y_true), rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(
            got.entropy, -(np.exp(oracle) * oracle).sum(axis=1), rtol=1e-11, atol=1e-14
        )
        assert got.scored.all()


@pytest.mark.parametrize("n_classes", CLASS_COUNTS)
def test_mean_loss_is_that_of_scikit_learn(n_classes):
    y_true, logits = drawn(n_classes)
    prob = np.exp(log_softmax(logits, axis=1))
    expected = sklearn_log_loss(y_true, prob, labels=np.arange(n_classes))
    for scale, scores in (("logits", logits), ("probs", prob), ("log_probs", np.log(prob))):
        got = per_sample(y_true, scores, scale).log_loss.mean()
        assert got == pytest.approx(expected, rel=1e-9)


@pytest.mark.torch
@pytest.mark.parametrize("n_classes", CLASS_COUNTS)
def test_losses_are_those_of_torch_in_float64(n_classes):
    torch = require("torch")
    y_true, logits = drawn(n_classes)
    expected = torch.nn.functional.cross_entropy(
        torch.from_numpy(logits), torch.from_numpy(y_true), reduction="none"
    ).numpy()
    np.testing.assert_allclose(
        per_sample(y_true, logits, "logits").log_loss, expected, rtol=1e-12, atol=1e-13
    )


@pytest.mark.torch
def test_one_column_is_the_binary_cross_entropy_of_torch():
    torch = require("torch")
    y_true, logits = drawn(2)
    column = logits[:, 0]
    expected = torch.nn.functional.binary_cross_entropy_with_logits(
        torch.from_numpy(column), torch.from_numpy(y_true.astype(np.float64)), reduction="none"
    ).numpy()
    got = per_sample(y_true, column[:, None], "logits").log_loss
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-13)


# --- one column is two columns ------------------------------------------------------------------


def one_and_two_columns(scale, dtype=np.float64):
    rng = np.random.default_rng(1)
    z = (5 * rng.standard_normal(300)).astype(dtype)
    zero = np.zeros_like(z)
    if scale == "logits":
        return z[:, None], np.stack([zero, z], axis=1)
    log_prob = log_softmax(np.stack([zero, z], axis=1).astype(np.float64), axis=1)
    two = log_prob if scale == "log_probs" else np.exp(log_prob)
    return two[:, 1:], two


@pytest.mark.parametrize("scale", ["logits", "log_probs", "probs"])
def test_one_column_equals_both_classes_in_two_columns(scale):
    y_true = np.random.default_rng(2).integers(2, size=300)
    one, two = one_and_two_columns(scale)
    same(per_sample(y_true, one, scale), per_sample(y_true, two, scale), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_column_of_logits_equals_two_columns_to_the_last_bit(dtype):
    y_true = np.random.default_rng(2).integers(2, size=300)
    one, two = one_and_two_columns("logits", dtype)
    first, second = per_sample(y_true, one, "logits"), per_sample(y_true, two, "logits")
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(first, field), getattr(second, field))


def test_one_column_of_probabilities_exactly_0_and_1():
    got = per_sample(np.array([0, 1, 0, 1]), np.array([[0.0], [1.0], [1.0], [0.0]]), "probs")
    assert got.log_loss.tolist() == [0.0, 0.0, np.inf, np.inf]
    assert got.y_pred.tolist() == [0, 1, 1, 0]
    assert got.status.tolist() == [0, 0, RowStatus.INFINITE_LOSS, RowStatus.INFINITE_LOSS]
    assert got.entropy.tolist() == [0.0, 0.0, 0.0, 0.0]
    assert got.entropy_variance.tolist() == [0.0, 0.0, 0.0, 0.0]


def test_one_column_of_log_probabilities_exactly_0_and_minus_infinity():
    got = per_sample(np.array([0, 1, 0]), np.array([[-np.inf], [0.0], [0.0]]), "log_probs")
    assert got.log_loss.tolist() == [0.0, 0.0, np.inf]
    assert got.status.tolist() == [RowStatus.OK, RowStatus.OK, RowStatus.INFINITE_LOSS]


def test_of_classes_that_tie_the_first_comes_first():
    tied = per_sample(np.array([0, 1, 2, 3]), np.array([[5.0, 1.0, 5.0, 1.0]] * 4), "logits")
    assert tied.y_pred.tolist() == [0, 0, 0, 0]
    assert tied.rank.tolist() == [1, 3, 2, 4]
    assert per_sample(np.array([1]), np.array([[0.0]]), "logits").y_pred.tolist() == [0]
    assert per_sample(np.array([1]), np.array([[1.0, 3.0, 3.0]]), "logits").y_pred.tolist() == [1]


# --- values worked out by hand ------------------------------------------------------------------


def test_two_raw_outputs_of_a_convolutional_network():
    got = per_sample(np.array([0, 0, 1]), np.array([[0.62, -0.52], [12, -12], [12, -12]]), "logits")
    assert got.confidence[0] == pytest.approx(0.7577, abs=5e-5)
    assert 1 - got.confidence[0] == pytest.approx(0.2423, abs=5e-5)
    assert got.log_loss[0] == pytest.approx(0.2775, abs=5e-5)
    assert got.log_loss[1] == pytest.approx(3.7751345441e-11, rel=1e-9, abs=0)
    assert got.log_loss[2] == pytest.approx(24.0, abs=1e-9)


def test_a_binary_loss_above_one():
    y_true, prob = np.array([1]), np.array([[0.1]])
    logit = np.log(prob) - np.log1p(-prob)
    binary = per_sample(y_true, prob, "probs").log_loss[0]
    assert binary == pytest.approx(2.302585092994046, rel=1e-14)
    assert per_sample(y_true, logit, "logits").log_loss[0] == pytest.approx(binary, rel=1e-14)
    categorical = np.concatenate([np.zeros((1, 1)), logit], axis=1)
    assert per_sample(y_true, categorical, "logits").log_loss[0] == pytest.approx(binary, rel=1e-14)


def log1p_exp(d, others=1):
    """``ln(1 + others * exp(-d))`` to 50 digits."""
    with localcontext() as context:
        context.prec = 400
        return float((1 + others * (-Decimal(d)).exp()).ln())


@pytest.mark.parametrize("d", [0.5, 1.0, 10.0, 30.0, 36.5, 40.0, 100.0, 500.0, 700.0])
def test_tiny_losses_keep_their_relative_precision(d):
    two = per_sample(np.array([0, 1]), np.array([[d, 0.0], [d, 0.0]]), "logits")
    assert two.log_loss[0] == pytest.approx(log1p_exp(d), rel=1e-14, abs=0)
    assert two.log_loss[1] == pytest.approx(d + log1p_exp(d), rel=1e-14)
    many = np.zeros((1, 1000))
    many[0, 7] = d
    got = per_sample(np.array([7]), many, "logits")
    assert got.log_loss[0] == pytest.approx(log1p_exp(d, 999), rel=1e-12, abs=0)


@pytest.mark.parametrize("tiny", [1e-300, 1e-40, 1e-17, 1e-9])
def test_tiny_losses_of_probabilities_keep_theirs(tiny):
    for scale, scores in (("probs", np.array([[tiny]])), ("log_probs", np.log([[tiny]]))):
        got = per_sample(np.array([0]), scores, scale)
        assert got.log_loss[0] == pytest.approx(tiny, rel=1e-9, abs=0)


@pytest.mark.parametrize("size", [1e4, -1e4])
def test_logits_of_ten_thousand_are_exact(size):
    got = per_sample(np.array([0, 1]), np.array([[size, 0.0], [size, 0.0]]), "logits")
    assert got.log_loss.tolist() == ([0.0, 1e4] if size > 0 else [1e4, 0.0])
    assert got.scored.all()
    assert got.entropy.tolist() == [0.0, 0.0]


def test_uniform_predictions_expect_ln_k_of_themselves_and_vary_in_nothing():
    for n_classes in CLASS_COUNTS:
        got = per_sample(np.array([n_classes - 1]), np.full((1, n_classes), -3.0), "logits")
        assert got.log_loss[0] == pytest.approx(np.log(n_classes), rel=1e-14)
        assert got.entropy[0] == pytest.approx(np.log(n_classes), rel=1e-14)
        assert got.entropy_variance[0] == 0.0
        assert got.confidence[0] == pytest.approx(1 / n_classes, rel=1e-14)
        assert got.margin[0] == 0.0


def test_the_variance_of_the_surprise_of_a_coin():
    p = 0.8
    expected = p * (1 - p) * np.log(p / (1 - p)) ** 2
    got = per_sample(np.array([0]), np.array([[1 - p]]), "probs")
    assert got.entropy_variance[0] == pytest.approx(expected, rel=1e-12)


# --- rows that are no prediction, or no finite loss ---------------------------------------------

NAN, INF = np.nan, np.inf

ROWS = [
    ("logits", [1.0, NAN, 0.0], RowStatus.NON_FINITE),
    ("logits", [1.0, INF, 0.0], RowStatus.NON_FINITE),
    ("logits", [NAN, NAN, NAN], RowStatus.NON_FINITE),
    ("logits", [INF, -INF, 0.0], RowStatus.NON_FINITE),
    ("logits", [-INF, -INF, -INF], RowStatus.NON_FINITE),
    ("logits", [0.0, 1.0, -INF], RowStatus.OK),
    ("logits", [-INF, 0.0, 1.0], RowStatus.INFINITE_LOSS),
    ("logits", [0.0, 1e308, -1.7e308], RowStatus.OK),
    ("log_probs", [NAN, -0.1, -3.0], RowStatus.NON_FINITE),
    ("log_probs", [INF, -0.1, -3.0], RowStatus.NON_FINITE),
    ("log_probs", [-INF, -INF, -INF], RowStatus.NON_FINITE),
    ("log_probs", [0.0, -INF, -INF], RowStatus.OK),
    ("log_probs", [-INF, 0.0, -INF], RowStatus.INFINITE_LOSS),
    ("log_probs", [2.0, 1.0, 0.5], RowStatus.NOT_A_DISTRIBUTION),
    ("log_probs", [-5.0, -5.0, -5.0], RowStatus.NOT_A_DISTRIBUTION),
    ("log_probs", [709.7, 709.7, 709.7], RowStatus.NOT_A_DISTRIBUTION),
    ("log_probs", [800.0, 0.0, 0.0], RowStatus.NOT_A_DISTRIBUTION),
    ("probs", [NAN, 0.5, 0.5], RowStatus.NON_FINITE),
    ("probs", [INF, -INF, 0.5], RowStatus.NON_FINITE),
    ("probs", [0.5, 0.25, 0.25], RowStatus.OK),
    ("probs", [1.0, 0.0, 0.0], RowStatus.OK),
    ("probs", [0.0, 1.0, 0.0], RowStatus.INFINITE_LOSS),
    ("probs", [0.0, 0.0, 0.0], RowStatus.NOT_A_DISTRIBUTION),
    ("probs", [0.5, 0.7, -0.2], RowStatus.NOT_A_DISTRIBUTION),
    ("probs", [2.0, -0.5, -0.5], RowStatus.NOT_A_DISTRIBUTION),
    ("probs", [1.0, 1.0, 1.0], RowStatus.NOT_A_DISTRIBUTION),
    ("probs", [1.6e308, 1.6e308, 1.6e308], RowStatus.NOT_A_DISTRIBUTION),
    ("probs", [0.333, 0.333, 0.333], RowStatus.OK),  # printed with three decimals
    ("probs", [0.5, 0.5 + 1e-9, -1e-9], RowStatus.OK),  # a rounding error below zero
    ("probs", [-1e-9, 0.5, 0.5 + 1e-9], RowStatus.INFINITE_LOSS),
]


@pytest.mark.parametrize(("scale", "row", "status"), ROWS)
def test_the_status_of_a_row_and_no_harm_to_its_neighbours(scale, row, status):
    good = {"logits": [2.0, 0.0, 1.0], "log_probs": np.log([0.5, 0.2, 0.3])}.get(
        scale, [0.5, 0.2, 0.3]
    )
    scores, y_true = np.array([good, row, good], dtype=np.float64), np.zeros(3, dtype=np.int32)
    got = per_sample(y_true, scores, scale)
    assert got.status.tolist() == [RowStatus.OK, status, RowStatus.OK]
    assert got.count(RowStatus.OK) == int(got.scored.sum())
    same(got, per_sample(y_true[[0, 2]], scores[[0, 2]], scale), rows=[0, 2], rtol=0)
    floats = np.array([getattr(got, name)[1] for name in FLOATS])
    if status in {RowStatus.NON_FINITE, RowStatus.NOT_A_DISTRIBUTION}:
        assert np.isnan(floats).all()
        assert got.y_pred[1] == got.rank[1] == -1
    else:
        assert np.isinf(got.log_loss[1]) == (status is RowStatus.INFINITE_LOSS)
        assert got.log_loss[1] >= 0
        assert not np.isnan(floats).any()


@pytest.mark.parametrize(
    ("scale", "value", "status"),
    [
        ("logits", NAN, RowStatus.NON_FINITE),
        ("logits", -INF, RowStatus.NON_FINITE),
        ("log_probs", NAN, RowStatus.NON_FINITE),
        ("log_probs", 1.0, RowStatus.NOT_A_DISTRIBUTION),
        ("probs", -0.001, RowStatus.NOT_A_DISTRIBUTION),
        ("probs", 1.5, RowStatus.NOT_A_DISTRIBUTION),
        ("probs", NAN, RowStatus.NON_FINITE),
    ],
)
def test_the_status_of_a_row_of_one_column(scale, value, status):
    assert per_sample(np.array([0]), np.array([[value]]), scale).status.tolist() == [status]


def test_float16_that_ran_over_is_counted_and_not_scored():
    scores = np.array([[65504.0, 0.0], [np.inf, 0.0]], dtype=np.float16)
    got = per_sample(np.array([1, 1]), scores, "logits")
    assert got.status.tolist() == [RowStatus.OK, RowStatus.NON_FINITE]
    assert got.log_loss[0] == 65504.0


@pytest.mark.parametrize("mask", [-np.inf, np.finfo(np.float32).min, np.finfo(np.float64).min])
def test_a_masked_class_takes_no_part(mask):
    y_true, logits = drawn(4)
    masked = np.concatenate([logits, np.full((len(logits), 1), mask)], axis=1)
    got, without = per_sample(y_true, masked, "logits"), per_sample(y_true, logits, "logits")
    same(got, without, rtol=1e-12, atol=1e-13)


def test_losses_are_at_least_ln_2_where_the_label_is_wrong():
    y_true, logits = drawn(10)
    got = per_sample(y_true, logits, "logits")
    wrong = got.y_pred != y_true
    assert (got.log_loss[wrong] >= np.log(2)).all()
    assert (got.margin[wrong] > 0).all()
    assert (got.margin[~wrong] <= 0).all()


# --- what must change nothing -------------------------------------------------------------------

matrices = hnp.arrays(
    np.float64,
    st.tuples(st.integers(1, 12), st.integers(2, 6)),
    elements=st.floats(-50, 50),
)


@settings(max_examples=50, deadline=None)
@given(logits=matrices, data=st.data())
def test_the_order_of_samples_and_of_classes_changes_nothing(logits, data):
    n_samples, n_classes = logits.shape
    y_true = np.array(
        data.draw(st.lists(st.integers(0, n_classes - 1), min_size=n_samples, max_size=n_samples))
    )
    rows = np.array(data.draw(st.permutations(range(n_samples))))
    columns = np.array(data.draw(st.permutations(range(n_classes))))
    plain = per_sample(y_true, logits, "logits")
    moved = per_sample(np.argsort(columns)[y_true[rows]], logits[rows][:, columns], "logits")
    for field in FIELDS:
        if field not in {"y_pred", "rank"}:  # of tied classes the first wins, whichever that is
            np.testing.assert_allclose(
                getattr(moved, field), getattr(plain, field)[rows], rtol=1e-9, atol=1e-12
            )


@settings(max_examples=50, deadline=None)
@given(logits=matrices, constant=st.floats(-100, 100))
def test_a_constant_added_to_every_logit_of_a_row_changes_nothing(logits, constant):
    y_true = np.zeros(len(logits), dtype=np.int32)
    plain = per_sample(y_true, logits, "logits")
    moved = per_sample(y_true, logits + constant * np.arange(1, len(logits) + 1)[:, None], "logits")
    np.testing.assert_allclose(moved.log_loss, plain.log_loss, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(moved.entropy, plain.entropy, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(moved.entropy_variance, plain.entropy_variance, atol=1e-7)


@pytest.mark.parametrize("rows_per_block", [1, 3, 7, 1000])
@pytest.mark.parametrize("scale", ["logits", "log_probs", "probs"])
@pytest.mark.parametrize("n_columns", [1, 5])
def test_where_blocks_end_changes_nothing(monkeypatch, rows_per_block, scale, n_columns):
    y_true, logits = drawn(max(2, n_columns), 50)
    scores = logits[:, :n_columns]
    if scale != "logits":
        scores = log_softmax(logits, axis=1)[:, :n_columns]
        scores = np.exp(scores) if scale == "probs" else scores
    scores = scores.copy()
    scores[[4, 20]] = np.nan
    whole = per_sample(y_true, scores, scale)
    monkeypatch.setattr(logits_module, "_BLOCK_BYTES", 8 * max(2, n_columns) * rows_per_block)
    blocks = list(logit_blocks(scores, scale))
    assert len(blocks) == -(-50 // rows_per_block)
    assert [block[0].start for block in blocks] == list(range(0, 50, rows_per_block))
    parts = per_sample(y_true, scores, scale)
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(parts, field), getattr(whole, field))


def test_the_scores_are_left_as_they_were():
    for scale in ("logits", "log_probs", "probs"):
        scores = np.array([[0.5, 0.5], [np.nan, 1.0], [-1e-9, 1.0]])
        before = scores.copy()
        per_sample(np.array([0, 1, 1]), scores, scale)
        np.testing.assert_array_equal(scores, before)


def test_no_samples_give_no_numbers():
    got = per_sample(np.zeros(0, dtype=np.int32), np.zeros((0, 3)), "logits")
    assert all(len(getattr(got, field)) == 0 for field in FIELDS)


# --- sums over samples --------------------------------------------------------------------------


def test_the_surprise_gap_is_loss_minus_entropy_over_its_own_spread():
    y_true, logits = drawn(3)
    samples = per_sample(y_true, logits, "logits")
    log_prob = log_softmax(logits, axis=1)
    prob = np.exp(log_prob)
    entropy = -(prob * log_prob).sum(axis=1)
    excess = -of_true(log_prob, y_true) - entropy
    variance = (prob * log_prob**2).sum(axis=1) - entropy**2
    got = surprise_gap(samples)
    assert got.gap.value == pytest.approx(excess.mean(), rel=1e-10)
    assert got.gap.se == pytest.approx(excess.std(ddof=1) / np.sqrt(len(excess)), rel=1e-10)
    assert got.z == pytest.approx(excess.sum() / np.sqrt(variance.sum()), rel=1e-9)


def test_the_surprise_gap_of_certain_predictions():
    certain = np.array([[1.0, 0.0], [1.0, 0.0]])
    assert surprise_gap(per_sample(np.array([0, 0]), certain, "probs")).z == 0.0
    far = np.array([[2000.0, 0.0], [2000.0, 0.0]])  # right is free, wrong is beyond any chance
    assert surprise_gap(per_sample(np.array([0, 1]), far, "logits")).z == np.inf


def test_the_surprise_gap_of_nothing_is_no_number_and_no_warning():
    got = surprise_gap(per_sample(np.array([0, 0]), np.full((2, 2), np.nan), "logits"))
    assert np.isnan(got.gap.value)
    assert got.gap.note == "no samples"
    assert got.z == 0.0


def test_confusion_precision_and_recall_by_hand():
    y_true = np.array([0, 0, 0, 1, 1, 2])
    y_pred = np.array([0, 0, 1, 1, 0, 0])
    assert confusion_counts(y_true, y_pred, 4).tolist() == [
        [2, 1, 0, 0],
        [1, 1, 0, 0],
        [1, 0, 0, 0],
        [0, 0, 0, 0],
    ]
    zero, one, two, three = class_scores(y_true, y_pred, 4)
    assert (zero.support, zero.predicted) == (3, 4)
    assert zero.precision.value == pytest.approx(2 / 4)
    assert zero.recall.value == pytest.approx(2 / 3)
    assert (one.precision.value, one.recall.value) == (0.5, 0.5)
    assert two.recall.value == 0.0
    assert np.isnan(two.precision.value)
    assert np.isnan(three.precision.value)
    assert np.isnan(three.recall.value)
    assert three.recall.note == "no samples"
