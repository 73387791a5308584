"""Which inputs the compiled kernels take, and what happens where they cannot be compiled."""

import subprocess
import sys
import warnings

import numpy as np
import pytest

from whyloss.measures import backend
from whyloss.measures.calibration.refinement import calibrate
from whyloss.measures.losses.per_sample import per_sample
from whyloss.testing import known_cause


@pytest.fixture
def unknown_backend():
    """Let the kernels be tried anew, and again after the test."""
    backend._kernels_compile.cache_clear()
    yield
    backend._kernels_compile.cache_clear()


def test_only_large_inputs_without_weights_are_compiled():
    assert backend.use_compiled(backend.LARGE)
    assert not backend.use_compiled(backend.LARGE - 1)
    assert not backend.use_compiled(backend.LARGE, weighted=True)


@pytest.mark.usefixtures("unknown_backend")
def test_kernels_that_do_not_compile_leave_everything_to_numpy_with_one_warning(monkeypatch):
    from whyloss.measures.compiled import dispatch

    known = known_cause(0, temperature=1.7, n_samples=300).source.predictions("val", 0)
    scored = np.ones(300, dtype=bool)
    samples = per_sample(known.y_true, known.scores, "logits")
    expected = calibrate(known, scored)

    def broken():
        raise TypeError("no such intrinsic\nand a long trace")

    monkeypatch.setattr(dispatch, "compile_kernels", broken)
    monkeypatch.setattr(backend, "LARGE", 0)
    with pytest.warns(RuntimeWarning, match=r"TypeError: no such intrinsic\)"):
        large = per_sample(known.y_true, known.scores, "logits")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a second warning would fail
        got = calibrate(known, scored)
    np.testing.assert_array_equal(large.log_loss, samples.log_loss)
    assert got.refinement == expected.refinement


def test_without_numba_a_large_input_is_still_diagnosed():
    code = """
import sys, warnings
sys.modules["numba"] = sys.modules["llvmlite"] = None
import numpy as np
import whyloss
from whyloss.measures import backend
backend.LARGE = 100
rng = np.random.default_rng(0)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    found = whyloss.diagnose(rng.integers(3, size=200), logits=rng.normal(size=(200, 3)))
print(len([one for one in caught if "compiled kernels" in str(one.message)]), found.verdict.name)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[0] == "1"


def test_kernels_that_compile_say_nothing():
    backend._kernels_compile.cache_clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert backend.use_compiled(backend.LARGE)
