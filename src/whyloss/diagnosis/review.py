"""Which samples to look at, the most suspect first, and what speaks against each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from whyloss import rules
from whyloss.diagnosis.sources import source_of
from whyloss.errors import DataError
from whyloss.evidence import Evidence, Level
from whyloss.measures.per_sample import RowStatus
from whyloss.measures.suspects import (
    mean_over_epochs,
    most_suspect,
    suggested_score,
    suspect_scores,
)
from whyloss.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from whyloss.evidence import Snapshot
    from whyloss.measures.intervals import BoolVector, FloatVector
    from whyloss.measures.suspects import SuspectScore

SURE = 0.9  # confidence from which on a wrong prediction is called a sure one

# Rules that name samples for a reason that stands beside those below.
_NAMED = {"outliers": "outlier", "validation-too-easy": "in the training split too"}


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


def review(
    source: Any = None,  # noqa: ANN401 - whatever can be diagnosed
    *,
    split: str | None = None,
    epoch: int | None = None,
    top: int | None = None,
    **given: Any,  # noqa: ANN401
) -> Review:
    """List the samples worth a look, the most suspect first.

    On the list are the samples whose label the model contradicts, at the epoch in question or at
    most of the epochs up to it, and those that a finding names. Whether a label is wrong, a person
    must say.

    Parameters
    ----------
    source, **given
        As for :func:`whyloss.diagnose`; it must hold predictions.
    split : str, optional
        The validation split if there is one. A model has learnt the labels that it was trained
        on, so the training split hides some of its wrong ones.
    epoch : int, optional
        The last one; in a run scores are means over all epochs up to it.
    top : int, optional
        How many samples at most.

    Raises
    ------
    WhylossError
        Input that cannot be read, or without predictions.

    Examples
    --------
    >>> import whyloss
    >>> found = whyloss.review([0, 1, 1], probs=[[0.9, 0.1], [0.2, 0.8], [0.99, 0.01]])
    >>> [(row.id, row.reason) for row in found.rows]
    [(2, 'sure and wrong')]
    """
    found = source_of(source, split=split, given=given)
    return review_evidence(Evidence(found, split=split, to_epoch=epoch), top=top)


def review_evidence(evidence: Evidence, *, top: int | None = None) -> Review:
    """List the samples worth a look.

    Parameters
    ----------
    evidence : Evidence
    top : int, optional
        How many at most.
    """
    if not evidence.supports(Level.SNAPSHOT):
        raise DataError(
            f"Nothing is known of single samples of split {evidence.split!r}",
            expected="predictions with their labels",
            got="reported numbers alone",
            hint="Record them: rec.log(split='val', epoch=e, logits=z, y_true=y, ids=i).",
        )
    evidence.supports(Level.RUN)  # raises where the epochs do not hold the same samples
    shot = evidence.last
    kind = suggested_score(shot.accuracy.value)
    course = _Course(evidence, kind)
    named = _named(evidence)
    listed = _listed(shot, course, named) & ~np.isnan(course.scores)
    n_found = int(np.count_nonzero(listed))
    order = most_suspect(
        np.where(listed, course.scores, np.nan),
        n_found if top is None else top,
        then_by=shot.samples.confidence,
    )
    ids = shot.predictions.ids[order].tolist()
    names = shot.predictions.classes
    return Review(
        source=evidence.source.name,
        split=evidence.split,
        epoch=shot.epoch,
        epochs=evidence.epochs,
        score=kind,
        n_samples=shot.predictions.n_samples,
        n_found=n_found,
        rows=tuple(
            ReviewRow(
                id=sample_id,
                label=names[shot.predictions.y_true[row]],
                predicted=names[shot.samples.y_pred[row]],
                confidence=float(shot.samples.confidence[row]),
                log_loss=float(shot.samples.log_loss[row]),
                score=float(course.scores[row]),
                reason="; ".join(_reasons(shot, course, named, row)),
                text=sample.text,
                path=sample.path,
            )
            for row, sample_id, sample in zip(
                order.tolist(), ids, evidence.source.samples(evidence.split, ids), strict=True
            )
        ),
        notes=_notes(shot),
    )


class _Course:
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
            shot = evidence.at(epoch)
            place = _places(ids, shot.predictions.ids)
            there = (place >= 0) & shot.predicted[place]
            right = there & shot.right[place]
            self.known += there
            self.wrong += there & ~right
            self.last_right[right] = epoch
            yield np.where(there, suspect_scores(shot.samples, kind)[place], np.nan)


def _places(ids: npt.NDArray[Any], others: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Row of each id among `others`, the first of several; -1 where it is not there."""
    if np.array_equal(ids, others):
        return np.arange(len(ids))
    order = np.argsort(others, kind="stable")
    at = np.searchsorted(others, ids, sorter=order)
    place = order[np.minimum(at, len(others) - 1)]
    return np.where(others[place] == ids, place, -1)


def _named(evidence: Evidence) -> dict[int | str, list[str]]:
    """Samples that a finding names, with its words."""
    found: dict[int | str, list[str]] = {}
    for rule in rules.ALL:
        if rule.name in _NAMED and (finding := rule.run(evidence)):
            for sample in finding.samples:
                found.setdefault(sample, []).append(_NAMED[rule.name])
    return found


def _listed(shot: Snapshot, course: _Course, named: dict[int | str, list[str]]) -> BoolVector:
    """Samples that anything speaks against."""
    mostly_wrong = 2 * course.wrong > course.known
    by_name = np.array([sample in named for sample in shot.predictions.ids.tolist()])
    listed: BoolVector = shot.predicted & (
        ~shot.right | mostly_wrong | by_name | (shot.causes.lapse_odds > 0.5)
    )
    return listed


def _reasons(
    shot: Snapshot, course: _Course, named: dict[int | str, list[str]], row: int
) -> Iterator[str]:
    """What speaks against the label of one sample."""
    if shot.samples.status[row] == RowStatus.INFINITE_LOSS:
        yield "label has probability 0"
    yield from named.get(shot.predictions.ids[row].item(), ())
    if shot.causes.lapse_odds[row] > 0.5:
        yield "more likely mislabelled than not"
    several, wrong = course.known[row] > 1, int(course.wrong[row])
    if shot.right[row]:
        if several and wrong:
            yield f"right now, but wrong at {wrong} of {course.known[row]} epochs"
        return
    yield "sure and wrong" if shot.samples.confidence[row] >= SURE else "wrong"
    if several:
        last = course.last_right[row]
        yield "wrong at every epoch" if last < 0 else f"broke after epoch {last}"


def _notes(shot: Snapshot) -> tuple[str, ...]:
    left_out = shot.predictions.n_samples - shot.n_predicted
    if not left_out:
        return ()
    return (f"{counted(left_out, 'row is', 'rows are')} no prediction, and left out.",)
