"""The samples that a reader can look through: the most expensive ones, and some at random."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from whyloss.measures.samples.alignment import rows_of_ids
from whyloss.results.samples import SamplePool
from whyloss.verbs.diagnose.tables import rows_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from whyloss.evidence import Evidence
    from whyloss.measures.estimates.intervals import FloatVector
    from whyloss.results.epoch_views import EpochViews

COSTLIEST = 1500
DRAWN = 500


def sample_pool(evidence: Evidence, views: EpochViews | None) -> SamplePool | None:
    """Pick the samples to look through; None where no sample can be scored.

    Parameters
    ----------
    evidence : Evidence
    views : EpochViews or None
        The epochs whose losses are listed.
    """
    if views is None:
        return None
    facts = evidence.last
    known = np.flatnonzero(facts.predicted)
    order = known[np.argsort(-facts.costs[known], kind="stable")]
    # Always the same draw, so that the same run gives the same page.
    rest = order[COSTLIEST:]
    if len(rest) > DRAWN:
        rest = rest[np.sort(np.random.default_rng(0).choice(len(rest), DRAWN, replace=False))]
    costliest = order[:COSTLIEST]
    rows = np.concatenate([costliest, rest])
    columns = [
        _losses_at(evidence, view.epoch, facts.predictions.ids[rows]) for view in views.views
    ]
    table = rows_of(evidence, rows)
    return SamplePool(
        n_samples=len(known),
        costliest=table[: len(costliest)],
        drawn=table[len(costliest) :],
        losses=tuple(
            tuple(None if np.isnan(loss) else loss for loss in losses)
            for losses in np.stack(columns, axis=1).tolist()
        ),
    )


def _losses_at(evidence: Evidence, epoch: int, ids: npt.NDArray[np.generic]) -> FloatVector:
    """Loss of each of these samples at an epoch, NaN where it has none."""
    facts = evidence.at(epoch)
    rows = rows_of_ids(ids, facts.predictions.ids)
    losses: FloatVector = np.where(rows >= 0, facts.samples.log_loss[rows], np.nan)
    return losses
