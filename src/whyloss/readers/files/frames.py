"""Data frames of whatever library, as curves or predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np

from whyloss.errors import DataError
from whyloss.readers.files.columns import from_columns

if TYPE_CHECKING:
    import numpy.typing as npt

    from whyloss.data import InMemorySource
    from whyloss.readers.options import ReadOptions

_NAME = "data frame"


def read_frame(df: Any, options: ReadOptions) -> InMemorySource:  # noqa: ANN401 - of any library
    """Read a data frame; see :func:`whyloss.readers.frame`."""
    try:
        native = nw.from_native(df, pass_through=True)
        if isinstance(native, nw.LazyFrame):
            native = native.collect()
    except nw.exceptions.DuplicateError as error:
        raise DataError(
            "Columns of the data frame have the same name",
            expected="a name of its own for each",
            got=" ".join(str(error).split())[:200],
        ) from None
    if not isinstance(native, nw.DataFrame):
        raise DataError(
            "This is no data frame",
            expected="one of pandas, Polars, PyArrow, Modin, DuckDB or the like",
            got=type(df).__name__,
        )
    # Of pandas, names of columns may be anything.
    names: list[object] = list(native.columns)
    levels = [name for name in names if isinstance(name, tuple)]
    if levels:
        raise DataError(
            "The columns of the data frame have names of several levels",
            expected="one name for each",
            got=f"{levels[0]!r:.80}",
            hint='Join them first, such as df.columns = ["_".join(names) for names in df.columns].',
        )
    columns = {str(name): _array(native[name]) for name in native.columns}
    return from_columns(columns, options, _NAME)


def _array(series: nw.Series[Any]) -> npt.NDArray[Any]:
    """Give a column as an array: numbers masked where they are missing, lists as rows."""
    if series.dtype.is_numeric():
        values = np.asarray(series.to_numpy())
        if series.null_count():
            return np.ma.masked_array(values, mask=series.is_null().to_numpy())
        return values
    cells = series.to_list()
    first = next((cell for cell in cells if cell is not None), None)
    if isinstance(first, list | tuple | np.ndarray):
        try:
            return np.array(cells, dtype=np.float64)
        except (TypeError, ValueError):
            pass  # of several lengths, or of no numbers
    objects = np.empty(len(cells), dtype=object)
    objects[:] = cells
    return objects
