"""Sums by slice: any column of keys splits every mean into parts that add up to it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from whyloss.errors import DataError
from whyloss.measures.estimates.intervals import BoolVector, FloatVector, skewed_mean, wilson
from whyloss.measures.estimates.weights import as_samples
from whyloss.results.estimate import Estimate

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Slice:
    """The samples of one key.

    Attributes
    ----------
    key : str, int, float or bool
    samples : int
    n_eff : float
        Samples that the weights leave; `samples` without weights.
    share : float
        Of the weight of all samples.
    accuracy : Estimate
    means : dict of str to Estimate
        Mean of each column over the slice.
    contributions : dict of str to Estimate
        What the slice adds to the mean over all samples: they sum to it over the slices.
    """

    key: Any
    samples: int
    n_eff: float
    share: float
    accuracy: Estimate
    means: dict[str, Estimate]
    contributions: dict[str, Estimate]


def slices(
    keys: npt.NDArray[Any],
    columns: Mapping[str, FloatVector],
    right: BoolVector,
    *,
    scored: BoolVector,
    weights: FloatVector | None = None,
) -> list[Slice]:
    """Split means by a column of keys.

    With many slices some stand out by chance: one in twenty leaves its 95 % interval.

    Parameters
    ----------
    keys : ndarray, shape (n_samples,)
        Strings, numbers or booleans; all NaN make one slice.
    columns : mapping of str to ndarray of float64, shape (n_samples,)
        Per-sample quantities in nats: the loss, its refinement and calibration, a change between
        two epochs. Finite where scored.
    right : ndarray of bool, shape (n_samples,)
        Whether the predicted class was the true one.
    scored : ndarray of bool, shape (n_samples,)
        Rows that take part.
    weights : ndarray of float64, shape (n_samples,), optional
        Finite, at least 0, not all 0 where scored.

    Returns
    -------
    list of Slice
        In the order of the keys; a key without scored rows is left out, and one whose weights are
        all 0 has no means.

    Raises
    ------
    DataError
        Arrays of different lengths, or keys without an order.
    """
    _check_lengths(keys, {"right": right, "scored": scored, **columns})
    w = np.ones(int(np.count_nonzero(scored))) if weights is None else as_samples(weights[scored])
    if not len(w):
        return []
    try:
        names, group = np.unique(keys[scored], return_inverse=True)
    except TypeError as error:
        raise DataError(
            "Keys that cannot be sorted",
            expected="strings, numbers or booleans",
            got=f"a mixture in an array of {keys.dtype}",
            hint="Turn all keys into strings.",
        ) from error
    sums = _Sums(group, w, len(names))
    means, contributions = {}, {}
    for name, values in columns.items():
        means[name], contributions[name] = sums.split(values[scored])
    hits = np.bincount(group, w * right[scored], minlength=len(names))
    return [
        Slice(
            key=key,
            samples=int(sums.samples[g]),
            n_eff=float(sums.n_eff[g]),
            share=float(sums.weight[g] / sums.weight.sum()),
            accuracy=_share(hits[g], sums.weight[g], sums.n_eff[g]),
            means={name: means[name][g] for name in columns},
            contributions={name: contributions[name][g] for name in columns},
        )
        for g, key in enumerate(names.tolist())
    ]


def _check_lengths(keys: npt.NDArray[Any], others: Mapping[str, npt.NDArray[Any]]) -> None:
    for name, values in others.items():
        if values.shape != keys.shape or keys.ndim != 1:
            raise DataError(
                f"The keys do not fit {name!r}",
                expected="one key for each sample",
                got=f"keys of shape {keys.shape}, {name!r} of shape {values.shape}",
            )


def _share(hits: float, weight: float, n_eff: float) -> Estimate:
    return wilson(min(1.0, hits / weight) * n_eff if weight else 0.0, n_eff)


class _Sums:
    """Weights by group, and what they make of a column."""

    def __init__(self, group: npt.NDArray[np.intp], w: FloatVector, n_groups: int) -> None:
        self._group, self._w, self._n_groups = group, w, n_groups
        self.samples = np.bincount(group, minlength=n_groups)
        self.weight = self._total(w)
        self._squares = self._total(w**2)
        self._cubes = self._total(w**3)
        with np.errstate(invalid="ignore"):
            self.n_eff = np.nan_to_num(self.weight**2 / self._squares)

    def _total(self, values: FloatVector) -> FloatVector:
        return np.bincount(self._group, values, minlength=self._n_groups).astype(np.float64)

    def split(self, values: FloatVector) -> tuple[list[Estimate], list[Estimate]]:
        """Mean of every group, and its contribution to the mean of all.

        Both are ratios of weighted sums. A contribution counts the samples of other groups as
        zeros, so its interval includes the chance of how many samples a slice has.
        """
        total, everything = self._total(self._w * values), float(self.weight.sum())
        positive = float(values.min()) >= 0.0
        with np.errstate(invalid="ignore"):
            mean = total / self.weight
            pulls = self._w * (values - mean[self._group]) / self.weight[self._group]
        within = mean, self._total(pulls**2), self._total(pulls**3), self.n_eff
        part = total / everything
        pulls = self._w * (values - part[self._group]) / everything
        others = -part / everything
        squares = self._total(pulls**2) + others**2 * (self._squares.sum() - self._squares)
        cubes = self._total(pulls**3) + others**3 * (self._cubes.sum() - self._cubes)
        n_eff = everything**2 / float(self._squares.sum())
        around = part, squares, cubes, np.full(self._n_groups, n_eff)
        return (
            [
                skewed_mean(*map(float, numbers), positive=positive)
                if weight
                else Estimate(math.nan, note="no weight")
                for weight, *numbers in zip(self.weight, *within, strict=True)
            ],
            [
                skewed_mean(*map(float, numbers), positive=positive)
                for numbers in zip(*around, strict=True)
            ],
        )
