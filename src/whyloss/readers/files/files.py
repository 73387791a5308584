"""Files of other programs, recognised by what they hold and not by their name alone."""

from __future__ import annotations

import codecs
import json
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from whyloss.data import InMemorySource
from whyloss.errors import FormatError
from whyloss.readers.files.arrays import read_npy, read_npz, read_safetensors
from whyloss.readers.files.limits import byte_limit, check_bytes, too_large
from whyloss.readers.files.wandb import WANDB_MAGIC, read_wandb
from whyloss.readers.logs.metric_names import recognise
from whyloss.readers.logs.text_log import TextLog

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    import numpy.typing as npt

    from whyloss.readers.options import ReadOptions

_HEAD = 1 << 20
SQLITE_MAGIC = b"SQLite format 3"
_CHUNK = 1 << 20
_SHORT = 1 << 20  # bytes
# What a file of text takes in memory, as a multiple of its size.
_JSON_TIMES, _CSV_TIMES = 10, 4
_REFUSED = {
    b"\x80": "a pickle",
    b"\x89HDF": "HDF5, as of saved weights",
    b"\x1f\x8b": "a compressed file",
    b"BZh": "a compressed file",
    b"\xfd7zXZ": "a compressed file",
    b"\x28\xb5\x2f\xfd": "a compressed file",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"%PDF": "a PDF",
}
# How files of arrays begin: Parquet, Arrow as a file and as a stream, NPY, and NPZ.
_ARRAYS = (b"PAR1", b"ARROW1", b"\xff\xff\xff\xff", b"\x93NUMPY", b"PK\x03\x04")
_EXPORT = (
    "Nothing is unpickled, because that runs whatever the file says. Write curves as CSV or JSON, "
    "and predictions with numpy.savez(path, y_true=y, logits=z)."
)


def read_file(path: Path, options: ReadOptions) -> InMemorySource:
    """Read a file, whatever program wrote it.

    Raises
    ------
    FormatError
        It is nothing that whyloss can read.
    DataError
        What is in it does not fit together, or is ambiguous.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        raise FormatError(f"{path.name} is empty", expected="curves or predictions", got="0 bytes")
    limit = byte_limit(path, options)
    try:
        return _read_binary(path, head, options, limit) or _read_text(path, head, options, limit)
    except MemoryError:
        raise too_large(path, limit, "more than the memory that is left") from None


def holds_arrays(head: bytes) -> bool:
    """Whether a file that begins so is one of arrays, which can be read only when it is whole."""
    return head.startswith(_ARRAYS)


def _read_binary(
    path: Path, head: bytes, options: ReadOptions, limit: int
) -> InMemorySource | None:
    """Read a file that is no text; None where it is text."""
    notes: list[str] = []
    if (columns := _arrays(path, head, limit, notes)) is not None:
        from whyloss.readers.files.columns import from_columns  # noqa: PLC0415 - late, as few need it

        return from_columns(columns, options, path.stem, notes)
    from whyloss.readers.files.events import is_event_file, read_event_files  # noqa: PLC0415 - late

    if is_event_file(head):
        return read_event_files([path], path.parent, options, path.parent.name or path.name)
    if head.startswith((SQLITE_MAGIC, WANDB_MAGIC)):
        return _read_tracker(path, head, options)
    check_text(path.name, head)
    return None


def check_text(name: str, head: bytes) -> None:
    """Refuse what is no text.

    Parameters
    ----------
    name : str
        What to call it.
    head : bytes
        Its beginning.

    Raises
    ------
    FormatError
        It is of a format that whyloss does not read, or has zero bytes.
    """
    for start, what in _REFUSED.items():
        if head.startswith(start):
            _refuse(name, what)
    if b"\0" in head and not head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        _refuse(name, "a binary file of no kind that whyloss knows")


def _arrays(
    path: Path, head: bytes, limit: int, notes: list[str]
) -> dict[str, npt.NDArray[Any]] | None:
    """Read a file of named arrays; None where it is none."""
    if head.startswith((b"PAR1", b"ARROW1", b"\xff\xff\xff\xff")):
        from whyloss.readers.files.arrow import read_arrow, read_parquet  # noqa: PLC0415 - late: pyarrow

        read = read_parquet if head.startswith(b"PAR1") else read_arrow
        return read(path, limit, notes)
    if head.startswith(b"\x93NUMPY"):
        return read_npy(path, limit, notes)
    if head.startswith(b"PK\x03\x04"):
        return read_npz(path, limit)
    return read_safetensors(path, limit) if path.suffix == ".safetensors" else None


def _read_tracker(path: Path, head: bytes, options: ReadOptions) -> InMemorySource:
    from whyloss.readers.files.records import from_records  # noqa: PLC0415 - late: few need it

    if head.startswith(WANDB_MAGIC):
        check_bytes(path, path.stat().st_size, byte_limit(path, options))
        notes: list[str] = []
        return from_records(read_wandb(path, notes), options, path.stem, notes)
    from whyloss.readers.files.databases import read_database  # noqa: PLC0415 - late: sqlite3

    records, run = read_database(path, options)
    return from_records(records, replace(options, model=None), run or path.stem)


def _refuse(name: str, what: str) -> NoReturn:
    raise FormatError(
        f"{name} cannot be read",
        expected="a log, CSV, JSON, Parquet, Arrow, NPZ, safetensors or event file",
        got=what,
        hint="Unpack it first." if "compressed" in what else _EXPORT,
    )


def _read_text(path: Path, head: bytes, options: ReadOptions, limit: int) -> InMemorySource:
    encoding = _encoding(head)
    start = head.decode(encoding, errors="replace").lstrip("\ufeff \t\r\n")
    size = path.stat().st_size
    if start.startswith(("{", "[")) and _may_be_json(start, size):
        check_bytes(path, _JSON_TIMES * size, limit)
        text = path.read_bytes().decode(encoding, errors="replace").lstrip("\ufeff")
        from whyloss.readers.files.json import parse, parse_printed, read_json  # noqa: PLC0415 - late

        value, cut = parse(text)
        if (value := parse_printed(text) if value is None else value) is not None:
            source = read_json(value, options, path.stem)
            source.notes += cut
            return source
    if any(delimiter in start for delimiter in "\t,;|"):
        from whyloss.readers.files.arrow import delimiter_of, read_csv  # noqa: PLC0415 - late: pyarrow
        from whyloss.readers.files.columns import from_columns  # noqa: PLC0415

        if (delimiter := delimiter_of(start)) is not None:
            check_bytes(path, _CSV_TIMES * size, limit)
            columns, notes = read_csv(path, delimiter, encoding)
            return from_columns(_named_by_place(columns, path), options, path.stem, notes)
    log = TextLog(options)
    for text in _chunks(path, encoding, size):
        log.feed(text)
    log.close()
    history, notes = log.history()
    return InMemorySource(history=history, name=path.name, notes=notes)


def _named_by_place(
    columns: dict[str, npt.NDArray[Any]], path: Path
) -> dict[str, npt.NDArray[Any]]:
    """Name a column that is called as its file is after the folder too, as in ``loss/val.tsv``."""
    label = path.stem
    if len(columns) > 3 or label not in columns or recognise(label).kind == "metric":
        return columns
    return {
        f"{path.parent.name}/{label}" if name == label else name: column
        for name, column in columns.items()
    }


def _encoding(head: bytes) -> str:
    """Tell how text is encoded; PowerShell writes what it redirects as UTF-16."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        head[: max(head.rfind(b"\n"), 0)].decode()
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _may_be_json(start: str, size: int) -> bool:
    """Whether text is JSON, or short enough to be tried, as far as its first line tells."""
    if size <= _SHORT:
        return True
    line = start.partition("\n")[0].rstrip()
    try:
        json.loads(line)
    except json.JSONDecodeError as error:
        # A line of JSON that goes on below fails at its end only.
        return len(line) == len(start) or error.pos >= len(line) - 1
    except (ValueError, RecursionError):
        return False
    return True


def _chunks(path: Path, encoding: str, size: int) -> Iterator[str]:
    """Decode a text as it was when it was opened: it may grow faster than it is read."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    with path.open("rb") as file:
        while size > 0 and (chunk := file.read(min(size, _CHUNK))):
            size -= len(chunk)
            yield decoder.decode(chunk)
    yield decoder.decode(b"", final=True)
