"""Reading a run: predictions by split and epoch, reported scalars, descriptions of samples."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import numpy as np

from whyloss.data.history import History
from whyloss.data.layout import (
    PACKED_FILE,
    PREDICTIONS_FOLDER,
    SAMPLES_FOLDER,
    SCALARS_FILE,
    SLICE_PREFIX,
    TEMPORARY,
    WEIGHT_COLUMN,
    PartName,
    RunInfo,
    current_parts,
    parts_in,
    read_info,
    split_folder,
)
from whyloss.data.part import Part, PartFile
from whyloss.data.passes import kept_rows, last_pass, spans
from whyloss.data.predictions import Predictions
from whyloss.data.run_notes import notes_on
from whyloss.data.scalars import drop_torn_line, read_rows
from whyloss.data.source import Sample
from whyloss.data.validation import Scale, check_ids
from whyloss.data.writers import read_writers
from whyloss.errors import DataError, FormatError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt


class Run:
    """A recorded run: a folder of Arrow (or Parquet) files, scalars and a description.

    The object stores only the path and reads everything on demand, so a run that is still being
    written shows its new epochs. Predictions are memory-mapped; they are copied only where an
    epoch has several parts.

    Parameters
    ----------
    path : str or path-like
        The folder. Use :meth:`open`, which checks that it holds a run.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Run:
        """Open a run.

        Parameters
        ----------
        path : str or path-like
            The folder that a recorder wrote.

        Raises
        ------
        FormatError
            The folder does not exist, is not a run, or was written by a newer whyloss.
        """
        run = cls(path)
        read_info(run.path)
        return run

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    @property
    def notes(self) -> tuple[str, ...]:
        """What the run lacks, and which of its rows count, one sentence each."""
        return notes_on(self)

    @property
    def path(self) -> Path:
        """The folder of the run."""
        return self._path

    @property
    def name(self) -> str:
        """The name of the folder."""
        return self._path.resolve().name

    @property
    def info(self) -> RunInfo:
        """The content of ``run.json``."""
        return read_info(self._path)

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the columns; empty until predictions are recorded."""
        return self.info.classes

    @property
    def scale(self) -> Scale | None:
        """What the scores are; None until predictions are recorded."""
        return self.info.scale

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that have predictions, by name."""
        names = self._splits().keys() | self._packed().keys()
        return tuple(sorted(split for split in names if self.epochs(split)))

    @property
    def history(self) -> History:
        """What the framework reported; empty where nothing was."""
        path = self._path / SCALARS_FILE
        try:
            history = History.from_rows(read_rows(path, self.info.first_launch))
        except OverflowError:
            raise FormatError(
                f"{path} contains a number that is too large",
                expected="numbers of 64 bits",
                got="a larger one",
            ) from None
        return replace(history, n_classes=len(self.classes) or None)

    def epochs(self, split: str) -> tuple[int, ...]:
        """The epochs at which `split` has predictions, ascending.

        Parameters
        ----------
        split : str
        """
        return tuple(sorted(self.recorded(split).keys() | self._packed().get(split, frozenset())))

    def last_epoch(self, split: str) -> int | None:
        """The epoch that `split` has reached.

        Parameters
        ----------
        split : str

        Returns
        -------
        int or None
            Where a training was resumed at an earlier epoch, the last one since: later epochs are
            from before, and not of the model that was trained on. None where there are none.
        """
        launches = {
            epoch: max(part.name.launch for part in parts)
            for epoch, parts in self.recorded(split).items()
        }
        launches = dict.fromkeys(self._packed().get(split, ()), 0) | launches
        newest = max(launches.values(), default=0)
        return max((e for e, launch in launches.items() if launch == newest), default=None)

    def recorded(self, split: str) -> dict[int, tuple[PartFile, ...]]:
        """Find the parts that count, by epoch; those of a packed file are not among them.

        Parameters
        ----------
        split : str
        """
        first_launch = self.info.first_launch
        n_writers = self._n_writers()
        found = {}
        for epoch, folder in self._epochs(split).items():
            current = current_parts(parts_in(folder), first_launch, n_writers)
            if current:
                found[epoch] = tuple(PartFile(path) for path in current)
        return found

    def parts(self, split: str, epoch: int) -> tuple[PartFile, ...]:
        """Find the files with the predictions of `split` at `epoch`.

        Parameters
        ----------
        split : str
        epoch : int

        Returns
        -------
        tuple of PartFile
            Those of the last launch first, then by writer. Parts take precedence over packed rows:
            an epoch that has both was recorded again after the run was packed.

        Raises
        ------
        DataError
            There are none.
        """
        folder = self._epochs(split).get(epoch)
        parts = [] if folder is None else parts_in(folder)
        current = current_parts(parts, self.info.first_launch, self._n_writers())
        files = [PartFile(path) for path in current]
        if not files and epoch in self._packed().get(split, ()):
            files = [PartFile(self._path / PACKED_FILE, (split, epoch))]
        if not files:
            known = ", ".join(str(number) for number in self.epochs(split))
            raise DataError(
                f"{self.name} has no predictions of {split!r} at epoch {epoch}",
                expected=f"one of the epochs {known:.80}" if known else f"one of {self.splits}",
                got=f"{epoch}" if known else f"{split!r}",
            )
        return tuple(files)

    def predictions(self, split: str, epoch: int) -> Predictions:
        """Read the predictions of `split` at `epoch`.

        Rows of several parts are in the order of :meth:`parts`. Of rows with the same id, the last
        one of a process is kept, and the first one of several processes, as distributed samplers
        pad. Without ids, the last pass over the samples is kept.

        Parameters
        ----------
        split : str
        epoch : int

        Raises
        ------
        DataError
            There are none, a label is not one of the classes, or rows with the same id have
            different labels.
        FormatError
            A file cannot be read.
        """
        parts = self._read_parts(split, epoch)
        scale = self.scale or parts[0].scale
        rows = self._identify(split, epoch, parts)
        ids, y_true = rows.ids, rows.y_true
        scores = _joined([part.scores(scale) for part in parts], parts)
        extras = _joined_extras([part.extras() for part in parts], parts)
        if rows.kept is not None:
            ids, y_true, scores = ids[rows.kept], y_true[rows.kept], scores[rows.kept]
            extras = {name: column[rows.kept] for name, column in extras.items()}
        given: dict[str, Any] = {scale: scores, "weights": extras.pop(WEIGHT_COLUMN, None)}
        slices = {name.removeprefix(SLICE_PREFIX): column for name, column in extras.items()}
        try:
            return Predictions.from_arrays(
                y_true,
                ids=ids,
                classes=self.classes or None,
                split=split,
                epoch=epoch,
                slices=slices,
                **given,
            )
        except DataError as error:
            raise DataError(
                f"{self.name}, {split} at epoch {epoch}: {error.problem}",
                expected=error.expected,
                got=error.got,
                hint=error.hint,
            ) from None

    def duplicates(self, split: str, epoch: int) -> int:
        """Count the rows that :meth:`predictions` leaves out: another process has the sample, too.

        Parameters
        ----------
        split : str
        epoch : int
        """
        return self._identify(split, epoch, self._read_parts(split, epoch)).padding

    def repeated(self, split: str, epoch: int) -> int:
        """Count the rows that :meth:`predictions` leaves out: the process logged the sample again.

        Parameters
        ----------
        split : str
        epoch : int
        """
        return self._identify(split, epoch, self._read_parts(split, epoch)).repeated

    def samples(self, split: str, ids: Sequence[int | str]) -> list[Sample]:
        """Read the descriptions of samples.

        Parameters
        ----------
        split : str
        ids : sequence of int or str

        Returns
        -------
        list of Sample
            One per id; an empty one where nothing is known.
        """
        described = [Sample()] * len(ids)
        if not described:
            return described
        wanted = check_ids(ids, len(ids))
        first_launch = self.info.first_launch
        # Backwards, so that of an id in several parts the first is kept.
        for path in reversed(parts_in(self._path / SAMPLES_FOLDER / split_folder(split))):
            if PartName.of(path).launch < first_launch:
                continue
            for k, cells in Part(path).samples(wanted).items():
                described[k] = Sample(**cells)
        return described

    def repair(self) -> tuple[str, ...]:
        """Remove what a killed writer left behind. Call it only while nothing writes to the run.

        Returns
        -------
        tuple of str
            What was done, one sentence each; empty where there was nothing to do. Reading does
            not need it: unfinished files and torn lines are skipped.
        """
        done = []
        for path in sorted(self._path.rglob(".*.tmp")):
            if TEMPORARY.fullmatch(path.name):
                path.unlink()
                done.append(f"Removed the unfinished {path.relative_to(self._path)}.")
        for split in self._splits():
            for folder in self._epochs(split).values():
                done += self._drop_replaced(folder)
        if drop_torn_line(self._path / SCALARS_FILE):
            done.append(f"Dropped the torn last line of {SCALARS_FILE}.")
        return tuple(done)

    def _drop_replaced(self, folder: Path) -> Iterator[str]:
        parts = parts_in(folder)
        current = current_parts(parts, self.info.first_launch, self._n_writers())
        for path in set(parts).difference(current):
            path.unlink()
            yield f"Removed {path.relative_to(self._path)}, which a later launch replaces."

    def _n_writers(self) -> Callable[[int], int | None]:
        """Give the number of processes of a launch; read only if an epoch has several launches."""

        @cache
        def known() -> dict[int, int]:
            return {
                record.launch: record.n_writers
                for record in read_writers(self._path)
                if record.n_writers is not None
            }

        return lambda launch: known().get(launch)

    def _splits(self) -> dict[str, Path]:
        folders = (self._path / PREDICTIONS_FOLDER).glob("split=*")
        return {unquote(path.name.removeprefix("split=")): path for path in folders}

    def _epochs(self, split: str) -> dict[int, Path]:
        folder = self._splits().get(split)
        return {} if folder is None else dict(_numbered(folder))

    def _packed(self) -> dict[str, frozenset[int]]:
        """Epochs by split in the packed file; none where there is no such file."""
        path = self._path / PACKED_FILE
        if not path.exists():
            return {}
        from whyloss.data.packed import packed_epochs  # noqa: PLC0415 - most runs hold none

        return packed_epochs(path)

    def _read_parts(self, split: str, epoch: int) -> list[Part]:
        return [file.open() for file in self.parts(split, epoch)]

    def _identify(self, split: str, epoch: int, parts: list[Part]) -> _Rows:
        """Read ids and labels, and decide which rows count."""
        ids = _joined([part.ids() for part in parts], parts)
        y_true = _joined([part.y_true() for part in parts], parts)
        if ids.dtype.kind == "O":
            ids = ids.astype(np.str_)
        owners = spans([part.owner for part in parts], [len(part) for part in parts])
        numbered = all(part.numbered for part in parts)
        ascending = bool((ids[1:] > ids[:-1]).all())  # then none occurs twice
        if ascending and not numbered:
            return _Rows(ids, y_true)
        candidates = np.arange(len(ids))
        if numbered:
            usual = self._usual_lengths(split, epoch)
            passes = [(rows, last_pass(ids[rows], y_true[rows], usual)) for _, rows in owners]
            candidates = np.concatenate([candidates[rows][last] for rows, last in passes])
        processes = np.concatenate(
            [np.full(rows.stop - rows.start, k) for k, (_, rows) in enumerate(owners)]
        )
        processes = processes[candidates]
        kept, chosen = kept_rows(ids[candidates], processes)
        labels = y_true[candidates]
        differs = np.flatnonzero(labels != labels[chosen])
        if differs.size:
            row, other = differs[0], chosen[differs[0]]
            row, other = max(row, other), min(row, other)
            raise DataError(
                f"{self.name}, {split} at epoch {epoch}: two samples have the same id",
                expected="the same label wherever the same id occurs",
                got=f"labels {labels[other]} and {labels[row]} for id {ids[candidates[row]]}",
                hint="Pass ids= that name each sample once over all processes.",
            )
        if len(kept) == len(ids):
            return _Rows(ids, y_true)
        padding = int((processes != processes[chosen]).sum())
        return _Rows(ids, y_true, candidates[kept], padding, len(ids) - len(kept) - padding)

    def _usual_lengths(self, split: str, epoch: int) -> set[int]:
        """Numbers of rows of the epochs around this one."""
        recorded = self.recorded(split)
        near = sorted(recorded, key=lambda other: abs(other - epoch))[1:5]
        return {sum(file.count() for file in recorded[other]) for other in near}


@dataclass(frozen=True)
class _Rows:
    """Ids and labels of all rows, and which of them count.

    Attributes
    ----------
    ids, y_true : ndarray of shape (n_rows,)
    kept : ndarray of int, or None
        The rows that count; None for all of them.
    padding : int
        Rows left out because another process has recorded the sample.
    repeated : int
        Rows left out because the same process has recorded the sample again.
    """

    ids: npt.NDArray[Any]
    y_true: npt.NDArray[Any]
    kept: npt.NDArray[np.intp] | None = None
    padding: int = 0
    repeated: int = 0


def _numbered(folder: Path) -> Iterator[tuple[int, Path]]:
    for path in folder.glob("epoch=*"):
        digits = path.name.removeprefix("epoch=")
        if digits.isascii() and digits.isdigit():
            yield int(digits), path


def _joined(arrays: list[npt.NDArray[Any]], parts: list[Part]) -> npt.NDArray[Any]:
    """Concatenate a column of several parts; a single part is not copied."""
    if len({(array.dtype.kind, *array.shape[1:]) for array in arrays}) > 1:
        different = (
            f"{part.path.name} with {array.dtype} of shape {array.shape}"
            for part, array in zip(parts, arrays, strict=True)
        )
        raise FormatError(
            f"The parts in {parts[0].path.parent} do not fit together",
            expected="each column with one type and width in all of them",
            got=", ".join(different),
        )
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _joined_extras(
    extras: list[dict[str, npt.NDArray[Any]]], parts: list[Part]
) -> dict[str, npt.NDArray[Any]]:
    """Concatenate weights and slices of several parts."""
    for part, columns in zip(parts, extras, strict=True):
        if columns.keys() != extras[0].keys():
            raise FormatError(
                f"The parts in {part.path.parent} do not fit together",
                expected=f"{', '.join(extras[0]) or 'no weights or slices'} as in "
                f"{parts[0].path.name}",
                got=f"{part.path.name} with {', '.join(columns) or 'none'}",
                hint="Log the same weights= and slices= with all rows of an epoch.",
            )
    return {name: _joined([columns[name] for columns in extras], parts) for name in extras[0]}
