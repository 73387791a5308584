"""How whyloss writes numbers in a sentence: the same everywhere."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MINUS = "−"


def format_nats(value: float) -> str:
    """A loss, with three decimals, or more digits where it is tiny."""
    if not math.isfinite(value):
        return "∞" if value > 0 else "NaN"
    if value == 0 or abs(value) >= 0.0005:
        return f"{value:.3f}".replace("-", MINUS)
    return f"{value:.1e}".replace("-", MINUS)


def format_signed(value: float, digits: int = 3) -> str:
    """A difference, always with its sign."""
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0:
        return text
    return ("+" if value > 0 else MINUS) + text


def format_percent(share: float, digits: int = 1) -> str:
    """A share as a percentage."""
    return f"{100 * share:.{digits}f} %".replace("-", MINUS)


def format_points(difference: float) -> str:
    """A difference of shares in percentage points."""
    return f"{format_signed(100 * difference, 1)} points"


def pluralize(n: int, noun: str, plural: str = "") -> str:
    """A number with its noun: ``1 sample``, ``1,200 samples``."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def format_ranges(numbers: Iterable[int]) -> str:
    """Whole numbers with runs drawn together: ``3, 5–9``."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(
        f"{run[0]}–{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs
    )
