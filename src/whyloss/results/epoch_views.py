"""The samples at several epochs, in bins: histograms, reliability, migration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from whyloss.results.estimate import Estimate


@dataclass(frozen=True)
class ReliabilityBin:
    """Predictions of about the same confidence: how often they are right.

    Attributes
    ----------
    samples : int
    confidence : float
        Mean of the largest probability.
    right : float
        Share of right predictions.
    low, high : float
        95 % interval of `right`.
    """

    samples: int
    confidence: float
    right: float
    low: float
    high: float


@dataclass(frozen=True)
class MigrationRow:
    """Samples with one outcome since another epoch, and what they add to the change; nats."""

    outcome: str
    samples: int
    total: Estimate


@dataclass(frozen=True)
class EpochView:
    """The samples at one epoch.

    Attributes
    ----------
    epoch : int
    right, wrong : tuple of int
        Samples in each bin of the losses, by whether they are predicted right.
    beyond : int
        Samples with a loss above the last edge, infinite ones included.
    confidence : float
        Mean of the largest probability.
    temperature : float or None
        The one that fits; None where there is none, or where it does harm.
    calibrated_confidence : float or None
        Mean of the largest probability at that temperature.
    reliability, calibrated : tuple of ReliabilityBin
        As the model states it, and at that temperature.
    migration : tuple of MigrationRow
        Since the epoch that all are compared with; empty at that epoch, and where they cannot be.
    """

    epoch: int
    right: tuple[int, ...]
    wrong: tuple[int, ...]
    beyond: int
    confidence: float
    temperature: float | None
    calibrated_confidence: float | None
    reliability: tuple[ReliabilityBin, ...]
    calibrated: tuple[ReliabilityBin, ...]
    migration: tuple[MigrationRow, ...]


@dataclass(frozen=True)
class EpochViews:
    """The samples at several epochs, in bins that all of them share.

    Attributes
    ----------
    edges : tuple of float
        Of the bins of the losses, nats; one more than there are bins.
    since : int or None
        The epoch that all are compared with: where the change in question begins.
    recorded : int
        Epochs that have predictions; of many, only some are here.
    views : tuple of EpochView
        By epoch; the last one is the epoch in question.
    """

    edges: tuple[float, ...]
    since: int | None
    recorded: int
    views: tuple[EpochView, ...]
