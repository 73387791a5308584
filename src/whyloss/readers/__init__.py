"""Foreign formats in, predictions, histories and runs out: one file per family."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from whyloss.data import Run

if TYPE_CHECKING:
    from whyloss.data import Source


def read(path: str | Path) -> Source:
    """Open whatever lies at `path`.

    Parameters
    ----------
    path : str or Path
        A run folder.

    Raises
    ------
    FormatError
        Nothing is there, or nothing that whyloss can read.
    """
    return Run.open(Path(path))
