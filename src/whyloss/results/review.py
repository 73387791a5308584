"""The samples to look at, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SuspectScore = Literal["margin", "self_confidence", "normalized_margin"]


@dataclass(frozen=True)
class ReviewRow:
    """A sample to look at.

    Attributes
    ----------
    id : int or str
    label, predicted : str
        Class names; the prediction is that of the epoch in question.
    confidence : float
        Probability of the predicted class.
    log_loss : float
        Nats; inf where the label has probability 0.
    score : float
        How suspect the label is; larger is more.
    reason : str
        What speaks against it, the gravest first, separated by semicolons.
    text, path : str or None
        What the run knows of the sample.
    """

    id: int | str
    label: str
    predicted: str
    confidence: float
    log_loss: float
    score: float
    reason: str
    text: str | None
    path: str | None


@dataclass(frozen=True)
class Review:
    """The samples of a split to look at, the most suspect first.

    Attributes
    ----------
    source, split : str
    epoch : int
        The epoch in question.
    epochs : tuple of int
        Those that the scores are means over.
    score : {"margin", "self_confidence"}
        What the scores are: the nats by which another class is more likely than the label, which
        ranks better from an accuracy of 85 % on, or one minus the probability of the label.
    n_samples : int
        Size of the split.
    n_found : int
        Samples with a reason; `rows` may be fewer.
    rows : tuple of ReviewRow
    notes : tuple of str
        What was left out.
    """

    source: str
    split: str
    epoch: int
    epochs: tuple[int, ...]
    score: SuspectScore
    n_samples: int
    n_found: int
    rows: tuple[ReviewRow, ...]
    notes: tuple[str, ...]
