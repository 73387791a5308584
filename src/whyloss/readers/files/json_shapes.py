"""The shapes in which JSON holds curves: which part of it is a training, and its rows."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from whyloss.formatting import pluralize
from whyloss.readers.files.choice import PART_WORDS, RUN_WORDS
from whyloss.readers.logs.metric_names import recognise, words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_DEEPEST = 6
# Words by which the parts of one training are called, as against several trainings.
_STAGES = frozenset({
    "phase", "stage", "part", "warmup", "warm", "head", "heads", "finetune", "finetuned",
    "finetuning", "fine", "frozen", "freeze", "unfreeze", "unfrozen", "pretrain", "pretraining",
    "initial", "transfer",
})  # fmt: skip
_EPOCH_KEY = re.compile(r"(?:epoch|ep|e)?[ _-]*(\d{1,9})", re.IGNORECASE)
_HEAD = 20  # rows that show which columns there are
_POINT = (2, 3)  # numbers of a point: step and value, or time, step and value


def are_records(value: Any) -> bool:  # noqa: ANN401 - what JSON may hold
    """Tell whether it is a list of dictionaries, one per row.

    Parameters
    ----------
    value : dict, list, str, number or None
    """
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def as_records(value: Any) -> list[dict[str, Any]] | None:  # noqa: ANN401 - what JSON may hold
    """Rows that are written in another way: by the number of their epoch, or below their columns.

    Parameters
    ----------
    value : dict, list, str, number or None

    Returns
    -------
    list of dict or None
        None where it holds no such rows.
    """
    if not isinstance(value, dict):
        return None
    labels, cells = value.get("columns"), value.get("data")
    if isinstance(labels, list) and isinstance(cells, list):
        return [dict(zip(map(str, labels), row, strict=False)) for row in cells]
    keys = [_EPOCH_KEY.fullmatch(str(key)) for key in value]
    rows = list(value.values())
    if not keys or None in keys or not are_records(rows) or not _curves(rows[:_HEAD]):
        return None
    return [
        {"epoch": int(key[1])} | row for key, row in zip(keys, rows, strict=True) if key is not None
    ]


def flat(records: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Write nested records as flat ones, ``{"val": {"loss": 0.4}}`` as ``val/loss``.

    Parameters
    ----------
    records : iterable of mappings
    """
    for record in records:
        yield dict(_leaves(record))


def _leaves(record: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for label, value in record.items():
        if isinstance(value, dict) and above.count("/") < _DEEPEST:
            yield from _leaves(value, f"{above}{label}/")
        else:
            yield f"{above}{label}", value


def lists_of(
    value: Mapping[str, Any], prefix: str = "", depth: int = 0
) -> Iterator[tuple[str, list[Any]]]:
    """Find lists of numbers by name, also where they lie deeper.

    Parameters
    ----------
    value : mapping
    prefix : str
        Names above it.
    depth : int
        How deep it lies.
    """
    for label, inner in value.items():
        name = f"{prefix}-{label}" if prefix else str(label)
        if isinstance(inner, list) and inner:
            yield name, values_of(inner) if _is_metric(name) else inner
        elif isinstance(inner, dict) and inner and depth < _DEEPEST:
            if all(str(key).isdecimal() for key in inner):  # as pandas writes a column
                yield name, [inner[key] for key in sorted(inner, key=int)]
            else:
                yield from lists_of(inner, name, depth + 1)


def values_of(points: list[Any]) -> list[Any]:
    """Take the values of points such as ``[step, value]`` with steps that grow; else all of it.

    Parameters
    ----------
    points : list
    """
    widths = {len(point) if isinstance(point, list) else 0 for point in points}
    if len(points) < max(_POINT) or not widths <= set(_POINT) or len(widths) > 1:
        return points
    steps = [point[-2] for point in points]
    numbers = all(isinstance(number, int | float) for point in points for number in point)
    grows = numbers and all(before < after for before, after in pairwise(steps))
    whole = grows and all(float(step).is_integer() for step in steps)
    return [point[-1] for point in points] if whole else points


def aligned(lists: dict[str, list[Any]], notes: list[str]) -> list[dict[str, Any]]:
    """Write lists as records; a list whose length divides that of the longest has every n-th.

    Parameters
    ----------
    lists : dict of str to list
    notes : list of str
        What is to be told is added to it.
    """
    curves = {label for label in lists if recognise(label).kind in {"metric", "index"}}
    length = max(len(lists[label]) for label in curves or lists)
    lists = {label: values for label, values in lists.items() if len(values) <= length}
    every = {
        label: length // len(values) if length % len(values) == 0 and len(values) > 1 else 1
        for label, values in lists.items()
    }
    records: list[dict[str, Any]] = [{} for _ in range(length)]
    for label, values in lists.items():
        for at, value in enumerate(values):
            records[(at + 1) * every[label] - 1][label] = value
        if label not in curves:
            continue
        if every[label] > 1:
            notes.append(
                f'"{label}" has {len(values)} values beside {length} of others: they count as one '
                f"for every {every[label]} epochs."
            )
        elif len(values) < length:
            notes.append(
                f'"{label}" has {len(values)} values beside {length} of others: they count as '
                "those of the first epochs."
            )
    return records


# --- trainings in it ------------------------------------------------------------------------------


def trainings_in(value: Any) -> dict[str, Any]:  # noqa: ANN401 - what JSON may hold
    """Find trainings one level below, by their names: one, several, or parts of one.

    Parameters
    ----------
    value : dict, list, str, number or None

    Returns
    -------
    dict of str to dict or list
        Empty where the curves lie beside each other, as those of one training do.
    """
    if isinstance(value, dict):
        named = {
            str(label): inner for label, inner in value.items() if isinstance(inner, dict | list)
        }
        if any(isinstance(inner, list) and _is_metric(label) for label, inner in value.items()):
            return {}
    elif are_records(value) and _curves(value[0]):
        named = {_run_name(run, at): run for at, run in enumerate(value, 1)}
    else:
        return {}
    curves = {label: _curves(inner) for label, inner in named.items()}
    curves = {label: found for label, found in curves.items() if found}
    if len(curves) == 1:
        ((label, found),) = curves.items()
        return {label: named[label]} if not _names_split(label) or _has_splits(found) else {}
    if any(_names_split(label) for label in curves) or len(curves) < 2:
        return {}
    return {label: named[label] for label in curves} if set.intersection(*curves.values()) else {}


def are_stages(names: Mapping[str, Any]) -> bool:
    """Tell whether the names are those of parts of one training, one after the other.

    Parameters
    ----------
    names : mapping of str
    """
    return all(
        _STAGES.intersection(word.rstrip("0123456789") for word in words_of(name)) for name in names
    )


def in_a_row(parts: Mapping[str, Any], notes: list[str]) -> list[dict[str, Any]]:
    """Write the parts of a training as records with epochs that are counted on.

    Parameters
    ----------
    parts : mapping of str to dict or list
    notes : list of str
        What is to be told is added to it.
    """
    notes.append(
        f"{pluralize(len(parts), 'part')} are read one after the other: {', '.join(parts)}."
    )
    rows: list[dict[str, Any]] = []
    for part in parts.values():
        records = flat(part) if are_records(part) else aligned(dict(lists_of(part)), notes)
        rows += records
    return [
        {"epoch": at} | {label: row[label] for label in row if recognise(label).kind != "index"}
        for at, row in enumerate(rows, 1)
    ]


def _curves(value: Any) -> set[tuple[str, str | None]]:  # noqa: ANN401 - what JSON may hold
    """Metric and split of the curves in it."""
    if are_records(value):
        labels = [
            label
            for row in flat(value[:_HEAD])
            for label, cell in row.items()
            if not isinstance(cell, list)
        ]
    elif isinstance(value, dict):
        labels = [label for label, _ in lists_of(value)]
    else:
        return set()
    names = [recognise(label) for label in labels]
    return {
        (name.metric, name.split)
        for name in names
        if name.kind == "metric" and name.metric != "learning_rate"
    }


def _is_metric(label: str) -> bool:
    return recognise(label).kind == "metric"


def _names_split(label: str) -> bool:
    return recognise(f"{label} loss").split is not None


def _has_splits(curves: set[tuple[str, str | None]]) -> bool:
    return any(split not in {None, "train"} for _, split in curves)


def _run_name(run: Mapping[str, Any], at: int) -> str:
    words = RUN_WORDS | PART_WORDS | {"name"}
    return str(next((run[label] for label in run if " ".join(words_of(label)) in words), at))
