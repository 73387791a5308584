"""Run the rules, rank what they find, add up where the loss comes from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from whyloss import remedies, rules
from whyloss.errors import WhylossError
from whyloss.evidence import best_of_curve
from whyloss.formatting import format_ranges, pluralize
from whyloss.results.diagnosis import Diagnosis
from whyloss.results.finding import NotChecked
from whyloss.results.level import Level
from whyloss.verbs.diagnose.confusion import confusion
from whyloss.verbs.diagnose.epoch_views import epoch_views
from whyloss.verbs.diagnose.open_questions import open_questions
from whyloss.verbs.diagnose.reference_losses import reference_losses
from whyloss.verbs.diagnose.sample_pool import sample_pool
from whyloss.verbs.diagnose.slice_rows import slice_rows
from whyloss.verbs.diagnose.suspects import suspects
from whyloss.verbs.diagnose.tables import (
    attribution_of,
    class_rows,
    epoch_rows,
    numbers_of,
    sample_rows,
)
from whyloss.verbs.diagnose.verdict import decide, rank

if TYPE_CHECKING:
    from whyloss.evidence import Evidence
    from whyloss.results.finding import Finding
    from whyloss.results.metrics import BestEpoch
    from whyloss.results.remedy import Remedy

_LEVEL_NEEDS = {
    Level.NUMBERS: "a loss and an accuracy",
    Level.CURVES: "loss and accuracy of several epochs",
    Level.SNAPSHOT: "the predictions of the split, with their labels",
    Level.RUN: "the predictions of at least two epochs over the same samples",
}


def diagnose(evidence: Evidence) -> Diagnosis:
    """Check every rule and every remedy on the evidence.

    Parameters
    ----------
    evidence : Evidence

    Returns
    -------
    Diagnosis
    """
    split, level = evidence.split, evidence.level
    comparison = evidence.comparison  # raises where the epochs do not fit together
    findings, not_checked = _check(evidence)
    explained = _explained(findings)
    kept = [found for found in findings if found.name not in explained]
    left_out = [
        NotChecked(found.code, found.name, f"set aside: {by} explains it", explained_by=by)
        for found in findings
        if (by := explained.get(found.name)) is not None
    ]
    ranked = rank(kept)
    suspected = suspects(evidence, ranked, explained)
    ranked, proposed, failed = _cured(evidence, ranked)
    not_checked += failed
    for name, propose in remedies.ALL.items():
        if (by := _set_aside_by(name, ranked)) is not None:
            reason = f"set aside: {by} comes first"
            not_checked.append(NotChecked("remedy", name, reason, explained_by=by))
            continue
        answer = propose(evidence)
        if isinstance(answer, remedies.Remedy):
            proposed.append(answer)
        else:
            not_checked.append(NotChecked("remedy", name, answer.reason))
    # What the verdict asks for comes first, then what the other findings ask for.
    order = [name for found in ranked for name in found.remedies] + list(remedies.ALL)
    proposed.sort(key=lambda remedy: order.index(remedy.name))
    views = epoch_views(evidence)
    return Diagnosis(
        source=evidence.source.name,
        split=split,
        level=level,
        verdict=decide(evidence, ranked, suspected),
        findings=ranked,
        suspects=suspected,
        attribution=attribution_of(comparison) if comparison else None,
        best_epochs=_best_epochs(evidence),
        remedies=tuple(proposed),
        not_checked=(*left_out, *not_checked),
        numbers=numbers_of(evidence),
        epochs=epoch_rows(evidence),
        classes=class_rows(evidence),
        samples=sample_rows(evidence),
        slices=slice_rows(evidence),
        confusion=confusion(evidence),
        views=views,
        pool=sample_pool(evidence, views),
        reference_losses=reference_losses(evidence),
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
            not_checked.append(NotChecked(rule.code, rule.name, _could_not(error)))
            continue
        if found is not None:
            findings.append(found)
    return findings, not_checked


def _cured(
    evidence: Evidence, ranked: tuple[Finding, ...]
) -> tuple[tuple[Finding, ...], list[Remedy], list[NotChecked]]:
    """The findings with the names of their cures, the cures in that order, and what failed."""
    by_name = {rule.name: rule for rule in rules.ALL}
    findings, cures, failed = [], [], []
    for found in ranked:
        cure = None
        try:
            cure = by_name[found.name].cure(evidence, found)
        except Exception as error:  # noqa: BLE001 - one broken cure must not hide the answer
            failed.append(NotChecked("remedy", found.name, _could_not(error)))
        if cure is None:
            findings.append(found)
        else:
            cures.append(cure)
            findings.append(replace(found, remedies=(cure.name, *found.remedies)))
    return tuple(findings), cures, failed


def _set_aside_by(name: str, ranked: tuple[Finding, ...]) -> str | None:
    """The finding that a remedy would not mend, unless one before it asks for that remedy."""
    explains = {rule.name: rule.explains for rule in rules.ALL}
    for found in ranked:
        if name in found.remedies:
            return None
        if name in explains[found.name]:
            return found.name
    return None


def _could_not(error: Exception) -> str:
    return f"could not run: {type(error).__name__}: {error}"


def _explained(findings: list[Finding]) -> dict[str, str]:
    """Names of what is to be set aside, with that of the finding that explains it."""
    explains = {rule.name: rule.explains for rule in rules.ALL}
    by: dict[str, str] = {}
    for winner in findings:
        for loser in explains[winner.name]:
            by.setdefault(loser, winner.name)
    return by


def _best_epochs(evidence: Evidence) -> dict[str, BestEpoch]:
    if not evidence.supports(Level.RUN):
        curve = evidence.curve()
        return {} if curve is None or evidence.epochs else best_of_curve(curve)
    refinement = evidence.run.best_refinement
    found = {"accuracy": evidence.run.best_accuracy, "log_loss": evidence.run.best_loss}
    return found if refinement is None else {**found, "refinement": refinement}


def _notes(evidence: Evidence) -> tuple[str, ...]:
    notes = []
    if evidence.epochs:
        last = evidence.epochs[-1]
        facts = evidence.last
        if facts.n_eff is not None:
            notes.append(
                "Samples are weighted, in every mean and fit: "
                f"{pluralize(facts.n_predicted, 'sample')} "
                f"weigh as much as {facts.n_eff:,.0f} equal ones (n_eff), which the intervals rest "
                "on."
            )
        dropped = evidence.source.duplicates(evidence.split, last)
        if dropped:
            notes.append(
                f"At epoch {last} {pluralize(dropped, 'row')} repeated a sample, as distributed "
                "samplers pad, and counted once."
            )
        ids = facts.predictions.ids
        repeated = len(ids) - len(np.unique(ids))
        if repeated:
            notes.append(
                f"{pluralize(repeated, 'row')} repeat the id of another one; each is a sample of "
                "its "
                "own here, and of them only the first is followed from epoch to epoch."
            )
    left_out = sorted(set(evidence.epochs) - set(evidence.comparable_epochs))
    if left_out:
        notes.append(
            f"Epochs {format_ranges(left_out)} are left out of every comparison: fewer than half "
            "of their "
            "rows can be scored."
        )
    if evidence.supports(Level.RUN):
        shown = evidence.at(evidence.comparable_epochs[-1]).predictions.n_samples
        if evidence.run.n_common < shown:
            notes.append(
                f"Epochs are compared on the {pluralize(evidence.run.n_common, 'sample')} that all "
                "of "
                f"them have with a finite loss, of {shown:,}."
            )
    return tuple(notes)
