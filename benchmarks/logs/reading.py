"""What a framework printed against the numbers that it had."""

from __future__ import annotations

import contextlib
import io
import math
from importlib.util import find_spec
from typing import TYPE_CHECKING

from whyloss.readers import read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


def missing_package(name: str) -> bool:
    """Whether a package is not installed."""
    return find_spec(name) is None


@contextlib.contextmanager
def captured() -> Iterator[io.StringIO]:
    """Give all that is written to stdout and stderr meanwhile."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
        yield text


def compare(printed: str, expected: Mapping[str, Sequence[float]], digits: int = 4) -> list[str]:
    """Say where the numbers that are read differ from those that a framework had.

    Parameters
    ----------
    printed : str
    expected : mapping of str to sequence of float
        The true numbers by ``<split>_<metric>``, one per epoch.
    digits : int, default 4
        How many decimals, or significant digits of smaller numbers, were printed.
    """
    history = read(printed).history
    problems = []
    for name, values in expected.items():
        split, _, metric = name.partition("_")
        column = history.column(split, metric)
        if column is None:
            problems.append(f"{name} was not found")
        elif len(column) != len(values):
            problems.append(f"{name} has {len(column)} epochs instead of {len(values)}")
        elif not all(
            math.isclose(got, true, rel_tol=10.0 ** (1 - digits), abs_tol=0.6 * 10.0**-digits)
            or (math.isnan(got) and math.isnan(true))
            for got, true in zip(column, values, strict=True)
        ):
            problems.append(f"{name} is {column.tolist()} instead of {list(values)}")
    unexpected = [
        f"{split}_{metric}"
        for split, metric in history.columns
        if metric in {"loss", "accuracy"} and f"{split}_{metric}" not in expected
    ]
    return problems + [f"{name} was not reported" for name in unexpected]
