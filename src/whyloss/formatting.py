"""How whyloss writes numbers in a sentence: the same everywhere."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

# What a number is measured in. A "share" is from 0 to 1 and is written as a percentage; a
# "number" has no unit.
Unit = Literal["nats", "share", "temperature", "count", "number"]

MINUS = "−"


class Measured(Protocol):
    """A number with its 95 % interval, or with the reason why it has none."""

    @property
    def value(self) -> float: ...  # noqa: D102 - as in `whyloss.results.Estimate`
    @property
    def low(self) -> float | None: ...  # noqa: D102
    @property
    def high(self) -> float | None: ...  # noqa: D102
    @property
    def note(self) -> str: ...  # noqa: D102
    @property
    def unit(self) -> Unit: ...  # noqa: D102


def format_nats(value: float) -> str:
    """A loss, with three decimals, or more digits where it is tiny.

    Parameters
    ----------
    value : float
        Nats.
    """
    if not math.isfinite(value):
        return "∞" if value > 0 else "NaN"
    if value == 0 or abs(value) >= 0.0005:
        return f"{value:.3f}".replace("-", MINUS)
    return f"{value:.1e}".replace("-", MINUS)


def format_signed(value: float, digits: int = 3) -> str:
    """A difference, always with its sign.

    Parameters
    ----------
    value : float
    digits : int, default 3
        Decimals.
    """
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0:
        return text
    return ("+" if value > 0 else MINUS) + text


def format_percent(share: float, digits: int = 1) -> str:
    """A share as a percentage.

    Parameters
    ----------
    share : float
        From 0 to 1.
    digits : int, default 1
        Decimals.
    """
    return f"{100 * share:.{digits}f} %".replace("-", MINUS)


def format_points(difference: float) -> str:
    """A difference of shares in percentage points.

    Parameters
    ----------
    difference : float
        Of two shares from 0 to 1.
    """
    return f"{format_signed(100 * difference, 1)} points"


def format_value(value: float, unit: Unit) -> str:
    """A number in its unit; a dash where there is none.

    Parameters
    ----------
    value : float
    unit : {"nats", "share", "temperature", "count", "number"}
    """
    if math.isnan(value):
        return "–"
    match unit:
        case "nats":
            return format_nats(value)
        case "share":
            return format_percent(value)
        case "count":
            return f"{value:,.0f}".replace("-", MINUS)
        case "temperature" | "number":
            return f"{value:.2f}".replace("-", MINUS)


def format_interval(number: Measured) -> str:
    """The 95 % interval in brackets, ``(0.197 … 0.269)``; nothing where there is none.

    Parameters
    ----------
    number : Estimate
    """
    if number.low is None or number.high is None:
        return ""
    low = format_value(number.low, number.unit).removesuffix(" %")
    return f"({low} … {format_value(number.high, number.unit)})"


def format_estimate(number: Measured) -> str:
    """A number with its interval, or with the reason why it has none.

    Parameters
    ----------
    number : Estimate
    """
    value = format_value(number.value, number.unit)
    if bounds := format_interval(number):
        return f"{value} {bounds}"
    return f"{value}, {number.note}" if number.note else value


def format_change(number: Measured) -> str:
    """A difference with its sign and unit: ``−0.605 nats`` or ``+1.2 points``.

    Parameters
    ----------
    number : Estimate
    """
    if number.unit == "share":
        return format_points(number.value)
    value = format_signed(number.value)
    return value if number.unit == "number" else f"{value} {number.unit}"


def format_change_interval(number: Measured) -> str:
    """The 95 % interval of a difference in brackets; nothing where there is none.

    Parameters
    ----------
    number : Estimate
    """
    if number.low is None or number.high is None:
        return ""
    scale, digits = (100, 1) if number.unit == "share" else (1, 3)
    ends = (format_signed(scale * end, digits) for end in (number.low, number.high))
    return f"({' … '.join(ends)})"


def pluralize(n: int, noun: str, plural: str = "") -> str:
    """A number with its noun: ``1 sample``, ``1,200 samples``.

    Parameters
    ----------
    n : int
    noun : str
        For one.
    plural : str, optional
        For any other number; the noun with an s if left out.
    """
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def format_ranges(numbers: Iterable[int]) -> str:
    """Whole numbers with runs drawn together: ``3, 5–9``.

    Parameters
    ----------
    numbers : iterable of int
    """
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(
        f"{run[0]}–{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs
    )
