"""The same samples in the same order at every epoch, found by their ids."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Mapping


def common_rows(ids: Mapping[int, npt.NDArray[Any]]) -> dict[int, npt.NDArray[np.intp]]:
    """For each epoch, the rows of the samples that all epochs have.

    Rows stay where they are if all epochs list the same ids in the same order, repeated ones
    included. Otherwise samples are sorted by id, and of a repeated id the first row counts.

    Parameters
    ----------
    ids : mapping of epoch to ndarray of int or str, shape (n_samples,)
        At least one epoch.

    Returns
    -------
    dict of epoch to ndarray of intp, shape (n_common,)
        The same sample has the same place in each; empty where no sample is common to all.
    """
    first, *others = ids.values()
    if all(np.array_equal(first, other) for other in others):
        return {epoch: np.arange(len(first)) for epoch in ids}
    if any(other.dtype.kind != first.dtype.kind for other in others):
        return {epoch: np.zeros(0, dtype=np.intp) for epoch in ids}
    common = reduce(np.intersect1d, others, first)
    rows = {}
    for epoch, names in ids.items():
        order = np.argsort(names, kind="stable")
        rows[epoch] = order[np.searchsorted(names, common, sorter=order)]
    return rows


def rows_of_ids(ids: npt.NDArray[Any], among: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Find the row of each id.

    Rows stay where they are if both list the same ids in the same order, repeated ones included,
    as in :func:`common_rows`.

    Parameters
    ----------
    ids : ndarray of int or str, shape (n_ids,)
    among : ndarray of int or str, shape (n_samples,)
        Ids of the rows.

    Returns
    -------
    ndarray of intp, shape (n_ids,)
        The first row with that id; -1 where there is none.
    """
    if np.array_equal(ids, among):
        return np.arange(len(ids))
    if not len(among) or ids.dtype.kind != among.dtype.kind:
        return np.full(len(ids), -1, dtype=np.intp)
    order = np.argsort(among, kind="stable")
    place = np.minimum(np.searchsorted(among, ids, sorter=order), len(among) - 1)
    rows = order[place]
    return np.where(among[rows] == ids, rows, -1)
