"""CSV, Parquet and Arrow files as named arrays, by way of pyarrow."""

from __future__ import annotations

import csv
import io
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from whyloss.errors import FormatError
from whyloss.formatting import pluralize

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

# NaN is a number that a training reports, and no empty cell.
_EMPTY = ["", "None", "none", "null", "NULL", "NA", "N/A", "No log", "-"]
_DELIMITERS = "\t,;|"
_SNIFFED = 1 << 14


def read_parquet(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Read the columns of a Parquet file."""
    try:
        return columns_of_table(pa_parquet.read_table(path))
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, "a Parquet file", error) from None


def read_arrow(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Read the columns of an Arrow file, whether it was written as a file or as a stream."""
    try:
        with pa.memory_map(str(path)) as source:
            try:
                table = pa.ipc.open_file(source).read_all()
            except pa.ArrowInvalid:
                source.seek(0)
                table = pa.ipc.open_stream(source).read_all()
            return columns_of_table(table)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, "an Arrow file", error) from None


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
        numbers = [_is_number(cell) for cell in cells]
        if len(names) == len(cells) >= 2 and any(numbers) and _are_names(names, cells):
            return delimiter
    return None


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

    def skip(_row: pa_csv.InvalidRow) -> str:
        nonlocal skipped
        skipped += 1
        return "skip"

    try:
        table = pa_csv.read_csv(
            path,
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
    except (pa.ArrowException, OSError, UnicodeError) as error:
        raise _unreadable(path, "a table of separated values", error) from None
    notes = (
        (f"Passed over: {pluralize(skipped, 'line')} with another number of cells.",)
        if skipped
        else ()
    )
    return columns_of_table(table), notes


def _has_decimal_commas(path: Path, encoding: str) -> bool:
    with path.open(encoding=encoding, errors="replace") as file:
        return "," in file.read(_SNIFFED)


def columns_of_table(table: pa.Table) -> dict[str, npt.NDArray[Any]]:
    """Make arrays of the columns of a table; cells without a value are masked or None."""
    columns: dict[str, npt.NDArray[Any]] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        label = name.strip()
        while label in columns:
            label += "_"
        columns[label] = _array(column)
    return columns


def _array(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    lists = (
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )
    if lists and not column.null_count and len(column):
        whole = column.combine_chunks()
        values = whole.flatten().to_numpy(zero_copy_only=False)
        lengths = np.asarray(whole.value_lengths())
        if (lengths == lengths[0]).all():
            rows: npt.NDArray[Any] = values.reshape(len(column), -1)
            return rows
    if column.null_count and (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        return np.ma.masked_array(column.to_numpy(), mask=column.is_null().to_numpy())
    if column.null_count or lists or pa.types.is_nested(kind):
        cells = np.empty(len(column), dtype=object)
        cells[:] = column.to_pylist()
        return cells
    flat: npt.NDArray[Any] = column.to_numpy()
    return flat


def _unreadable(path: Path, what: str, error: Exception) -> FormatError:
    return FormatError(
        f"{path.name} cannot be read", expected=what, got=" ".join(str(error).split())[:200]
    )
