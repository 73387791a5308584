"""Numbers as they come out of any log, gathered by row in bounded memory."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from whyloss.readers.logs.column_mapping import Column
from whyloss.readers.logs.metric_names import recognise

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from whyloss.readers.logs.line import Pair
    from whyloss.readers.logs.prose_rows import Statement

MAX_ROWS = 20_000
# The split of numbers that were printed once more after a training had ended.
AFTERWARDS = "evaluation"
_MAX_STEPS = 1000
MAX_COLUMNS = 500
_LARGEST_KEY = 1e15
# A stray percent sign behind one of these means nothing.
_NO_PERCENTAGES = frozenset(
    {"loss", "total_loss", "weighted_loss", "perplexity", "entropy", "learning_rate"}
)


class LogTable:
    """Numbers by row and column, in bounded memory.

    Attributes
    ----------
    kind : {"row", "step", "epoch"}
        What the keys of the rows count.
    by_global_step : bool
        The log counts global steps.
    running : bool or None
        Whether training numbers are means over the epoch while it lasted.
    boosting : bool
        The lines are those of a boosting library, whose ``logloss`` has two classes.
    has_metrics : bool
        Some number is a loss or a score.
    thinned : int
        Rows that were dropped between others, to bound the memory.
    left_out : int
        Values of columns beyond the most that are kept.
    """

    def __init__(self) -> None:
        self.kind = "row"
        self.by_global_step = False
        self.running: bool | None = None
        self.boosting = False
        self.has_metrics = False
        self._columns: dict[tuple[str | None, str], Column] = {}
        # The column that a label was written to, so that its name is not looked up each time.
        self._written: dict[tuple[str, str | None, bool], Column] = {}
        self._rows: dict[float, None] = {}
        self.thinned = 0
        self.left_out = 0

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def keys(self) -> list[float]:
        """The rows, in the order in which they came."""
        return list(self._rows)

    @property
    def has_losses(self) -> bool:
        """Whether some column is a loss."""
        return any(column.name.metric.endswith("loss") for column in self._columns.values())

    @property
    def last(self) -> float | None:
        """The row that came last."""
        return next(reversed(self._rows), None)

    def add(
        self,
        key: float,
        label: str,
        value: float,
        *,
        split: str | None = None,
        forced: bool = False,
        percent: bool = False,
        step: float | None = None,
    ) -> None:
        """Write a number; a later one overwrites an earlier one.

        Parameters
        ----------
        key : float
            Its row: an epoch, a step, or a count.
        label : str
            Its name in the log.
        value : float
        split : str, optional
            The split that the place says, where the name does not.
        forced : bool
            `split` overrules the name.
        percent : bool
            It was written with a percent sign.
        step : float, optional
            Its step within the row.
        """
        at = label, split, forced
        column = self._written.get(at)
        if column is None:
            column = self._column(label, split, forced=forced)
            if column is None:
                return
            self._written[at] = column
        if not abs(key) < _LARGEST_KEY:
            return
        if percent and not (
            column.name.metric in _NO_PERCENTAGES or column.is_stray_percent(value)
        ):
            column.percent = True
            value /= 100
        column.cells[key] = value
        if step is not None:
            column.remember_step(key, step, value, most=_MAX_STEPS)
        self._rows[key] = None
        if len(self._rows) > MAX_ROWS:
            self._thin()

    def _column(self, label: str, split: str | None, *, forced: bool) -> Column | None:
        """Give the column of a number; None where it is to be left out."""
        name = recognise(label)
        if name.kind in {"noise", "index"}:
            return None
        at = (split if forced else name.split or split, label.casefold())
        if at not in self._columns:
            if len(self._columns) >= MAX_COLUMNS:
                self.left_out += 1
                return None
            self._columns[at] = Column(label, name, at[0])
            self.has_metrics |= name.measures
        return self._columns[at]

    def has(self, key: float, label: str, split: str | None) -> bool:
        """Whether the row has that number already."""
        column = self._columns.get((recognise(label).split or split, label.casefold()))
        return column is not None and key in column.cells

    def knows(self, label: str, split: str | None) -> bool:
        """Whether any row has such a number."""
        column = self._columns.get((recognise(label).split or split, label.casefold()))
        return column is not None and bool(column.cells)

    def value(
        self, key: float, label: str, split: str | None, *, percent: bool = False
    ) -> float | None:
        """Give the number of a row as it was written; None where it has none."""
        column = self._columns.get((recognise(label).split or split, label.casefold()))
        found = None if column is None else column.cells.get(key)
        if found is None or not percent or recognise(label).metric in _NO_PERCENTAGES:
            return found
        return found * 100

    def __contains__(self, key: float) -> bool:
        return key in self._rows

    @classmethod
    def of_rows(cls, rows: Iterable[Sequence[Pair]]) -> LogTable:
        """Make a table of lines, each a row."""
        table = cls()
        for key, pairs in enumerate(rows, start=1):
            for pair in pairs:
                table.add(
                    float(key), pair.label, pair.value, split=pair.split, percent=pair.percent
                )
        return table

    def averaged(self) -> LogTable:
        """Give a table of one row, which has the mean of each score."""
        whole = LogTable()
        for column in self._columns.values():
            values = [value for value in column.cells.values() if math.isfinite(value)]
            if values:
                mean = sum(values) / len(values)
                whole.add(1.0, column.label, mean, split=column.split)
        return whole

    def columns(self, without: float | None = None) -> list[Column]:
        """Copies of the columns that have a value.

        Parameters
        ----------
        without : float, optional
            A row to leave out.
        """
        found = []
        for column in self._columns.values():
            cells = {key: value for key, value in column.cells.items() if key != without}
            if cells:
                found.append(replace(column, cells=cells))
        return found

    def beside(self, statements: Iterable[Statement]) -> list[Column]:
        """Columns of what sentences say of splits, or of metrics, that the log does not have."""
        columns = [column for column in self._columns.values() if column.cells]
        splits = {column.split for column in columns} | {None, "", "train"}
        metrics = {column.name.metric for column in columns}
        found: dict[tuple[str, str], Column] = {}
        for one in statements:
            name = recognise(one.label)
            if (one.split in splits and name.metric in metrics) or self.last is None:
                continue
            split = one.split or "train"
            cells = {self.last: one.value}
            found[split, name.own] = Column(f"{split} {one.label}", name, split, cells=cells)
        return list(found.values())

    def unprinted(self, improved: Mapping[str, Mapping[float, float]]) -> list[Column]:
        """Columns of metrics that no line of the log has printed as such."""
        there = {(column.split, column.name.own) for column in self._columns.values()}
        return [
            Column(label, name, name.split, cells=dict(cells))
            for label, cells in improved.items()
            for name in [recognise(label)]
            if (name.split, name.own) not in there and name.kind == "metric"
        ]

    def evaluated(self, key: float) -> bool:
        """Whether the row has a number of a split that is not trained on."""
        return any(
            key in column.cells
            for column in self._columns.values()
            if column.split not in {None, "train"} and column.name.kind == "metric"
        )

    def renumber(self, keys: Mapping[float, float]) -> None:
        """Give rows other keys; those without a new one are dropped."""
        for column in self._columns.values():
            cells: dict[float, float] = {}
            for key, value in column.cells.items():
                if key in keys:
                    cells[keys[key]] = value
            column.cells = cells
        self._rows = dict.fromkeys(keys[key] for key in self._rows if key in keys)

    def _thin(self) -> None:
        """Drop every other row: of those that hold training alone if they are enough."""
        keys = list(self._rows)
        kept_always = {
            key
            for column in self._columns.values()
            if column.split not in {None, "train"}
            for key in column.cells
        }
        if len(kept_always) > MAX_ROWS // 2:
            kept_always = set()
        kept_always |= {keys[0], keys[-1]}
        loose = [key for key in keys if key not in kept_always]
        dropped = set(loose[::2])
        self.thinned += len(dropped)
        self.renumber({key: key for key in keys if key not in dropped})
