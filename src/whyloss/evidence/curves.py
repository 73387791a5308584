"""Loss and accuracy of one split per epoch, as reported or from predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from whyloss.measures.intervals import FloatVector

TRAIN = ("train", "training")


@dataclass(frozen=True, eq=False)
class Curve:
    """Loss and accuracy of one split, epoch by epoch.

    Attributes
    ----------
    split : str
    epochs : ndarray of int64, shape (n_epochs,)
        Those at which the loss or the accuracy is known.
    log_loss, accuracy : ndarray of float64, shape (n_epochs,)
        Nats, and shares from 0 to 1; NaN where unknown.
    n_samples : int or None
        Size of the split, where known.
    measured : bool
        Whether they were computed from predictions here, or are as reported.
    """

    split: str
    epochs: npt.NDArray[np.int64]
    log_loss: FloatVector
    accuracy: FloatVector
    n_samples: int | None = None
    measured: bool = False

    def __len__(self) -> int:
        return len(self.epochs)

    @property
    def whole(self) -> Curve:
        """The epochs at which both numbers are finite."""
        rows = np.isfinite(self.log_loss) & np.isfinite(self.accuracy)
        return self.take(rows)

    @property
    def with_loss(self) -> Curve:
        """The epochs at which the loss is finite."""
        return self.take(np.isfinite(self.log_loss))

    def take(self, rows: npt.NDArray[np.bool_]) -> Curve:
        """Some of the epochs."""
        return Curve(
            self.split,
            self.epochs[rows],
            self.log_loss[rows],
            self.accuracy[rows],
            self.n_samples,
            self.measured,
        )

    def at(self, epochs: npt.NDArray[np.int64]) -> tuple[FloatVector, FloatVector]:
        """Loss and accuracy at those epochs, NaN where unknown."""
        place = np.searchsorted(self.epochs, epochs)
        place = np.minimum(place, max(0, len(self.epochs) - 1))
        if not len(self.epochs):
            unknown = np.full(len(epochs), np.nan)
            return unknown, unknown.copy()
        there = self.epochs[place] == epochs
        return (
            np.where(there, self.log_loss[place], np.nan),
            np.where(there, self.accuracy[place], np.nan),
        )
