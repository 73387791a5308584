"""Single samples, and the confusion of classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from whyloss.data import Sample


@dataclass(frozen=True)
class SampleRow:
    """One of the samples that carry most of the loss.

    Attributes
    ----------
    id : int or str
    label, predicted : str
        Class names.
    confidence : float
        Probability of the predicted class.
    log_loss : float
        Nats; inf where the true class got probability 0.
    share : float
        Of the summed loss of all samples.
    before : float or None
        Its loss at the start of the change in question.
    outcome : str or None
        What became of its label since then.
    sample : Sample
        Text, path or thumbnail, where the run has them.
    """

    id: int | str
    label: str
    predicted: str
    confidence: float
    log_loss: float
    share: float
    before: float | None
    outcome: str | None
    sample: Sample


@dataclass(frozen=True)
class SamplePool:
    """Some of the samples, or all of them where there are few.

    Attributes
    ----------
    n_samples : int
        Samples that there are.
    costliest : tuple of SampleRow
        Those that carry most of the loss at the epoch in question, largest first.
    drawn : tuple of SampleRow
        Some of the others, drawn at random, largest loss first.
    losses : tuple of tuple of float or None
        For each of them, first the costliest and then the drawn ones, the loss at every epoch of
        the views; None where a sample has none there.
    """

    n_samples: int
    costliest: tuple[SampleRow, ...]
    drawn: tuple[SampleRow, ...]
    losses: tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True)
class ConfusedPair:
    """Samples of one class that are taken for another.

    Attributes
    ----------
    label, predicted : str
        Class names.
    samples : int
    share : float
        Of the samples with that label.
    """

    label: str
    predicted: str
    samples: int
    share: float


@dataclass(frozen=True)
class Confusion:
    """Labels against predictions at the epoch in question, each sample counted once.

    Attributes
    ----------
    classes : tuple of str
    counts : tuple of tuple of int, or None
        Samples by label, then by predicted class; None where there are too many classes.
    pairs : tuple of ConfusedPair
        The pairs of different classes with most samples, largest first.
    n_pairs : int
        Pairs of different classes that occur at all.
    n_wrong : int
        Samples that are taken for another class.
    """

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...] | None
    pairs: tuple[ConfusedPair, ...]
    n_pairs: int
    n_wrong: int
