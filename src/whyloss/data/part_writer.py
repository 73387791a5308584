"""One part of an epoch, written batch by batch into a file aside."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from whyloss.data.columns import list_column, value_column
from whyloss.data.durable import aside, make_folder
from whyloss.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from whyloss.data.predictions import FloatArray, Scale

BATCH_BYTES = 1 << 20  # rows are gathered to batches of at least this size


class PartWriter:
    """Rows of one epoch on their way to the disk.

    Parameters
    ----------
    folder : Path
        Where the part will lie; made when the first rows are written.
    writer : str
        Name of the writer.
    scale : {"logits", "log_probs", "probs"}
        What the scores are.
    """

    def __init__(self, folder: Path, writer: str, scale: Scale) -> None:
        self.folder = folder
        self.temporary = aside(folder / f"part-{writer}")
        self._scale = scale
        self._kinds: dict[str, str] | None = None
        self._waiting: list[dict[str, npt.NDArray[Any]]] = []
        self._waiting_bytes = 0
        self._file: Any = None
        self._stream: Any = None

    def add(self, scores: FloatArray, columns: dict[str, npt.NDArray[Any]]) -> None:
        """Take rows: their scores, and the other columns by name, which are kept as they are."""
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
        # The caller may use the array again.
        self._waiting.append({**columns, self._scale: scores if whole else scores.copy()})
        if whole:
            self._write()

    def finish(self) -> None:
        """Complete the temporary file."""
        if self._waiting:
            self._write()
        self._stream.close()
        os.fsync(self._file.fileno())
        self._file.close()

    def discard(self) -> None:
        """Remove the temporary file, if it is still there."""
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
            make_folder(self.folder)
            # Not buffered in this process, so that a fork of it has nothing to write once more.
            self._file = pa.OSFile(str(self.temporary), "wb")
            self._stream = pa.ipc.new_file(self._file, batch.schema)
        self._stream.write_batch(batch)
