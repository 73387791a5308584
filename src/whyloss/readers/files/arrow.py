"""CSV, Parquet and Arrow files as named arrays, by way of pyarrow."""

from __future__ import annotations

import codecs
import csv
import io
import os
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from whyloss.errors import FormatError
from whyloss.formatting import pluralize
from whyloss.readers.files.limits import check_bytes
from whyloss.readers.files.prediction_columns import PredictionColumns

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

# NaN is a number that a training reports, and no empty cell.
_EMPTY = ["", "None", "none", "null", "NULL", "NA", "N/A", "No log", "-"]
_DELIMITERS = "\t,;|"
_SNIFFED = 1 << 14
_CHUNK = 1 << 20
_UNREADABLE = (pa.ArrowException, OSError, UnicodeError, OverflowError, MemoryError)
_NUMBERS = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean)
_CELLS = (*_NUMBERS, pa.types.is_decimal, pa.types.is_temporal)
_LISTS = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)


def read_parquet(path: Path, limit: int, notes: list[str]) -> dict[str, npt.NDArray[Any]]:
    """Read the columns of a Parquet file.

    Parameters
    ----------
    path : Path
    limit : int
        Bytes that it may unpack to.
    notes : list of str
        Receives which columns were left out.
    """
    try:
        with pa_parquet.ParquetFile(_bytes_of(path)) as file:
            texts = [one.name for one in file.schema_arrow if _is_text(one.type)]
        # Strings stay in a dictionary: a file can repeat a long one without an end.
        with pa_parquet.ParquetFile(_bytes_of(path), read_dictionary=texts) as file:
            batches: list[pa.RecordBatch] = []
            n_bytes = 0
            # What the metadata say of sizes can be wrong, so what is unpacked is counted.
            for batch in file.iter_batches():
                n_bytes += batch.nbytes
                check_bytes(path, n_bytes, limit)
                batches.append(batch)
            table = pa.Table.from_batches(batches, file.schema_arrow if not batches else None)
        return _checked_columns(path, table, limit, notes)
    except _UNREADABLE as error:
        raise _unreadable(path, "a Parquet file", error) from None


def read_arrow(path: Path, limit: int, notes: list[str]) -> dict[str, npt.NDArray[Any]]:
    """Read the columns of an Arrow file, whether it was written as a file or as a stream.

    Parameters
    ----------
    path : Path
    limit : int
        Bytes that it may unpack to.
    notes : list of str
        Receives which columns were left out.
    """
    check_bytes(path, path.stat().st_size, limit)
    try:
        # Not mapped: damaged offsets would point out of the file, and a file that is cut while it
        # is mapped ends the process.
        with _bytes_of(path) as source:
            try:
                reader = pa.ipc.open_file(source)
            except pa.ArrowInvalid:
                source.seek(0)
                reader = pa.ipc.open_stream(source)
            table = reader.read_all()
            return _checked_columns(path, table, limit, notes)
    except _UNREADABLE as error:
        raise _unreadable(path, "an Arrow file", error) from None


def _bytes_of(path: Path) -> pa.OSFile:
    """Open a file for Arrow, which takes names in UTF-8 or as they are on the disk."""
    return pa.OSFile(os.fsencode(path))


def _checked_columns(
    path: Path, table: pa.Table, limit: int, notes: list[str]
) -> dict[str, npt.NDArray[Any]]:
    """Make arrays of a table that a damaged or malicious file may hold."""
    table.validate(full=True)
    left_out = [one.name for one in table.schema if not _can_be_read(one.type)]
    if left_out:
        notes.append(
            f"Left out: {pluralize(len(left_out), 'column')} of neither numbers nor text: "
            f"{', '.join(left_out)[:200]}."
        )
    kept = [at for at, one in enumerate(table.schema) if _can_be_read(one.type)]
    check_bytes(path, 8 * len(kept) * table.num_rows, limit)
    return columns_of_table(table.select(kept))


def delimiter_of(start: str) -> str | None:
    """Tell what separates the cells, if text begins as a table with a line of names.

    Parameters
    ----------
    start : str
        The beginning of a file; a first line that is longer is no table.
    """
    for delimiter in _DELIMITERS:
        try:
            rows = csv.reader(io.StringIO(start), delimiter=delimiter, skipinitialspace=True)
            names, cells = islice((row for row in rows if row), 2)
        except (csv.Error, ValueError):
            continue
        if len(names) != len(cells) or len(cells) < 2:
            continue
        numbers = any(map(_is_number, cells))
        if numbers and _are_names(names, cells):
            return delimiter
        if not numbers and _of_classes(names, cells):
            return delimiter
    return None


def _of_classes(names: list[str], cells: list[str]) -> bool:
    """Whether a first line names labels and predicted classes, with words below both."""
    first = {name: np.array([cell]) for name, cell in zip(names, cells, strict=True)}
    table = PredictionColumns(first, {})
    predicted = table.find("predicted") is not None or bool(table.guesses)
    return table.find("labels") is not None and predicted


def _are_names(names: list[str], cells: list[str]) -> bool:
    """Whether a first line holds names, of which some or all may be the numbers of classes."""
    others = [name for name in names if not name.strip().isdecimal()]
    if not others:  # numbers of classes above shares, and no row of numbers as the others are
        return not any(cell.strip().isdecimal() for cell in cells)
    return not any(map(_is_number, others))


def _is_number(cell: str) -> bool:
    try:
        float(cell.strip().replace(",", "."))
    except ValueError:
        return False
    return True


def read_csv(
    path: Path, delimiter: str, encoding: str
) -> tuple[dict[str, npt.NDArray[Any]], tuple[str, ...]]:
    """Read the columns of a CSV file, and say what was passed over."""
    skipped = 0
    if encoding == "utf-8" and not _is_utf8(path):
        encoding = "latin-1"

    def skip(_row: pa_csv.InvalidRow) -> str:
        nonlocal skipped
        skipped += 1
        return "skip"

    try:
        with _bytes_of(path) as file:
            table = pa_csv.read_csv(
                file,
                read_options=pa_csv.ReadOptions(encoding=encoding),
                parse_options=pa_csv.ParseOptions(
                    delimiter=delimiter, invalid_row_handler=skip, newlines_in_values=True
                ),
                convert_options=pa_csv.ConvertOptions(
                    null_values=_EMPTY,
                    strings_can_be_null=True,
                    decimal_point=","
                    if delimiter == ";" and _has_decimal_commas(path, encoding)
                    else ".",
                ),
            )
    except _UNREADABLE as error:
        raise _unreadable(path, "a table of separated values", error) from None
    notes = (
        (f"Passed over: {pluralize(skipped, 'line')} with another number of cells.",)
        if skipped
        else ()
    )
    return columns_of_table(table), notes


def _is_utf8(path: Path) -> bool:
    """Whether the whole file is: Arrow finds that out too late, and says it on stderr."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        try:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _has_decimal_commas(path: Path, encoding: str) -> bool:
    with path.open(encoding=encoding, errors="replace") as file:
        return "," in file.read(_SNIFFED)


def columns_of_table(table: pa.Table) -> dict[str, npt.NDArray[Any]]:
    """Make arrays of the columns of a table; cells without a value are masked or None."""
    columns: dict[str, npt.NDArray[Any]] = {}
    times: Counter[str] = Counter()
    for name, column in zip(table.column_names, table.columns, strict=True):
        label = name.strip()
        times[label] += 1
        if times[label] > 1:
            label = f"{label} ({times[label]})"
        columns[label] = _array(column)
    return columns


def _can_be_read(kind: pa.DataType) -> bool:
    """Whether cells of a type are numbers, texts or times, or lists of numbers."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    elif any(is_list(kind) for is_list in _LISTS):
        return _is_text(kind.value_type) or any(fits(kind.value_type) for fits in _NUMBERS)
    return _is_text(kind) or any(fits(kind) for fits in _CELLS)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _array(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    kind = column.type
    if pa.types.is_dictionary(kind) and _is_text(kind.value_type):
        return _texts(column)
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_decimal(kind):
        column = column.cast(pa.float64())
        kind = column.type
    lists = any(is_list(kind) for is_list in _LISTS)
    if lists and not column.null_count and len(column):
        whole = column.combine_chunks()
        values = whole.flatten().to_numpy(zero_copy_only=False)
        lengths = np.asarray(whole.value_lengths())
        if (lengths == lengths[0]).all():
            rows: npt.NDArray[Any] = values.reshape(len(column), -1)
            return rows
    if column.null_count and (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        return np.ma.masked_array(column.to_numpy(), mask=column.is_null().to_numpy())
    if column.null_count or lists:
        cells = np.empty(len(column), dtype=object)
        cells[:] = column.to_pylist()
        return cells
    flat: npt.NDArray[Any] = column.to_numpy()
    return flat


def _texts(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    """Texts out of a dictionary: each is kept once, however often it comes."""
    cells = np.empty(len(column), dtype=object)
    at = 0
    for chunk in column.chunks:
        words = np.array([*chunk.dictionary.to_pylist(), None], dtype=object)
        codes = chunk.indices.fill_null(len(words) - 1).to_numpy(zero_copy_only=False)
        cells[at : at + len(chunk)] = words[codes]
        at += len(chunk)
    return cells


def _unreadable(path: Path, what: str, error: Exception) -> FormatError:
    return FormatError(
        f"{path.name} cannot be read", expected=what, got=" ".join(str(error).split())[:200]
    )
