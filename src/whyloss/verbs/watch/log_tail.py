"""A log read on from where it ended, through rotation, truncation and restarts."""

from __future__ import annotations

import codecs
import os
from typing import TYPE_CHECKING, BinaryIO

from whyloss.data import InMemorySource
from whyloss.errors import WhylossError
from whyloss.readers import TextLog

if TYPE_CHECKING:
    from pathlib import Path

    from whyloss.readers import ReadOptions

_CHUNK = 1 << 20


class LogTail:
    """Follows a log by its name.

    A file that is replaced or cut short either goes on with the same training (rotation) or
    begins another one. Which of the two it is shows in its first epoch: until then the text goes
    to both.

    Parameters
    ----------
    path : Path
    options : ReadOptions
    """

    def __init__(self, path: Path, options: ReadOptions) -> None:
        self._path = path
        self._options = options
        self._file: BinaryIO | None = None
        self._decoder: codecs.IncrementalDecoder | None = None
        self._log = TextLog(options)
        self._older: TextLog | None = None  # until it is clear which log the file goes on with
        self._last = -1
        self._shown_epochs = 0
        self._has_new_text = False

    def advance(self) -> bool:
        """Read what is new, and tell whether it is worth a look.

        It is once an epoch is added, and once the log rests after less than that.

        Raises
        ------
        FileNotFoundError
            The file is gone. What was written before is read all the same.
        """
        read_any = self._read_on()
        if self._older is not None and not self._decide():
            return False
        if self._log.n_epochs != self._shown_epochs:
            return self._log.n_epochs > 0
        return self._has_new_text and not read_any

    def source(self) -> InMemorySource:
        """The log so far."""
        self._shown_epochs, self._has_new_text = self._log.n_epochs, False
        history, notes = self._log.history()
        self._last = int(history.epochs[-1])
        return InMemorySource(history=history, name=self._path.name, notes=notes)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _read_on(self) -> bool:
        read_any = self._drain()
        at = self._path.stat()
        if self._file is not None:
            open_file = os.fstat(self._file.fileno())
            same = (at.st_dev, at.st_ino) == (open_file.st_dev, open_file.st_ino)
            if same and at.st_size >= self._file.tell():
                return read_any
            self._file.close()
            self._start_new_log()
        self._file = self._path.open("rb")
        self._decoder = None
        return self._drain() or read_any

    def _drain(self) -> bool:
        """Read to where the open file ends now; it may grow faster than it is read."""
        read_any = False
        if self._file is None:
            return read_any
        end = os.fstat(self._file.fileno()).st_size
        while self._file.tell() < end and (chunk := self._file.read(_CHUNK)):
            read_any = self._has_new_text = True
            if self._decoder is None:
                self._decoder = _decoder(chunk)
            text = self._decoder.decode(chunk)
            self._log.feed(text)
            if self._older is not None:
                self._older.feed(text)
        return read_any

    def _start_new_log(self) -> None:
        if self._shown_epochs:
            self._older = self._older or self._log
        self._log = TextLog(self._options)

    def _decide(self) -> bool:
        """Decide whether the new file goes on with the training of the old one, if it shows."""
        if not self._log.n_epochs:
            return False
        try:
            first = int(self._log.history()[0].epochs[0])
        except WhylossError:  # it may become readable with more of it
            return False
        if first >= self._last > 1 and self._older is not None:
            self._log = self._older
        self._older = None
        self._shown_epochs = -1  # whatever it holds is new
        return True


def _decoder(head: bytes) -> codecs.IncrementalDecoder:
    """PowerShell writes what it redirects as UTF-16."""
    wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return codecs.getincrementaldecoder("utf-16" if wide else "utf-8")(errors="replace")
