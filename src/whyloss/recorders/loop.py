"""The recorder for hand-written training loops of any framework."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import warnings
from contextlib import suppress
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self

import numpy as np

from whyloss.data.layout import check_epoch, split_folder
from whyloss.data.opening import FIRST_WRITER
from whyloss.data.run_writer import RunWriter
from whyloss.data.scalars import as_number
from whyloss.data.validation import refuse_masked, settle_scale
from whyloss.errors import DataError, WhylossError
from whyloss.recorders.ending import close_on_signal
from whyloss.recorders.epochs import MAX_HELD_BYTES, Epochs, Rows
from whyloss.recorders.rank import Rank, own_rank, settled_rank, world_size
from whyloss.recorders.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from whyloss.recorders.torch import OnDevice

_P = ParamSpec("_P")

CLOSE_SECONDS = 120.0
DTYPES = ("float16", "float32", "float64")


class RecorderWarning(UserWarning):
    """The recorder has switched itself off; the training continues."""


def _shielded(
    method: Callable[Concatenate[Recorder, _P], None],
) -> Callable[Concatenate[Recorder, _P], None]:
    @wraps(method)
    def call(self: Recorder, /, *args: _P.args, **kwargs: _P.kwargs) -> None:
        self.attempt(partial(method, self, *args, **kwargs), stacklevel=4)

    return call


class Recorder:
    """Records predictions and scalars while a model trains.

    Only creating the recorder can raise. After that, any problem (labels that do not match, a
    full disk) gives one :class:`RecorderWarning` and switches the recorder off; the training
    continues. Rows are copied when they are logged, and written by a background thread. An epoch
    is in the run about two seconds after its last row, or once another epoch begins.

    Parameters
    ----------
    path : str or path-like
        The folder of the run.
    classes : sequence, optional
        One label per class, in the order of the columns; needed for labels that are strings.
    rank : int, optional
        Number of this process where several record into one run. If left out, it is taken from
        ``torch.distributed``, or from the variables of a launcher: ``RANK``, ``SLURM_PROCID``,
        ``LOCAL_RANK``; where these do not tell it yet, at the first call that logs something.
    overwrite : bool, default False
        Replace an existing run.
    resume : bool, default False
        Continue an existing run; epochs that are logged again are replaced.
    dtype : {"float16", "float32", "float64"}, default "float32"
        Type that scores are stored as.

    Raises
    ------
    DataError, FormatError
        The run cannot be created, or there is one already.

    Notes
    -----
    A recorder belongs to the process that created it: in a forked one, such as the worker of a
    data loader, it does nothing. As long as the rank is not known, the run is not created or
    overwritten. Where the program is ended by SIGTERM and handles it nowhere else, what was logged
    is written first, for at most ten seconds.

    Examples
    --------
    >>> import tempfile, whyloss
    >>> with whyloss.Recorder(tempfile.mkdtemp()) as recorder:
    ...     recorder.log(split="val", epoch=1, logits=[[2.0, 0.5], [0.1, 0.3]], y_true=[0, 0])
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        classes: Sequence[Any] | None = None,
        rank: int | None = None,
        overwrite: bool = False,
        resume: bool = False,
        dtype: str = "float32",
    ) -> None:
        if dtype not in DTYPES:
            raise DataError(
                "Unknown dtype",
                expected=f"one of {', '.join(DTYPES)}",
                got=f"{dtype!r:.80}",
            )
        if rank is not None and (type(rank) is not int or rank < 0):
            raise DataError(
                "`rank` must be an integer ≥ 0", expected="0, 1, …", got=f"{rank!r:.80}"
            )
        self._rank = settled_rank() if rank is None else Rank(f"{rank}", world_size())
        self._is_open = False
        self._has_joined = False
        self._settling = threading.RLock()  # a signal may interrupt the thread that holds it
        self._writer = RunWriter(
            path,
            writer=(self._rank or own_rank()).name,
            classes=classes,
            overwrite=overwrite,
            resume=resume,
            later=True,
        )
        epochs = Epochs(self._writer, np.dtype(dtype))
        self._epochs = epochs
        self._worker = Worker(idle=epochs.commit_idle, last=self._finish, failed=self._write_failed)
        self._process = os.getpid()
        self._off = False
        self._reason = ""
        self._closed = False
        if self._rank is not None:
            self._open(self._rank)
        atexit.register(self.close)
        close_on_signal(self)

    def __getstate__(self) -> dict[str, Any]:
        # A copied or unpickled recorder does nothing.
        return {"_off": True, "_closed": True}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @_shielded
    def log(
        self,
        *,
        split: str,
        epoch: int,
        y_true: Any,  # noqa: ANN401 - arrays of any framework
        logits: Any = None,  # noqa: ANN401
        log_probs: Any = None,  # noqa: ANN401
        probs: Any = None,  # noqa: ANN401
        ids: Any = None,  # noqa: ANN401
        weights: Any = None,  # noqa: ANN401
        slices: Mapping[str, Any] | None = None,
    ) -> None:
        """Add predictions of a batch or of a whole epoch.

        Parameters
        ----------
        split : str
            "train", "val", "test" or any other name.
        epoch : int
            At least 0; the same numbering for all splits.
        y_true : array-like of shape (n_rows,)
            Class indices from 0, booleans, or labels that occur in `classes`.
        logits, log_probs, probs : array-like of shape (n_rows, n_classes) or (n_rows,)
            Exactly one of them, the same for the whole run. NumPy arrays, lists, or tensors on
            any device. One column is a binary model's output for class 1.
        ids : array-like of shape (n_rows,), optional
            Integers or strings that identify the samples, the same at every epoch. If left out,
            rows are numbered in order of arrival; so pass ids where the loader shuffles, and
            where several processes record.
        weights : array-like of shape (n_rows,), optional
            How much each sample counts, the same at every epoch: finite, at least 0.
        slices : mapping of str to array-like of shape (n_rows,), optional
            Columns to group the samples by, such as the site or the length of each sample:
            numbers, strings or booleans. The diagnosis shows those of its last epoch, so log them
            at every epoch.
        """
        rank = self._settled()
        split_folder(split)
        scale, values = settle_scale(logits=logits, log_probs=log_probs, probs=probs)
        if ids is None and rank.name != FIRST_WRITER:
            raise DataError(
                f"The samples of rank {rank.name} have no ids",
                expected="ids= that are different from those of other ranks",
                got="none",
                hint="Pass the samples' indices in the data set; or rank=0 if this process trains "
                "alone.",
            )
        # If the writer lags, copy to the host now instead of holding GPU memory.
        keep_on_device = self._worker.waiting_bytes < MAX_HELD_BYTES
        rows = Rows(
            split=split,
            epoch=check_epoch(epoch),
            scale=scale,
            scores=_copied(values, keep_on_device=keep_on_device),
            y_true=_copied(y_true, keep_on_device=keep_on_device),
            ids=None if ids is None else _copied(ids, keep_on_device=keep_on_device),
            weights=None if weights is None else _copied(weights, keep_on_device=keep_on_device),
            slices={
                name: _copied(column, keep_on_device=keep_on_device)
                for name, column in (slices or {}).items()
            },
        )
        lengths = {column.shape[:1] for column in rows.columns}
        if len(lengths) > 1 or () in lengths:
            raise DataError(
                f"{scale}, y_true and the other columns differ in length",
                expected="the same number of rows in each",
                got=", ".join(f"shape {column.shape}" for column in rows.columns),
            )
        self._worker.put(partial(self._epochs.add, rows), rows.nbytes)

    @_shielded
    def log_scalars(self, /, *, epoch: int, split: str = "val", **values: float) -> None:
        """Add what a framework reported.

        Parameters
        ----------
        epoch : int
            As in :meth:`log`.
        split : str, default "val"
            The split that the values were measured on.
        **values : float
            Such as ``loss`` (mean cross-entropy in nats) and ``accuracy`` (a share).
        """
        self._settled()
        split_folder(split)
        numbers = {name: as_number(name, value) for name, value in values.items()}
        write = partial(self._writer.log_scalars, check_epoch(epoch), split, **numbers)
        self._worker.put(write)

    @_shielded
    def log_samples(
        self,
        split: str,
        ids: Any,  # noqa: ANN401
        *,
        text: Sequence[str | None] | None = None,
        paths: Sequence[str | os.PathLike[str] | None] | None = None,
        thumbnails: Sequence[bytes | None] | None = None,
    ) -> None:
        """Add descriptions by which a person recognises samples; once per run is enough.

        Parameters
        ----------
        split : str
        ids : array-like of shape (n_samples,)
            As in :meth:`log`.
        text, paths, thumbnails : sequence of length n_samples, optional
            The text, the path of the image or file, and a small PNG or JPEG as bytes; None where
            there is none.
        """
        self._settled()
        pictures = None if thumbnails is None else list(thumbnails)
        write = partial(
            self._writer.log_samples,
            split,
            _copied(ids, keep_on_device=False),
            text=None if text is None else list(text),
            paths=None if paths is None else list(paths),
            thumbnails=pictures,
        )
        self._worker.put(write, sum(len(picture or b"") for picture in pictures or ()))

    @_shielded
    def flush(self) -> None:
        """Wait until everything logged so far is in the run."""
        self._settled()
        self._worker.put(self._epochs.commit_all)
        if not self._worker.drain(CLOSE_SECONDS):
            raise TimeoutError(f"the disk has not finished in {CLOSE_SECONDS:.0f} s")

    def close(self) -> None:
        """Write what is left, and stop. Called automatically at the end of the program."""
        self.close_within(CLOSE_SECONDS)

    def close_within(self, seconds: float) -> None:
        """Write what is left in a limited time, and stop.

        Parameters
        ----------
        seconds : float
            What is not written by then is lost, and a warning says so.
        """
        # Also after the recorder has switched itself off: earlier rows may still be in the queue.
        if self._closed or os.getpid() != self._process:
            return
        if self._is_open:
            self.attempt(self._settled)
        self._closed = True
        atexit.unregister(self.close)
        if not self._worker.stop(seconds):
            error = TimeoutError(f"the disk has not finished in {seconds:.0f} s")
            self._turn_off(error, stacklevel=4)

    def attempt(self, action: Callable[[], object], *, stacklevel: int = 3) -> None:
        """Call a function; if it raises, warn once and switch the recorder off.

        For code that feeds a recorder, such as the callback of a framework.

        Parameters
        ----------
        action : callable
            Not called if the recorder is off.
        stacklevel : int, default 3
            `stacklevel` for :func:`warnings.warn`.
        """
        if self._off or os.getpid() != self._process:
            return
        try:
            action()
        except Exception as error:  # noqa: BLE001 - no error may reach the training
            self._turn_off(error, stacklevel=stacklevel)
            self._worker.stop()

    def _settled(self) -> Rank:
        """Settle the rank at the first call that logs something, and open the run."""
        if self._closed:
            raise DataError(
                "The recorder is closed", expected="calls before close()", got="a call after it"
            )
        with self._settling:
            if self._rank is None:
                self._rank = own_rank()
            if not self._is_open:
                self._open(self._rank)
            if not self._has_joined:
                self._has_joined = True
                self._worker.put(self._writer.join)
            return self._rank

    def _open(self, rank: Rank) -> None:
        self._is_open = True
        self._writer.open(rank.name, rank.n_processes)
        if self._writer.shares_name:
            self._warn(
                f"Another process records into {self._writer.path} as rank {rank.name}, too. The "
                "samples of both are kept apart by their ids. Pass rank= to each process."
            )

    def _finish(self) -> None:
        """Write what is left, and note how the recording has ended."""
        self._epochs.commit_all()
        if self._reason:
            self._writer.stop(self._reason)
        else:
            self._writer.close()

    def _write_failed(self, error: Exception) -> None:
        self._turn_off(error, stacklevel=1)
        with suppress(OSError, WhylossError):  # the disk may no longer exist
            self._writer.discard()
            self._writer.publish()
        with suppress(OSError, WhylossError):
            self._writer.stop(self._reason)

    def _turn_off(self, error: Exception, *, stacklevel: int) -> None:
        if self._off:
            return
        self._off = True
        self._reason = (
            f"{error}" if isinstance(error, WhylossError) else f"{type(error).__name__}: {error}"
        )
        self._warn(
            f"Recording to {self._writer.path} has stopped; the training continues. {self._reason}",
            stacklevel=stacklevel + 1,
        )

    def _warn(self, message: str, stacklevel: int = 1) -> None:
        try:
            warnings.warn(message, RecorderWarning, stacklevel=stacklevel)
        except RecorderWarning:  # warnings are turned into errors, which would end the training
            with suppress(Exception):
                sys.stderr.write(f"RecorderWarning: {message}\n")


def _copied(values: Any, *, keep_on_device: bool) -> npt.NDArray[Any] | OnDevice:  # noqa: ANN401
    """Copy values: callers may overwrite their buffers."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(values, torch.Tensor):
        from whyloss.recorders.torch import copy_tensor  # noqa: PLC0415 - only where torch is loaded

        return copy_tensor(values, keep_on_device=keep_on_device)
    refuse_masked(values, "The array")
    array = np.array(values)
    # JAX arrays may have this type, which NumPy cannot store.
    return array.astype(np.float32) if array.dtype.name == "bfloat16" else array
