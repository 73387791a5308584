"""A run on disk, written: each file aside, synced, then renamed, so a kill harms none of them."""

from __future__ import annotations

import os
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa

from whyloss.data.columns import sample_table
from whyloss.data.durable import aside, make_folder, sync_folder, write_aside
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
from whyloss.data.predictions import (
    SCALES,
    Scale,
    check_ids,
    check_labels,
    check_scores,
    check_slices,
    check_weights,
)
from whyloss.data.scalars import append_row
from whyloss.errors import DataError, FormatError
from whyloss.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType


FIRST_WRITER = "0"
OPENING_SECONDS = 20.0  # for which the others wait for the first one
_PROGRAM_START = time.time()


class RunWriter:
    """Writes predictions, scalars and samples of one training into a run.

    Several processes may write to one run at the same time, each under its own name; they never
    share a file. What has been committed survives a kill at any later moment.

    Parameters
    ----------
    path : str or path-like
        The folder of the run; made if it is not there.
    writer : str, default "0"
        Letters, digits and ``_``. Writer ``"0"`` opens the run: it alone looks whether there is
        one already, and overwrites it. The others wait for that when they first write.
    classes : sequence, optional
        One label per class, in the order of the columns.
    overwrite : bool, default False
        Remove the run that is there. Files that are none of a run's stay.
    resume : bool, default False
        Continue the run that is there. Epochs that are written again replace what was there.

    Raises
    ------
    DataError
        There is a run already, or one that does not fit; the folder cannot be made.
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
        # Until the first writer has replaced it, the description may be that of the earlier run.
        self._may_come = (FormatError, DataError) if overwrite else (FormatError,)
        try:
            earlier = self._find_earlier()
            if earlier and not overwrite and not resume:
                raise self._exists(earlier[0])
            # Parts of the earlier training, which go once their epoch is written again. Known by
            # their state, as another writer may by then have renamed a new one onto the name.
            self._stale = {part: _state(part) for part in earlier} if resume else {}
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
        """Add rows to an epoch, which becomes visible with :meth:`commit`.

        Parameters
        ----------
        split : str
            Any name.
        epoch : int
            From 0.
        scores : array-like of shape (n_rows, n_columns) or (n_rows,)
            Kept in their precision of float16, float32 or float64.
        scale : {"logits", "log_probs", "probs"}
            What the scores are; the same in all of a run.
        y_true : array-like of shape (n_rows,)
            Class indices, booleans, or labels that occur in the classes.
        ids : array-like of shape (n_rows,)
            Integers or strings; the same for the same sample at every epoch.
        weights : array-like of shape (n_rows,), optional
            How much each sample counts, the same at every epoch: finite, at least 0.
        slices : mapping of str to array-like of shape (n_rows,), optional
            Columns to split the loss by.

        Raises
        ------
        DataError
            Something does not fit, here or to what the run holds.
        """
        folder = split_folder(split)
        key = split, check_epoch(epoch)
        if scale not in SCALES:
            raise DataError("Unknown scale", expected=f"one of {SCALES}", got=f"{scale!r:.80}")
        matrix = check_scores(scores, scale)
        info = self._info
        if (info.scale, info.n_columns) != (scale, matrix.shape[1]):
            info = self._settle(scale, matrix.shape[1])
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
        """Make the rows of an epoch visible, and safe from a kill and a power cut.

        Returns
        -------
        Path or None
            The new file; None if there were no rows. Rows that come later go to a further file.

        Raises
        ------
        DataError
            Another writer has meanwhile recorded something that does not fit.
        OSError
            The disk is full, or the like; the rows are lost, nothing else is.
        """
        part = self._pending.pop((split, epoch), None)
        if part is None:
            return None
        try:
            self._settle(self._info.scale, self._info.n_columns)
            part.finish()
            for old, state in self._stale.items():
                if old.parent == part.folder and _state(old) == state:
                    old.unlink()
            target = self._next_name(part.folder)
            part.temporary.replace(target)
        finally:
            part.discard()
        sync_folder(part.folder)
        return target

    def log_scalars(self, epoch: int, split: str, /, **values: float) -> None:
        """Add what a framework reported, such as ``loss=0.31, accuracy=0.9``.

        Raises
        ------
        DataError
            A value that is no number. NaN and infinity are numbers.
        """
        split_folder(split)
        number = check_epoch(epoch)
        if not self._info.created:
            self._settle()
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
        """Add how a person recognises samples.

        Parameters
        ----------
        split : str
            The split that the samples belong to.
        ids : array-like of shape (n_samples,)
            As in the predictions.
        text, paths, thumbnails : sequence of length n_samples, optional
            The text, where the image or file lies, and a small PNG or JPEG; None where there
            is none.

        Raises
        ------
        DataError
            Something does not fit.
        """
        folder = self.path / SAMPLES_FOLDER / split_folder(split)
        table = sample_table(ids, {"text": text, "path": paths, "thumbnail": thumbnails})
        if not self._info.created:
            self._settle()
        make_folder(folder)
        target = self._next_name(folder)
        temporary = aside(target)
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
        """Commit what is pending. The writer can be used again afterwards."""
        for split, epoch in list(self._pending):
            self.commit(split, epoch)

    def discard(self) -> None:
        """Throw away what is pending, and free its space on the disk."""
        for part in self._pending.values():
            part.discard()
        self._pending.clear()

    def _find_earlier(self) -> list[Path]:
        """List what an earlier training left: parts of this writer, or for the first one all."""
        folders = [*self.path.glob(f"{PREDICTIONS_FOLDER}/split=*/epoch=*")]
        folders += self.path.glob(f"{SAMPLES_FOLDER}/split=*")
        parts = [part for folder in folders for part in parts_in(folder)]
        if self._writer == FIRST_WRITER:
            files = (self.path / name for name in (INFO_FILE, SCALARS_FILE, PACKED_FILE))
            return [*(file for file in files if file.exists()), *parts]
        return [part for part in parts if self._owns(part)]

    def _exists(self, what: Path) -> DataError:
        return DataError(
            f"{self.path} exists already",
            expected="a folder without a run",
            got=f"one with {what.relative_to(self.path)}",
            hint="Choose another folder, or pass overwrite=True or resume=True.",
        )

    def _remove_leftovers(self) -> None:
        """Remove what this writer had in work when it was killed; nobody else uses its name."""
        for path in self.path.glob(f"*/split=*/**/.part-{self._writer}.*.tmp"):
            path.unlink()

    def _open(self, *, erase: bool, create: bool) -> None:
        """Make the run, for all writers."""
        path = self.path / INFO_FILE
        content = self._wanted().to_json()
        if erase:
            read_info(self.path)  # or it is no run, and nothing is to be removed
            self._erase()
            write_aside(path, content)
        elif create:
            make_folder(self.path)
            if not write_aside(path, content, once=True):
                raise self._exists(path)
        self._settle()

    def _erase(self) -> None:
        for name in (SCALARS_FILE, PACKED_FILE):
            (self.path / name).unlink(missing_ok=True)
        for folder in (PREDICTIONS_FOLDER, SAMPLES_FOLDER):
            for part in (self.path / folder).glob("split=*/**/*part-*"):
                known = PART.fullmatch(part.name) or TEMPORARY.fullmatch(part.name)
                # Another process of this training may have been quicker, and stays.
                if known and (self._owns(part) or part.stat().st_mtime < _PROGRAM_START):
                    part.unlink()

    def _owns(self, part: Path) -> bool:
        mine = f"part-{self._writer}"
        return part.stem == mine or part.stem.startswith(f"{mine}-")

    def _wanted(self, scale: Scale | None = None, n_columns: int | None = None) -> RunInfo:
        created = datetime.now(UTC).isoformat(timespec="seconds")
        labels = tuple(str(label) for label in self._labels)
        return RunInfo(labels, scale, n_columns, f"whyloss {__version__}", created)

    def _settle(self, scale: Scale | None = None, n_columns: int | None = None) -> RunInfo:
        """Agree with the other writers on what the run holds."""
        wanted = self._wanted(scale, n_columns)
        waits = self._writer != FIRST_WRITER and not self._info.created
        deadline = time.monotonic() + (OPENING_SECONDS if waits else 0)
        while True:
            try:
                there = read_info(self.path)
                agreed = there.agreed(wanted)
                break
            except self._may_come:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(0.02)
        if agreed != there:
            write_aside(self.path / INFO_FILE, agreed.to_json())
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


def _state(path: Path) -> tuple[int, int] | None:
    """Tell one file from another that bears the same name later."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns
