"""Messages of Protocol Buffers, field by field, without their definitions."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def fields(data: bytes) -> Iterator[tuple[int, int | float | bytes]]:
    """Walk over the fields of a message.

    Parameters
    ----------
    data : bytes
        One message, whole.

    Yields
    ------
    tuple
        The number of the field, and its value: an int, a float, or bytes.

    Raises
    ------
    IndexError, struct.error
        It is no message, or it is cut.
    """
    at = 0
    while at < len(data):
        value: int | float | bytes
        key, at = _varint(data, at)
        kind = key & 7
        if kind == VARINT:
            value, at = _varint(data, at)
            yield key >> 3, value
        elif kind == BYTES:
            size, at = _varint(data, at)
            if at + size > len(data):
                raise IndexError(size)
            yield key >> 3, data[at : at + size]
            at += size
        elif kind == FIXED32:
            yield key >> 3, struct.unpack_from("<f", data, at)[0]
            at += 4
        elif kind == FIXED64:
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
