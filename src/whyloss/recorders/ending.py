"""The end of a program by SIGTERM: what was logged is written first, within a bounded time."""

from __future__ import annotations

import os
import signal
import threading
import weakref
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from types import FrameType

# Schedulers kill a program some time after they ask it to end: Slurm and Kubernetes after 30 s.
SIGNAL_SECONDS = 10.0


class _Closable(Protocol):
    def close_within(self, seconds: float) -> None:
        """Write what is left, and stop."""
        ...


_open: weakref.WeakSet[_Closable] = weakref.WeakSet()


def close_on_signal(recorder: _Closable) -> None:
    """Close a recorder when the program is asked to end.

    A handler of the program's own is left alone, and so is one that is set later.

    Parameters
    ----------
    recorder : Recorder
    """
    _open.add(recorder)
    in_main = threading.current_thread() is threading.main_thread()
    if in_main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _end)


def _end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - as signal calls it
    for recorder in list(_open):
        recorder.close_within(SIGNAL_SECONDS)
    # The program ends as it would have without us.
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _restore() -> None:
    """A forked process has no recorder, and ends at once."""
    if signal.getsignal(signal.SIGTERM) is _end:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_restore)
