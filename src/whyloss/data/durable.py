"""Files that are either whole or not there: written aside, synced, then renamed."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def aside(path: Path) -> Path:
    """Name a temporary file beside `path`, which nobody else uses."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")


def write_aside(path: Path, content: bytes, *, once: bool = False) -> bool:
    """Write a file as a whole; with `once`, only if there is none yet. Say whether it was."""
    temporary = aside(path)
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if once and path.exists():
            return False
        if not once or not _linked(temporary, path):
            temporary.replace(path)
    except FileExistsError:
        return False  # another process was first
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)
    return True


def _linked(temporary: Path, path: Path) -> bool:
    """Give the file its name if the name is free, which renaming does not tell."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:
        return False  # a file system without links
    return True


def make_folder(path: Path) -> None:
    """Make a folder and those above it, so that they outlast a power cut."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    if os.name == "nt":
        return  # Windows opens no folder, and keeps names by itself
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
