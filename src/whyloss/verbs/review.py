"""Which samples to look at, the most suspect first, and what speaks against each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from whyloss import rules
from whyloss.errors import DataError
from whyloss.formatting import pluralize
from whyloss.measures.label_quality import (
    mean_over_epochs,
    most_suspect,
    suggested_score,
    suspect_scores,
)
from whyloss.measures.losses.logits import RowStatus
from whyloss.measures.samples.alignment import rows_of_ids
from whyloss.results.level import Level
from whyloss.results.review import Review, ReviewRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from whyloss.evidence import EpochFacts, Evidence
    from whyloss.measures.estimates.intervals import BoolVector, FloatVector
    from whyloss.measures.label_quality import SuspectScore

SURE = 0.9  # confidence from which on a wrong prediction is called a sure one

# Rules that name samples, with the reason that is listed.
_NAMED = {"outliers": "outlier", "validation-too-easy": "in the training split too"}


def review(evidence: Evidence, *, top: int | None = None) -> Review:
    """List the samples worth a look.

    Parameters
    ----------
    evidence : Evidence
    top : int, optional
        How many at most.

    Returns
    -------
    Review
    """
    if not evidence.supports(Level.SNAPSHOT):
        raise DataError(
            f"Split {evidence.split!r} has no predictions of single samples",
            expected="predictions with their labels",
            got="reported numbers only",
            hint="Record them: rec.log(split='val', epoch=e, logits=z, y_true=y, ids=i).",
        )
    evidence.supports(Level.RUN)  # raises where the epochs do not hold the same samples
    facts = evidence.last
    kind = suggested_score(facts.accuracy.value)
    history = _History(evidence, kind)
    named = _named(evidence)
    listed = _listed(evidence, history, named) & ~np.isnan(history.scores)
    n_found = int(np.count_nonzero(listed))
    order = most_suspect(
        np.where(listed, history.scores, np.nan),
        n_found if top is None else top,
        then_by=facts.samples.confidence,
    )
    ids = facts.predictions.ids[order].tolist()
    names = facts.predictions.classes
    return Review(
        source=evidence.source.name,
        split=evidence.split,
        epoch=facts.epoch,
        epochs=evidence.epochs,
        score=kind,
        n_samples=facts.predictions.n_samples,
        n_found=n_found,
        rows=tuple(
            ReviewRow(
                id=sample_id,
                label=names[facts.predictions.y_true[row]],
                predicted=names[facts.samples.y_pred[row]],
                confidence=float(facts.samples.confidence[row]),
                log_loss=float(facts.samples.log_loss[row]),
                score=float(history.scores[row]),
                reason="; ".join(_reasons(evidence, history, named, row)),
                text=sample.text,
                path=sample.path,
            )
            for row, sample_id, sample in zip(
                order.tolist(), ids, evidence.source.samples(evidence.split, ids), strict=True
            )
        ),
        notes=_notes(facts),
    )


class _History:
    """Score of every sample over the epochs, and how often it was wrong.

    Parameters
    ----------
    evidence : Evidence
    kind : {"margin", "self_confidence"}

    Attributes
    ----------
    scores : ndarray of float64, shape (n_samples,)
    known, wrong : ndarrays of int64, shape (n_samples,)
        Epochs with a prediction of the sample, and those with a wrong one.
    last_right : ndarray of int64, shape (n_samples,)
        The last epoch at which it was right; -1 where it never was.
    """

    def __init__(self, evidence: Evidence, kind: SuspectScore) -> None:
        n = evidence.last.predictions.n_samples
        self.known = np.zeros(n, dtype=np.int64)
        self.wrong = np.zeros(n, dtype=np.int64)
        self.last_right = np.full(n, -1, dtype=np.int64)
        self.scores = mean_over_epochs(self._follow(evidence, kind))

    def _follow(self, evidence: Evidence, kind: SuspectScore) -> Iterator[FloatVector]:
        ids = evidence.last.predictions.ids
        for epoch in evidence.epochs:
            facts = evidence.at(epoch)
            rows = rows_of_ids(ids, facts.predictions.ids)
            predicted = (rows >= 0) & facts.predicted[rows]
            right = predicted & facts.right[rows]
            self.known += predicted
            self.wrong += predicted & ~right
            self.last_right[right] = epoch
            yield np.where(predicted, suspect_scores(facts.samples, kind)[rows], np.nan)


def _named(evidence: Evidence) -> dict[int | str, list[str]]:
    """Samples that a finding names, with its words."""
    found: dict[int | str, list[str]] = {}
    for rule in rules.ALL:
        if rule.name in _NAMED and (finding := rule.run(evidence)):
            for sample in finding.samples:
                found.setdefault(sample, []).append(_NAMED[rule.name])
    return found


def _listed(evidence: Evidence, history: _History, named: dict[int | str, list[str]]) -> BoolVector:
    """Samples that anything speaks against."""
    facts = evidence.last
    mostly_wrong = 2 * history.wrong > history.known
    by_name = np.array([sample in named for sample in facts.predictions.ids.tolist()])
    listed: BoolVector = facts.predicted & (
        ~facts.right | mostly_wrong | by_name | (evidence.noise_models.label_noise_odds > 0.5)
    )
    return listed


def _reasons(
    evidence: Evidence, history: _History, named: dict[int | str, list[str]], row: int
) -> Iterator[str]:
    """What speaks against the label of one sample."""
    facts = evidence.last
    if facts.samples.status[row] == RowStatus.INFINITE_LOSS:
        yield "label has probability 0"
    yield from named.get(facts.predictions.ids[row].item(), ())
    if evidence.noise_models.label_noise_odds[row] > 0.5:
        yield "more likely mislabelled than not"
    several, wrong = history.known[row] > 1, int(history.wrong[row])
    if facts.right[row]:
        if several and wrong:
            yield f"right now, but wrong at {wrong} of {history.known[row]} epochs"
        return
    yield "sure and wrong" if facts.samples.confidence[row] >= SURE else "wrong"
    if several:
        last = history.last_right[row]
        yield "wrong at every epoch" if last < 0 else f"broke after epoch {last}"


def _notes(facts: EpochFacts) -> tuple[str, ...]:
    left_out = facts.predictions.n_samples - facts.n_predicted
    if not left_out:
        return ()
    return (f"{pluralize(left_out, 'row is', 'rows are')} no prediction, and left out.",)
