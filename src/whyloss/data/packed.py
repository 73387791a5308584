"""Predictions of all splits and epochs of a run in one Parquet file, as an archive holds them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from whyloss.errors import FormatError

if TYPE_CHECKING:
    from pathlib import Path

SPLIT, EPOCH = "split", "epoch"


def packed_epochs(path: Path) -> dict[str, frozenset[int]]:
    """List the epochs of every split in a packed file.

    Row groups that hold a single epoch are not read: their statistics name it.

    Parameters
    ----------
    path : Path
        The file; nothing is packed where it does not exist.

    Returns
    -------
    dict of str to frozenset of int
        Epochs by split.

    Raises
    ------
    FormatError
        It is no Parquet file, or has no usable columns ``split`` and ``epoch``.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        return {}
    return _epochs_of(path, (status.st_ino, status.st_size, status.st_mtime_ns))


def read_packed(path: Path, split: str, epoch: int) -> pa.Table:
    """Read the rows of one split at one epoch; other row groups stay on the disk.

    Parameters
    ----------
    path : Path
    split : str
    epoch : int

    Returns
    -------
    pyarrow.Table
        Without the columns ``split`` and ``epoch``, and without those that have no value in any of
        the rows, as the weights of another split.
    """
    chosen = (pc.field(SPLIT) == split) & (pc.field(EPOCH) == epoch)
    table = pq.read_table(path, filters=chosen, memory_map=True)
    present = [
        name
        for name, column in zip(table.column_names, table.columns, strict=True)
        if name not in {SPLIT, EPOCH} and column.null_count < len(column)
    ]
    return table.select(present)


@lru_cache(maxsize=8)
def _epochs_of(path: Path, state: tuple[int, int, int]) -> dict[str, frozenset[int]]:
    """List the epochs of a file in a known `state`, so that each state is read only once."""
    del state
    try:
        file = pq.ParquetFile(path, memory_map=True)
        _check_columns(path, file.schema_arrow)
        pairs = {pair for number in range(file.num_row_groups) for pair in _pairs(file, number)}
    except (pa.ArrowException, OSError) as error:
        raise FormatError(
            f"{path} cannot be read",
            expected="a complete Parquet file",
            got=f"{error}".partition("\n")[0][:120],
            hint="If it was copied, copy it again.",
        ) from None
    splits = {split for split, _ in pairs}
    return {name: frozenset(epoch for split, epoch in pairs if split == name) for name in splits}


def _check_columns(path: Path, schema: pa.Schema) -> None:
    texts = (pa.types.is_string, pa.types.is_large_string)
    for name, fits, expected in (
        (SPLIT, texts, "one column of strings"),
        (EPOCH, (pa.types.is_integer,), "one column of integers"),
    ):
        types = [field.type for field in schema if field.name == name]
        if len(types) != 1 or not any(is_type(types[0]) for is_type in fits):
            raise FormatError(
                f"{path} has no usable column {name!r}",
                expected=expected,
                got=", ".join(str(kind) for kind in types) or f"the columns {schema.names}",
            )


def _pairs(file: pq.ParquetFile, number: int) -> set[tuple[Any, Any]]:
    """Give the pairs of split and epoch in one row group."""
    # Damaged metadata of columns are an error here, and would end the process below.
    next(file.iter_batches(batch_size=1, row_groups=[number]), None)
    group = file.metadata.row_group(number)
    columns = (group.column(k) for k in range(group.num_columns))
    known = {column.path_in_schema: column.statistics for column in columns}
    bounds = [known[name] for name in (SPLIT, EPOCH)]
    if all(b is not None and b.has_min_max and b.min == b.max and not b.null_count for b in bounds):
        return {(bounds[0].min, bounds[1].min)}
    table = file.read_row_group(number, columns=[SPLIT, EPOCH])
    found = table.group_by([SPLIT, EPOCH]).aggregate([])
    return set(zip(found[SPLIT].to_pylist(), found[EPOCH].to_pylist(), strict=True))
