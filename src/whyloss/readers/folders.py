"""Folders that programs leave behind: recorded runs, event files, a well-known file of curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whyloss.data import Run
from whyloss.data.layout import INFO_FILE
from whyloss.readers.events import read_event_files
from whyloss.readers.files import read_file

if TYPE_CHECKING:
    from pathlib import Path

    from whyloss.data import Source
    from whyloss.readers.options import ReadOptions

# What the Trainer, Lightning and Ultralytics call their file of curves.
_WELL_KNOWN = ("trainer_state.json", "metrics.csv", "results.csv")


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
    return Run.open(path)
