"""Which column of a log is which metric of which split, and where that cannot be told."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NoReturn

from whyloss.errors import DataError
from whyloss.readers.logs.metric_names import words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from whyloss.readers.logs.metric_names import Name
    from whyloss.readers.options import ReadOptions

Role = tuple[str, str]
# What an evaluation reports; a bare loss may be that of the training.
_NO_SCORES = frozenset({"loss", "total_loss", "weighted_loss", "learning_rate", "entropy"})
_ROUNDED = 1e-3
_MAIN = frozenset({"loss", "accuracy"})
CALIBRATED = "calibrated"  # numbers after a temperature was fitted
_PER_ORDER = {"epoch": 0, None: 1, "step": 2}


@dataclass(eq=False)
class Column:
    """One series of numbers as it stands in the log.

    Attributes
    ----------
    label : str
        Its name there.
    name : Name
        What that means by itself.
    split : str or None
        The split that the name or the place says.
    percent : bool
        Some value was written with a percent sign.
    cells : dict of float to float
        Its values by row.
    first_bad : float or None
        The row in which it first was no finite number, where steps are known.
    steps : list of (float, float)
        Steps and values within that row, or within the last one.
    """

    label: str
    name: Name
    split: str | None
    percent: bool = False
    cells: dict[float, float] = field(default_factory=dict)
    first_bad: float | None = None
    steps: list[tuple[float, float]] = field(default_factory=list)
    _steps_of: float | None = None

    def is_stray_percent(self, value: float) -> bool:
        """Whether other values, without a percent sign, show that this one is a share already."""
        if self.percent or not self.cells or not 0 < value <= 1:
            return False
        last = next(reversed(self.cells.values()))
        return 0.5 * value < last < 2 * value

    def remember_step(self, key: float, step: float, value: float, *, most: int) -> None:
        """Keep a value of the row, until the row is known in which the column stops being finite."""
        if self.first_bad not in {None, key}:
            return
        if self._steps_of != key:
            self._steps_of, self.steps = key, []
        if len(self.steps) < most:
            self.steps.append((step, value))
        if self.first_bad is None and not math.isfinite(value):
            self.first_bad = key

    @property
    def preference(self) -> tuple[int, ...]:
        """Smaller for the column that a reader would take first."""
        name = self.name
        return (
            _PER_ORDER[name.per],
            0 if name.split else 1 if self.split else 2,
            0 if name.cross_entropy else 1,
            1 if name.number is None else -name.number,
            name.rank,
        )


@dataclass
class ColumnMapping:
    """A column for each role, and what a person should know about the choice.

    Attributes
    ----------
    columns : dict of (split, metric) to Column
    inverted : set of (split, metric)
        Roles whose column holds error rates.
    notes : list of str
    undecided : dict of (split, metric) to list of str
        Roles that several columns claim with different numbers, and the names of these.
    """

    columns: dict[Role, Column] = field(default_factory=dict)
    inverted: set[Role] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    undecided: dict[Role, list[str]] = field(default_factory=dict)


def map_columns(
    columns: Iterable[Column], options: ReadOptions, *, by_global_step: bool
) -> ColumnMapping:
    """Give every column its role.

    Parameters
    ----------
    columns : iterable of Column
    options : ReadOptions
        Its ``columns`` overrule what the names say.
    by_global_step : bool
        The log counts global steps, as scripts of BERT's time do: what they print after
        ``eval_loss`` without a prefix was evaluated too.

    Raises
    ------
    DataError
        Two columns claim one role with different numbers, or several outputs could be meant.
    """
    mapping = ColumnMapping()
    mapped, rest = _mapped(list(columns), options, mapping)
    rest = [_score_as_loss(column, rest, mapping) for column in rest]
    known = [column for column in rest if column.name.kind == "metric"]
    splits = _splits(known, mapping, by_global_step=by_global_step)
    for split in sorted(set(splits.values()), key=_split_order):
        mine = [column for column in known if splits.get(column) == split]
        _assign_split(split, mine, mapped, mapping)
    for column in rest:
        if column.name.kind != "metric":
            role = (column.split or "train", column.name.metric)
            mapping.columns.setdefault(role, column)
    _take_possible_loss(mapping)
    _settle_undecided(mapping)
    likely = [column for column in mapping.columns.values() if column.name.likely]
    if likely:
        labels = ", ".join(f'"{column.label}"' for column in likely)
        mapping.notes.append(f"Misspelt, and understood by likeness: {labels}.")
    return mapping


def _take_possible_loss(mapping: ColumnMapping) -> None:
    """Take the other loss where the one that is named a cross-entropy cannot be that of the rows.

    Every wrong row costs at least ln 2, so the mean cross-entropy is at least (1 − accuracy)·ln 2;
    what lies below at every row is taken over other things, such as tokens.
    """
    for split, metric in list(mapping.columns):
        total = mapping.columns.get((split, "total_loss"))
        accuracy = mapping.columns.get((split, "accuracy"))
        if metric != "loss" or total is None or accuracy is None or accuracy.name.inverted:
            continue
        loss = mapping.columns[split, "loss"]
        if _impossible(loss, accuracy) and not _impossible(total, accuracy):
            mapping.columns[split, "loss"], mapping.columns[split, "total_loss"] = total, loss
            mapping.notes.append(
                f'{split}_loss is "{total.label}": "{loss.label}" is too small to be the '
                "cross-entropy of samples with this accuracy."
            )


def _impossible(loss: Column, accuracy: Column) -> bool:
    both = loss.cells.keys() & accuracy.cells.keys()
    return bool(both) and all(
        accuracy.cells[key] <= 1 and loss.cells[key] < (1 - accuracy.cells[key]) * math.log(2)
        for key in both
    )


def _score_as_loss(column: Column, columns: list[Column], mapping: ColumnMapping) -> Column:
    """Read "Test score" beside "Test accuracy" as the loss, which old examples of Keras call so."""
    beside = {other.name.metric for other in columns if other.split == column.split}
    named = column.name.kind == "own" and column.name.metric == "score"
    shares = all(0 <= value <= 1 for value in column.cells.values())
    if named and shares and all(other.name.metric == "score" for other in columns):
        mapping.notes.append(f'"{column.label}" is read as an accuracy, as scikit-learn scores.')
        return replace(column, name=replace(column.name, kind="metric", metric="accuracy"))
    if not named or column.split != "test" or "accuracy" not in beside or "loss" in beside:
        return column
    mapping.notes.append(f'"{column.label}" beside an accuracy is read as the loss.')
    return replace(column, name=replace(column.name, kind="metric", metric="loss"))


def _settle_undecided(mapping: ColumnMapping) -> None:
    """Ask about a loss or an accuracy that decides the answer; leave out what does not.

    Raises
    ------
    DataError
        The loss or the accuracy that would be explained could be several columns.
    """
    held_out = any(split not in {"train", ""} for split, _ in mapping.columns)
    for (split, metric), labels in mapping.undecided.items():
        if metric in _MAIN and (split != "train" or not held_out):
            _refuse(split, metric, labels)
        names = " and ".join(f'"{label}"' for label in labels)
        mapping.notes.append(
            f"{split}_{metric} is left out, because several columns could be it: {names}."
        )


def _split_order(split: str) -> tuple[int, str]:
    order = ("train", "val", "test")
    return order.index(split) if split in order else len(order), split


def _normal(label: str) -> str:
    return re.sub(r"[\W_]+", " ", label).strip().casefold()


def _mapped(
    columns: list[Column], options: ReadOptions, mapping: ColumnMapping
) -> tuple[set[Role], list[Column]]:
    """Serve what the caller mapped, and give the roles that are taken and the columns left."""
    wanted = {_normal(theirs): ours for theirs, ours in options.columns.items()}
    rest = []
    for column in columns:
        ours = wanted.get(_normal(column.label))
        if ours is None:
            rest.append(column)
            continue
        split, _, metric = ours.partition(".")
        role = (split, "accuracy" if metric == "error" else metric)
        mapping.columns[role] = column
        if metric == "error":
            mapping.inverted.add(role)
    there = {_normal(column.label) for column in columns}
    for theirs in options.columns:
        if _normal(theirs) not in there:
            raise DataError(
                f"There is no column {theirs!r} to map",
                expected=f"one of {', '.join(sorted({c.label for c in columns}))[:200]}",
                got=theirs,
            )
    return set(mapping.columns), rest


def _splits(
    columns: list[Column], mapping: ColumnMapping, *, by_global_step: bool
) -> dict[Column, str]:
    """Say of which split each column is, also where its name does not tell."""
    found = {column: column.split for column in columns if column.split is not None}
    plain = [column for column in columns if column.split is None]
    told = {(split, column.name.own) for column, split in found.items()}
    held_out = [split for split in ("val", "test") if any(s == split for s, _ in told)]
    evaluated = next((split for split in held_out if (split, "loss") in told), None)
    losses = [column for column in plain if column.name.own == "loss"]
    twice = [
        column
        for column in losses
        if by_global_step and evaluated and _repeats(column, found, (evaluated, "loss"))
    ]
    in_table = evaluated is not None and (
        ("train", "loss") in told or not losses or bool(twice) or by_global_step
    )
    for column in plain:
        name = column.name
        if column in twice or (not losses and _says_again(column, found)):
            continue  # as estimators print the loss of an evaluation once more
        split = "train"
        if name.own == "loss":
            if not name.cross_entropy and any(
                found[other] == "train" and other.name.own == "loss" and _clash(column, other)
                for other in columns
                if other.split is not None
            ):
                continue  # as Lightning prints a running loss beside the one of the epoch
        elif name.metric not in _NO_SCORES and evaluated and in_table:
            split = evaluated if (evaluated, name.own) not in told else "train"
        elif behind := _behind_held_out(column, columns, told):
            split = behind
            mapping.notes.append(
                f'"{column.label}" counts as that of {behind}, because it stands behind a number of it.'
            )
        elif name.metric not in _NO_SCORES and len(held_out) == 1 and not losses:
            split = held_out[0] if (held_out[0], name.own) not in told else "train"
        found[column] = split
    if plain and not told:
        mapping.notes.append("No split is named: the numbers count as those of the training.")
    return found


def _behind_held_out(column: Column, columns: list[Column], told: set[Role]) -> str | None:
    """Give the split of the held-out score behind which a score without a split stands."""
    at = columns.index(column)
    before = columns[at - 1] if at else None
    if before is None or before.split in {None, "train"} or column.name.metric in _NO_SCORES:
        return None
    scores = before.name.metric not in _NO_SCORES and before.name.kind == "metric"
    new = (before.split, column.name.own) not in told and ("train", column.name.own) not in told
    return before.split if scores and new else None


def _says_again(column: Column, found: Mapping[Column, str]) -> bool:
    """Whether a score without a split is that of a held-out split, rounded."""
    return any(
        split != "train"
        and other.name.own == column.name.own
        and bool(other.cells.keys() & column.cells.keys())
        and all(
            abs(column.cells[key] - other.cells[key]) < _ROUNDED
            for key in other.cells.keys() & column.cells.keys()
        )
        for other, split in found.items()
    )


def _repeats(column: Column, found: Mapping[Column, str], role: Role) -> bool:
    """Whether a column says the same as one whose split is known."""
    return any(
        split == role[0] and other.name.own == role[1] and _same(column, other)
        for other, split in found.items()
    )


def _same(one: Column, two: Column) -> bool:
    """Whether two columns agree wherever both have a value, to the digits that are printed."""
    both = one.cells.keys() & two.cells.keys()
    return bool(both) and all(
        math.isclose(one.cells[key], two.cells[key], rel_tol=1e-5)
        or (math.isnan(one.cells[key]) and math.isnan(two.cells[key]))
        for key in both
    )


def _assign_split(
    split: str, columns: list[Column], taken: set[Role], mapping: ColumnMapping
) -> None:
    """Share out the roles of one split."""
    by_name = _by_name(columns)
    promoted = _promoted(split, by_name, taken, mapping)
    for own, candidates in by_name.items():
        role = split, promoted.get(own, own)
        if role not in taken:
            _assign_role(role, candidates, mapping)
    for own, metric in promoted.items():
        chosen = mapping.columns.get((split, metric))
        if chosen is not None and metric not in {own, "total_loss"}:
            mapping.notes.append(
                f'{split}_{metric} is that of "{chosen.label}", the only one of its kind.'
            )


def _by_name(columns: list[Column]) -> dict[str, list[Column]]:
    by_name: dict[str, list[Column]] = {}
    for column in columns:
        by_name.setdefault(column.name.own, []).append(column)
    if "loss" in by_name and "total_loss" in by_name:
        total = [c for c in by_name.pop("total_loss") if not _same(c, by_name["loss"][0])]
        if total:  # else it is the same once more, as tflearn prints it
            by_name["total_loss"] = total
    return by_name


def _assign_role(role: Role, candidates: list[Column], mapping: ColumnMapping) -> None:
    """Give a role to the best of several columns, if one is the best."""
    best, *others = sorted(candidates, key=lambda column: column.preference)
    if rivals := _rivals(best, others):
        mapping.undecided[role] = [best.label, *(column.label for column in rivals)]
        for column in candidates:
            mapping.columns.setdefault((role[0], _own_name(column)), column)
        return
    mapping.columns[role] = best
    if best.name.inverted:
        mapping.inverted.add(role)
    for other in others:
        _keep_aside(*role, best, other, mapping)


def _rivals(best: Column, others: list[Column]) -> list[Column]:
    """Columns that could be meant as well as the best, and have other numbers."""
    return [
        other for other in others if other.preference == best.preference and _clash(best, other)
    ]


def _own_name(column: Column) -> str:
    return "_".join(words_of(column.label))


def _clash(one: Column, two: Column) -> bool:
    return bool(one.cells.keys() & two.cells.keys()) and not _same(one, two)


def _refuse(split: str, metric: str, labels: list[str]) -> NoReturn:
    labels = list(dict.fromkeys(labels))
    ways = " or ".join(f'--map "{label}={split}.{metric}"' for label in labels[:2])
    raise DataError(
        f"Several columns could be {split}_{metric}",
        expected="one",
        got=" and ".join(f'"{label}"' for label in labels[:6]),
        hint=f"Choose with {ways}.",
    )


def _keep_aside(
    split: str, metric: str, best: Column, other: Column, mapping: ColumnMapping
) -> None:
    """Fill holes from a column that was not chosen, or keep it under another name."""
    if not _clash(best, other):
        if other.name.inverted == best.name.inverted:
            best.cells = other.cells | best.cells
        return
    if other.name.number is not None:
        role = f"{split}_{other.name.number}", metric
        mapping.columns[role] = other
        if other.name.inverted:
            mapping.inverted.add(role)
        mapping.notes.append(
            f'{split}_{metric} is "{best.label}", the last one of its kind; "{other.label}" is kept '
            f"as {split}_{other.name.number}."
        )
    elif metric == "loss" and best.name.cross_entropy and not other.name.cross_entropy:
        mapping.columns[split, "total_loss"] = other
        mapping.notes.append(
            f'{split}_loss is the cross-entropy "{best.label}"; "{other.label}" differs from it, '
            "holds more terms or weights, and is kept as total_loss."
        )
    elif (
        other.preference[:-1] == best.preference[:-1] and other.name.inverted == best.name.inverted
    ):
        mapping.columns.setdefault((split, _own_name(other)), other)


def _promoted(
    split: str, by_name: dict[str, list[Column]], taken: set[Role], mapping: ColumnMapping
) -> dict[str, str]:
    """Say which output of several counts as the loss and the accuracy, where that is certain."""
    chosen: dict[str, str] = {}
    scored = _heads(by_name, "accuracy")
    lossy = _heads(by_name, "loss")

    def only(heads: list[str], metric: str) -> str | None:
        if len(heads) > 1:
            labels = [by_name[f"{head}_{metric}"][0].label for head in heads]
            mapping.undecided[split, metric] = labels
        return heads[0] if len(heads) == 1 else None

    if "accuracy" not in by_name and (split, "accuracy") not in taken and scored:
        head = only(scored, "accuracy")
        if head is not None:
            chosen[f"{head}_accuracy"] = "accuracy"
            if head in lossy and (split, "loss") not in taken:
                chosen[f"{head}_loss"] = "loss"
                if "loss" in by_name:
                    chosen["loss"] = "total_loss"
    elif "loss" not in by_name and (split, "loss") not in taken and lossy:
        head = only(lossy, "loss")
        if head is not None:
            chosen[f"{head}_loss"] = "loss"
    if "loss" not in by_name and "loss" not in chosen.values() and "total_loss" in by_name:
        chosen["total_loss"] = "loss"
    return chosen


def _heads(by_name: dict[str, list[Column]], metric: str) -> list[str]:
    return [
        columns[0].name.head
        for columns in by_name.values()
        if columns[0].name.metric == metric
        and columns[0].name.head
        and not columns[0].name.head.startswith(CALIBRATED)
    ]
