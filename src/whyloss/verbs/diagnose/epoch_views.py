"""What the samples looked like, epoch by epoch: losses, confidence, and which labels changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from whyloss.measures.attribution import members_by_outcome
from whyloss.measures.calibration.reliability import reliability_bins
from whyloss.measures.estimates.intervals import mean_estimate
from whyloss.measures.losses.probabilities import top_probability
from whyloss.results.epoch_views import EpochView, EpochViews, MigrationRow
from whyloss.results.level import Level

if TYPE_CHECKING:
    from whyloss.evidence import EpochFacts, Evidence
    from whyloss.measures.estimates.intervals import FloatVector

MAX_VIEWS = 60
MAX_WORK = 500_000_000  # scores to read for all views together; large inputs get fewer of them
FEWEST = 12
BINS = 40
# An epoch that had diverged must not press the losses of the last one into a single bar.
BEYOND = 2.0


def epoch_views(evidence: Evidence) -> EpochViews | None:
    """Look at the samples epoch by epoch; None where no epoch has any that can be scored.

    Of long runs at most `MAX_VIEWS` epochs are kept: the first, the last, the best ones, the one
    that all are compared with, and others at even distances.

    Parameters
    ----------
    evidence : Evidence
    """
    known = [epoch for epoch in evidence.epochs if evidence.at(epoch).n_scored]
    if not known or known[-1] != evidence.epochs[-1]:
        return None
    since = _since(evidence)
    chosen = _chosen(evidence, known, since)
    largest = {epoch: _largest(evidence.at(epoch)) for epoch in chosen}
    top = min(max(largest.values()), max(BEYOND * largest[known[-1]], 1e-12))
    edges = np.linspace(0.0, max(top, 1e-12), BINS + 1)
    return EpochViews(
        edges=tuple(edges.tolist()),
        since=since,
        recorded=len(known),
        views=tuple(_view(evidence, epoch, edges, since) for epoch in chosen),
    )


def _since(evidence: Evidence) -> int | None:
    if not evidence.supports(Level.RUN):
        return None
    found = evidence.comparison
    return evidence.run.best_loss.epoch if found is None else found.first.epoch


def _chosen(evidence: Evidence, known: list[int], since: int | None) -> list[int]:
    """The epochs to look at."""
    size = max(1, evidence.at(known[-1]).predictions.scores.size)
    room = min(MAX_VIEWS, max(FEWEST, MAX_WORK // size))
    if len(known) <= room:
        return known
    kept = {known[0], known[-1]}
    if since is not None:
        best = (evidence.run.best_loss, evidence.run.best_accuracy, evidence.run.best_refinement)
        kept |= {since, *(found.epoch for found in best if found is not None)}
    places = np.linspace(0, len(known) - 1, room - len(kept)).round().astype(int)
    return sorted(kept | {known[place] for place in places.tolist()})


def _largest(facts: EpochFacts) -> float:
    return float(facts.samples.log_loss[facts.scored].max())


def _view(evidence: Evidence, epoch: int, edges: FloatVector, since: int | None) -> EpochView:
    facts = evidence.at(epoch)
    seen = facts.predicted
    loss, right = facts.samples.log_loss[seen], facts.right[seen]
    confidence = facts.samples.confidence[seen]
    fit = facts.calibrated
    tempered = None
    if fit is not None and fit.accepted:
        p = facts.predictions
        tempered = top_probability(p.scores, p.scale, beta=fit.fit.beta)[seen]
    return EpochView(
        epoch=epoch,
        right=_counts(loss[right], edges),
        wrong=_counts(loss[~right], edges),
        beyond=int(np.count_nonzero(loss > edges[-1])),
        confidence=float(confidence.mean()),
        temperature=None if tempered is None or fit is None else fit.fit.temperature,
        calibrated_confidence=None if tempered is None else float(tempered.mean()),
        reliability=reliability_bins(confidence, right),
        calibrated=() if tempered is None else reliability_bins(tempered, right),
        migration=_migration(evidence, since, epoch),
    )


def _counts(losses: FloatVector, edges: FloatVector) -> tuple[int, ...]:
    counts: list[int] = np.histogram(losses[np.isfinite(losses)], edges)[0].tolist()
    return tuple(counts)


def _migration(evidence: Evidence, since: int | None, epoch: int) -> tuple[MigrationRow, ...]:
    if since is None or epoch == since or epoch not in evidence.comparable_epochs:
        return ()
    run = evidence.run
    delta = run.losses(epoch) - run.losses(since)
    outcomes = members_by_outcome(run.right(since), run.right(epoch))
    return tuple(
        MigrationRow(
            str(outcome),
            int(np.count_nonzero(members)),
            mean_estimate(delta * members, run.weights),
        )
        for outcome, members in outcomes.items()
    )
