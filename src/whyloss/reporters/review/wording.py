"""The review list in words and cells, the same for every format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whyloss.formatting import format_nats, format_percent, pluralize
from whyloss.reporters.common import short

if TYPE_CHECKING:
    from collections.abc import Iterator

    from whyloss.results.review import Review

MAX_ROWS = 20  # for people; tables and JSON have all

HEADS = ("id", "loss", "label", "predicted", "confidence", "why")


def one_line(review: Review) -> str:
    """How many samples are worth a look."""
    found = pluralize(review.n_found, "sample")
    where = f"{short(review.split)} split of {short(review.source)}"
    return f"{found} of {review.n_samples:,} to look at, {where}"


def cells(review: Review) -> Iterator[tuple[str, ...]]:
    """The first rows of the list."""
    for row in review.rows[:MAX_ROWS]:
        yield (
            short(str(row.id)),
            format_nats(row.log_loss),
            short(row.label, 20),
            short(row.predicted, 20),
            format_percent(row.confidence, 0),
            short(row.reason, 60),
        )


def remarks(review: Review) -> Iterator[str]:
    """How many rows are not shown, and what was left out."""
    left = len(review.rows) - MAX_ROWS
    if left > 0:
        yield f"… and {left:,} more"
    yield from review.notes
