"""A log that comes on stdin: it is read to its end, and the verdict is printed on the way."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from whyloss.cli.output import say

if TYPE_CHECKING:
    from typing import TextIO

    from whyloss.data import Source
    from whyloss.readers import KnownFacts, TextLog

MOST_PRINTED = 1 << 20  # characters; a longer text is a log, no printed dictionary
CHUNK = 1 << 16  # characters
PAUSE = 20.0  # times the duration of the last diagnosis: at most a twentieth of one core is used


def read_stdin(stream: TextIO, known: KnownFacts, *, quiet: bool) -> Source:
    """Read a log to its end; on the way, say on stderr whenever the verdict changes.

    Parameters
    ----------
    stream : text file
        Read line by line where it is a pipe that something still writes to.
    known : KnownFacts
        What the options of the command line say about the log.
    quiet : bool
        Say nothing on the way.
    """
    from whyloss.data import InMemorySource  # noqa: PLC0415 - late, so that --help is quick
    from whyloss.readers import ReadOptions, TextLog, printed  # noqa: PLC0415

    options = ReadOptions(**known)
    log = TextLog(options)
    verdict = None if quiet else _Verdict()
    start = ""
    while text := stream.readline(CHUNK):
        log.feed(text)
        start += text if len(start) < MOST_PRINTED else ""
        if verdict is not None:
            verdict.look(log)
    log.close()
    if len(start) < MOST_PRINTED and (source := printed(start, options, "stdin")) is not None:
        return source
    history, notes = log.history()
    return InMemorySource(history=history, name="stdin", notes=notes)


class _Verdict:
    """The verdict on a log so far, said once each time it changes."""

    def __init__(self) -> None:
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
        from whyloss.errors import WhylossError  # noqa: PLC0415

        try:
            history, _ = log.history()
            found = diagnose(InMemorySource(history=history, name="stdin"))
        except WhylossError:  # it may become readable with more of it
            return
        ended = time.monotonic()
        self._next = ended + PAUSE * (ended - began)
        if found.verdict.name != self._name:
            self._name = found.verdict.name
            at = history.epochs[-1]
            say(f"epoch {at}: {found.verdict.title}. {found.verdict.headline}", err=True)
