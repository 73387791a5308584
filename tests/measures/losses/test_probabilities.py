"""Probabilities of logits against SciPy."""

import numpy as np
import scipy.special

from whyloss.measures.losses.probabilities import log_softmax, softmax


def test_probabilities_and_their_logarithms_are_those_of_scipy():
    logits = np.random.default_rng(0).normal(0.0, 30.0, (200, 7))
    logits[:20, 3] = -np.inf
    np.testing.assert_allclose(log_softmax(logits), scipy.special.log_softmax(logits, axis=1))
    np.testing.assert_allclose(softmax(logits), scipy.special.softmax(logits, axis=1), rtol=1e-12)


def test_one_large_logit_leaves_the_others_their_logarithms():
    np.testing.assert_array_equal(log_softmax(np.array([[1e4, 0.0]])), [[0.0, -1e4]])
