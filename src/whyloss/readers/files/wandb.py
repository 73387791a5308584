"""Runs of Weights & Biases as they lie on disk, without the library.

A ``.wandb`` file is a log of records in blocks, each a message of Protocol Buffers; of those only
the history is read.
"""

from __future__ import annotations

import json
import struct
import zlib
from typing import TYPE_CHECKING, Any

from whyloss.errors import FormatError
from whyloss.readers.files.protobuf import fields

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WANDB_MAGIC = b":W&B"
_FILE_HEADER = 7
_BLOCK = 1 << 15
_RECORD = struct.Struct("<IHB")
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
# Numbers of fields: the history in a record; its items and its step; key, nested key and value.
_HISTORY, _ITEM, _STEP = 2, 1, 2
_KEY, _NESTED_KEY, _VALUE = 1, 2, 16


def read_wandb(path: Path, notes: list[str]) -> list[dict[str, Any]]:
    """Read the history of a ``.wandb`` file: a record for each call of ``wandb.log``.

    Parameters
    ----------
    path : Path
    notes : list of str
        Receives what a person should know, such as that the file ends within a record.

    Raises
    ------
    FormatError
        A checksum is wrong, or a record is none.
    """
    rows = []
    for record in _records(path, notes):
        try:
            for number, value in fields(record):
                if number == _HISTORY and isinstance(value, bytes):
                    rows.append(_row(value))
        except (IndexError, struct.error, ValueError, RecursionError):
            raise FormatError(
                f"{path.name} holds a record that cannot be read",
                expected="the history of a run of Weights & Biases",
                got=f"{record[:20]!r}",
            ) from None
    return rows


def _records(path: Path, notes: list[str]) -> Iterator[bytes]:
    data = path.read_bytes()
    at, whole = _FILE_HEADER, b""
    while at + _RECORD.size <= len(data):
        left = _BLOCK - at % _BLOCK
        if left < _RECORD.size:  # too little for another record: filled with zeros
            at += left
            continue
        crc, length, kind = _RECORD.unpack_from(data, at)
        body = data[at + _RECORD.size : at + _RECORD.size + length]
        if kind == 0 and length == 0:
            at += left
            continue
        if len(body) < length:
            break
        if zlib.crc32(body, zlib.crc32(bytes([kind]))) != crc or kind > _LAST:
            raise FormatError(
                f"{path.name} is damaged",
                expected="records whose checksums are right",
                got=f"a wrong one at byte {at}",
            )
        whole = body if kind in {_FULL, _FIRST} else whole + body
        at += _RECORD.size + length
        if kind in {_FULL, _LAST}:
            yield whole
    if at < len(data):
        notes.append(f"{path.name} ends within a record, which was left out.")


def _row(history: bytes) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for number, value in fields(history):
        if number == _ITEM and isinstance(value, bytes):
            key, cell = _item(value)
            row[key] = cell
        elif number == _STEP and isinstance(value, bytes):
            row.setdefault("_step", dict(fields(value)).get(1, 0))
    return row


def _item(data: bytes) -> tuple[str, Any]:
    key, nested, text = "", [], b"null"
    for number, value in fields(data):
        if isinstance(value, bytes):
            if number == _KEY:
                key = value.decode(errors="replace")
            elif number == _NESTED_KEY:
                nested.append(value.decode(errors="replace"))
            elif number == _VALUE:
                text = value
    return key or "/".join(nested), json.loads(text)
