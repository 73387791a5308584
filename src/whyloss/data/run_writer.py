"""Writing a run. Every file is written atomically, so a killed process cannot damage the run."""

from __future__ import annotations

import os
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa

from whyloss.data.columns import sample_table
from whyloss.data.durable import make_folder, sync_folder, temporary_path, write_atomically
from whyloss.data.layout import (
    INFO_FILE,
    PACKED_FILE,
    PART,
    PREDICTIONS_FOLDER,
    SAMPLES_FOLDER,
    SCALARS_FILE,
    SLICE_PREFIX,
    TEMPORARY,
    WEIGHT_COLUMN,
    RunInfo,
    check_epoch,
    check_writer,
    epoch_folder,
    part_name,
    parts_in,
    read_info,
    split_folder,
)
from whyloss.data.part_writer import PartWriter
from whyloss.data.scalars import append_row
from whyloss.data.validation import (
    SCALES,
    Scale,
    check_ids,
    check_labels,
    check_scores,
    check_slices,
    check_weights,
)
from whyloss.errors import DataError, FormatError
from whyloss.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType


FIRST_WRITER = "0"
OPENING_SECONDS = 20.0  # how long other writers wait for the first one
_PROGRAM_START = time.time()


class RunWriter:
    """Writes predictions, scalars and samples of one training into a run.

    Several processes may write to one run at the same time, each under its own name; they never
    share a file. Committed rows survive if the process is killed at any later moment.

    Parameters
    ----------
    path : str or path-like
        The folder of the run; created if it does not exist.
    writer : str, default "0"
        Letters, digits and ``_``. Only writer ``"0"`` creates the run, or overwrites an existing
        one. The others wait for that when they first write.
    classes : sequence, optional
        One label per class, in the order of the columns.
    overwrite : bool, default False
        Remove an existing run first. Other files in the folder stay.
    resume : bool, default False
        Continue an existing run. Epochs that are written again are replaced.

    Raises
    ------
    DataError
        There is a run already, its classes or scale differ, or the folder cannot be created.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        writer: str = FIRST_WRITER,
        classes: Sequence[Any] | None = None,
        overwrite: bool = False,
        resume: bool = False,
    ) -> None:
        self.path = Path(path)
        self._writer = check_writer(writer)
        self._labels = _check_classes(classes)
        self._info = RunInfo()
        self._pending: dict[tuple[str, int], PartWriter] = {}
        self._committed: Counter[Path] = Counter()
        if overwrite and resume:
            raise DataError(
                "overwrite=True and resume=True exclude each other",
                expected="at most one of them",
                got="both",
            )
        # Until the first writer has replaced it, run.json may be missing or that of the old run.
        self._errors_while_waiting = (FormatError, DataError) if overwrite else (FormatError,)
        try:
            earlier = self._find_earlier()
            if earlier and not overwrite and not resume:
                raise self._exists(earlier[0])
            # Parts of the earlier training are removed once their epoch is written again. The
            # state tells an old part from a new one that another writer gave the same name.
            self._stale = {part: _file_state(part) for part in earlier} if resume else {}
            self._remove_leftovers()
            if self._writer == FIRST_WRITER:
                self._open(erase=overwrite and bool(earlier), create=not (resume and earlier))
        except OSError as error:
            raise DataError(
                f"The run cannot be written to {self.path}",
                expected="a folder that can be made and written to",
                got=f"{error}",
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def append(  # noqa: PLR0917 - where the rows go, then their columns
        self,
        split: str,
        epoch: int,
        scores: Any,  # noqa: ANN401 - anything NumPy can read
        scale: Scale,
        y_true: Any,  # noqa: ANN401
        ids: Any,  # noqa: ANN401
        *,
        weights: Any = None,  # noqa: ANN401
        slices: Mapping[str, Any] | None = None,
    ) -> None:
        """Add rows to an epoch; :meth:`commit` makes them visible.

        Parameters
        ----------
        split : str
        epoch : int
            At least 0.
        scores : array-like of shape (n_rows, n_columns) or (n_rows,)
            Stored as float16, float32 or float64, as given.
        scale : {"logits", "log_probs", "probs"}
            What the scores are; the same for the whole run.
        y_true : array-like of shape (n_rows,)
            Class indices, booleans, or labels that occur in the classes.
        ids : array-like of shape (n_rows,)
            Integers or strings; the same for the same sample at every epoch.
        weights : array-like of shape (n_rows,), optional
            How much each sample counts, the same at every epoch: finite, at least 0.
        slices : mapping of str to array-like of shape (n_rows,), optional
            Columns to group the samples by.

        Raises
        ------
        DataError
            The arguments do not match each other, or classes or scale differ from the run's.
        """
        folder = split_folder(split)
        key = split, check_epoch(epoch)
        if scale not in SCALES:
            raise DataError("Unknown scale", expected=f"one of {SCALES}", got=f"{scale!r:.80}")
        matrix = check_scores(scores, scale)
        info = self._info
        if (info.scale, info.n_columns) != (scale, matrix.shape[1]):
            info = self._agree(scale, matrix.shape[1])
        labels = check_labels(y_true, len(info.classes), self._labels or info.classes)
        if len(labels) != len(matrix):
            raise DataError(
                f"y_true and {scale} differ in length",
                expected=f"{len(matrix)} labels, one per row of {scale}",
                got=f"{len(labels)}",
            )
        if not len(matrix):
            return
        columns = {"id": check_ids(ids, len(matrix)), "y_true": labels}
        if weights is not None:
            columns[WEIGHT_COLUMN] = check_weights(weights, len(matrix))
        for name, values in check_slices(slices, len(matrix)).items():
            columns[f"{SLICE_PREFIX}{name}"] = values
        if key not in self._pending:
            target = self.path / PREDICTIONS_FOLDER / folder / epoch_folder(key[1])
            self._pending[key] = PartWriter(target, self._writer, scale)
        self._pending[key].add(matrix, columns)

    def commit(self, split: str, epoch: int) -> Path | None:
        """Make the rows of an epoch visible; from then on they survive a crash or a power cut.

        Parameters
        ----------
        split : str
        epoch : int

        Returns
        -------
        Path or None
            The new file; None if there were no rows. Later rows go to another file.

        Raises
        ------
        DataError
            Another writer has meanwhile recorded other classes or another scale.
        OSError
            Writing failed, for example because the disk is full. Only these rows are lost.
        """
        part = self._pending.pop((split, epoch), None)
        if part is None:
            return None
        try:
            self._agree(self._info.scale, self._info.n_columns)
            part.finish()
            for old, state in self._stale.items():
                if old.parent == part.folder and _file_state(old) == state:
                    old.unlink()
            target = self._next_name(part.folder)
            part.temporary.replace(target)
        finally:
            part.discard()
        sync_folder(part.folder)
        return target

    def log_scalars(self, epoch: int, split: str, /, **values: float) -> None:
        """Add scalars that a framework reported, such as ``loss=0.31, accuracy=0.9``.

        Parameters
        ----------
        epoch : int
            At least 0.
        split : str
        **values : float
            By metric. NaN and infinity are stored too.

        Raises
        ------
        DataError
            A value is not a number.
        """
        split_folder(split)
        number = check_epoch(epoch)
        if not self._info.created:
            self._agree()
        append_row(self.path / SCALARS_FILE, number, split, values)

    def log_samples(
        self,
        split: str,
        ids: Any,  # noqa: ANN401
        *,
        text: Sequence[str | None] | None = None,
        paths: Sequence[str | os.PathLike[str] | None] | None = None,
        thumbnails: Sequence[bytes | None] | None = None,
    ) -> None:
        """Add descriptions by which a person recognises samples.

        Parameters
        ----------
        split : str
        ids : array-like of shape (n_samples,)
            As in the predictions.
        text, paths, thumbnails : sequence of length n_samples, optional
            The text, the path of the image or file, and a small PNG or JPEG; None where there
            is none.

        Raises
        ------
        DataError
            The columns differ in length, or a value has an unsupported type.
        """
        folder = self.path / SAMPLES_FOLDER / split_folder(split)
        table = sample_table(ids, {"text": text, "path": paths, "thumbnail": thumbnails})
        if not self._info.created:
            self._agree()
        make_folder(folder)
        target = self._next_name(folder)
        temporary = temporary_path(target)
        try:
            with pa.OSFile(str(temporary), "wb") as file:
                with pa.ipc.new_file(file, table.schema) as stream:
                    stream.write_table(table)
                os.fsync(file.fileno())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(folder)

    def close(self) -> None:
        """Commit all pending rows. The writer can be used again afterwards."""
        for split, epoch in list(self._pending):
            self.commit(split, epoch)

    def discard(self) -> None:
        """Drop all pending rows, and free their space on the disk."""
        for part in self._pending.values():
            part.discard()
        self._pending.clear()

    def _find_earlier(self) -> list[Path]:
        """List files of an earlier training: all for the first writer, else its own parts."""
        folders = [*self.path.glob(f"{PREDICTIONS_FOLDER}/split=*/epoch=*")]
        folders += self.path.glob(f"{SAMPLES_FOLDER}/split=*")
        parts = [part for folder in folders for part in parts_in(folder)]
        if self._writer == FIRST_WRITER:
            files = (self.path / name for name in (INFO_FILE, SCALARS_FILE, PACKED_FILE))
            return [*(file for file in files if file.exists()), *parts]
        return [part for part in parts if self._owns(part)]

    def _exists(self, file: Path) -> DataError:
        return DataError(
            f"{self.path} exists already",
            expected="a folder without a run",
            got=f"one with {file.relative_to(self.path)}",
            hint="Choose another folder, or pass overwrite=True or resume=True.",
        )

    def _remove_leftovers(self) -> None:
        """Remove unfinished files of a killed writer of the same name; no other process uses it."""
        for path in self.path.glob(f"*/split=*/**/.part-{self._writer}.*.tmp"):
            path.unlink()

    def _open(self, *, erase: bool, create: bool) -> None:
        """Create the run for all writers."""
        path = self.path / INFO_FILE
        content = self._own_info().to_json()
        if erase:
            read_info(self.path)  # raises where it is not a run: then nothing is removed
            self._erase()
            write_atomically(path, content)
        elif create:
            make_folder(self.path)
            if not write_atomically(path, content, once=True):
                raise self._exists(path)
        self._agree()

    def _erase(self) -> None:
        for name in (SCALARS_FILE, PACKED_FILE):
            (self.path / name).unlink(missing_ok=True)
        for folder in (PREDICTIONS_FOLDER, SAMPLES_FOLDER):
            for part in (self.path / folder).glob("split=*/**/*part-*"):
                is_part = PART.fullmatch(part.name) or TEMPORARY.fullmatch(part.name)
                # Newer parts are those of a faster process of this same training.
                if is_part and (self._owns(part) or part.stat().st_mtime < _PROGRAM_START):
                    part.unlink()

    def _owns(self, part: Path) -> bool:
        mine = f"part-{self._writer}"
        return part.stem == mine or part.stem.startswith(f"{mine}-")

    def _own_info(self, scale: Scale | None = None, n_columns: int | None = None) -> RunInfo:
        created = datetime.now(UTC).isoformat(timespec="seconds")
        labels = tuple(str(label) for label in self._labels)
        return RunInfo(labels, scale, n_columns, f"whyloss {__version__}", created)

    def _agree(self, scale: Scale | None = None, n_columns: int | None = None) -> RunInfo:
        """Agree with the other writers on classes, scale and number of columns."""
        wanted = self._own_info(scale, n_columns)
        waits = self._writer != FIRST_WRITER and not self._info.created
        deadline = time.monotonic() + (OPENING_SECONDS if waits else 0)
        while True:
            try:
                on_disk = read_info(self.path)
                agreed = on_disk.agreed(wanted)
                break
            except self._errors_while_waiting:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(0.02)
        if agreed != on_disk:
            write_atomically(self.path / INFO_FILE, agreed.to_json())
        self._info = agreed
        return agreed

    def _next_name(self, folder: Path) -> Path:
        number = self._committed[folder]
        self._committed[folder] += 1
        return folder / part_name(self._writer, number)


def _check_classes(classes: Sequence[Any] | None) -> list[Any]:
    labels = [] if classes is None else list(classes)
    if classes is not None and not len({str(label) for label in labels}) == len(labels) >= 2:
        raise DataError(
            "`classes` must name at least two different classes",
            expected="two or more names",
            got=f"{labels!r:.80}",
        )
    return labels


def _file_state(path: Path) -> tuple[int, int] | None:
    """Inode and time of change: they tell a file from a later one of the same name."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns
