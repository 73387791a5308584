"""Atomic writes: a file is written under a temporary name, synced to disk, then renamed."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def temporary_path(path: Path) -> Path:
    """Make up a name for a temporary file in the folder of `path`.

    Parameters
    ----------
    path : Path
        The file that the temporary one will replace.

    Returns
    -------
    Path
        Random, so that no other process uses it.
    """
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")


def write_atomically(path: Path, content: bytes, *, once: bool = False) -> bool:
    """Write a file so that readers see all of it or nothing, whatever interrupts the writing.

    Parameters
    ----------
    path : Path
    content : bytes
    once : bool, default False
        Leave a file that exists already as it is.

    Returns
    -------
    bool
        Whether the file was written.
    """
    temporary = temporary_path(path)
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if once and path.exists():
            return False
        if not once or not _link(temporary, path):
            temporary.replace(path)
    except FileExistsError:
        return False  # another process wrote it first
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)
    return True


def _link(temporary: Path, path: Path) -> bool:
    """Link `path` to the file if the name is free; renaming would replace an existing file."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:
        return False  # a file system without links
    return True


def make_folder(path: Path) -> None:
    """Create a folder and its parents, and sync their names to the disk.

    Parameters
    ----------
    path : Path
        May exist already.
    """
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Wait until the names in a folder are on the disk.

    Parameters
    ----------
    path : Path
    """
    if os.name == "nt":
        return  # Windows cannot open a folder, and writes names through
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
