"""Reading a run: predictions by split and epoch, reported scalars, descriptions of samples."""

from __future__ import annotations

from dataclasses import replace
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
    RunInfo,
    parts_in,
    read_info,
    split_folder,
)
from whyloss.data.part import Part, PartFile
from whyloss.data.predictions import Predictions
from whyloss.data.scalars import drop_torn_line, read_rows
from whyloss.data.source import Sample
from whyloss.data.validation import Scale, check_ids
from whyloss.errors import DataError, FormatError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence

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
        """Always empty: reading a run needs no assumptions."""
        return ()

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
            history = History.from_rows(read_rows(path))
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
        recorded = {n for n, path in self._epochs(split).items() if parts_in(path)}
        return tuple(sorted(recorded | self._packed().get(split, frozenset())))

    def parts(self, split: str, epoch: int) -> tuple[PartFile, ...]:
        """Find the files with the predictions of `split` at `epoch`.

        Parameters
        ----------
        split : str
        epoch : int

        Returns
        -------
        tuple of PartFile
            In the order of their names. Parts take precedence over packed rows: an epoch that
            has both was recorded again after the run was packed.

        Raises
        ------
        DataError
            There are none.
        """
        folder = self._epochs(split).get(epoch)
        files = [] if folder is None else [PartFile(path) for path in parts_in(folder)]
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

        Rows of several parts are in the order of the parts' names. Of rows with the same id,
        such as the padding of distributed samplers, the first is kept.

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
        ids, y_true, keep = self._identities(split, epoch, parts)
        scores = _joined([part.scores(scale) for part in parts], parts)
        extras = _joined_extras([part.extras() for part in parts], parts)
        if keep is not None:
            ids, y_true, scores = ids[keep], y_true[keep], scores[keep]
            extras = {name: column[keep] for name, column in extras.items()}
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
        """Count the rows that :meth:`predictions` drops because an earlier row has the same id.

        Parameters
        ----------
        split : str
        epoch : int
        """
        ids, _, keep = self._identities(split, epoch, self._read_parts(split, epoch))
        return 0 if keep is None else len(ids) - len(keep)

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
        # Backwards, so that of an id in several parts the first is kept.
        for path in reversed(parts_in(self._path / SAMPLES_FOLDER / split_folder(split))):
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
        if drop_torn_line(self._path / SCALARS_FILE):
            done.append(f"Dropped the torn last line of {SCALARS_FILE}.")
        return tuple(done)

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

    def _identities(
        self, split: str, epoch: int, parts: list[Part]
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[np.intp] | None]:
        """Ids, labels, and which rows to keep (None: all of them)."""
        ids = _joined([part.ids() for part in parts], parts)
        y_true = _joined([part.y_true() for part in parts], parts)
        if ids.dtype.kind == "O":
            ids = ids.astype(np.str_)
        if len(ids) < 2 or bool((ids[1:] > ids[:-1]).all()):  # ascending: none occurs twice
            return ids, y_true, None
        _, first, which = np.unique(ids, return_index=True, return_inverse=True)
        if len(first) == len(ids):
            return ids, y_true, None
        differs = np.flatnonzero(y_true != y_true[first[which]])
        if differs.size:
            row = differs[0]
            raise DataError(
                f"{self.name}, {split} at epoch {epoch}: two samples have the same id",
                expected="the same label wherever the same id occurs",
                got=f"labels {y_true[first[which[row]]]} and {y_true[row]} for id {ids[row]}",
                hint="Pass ids= that name each sample once over all processes.",
            )
        return ids, y_true, np.sort(first)


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
