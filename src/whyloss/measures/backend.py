"""NumPy or compiled kernels: the one place that decides."""

from __future__ import annotations

import warnings
from functools import cache

# Values from which on loading the compiled kernels, about half a second, is less than they save.
LARGE = 1 << 20


def use_compiled(n_values: int, *, weighted: bool = False) -> bool:
    """Whether the compiled kernels take an input.

    Small inputs are computed in NumPy and float64; a test compares the kernels with that. Where
    the kernels cannot be compiled, NumPy computes large inputs too, and one warning says so.

    Parameters
    ----------
    n_values : int
        Scores to read, over all inputs that have to be computed in the same way.
    weighted : bool, default False
        Whether samples have weights, which the kernels do not know.

    Returns
    -------
    bool
    """
    return not weighted and n_values >= LARGE and _kernels_compile()


@cache
def _kernels_compile() -> bool:
    """Whether numba can be imported and compiles the kernels here; tried once per process."""
    try:
        from whyloss.measures.compiled.dispatch import (  # noqa: PLC0415 - loads a compiler
            compile_kernels,
        )

        compile_kernels()
    except Exception as error:  # noqa: BLE001 - numba and LLVM raise many kinds
        warnings.warn(
            f"The compiled kernels cannot be used here ({type(error).__name__}: "
            f"{str(error).splitlines()[0] if str(error) else 'no reason given'}). Large inputs are "
            "computed by NumPy: the results are the same, but it takes longer.",
            RuntimeWarning,
            stacklevel=2,
        )
        return False
    return True
