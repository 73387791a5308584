"""A training while it runs: its run or its log, looked at again and again."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from whyloss.data import Run
from whyloss.data.layout import INFO_FILE
from whyloss.errors import WhylossError
from whyloss.evidence import Evidence
from whyloss.readers import ReadOptions, read
from whyloss.results.watch import WatchState
from whyloss.verbs.diagnose import diagnose
from whyloss.verbs.watch.log_tail import LogTail

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from whyloss.data import Source

# Text that grows by lines; of any other file the whole is read again when it changes.
LOG_SUFFIXES = {"", ".err", ".log", ".out", ".txt"}
SETTLED = 30.0  # seconds after which an epoch that lacks the rows of a rank counts as it is
MOST_FILES = 10_000  # of a folder that are looked at for changes

Stamp = frozenset[tuple[str, int, int, int]]


class Watcher:
    """Looks at a run, a log or another file of curves, which need not be there yet.

    Parameters
    ----------
    path : str
    options : ReadOptions, optional
        Facts that a log does not contain.
    split : str, optional
        The split to explain; the validation split if there is one.
    """

    def __init__(
        self, path: str, *, options: ReadOptions | None = None, split: str | None = None
    ) -> None:
        self._path = Path(path)
        self._options = options or ReadOptions()
        self._split = split
        self._reader: _Reader | None = None
        self._gone = False
        self._began: tuple[str, int] | None = None  # tells a run from one before it in its folder
        self._state_now = WatchState(waiting=f"Waiting for {path}.")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._reader is not None:
            self._reader.close()

    def look(self) -> WatchState:
        """See what has changed since the last look, and diagnose it if anything has."""
        try:
            reader = self._reader_now()
            if reader.changed():
                self._diagnose(*reader.read())
            elif self._gone and self._state_now.diagnosis:
                self._wait("")
            self._gone = False
        except FileNotFoundError:
            self._gone = True
            if self._reader is not None:
                self._wait(f"{self._path} is gone; waiting for it to come back.")
        except (WhylossError, OSError) as error:
            self._wait(f"Not readable yet: {error}")
        except Exception as error:  # noqa: BLE001 - shown; the next epoch may do better
            self._wait(f"Could not be diagnosed: {type(error).__name__}: {error}")
        return self._state_now

    def _reader_now(self) -> _Reader:
        """The reader for what is there; another one where that is of another kind than before."""
        if self._path.is_dir():
            kind: type[_Reader] = _Run if (self._path / INFO_FILE).exists() else _Whole
        else:
            self._path.stat()  # raises where nothing is there
            kind = _Log if self._path.suffix.lower() in LOG_SUFFIXES else _Whole
        if type(self._reader) is not kind:
            if self._reader is not None:
                self._reader.close()
            self._reader = kind(self._path, self._options, self._split)
        assert self._reader is not None  # noqa: S101 - for the type checker
        return self._reader

    def _diagnose(self, source: Source, to_epoch: int | None) -> None:
        evidence = Evidence(source, split=self._split, to_epoch=to_epoch)
        if self._split is None and not evidence.splits:
            self._wait(f"Waiting for the first epoch of {self._path}.")
            return
        found = diagnose(evidence)
        before = self._state_now
        state = WatchState(before.number + 1, found, "", before.restarts)
        began = (source.info.created, source.info.first_launch) if isinstance(source, Run) else None
        other_run = before.diagnosis is not None and began != self._began
        if other_run or state.last < before.last:
            state = replace(state, restarts=before.restarts + 1)
        self._began, self._state_now = began, state

    def _wait(self, why: str) -> None:
        if why != self._state_now.waiting:
            self._state_now = replace(
                self._state_now, number=self._state_now.number + 1, waiting=why
            )


class _Reader(Protocol):
    """What can be read again when it has changed."""

    def __init__(self, path: Path, options: ReadOptions, split: str | None) -> None: ...

    def changed(self) -> bool:
        """Whether there is anything new."""
        ...

    def read(self) -> tuple[Source, int | None]:
        """What there is, and the last epoch that is whole (None: all of them)."""
        ...

    def close(self) -> None:
        """Let go of what is open."""


class _Log:
    """A log that grows, read on from where it ended."""

    def __init__(self, path: Path, options: ReadOptions, split: str | None) -> None:  # noqa: ARG002
        self._tail = LogTail(path, options)

    def changed(self) -> bool:
        return self._tail.advance()

    def read(self) -> tuple[Source, int | None]:
        return self._tail.source(), None

    def close(self) -> None:
        self._tail.close()


class _Whole:
    """A file or folder of another program, read anew when anything in it changes."""

    def __init__(self, path: Path, options: ReadOptions, split: str | None) -> None:
        self._path = path
        self._options = options
        self._split = split
        self._seen: object = None
        self._now: object = None

    def changed(self) -> bool:
        self._now = self._state()
        return self._now != self._seen

    def read(self) -> tuple[Source, int | None]:
        found = self._read()
        self._seen = self._now  # only once it could be read: otherwise it is tried again
        return found

    def close(self) -> None:
        """Nothing is open."""

    def _state(self) -> object:
        return _stamp([self._path] if self._path.is_file() else self._files())

    def _files(self) -> Iterator[Path]:
        for count, path in enumerate(self._path.rglob("*")):
            if count == MOST_FILES:
                return
            if not path.name.startswith("."):  # what is still being written
                yield path

    def _read(self) -> tuple[Source, int | None]:
        return read(self._path, options=self._options), None


class _Run(_Whole):
    """A recorded run; its last epoch may still lack the rows of some ranks."""

    def _state(self) -> object:
        # An epoch that lacks rows becomes whole by waiting, too: that is a change of its own.
        return super()._state(), self._whole_until()

    def _read(self) -> tuple[Source, int | None]:
        return Run.open(self._path), self._whole_until()

    def _whole_until(self) -> int | None:
        """The last epoch but one, as long as a writer that it has is missing from the last."""
        run = Run(self._path)
        if not run.splits:
            return None
        split = Evidence(run, split=self._split).split
        reached = run.last_epoch(split) if split in run.splits else None
        epochs = [epoch for epoch in run.epochs(split) if reached is None or epoch <= reached]
        if len(epochs) < 2:
            return None
        before, last = (run.parts(split, epoch) for epoch in epochs[-2:])
        newest = max(part.path.stat().st_mtime for part in last)
        missing = {part.name.writer for part in before} - {part.name.writer for part in last}
        return epochs[-2] if missing and time.time() - newest <= SETTLED else None


def _stamp(paths: Iterator[Path] | list[Path]) -> Stamp:
    """What changes when a file is written, replaced or removed."""
    found = set()
    for path in paths:
        try:
            at = path.stat()
        except FileNotFoundError:
            continue
        found.add((str(path), at.st_ino, at.st_size, at.st_mtime_ns))
    return frozenset(found)
