"""The review list as a table that labelling tools read: CSV, JSON lines or Parquet."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from typing import TYPE_CHECKING

from whyloss.reporters.encoding import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from whyloss.results.review import Review, ReviewRow

Cell = int | float | str | None

COLUMNS = ("id", "label", "predicted", "confidence", "loss", "score", "reason", "text", "path")

# A spreadsheet takes a text that begins with one of these for a formula and runs it; some take the
# wide forms, too. Behind an apostrophe it is text. One that is there already gets another, so that
# the first can be removed.
_FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠']")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")


def write(review: Review, table_format: str, file: BinaryIO) -> None:
    """Write the list, row by row where the format allows it.

    Parameters
    ----------
    review : Review
    table_format : {"csv", "jsonl", "parquet"}
    file : binary file
    """
    _WRITERS[table_format](review, file)


def _csv(review: Review, file: BinaryIO) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", errors="replace", newline="")
    # Quoted where it is text, as otherwise a lone carriage return would end the row.
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(COLUMNS)
    for row in review.rows:
        writer.writerow([_as_text(cell) for cell in _cells(row)])
    text.flush()
    text.detach()  # it is the caller's to close


def rows_as_dicts(review: Review) -> Iterator[dict[str, Cell]]:
    """Each row with the names of the columns; numbers that are not finite become None."""
    for row in review.rows:
        yield {
            name: None if isinstance(cell, float) and not math.isfinite(cell) else cell
            for name, cell in zip(COLUMNS, _cells(row), strict=True)
        }


def _jsonl(review: Review, file: BinaryIO) -> None:
    rows = rows_as_dicts(review)
    file.writelines(json.dumps(row, allow_nan=False).encode() + b"\n" for row in rows)


def _parquet(review: Review, file: BinaryIO) -> None:
    import pyarrow as pa  # noqa: PLC0415 - slow to import, and the other formats need none of it
    import pyarrow.parquet as pq  # noqa: PLC0415

    text = pa.string()
    numbers = all(isinstance(row.id, int) for row in review.rows)
    kinds = {"id": pa.int64() if numbers else text, "confidence": pa.float64()}
    kinds |= {"loss": pa.float64(), "score": pa.float64()}
    schema = pa.schema([(name, kinds.get(name, text)) for name in COLUMNS])
    columns = zip(*(_cells(row) for row in review.rows), strict=True)
    cells = [[_whole(cell) for cell in column] for column in columns] or [[] for _ in COLUMNS]
    table = pa.Table.from_arrays(
        [pa.array(column, field.type) for column, field in zip(cells, schema, strict=True)],
        schema=schema,
    )
    pq.write_table(table, file)


_WRITERS: dict[str, Callable[[Review, BinaryIO], None]] = {
    "csv": _csv,
    "jsonl": _jsonl,
    "parquet": _parquet,
}


def _cells(row: ReviewRow) -> Iterator[Cell]:
    """Values in the order of the columns."""
    yield from (row.id, row.label, row.predicted, row.confidence, row.log_loss, row.score)
    yield from (row.reason, row.text, row.path)


def _as_text(cell: Cell) -> Cell:
    """A cell that no spreadsheet takes for a formula, also where it is printed cleaned."""
    if not isinstance(cell, str) or _NUMBER.fullmatch(cell):
        return cell
    defused = _FORMULA.match(cell) or _FORMULA.match(clean(cell))
    return f"'{cell}" if defused else cell


def _whole(cell: Cell) -> Cell:
    """Text that can be written as UTF-8."""
    return cell.encode("utf-8", "replace").decode("utf-8") if isinstance(cell, str) else cell
