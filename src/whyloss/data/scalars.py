"""The scalars of a run: ``scalars.jsonl``, one JSON object per line."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from whyloss.errors import DataError, FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from io import FileIO
    from pathlib import Path


def append_row(path: Path, epoch: int, split: str, launch: int, values: Mapping[str, Any]) -> None:
    """Add a line.

    Parameters
    ----------
    path : Path
    epoch : int
    split : str
    launch : int
        The launch of the training that reports them.
    values : mapping of str to scalar
        By metric; scalars of any framework.

    Raises
    ------
    DataError
        A value is not a number (NaN and infinity are), or a metric is named "epoch", "split" or
        "launch".
    """
    row: dict[str, Any] = {"epoch": epoch, "split": split, "launch": launch}
    for name, value in values.items():
        if name in row:
            raise DataError(f"A metric cannot be named {name!r}", expected="another name", got=name)
        row[name] = as_number(name, value)
    # One write in append mode: lines of several processes do not run into each other.
    with path.open("ab+", buffering=0) as file:
        torn = _last_byte(file) not in (b"", b"\n")
        line = (b"\n" if torn else b"") + json.dumps(row).encode() + b"\n"
        if file.write(line) != len(line):
            raise OSError(f"{path} could not be written completely")


def read_rows(path: Path, first_launch: int) -> Iterator[dict[str, Any]]:
    """Read the lines, without those that a crash cut short.

    Parameters
    ----------
    path : Path
        No rows where it does not exist.
    first_launch : int
        Rows of earlier launches are left out: the run was overwritten since.

    Yields
    ------
    dict of str to object
        "epoch", "split", and values by metric.

    Raises
    ------
    FormatError
        A line is complete, but not a JSON object.
    """
    for number, line in enumerate(_lines(path), start=1):
        row = _parsed(line)
        if row is not None:
            launch = row.pop("launch", 0)
            if isinstance(launch, int) and launch >= first_launch:
                yield row
        elif not _torn(line):
            raise FormatError(
                f"Line {number} of {path} cannot be read",
                expected='a JSON object such as {"epoch": 3, "split": "val", "loss": 0.4}',
                got=f"{line!r:.80}",
            )


def drop_torn_line(path: Path) -> bool:
    """Remove the last line if a crash cut it short.

    Parameters
    ----------
    path : Path

    Returns
    -------
    bool
        Whether there was such a line.
    """
    lines = _lines(path)
    if not lines or _parsed(lines[-1]) is not None or not _torn(lines[-1]):
        return False
    with path.open("r+b") as file:
        file.truncate(sum(len(line) for line in lines[:-1]))
    return True


def as_number(name: str, value: Any) -> float:  # noqa: ANN401 - scalars of any framework
    """Convert a scalar of any framework to a float.

    Parameters
    ----------
    name : str
        For the error message.
    value : scalar, or array or tensor of one element

    Raises
    ------
    DataError
        It is not a number.
    """
    try:
        # Arrays and tensors of one element have item(); a string would pass float().
        return float("" if isinstance(value, str) else getattr(value, "item", lambda: value)())
    except (TypeError, ValueError, RuntimeError, OverflowError):
        raise DataError(
            f"The value of {name} is not a number", expected="one number", got=f"{value!r:.80}"
        ) from None


def _last_byte(file: FileIO) -> bytes:
    if file.seek(0, os.SEEK_END) == 0:
        return b""
    file.seek(-1, os.SEEK_END)
    return file.read(1)


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True) if path.exists() else []


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _torn(line: bytes) -> bool:
    """Whether a crash cut the line short: its end, or the end of its object, is missing."""
    text = line.strip(b"\0\r\n ")
    return (
        not text or not line.endswith(b"\n") or (text.startswith(b"{") and not text.endswith(b"}"))
    )
