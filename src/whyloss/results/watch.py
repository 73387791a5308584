"""A training that is being watched, at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from whyloss.results.diagnosis import Diagnosis


@dataclass(frozen=True, eq=False)
class WatchState:
    """What is known at one moment.

    Attributes
    ----------
    number : int
        Counts the changes; the same number is the same view.
    diagnosis : Diagnosis or None
        The latest one that there is; None before the first.
    waiting : str
        Why there is nothing newer, where that is not just because nothing has changed.
    restarts : int
        How often the training has begun again.
    """

    number: int = 0
    diagnosis: Diagnosis | None = None
    waiting: str = ""
    restarts: int = 0

    @property
    def last(self) -> int:
        """The latest epoch of the split in question; -1 before the first."""
        if self.diagnosis is None:
            return -1
        split = self.diagnosis.split
        return max((row.epoch for row in self.diagnosis.epochs if row.split == split), default=-1)
