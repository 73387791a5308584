"""Writing one part of an epoch: batch by batch, into a temporary file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from whyloss.data.columns import list_column, value_column
from whyloss.data.durable import make_folder, temporary_path
from whyloss.data.layout import NUMBERED
from whyloss.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from whyloss.data.validation import FloatArray, Scale

BATCH_BYTES = 1 << 20  # rows are collected into record batches of at least this size


class PartWriter:
    """Writes rows of one epoch into a temporary file, which the caller renames.

    Parameters
    ----------
    target : Path
        The part, in a folder that is created when the first rows are written.
    run : Path
        The folder of the run, which is not created.
    scale : {"logits", "log_probs", "probs"}
        The name of the column of scores.
    numbered : bool
        Whether the ids are row numbers, as the samples have none of their own.
    """

    def __init__(self, target: Path, run: Path, scale: Scale, *, numbered: bool) -> None:
        self.target = target
        self.numbered = numbered
        self.temporary = temporary_path(target)
        self._run = run
        self._scale = scale
        self._kinds: dict[str, str] | None = None
        self._waiting: list[dict[str, npt.NDArray[Any]]] = []
        self._waiting_bytes = 0
        self._file: Any = None
        self._stream: Any = None

    def add(self, scores: FloatArray, columns: dict[str, npt.NDArray[Any]]) -> None:
        """Add rows.

        Parameters
        ----------
        scores : ndarray of shape (n_rows, n_columns)
            Copied; the caller may use the array again.
        columns : dict of str to ndarray of shape (n_rows,)
            The other columns by name; kept without a copy.

        Raises
        ------
        DataError
            The columns or their types differ from those of earlier rows.
        """
        kinds: dict[str, str] = {name: column.dtype.kind for name, column in columns.items()}
        kinds[self._scale] = scores.dtype.name
        self._kinds = self._kinds or kinds
        if kinds != self._kinds:
            raise DataError(
                "The columns or their types differ from earlier rows of the same epoch",
                expected=", ".join(f"{name} of type {kind}" for name, kind in self._kinds.items()),
                got=", ".join(f"{name} of type {kind}" for name, kind in kinds.items()),
            )
        self._waiting_bytes += scores.nbytes
        whole = self._waiting_bytes >= BATCH_BYTES
        # Scores that are written at once need no copy.
        self._waiting.append({**columns, self._scale: scores if whole else scores.copy()})
        if whole:
            self._write()

    def finish(self) -> None:
        """Write what is left; the caller syncs the temporary file and renames it."""
        if self._waiting:
            self._write()
        self._stream.close()
        self._file.close()

    def discard(self) -> None:
        """Remove the temporary file, if it still exists."""
        if self._file is not None:
            self._file.close()
        self.temporary.unlink(missing_ok=True)

    def _write(self) -> None:
        first, *others = self._waiting
        rows = {
            name: np.concatenate([column, *(other[name] for other in others)]) if others else column
            for name, column in first.items()
        }
        self._waiting.clear()
        self._waiting_bytes = 0
        scores = rows.pop(self._scale)
        batch = pa.record_batch(
            {name: value_column(name, column) for name, column in rows.items()}
            | {self._scale: list_column(scores)}
        )
        if self._stream is None:
            make_folder(self.target.parent, within=self._run)
            schema = batch.schema.with_metadata(NUMBERED if self.numbered else None)
            # Unbuffered: a forked process must not flush a copy of the same bytes again.
            self._file = pa.OSFile(str(self.temporary), "wb")
            self._stream = pa.ipc.new_file(self._file, schema)
        self._stream.write_batch(batch)
