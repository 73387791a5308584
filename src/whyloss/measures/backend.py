"""NumPy or compiled kernels: the one place that decides."""

from __future__ import annotations

# Values from which on loading the compiled kernels, about half a second, is less than they save.
LARGE = 1 << 20


def use_compiled(n_values: int, *, weighted: bool = False) -> bool:
    """Whether the compiled kernels take an input.

    Small inputs are computed in NumPy and float64, which also is the oracle of the kernels. The
    kernels know no weights.

    Parameters
    ----------
    n_values : int
        Scores to read, over all inputs that are to be computed alike.
    weighted : bool, default False
    """
    return not weighted and n_values >= LARGE
