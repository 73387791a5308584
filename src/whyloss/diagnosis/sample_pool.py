"""The samples that a reader can look through: the most expensive ones, and some at random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from whyloss.diagnosis.tables import SampleRow, rows_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from whyloss.diagnosis.epoch_views import EpochViews
    from whyloss.evidence import Evidence
    from whyloss.measures.intervals import FloatVector

COSTLIEST = 1500
DRAWN = 500


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


def sample_pool(evidence: Evidence, views: EpochViews | None) -> SamplePool | None:
    """Pick the samples to look through; None where no sample can be scored.

    Parameters
    ----------
    evidence : Evidence
    views : EpochViews or None
        The epochs at which to tell the losses.
    """
    if views is None:
        return None
    shot = evidence.last
    known = np.flatnonzero(shot.predicted)
    order = known[np.argsort(-shot.costs[known], kind="stable")]
    # Always the same draw, so that the same run gives the same page.
    rest = order[COSTLIEST:]
    if len(rest) > DRAWN:
        rest = rest[np.sort(np.random.default_rng(0).choice(len(rest), DRAWN, replace=False))]
    costliest = order[:COSTLIEST]
    rows = np.concatenate([costliest, rest])
    columns = [_losses_at(evidence, view.epoch, shot.predictions.ids[rows]) for view in views.views]
    told = rows_of(evidence, rows)
    return SamplePool(
        n_samples=len(known),
        costliest=told[: len(costliest)],
        drawn=told[len(costliest) :],
        losses=tuple(
            tuple(None if np.isnan(loss) else loss for loss in losses)
            for losses in np.stack(columns, axis=1).tolist()
        ),
    )


def _losses_at(evidence: Evidence, epoch: int, ids: npt.NDArray[np.generic]) -> FloatVector:
    """Loss of each of these samples at an epoch, NaN where it has none."""
    shot = evidence.at(epoch)
    there = shot.predictions.ids
    order = np.argsort(there, kind="stable")
    place = np.minimum(np.searchsorted(there, ids, sorter=order), len(there) - 1)
    row = order[place]
    losses: FloatVector = np.where(there[row] == ids, shot.samples.log_loss[row], np.nan)
    return losses
