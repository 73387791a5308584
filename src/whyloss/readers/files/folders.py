"""Folders that programs leave behind: recorded runs, and the curves of trackers and libraries."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from whyloss.data import Run
from whyloss.data.layout import INFO_FILE
from whyloss.readers.files.choice import choose
from whyloss.readers.files.events import read_event_files
from whyloss.readers.files.files import read_file
from whyloss.readers.files.records import from_records
from whyloss.readers.logs.metric_names import recognise

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from whyloss.data import Source
    from whyloss.readers.options import ReadOptions

    Record = dict[str, Any]

# What the Trainer, Lightning and Ultralytics call their file of curves; and trackers theirs.
_WELL_KNOWN = (
    "trainer_state.json",
    "metrics.csv",
    "results.csv",
    "mlflow.db",
    "files/wandb-history.jsonl",
)
_EPOCH_FILE = re.compile(r"metrics_epoch_(\d{1,9})\.json")
_CATBOOST = {"learn_error.tsv": "train", "test_error.tsv": "val"}
_LARGEST = 1 << 27


def read_folder(path: Path, options: ReadOptions) -> Source:
    """Open a recorded run, or the curves that another program wrote in a folder.

    Raises
    ------
    FormatError
        There is nothing that whyloss can read.
    DataError
        There are several runs, and none is chosen.
    """
    if (path / INFO_FILE).exists() or not path.is_dir():
        return Run.open(path)
    name = path.resolve().name
    whole = next((path / file for file in _WELL_KNOWN if (path / file).is_file()), None)
    # The state in the last checkpoint of a Trainer holds the whole history.
    checkpoints = sorted(path.glob("checkpoint-*/trainer_state.json"), key=_last_number)
    if whole is not None or checkpoints:
        return read_file(whole or checkpoints[-1], options)
    if records := _of_epoch_files(path) or _of_catboost(path) or _of_dvclive(path):
        return from_records(records, options, name)
    if events := sorted(file for file in path.rglob("*tfevents*") if file.is_file()):
        return read_event_files(events, path, options, name)
    return _of_wandb(path, options, name) or _of_mlflow(path, options, name) or Run.open(path)


def _of_wandb(path: Path, options: ReadOptions, name: str) -> Source | None:
    """Read one run of Weights & Biases, or the one that is meant of those below."""
    files = sorted(path.glob("run-*.wandb")) or sorted(path.glob("*run-*/run-*.wandb"))
    files += sorted(path.glob("wandb/*run-*/run-*.wandb")) if not files else []
    if not files:
        return None
    runs = {file.stem: file for file in files}
    run = choose(runs, options.model, what="runs", place=name)
    return read_file(runs[run], replace(options, model=None))


def _last_number(path: Path) -> int:
    return max((int(digits) for digits in re.findall(r"\d{1,15}", path.parent.name)), default=0)


# --- a file per epoch -----------------------------------------------------------------------------


def _of_epoch_files(path: Path) -> list[Record]:
    """Read ``metrics_epoch_0.json``, …, as AllenNLP writes them."""
    numbered = [
        (int(said[1]), file)
        for file in path.iterdir()
        if (said := _EPOCH_FILE.fullmatch(file.name))
    ]
    records = []
    for epoch, file in sorted(numbered):
        try:
            numbers = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(numbers, dict):
            records.append({"epoch": epoch} | {k: v for k, v in numbers.items() if k != "epoch"})
    return records


# --- a file per metric ----------------------------------------------------------------------------


def _of_catboost(path: Path) -> list[Record]:
    """Read ``learn_error.tsv`` and ``test_error.tsv``; "test" is evaluated in between."""
    for folder in (path, path / "catboost_info"):
        tables = {file: split for file, split in _CATBOOST.items() if (folder / file).is_file()}
        if tables:
            rows: dict[float, Record] = {}
            for file, split in tables.items():
                for record in _table(folder / file):
                    step = record.pop("iter", math.nan)
                    row = rows.setdefault(step, {"iter": step})
                    row |= {f"{split}/{label}": cell for label, cell in record.items()}
            return [rows[step] for step in sorted(rows)]
    return []


def _of_dvclive(path: Path) -> list[Record]:
    """Read a table for each metric, as DVCLive writes them: a step, and a value."""
    for folder in (path / "plots" / "metrics", path / "dvclive" / "plots" / "metrics"):
        if folder.is_dir():
            rows: dict[float, Record] = {}
            for file in sorted(folder.rglob("*.tsv")):
                label = file.relative_to(folder).with_suffix("").as_posix()
                for record in _table(file):
                    step = record.get("step", math.nan)
                    rows.setdefault(step, {"step": step})[label] = record.get(file.stem)
            return [rows[step] for step in sorted(rows)]
    return []


def _table(file: Path) -> list[dict[str, float]]:
    """Read a table of numbers that tabs separate."""
    if file.stat().st_size > _LARGEST:
        return []
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    names = lines[0].split("\t") if lines else []
    rows = []
    for line in lines[1:]:
        cells = line.split("\t")
        row = {}
        for name, cell in zip(names, cells, strict=False):
            try:
                row[name.strip()] = float(cell)
            except ValueError:
                continue
        if len(cells) == len(names) and math.isfinite(row.get(names[0].strip(), math.nan)):
            rows.append(row)
    return rows


# --- MLflow ---------------------------------------------------------------------------------------


def _of_mlflow(path: Path, options: ReadOptions, name: str) -> Source | None:
    """Read one run of MLflow, or the one that is meant of those below."""
    stores = (
        [path / "metrics"]
        if (path / "metrics").is_dir()
        else [
            store
            for depth in ("*", "*/*", "*/*/*")
            for store in sorted(path.glob(f"{depth}/metrics"))
        ]
    )
    runs = {_run_name(store.parent): records for store in stores if (records := _stored(store))}
    if not runs:
        return None
    run = choose(runs, options.model, what="runs", place=name)
    called = name if stores == [path / "metrics"] else run
    return from_records(runs[run], replace(options, model=None), called)


def _run_name(run: Path) -> str:
    try:
        return (run / "tags" / "mlflow.runName").read_text(encoding="utf-8").strip() or run.name
    except OSError:
        return run.name


def _stored(path: Path) -> list[Record]:
    """Read the metrics of a run: a file for each, with lines of time, value and step."""
    rows: dict[float, Record] = {}
    for file in sorted(path.rglob("*")):
        if not file.is_file() or file.stat().st_size > _LARGEST:
            continue
        label = file.relative_to(path).as_posix()
        for step, value in _lines(file):
            rows.setdefault(step, {"step": step})[label] = value
    labels = {label for row in rows.values() for label in row}
    known = any(recognise(label).kind == "metric" for label in labels)
    return [rows[step] for step in sorted(rows)] if known else []


def _lines(file: Path) -> Iterable[tuple[float, float]]:
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            _, value, step = map(float, line.split())
        except ValueError:
            continue
        if math.isfinite(step):
            yield step, value
