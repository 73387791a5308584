"""Reading one file of a run: columns are checked, memory-mapped, and copied only where needed."""

from __future__ import annotations

import os
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from whyloss.data.layout import NUMBERED, SAMPLE_COLUMNS, SLICE_PREFIX, WEIGHT_COLUMN, PartName
from whyloss.data.validation import SCALES, FloatArray, Scale
from whyloss.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy.typing as npt

_IDS = (pa.types.is_integer, pa.types.is_string, pa.types.is_large_string)
# Lists of any size as well: Parquet knows no fixed one.
_LISTS = (pa.types.is_fixed_size_list, pa.types.is_list, pa.types.is_large_list)
_UNREADABLE = (pa.ArrowException, OSError, UnicodeError)  # the last of names of columns


@dataclass(frozen=True)
class PartFile:
    """Where a part lies.

    Attributes
    ----------
    path : Path
        An Arrow IPC file, or one of Parquet.
    rows : (str, int) or None
        The split and the epoch of the rows in a packed file, which holds several; None for all
        rows of the file.
    """

    path: Path
    rows: tuple[str, int] | None = None

    @property
    def name(self) -> PartName:
        """What the name of the file says: the writer, and the launch."""
        return PartName.of(self.path)

    def count(self) -> int:
        """Number of rows, without reading them.

        Raises
        ------
        FormatError
            The file cannot be read.
        """
        if self.rows is not None or self.path.suffix == ".parquet":
            return len(self.open())
        try:
            with pa.ipc.open_file(_mapped(self.path)) as reader:
                batches = range(reader.num_record_batches)
                return sum(int(reader.get_batch(k).num_rows) for k in batches)
        except _UNREADABLE as error:
            raise _unreadable(self.path, error) from None

    def open(self) -> Part:
        """Read the part.

        Raises
        ------
        FormatError
            The file cannot be read.
        """
        return Part(self.path, self.rows)


class Part:
    """Rows that one writer committed together: predictions, or descriptions of samples.

    Parameters
    ----------
    path : Path
        An Arrow IPC file, or one of Parquet.
    rows : (str, int), optional
        As in :class:`PartFile`.

    Raises
    ------
    FormatError
        The file cannot be read. Its methods raise it too, where a column is missing or invalid.
    """

    def __init__(self, path: Path, rows: tuple[str, int] | None = None) -> None:
        self.path = path
        try:
            self._table = _read(path, rows)
        except _UNREADABLE as error:
            raise _unreadable(path, error) from None

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def groups(self, n_bytes: int) -> Iterator[Part]:
        """Iterate over groups of rows, so that a part larger than memory can be read.

        Parameters
        ----------
        n_bytes : int
            A group ends with the record batch that brings it to this size.

        Yields
        ------
        Part
            Reading its columns copies this group at most, never the whole part.
        """
        batches: list[pa.RecordBatch] = []
        size = 0
        for batch in self._table.to_batches():
            batches.append(batch)
            size += batch.nbytes
            if size >= n_bytes:
                yield self._of_batches(batches)
                batches, size = [], 0
        if batches:
            yield self._of_batches(batches)

    def _of_batches(self, batches: list[pa.RecordBatch]) -> Part:
        group = copy(self)
        group._table = pa.Table.from_batches(batches)  # noqa: SLF001 - of the same class
        return group

    @property
    def scale(self) -> Scale:
        """The scale of the scores: the name of their column."""
        named = [scale for scale in SCALES if scale in self._table.column_names]
        if len(named) != 1:
            raise self._unusable("logits", f"one of {SCALES}", f"{self._table.column_names}")
        return named[0]

    @property
    def owner(self) -> tuple[str, int, str]:
        """The process that recorded the rows: its name, its launch and its token."""
        name = PartName.of(self.path)
        return name.writer, name.launch, name.token

    @property
    def numbered(self) -> bool:
        """Whether the ids are row numbers, as the samples have none of their own."""
        return (self._table.schema.metadata or {}).items() >= NUMBERED.items()

    def ids(self) -> npt.NDArray[Any]:
        """Ids as an array of integers, or of objects if they are strings."""
        return _as_array(self._column("id", _IDS))

    def y_true(self) -> npt.NDArray[Any]:
        """Labels as an array of integers."""
        return _as_array(self._column("y_true", (pa.types.is_integer,)))

    def scores(self, scale: Scale) -> FloatArray:
        """Scores as an array of shape (n_rows, n_columns).

        Parameters
        ----------
        scale : {"logits", "log_probs", "probs"}
            The name of their column.
        """
        column = self._column(scale, _LISTS)
        if pa.types.is_fixed_size_list(column.type):
            width = column.type.list_size
        else:
            widths = pc.unique(pc.list_value_length(column)).to_pylist()
            if len(widths) > 1:
                raise self._unusable(scale, "lists of one length", f"lengths {widths[:5]}")
            width = widths[0] if widths else 1
        chunks = [chunk.flatten() for chunk in column.chunks]
        values = pa.chunked_array(chunks, column.type.value_type)
        if not pa.types.is_floating(values.type) or values.null_count or not width:
            raise self._unusable(scale, "lists of floats without gaps", f"{column.type}")
        return _as_array(values).reshape(-1, width)

    def extras(self) -> dict[str, npt.NDArray[Any]]:
        """Weights and slices by the names of their columns; strings as objects."""
        columns = {}
        for name in self._table.column_names:
            if name == WEIGHT_COLUMN:
                numbers = (pa.types.is_floating, pa.types.is_integer)
                columns[name] = _as_array(self._column(name, numbers)).astype(np.float64)
            elif name.startswith(SLICE_PREFIX):
                columns[name] = _as_array(self._column(name, (*_IDS, pa.types.is_floating)))
        return columns

    def samples(self, ids: npt.NDArray[Any]) -> dict[int, dict[str, Any]]:
        """Descriptions of samples.

        Parameters
        ----------
        ids : ndarray of int or str, shape (n_ids,)

        Returns
        -------
        dict of int to dict of str to object
            By position in `ids`, those that the part describes: text, path and thumbnail.
        """
        wanted = pa.array(ids)
        described = self._column("id", _IDS)
        if pa.types.is_integer(described.type) != pa.types.is_integer(wanted.type):
            return {}
        names = [name for name in SAMPLE_COLUMNS if name in self._table.column_names]
        try:
            rows = pc.index_in(wanted, value_set=described.cast(wanted.type))
            cells = self._table.select(names).cast(
                pa.schema({name: SAMPLE_COLUMNS[name] for name in names})
            )
        except pa.ArrowException as error:
            raise self._unusable("text", f"{SAMPLE_COLUMNS}", f"{error}") from None
        is_described = rows.is_valid().to_pylist()
        taken = cells.take(rows).to_pylist()
        return {k: row for k, row in enumerate(taken) if is_described[k]}

    def _column(
        self, name: str, types: tuple[Callable[[pa.DataType], bool], ...]
    ) -> pa.ChunkedArray:
        if self._table.column_names.count(name) != 1:
            raise self._unusable(name, "one of that name", f"{self._table.column_names}")
        column = self._table[name]
        if not any(fits(column.type) for fits in types):
            words = " or ".join(fits.__name__.removeprefix("is_") for fits in types)
            raise self._unusable(name, f"values of type {words}", f"{column.type}")
        if column.null_count:
            raise self._unusable(name, "a value in every row", f"{column.null_count} without")
        return column

    def _unusable(self, name: str, expected: str, got: str) -> FormatError:
        return FormatError(f"{self.path} has no usable column {name!r}", expected=expected, got=got)


def _unreadable(path: Path, error: Exception) -> FormatError:
    return FormatError(
        f"{path} cannot be read",
        expected="a complete Arrow IPC or Parquet file",
        got=f"{error}".partition("\n")[0][:120],
        hint="If it was copied, copy it again; if it is deleted, the rest can be read.",
    )


def _read(path: Path, rows: tuple[str, int] | None) -> pa.Table:
    if rows is not None:
        from whyloss.data.packed import read_packed  # noqa: PLC0415 - most runs hold none

        return read_packed(path, *rows)
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq  # noqa: PLC0415 - most runs hold none

        return pq.ParquetFile(path, memory_map=True).read()
    table = pa.ipc.open_file(_mapped(path)).read_all()
    # In a damaged or malicious file, offsets of strings and lists could point outside of it.
    table.validate(full=True)
    return table


def _mapped(path: Path) -> pa.BufferReader:
    """Map a file into memory, so that nothing can be read outside of it.

    Of a memory map itself Arrow does not check that the buffers of a damaged file lie in it.
    """
    with pa.memory_map(os.fsencode(path)) as file:
        return pa.BufferReader(file.read_buffer())


def _as_array(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return np.array(column.to_pylist(), dtype=object)
    # to_numpy() would copy even a single chunk, and import pandas where that is installed;
    # to_pandas_dtype() fails where it is not.
    signed = "i" if pa.types.is_signed_integer(column.type) else "u"
    kind = "f" if pa.types.is_floating(column.type) else signed
    dtype = np.dtype(f"{kind}{column.type.bit_width // 8}")
    chunks = [
        np.frombuffer(chunk.buffers()[1], dtype, len(chunk), chunk.offset * dtype.itemsize)
        for chunk in column.chunks
        if len(chunk)
    ]
    return chunks[0] if len(chunks) == 1 else np.concatenate([np.empty(0, dtype), *chunks])
