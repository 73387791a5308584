"""Folds that depend on a sample's id alone: the same at every epoch, on every machine."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

_BLOCK = 1 << 14  # ids at a time, so that intermediate results stay in the cache


def fold_of(ids: npt.NDArray[Any], n_folds: int) -> npt.NDArray[np.int64]:
    """Fold of each sample, 0 to ``n_folds - 1``.

    Parameters
    ----------
    ids : ndarray of int or str, shape (n_samples,)
    n_folds : int

    Returns
    -------
    ndarray of int64, shape (n_samples,)
    """
    if ids.dtype.kind in "iu":
        keys = ids.astype(np.int64).view(np.uint64)
    else:
        digests = b"".join(
            hashlib.blake2b(str(value).encode(errors="surrogatepass"), digest_size=8).digest()
            for value in ids.tolist()
        )
        keys = np.frombuffer(digests, dtype="<u8")
    folds = np.empty(len(keys), dtype=np.int64)
    for start in range(0, len(keys), _BLOCK):
        some = slice(start, start + _BLOCK)
        folds[some] = _mixed(keys[some]) % np.uint64(n_folds)
    return folds


def _mixed(keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The finaliser of splitmix64 (Steele, Lea and Flood 2014).

    Consecutive row numbers, or every fifth one, must not all fall into one fold.
    """
    with np.errstate(over="ignore"):
        x = keys + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x ^= x >> np.uint64(31)
    return x
