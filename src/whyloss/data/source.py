"""What evidence is drawn from: recorded predictions and reported scalars, wherever they lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from whyloss.data.history import History
from whyloss.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from whyloss.data.predictions import Predictions


@dataclass(frozen=True)
class Sample:
    """How a person recognises one sample.

    Attributes
    ----------
    text : str or None
        The text itself, or a short description.
    path : str or None
        Where the image or file lies.
    thumbnail : bytes or None
        A small PNG or JPEG.
    """

    text: str | None = None
    path: str | None = None
    thumbnail: bytes | None = None


class Source(Protocol):
    """Predictions by split and epoch, scalars, and words for samples."""

    @property
    def name(self) -> str:
        """What to call the source in a report."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader did to read it: how names were mapped, what was passed over."""
        ...

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that have predictions."""
        ...

    @property
    def history(self) -> History:
        """What the framework reported; empty where nothing was."""
        ...

    def epochs(self, split: str) -> tuple[int, ...]:
        """The epochs at which `split` has predictions, ascending."""
        ...

    def predictions(self, split: str, epoch: int) -> Predictions:
        """The predictions of `split` at `epoch`."""
        ...

    def duplicates(self, split: str, epoch: int) -> int:
        """Number of rows that were left out because their id came before."""
        ...

    def samples(self, split: str, ids: Sequence[int | str]) -> list[Sample]:
        """What is known of the samples `ids`; empty :class:`Sample` where nothing is."""
        ...


class InMemorySource:
    """Predictions and scalars that are already in memory.

    Parameters
    ----------
    predictions : iterable of Predictions
        One per split and epoch. A lone snapshot without an epoch counts as epoch 0.
    history : History, optional
        Scalars per epoch.
    name : str, default "predictions"
        What to call it in a report.
    notes : sequence of str, optional
        What a reader did to read them, one sentence each.
    """

    def __init__(
        self,
        predictions: Iterable[Predictions] = (),
        *,
        history: History | None = None,
        name: str = "predictions",
        notes: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.notes = tuple(notes)
        self.history = history or History.from_rows([])
        self._predictions: dict[tuple[str, int], Predictions] = {}
        for snapshot in predictions:
            key = snapshot.split, 0 if snapshot.epoch is None else snapshot.epoch
            if key in self._predictions:
                raise DataError(
                    f"Two sets of predictions for split {key[0]!r} at epoch {key[1]}",
                    expected="one per split and epoch",
                    got="two",
                    hint="Pass epoch= or split= to Predictions.from_arrays.",
                )
            self._predictions[key] = snapshot

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that have predictions."""
        return tuple(dict.fromkeys(split for split, _ in self._predictions))

    def epochs(self, split: str) -> tuple[int, ...]:
        """The epochs at which `split` has predictions, ascending."""
        return tuple(sorted(epoch for name, epoch in self._predictions if name == split))

    def predictions(self, split: str, epoch: int) -> Predictions:
        """The predictions of `split` at `epoch`."""
        return self._predictions[split, epoch]

    def duplicates(self, split: str, epoch: int) -> int:  # noqa: ARG002
        """Nothing is left out of what is in memory."""
        return 0

    def samples(self, split: str, ids: Sequence[Any]) -> list[Sample]:  # noqa: ARG002
        """Nothing is known of the samples beyond their ids."""
        return [Sample() for _ in ids]
