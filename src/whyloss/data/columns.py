"""Arrow columns from NumPy arrays and lists.

They are built from buffers and not with ``pa.array``, which imports pandas where that is installed.
The import takes half a second, and fails in a thread that still writes while the program ends.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from whyloss.data.layout import SAMPLE_COLUMNS
from whyloss.data.validation import check_ids
from whyloss.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt


def number_column(values: npt.NDArray[Any]) -> pa.Array:
    """Make a column of numbers, without a copy if the array is contiguous.

    Parameters
    ----------
    values : ndarray of shape (n_rows,)
        Of any numeric type and byte order.
    """
    native = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("="))
    kind = pa.from_numpy_dtype(native.dtype)
    return pa.Array.from_buffers(kind, len(native), [None, pa.py_buffer(native)])


def list_column(values: npt.NDArray[Any]) -> pa.Array:
    """Make a column of fixed-size lists.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
        One list per row.
    """
    return pa.FixedSizeListArray.from_arrays(number_column(values.ravel()), values.shape[1])


def value_column(name: str, values: npt.NDArray[Any]) -> pa.Array:
    """Make a column of numbers or of strings: ids, weights or a slice.

    Parameters
    ----------
    name : str
        For error messages.
    values : ndarray of int64, float64 or str, shape (n_rows,)

    Raises
    ------
    DataError
        A string cannot be encoded, or the strings are longer than 2 GiB together.
    """
    if values.dtype.kind in "if":
        return number_column(values)
    return _packed(name, values.tolist(), pa.string())


def sample_table(ids: Any, columns: dict[str, Sequence[Any] | None]) -> pa.Table:  # noqa: ANN401
    """Make a table of the text, path and thumbnail of samples.

    Parameters
    ----------
    ids : array-like of shape (n_samples,)
        Their ids.
    columns : dict
        For each of the columns "text", "path" and "thumbnail", one value per sample, or None.

    Raises
    ------
    DataError
        The columns differ in length, or a value has an unsupported type.
    """
    names = check_ids(ids, len(ids))
    table = {"id": value_column("id", names)}
    for name, kind in SAMPLE_COLUMNS.items():
        values = columns[name]
        cells = [None] * len(names) if values is None else list(values)
        if len(cells) != len(names):
            raise DataError(
                f"{name} and ids differ in length",
                expected=f"{len(names)} values, one per sample",
                got=f"{len(cells)}",
            )
        table[name] = _packed(name, cells, kind)
    return pa.table(table)


def _packed(name: str, cells: Sequence[Any], kind: pa.DataType) -> pa.Array:
    encode = _encoded if pa.types.is_string(kind) else _checked_bytes
    try:
        encoded = [None if cell is None else encode(cell) for cell in cells]
    except (TypeError, UnicodeError) as error:
        raise DataError(
            f"A value of {name} cannot be stored", expected=f"{kind} or None", got=f"{error}"
        ) from None
    ends = np.cumsum([0, *(len(cell or b"") for cell in encoded)])
    if ends[-1] > np.iinfo(np.int32).max:
        raise DataError(
            f"The values of {name} are too long",
            expected="at most 2 GiB in one call",
            got=f"{ends[-1]} bytes",
        )
    present = np.packbits(np.array([cell is not None for cell in encoded]), bitorder="little")
    buffers = [present, ends.astype(np.int32), b"".join(cell or b"" for cell in encoded)]
    return pa.Array.from_buffers(kind, len(encoded), [pa.py_buffer(buffer) for buffer in buffers])


def _encoded(cell: str | os.PathLike[str]) -> bytes:
    return str.encode(os.fspath(cell))  # raises TypeError for anything but a string or a path


def _checked_bytes(cell: bytes) -> bytes:
    return bytes(memoryview(cell))  # bytes(3) alone would give three zeros
