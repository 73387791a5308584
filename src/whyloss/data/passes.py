"""Epochs that were logged twice: which rows count."""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import numpy.typing as npt

# Two passes over one data set repeat its labels in their order. Labels as these, drawn at random,
# would repeat by chance with a probability of exp(-14), one in a million.
MIN_INFORMATION = 14.0  # nats


def last_pass(
    ids: npt.NDArray[Any], y_true: npt.NDArray[Any], usual: Collection[int] = ()
) -> slice:
    """Find the rows of the last whole pass over a data set whose samples have no ids.

    Parameters
    ----------
    ids : ndarray of int, shape (n_rows,)
        Row numbers, which begin again at 0 where the recorder saw that a pass begins.
    y_true : ndarray of int, shape (n_rows,)
    usual : collection of int, optional
        Numbers of rows that other epochs of the same split have.

    Returns
    -------
    slice
        All rows where there is one pass. A last pass that is shorter than an earlier one has been
        interrupted, and does not count.
    """
    starts = [*np.flatnonzero(ids == 0).tolist(), len(ids)]
    passes = [slice(*ends) for ends in pairwise(starts)]
    whole = max(passes, key=lambda rows: (rows.stop - rows.start, rows.start), default=slice(0))
    length = _repeated(y_true[whole], usual)
    return slice(whole.stop - length, whole.stop)


def _repeated(y_true: npt.NDArray[Any], usual: Collection[int]) -> int:
    """The length of the pass that the labels consist of, all of it where nothing repeats."""
    n = len(y_true)
    divisors = {d for k in range(1, int(n**0.5) + 1) if n % k == 0 for d in (k, n // k)}
    for length in sorted(divisors - {n}):
        if not np.array_equal(y_true[length:], y_true[:-length]):
            continue
        _, counts = np.unique(y_true[:length], return_counts=True)
        shares = counts / length
        if length * float(-(shares * np.log(shares)).sum()) >= MIN_INFORMATION:
            return length
        # A short pattern repeats in one pass, too. With another epoch of this length, it is two.
        longer = [m for m in usual if m % length == 0 and n % m == 0 and length < m < n]
        return max(longer) if len(counts) > 1 and longer else n
    return n


def kept_rows(
    ids: npt.NDArray[Any], processes: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Choose one row of each id.

    Parameters
    ----------
    ids : ndarray of int or str, shape (n_rows,)
    processes : ndarray of int, shape (n_rows,)
        The process that recorded each row, ascending.

    Returns
    -------
    kept : ndarray of int, shape (n_kept,)
        Rows, ascending. Of the rows of one process the last one counts, as it evaluated the sample
        again. Of those of several the first one counts: distributed samplers repeat samples to give
        every process as many.
    chosen : ndarray of int, shape (n_rows,)
        For each row, the row that counts for its id.
    """
    rows = np.arange(len(ids))
    preferred = np.lexsort((-rows, processes))
    _, first, which = np.unique(ids[preferred], return_index=True, return_inverse=True)
    chosen = np.empty(len(ids), dtype=np.intp)
    chosen[preferred] = preferred[first][which]
    return np.sort(preferred[first]), chosen


def spans(keys: Sequence[Any], lengths: Sequence[int]) -> list[tuple[Any, slice]]:
    """Give the rows of neighbours with equal keys.

    Parameters
    ----------
    keys : sequence
        One per part.
    lengths : sequence of int
        The number of rows of each part.
    """
    found = []
    stop = 0
    for key, group in groupby(zip(keys, lengths, strict=True), key=lambda pair: pair[0]):
        start, stop = stop, stop + sum(length for _, length in group)
        found.append((key, slice(start, stop)))
    return found
