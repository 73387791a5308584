"""Beginning to record: a run is created, overwritten or resumed, and other processes join it."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from whyloss.data.durable import make_folder, write_atomically
from whyloss.data.layout import (
    INFO_FILE,
    PACKED_FILE,
    PART,
    PREDICTIONS_FOLDER,
    SAMPLES_FOLDER,
    SCALARS_FILE,
    TEMPORARY,
    PartName,
    RunInfo,
    read_info,
)
from whyloss.data.writers import WriterRecord, read_writers, started_before
from whyloss.errors import DataError, FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIRST_WRITER = "0"
OPENING_SECONDS = 20.0  # how long other writers wait for the first one
SWITCH_SECONDS = 2.0


@dataclass(frozen=True)
class Opening:
    """How a process begins to record into a run.

    Attributes
    ----------
    path : Path
        The folder of the run.
    overwrite, resume : bool
        Whether to replace, or to continue, a run that is there.
    seen : RunInfo or None
        The description of that run, before any process of this training has opened it.
    """

    path: Path
    overwrite: bool
    resume: bool
    seen: RunInfo | None

    @classmethod
    def checked(cls, path: Path, *, writer: str, overwrite: bool, resume: bool) -> Opening:
        """Check that a process may record into a folder; nothing is changed but the folder made.

        Parameters
        ----------
        path : Path
        writer : str
            Name of the process, as far as it is known yet.
        overwrite, resume : bool

        Raises
        ------
        DataError
            There is a run already, or the folder cannot be written to.
        FormatError
            What would be overwritten is not a run.
        """
        if overwrite and resume:
            raise DataError(
                "overwrite=True and resume=True exclude each other",
                expected="at most one of them",
                got="both",
            )
        try:
            earlier = next(_files(path, writer), None)
            if earlier and not overwrite and not resume:
                raise _exists(path, earlier)
            if writer == FIRST_WRITER:
                make_folder(path)
            if path.exists() and not os.access(path, os.W_OK | os.X_OK):
                raise PermissionError(f"no permission to write to {path}")
        except OSError as error:
            raise DataError(
                f"The run cannot be written to {path}",
                expected="a folder that can be made and written to",
                got=f"{error}",
            ) from error
        must_be_run = earlier is not None and writer == FIRST_WRITER
        exists = (path / INFO_FILE).exists()
        return cls(path, overwrite, resume, read_info(path) if must_be_run or exists else None)

    def open(
        self, wanted: RunInfo, writer: str, n_writers: int | None
    ) -> tuple[RunInfo, WriterRecord]:
        """Open the run as its first writer: create, overwrite or resume it.

        A second process of the same name, while the first one is still running, neither overwrites
        nor resumes the run: it records beside the first one.

        Parameters
        ----------
        wanted : RunInfo
            What this process knows of the run.
        writer : str
        n_writers : int or None
            Number of processes that record together, where that is known.

        Returns
        -------
        info : RunInfo
            The description of the run, with the launch that this process belongs to.
        record : WriterRecord
            Of this process.

        Raises
        ------
        DataError
            The run that is resumed differs from `wanted`, or another process has created one.
        FormatError
            What would be overwritten or resumed is not a run.
        """
        earlier = next(_files(self.path, writer), None)
        if earlier is None:
            info = replace(wanted, launch=1)
            record = WriterRecord(writer, 1, n_writers)
            # Before the description, so that nobody takes this launch for one that has ended.
            record.save(self.path)
            if write_atomically(self.path / INFO_FILE, info.to_json(), once=True):
                return info, record
            record.file(self.path).unlink()
            earlier = self.path / INFO_FILE  # another process was quicker
        before = read_info(self.path)
        records = read_writers(self.path)
        if others := namesakes(records, writer, before.launch):
            info = self._opened_by(others[-1])
            record = WriterRecord(writer, info.launch, n_writers)
            record.save(self.path)
            return info, record
        if not (self.overwrite or self.resume):
            raise _exists(self.path, earlier)
        launch = 1 + max(before.launch, *(record.launch for record in records), 0)
        if self.overwrite:
            info = replace(wanted, launch=launch, first_launch=launch)
        else:
            info = replace(before.agreed(wanted), launch=launch, n_writers=wanted.n_writers)
        record = WriterRecord(writer, launch, n_writers)
        record.save(self.path)
        if self.overwrite:
            # They have no launch in their names. A kill at this moment leaves the old run without
            # them, and never the new one with them.
            for name in (PACKED_FILE, SCALARS_FILE):
                (self.path / name).unlink(missing_ok=True)
        write_atomically(self.path / INFO_FILE, info.to_json())
        _remove_old(self.path, info, records)
        return info, record

    def _opened_by(self, record: WriterRecord) -> RunInfo:
        """Wait until a process that is about to open the run has done so."""
        deadline = time.monotonic() + SWITCH_SECONDS
        while (info := read_info(self.path)).launch < record.launch:
            if time.monotonic() > deadline:
                break  # it has been killed meanwhile
            time.sleep(0.02)
        return info

    def join(
        self, wanted: RunInfo, writer: str, n_writers: int | None
    ) -> tuple[RunInfo, WriterRecord]:
        """Wait until the first writer of this training has opened the run.

        Where it has not done so after :data:`OPENING_SECONDS`, this process does.

        Parameters
        ----------
        wanted : RunInfo
            What this process knows of the run.
        writer : str
        n_writers : int or None
            Number of processes that record together, where that is known.

        Returns
        -------
        info : RunInfo
            The description of the run.
        record : WriterRecord
            Of this process.

        Raises
        ------
        DataError, FormatError
            As :meth:`open`.
        """
        deadline = time.monotonic() + OPENING_SECONDS
        while time.monotonic() < deadline:
            with suppress(FormatError):
                info = read_info(self.path)
                if self._is_opened(info):
                    record = WriterRecord(writer, info.launch, n_writers)
                    record.save(self.path)
                    return info, record
            time.sleep(0.02)
        make_folder(self.path)
        return self.open(wanted, writer, n_writers)

    def _is_opened(self, info: RunInfo) -> bool:
        """Whether a description is that of this training, and not that of an earlier one."""
        if self.seen is None or not (self.overwrite or self.resume):
            return True
        if (info.launch, info.first_launch) != (self.seen.launch, self.seen.first_launch):
            return True
        # The first writer may have opened the run before this process has seen it.
        openers = [
            record
            for record in read_writers(self.path)
            if record.writer == FIRST_WRITER and record.launch == info.launch
        ]
        own = os.getpid()
        return any(
            (opener.running and opener.state == "recording")
            or (opener.process != own and started_before(opener))
            for opener in openers
        )


def namesakes(records: list[WriterRecord], writer: str, launch: int) -> list[WriterRecord]:
    """Select the other processes that are still running and record under the same name.

    Parameters
    ----------
    records : list of WriterRecord
    writer : str
    launch : int
        Those of earlier launches are left out.
    """
    return [
        record
        for record in records
        if (record.writer, record.state) == (writer, "recording")
        and record.launch >= launch
        and record.process != os.getpid()
        and record.running
    ]


def _remove_old(path: Path, info: RunInfo, records: list[WriterRecord]) -> None:
    """Remove what was overwritten, and what killed processes have left unfinished."""
    running = {record.token for record in records if record.running}
    for folder in (PREDICTIONS_FOLDER, SAMPLES_FOLDER):
        for file in (path / folder).glob("split=*/**/*part-*"):
            name = PartName.of(file)
            unfinished = TEMPORARY.fullmatch(file.name) and name.token not in running
            overwritten = PART.fullmatch(file.name) and name.launch < info.first_launch
            if overwritten or (unfinished and name.launch < info.launch):
                file.unlink(missing_ok=True)
    for record in records:
        if record.launch < info.first_launch:
            record.file(path).unlink(missing_ok=True)


def _files(path: Path, writer: str) -> Iterator[Path]:
    """Iterate over the files of a run: all for the first writer, else its own parts."""
    if writer == FIRST_WRITER:
        names = (INFO_FILE, SCALARS_FILE, PACKED_FILE)
        yield from (path / name for name in names if (path / name).exists())
    for pattern in (f"{PREDICTIONS_FOLDER}/split=*/epoch=*", f"{SAMPLES_FOLDER}/split=*"):
        for folder in path.glob(pattern):
            for file in folder.iterdir():
                own = writer in {FIRST_WRITER, PartName.of(file).writer}
                if own and PART.fullmatch(file.name):
                    yield file


def _exists(path: Path, file: Path) -> DataError:
    return DataError(
        f"{path} exists already",
        expected="a folder without a run",
        got=f"one with {file.relative_to(path)}",
        hint="Choose another folder, or pass overwrite=True or resume=True.",
    )
