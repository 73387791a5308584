"""The history that the numbers and the sentences of a log make."""

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
from whyloss.readers.logs.evaluation_blocks import scores_of_counts
from whyloss.readers.logs.line_parser import BEST_SO_FAR, UNNAMED
from whyloss.readers.logs.log_table import AFTERWARDS
from whyloss.readers.logs.metric_names import Name, recognise, words_of
from whyloss.readers.logs.restarts import last_training

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from whyloss.data.history import Trend
    from whyloss.readers.logs.facts import TextFacts
    from whyloss.readers.logs.log_table import LogTable
    from whyloss.readers.options import ReadOptions

HELD_OUT = ("val", "test", AFTERWARDS)
_SHARES = frozenset(
    [
        "accuracy",
        "top5_accuracy",
        "balanced_accuracy",
        "auc",
        "auc_pr",
        "map",
        "f1",
        "precision",
        "recall",
        "specificity",
        "exact_match",
        "iou",
        "dice",
        "hamming",
    ]
)
# Scores that only classifiers and their like have: with one of them nothing is a regression.
_OF_CLASSIFIERS = _SHARES | {"mcc", "kappa", "entropy", "perplexity", "calibration_error"}
_UNDEFINED = -1.0  # what programs print of a share that would divide by zero
_DIGITS = 0.02  # of a perplexity with two decimals, in nats
_FEW = 3  # evaluations, beside which the curve of the training tells more
_DETECTS = frozenset({"rpn", "dfl", "rcnn"})
_DETECTS_ALONE = _DETECTS | {"bbox", "box"}  # unless something is classified beside


def build_history(
    table: LogTable,
    facts: TextFacts,
    options: ReadOptions,
    *,
    beside: Sequence[Column] = (),
    unfinished: float | None = None,
    restarts: Sequence[tuple[float, float]] = (),
) -> tuple[History, tuple[str, ...]]:
    """Make a history of what has come so far; more may come.

    Parameters
    ----------
    table : LogTable
    facts : TextFacts
    options : ReadOptions
    beside : sequence of Column
        What sentences say beside the log.
    unfinished : float, optional
        A row whose epoch had only begun, to leave out.
    restarts : sequence of (float, float)
        Rows at which the count of epochs began again, and the numbers that stood there.

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
    columns, restart_notes = last_training(table.columns(without=unfinished), restarts)
    columns = [*_named_scores(columns, restart_notes), *beside]
    _refuse_regression(columns, options)
    _refuse_detection(columns, options)
    counted_scores, sizes = scores_of_counts(columns)
    columns += counted_scores
    mapping = map_columns(columns, options, by_global_step=table.by_global_step)
    if not facts.trends and not _says_something(mapping):
        _refuse_nothing(columns)
    notes = [*_mapping_notes(mapping), *mapping.notes, *facts.notes]
    _to_nats(mapping, notes)
    keys, numbers = _rows(table.kind, list(mapping.columns.items()), notes)
    if facts.trends:
        notes.append(_described(facts.trends))
        numbers = numbers or [1]
    # A curve that is only described has a place, and no value.
    arrays: dict[Role, Any] = {
        (trend.split, trend.metric): np.full(len(numbers), math.nan) for trend in facts.trends
    }
    wild: dict[Role, tuple[int, ...]] = {}
    steps: dict[Role, tuple[tuple[int, float], ...]] = {}
    for role, column in _shares(mapping, notes).items():
        cells = {keys[key]: value for key, value in sorted(column.cells.items()) if key in keys}
        arrays[role] = np.array([cells.get(number, math.nan) for number in numbers])
        bad = tuple(n for n in numbers if n in cells and not math.isfinite(cells[n]))
        if bad:
            wild[role] = bad
            share = f"{len(bad)} of {pluralize(len(cells), 'value')}"
            notes.append(f"{'_'.join(role)} is no finite number in {share}.")
        if column.first_bad is not None and len(column.steps) > 1:
            steps[role] = tuple((int(step), value) for step, value in column.steps)
    notes += [*restart_notes, *_left_out_notes(table, unfinished)]
    task, n_classes = _task(table, facts, mapping, options, notes, binary=bool(counted_scores))
    sizes = {**sizes, **facts.sizes}
    held_out = [sizes[split] for split in HELD_OUT if split in sizes]
    history = History(
        np.asarray(numbers, dtype=np.int64),
        arrays,
        n_classes=n_classes,
        n_val=options.n_val or next(iter(held_out), None),
        n_train=options.n_train or sizes.get("train"),
        class_shares=options.class_shares or facts.class_shares,
        not_numbers=wild,
        task=task,
        running_train=table.running if table.running is not None else _runs(columns),
        facts=facts.task_facts(),
        steps=steps,
        score=_chosen_score(mapping, options),
    )
    return history, tuple(notes)


def _named_scores(columns: list[Column], notes: list[str]) -> list[Column]:
    """Give the numbers of CatBoost their name where they are no loss: those that are to rise.

    CatBoost does not print the name of its metric, but the best value so far.
    """
    best = next((column for column in columns if column.label == BEST_SO_FAR), None)
    columns = [column for column in columns if column is not best]
    unnamed = [column for column in columns if column.label in UNNAMED]
    test = next((column for column in unnamed if column.split == "test"), None)
    if test is None or best is None:
        return columns
    name = next(
        (
            other.name
            for other in columns
            if other.split == "test" and other.name.kind == "metric" and other not in unnamed
            if other.cells.keys() & test.cells.keys()
            and all(
                math.isclose(other.cells[key], test.cells[key], rel_tol=1e-5)
                for key in other.cells.keys() & test.cells.keys()
            )
        ),
        None,
    )
    final, values = list(best.cells.values())[-1], test.cells.values()
    if name is None and abs(final - max(values)) < abs(final - min(values)):
        name = Name("own", "unnamed_score")
    if name is None:
        return columns
    notes.append(f"CatBoost's numbers are no loss, because the largest is the best: {name.metric}.")
    return [replace(c, name=name) if c in unnamed else c for c in columns]


def _to_nats(mapping: ColumnMapping, notes: list[str]) -> None:
    """Turn losses in bits into nats, where a perplexity beside one shows that it is in bits.

    fairseq reports losses to base 2, so that the perplexity is 2^loss and not e^loss.
    """
    columns = mapping.columns
    pairs = [
        (loss, columns[split, "perplexity"])
        for (split, metric), loss in columns.items()
        if metric in {"loss", "total_loss"} and (split, "perplexity") in columns
    ]
    if not any(_raised(2.0, loss, perplexity) for loss, perplexity in pairs):
        return
    if any(_raised(math.e, loss, perplexity) for loss, perplexity in pairs):
        return
    for role, column in columns.items():
        if role[1] in {"loss", "total_loss"}:
            cells = {key: value * math.log(2) for key, value in column.cells.items()}
            columns[role] = replace(column, cells=cells)
    notes.append(
        "The losses are in bits, because the perplexity beside them is 2^loss: they are multiplied "
        "by ln 2, which gives nats."
    )


def _raised(base: float, loss: Column, perplexity: Column) -> bool:
    """Whether the perplexity is the base to the power of the loss, in every row."""
    both = loss.cells.keys() & perplexity.cells.keys()
    return bool(both) and all(
        math.isclose(
            loss.cells[key] * math.log(base), math.log(perplexity.cells[key]), abs_tol=_DIGITS
        )
        if perplexity.cells[key] > 0 and math.isfinite(loss.cells[key])
        else False
        for key in both
    )


def _chosen_score(mapping: ColumnMapping, options: ReadOptions) -> tuple[str, bool | None] | None:
    """Find the metric that the caller named, and which way it is better.

    Raises
    ------
    DataError
        There is none of that name, or nobody knows which way it is better.
    """
    if options.metric is None:
        return None
    name = options.metric.partition(":")[0]
    wanted = words_of(name)
    falls = None if options.direction is None else options.direction == "min"
    metrics = {
        metric: column
        for (_, metric), column in mapping.columns.items()
        if wanted in (words_of(metric), words_of(column.label)) or recognise(name).own == metric
    }
    if not metrics:
        raise DataError(
            f"There is no metric {name!r}",
            expected=f"one of {', '.join(sorted({metric for _, metric in mapping.columns}))[:200]}",
            got=name,
        )
    metric, column = next(iter(metrics.items()))
    if falls is None and column.name.kind != "metric":
        raise DataError(
            f"It is not known whether a larger or a smaller {name!r} is better",
            expected=f"{name}:max or {name}:min",
            got=name,
        )
    return metric, falls


def _says_something(mapping: ColumnMapping) -> bool:
    return any(
        (column.name.kind == "metric" and column.name.metric != "learning_rate")
        or role[1] in {"loss", "accuracy"}
        for role, column in mapping.columns.items()
    )


def _refuse_nothing(columns: list[Column]) -> None:
    raise FormatError(
        "There is neither a loss nor a score in it",
        expected="numbers with names, such as val_loss: 0.46 - val_accuracy: 0.78",
        got=", ".join(f'"{column.label}"' for column in columns[:8]) or "none",
        hint='Name them with --map "their name=val.loss".' if columns else None,
    )


def _described(trends: Iterable[Trend]) -> str:
    words = {"rises": "rises", "falls": "falls", "constant": "stays the same", "varies": "varies"}
    said = [
        f"{trend.split}_{trend.metric} {words[trend.direction]}"
        + (f" from epoch {trend.since} on" if trend.since is not None else "")
        for trend in trends
    ]
    return f"Described in words: {', '.join(dict.fromkeys(said))}."


def _left_out_notes(table: LogTable, unfinished: float | None) -> list[str]:
    notes = []
    if unfinished is not None:
        notes.append(f"Epoch {unfinished:g} had only begun: it is left out.")
    if table.thinned:
        notes.append(f"Left out between others: {pluralize(table.thinned, 'row')}.")
    if table.left_out:
        notes.append(f"Left out: {pluralize(table.left_out, 'value')} of further columns.")
    return notes


def _task(
    table: LogTable,
    facts: TextFacts,
    mapping: ColumnMapping,
    options: ReadOptions,
    notes: list[str],
    *,
    binary: bool,
) -> tuple[str | None, int | None]:
    """Tell the task and the number of classes where names or the text leave no doubt."""
    tasks = {column.name.task for column in mapping.columns.values()} - {None}
    labels = " ".join(column.label.casefold() for column in mapping.columns.values())
    if binary or (table.boosting and not tasks and ("-logloss" in labels or "-error" in labels)):
        tasks = {"binary"}
    task = options.task or (tasks.pop() if len(tasks) == 1 else None)
    n_classes = options.n_classes
    if n_classes is None:
        n_classes, told = facts.known_classes()
        notes += told
    n_classes = n_classes or (2 if task == "binary" else None)
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


def _refuse_detection(columns: Iterable[Column], options: ReadOptions) -> None:
    """Refuse the losses of a detector, which are of boxes and of classes at once."""
    metrics = {column.name.metric for column in columns}
    detects = _DETECTS if "accuracy" in metrics else _DETECTS_ALONE
    labels = [
        column.label
        for column in columns
        if column.name.metric.endswith("loss") or column.name.metric.startswith("loss")
        if detects.intersection(words_of(column.label))
    ]
    scored = "map" in metrics
    if not labels or scored or options.columns or options.task:
        return
    raise DataError(
        "These are losses of object detection; whyloss explains classifiers",
        expected="the loss and the accuracy of a classifier, or mAP beside the loss",
        got=", ".join(f'"{label}"' for label in labels[:6]),
        hint='To read the classification part alone: --map "its loss=train.loss".',
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
    divided, odd, undefined = [], [], []
    for role, column in mapping.columns.items():
        top = tops.get(role)
        cells = column.cells
        if top is not None and _UNDEFINED in cells.values():
            undefined.append(f'"{column.label}"')
            cells = {key: math.nan if v == _UNDEFINED else v for key, v in cells.items()}
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
    if undefined:
        notes.append(f"-1 was read as undefined, not as a value: {', '.join(undefined)}.")
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
    elif whole and (
        trained <= set(evaluated) or (len(evaluated) < _FEW and set(evaluated) <= trained)
    ):
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
