"""How many threads the kernels may use."""

from __future__ import annotations

import os
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_limit: ContextVar[int | None] = ContextVar("whyloss_threads", default=None)


@contextmanager
def at_most(n: int) -> Iterator[None]:
    """Use no more than `n` threads in here: for callers that run several of these at once."""
    token = _limit.set(n)
    try:
        yield
    finally:
        _limit.reset(token)


def processors() -> int:
    """Processors that this process may use, or fewer where :func:`at_most` says so."""
    if hasattr(os, "sched_getaffinity"):
        usable = len(os.sched_getaffinity(0))
    else:
        usable = os.cpu_count() or 1
    return min(usable, _limit.get() or usable)
