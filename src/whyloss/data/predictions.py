"""Predictions of a classifier for one split at one epoch, with the labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from whyloss.data.validation import (
    FloatArray,
    Scale,
    check_ids,
    check_labels,
    check_scores,
    check_slices,
    check_weights,
    settle_scale,
)
from whyloss.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, eq=False)
class Predictions:
    """Labels and scores of one split at one epoch; read-only.

    Use :meth:`from_arrays`, which validates and converts what users have.

    Attributes
    ----------
    y_true : ndarray of int32, shape (n_samples,)
        Index of the true class, 0 to ``n_classes - 1``.
    scores : ndarray of float16, float32 or float64, shape (n_samples, n_columns)
        ``n_columns`` is ``n_classes``, or 1 for a binary model with one output: the logit,
        log-probability or probability of class 1.
    scale : {"logits", "log_probs", "probs"}
        What `scores` are. Given by the caller, never guessed.
    ids : ndarray of int64 or str, shape (n_samples,)
        Identity of each sample, the same at every epoch.
    classes : tuple of str
        Class names in the order of the columns.
    split : str
        "train", "val", "test" or any other name.
    epoch : int or None
        The epoch after which the predictions were made; None for a lone snapshot.
    weights : ndarray of float64, shape (n_samples,), or None
        How much each sample counts, above 0; None where all count equally.
    slices : mapping of str to ndarray of int64, float64 or str, shape (n_samples,)
        Columns to group the samples by, such as the site or the length of each sample.
    """

    y_true: npt.NDArray[np.int32]
    scores: FloatArray
    scale: Scale
    ids: npt.NDArray[Any]
    classes: tuple[str, ...]
    split: str = "val"
    epoch: int | None = None
    weights: npt.NDArray[np.float64] | None = None
    slices: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Views, so that the caller's own arrays stay writable.
        for name in ("y_true", "scores", "ids", "weights"):
            values = getattr(self, name)
            if values is not None:
                object.__setattr__(self, name, _read_only(values))
        frozen = {name: _read_only(column) for name, column in self.slices.items()}
        object.__setattr__(self, "slices", MappingProxyType(frozen))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "slices": dict(self.slices)}  # a frozen view cannot be pickled

    def __len__(self) -> int:
        return len(self.y_true)

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return len(self.y_true)

    @property
    def n_classes(self) -> int:
        """Number of classes (2 for a one-column binary model)."""
        return len(self.classes)

    @classmethod
    def from_arrays(
        cls,
        y_true: Any,  # noqa: ANN401 - anything NumPy can read
        *,
        logits: Any = None,  # noqa: ANN401
        log_probs: Any = None,  # noqa: ANN401
        probs: Any = None,  # noqa: ANN401
        ids: Any = None,  # noqa: ANN401
        classes: Sequence[Any] | None = None,
        split: str = "val",
        epoch: int | None = None,
        weights: Any = None,  # noqa: ANN401
        slices: Mapping[str, Any] | None = None,
    ) -> Predictions:
        """Validate arrays and make predictions of them.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            Class indices from 0, booleans, or labels that occur in `classes`.
        logits, log_probs, probs : array-like of shape (n_samples, n_classes) or (n_samples,)
            Exactly one of them. One column or a flat array is a binary model's output for class 1.
        ids : array-like of shape (n_samples,), optional
            Integers or strings; row numbers if left out.
        classes : sequence, optional
            One label per column. Needed where `y_true` holds strings.
        split : str, default "val"
            Which part of the data this is.
        epoch : int, optional
            The epoch of the predictions.
        weights : array-like of shape (n_samples,), optional
            How much each sample counts: finite, at least 0, not all 0. A sample of weight 0 is
            left out; equal weights have no effect. Only ratios of weights matter.
        slices : mapping of str to array-like of shape (n_samples,), optional
            Columns to group the samples by: numbers, strings or booleans, under short names.

        Raises
        ------
        DataError
            Shapes, labels, ids, weights or slices do not match. Scores that are NaN, infinite or
            not probabilities raise nothing: the diagnosis counts those rows.
        """
        scale, values = settle_scale(logits=logits, log_probs=log_probs, probs=probs)
        scores = check_scores(values, scale)
        labels = [
            name.item() if isinstance(name, np.generic) else name
            for name in (() if classes is None else classes)
        ]
        n_classes = max(2, scores.shape[1])
        if classes is not None and len(labels) != n_classes:
            raise DataError(
                "The number of class names does not match the predictions",
                expected=f"{n_classes} names, one per column",
                got=f"{len(labels)}",
            )
        indices = check_labels(y_true, n_classes, labels)
        if len(indices) != len(scores):
            raise DataError(
                f"y_true and {scale} differ in length",
                expected=f"{len(scores)} labels, one per row of {scale}",
                got=f"{len(indices)}",
            )
        if len(indices) == 0:
            raise DataError("There are no samples", expected="at least one row", got="0 rows")
        names, checked_weights = check_ids(ids, len(indices)), None
        columns = check_slices(slices, len(indices))
        if weights is not None:
            checked_weights = check_weights(weights, len(indices))
            kept = checked_weights > 0.0
            if not kept.any():
                raise DataError(
                    "All weights are 0", expected="at least one above 0", got="only zeros"
                )
            if not kept.all():
                indices, scores, names = indices[kept], scores[kept], names[kept]
                checked_weights = checked_weights[kept]
                columns = {name: column[kept] for name, column in columns.items()}
            if checked_weights.min() == checked_weights.max():
                checked_weights = None
        return cls(
            y_true=indices,
            scores=scores,
            scale=scale,
            ids=names,
            classes=tuple(str(label) for label in labels or range(n_classes)),
            split=split,
            epoch=epoch,
            weights=checked_weights,
            slices=columns,
        )


def _read_only(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    view = values.view()
    view.setflags(write=False)
    return view
