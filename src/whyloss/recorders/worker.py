"""A background thread that runs tasks in order, with a bounded queue."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT_BYTES = 256 << 20
TASK_BYTES = 4096  # what a task holds beside its arrays
PATIENCE_SECONDS = 30.0


class Worker:
    """Runs tasks one after the other on a daemon thread.

    Parameters
    ----------
    idle : callable
        Called when no task waits; returns the seconds until the next call, or None.
    last : callable
        Called after the last task.
    failed : callable
        Called on the thread with the exception of a task; no further task is run.
    """

    def __init__(
        self,
        *,
        idle: Callable[[], float | None],
        last: Callable[[], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._idle = idle
        self._last = last
        self._failed = failed
        self._tasks: deque[tuple[Callable[[], None], int]] = deque()
        self._changed = threading.Condition()
        self._stopping = False
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="whyloss recorder", daemon=True)
        self.waiting_bytes = 0

    def put(self, task: Callable[[], None], n_bytes: int = 0) -> None:
        """Add a task; block while the waiting tasks hold too much memory.

        Parameters
        ----------
        task : callable
        n_bytes : int, default 0
            Memory that the task holds until it is done.

        Raises
        ------
        TimeoutError
            The earlier tasks were not done in 30 seconds.
        """
        n_bytes += TASK_BYTES
        with self._changed:
            if self._thread.ident is None:
                self._thread.start()
            # A task larger than the limit is accepted once no other task waits.
            fits = self._changed.wait_for(
                lambda: self.waiting_bytes == 0 or self.waiting_bytes + n_bytes <= LIMIT_BYTES,
                PATIENCE_SECONDS,
            )
            if not fits:
                raise TimeoutError(f"the disk has not kept up for {PATIENCE_SECONDS:.0f} s")
            self._tasks.append((task, n_bytes))
            self.waiting_bytes += n_bytes
            self._changed.notify_all()

    def drain(self, timeout: float) -> bool:
        """Wait until all tasks so far are done.

        Parameters
        ----------
        timeout : float
            Seconds.

        Returns
        -------
        bool
            Whether they are done.
        """
        done = threading.Event()
        self.put(done.set)
        with self._changed:
            return self._changed.wait_for(lambda: done.is_set() or self._ended, timeout)

    def stop(self, timeout: float = 0) -> bool:
        """Stop after the tasks so far.

        Parameters
        ----------
        timeout : float, default 0
            Seconds to wait for them.

        Returns
        -------
        bool
            Whether they were done in time.
        """
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            if self._thread.ident is None:
                return True
            # Waiting gives up the lock, also where a signal has interrupted a thread that holds it.
            return self._changed.wait_for(lambda: self._ended, timeout)

    def _run(self) -> None:
        try:
            while self._work():
                pass
            self._last()
        except Exception as error:  # noqa: BLE001 - no error may reach the training
            self._failed(error)
        finally:
            with self._changed:
                self._ended = True
                self._tasks.clear()
                self.waiting_bytes = 0
                self._changed.notify_all()

    def _work(self) -> bool:
        """Run the next task, if any; return whether more may come."""
        timeout = None if self._tasks else self._idle()
        with self._changed:
            self._changed.wait_for(lambda: self._tasks or self._stopping, timeout)
            if not self._tasks:
                return not self._stopping
            task, n_bytes = self._tasks.popleft()
        task()
        with self._changed:
            self.waiting_bytes -= n_bytes
            self._changed.notify_all()
        return True
