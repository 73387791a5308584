"""Blocks of rows in the types of the kernels, computed in threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from whyloss.measures.compiled.arithmetic import widen
from whyloss.measures.compiled.threads import processors
from whyloss.measures.losses.logits import as_logits

if TYPE_CHECKING:
    from collections.abc import Callable

    from whyloss.data import Scale

_T = TypeVar("_T")

# A task of this size costs a hundred times what it takes to hand it to a thread; what must be
# converted first is cut smaller, to stay in the cache in between.
AS_IT_IS, CONVERTED = 4 << 20, 1 << 19


def in_threads(
    scores: npt.NDArray[np.floating[Any]], scale: Scale, work: Callable[[slice], _T]
) -> list[_T]:
    """Call `work` on blocks of rows in threads; the results are in the order of the rows.

    Parameters
    ----------
    scores : ndarray of shape (n_samples, n_columns)
    scale : {"logits", "log_probs", "probs"}
    work : callable
        Releases the interpreter lock while it computes.

    Returns
    -------
    list
        What `work` returned.
    """
    n, columns = scores.shape
    limit = AS_IT_IS if _usable(scores, scale) else CONVERTED
    step = max(1, limit // (scores.dtype.itemsize * columns))
    edges = [*range(0, n, step), n]
    blocks = [slice(start, stop) for start, stop in pairwise(edges)]
    workers = min(processors(), len(blocks))
    if workers < 2:
        return [work(rows) for rows in blocks]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, blocks))


def prepare(
    scores: npt.NDArray[np.floating[Any]], scale: Scale
) -> tuple[npt.NDArray[np.floating[Any]], npt.NDArray[np.uint8] | None]:
    """Contiguous float32 or float64 logits of a block, and its status where that is known already.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, n_columns)
    scale : {"logits", "log_probs", "probs"}

    Returns
    -------
    logits : ndarray of float32 or float64, shape (n_rows, n_columns)
    status : ndarray of uint8, shape (n_rows,), or None
        None leaves it to the kernel to find rows that are no prediction.
    """
    if scale == "probs" or (scale == "log_probs" and scores.shape[1] == 1):
        logits, status = as_logits(scores, scale)
        return _frozen(logits), status
    if scores.dtype == np.float16:
        halves = np.ascontiguousarray(scores, dtype=np.float16)
        singles = np.empty(halves.shape, dtype=np.float32)
        widen(_frozen(halves.view(np.uint16).reshape(-1)), singles.reshape(-1))
        return _frozen(singles), None
    return _frozen(np.ascontiguousarray(scores, dtype=scores.dtype.newbyteorder("="))), None


def _usable(scores: npt.NDArray[np.floating[Any]], scale: Scale) -> bool:
    return (
        scale != "probs"
        and scores.dtype.itemsize > 2
        and scores.dtype.isnative
        and bool(scores.flags.c_contiguous)
    )


def _frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Read-only view: the kernels know writable arrays as another type, and compile anew."""
    view = array.view()
    view.setflags(write=False)
    return view
