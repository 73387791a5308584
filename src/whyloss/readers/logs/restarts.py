"""Logs in which the count of epochs begins again: the same training that goes on, or a new one."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from whyloss.formatting import pluralize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whyloss.readers.logs.column_mapping import Column

_ENOUGH_ROWS = 2  # of a training, to be read instead of the one before it


def last_training(
    columns: list[Column], restarts: Sequence[tuple[float, float]]
) -> tuple[list[Column], list[str]]:
    """Keep the last training of a log, where its loss tells that it started anew.

    A training that goes on begins near the loss at which it stopped; a new one begins near the
    loss at which the first began.

    Parameters
    ----------
    columns : list of Column
    restarts : sequence of (float, float)
        Rows at which the count of epochs began again, and the numbers that stood there.

    Returns
    -------
    list of Column
    list of str
        What was done.
    """
    if not restarts:
        return columns, []
    keys = sorted({key for column in columns for key in column.cells})
    numbers = dict(restarts)
    starts = [keys[0], *(key for key, _ in restarts if key > keys[0])] if keys else []
    loss = _loss(columns)
    anew = [
        start
        for before, start in pairwise(starts)
        if loss is not None and _begins_anew(loss, before, start)
    ]
    whole = [start for start in anew if sum(key >= start for key in keys) >= _ENOUGH_ROWS]
    if not whole:
        times = pluralize(len(restarts), "time")
        note = (
            f"The count of epochs starts again {times}: it is counted on, as if one training had "
            "gone on."
        )
        return columns, [note]
    first = whole[-1]
    end = next((start for start in anew if start > first), math.inf)
    shift = numbers[first] - first
    kept = [
        replace(
            column,
            cells={key + shift: value for key, value in column.cells.items() if first <= key < end},
        )
        for column in columns
    ]
    note = f"The training starts over {pluralize(len(anew), 'time')}: the last one is read."
    return [column for column in kept if column.cells], [note]


def _loss(columns: list[Column]) -> Column | None:
    for metric in ("loss", "accuracy"):
        same = [c for c in columns if c.name.metric == metric and not c.name.head]
        training = [column for column in same if column.split in {None, "train"}]
        if same:
            return (training or same)[0]
    return None


def _begins_anew(loss: Column, before: float, start: float) -> bool:
    """Whether the loss (or the accuracy) at a restart is nearer to that of the first epoch than to the last one's."""
    earlier = [value for key, value in sorted(loss.cells.items()) if before <= key < start]
    later = [value for key, value in sorted(loss.cells.items()) if key >= start]
    if len(earlier) < _ENOUGH_ROWS or not later:
        return False
    return abs(later[0] - earlier[0]) < abs(later[0] - earlier[-1])
