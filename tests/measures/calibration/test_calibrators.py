"""Calibrators by name: they undo what was planted, and are never worse than none."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import log_softmax

from whyloss.errors import DataError, TooFewSamplesError
from whyloss.measures.calibration.calibrators import fit_calibrator
from whyloss.testing import known_cause


def fitted(name, known, *, shift=0.0):
    one = known.source.predictions("val", 0)
    return fit_calibrator(
        name, replace(one, scores=one.scores + shift), np.ones(len(one), dtype=bool)
    )


def test_temperature_undoes_a_temperature():
    known = known_cause(0, temperature=2.0, n_samples=5000)
    found = fitted("temperature", known)
    assert found.calibrator.temperature == pytest.approx(2.0, rel=0.05)
    assert found.effect.high < 0
    assert -found.effect.value == pytest.approx(known.calibration[0], abs=0.03)


def test_vector_undoes_shifted_classes_where_a_temperature_cannot():
    known = known_cause(1, n_samples=5000)
    shift = np.array([1.0, 0.0, -1.0])
    vector, temperature = (
        fitted("vector", known, shift=shift),
        fitted("temperature", known, shift=shift),
    )
    assert vector.after.value < temperature.after.value - 0.05
    one = known.source.predictions("val", 0)
    undone = vector.calibrator(one.scores + shift)
    assert undone == pytest.approx(log_softmax(one.scores, axis=1), abs=0.5)


def test_isotonic_undoes_what_bends():
    known = known_cause(2, n_classes=2, n_samples=20_000, signal=1.5)
    one = known.source.predictions("val", 0)
    margin = one.scores[:, 1] - one.scores[:, 0]
    bent = np.stack([np.zeros_like(margin), np.sign(margin) * margin**2 + 1], axis=1)
    found = fit_calibrator("isotonic", replace(one, scores=bent), np.ones(len(one), bool))
    assert found.name == "isotonic"
    assert found.after.value == pytest.approx(known.refinement[0], abs=0.02)
    assert np.exp(found.calibrator(bent)).sum(axis=1) == pytest.approx(1.0)


@pytest.mark.parametrize("name", ["temperature", "vector"])
def test_no_calibrator_is_ever_worse_than_none(name):
    for seed in range(30):
        found = fitted(name, known_cause(seed, n_samples=400))
        assert found.after.value <= found.before.value
        if found.name == "none":
            logits = np.array([[1.0, 2.0, 0.0]])
            assert found.calibrator(logits) == pytest.approx(log_softmax(logits, axis=1))
            assert found.effect.value == 0.0


def test_each_asks_for_enough_samples_and_says_how_many():
    with pytest.raises(TooFewSamplesError, match="at least 50"):
        fitted("temperature", known_cause(0, n_samples=49))
    with pytest.raises(TooFewSamplesError, match="at least 500"):
        fitted("vector", known_cause(0, n_classes=10, n_samples=499))
    with pytest.raises(TooFewSamplesError, match="at least 10,000"):
        fitted("isotonic", known_cause(0, n_classes=2, n_samples=9999))


def test_what_does_not_exist_or_fit_is_named():
    with pytest.raises(DataError, match="no calibrator 'magic'"):
        fitted("magic", known_cause(0))
    with pytest.raises(DataError, match="two classes"):
        fitted("isotonic", known_cause(0, n_samples=10_000))
