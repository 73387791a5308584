"""Numbers as they come out of any log, gathered by row, and the history that they make."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from whyloss.data.history import History
from whyloss.errors import DataError, FormatError
from whyloss.formatting import pluralize
from whyloss.readers.logs.column_mapping import Column, ColumnMapping, Role, map_columns
from whyloss.readers.logs.metric_names import recognise

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from whyloss.readers.options import ReadOptions

MAX_ROWS = 20_000
# The split of numbers that were printed once more after a training had ended.
AFTERWARDS = "evaluation"
HELD_OUT = ("val", "test", AFTERWARDS)
MAX_COLUMNS = 500
_LARGEST_KEY = 1e15
_SHARES = frozenset({"accuracy", "top5_accuracy", "auc", "auc_pr", "f1", "precision", "recall"})
_OF_CLASSIFIERS = _SHARES | {"mcc"}


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
    n_samples : dict of str to int
        Sizes of the splits, where the log tells them.
    n_classes : int or None
        Number of classes, where the log tells it.
    boosting : bool
        The lines are those of a boosting library, whose ``logloss`` has two classes.
    """

    def __init__(self) -> None:
        self.kind = "row"
        self.by_global_step = False
        self.running: bool | None = None
        self.n_samples: dict[str, int] = {}
        self.n_classes: int | None = None
        self.boosting = False
        self._columns: dict[tuple[str | None, str], Column] = {}
        self._rows: dict[float, None] = {}
        self._thinned = 0
        self._left_out = 0

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def keys(self) -> list[float]:
        """The rows, in the order in which they came."""
        return list(self._rows)

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
        percent: bool = False,
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
        percent : bool
            It was written with a percent sign.
        """
        name = recognise(label)
        if name.kind in {"noise", "index"} or not abs(key) < _LARGEST_KEY:
            return
        at = (name.split or split, label.casefold())
        column = self._columns.get(at)
        if column is None:
            if len(self._columns) >= MAX_COLUMNS:
                self._left_out += 1
                return
            column = self._columns[at] = Column(label, name, at[0])
        if percent:
            column.percent = True
            value /= 100
        column.cells[key] = value
        self._rows[key] = None
        if len(self._rows) > MAX_ROWS:
            self._thin()

    def has(self, key: float, label: str, split: str | None) -> bool:
        """Whether the row has that number already."""
        column = self._columns.get((recognise(label).split or split, label.casefold()))
        return column is not None and key in column.cells

    def __contains__(self, key: float) -> bool:
        return key in self._rows

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
        self._thinned += len(dropped)
        self.renumber({key: key for key in keys if key not in dropped})

    # --- the history ----------------------------------------------------------------------------

    def to_history(self, options: ReadOptions) -> tuple[History, tuple[str, ...]]:
        """Make a history of what has come so far; more may come.

        Returns
        -------
        History
        tuple of str
            What a person should know: how names were mapped, and what was changed.

        Raises
        ------
        FormatError
            Nothing that whyloss knows is there.
        DataError
            The numbers are of no classifier, or several could be meant.
        """
        columns = [replace(column) for column in self._columns.values() if column.cells]
        _refuse_regression(columns, options)
        mapping = map_columns(columns, options, by_global_step=self.by_global_step)
        if not any(metric in _SHARES | {"loss"} for _, metric in mapping.columns):
            raise FormatError(
                "There is neither a loss nor an accuracy in it",
                expected="numbers with names, such as val_loss: 0.46 - val_accuracy: 0.78",
                got=", ".join(f'"{column.label}"' for column in columns[:8]) or "none",
                hint='Name them with --map "their name=val.loss".' if columns else None,
            )
        notes = [*_mapping_notes(mapping), *mapping.notes]
        keys, numbers = _rows(self.kind, list(mapping.columns.items()), notes)
        arrays: dict[Role, Any] = {}
        wild: dict[Role, tuple[int, ...]] = {}
        for role, column in _shares(mapping, notes).items():
            cells = {keys[key]: value for key, value in sorted(column.cells.items()) if key in keys}
            arrays[role] = np.array([cells.get(number, math.nan) for number in numbers])
            bad = tuple(n for n in numbers if n in cells and not math.isfinite(cells[n]))
            if bad:
                wild[role] = bad
                share = f"{len(bad)} of {pluralize(len(cells), 'value')}"
                notes.append(f"{'_'.join(role)} is no finite number in {share}.")
        if self._thinned:
            notes.append(f"Left out between others: {pluralize(self._thinned, 'row')}.")
        if self._left_out:
            notes.append(f"Left out: {pluralize(self._left_out, 'value')} of further columns.")
        task, n_classes = self._task(mapping, options)
        sizes = [self.n_samples[split] for split in HELD_OUT if split in self.n_samples]
        history = History(
            np.asarray(numbers, dtype=np.int64),
            arrays,
            n_classes=n_classes,
            n_val=options.n_val or next(iter(sizes), None),
            n_train=options.n_train or self.n_samples.get("train"),
            class_shares=options.class_shares,
            not_numbers=wild,
            task=task,
            running_train=self.running if self.running is not None else _runs(columns),
        )
        return history, tuple(notes)

    def _task(self, mapping: ColumnMapping, options: ReadOptions) -> tuple[str | None, int | None]:
        """Tell the task and the number of classes where names leave no doubt."""
        tasks = {column.name.task for column in mapping.columns.values()} - {None}
        labels = " ".join(column.label.casefold() for column in mapping.columns.values())
        if self.boosting and not tasks and ("-logloss" in labels or "-error" in labels):
            tasks = {"binary"}
        task = options.task or (tasks.pop() if len(tasks) == 1 else None)
        n_classes = options.n_classes or self.n_classes or (2 if task == "binary" else None)
        return task or ("binary" if n_classes == 2 else None), n_classes


def _runs(columns: Iterable[Column]) -> bool | None:
    """Tell by the names whether a framework wrote them that averages over the epoch."""
    labels = {column.label for column in columns}
    keras = {"loss", "val_loss"} <= labels
    lightning = any(label.endswith("_epoch") for label in labels)
    ultralytics = any(label.startswith("metrics/") for label in labels)
    return True if keras or lightning or ultralytics else None


def _refuse_regression(columns: Iterable[Column], options: ReadOptions) -> None:
    """Refuse what is no classification, with the reason."""
    regression = [column.label for column in columns if column.name.kind == "regression"]
    classifies = any(
        column.name.kind == "metric"
        and (column.name.metric in _OF_CLASSIFIERS or column.name.cross_entropy)
        for column in columns
    )
    if options.task != "regression" and (
        not regression or classifies or options.task or options.columns
    ):
        return
    raise DataError(
        "These are errors of a regression; whyloss explains classifiers",
        expected="the loss and the accuracy of a classifier",
        got=", ".join(f'"{label}"' for label in regression[:6]) or "a regression",
        hint=None
        if options.task
        else 'If they are of a classifier after all, name its numbers: --map "their name=val.loss".',
    )


def _mapping_notes(mapping: ColumnMapping) -> list[str]:
    """Say which column became what; those that no rule reads are only counted."""
    said, others = [], 0
    for (split, metric), column in mapping.columns.items():
        if column.name.kind == "metric" and column.name.metric != "learning_rate":
            sign = "1 − " if (split, metric) in mapping.inverted else ""
            said.append(f'{split}_{metric} ← {sign}"{column.label}"')
        else:
            others += 1
    kept = f"; {pluralize(others, 'further column')} kept" if others else ""
    return [f"Read as: {', '.join(said)}{kept}."] if said else []


def _shares(mapping: ColumnMapping, notes: list[str]) -> dict[Role, Column]:
    """Give columns of which accuracies and the like are shares from 0 to 1."""
    tops = {
        role: max(abs(value) for value in column.cells.values() if math.isfinite(value))
        for role, column in mapping.columns.items()
        if (role[1] in _SHARES or column.name.metric in _SHARES)
        and any(math.isfinite(value) for value in column.cells.values())
    }
    found: dict[Role, Column] = {}
    divided, odd = [], []
    for role, column in mapping.columns.items():
        top = tops.get(role)
        cells = column.cells
        if top is not None:
            if any(value < 0 for value in cells.values()) or top > 100 + 1e-6:
                odd.append(f'"{column.label}"')
                continue
            # A column of low percentages has a companion that shows what it is.
            peers = [tops[other] for other in tops if other[1] == role[1]]
            if top > 1 + 1e-6 or (max(peers) > 1 + 1e-6 and 20 * top > max(peers)):
                divided.append(f'"{column.label}"')
                cells = {key: value / 100 for key, value in cells.items()}
        if role in mapping.inverted:
            cells = {key: 1 - value for key, value in cells.items()}
        found[role] = replace(column, cells=cells)
    if divided:
        notes.append(f"Percentages were divided by 100: {', '.join(divided)}.")
    if odd:
        notes.append(f"Left out, because the values are no shares: {', '.join(odd)}.")
    return found


def _rows(
    kind: str, columns: list[tuple[Role, Column]], notes: list[str]
) -> tuple[dict[float, int], list[int]]:
    """Number the rows: for every key its epoch, and the epochs in order.

    Training numbers between two evaluations belong to the later one, where epochs or steps are
    counted finer than evaluations come.
    """
    keys = sorted({key for _, column in columns for key in column.cells})
    whole = all(key.is_integer() for key in map(float, keys))
    evaluated = sorted(
        {key for (split, _), column in columns if split != "train" for key in column.cells}
    )
    trained = {key for (split, _), column in columns if split == "train" for key in column.cells}
    if kind == "row" or (whole and (kind == "epoch" or not evaluated)):
        numbers = {key: int(key) for key in keys}
    elif not evaluated:
        numbers = {key: math.ceil(key) for key in keys}
    elif whole and trained <= set(evaluated):
        numbers = {key: int(key) for key in keys}
    else:
        ends = evaluated if keys[-1] == evaluated[-1] else [*evaluated, keys[-1]]
        named = _named(ends, kind, notes)
        numbers = {key: named[bisect_left(ends, key)] for key in keys}
    return numbers, sorted(set(numbers.values()))


def _named(ends: list[float], kind: str, notes: list[str]) -> list[int]:
    """Number evaluations: by step, by epoch where each ends one, else by count."""
    if kind == "step":
        return [int(end) for end in ends]
    near = [round(end) for end in ends]
    if len(set(near)) == len(ends) and all(
        abs(end - n) < 0.1 for end, n in zip(ends, near, strict=True)
    ):
        return near
    notes.append(
        f"Evaluations came within epochs: they are numbered 1 to {len(ends)}, the last of them at "
        f"epoch {ends[-1]:g}."
    )
    return list(range(1, len(ends) + 1))
