"""The frozen result of a diagnosis, which every reporter reads and none changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from whyloss.results.attribution import Attribution
    from whyloss.results.epoch_views import EpochViews
    from whyloss.results.estimate import Estimate
    from whyloss.results.finding import Finding, NotChecked, OpenQuestion, Suspect, Verdict
    from whyloss.results.level import Level
    from whyloss.results.metrics import BestEpoch, ClassRow, Metrics, ReferenceLosses, SliceRow
    from whyloss.results.remedy import Remedy
    from whyloss.results.samples import Confusion, SamplePool, SampleRow


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """Why the loss is what it is, or changed as it did.

    Attributes
    ----------
    source : str
        Name of what was diagnosed.
    split : str
    level : Level
        How much was known.
    verdict : Verdict
    findings : tuple of Finding
        By severity, then by the nats that they explain.
    suspects : tuple of Suspect
        Causes that fit and are not proved, the likeliest first; at most three.
    attribution : Attribution or None
        Where the change of the loss comes from; None with fewer than two epochs.
    best_epochs : mapping of str to BestEpoch
        "accuracy", "log_loss", "refinement"; those that are known.
    remedies : tuple of Remedy
    not_checked : tuple of NotChecked
    numbers : mapping of str to number or Estimate
        What was measured at the epoch in question.
    epochs, classes, samples
        The tables behind the charts.
    slices : tuple of SliceRow
        Loss and accuracy by the columns that were given to split them by; in each of them what
        costs most beyond its share comes first.
    confusion : Confusion or None
        Which classes are taken for which.
    views : EpochViews or None
        What the samples looked like, epoch by epoch; None without predictions.
    pool : SamplePool or None
        The samples to look through: more of them than `samples`, with their losses at each view.
    reference_losses : tuple of ReferenceLosses
        What reported numbers can be compared with; empty where predictions are at hand.
    notes : tuple of str
        What was left out or set aside while reading.
    open_questions : tuple of OpenQuestion
        What more evidence would settle.
    """

    source: str
    split: str
    level: Level
    verdict: Verdict
    findings: tuple[Finding, ...]
    suspects: tuple[Suspect, ...]
    attribution: Attribution | None
    best_epochs: Mapping[str, BestEpoch]
    remedies: tuple[Remedy, ...]
    not_checked: tuple[NotChecked, ...]
    numbers: Mapping[str, Estimate | float | int | str | None]
    epochs: tuple[Metrics, ...]
    classes: tuple[ClassRow, ...]
    samples: tuple[SampleRow, ...]
    slices: tuple[SliceRow, ...]
    confusion: Confusion | None
    views: EpochViews | None
    pool: SamplePool | None
    reference_losses: tuple[ReferenceLosses, ...]
    notes: tuple[str, ...]
    open_questions: tuple[OpenQuestion, ...]
