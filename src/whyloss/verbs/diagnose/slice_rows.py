"""Loss and accuracy by slices: the columns that were given with the predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from whyloss.measures.estimates.slices import slices
from whyloss.results.metrics import SliceRow

if TYPE_CHECKING:
    import numpy.typing as npt

    from whyloss.evidence import Evidence

MOST_NUMBERS = 12  # different ones that count as names; of more, ranges are made
RANGES = 5
MOST_VALUES = 50  # rows of a column: the rarer values are drawn together
OTHERS = "(others)"


def slice_rows(evidence: Evidence) -> tuple[SliceRow, ...]:
    """Slices at the epoch in question, column by column, in each the largest excess first.

    Parameters
    ----------
    evidence : Evidence
    """
    if not evidence.epochs or not evidence.last.n_scored:
        return ()
    facts = evidence.last
    rows = []
    for name, column in facts.predictions.slices.items():
        found = slices(
            _values(column),
            {"log_loss": facts.samples.log_loss},
            facts.right,
            scored=facts.scored,
            weights=facts.predictions.weights,
        )
        rows += sorted(
            (
                SliceRow(
                    column=name,
                    value=part.key,
                    samples=part.samples,
                    share=part.share,
                    log_loss=part.means["log_loss"],
                    accuracy=part.accuracy,
                    nats=part.contributions["log_loss"],
                    excess=part.contributions["log_loss"].value - part.share * facts.log_loss.value,
                )
                for part in found
            ),
            key=lambda row: -row.excess,
        )
    return tuple(rows)


def _values(column: npt.NDArray[Any]) -> npt.NDArray[np.str_]:
    """The value of every sample as text, one of at most `MOST_VALUES`."""
    if column.dtype.kind in "if":
        return _names_of_numbers(column)
    names, group, counts = np.unique(column, return_inverse=True, return_counts=True)
    if len(names) <= MOST_VALUES:
        return column
    rare = np.argsort(-counts, kind="stable")[MOST_VALUES - 1 :]
    shown = names.astype(object)
    shown[rare] = OTHERS
    return shown[group].astype(np.str_)


def _names_of_numbers(column: npt.NDArray[Any]) -> npt.NDArray[np.str_]:
    """Numbers as text; where there are many, ranges of about as many samples."""
    names = np.full(len(column), "nan", dtype=object)
    there = ~np.isnan(column)
    different = np.unique(column[there])
    begins = different
    if len(different) > MOST_NUMBERS:
        shares = np.arange(RANGES) / RANGES
        begins, times = np.unique(
            np.quantile(column[there], shares, method="higher"), return_counts=True
        )
        # A number as frequent as a range is one of its own: the next begins right after it.
        after = np.searchsorted(different, begins[times > 1], side="right")
        begins = np.union1d(begins, different[after[after < len(different)]])
    ranges = np.searchsorted(begins, different, side="right")
    ends = different[np.searchsorted(ranges, np.arange(1, len(begins) + 1), side="right") - 1]
    written = _written(np.concatenate([begins, ends]))
    of_ranges = np.array(
        [
            low if low == high else f"{low} to {high}"
            for low, high in zip(written[: len(begins)], written[len(begins) :], strict=True)
        ],
        dtype=object,
    )
    names[there] = of_ranges[np.searchsorted(begins, column[there], side="right") - 1]
    return names.astype(np.str_)


def _written(numbers: npt.NDArray[Any]) -> list[str]:
    """Numbers with as few digits as tell them apart, four at least."""
    if numbers.dtype.kind == "i":
        return [str(number) for number in numbers.tolist()]
    for digits in range(4, 18):
        written = [f"{number:.{digits}g}" for number in numbers.tolist()]
        if len(set(written)) == len(set(numbers.tolist())):
            break
    return written
