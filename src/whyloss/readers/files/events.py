"""Event files of TensorBoard: scalars by step, without TensorFlow or TensorBoard.

A file is a row of records, each with its length and two checksums; a record is a message of
Protocol Buffers. Of those only the scalars are read.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING

from whyloss.errors import FormatError
from whyloss.readers.files.choice import choose
from whyloss.readers.files.protobuf import fields
from whyloss.readers.files.records import from_records
from whyloss.readers.logs.metric_names import SPLIT_WORDS, recognise, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from whyloss.data import InMemorySource
    from whyloss.readers.options import ReadOptions

_HEADER = struct.Struct("<QI")
_FOOTER = struct.Struct("<I")
# A record of scalars is small; larger ones hold graphs, images and histograms.
_LARGEST = 1 << 16
_DT_FLOAT, _DT_DOUBLE = 1, 2
_JOINING = {"and": "", "vs": "", "versus": ""}  # in tags that name several splits


def _table() -> list[int]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
        table.append(crc)
    return table


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
        The files of one training, or of several in folders of their own. Those in folders below
        that are called as a split, such as ``train`` and ``validation``, or that ``add_scalars``
        made, are of one training.
    folder : Path
    options : ReadOptions
        Its ``model`` says which of several trainings is meant.
    name : str
        What to call the source.

    Raises
    ------
    DataError
        Several trainings report the same numbers, and none is chosen.
    """
    notes: list[str] = []
    runs: dict[str, dict[int, dict[str, float]]] = {}
    for path in paths:
        place = path.parent.relative_to(folder)
        for step, tag, value in read_events(path, notes):
            run, label = _label(place.parts, tag)
            runs.setdefault(run, {}).setdefault(step, {})[label] = value
    chosen = {run: rows for run, rows in runs.items() if any(_is_metric(rows[at]) for at in rows)}
    run = choose(chosen, options.model, what="runs", place=name) if chosen else ""
    rows = chosen.get(run, {})
    records = ({"step": float(step)} | rows[step] for step in sorted(rows))
    return from_records(records, replace(options, model=None), name, notes)


def _label(place: tuple[str, ...], tag: str) -> tuple[str, str]:
    """Tell the training that a tag is of, and name the tag with its split.

    ``add_scalars("loss", {"train": …})`` writes the tag ``loss`` into a folder ``loss_train``.
    """
    head, last = place[:-1], place[-1] if place else ""
    made = tag.replace("/", "_") + "_"
    if last.startswith(made) and len(last) > len(made):
        words = [word for word in words_of(tag) if word not in SPLIT_WORDS | _JOINING]
        return "/".join(head), "_".join([last[len(made) :], *words])
    if {*words_of(last)} & SPLIT_WORDS.keys():
        return "/".join(head), tag if tag == "epoch" else f"{last}/{tag}"
    return "/".join(place), tag


def _is_metric(row: Mapping[str, float]) -> bool:
    return any(recognise(label).kind == "metric" for label in row)


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
        for number, value in fields(data):
            if number == 2 and isinstance(value, int):
                step = value - (1 << 64) if value >> 63 else value
            elif number == 5 and isinstance(value, bytes):
                summary = value
        for number, value in fields(summary):
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
    for number, value in fields(data):
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
    for number, value in fields(data):
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
