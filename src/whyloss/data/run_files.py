"""The files of a recorded run: which of them count, and which of their rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import numpy as np

from whyloss.data.layout import (
    PACKED_FILE,
    PREDICTIONS_FOLDER,
    RunInfo,
    current_parts,
    parts_in,
    read_info,
)
from whyloss.data.part import Part, PartFile
from whyloss.data.passes import kept_rows, last_pass, spans
from whyloss.data.writers import read_writers
from whyloss.errors import DataError, FormatError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    from whyloss.data.validation import Scale


class RunFiles:
    """The folder of a run, and what lies in it.

    Parameters
    ----------
    path : str or path-like
        The folder.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)

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

    def duplicates(self, split: str, epoch: int) -> int:
        """Count the rows that :meth:`predictions` leaves out: another process has the sample, too.

        Parameters
        ----------
        split : str
        epoch : int
        """
        return self.rows(split, epoch).padding

    def repeated(self, split: str, epoch: int) -> int:
        """Count the rows that :meth:`predictions` leaves out: the process logged the sample again.

        Parameters
        ----------
        split : str
        epoch : int
        """
        return self.rows(split, epoch).repeated

    def replaced(self) -> Iterator[Path]:
        """Find the parts that later ones replace, and that a killed process did not remove.

        Yields
        ------
        Path
        """
        for split in self._splits():
            for folder in self._epochs(split).values():
                parts = parts_in(folder)
                current = current_parts(parts, self.info.first_launch, self._n_writers())
                yield from sorted(set(parts).difference(current))

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

    def rows(self, split: str, epoch: int, parts: list[Part] | None = None) -> Rows:
        """Read ids and labels, and decide which rows count.

        Parameters
        ----------
        split : str
        epoch : int
        parts : list of Part, optional
            The parts of the epoch, where they have been opened already.

        Raises
        ------
        DataError
            There are none, or rows with the same id have different labels.
        FormatError
            A file cannot be read.
        """
        parts = parts or [file.open() for file in self.parts(split, epoch)]
        ids = joined([part.ids() for part in parts], parts)
        y_true = joined([part.y_true() for part in parts], parts)
        if ids.dtype.kind == "O":
            ids = ids.astype(np.str_)
        owners = spans([part.owner for part in parts], [len(part) for part in parts])
        numbered = all(part.numbered for part in parts)
        ascending = bool((ids[1:] > ids[:-1]).all())  # then none occurs twice
        if ascending and not numbered:
            return Rows(ids, y_true)
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
            return Rows(ids, y_true)
        padding = int((processes != processes[chosen]).sum())
        return Rows(ids, y_true, candidates[kept], padding, len(ids) - len(kept) - padding)

    def _usual_lengths(self, split: str, epoch: int) -> set[int]:
        """Numbers of rows of the epochs around this one."""
        recorded = self.recorded(split)
        near = sorted(recorded, key=lambda other: abs(other - epoch))[1:5]
        return {sum(file.count() for file in recorded[other]) for other in near}


@dataclass(frozen=True)
class Rows:
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


def joined(arrays: list[npt.NDArray[Any]], parts: list[Part]) -> npt.NDArray[Any]:
    """Concatenate a column of several parts; a single part is not copied.

    Parameters
    ----------
    arrays : list of ndarray
        The column of each part.
    parts : list of Part

    Raises
    ------
    FormatError
        The arrays differ in type or width.
    """
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
