"""How many samples were trained on and evaluated, worked out of what trainers write."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

from whyloss.formatting import pluralize

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# A Trainer writes seconds with four decimals, and rates with three.
_SECONDS_ERROR = 5e-5
_RATE_ERROR = 5e-4


@dataclass(frozen=True)
class Sizes:
    """Numbers of samples, and how they were found.

    Attributes
    ----------
    n_train, n_val : int or None
    notes : tuple of str
    """

    n_train: int | None = None
    n_val: int | None = None
    notes: tuple[str, ...] = ()


def sizes_of(records: Iterable[Mapping[str, Any]], n_epochs: float | None = None) -> Sizes:
    """Work out the numbers of samples from records of a Trainer.

    Parameters
    ----------
    records : iterable of mappings
        With ``eval_samples``, or ``eval_runtime`` (seconds) and ``eval_samples_per_second``; and
        the like of the training.
    n_epochs : float, optional
        Epochs that the training was planned for. ``train_samples_per_second`` counts the samples
        of all of them.

    Returns
    -------
    Sizes
        None where nothing is written, or where rounding leaves the number open.
    """
    rows = list(records)
    n_epochs = _positive(n_epochs)
    n_val, how_val = _size(rows, "eval", 1.0)
    n_train, how_train = _size(rows, "train", n_epochs)
    notes = []
    if n_val is not None:
        notes.append(f"The validation split has {pluralize(n_val, 'sample')}, from {how_val}.")
    if n_train is not None:
        notes.append(f"The training split has {pluralize(n_train, 'sample')}, from {how_train}.")
    return Sizes(n_train, n_val, tuple(notes))


def _size(
    rows: list[Mapping[str, Any]], split: str, n_epochs: float | None
) -> tuple[int | None, str]:
    counted = {n for row in rows if (n := _positive(row.get(f"{split}_samples"))) is not None}
    if len(counted) == 1 and (count := counted.pop()).is_integer():
        return int(count), f"{split}_samples"
    if n_epochs is None:
        return None, ""
    products, errors = [], []
    for row in rows:
        seconds = _positive(row.get(f"{split}_runtime"))
        rate = _positive(row.get(f"{split}_samples_per_second"))
        if seconds is not None and rate is not None:
            products.append(seconds * rate / n_epochs)
            errors.append((_SECONDS_ERROR * rate + _RATE_ERROR * seconds) / n_epochs)
    if not products:
        return None, ""
    middle = statistics.median(products)
    # Evaluations of different data, or numbers rounded too far to give a count.
    if max(abs(value - middle) for value in products) > max(*errors, 0.5) or round(middle) < 1:
        return None, ""
    words = f"{split}_runtime × {split}_samples_per_second"
    return round(middle), words if split == "eval" else f"{words} ÷ epochs"


def _positive(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number > 0 else None
