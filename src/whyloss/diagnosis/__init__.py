"""Run the rules, rank what they find, add up where the loss comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from whyloss import remedies, rules
from whyloss.diagnosis.confusion import confusion
from whyloss.diagnosis.epoch_views import epoch_views
from whyloss.diagnosis.model import FORMATS, Diagnosis, NotChecked
from whyloss.diagnosis.questions import open_questions
from whyloss.diagnosis.sample_pool import sample_pool
from whyloss.diagnosis.slice_rows import slice_rows
from whyloss.diagnosis.sources import source_of
from whyloss.diagnosis.tables import (
    attribution_of,
    class_rows,
    epoch_rows,
    numbers_of,
    sample_rows,
)
from whyloss.diagnosis.verdict import Verdict, decide, rank
from whyloss.diagnosis.yardsticks import Yardstick, yardsticks
from whyloss.errors import DataError, WhylossError
from whyloss.evidence import Evidence, Level, best_of_curve
from whyloss.words import counted, spans

if TYPE_CHECKING:
    from whyloss.measures.selection import BestEpoch
    from whyloss.rules import Finding

__all__ = [
    "FORMATS",
    "Diagnosis",
    "NotChecked",
    "Verdict",
    "Yardstick",
    "diagnose",
    "diagnose_evidence",
]

_LEVEL_NEEDS = {
    Level.NUMBERS: "a loss and an accuracy",
    Level.CURVES: "loss and accuracy of several epochs",
    Level.SNAPSHOT: "the predictions of the split, with their labels",
    Level.RUN: "the predictions of at least two epochs over the same samples",
}


def diagnose(
    source: Any = None,  # noqa: ANN401 - labels, a path, the text of a log, or predictions
    *unnamed: Any,  # noqa: ANN401
    split: str | None = None,
    from_epoch: int | None = None,
    to_epoch: int | None = None,
    **given: Any,  # noqa: ANN401
) -> Diagnosis:
    """Say why the loss is what it is.

    Parameters
    ----------
    source : str, Path, Predictions, Source, data frame, or array-like, optional
        A recorded run, a file of curves or predictions, the text of a log, predictions, or the
        labels ``y_true`` of shape (n_samples,) of the predictions that follow.
    *unnamed
        Nothing: predictions are passed by the name of their scale, which is never guessed.
    split : str, optional
        The split to explain; the validation split if there is one.
    from_epoch, to_epoch : int, optional
        The change to explain; from the epoch of the smallest loss to the last one.
    logits, log_probs, probs : array-like of shape (n_samples, n_classes) or (n_samples,)
        Exactly one of them, where `source` is labels.
    ids, classes, weights, slices
        Beside labels, as in :meth:`whyloss.Predictions.from_arrays`.
    history : History, or mapping of str to sequences
        Scalars per epoch, alone or beside predictions: ``{"loss": [...], "val_loss": [...]}`` as
        Keras' ``fit`` returns them.
    loss, accuracy, val_loss, val_accuracy : float, or sequence of float per epoch
        Reported numbers, where nothing else is at hand.
    n_classes, n_train, n_val : int
        What is known of the task beside reported numbers.
    class_shares : sequence of float
        Shares of the classes in the validation split.
    columns : mapping of str to str
        For names in a file or a log that are not understood: ``{"vloss": "val.loss"}``.
    task : {"binary", "multiclass", "multilabel", "token", "regression"}
        What is predicted, where a file or a log leaves it open.
    scale : {"logits", "log_probs", "probs"}
        What the predictions of a file are, where their names leave it open.

    Returns
    -------
    Diagnosis

    Raises
    ------
    WhylossError
        Input that cannot be read or does not fit together.

    Examples
    --------
    >>> import whyloss
    >>> d = whyloss.diagnose(val_loss=0.4577, val_accuracy=0.7826, n_classes=2)
    >>> d.verdict.name
    'consistent'
    """
    if unnamed:
        raise DataError(
            "The scale of the predictions is not given",
            expected="logits=, log_probs= or probs=, by name",
            got="a second argument without a name",
            hint="For example whyloss.diagnose(y_true, logits=z).",
        )
    found = source_of(source, split=split, given=given)
    return diagnose_evidence(Evidence(found, split=split, from_epoch=from_epoch, to_epoch=to_epoch))


def diagnose_evidence(evidence: Evidence) -> Diagnosis:
    """Check every rule and every remedy on the evidence.

    Parameters
    ----------
    evidence : Evidence
    """
    split, level = evidence.split, evidence.level
    comparison = evidence.comparison  # raises where the epochs do not fit together
    findings, not_checked = _check(evidence)
    explained = _explained(findings)
    kept = [found for found in findings if found.name not in explained]
    aside = [
        NotChecked(found.code, found.name, f"set aside: {explained[found.name]} explains it")
        for found in findings
        if found.name in explained
    ]
    ranked = rank(kept)
    proposed = []
    for name, propose in remedies.ALL.items():
        if name in explained:
            reason = f"set aside: {explained[name]} comes first"
            not_checked.append(NotChecked("remedy", name, reason))
            continue
        answer = propose(evidence)
        if isinstance(answer, remedies.Remedy):
            proposed.append(answer)
        else:
            not_checked.append(NotChecked("remedy", name, answer.reason))
    views = epoch_views(evidence)
    return Diagnosis(
        source=evidence.source.name,
        split=split,
        level=level,
        verdict=decide(evidence, ranked),
        findings=ranked,
        attribution=attribution_of(comparison) if comparison else None,
        best_epochs=_best_epochs(evidence),
        remedies=tuple(proposed),
        not_checked=(*aside, *not_checked),
        numbers=numbers_of(evidence),
        epochs=epoch_rows(evidence),
        classes=class_rows(evidence),
        samples=sample_rows(evidence),
        slices=slice_rows(evidence),
        confusion=confusion(evidence),
        views=views,
        pool=sample_pool(evidence, views),
        yardsticks=yardsticks(evidence),
        notes=(*evidence.source.notes, *_notes(evidence)),
        open_questions=open_questions(evidence),
    )


def _check(evidence: Evidence) -> tuple[list[Finding], list[NotChecked]]:
    findings, not_checked = [], []
    for rule in rules.ALL:
        if not evidence.supports(rule.needs):
            not_checked.append(
                NotChecked(rule.code, rule.name, f"needs {_LEVEL_NEEDS[rule.needs]}")
            )
            continue
        try:
            found = rule.run(evidence)
        except WhylossError:
            raise
        except Exception as error:  # noqa: BLE001 - one broken rule must not hide the others
            reason = f"could not run: {type(error).__name__}: {error}"
            not_checked.append(NotChecked(rule.code, rule.name, reason))
            continue
        if found is not None:
            findings.append(found)
    return findings, not_checked


def _explained(findings: list[Finding]) -> dict[str, str]:
    """Findings and remedies to be set aside, with the name of the finding that explains them."""
    by: dict[str, str] = {}
    for winner in findings:
        for loser in rules.SETS_ASIDE.get(winner.name, ()):
            by.setdefault(loser, winner.name)
    return by


def _best_epochs(evidence: Evidence) -> dict[str, BestEpoch]:
    if not evidence.supports(Level.RUN):
        curve = evidence.curve()
        return {} if curve is None or evidence.epochs else best_of_curve(curve)
    refinement = evidence.best_refinement
    found = {"accuracy": evidence.best_accuracy, "log_loss": evidence.best_loss}
    return found if refinement is None else {**found, "refinement": refinement}


def _notes(evidence: Evidence) -> tuple[str, ...]:
    notes = []
    if evidence.epochs:
        last = evidence.epochs[-1]
        shot = evidence.last
        if shot.n_eff is not None:
            notes.append(
                f"Samples are weighted, in every mean and fit: {counted(shot.n_predicted, 'sample')} "
                f"weigh as much as {shot.n_eff:,.0f} equal ones (n_eff), which the intervals rest on."
            )
        dropped = evidence.source.duplicates(evidence.split, last)
        if dropped:
            notes.append(
                f"At epoch {last} {counted(dropped, 'row')} repeated a sample, as distributed "
                "samplers pad, and counted once."
            )
        ids = shot.predictions.ids
        repeated = len(ids) - len(np.unique(ids))
        if repeated:
            notes.append(
                f"{counted(repeated, 'row')} repeat the id of another one; each is a sample of its "
                "own here, and of them only the first is followed from epoch to epoch."
            )
    left_out = sorted(set(evidence.epochs) - set(evidence.comparable_epochs))
    if left_out:
        notes.append(
            f"Epochs {spans(left_out)} are left out of every comparison: fewer than half of their "
            "rows can be scored."
        )
    if evidence.supports(Level.RUN):
        shown = evidence.at(evidence.comparable_epochs[-1]).predictions.n_samples
        if evidence.n_common < shown:
            notes.append(
                f"Epochs are compared on the {counted(evidence.n_common, 'sample')} that all of "
                f"them have with a finite loss, of {shown:,}."
            )
    return tuple(notes)
