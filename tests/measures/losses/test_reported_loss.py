"""Which computation gives the loss that a framework reported."""

import numpy as np
import pytest
from scipy.special import log_softmax

from conftest import require
from whyloss.measures.losses.reported_loss import Kind, printed_error, reproduce

RNG = np.random.default_rng(5)
N, K = 333, 4
LOGITS = RNG.normal(0, 2, (N, K))
Y = RNG.choice(K, size=N, p=[0.5, 0.25, 0.15, 0.1])
LOGITS[np.arange(N), Y] += 2.0
LOG_P = log_softmax(LOGITS, axis=1)
LOSSES = -LOG_P[np.arange(N), Y]


def explain(reported):
    return reproduce(reported, Y, LOGITS, "logits", LOSSES)


@pytest.mark.parametrize(
    ("kind", "reported"),
    [
        (Kind.SAME, LOSSES.mean()),
        (Kind.REDUCTION, LOSSES.sum()),
        (Kind.REDUCTION, LOSSES.mean() / K),
        (Kind.BASE, LOSSES.mean() / np.log(2)),
        (Kind.LAST_BATCH, np.mean([LOSSES[a : a + 50].mean() for a in range(0, N, 50)])),
        (Kind.REDUCTION, np.mean([LOSSES[a : a + 100].sum() for a in range(0, N, 100)])),
        (Kind.SMOOTHING, 0.9 * LOSSES.mean() + 0.1 * -LOG_P.mean()),
        (Kind.WEIGHTS, np.mean([LOSSES[k == Y].mean() for k in range(K)])),
    ],
)
def test_each_computation_is_recognised_from_nine_digits(kind, reported):
    found = explain(round(float(reported), 9))
    assert found.kind is kind
    assert found.value == pytest.approx(reported, rel=1e-9)


def test_losses_of_torch_are_recognised():
    torch = require("torch")
    logits, labels = torch.tensor(LOGITS), torch.tensor(Y)
    smooth = torch.nn.functional.cross_entropy(logits, labels, label_smoothing=0.1).item()
    assert explain(smooth).kind is Kind.SMOOTHING
    weight = torch.tensor(N / (K * np.bincount(Y)))
    weighted = torch.nn.functional.cross_entropy(logits, labels, weight=weight).item()
    assert explain(weighted).kind is Kind.WEIGHTS
    one_hot = torch.nn.functional.one_hot(labels, K).double()
    binary = torch.nn.functional.binary_cross_entropy(logits.softmax(dim=1), one_hot).item()
    assert explain(binary).kind is Kind.BINARY


def test_clipping_is_recognised_where_it_shows():
    logits = LOGITS.copy()
    logits[:5] = 0.0
    logits[np.arange(5), Y[:5]] = -40.0
    losses = -log_softmax(logits, axis=1)[np.arange(N), Y]
    clipped = float(np.minimum(losses, -np.log(1e-7)).mean())
    assert reproduce(clipped, Y, logits, "logits", losses).kind is Kind.CLIP


def test_a_number_of_its_own_has_no_explanation():
    assert explain(0.123456789) is None


def test_two_digits_fit_too_much_to_tell():
    assert explain(0.9) is None


def test_error_of_a_printed_number_is_half_of_its_last_digit():
    assert printed_error(0.4577) == pytest.approx(0.51e-4)
    assert printed_error(0.46) == pytest.approx(0.51e-2)
    assert printed_error(1 / 3) == pytest.approx(1e-6)


def test_chance_explanations_of_four_digits_are_rare():
    rng = np.random.default_rng(6)
    mean = LOSSES.mean()
    numbers = [round(float(value), 6) for value in rng.uniform(0.3 * mean, 3 * mean, 300)]
    explained = [explain(number) is not None for number in numbers]
    assert np.mean(explained) < 0.02
