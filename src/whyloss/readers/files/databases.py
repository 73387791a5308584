"""SQLite files of trackers: MLflow's and Trackio's, opened for reading alone."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from whyloss.errors import FormatError
from whyloss.readers.files.choice import choose

if TYPE_CHECKING:
    from pathlib import Path

    from whyloss.readers.options import ReadOptions

_MOST_ROWS = 5_000_000


def read_database(path: Path, options: ReadOptions) -> tuple[list[dict[str, Any]], str]:
    """Read the metrics of one run of a tracker.

    Parameters
    ----------
    path : Path
    options : ReadOptions
        Its ``model`` says which run is meant, by name or id.

    Returns
    -------
    list of dict
        A record for each step.
    str
        The name of the run.

    Raises
    ------
    FormatError
        It is no database of a tracker that whyloss knows.
    DataError
        There are several runs, and none is chosen.
    """
    try:
        # As a file that nobody writes: no journal is made beside it.
        address = f"file:{quote(str(path.resolve()))}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as database:
            columns = {row[1] for row in database.execute("PRAGMA table_info(metrics)")}
            if {"key", "value", "step", "run_uuid"} <= columns:
                return _mlflow(database, options, path.name)
            if {"run_name", "step", "metrics"} <= columns:
                return _trackio(database, options, path.name)
    except (sqlite3.Error, UnicodeError) as error:
        raise FormatError(
            f"{path.name} cannot be read",
            expected="an SQLite database",
            got=" ".join(str(error).split())[:200],
        ) from None
    raise FormatError(
        f"{path.name} is a database of no tracker that whyloss knows",
        expected="the table metrics of MLflow or Trackio",
        got=f"a table metrics with {', '.join(sorted(columns))}" if columns else "no such table",
    )


def _mlflow(
    database: sqlite3.Connection, options: ReadOptions, place: str
) -> tuple[list[dict[str, Any]], str]:
    names = dict(database.execute("SELECT run_uuid, name FROM runs"))
    ids = [row[0] for row in database.execute("SELECT DISTINCT run_uuid FROM metrics")]
    by_name: dict[str, str] = {}
    for run_id in ids:
        name = str(names.get(run_id) or run_id)
        by_name[f"{name} ({str(run_id)[:8]})" if name in by_name else name] = run_id
    wanted = options.model
    if wanted in ids:
        wanted = next(name for name, run_id in by_name.items() if run_id == wanted)
    run = choose(by_name, wanted, what="runs", place=place) if by_name else ""
    rows = database.execute(
        "SELECT key, CASE WHEN is_nan THEN 'nan' ELSE value END, step FROM metrics"
        " WHERE run_uuid IS ? ORDER BY step, timestamp LIMIT ?",
        (by_name.get(run, ""), _MOST_ROWS),
    )
    steps: dict[int, dict[str, Any]] = {}
    for key, value, step in rows:
        steps.setdefault(step, {"step": step})[str(key)] = value
    return list(steps.values()), run


def _trackio(
    database: sqlite3.Connection, options: ReadOptions, place: str
) -> tuple[list[dict[str, Any]], str]:
    runs = {
        str(row[0]): row[0] for row in database.execute("SELECT DISTINCT run_name FROM metrics")
    }
    run = choose(runs, options.model, what="runs", place=place) if runs else ""
    records = []
    for step, text in database.execute(
        "SELECT step, metrics FROM metrics WHERE run_name IS ? ORDER BY id LIMIT ?",
        (runs.get(run), _MOST_ROWS),
    ):
        try:
            numbers = json.loads(text)
        except (TypeError, ValueError, RecursionError):
            continue
        if isinstance(numbers, dict):
            records.append({"step": step} | numbers)
    return records, run
