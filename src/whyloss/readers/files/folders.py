"""Folders that programs leave behind: recorded runs, event files, a well-known file of curves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from whyloss.data import Run
from whyloss.data.layout import INFO_FILE
from whyloss.readers.files.events import read_event_files
from whyloss.readers.files.files import read_file
from whyloss.readers.files.records import from_records

if TYPE_CHECKING:
    from pathlib import Path

    from whyloss.data import Source
    from whyloss.readers.options import ReadOptions

# What the Trainer, Lightning and Ultralytics call their file of curves.
_WELL_KNOWN = ("trainer_state.json", "metrics.csv", "results.csv")
_STORE = "metrics"
_LARGEST = 1 << 27


def read_folder(path: Path, options: ReadOptions) -> Source:
    """Open a recorded run, or the curves that another program wrote in a folder.

    Raises
    ------
    FormatError
        There is nothing that whyloss can read.
    """
    if not (path / INFO_FILE).exists():
        for name in _WELL_KNOWN:
            if (path / name).is_file():
                return read_file(path / name, options)
        if events := sorted(path.rglob("*tfevents*")):
            return read_event_files(events, path, options, path.resolve().name)
        if (path / _STORE).is_dir() and (records := _stored(path / _STORE)):
            return from_records(records, options, path.resolve().name)
    return Run.open(path)


def _stored(path: Path) -> list[dict[str, float]]:
    """Read the metrics of one run of MLflow: a file for each, with lines of time, value, step."""
    rows: dict[float, dict[str, float]] = {}
    for file in sorted(path.rglob("*")):
        if not file.is_file() or file.stat().st_size > _LARGEST:
            continue
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                _, value, step = map(float, line.split())
            except ValueError:
                continue
            if math.isfinite(step):
                row = rows.setdefault(step, {"step": step})
                row[file.relative_to(path).as_posix()] = value
    return [rows[step] for step in sorted(rows)]
