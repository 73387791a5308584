"""Reading a run: predictions by split and epoch, reported scalars, descriptions of samples."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from whyloss.data.history import History
from whyloss.data.layout import (
    SAMPLES_FOLDER,
    SCALARS_FILE,
    SLICE_PREFIX,
    TEMPORARY,
    WEIGHT_COLUMN,
    PartName,
    parts_in,
    read_info,
    split_folder,
)
from whyloss.data.part import Part
from whyloss.data.predictions import Predictions
from whyloss.data.run_files import RunFiles, joined
from whyloss.data.run_notes import notes_on
from whyloss.data.scalars import drop_torn_line, read_rows
from whyloss.data.source import Sample
from whyloss.data.validation import check_ids
from whyloss.errors import DataError, FormatError

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    import numpy.typing as npt


class Run(RunFiles):
    """A recorded run: a folder of Arrow (or Parquet) files, scalars and a description.

    The object stores only the path and reads everything on demand, so a run that is still being
    written shows its new epochs. Predictions are memory-mapped; they are copied only where an
    epoch has several parts.

    Use :meth:`open`, which checks that the folder holds a run.
    """

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
        parts = [file.open() for file in self.parts(split, epoch)]
        scale = self.scale or parts[0].scale
        rows = self.rows(split, epoch, parts)
        ids, y_true = rows.ids, rows.y_true
        scores = joined([part.scores(scale) for part in parts], parts)
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
        for path in self.replaced():
            path.unlink()
            done.append(f"Removed {path.relative_to(self._path)}, which a later launch replaces.")
        if drop_torn_line(self._path / SCALARS_FILE):
            done.append(f"Dropped the torn last line of {SCALARS_FILE}.")
        return tuple(done)


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
    return {name: joined([columns[name] for columns in extras], parts) for name in extras[0]}
