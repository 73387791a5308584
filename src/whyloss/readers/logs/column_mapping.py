"""Which column of a log is which metric of which split, and where that cannot be told."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from whyloss.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from whyloss.readers.logs.metric_names import Name
    from whyloss.readers.options import ReadOptions

Role = tuple[str, str]
_SCORES = frozenset({"accuracy", "auc", "f1", "precision", "recall", "mcc", "top5_accuracy"})
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
    """

    label: str
    name: Name
    split: str | None
    percent: bool = False
    cells: dict[float, float] = field(default_factory=dict)

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
    """The outcome: a column for each role, and what a person should know about the choice."""

    columns: dict[Role, Column] = field(default_factory=dict)
    inverted: set[Role] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)


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
    known = [column for column in rest if column.name.kind == "metric"]
    splits = _splits(known, mapping, by_global_step=by_global_step)
    for split in sorted(set(splits.values()), key=_split_order):
        mine = [column for column in known if splits.get(column) == split]
        _assign_split(split, mine, mapped, mapping)
    for column in rest:
        if column.name.kind != "metric":
            role = (column.split or "train", column.name.metric)
            mapping.columns.setdefault(role, column)
    return mapping


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
        if column in twice:
            continue  # as estimators print the loss of an evaluation once more
        split = "train"
        if name.own == "loss":
            if not name.cross_entropy and any(
                found[other] == "train" and other.name.own == "loss" and _clash(column, other)
                for other in columns
                if other.split is not None
            ):
                continue  # as Lightning prints a running loss beside the one of the epoch
        elif name.metric in _SCORES and evaluated and in_table:
            split = evaluated if (evaluated, name.own) not in told else "train"
        elif name.metric in _SCORES and len(held_out) == 1 and not losses:
            split = held_out[0] if (held_out[0], name.own) not in told else "train"
        found[column] = split
    if plain and not told:
        mapping.notes.append("No split is named: the numbers count as those of the training.")
    return found


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
    by_name: dict[str, list[Column]] = {}
    for column in columns:
        by_name.setdefault(column.name.own, []).append(column)
    if "loss" in by_name and "total_loss" in by_name:
        total = by_name["total_loss"]
        by_name["total_loss"] = [c for c in total if not _same(c, by_name["loss"][0])]
        if not by_name["total_loss"]:  # as tflearn prints its loss twice
            del by_name["total_loss"]
    promoted = _promoted(split, by_name, taken)
    for own, candidates in by_name.items():
        metric = promoted.get(own, own)
        if (split, metric) in taken:
            continue
        best, *others = sorted(candidates, key=lambda column: column.preference)
        _check_choice(split, metric, best, others)
        mapping.columns[split, metric] = best
        if best.name.inverted:
            mapping.inverted.add((split, metric))
        for other in others:
            _keep_aside(split, metric, best, other, mapping)
    for own, metric in promoted.items():
        label = mapping.columns[split, metric].label
        if metric not in {own, "total_loss"}:
            mapping.notes.append(
                f'{split}_{metric} is that of "{label}", the only one of its kind.'
            )


def _check_choice(split: str, metric: str, best: Column, others: list[Column]) -> None:
    for other in others:
        if other.preference == best.preference and _clash(best, other):
            _refuse(split, metric, [best, other])


def _clash(one: Column, two: Column) -> bool:
    return bool(one.cells.keys() & two.cells.keys()) and not _same(one, two)


def _refuse(split: str, metric: str, columns: list[Column]) -> None:
    labels = list(dict.fromkeys(column.label for column in columns))
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
        mapping.columns[f"{split}_{other.name.number}", metric] = other
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


def _promoted(split: str, by_name: dict[str, list[Column]], taken: set[Role]) -> dict[str, str]:
    """Say which output of several counts as the loss and the accuracy, where that is certain."""
    chosen: dict[str, str] = {}
    scored = _heads(by_name, "accuracy")
    lossy = _heads(by_name, "loss")
    if "accuracy" not in by_name and (split, "accuracy") not in taken and scored:
        if len(scored) > 1:
            _refuse(split, "accuracy", [by_name[f"{head}_accuracy"][0] for head in scored])
        head = scored[0]
        chosen[f"{head}_accuracy"] = "accuracy"
        if head in lossy and (split, "loss") not in taken:
            chosen[f"{head}_loss"] = "loss"
            if "loss" in by_name:
                chosen["loss"] = "total_loss"
    elif "loss" not in by_name and (split, "loss") not in taken and lossy:
        if len(lossy) > 1:
            _refuse(split, "loss", [by_name[f"{head}_loss"][0] for head in lossy])
        chosen[f"{lossy[0]}_loss"] = "loss"
    if "loss" not in by_name and "loss" not in chosen.values() and "total_loss" in by_name:
        chosen["total_loss"] = "loss"
    return chosen


def _heads(by_name: dict[str, list[Column]], metric: str) -> list[str]:
    return [
        columns[0].name.head
        for columns in by_name.values()
        if columns[0].name.metric == metric and columns[0].name.head
    ]
