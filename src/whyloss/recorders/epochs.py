"""Collecting logged rows into epochs, and deciding when an epoch is complete."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from whyloss.data.run_writer import RunWriter
    from whyloss.data.validation import Scale
    from whyloss.recorders.torch import OnDevice

IDLE_SECONDS = 2.0
PUBLISH_EPOCHS = 256  # that are synced together, at most
SYNC_SHARE = 0.2  # of the time, at most, while more epochs wait
REMEMBERED_EPOCHS = 64
MAX_HELD_BYTES = 64 << 20


@dataclass(frozen=True)
class Rows:
    """The rows of one call to ``log``, copied from the caller; possibly still on an accelerator."""

    split: str
    epoch: int
    scale: Scale
    scores: npt.NDArray[Any] | OnDevice
    y_true: npt.NDArray[Any] | OnDevice
    ids: npt.NDArray[Any] | OnDevice | None
    weights: npt.NDArray[Any] | OnDevice | None = None
    slices: dict[str, npt.NDArray[Any] | OnDevice] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        """Size of all columns, bytes."""
        return sum(column.nbytes for column in self.columns)

    @property
    def columns(self) -> list[npt.NDArray[Any] | OnDevice]:
        """The columns that were given."""
        may_be_absent = [column for column in (self.ids, self.weights) if column is not None]
        return [self.scores, self.y_true, *may_be_absent, *self.slices.values()]

    @property
    def on_device(self) -> bool:
        """Whether any column is on an accelerator."""
        return not all(isinstance(column, np.ndarray) for column in self.columns)

    def joins(self, other: Rows) -> bool:
        """Whether both have the same columns, so that they can be moved to the host together.

        Parameters
        ----------
        other : Rows
        """
        return self._kind == other._kind

    @property
    def _kind(self) -> tuple[object, ...]:
        return self.scale, self.ids is None, self.weights is None, *self.slices


@dataclass
class _Known:
    """What is remembered of an epoch after its rows were written.

    Attributes
    ----------
    parts : int
        Number of its parts.
    rows : int
        Number of its rows without ids, in the pass that is being logged.
    passed : bool
        Whether rows of another epoch of the same split have come since.
    """

    parts: int = 0
    rows: int = 0
    passed: bool = False


@dataclass
class _Open:
    """An epoch that is being logged."""

    held: list[Rows] = field(default_factory=list)
    last_rows: float = 0.0


class Epochs:
    """Writes rows, and commits an epoch as soon as it seems complete.

    An epoch seems complete when rows of another epoch or split arrive, or when none arrive for two
    seconds. Rows that arrive later are written to another part; the waiting time then doubles, so
    that slow or interleaved logging does not produce thousands of small files. While more epochs
    wait, several are synced to the disk together.

    Parameters
    ----------
    writer : RunWriter
        Used only by the thread that calls the methods.
    dtype : dtype
        Type that scores are stored as.
    """

    def __init__(self, writer: RunWriter, dtype: np.dtype[Any]) -> None:
        self._writer = writer
        self._dtype = dtype
        self._open: dict[tuple[str, int], _Open] = {}
        self._known: dict[tuple[str, int], _Known] = {}
        self._published = 0.0
        self._cost = 0.0

    def add(self, rows: Rows) -> None:
        """Write rows, after committing the epochs that they show to be complete.

        Parameters
        ----------
        rows : Rows
        """
        key = rows.split, rows.epoch
        for other in list(self._open):
            if other != key and (other[0] == rows.split or not self._known_of(other).parts):
                self._finish(other)
        known = self._known_of(key)
        if known.passed:  # rows of another epoch came between: this is a further pass
            known.rows = 0
        for other, its in self._known.items():
            its.passed = other != key and (its.passed or other[0] == rows.split)
        epoch = self._open.setdefault(key, _Open())
        if epoch.held and not rows.joins(epoch.held[0]):
            self._write(key)
        epoch.held.append(rows)
        epoch.last_rows = time.monotonic()
        # From an accelerator, one large move costs less than many small ones.
        if not rows.on_device or sum(held.nbytes for held in epoch.held) >= MAX_HELD_BYTES:
            self._write(key)

    def commit_all(self) -> None:
        """Make all epochs visible, and wait until they and the scalars are on the disk."""
        for key in list(self._open):
            self._finish(key)
        self._publish()
        self._writer.sync_scalars()

    def commit_idle(self) -> float | None:
        """Make epochs without new rows visible, and those that are written.

        Returns
        -------
        float or None
            Seconds until the next epoch is due; None where none is open.
        """
        now = time.monotonic()
        due = {
            key: epoch.last_rows + IDLE_SECONDS * 2 ** self._known_of(key).parts - now
            for key, epoch in self._open.items()
        }
        for key, seconds in due.items():
            if seconds <= 0:
                self._finish(key)
        self._publish()
        return min((seconds for seconds in due.values() if seconds > 0), default=None)

    def _finish(self, key: tuple[str, int]) -> None:
        """Write the rest of an epoch; it becomes visible at once, or a little later with others."""
        self._write(key)
        del self._open[key]
        self._writer.commit(*key, later=True)
        self._known_of(key).parts += 1
        waited = time.monotonic() - self._published
        full = self._writer.n_finished >= PUBLISH_EPOCHS
        if full or waited >= self._cost * (1 - SYNC_SHARE) / SYNC_SHARE:
            self._publish()

    def _publish(self) -> None:
        if not self._writer.n_finished:
            return
        started = time.monotonic()
        self._writer.publish()
        self._published = time.monotonic()
        self._cost = self._published - started

    def _known_of(self, key: tuple[str, int]) -> _Known:
        known = self._known.pop(key, None) or _Known()
        self._known[key] = known  # the last one used is the last one forgotten
        if len(self._known) > REMEMBERED_EPOCHS:
            del self._known[next(iter(self._known))]
        return known

    def _write(self, key: tuple[str, int]) -> None:
        held = self._open[key].held
        if not held:
            return
        scores = _on_host([rows.scores for rows in held])
        y_true = _on_host([rows.y_true for rows in held])
        if held[0].ids is None:
            known = self._known_of(key)
            ids = np.arange(known.rows, known.rows + len(scores))
            known.rows += len(scores)
        else:
            ids = _on_host([rows.ids for rows in held])
        if scores.dtype.kind in "fiub":
            with np.errstate(over="ignore"):  # values that overflow are counted by the diagnosis
                scores = scores.astype(self._dtype, copy=False)
        weights = None
        if held[0].weights is not None:
            weights = _on_host([rows.weights for rows in held])
        slices = {name: _on_host([rows.slices[name] for rows in held]) for name in held[0].slices}
        self._writer.append(
            *key,
            scores,
            held[0].scale,
            y_true,
            ids,
            weights=weights,
            slices=slices,
            numbered=held[0].ids is None,
        )
        held.clear()


def _on_host(columns: Sequence[npt.NDArray[Any] | OnDevice | None]) -> npt.NDArray[Any]:
    """Concatenate a column on the host; `Rows.joins` has made sure that all pieces have it."""
    if all(isinstance(column, np.ndarray) for column in columns):
        arrays = cast("list[npt.NDArray[Any]]", columns)
        return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
    from whyloss.recorders.torch import fetch  # noqa: PLC0415 - only where torch is loaded

    return fetch(cast("list[npt.NDArray[Any] | OnDevice]", columns))
