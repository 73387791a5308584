"""Two sources side by side: what differs, and in which samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from whyloss.results.attribution import Attribution
    from whyloss.results.estimate import Estimate


@dataclass(frozen=True)
class Side:
    """One of the two.

    Attributes
    ----------
    name : str
        What it was called by.
    split : str
    epoch : int or None
    n_samples : int or None
    """

    name: str
    split: str
    epoch: int | None
    n_samples: int | None


@dataclass(frozen=True)
class MetricDifference:
    """One number on both sides.

    Attributes
    ----------
    metric : str
        "log_loss", "refinement", "calibration" or "accuracy".
    first, second : Estimate
    difference : Estimate
        Second minus first.
    """

    metric: str
    first: Estimate
    second: Estimate
    difference: Estimate

    @property
    def clear(self) -> bool:
        """Whether the 95 % interval of the difference leaves out 0."""
        d = self.difference
        return d.low is not None and d.high is not None and (d.low > 0.0 or d.high < 0.0)

    @property
    def better(self) -> str | None:
        """The better side, "A" or "B"; None where the difference may be chance."""
        if not self.clear:
            return None
        rose = self.difference.value > 0.0
        return "B" if rose == (self.metric == "accuracy") else "A"


@dataclass(frozen=True)
class ChangedSample:
    """A sample whose loss differs most.

    Attributes
    ----------
    id : int or str
    label : str
    predicted : (str, str)
    log_loss : (float, float)
        Nats.
    outcome : str
        What became of its label from A to B.
    text, path : str or None
        What either side knows of it.
    """

    id: int | str
    label: str
    predicted: tuple[str, str]
    log_loss: tuple[float, float]
    outcome: str
    text: str | None
    path: str | None


@dataclass(frozen=True)
class Comparison:
    """Two sides and what differs.

    Attributes
    ----------
    first, second : Side
        A and B.
    n_common : int or None
        Samples that both were compared on, one by one; None where they are not paired.
    differences : tuple of MetricDifference
        The numbers that both sides have.
    attribution : Attribution or None
        Where the difference of the loss comes from, as for the change from A to B; None where they
        are not paired, or on fewer than 50 samples.
    samples : tuple of ChangedSample
        Those whose losses differ most.
    named : mapping of str to tuple of int or str
        Ids of the samples that "broke" and that were "fixed", the largest difference first.
    notes : tuple of str
    """

    first: Side
    second: Side
    n_common: int | None
    differences: tuple[MetricDifference, ...]
    attribution: Attribution | None
    samples: tuple[ChangedSample, ...]
    named: Mapping[str, tuple[int | str, ...]]
    notes: tuple[str, ...]

    @property
    def choices(self) -> dict[str, MetricDifference]:
        """The number that decides, by what the predictions are wanted for."""
        known = {row.metric: row for row in self.differences}
        return {purpose: known[name] for purpose, name in PURPOSES.items() if name in known}


# Which number decides, by what the predictions are wanted for.
PURPOSES = {
    "labels": "accuracy",
    "probabilities as they are": "log_loss",
    "probabilities after a temperature": "refinement",
}


METRICS = ("log_loss", "refinement", "calibration", "accuracy")
