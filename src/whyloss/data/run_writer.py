"""Writing a run. Every file is written atomically, so a killed process cannot damage the run."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa

from whyloss.data.columns import sample_table
from whyloss.data.durable import (
    make_folder,
    sync_files,
    temporary_path,
    write_atomically,
)
from whyloss.data.layout import (
    INFO_FILE,
    PREDICTIONS_FOLDER,
    SAMPLES_FOLDER,
    SCALARS_FILE,
    SLICE_PREFIX,
    WEIGHT_COLUMN,
    RunInfo,
    check_epoch,
    check_writer,
    current_parts,
    epoch_folder,
    parts_in,
    read_info,
    split_folder,
)
from whyloss.data.opening import FIRST_WRITER, Opening, namesakes
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
from whyloss.data.writers import State, WriterRecord, read_writers
from whyloss.errors import DataError
from whyloss.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


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
    n_writers : int, optional
        Number of processes that record together, where that is known.
    classes : sequence, optional
        One label per class, in the order of the columns.
    overwrite : bool, default False
        Remove an existing run first. Other files in the folder stay.
    resume : bool, default False
        Continue an existing run. Epochs that are written again are replaced.
    later : bool, default False
        Only check whether the run can be opened. :meth:`open` opens it, once the name of this
        writer is settled.

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
        n_writers: int | None = None,
        classes: Sequence[Any] | None = None,
        overwrite: bool = False,
        resume: bool = False,
        later: bool = False,
    ) -> None:
        self.path = Path(path).absolute()  # the program may change its folder
        self._labels = _check_classes(classes)
        self._info = RunInfo()
        self._writer: str | None = None
        self._n_writers: int | None = None
        self._shares_name = False
        self._record: WriterRecord | None = None
        self._pending: dict[tuple[str, int], PartWriter] = {}
        self._finished: list[PartWriter] = []
        self._next_number = 0
        self._opening = Opening.checked(
            self.path, writer=check_writer(writer), overwrite=overwrite, resume=resume
        )
        if resume and self._opening.seen is not None:
            self._opening.seen.agreed(self._own_info())
        if not later:
            self.open(writer, n_writers)

    def open(self, writer: str, n_writers: int | None = None) -> None:
        """Settle the name of this writer; the first writer opens the run for all.

        Parameters
        ----------
        writer : str
        n_writers : int, optional
            As in :class:`RunWriter`.

        Raises
        ------
        DataError
            There is a run already, or its classes or scale differ.
        """
        self._writer = check_writer(writer)
        self._n_writers = n_writers
        if writer == FIRST_WRITER:
            self._register(*self._opening.open(self._own_info(), writer, n_writers))

    def join(self) -> None:
        """Join the run, once the first writer has opened it; else, the first rows do that."""
        self._joined()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
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
        numbered: bool = False,
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
        numbered : bool, default False
            The ids are row numbers, as the samples have none of their own.

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
        if key in self._pending and self._pending[key].numbered != numbered:
            self.commit(*key, later=True)  # the flag is one of the whole part
        if key not in self._pending:
            target = self.path / PREDICTIONS_FOLDER / folder / epoch_folder(key[1])
            part = target / self._next_name()
            self._pending[key] = PartWriter(part, self.path, scale, numbered=numbered)
        self._pending[key].add(matrix, columns)

    def commit(self, split: str, epoch: int, *, later: bool = False) -> Path | None:
        """Make the rows of an epoch visible; from then on they survive a crash or a power cut.

        Parameters
        ----------
        split : str
        epoch : int
        later : bool, default False
            Only finish the file; :meth:`publish` makes it visible, together with others.

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
        if part is not None:
            try:
                part.finish()
            except BaseException:
                part.discard()
                raise
            self._finished.append(part)
        if not later:
            self.publish()
        return None if part is None else part.target

    @property
    def n_finished(self) -> int:
        """Number of epochs that are written and not yet visible."""
        return len(self._finished)

    def publish(self) -> None:
        """Make all finished epochs visible; earlier parts are removed once the new ones are safe.

        Raises
        ------
        DataError
            Another writer has meanwhile recorded other classes or another scale.
        OSError
            An epoch could not be written. The others are visible.
        """
        parts, self._finished = self._finished, []
        if not parts:
            return
        try:
            self._agree(self._info.scale, self._info.n_columns)
            failed = sync_files([part.temporary for part in parts])
            whole = [part for part in parts if part.temporary not in failed]
            for part in whole:
                part.temporary.replace(part.target)
        finally:
            for part in parts:
                part.discard()
        folders = list(dict.fromkeys(part.target.parent for part in whole))
        failed |= sync_files(folders) | sync_files(self._parents(folders))
        if failed:
            raise next(iter(failed.values()))
        for folder in folders:
            self._remove_replaced(folder)

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
        record = self._joined()
        append_row(self.path / SCALARS_FILE, number, split, record.launch, values)

    def sync_scalars(self) -> None:
        """Wait until the scalars are on the disk."""
        path = self.path / SCALARS_FILE
        if path.exists():
            sync_files([path])

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
        name = self._next_name()
        make_folder(folder, within=self.path)
        target = folder / name
        temporary = temporary_path(target)
        try:
            with temporary.open("wb") as file:  # older files of PyArrow have no fileno()
                with pa.ipc.new_file(file, table.schema) as stream:
                    stream.write_table(table)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        sync_files([folder, *self._parents([folder])])

    def close(self) -> None:
        """Commit all pending rows, and note in the run that this writer has finished."""
        for split, epoch in list(self._pending):
            self.commit(split, epoch, later=True)
        self.publish()
        if self._record is not None and self.path.exists():  # nothing is lost where it is gone
            self._note("closed")

    def stop(self, reason: str) -> None:
        """Note in the run that this writer records no further, and why.

        Parameters
        ----------
        reason : str
        """
        self._joined()
        self._note("stopped", reason)

    def discard(self) -> None:
        """Drop all pending rows, and free their space on the disk."""
        for part in self._pending.values():
            part.discard()
        self._pending.clear()

    @property
    def shares_name(self) -> bool:
        """Whether another process records into the run under the same name."""
        return self._shares_name

    def _joined(self) -> WriterRecord:
        """Join the run, where this has not been done yet."""
        if self._record is None:
            assert self._writer is not None  # noqa: S101 - open() comes first
            own = self._own_info()
            self._register(*self._opening.join(own, self._writer, self._n_writers))
        assert self._record is not None  # noqa: S101 - for the type checker
        return self._record

    def _register(self, info: RunInfo, record: WriterRecord) -> None:
        self._info, self._record = info, record
        others = namesakes(read_writers(self.path), record.writer, info.launch)
        self._shares_name = bool(others)
        self._agree()

    def _note(self, state: State, reason: str = "") -> None:
        self._record = replace(self._joined(), state=state, reason=reason)
        self._record.save(self.path)

    def _own_info(self, scale: Scale | None = None, n_columns: int | None = None) -> RunInfo:
        created = datetime.now(UTC).isoformat(timespec="seconds")
        labels = tuple(str(label) for label in self._labels)
        n_writers = self._n_writers
        if n_writers is None and self._writer is not None and self._writer.isdecimal():
            n_writers = int(self._writer) + 1  # at least
        creator = f"whyloss {__version__}"
        return RunInfo(labels, scale, n_columns, creator, created, n_writers=n_writers)

    def _agree(self, scale: Scale | None = None, n_columns: int | None = None) -> RunInfo:
        """Agree with the other writers on classes, scale and number of columns."""
        launch = self._joined().launch
        on_disk = read_info(self.path)
        if on_disk.first_launch > launch:
            raise DataError(
                "Another process has overwritten the run",
                expected=f"launch {launch} of the training",
                got=f"launch {on_disk.launch}",
                hint="Record every training in a folder of its own.",
            )
        agreed = on_disk.agreed(self._own_info(scale, n_columns))
        # A slow process of an earlier launch may have written its older description.
        agreed = replace(
            agreed,
            launch=max(launch, on_disk.launch),
            first_launch=max(self._info.first_launch, on_disk.first_launch),
        )
        if agreed != on_disk:
            write_atomically(self.path / INFO_FILE, agreed.to_json())
        self._info = agreed
        return agreed

    def _remove_replaced(self, folder: Path) -> None:
        """Remove parts that newer ones of this process replace."""
        record = self._joined()
        if record.launch == max(1, self._info.first_launch):
            return  # the run has no earlier launch
        parts = parts_in(folder)
        kept = current_parts(parts, self._info.first_launch, lambda _: self._n_writers)
        for part in set(parts).difference(kept):
            part.unlink(missing_ok=True)

    def _parents(self, folders: list[Path]) -> list[Path]:
        """The folders that hold the names of others, up to that of the run."""
        parents = {folder.parent for folder in folders if folder != self.path}
        return [*parents, *self._parents([*parents])] if parents else []

    def _next_name(self) -> str:
        self._next_number += 1
        return self._joined().part(self._next_number - 1)


def _check_classes(classes: Sequence[Any] | None) -> list[Any]:
    labels = [] if classes is None else list(classes)
    if classes is not None and not len({str(label) for label in labels}) == len(labels) >= 2:
        raise DataError(
            "`classes` must name at least two different classes",
            expected="two or more names",
            got=f"{labels!r:.80}",
        )
    return labels
