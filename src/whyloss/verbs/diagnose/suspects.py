"""Causes that fit the numbers and are not proved by them, the likeliest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whyloss import rules
from whyloss.evidence import TRAIN
from whyloss.results.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from whyloss.evidence import Evidence
    from whyloss.results.finding import Finding, Suspect

MOST = 3
LEAST_WEIGHT = 0.02  # prior times fit; below it the cause is one of many


def suspects(
    evidence: Evidence, ranked: Sequence[Finding], explained: Collection[str]
) -> tuple[Suspect, ...]:
    """At most three suspects, in the order of how often each is the cause times how well it fits.

    Parameters
    ----------
    evidence : Evidence
    ranked : sequence of Finding
        None are suspected where the first of them proves a fault, or shows that all is well with
        new samples; that training is in order leaves open what they would show.
    explained : collection of str
        Names of causes that a finding explains.

    Returns
    -------
    tuple of Suspect
        Empty where predictions are at hand: they decide.
    """
    settled = {Severity.ERROR} if evidence.split in TRAIN else {Severity.ERROR, Severity.OK}
    if evidence.epochs or (ranked and ranked[0].severity in settled):
        return ()
    known = {finding.name for finding in ranked}.union(explained)
    leads = [
        (lead.weight, lead.suspect)
        for rule in rules.ALL
        if rule.name not in known and (lead := rule.suspect(evidence)) is not None
    ]
    likely = [(weight, suspect) for weight, suspect in leads if weight >= LEAST_WEIGHT]
    likely.sort(key=lambda pair: -pair[0])
    return tuple(suspect for _, suspect in likely[:MOST])
