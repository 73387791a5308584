"""What comes on stdin or through a pipe: a log is read as it grows, other formats at their end."""

from __future__ import annotations

import codecs
import os
import re
import stat
import sys
import time
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, BinaryIO

from whyloss.cli.output import say
from whyloss.errors import DataError, FormatError, WhylossError
from whyloss.reporters.encoding import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from whyloss.data import Source
    from whyloss.readers import KnownFacts, ReadOptions, TextLog

MOST_PRINTED = 1 << 20  # characters; a longer text is a log, no printed dictionary
MOST_KEPT = 1 << 26  # bytes of text; more is a log, no table of predictions
MOST_COPIED = 1 << 32  # bytes of a file of arrays
CHUNK = 1 << 16  # bytes
WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # UTF-16, as PowerShell writes it
PAUSE = 20.0  # times the duration of the last diagnosis: at most a twentieth of one core is used

_CONTROL_SEQUENCE = re.compile(r"(\x1b\[[0-?]{0,40}[ -/]{0,4}[@-~])")
_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")


def is_stream(source: str) -> bool:
    """Whether `source` can be read only once and from its start: ``-``, a pipe, a device.

    Parameters
    ----------
    source : str
    """
    kind = _kind(source)
    return source == "-" or stat.S_ISFIFO(kind) or stat.S_ISCHR(kind) or stat.S_ISSOCK(kind)


def is_pipe(source: str) -> bool:
    """Whether a program writes what is read, so that nobody sees it elsewhere.

    Parameters
    ----------
    source : str
    """
    return stat.S_ISFIFO(_kind(source))


def _kind(source: str) -> int:
    try:
        return (os.fstat(sys.stdin.fileno()) if source == "-" else Path(source).stat()).st_mode
    except (OSError, ValueError):  # the text of a log: too long for a name, or with a zero byte
        return 0


def read_stream(source: str, known: KnownFacts, *, quiet: bool, tee: bool) -> Source:
    """Read a stream to its end; on the way, say on stderr whenever the verdict changes.

    Parameters
    ----------
    source : str
        ``-`` for stdin, or the name of a pipe.
    known : KnownFacts
        What the options of the command line say about it.
    quiet : bool
        Say nothing on the way.
    tee : bool
        Pass text on to stderr while it is read.

    Raises
    ------
    WhylossError
        There is nothing in it that whyloss can read.
    """
    if source == "-":
        return _read(sys.stdin.buffer, "stdin", known, quiet=quiet, tee=tee)
    name = Path(source).name
    with Path(source).open("rb") as stream:
        # What a shell passes for <(command) is called by its number.
        return _read(stream, "pipe" if name.isdigit() else name, known, quiet=quiet, tee=tee)


def _read(stream: BinaryIO, name: str, known: KnownFacts, *, quiet: bool, tee: bool) -> Source:
    from whyloss.readers import ReadOptions  # noqa: PLC0415 - late, so that --help is quick
    from whyloss.readers.files.files import check_text, holds_arrays  # noqa: PLC0415

    options = ReadOptions(**known)
    chunks = iter(lambda: _next(stream), b"")
    head = next(chunks, b"")
    if not head:
        raise FormatError(f"{name} is empty", expected="curves or predictions", got="0 bytes")
    if holds_arrays(head):
        return _read_copy(head, chunks, name, options)
    check_text(name, head)  # a device such as /dev/zero has no end
    return _read_text(head, chunks, name, options, quiet=quiet, tee=tee)


def _next(stream: BinaryIO) -> bytes:
    """What has arrived; nothing at the end."""
    read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
    return read(CHUNK)


def _read_copy(start: bytes, rest: Iterator[bytes], name: str, options: ReadOptions) -> Source:
    """Read what can be read only as a file."""
    from whyloss.readers.files.files import read_file  # noqa: PLC0415 - late: text seldom needs it

    with TemporaryDirectory(prefix="whyloss-") as folder:
        copy = Path(folder) / name
        with copy.open("wb") as file:
            size, limit = 0, options.max_bytes or MOST_COPIED
            for chunk in chain([start], rest):
                size += file.write(chunk)
                if size > limit:
                    raise DataError(
                        f"What comes from {name} is too large",
                        expected=f"at most {limit:,} bytes",
                        got="more",
                        hint="If it is right, raise the limit with --max-bytes.",
                    )
        return read_file(copy, options)


def _read_text(
    head: bytes,
    rest: Iterator[bytes],
    name: str,
    options: ReadOptions,
    *,
    quiet: bool,
    tee: bool,
) -> Source:
    from whyloss.data import InMemorySource  # noqa: PLC0415 - late, so that --help is quick
    from whyloss.readers import TextLog, printed  # noqa: PLC0415

    log = TextLog(options)
    passed_on = _PassedOn() if tee else None
    verdict = None if quiet else _Verdict(name, passed_on)
    kept = bytearray()
    for text in _decoded(head, rest, kept):
        log.feed(text)
        if passed_on is not None:
            passed_on.write(text)
        if verdict is not None:
            verdict.look(log)
    log.close()
    if passed_on is not None:
        passed_on.end_line()
    start = kept.decode("utf-8", "replace")
    if len(start) < MOST_PRINTED and (source := printed(start, options, name)) is not None:
        return source
    try:
        history, notes = log.history()
    except WhylossError:
        if len(kept) >= MOST_KEPT:
            raise
        return _read_copy(bytes(kept), iter(()), name, options)  # a table of predictions
    return InMemorySource(history=history, name=name, notes=notes)


def _decoded(head: bytes, rest: Iterator[bytes], kept: bytearray) -> Iterator[str]:
    """The text piece by piece; its first bytes are kept, too."""
    encoding = "utf-16" if head.startswith(WIDE) else "utf-8"
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    chunk = head
    while chunk:
        if len(kept) < MOST_KEPT:
            kept += chunk
        yield decoder.decode(chunk)
        chunk = next(rest, b"")
    yield decoder.decode(b"", final=True)


class _PassedOn:
    """Text of the training on stderr: with its colours, but nothing else that steers a terminal."""

    def __init__(self) -> None:
        self._in_a_line = False

    def write(self, text: str) -> None:
        """Write a piece of it at once, as bars of progress come without an end of the line."""
        if text:
            sys.stderr.write("".join(map(_shown, _CONTROL_SEQUENCE.split(text))))
            sys.stderr.flush()
            self._in_a_line = not text.endswith("\n")

    def end_line(self) -> None:
        """Let what is written next begin a line."""
        if self._in_a_line:
            self.write("\n")


def _shown(part: str) -> str:
    """A part of a text as it is passed on: a carriage return redraws a bar of progress."""
    if _CONTROL_SEQUENCE.fullmatch(part):
        return part if _COLOUR.fullmatch(part) else ""
    return "\r".join(map(clean, part.split("\r")))


class _Verdict:
    """The verdict on a log so far, said once each time it changes.

    Parameters
    ----------
    name : str
        What the log is called.
    passed_on : _PassedOn or None
        The text on the same stream.
    """

    def __init__(self, name: str, passed_on: _PassedOn | None) -> None:
        self._source = name
        self._passed_on = passed_on
        self._epochs = 2  # the first ones say little, and say it differently each time
        self._name = ""
        self._next = 0.0

    def look(self, log: TextLog) -> None:
        began = time.monotonic()
        if log.n_epochs <= self._epochs or began < self._next:
            return
        self._epochs = log.n_epochs
        from whyloss.api import diagnose  # noqa: PLC0415
        from whyloss.data import InMemorySource  # noqa: PLC0415

        try:
            history, _ = log.history()
            found = diagnose(InMemorySource(history=history, name=self._source))
        except WhylossError:  # it may become readable with more of it
            return
        ended = time.monotonic()
        self._next = ended + PAUSE * (ended - began)
        if found.verdict.name == self._name:
            return
        self._name = found.verdict.name
        if self._passed_on is not None:
            self._passed_on.end_line()
        at = history.epochs[-1]
        say(f"epoch {at}: {found.verdict.title}. {found.verdict.headline}", err=True)
