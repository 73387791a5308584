"""How much a file may unpack to: settled before anything is unpacked."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from whyloss.errors import FormatError

if TYPE_CHECKING:
    from pathlib import Path

    from whyloss.readers.options import ReadOptions

# Scores seldom shrink to less than a tenth; what shrinks to a hundredth is hardly data.
_MOST_TIMES = 100
_ALWAYS = 1 << 28  # bytes that are read without a question
_UNKNOWN_MEMORY = 8 << 30
_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def byte_limit(path: Path, options: ReadOptions) -> int:
    """Give the number of bytes that the content of a file may have in memory.

    Parameters
    ----------
    path : Path
    options : ReadOptions
        Its ``max_bytes`` is the limit where it is given. Otherwise that is a hundred times the
        size of the file, but at least 256 MB and at most half of the memory of the machine.
    """
    if options.max_bytes is not None:
        return options.max_bytes
    return min(_memory() // 2, max(_ALWAYS, _MOST_TIMES * path.stat().st_size))


def check_bytes(path: Path, n_bytes: int, limit: int) -> None:
    """Refuse a file whose content is larger than the limit.

    Raises
    ------
    FormatError
        `n_bytes` is more than `limit`.
    """
    if n_bytes > limit:
        raise too_large(path, limit, _size(n_bytes))


def too_large(path: Path, limit: int, got: str) -> FormatError:
    """The refusal of a file that needs more memory than it may take.

    Parameters
    ----------
    path : Path
    limit : int
        In bytes.
    got : str
        How much it needs.
    """
    return FormatError(
        f"{path.name} is too large to be read",
        expected=f"at most {_size(limit)} in memory",
        got=got,
        hint="If it is right, raise the limit with --max-bytes, such as --max-bytes 20GB.",
    )


def _memory() -> int:
    """The memory of the machine in bytes."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # not on Windows
        return _UNKNOWN_MEMORY


def _size(n_bytes: float) -> str:
    """A number of bytes in the unit that fits it: 2.1 GB."""
    for unit in _UNITS[:-1]:
        if n_bytes < 1000:
            return f"{n_bytes:.3g} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:,.3g} {_UNITS[-1]}"
