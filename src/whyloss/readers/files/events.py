"""Event files of TensorBoard: scalars by step, without TensorFlow or TensorBoard.

A file is a row of records, each with its length and two checksums; a record is a message of
Protocol Buffers. Of those only the scalars are read.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from whyloss.errors import FormatError
from whyloss.readers.files.records import from_records

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from whyloss.data import InMemorySource
    from whyloss.readers.options import ReadOptions

_HEADER = struct.Struct("<QI")
_FOOTER = struct.Struct("<I")
# A record of scalars is small; larger ones hold graphs, images and histograms.
_LARGEST = 1 << 16
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_DT_FLOAT, _DT_DOUBLE = 1, 2


def _table() -> list[int]:
    found = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
        found.append(crc)
    return found


_CRC_TABLE = _table()


def masked_crc(data: bytes) -> int:
    """Compute the checksum of TFRecord files: CRC-32C, rotated and shifted."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC_TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def is_event_file(head: bytes) -> bool:
    """Whether a file that begins with `head` is a row of records."""
    return len(head) >= _HEADER.size and _HEADER.unpack_from(head)[1] == masked_crc(head[:8])


def read_events(path: Path, notes: list[str]) -> Iterator[tuple[int, str, float]]:
    """Read the scalars of a file: step, tag, value.

    Parameters
    ----------
    path : Path
    notes : list of str
        Receives what a person should know, such as that the file ends within a record.

    Raises
    ------
    FormatError
        A checksum is wrong.
    """
    with path.open("rb") as file:
        while head := file.read(_HEADER.size):
            if len(head) < _HEADER.size:
                break
            length, crc = _HEADER.unpack(head)
            if masked_crc(head[:8]) != crc:
                raise _damaged(path, file.tell() - _HEADER.size)
            if length > _LARGEST:
                file.seek(length + _FOOTER.size, 1)
                continue
            data = file.read(length)
            foot = file.read(_FOOTER.size)
            if len(data) < length or len(foot) < _FOOTER.size:
                break
            if masked_crc(data) != _FOOTER.unpack(foot)[0]:
                raise _damaged(path, file.tell() - length)
            yield from _scalars(data, path)
        else:
            return
    notes.append(f"{path.name} ends within a record, which was left out.")


def read_event_files(
    paths: list[Path], folder: Path, options: ReadOptions, name: str
) -> InMemorySource:
    """Make curves of event files.

    Parameters
    ----------
    paths : list of Path
        The files of one training. Those in folders below `folder`, such as ``train`` and
        ``validation``, have the names of these before their tags.
    folder : Path
    options : ReadOptions
    name : str
        What to call the source.
    """
    notes: list[str] = []
    rows: dict[int, dict[str, float]] = {}
    for path in paths:
        place = path.parent.relative_to(folder).as_posix()
        for step, tag, value in read_events(path, notes):
            label = tag if tag == "epoch" or place == "." else f"{place}/{tag}"
            rows.setdefault(step, {})[label] = value
    records = ({"step": float(step)} | rows[step] for step in sorted(rows))
    return from_records(records, options, name, notes)


def _damaged(path: Path, at: int) -> FormatError:
    return FormatError(
        f"{path.name} is damaged",
        expected="records whose checksums are right",
        got=f"a wrong one at byte {at}",
    )


def _scalars(data: bytes, path: Path) -> Iterator[tuple[int, str, float]]:
    step = 0
    summary = b""
    try:
        for number, value in _fields(data):
            if number == 2 and isinstance(value, int):
                step = value - (1 << 64) if value >> 63 else value
            elif number == 5 and isinstance(value, bytes):
                summary = value
        for number, value in _fields(summary):
            if number == 1 and isinstance(value, bytes):
                tag, scalar = _value(value)
                if scalar is not None:
                    yield step, tag, scalar
    except (IndexError, struct.error):
        raise FormatError(
            f"{path.name} holds a record that is no event",
            expected="an event file of TensorBoard",
            got=f"{data[:20]!r}",
        ) from None


def _value(data: bytes) -> tuple[str, float | None]:
    """Read one value of a summary: its tag, and its number where it is a scalar."""
    tag, scalar = "", None
    for number, value in _fields(data):
        if number == 1 and isinstance(value, bytes):
            tag = value.decode(errors="replace")
        elif number == 2 and isinstance(value, float):
            scalar = value
        elif number == 8 and isinstance(value, bytes):
            scalar = _tensor(value)
    return tag, scalar


def _tensor(data: bytes) -> float | None:
    """Read a tensor of one number, as TensorFlow 2 writes its scalars."""
    kind, content, values = 0, b"", []
    for number, value in _fields(data):
        if number == 1 and isinstance(value, int):
            kind = value
        elif number == 4 and isinstance(value, bytes):
            content = value
        elif number in {5, 6}:
            values.append(value)
    form = {_DT_FLOAT: "f", _DT_DOUBLE: "d"}.get(kind)
    if form is None:
        return None
    for value in values:
        if isinstance(value, float):
            return value
        content = value if isinstance(value, bytes) else content
    size = struct.calcsize(form)
    return float(struct.unpack(f"<{form}", content)[0]) if len(content) == size else None


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Walk over the fields of a message: number, and value."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield key >> 3, value
        elif kind == _BYTES:
            size, at = _varint(data, at)
            if at + size > len(data):
                raise IndexError(size)
            yield key >> 3, data[at : at + size]
            at += size
        elif kind == _FIXED32:
            yield key >> 3, struct.unpack_from("<f", data, at)[0]
            at += 4
        elif kind == _FIXED64:
            yield key >> 3, struct.unpack_from("<d", data, at)[0]
            at += 8
        else:
            raise IndexError(kind)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise IndexError(at)
