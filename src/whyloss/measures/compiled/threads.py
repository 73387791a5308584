"""How many threads the kernels may use."""

from __future__ import annotations

import os
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_thread_limit: ContextVar[int | None] = ContextVar("whyloss_threads", default=None)


@contextmanager
def at_most(n: int) -> Iterator[None]:
    """Limit the threads of the kernels inside a ``with`` block.

    For callers that run several computations at once.

    Parameters
    ----------
    n : int
        Largest number of threads.
    """
    token = _thread_limit.set(n)
    try:
        yield
    finally:
        _thread_limit.reset(token)


def processors() -> int:
    """Threads that the kernels may use.

    Returns
    -------
    int
        Processors available to this process, or fewer inside :func:`at_most`.
    """
    if hasattr(os, "sched_getaffinity"):
        usable = len(os.sched_getaffinity(0))
    else:
        usable = os.cpu_count() or 1
    return min(usable, _thread_limit.get() or usable)
