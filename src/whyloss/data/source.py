"""Sources of a diagnosis: predictions and reported scalars, on disk or in memory."""

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
    """How one sample is shown to a person.

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
    """Predictions by split and epoch, reported scalars, and descriptions of samples."""

    @property
    def name(self) -> str:
        """What to call the source in a report."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader assumed: how columns were mapped, and what was left out."""
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
        """The epochs at which `split` has predictions, ascending.

        Parameters
        ----------
        split : str
        """
        ...

    def last_epoch(self, split: str) -> int | None:
        """The epoch that the training has reached; None where there is none.

        Parameters
        ----------
        split : str

        Returns
        -------
        int or None
            The last one of :meth:`epochs`, unless later ones are of a training that was resumed at
            an earlier epoch.
        """
        ...

    def predictions(self, split: str, epoch: int) -> Predictions:
        """The predictions of `split` at `epoch`.

        Parameters
        ----------
        split : str
        epoch : int
            One of :meth:`epochs`.
        """
        ...

    def duplicates(self, split: str, epoch: int) -> int:
        """Number of rows that were left out because an earlier row has the same id.

        Parameters
        ----------
        split : str
        epoch : int
        """
        ...

    def samples(self, split: str, ids: Sequence[int | str]) -> list[Sample]:
        """Descriptions of samples.

        Parameters
        ----------
        split : str
        ids : sequence of int or str

        Returns
        -------
        list of Sample
            One per id; an empty one where nothing is known.
        """
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
        What a reader assumed, one sentence each.

    Raises
    ------
    DataError
        Two sets of predictions are of the same split and epoch.
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
        """The epochs at which `split` has predictions, ascending.

        Parameters
        ----------
        split : str
        """
        return tuple(sorted(epoch for name, epoch in self._predictions if name == split))

    def last_epoch(self, split: str) -> int | None:
        """The last epoch at which `split` has predictions; None where there is none.

        Parameters
        ----------
        split : str
        """
        return max(self.epochs(split), default=None)

    def predictions(self, split: str, epoch: int) -> Predictions:
        """The predictions of `split` at `epoch`.

        Parameters
        ----------
        split : str
        epoch : int
            One of :meth:`epochs`.
        """
        return self._predictions[split, epoch]

    def duplicates(self, split: str, epoch: int) -> int:  # noqa: ARG002
        """Always 0: rows in memory are all kept.

        Parameters
        ----------
        split : str
        epoch : int
        """
        return 0

    def samples(self, split: str, ids: Sequence[Any]) -> list[Sample]:  # noqa: ARG002
        """Empty descriptions: in memory, samples have ids only.

        Parameters
        ----------
        split : str
        ids : sequence of int or str
        """
        return [Sample() for _ in ids]
