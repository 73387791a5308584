"""Atomic writes: a file is written under a temporary name, synced to disk, then renamed."""

from __future__ import annotations

import errno
import os
import secrets
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SYNC_THREADS = 8


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


def make_folder(path: Path, *, within: Path | None = None) -> None:
    """Create a folder and its parents.

    Parameters
    ----------
    path : Path
        May exist already.
    within : Path, optional
        A parent that is not created: where it is missing, somebody has removed it.

    Raises
    ------
    FileNotFoundError
        `within` does not exist.
    """
    if path.is_dir():
        return
    if path == within:
        raise FileNotFoundError(errno.ENOENT, "the folder has been removed", str(path))
    make_folder(path.parent, within=within)
    path.mkdir(exist_ok=True)


def sync_files(paths: Sequence[Path]) -> dict[Path, OSError]:
    """Wait until files, or the names in folders, are on the disk.

    Many are synced from several threads: a journalling file system then writes its journal once for
    all of them, and not once for each.

    Parameters
    ----------
    paths : sequence of Path

    Returns
    -------
    dict of Path to OSError
        Those that could not be synced.
    """
    left = list(paths)
    failed: dict[Path, OSError] = {}

    def work() -> None:
        while left:
            try:
                path = left.pop()
            except IndexError:
                return  # another thread was quicker
            try:
                sync_folder(path) if path.is_dir() else _sync_file(path)
            except OSError as error:
                failed[path] = error

    threads = [Thread(target=work) for _ in range(min(SYNC_THREADS, len(paths)) - 1)]
    started = []
    for thread in threads:
        with suppress(RuntimeError):  # the interpreter ends, and starts no thread any more
            thread.start()
            started.append(thread)
    work()
    for thread in started:
        thread.join()
    return failed


def _sync_file(path: Path) -> None:
    number = os.open(path, os.O_RDWR)  # Windows does not sync what is open for reading only
    try:
        os.fsync(number)
    finally:
        os.close(number)


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
