"""One planted cause and what was made of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.diagnosis.alternatives import ALTERNATIVES

from whyloss.evidence import Evidence
from whyloss.results.finding import Severity
from whyloss.verbs.diagnose import diagnose

if TYPE_CHECKING:
    from collections.abc import Mapping

    from whyloss.data import Source
    from whyloss.results.diagnosis import Diagnosis
    from whyloss.results.finding import Finding

HEALTHY = "healthy"
# Verdicts that say that nothing is wrong, or that too little is known to say so.
WELL = {"consistent", "cannot-tell", "within-noise", "small-validation-set", "train-mode-gap"}


@dataclass(frozen=True)
class Range:
    """Nats that a cause costs, from the least to the most that removing it may save.

    One number for a cause that stands alone. Beside another one it matters which of the two is
    removed first, and both orders are right.
    """

    low: float
    high: float

    def away(self, nats: float) -> float:
        """How far a number lies outside."""
        return max(self.low - nats, nats - self.high, 0.0)


@dataclass(frozen=True, eq=False)
class Planted:
    """Evidence with known causes.

    Attributes
    ----------
    causes : tuple of str
        Names of rules, the dearest first; none for healthy evidence.
    source : Source
    nats : mapping of str to tuple of Range
        What each cause costs at each epoch, where that is known.
    effect : float
        Nats that the dearest cause costs; infinite where the numbers themselves are wrong.
    accepted : mapping of str to tuple of str
        Other names under which a cause is right as well.
    split : str, optional
        The split to diagnose, where it is not the validation split.
    open : bool
        Whether someone who knows how the data were made could not tell from these numbers either.
    """

    causes: tuple[str, ...]
    source: Source
    nats: Mapping[str, tuple[Range, ...]] = field(default_factory=dict)
    effect: float = float("inf")
    accepted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    split: str | None = None
    open: bool = False


@dataclass(frozen=True)
class Design:
    """Which trial it is; together with the part this reproduces it."""

    name: str  # of the plan that made it
    seed: int
    n_samples: int
    n_classes: int
    severity: int

    def __str__(self) -> str:
        """The trial in one line."""
        return (
            f"{self.name} n={self.n_samples} K={self.n_classes} severity={self.severity} "
            f"seed={self.seed}"
        )


@dataclass(frozen=True)
class Attributed:
    """Nats that a finding names, beside the true ones."""

    cause: str
    nats: float
    truth: Range

    @property
    def right(self) -> bool:
        """Whether they are within 10 % or .01 of the truth."""
        away = self.truth.away(self.nats)
        return away <= max(0.01, 0.1 * max(abs(self.truth.low), abs(self.truth.high)))


@dataclass(frozen=True)
class Outcome:
    """What was planted, and what was found.

    Attributes
    ----------
    design : Design
    causes : tuple of str
        Planted, the dearest first.
    effect : float
    level : str
    verdict : str
        The verdict by name, or the planted cause's name where it goes under an accepted one;
        "healthy" where nothing is wrong. A planted cause that is merely worth knowing comes after
        "nothing is wrong": it counts as the verdict where it is the first such finding.
    alarm : bool
        Whether the verdict is a warning or an error.
    found : tuple of str
        Findings in their order, but for those that nothing is wrong; named as the verdict.
    attributed : tuple of Attributed
    alternatives : mapping of str to str
        The label that each simple alternative gives.
    asked : bool
        Whether nothing is claimed, and a planted cause is one of the first two suspects.
    open : bool
        As planted.
    """

    design: Design
    causes: tuple[str, ...]
    effect: float
    level: str
    verdict: str
    alarm: bool
    found: tuple[str, ...]
    attributed: tuple[Attributed, ...]
    alternatives: Mapping[str, str]
    asked: bool = False
    open: bool = False

    @property
    def label(self) -> str:
        """What the verdict should be: of several planted causes the one that it names, if any.

        Where the numbers do not tell, claiming nothing is right as well.
        """
        if not self.causes or (self.open and self.verdict == HEALTHY):
            return HEALTHY
        return self.verdict if self.verdict in self.causes else self.causes[0]


def judge(design: Design, planted: Planted) -> Outcome:
    """Diagnose planted evidence."""
    evidence = Evidence(planted.source, split=planted.split)
    diagnosis = diagnose(evidence)
    named = {
        other: cause for cause, others in planted.accepted.items() for other in (cause, *others)
    }
    found = tuple(named.get(finding.name, finding.name) for finding in diagnosis.findings)
    well = WELL - set(planted.causes)
    telling = tuple(name for name in found if name not in well)
    verdict = named.get(diagnosis.verdict.name, diagnosis.verdict.name)
    if verdict in well:
        verdict = telling[0] if telling[:1] and telling[0] in planted.causes else HEALTHY
    return Outcome(
        design=design,
        causes=planted.causes,
        effect=planted.effect,
        level=diagnosis.level.value,
        verdict=verdict,
        alarm=diagnosis.verdict.severity in {Severity.ERROR, Severity.WARNING},
        found=telling,
        attributed=tuple(_attributed(planted, diagnosis)),
        alternatives={name: say(evidence) for name, say in ALTERNATIVES.items()},
        asked=diagnosis.verdict.name == "cannot-tell"
        and any(named.get(s.name, s.name) in planted.causes for s in diagnosis.suspects[:2]),
        open=planted.open,
    )


def _attributed(planted: Planted, diagnosis: Diagnosis) -> list[Attributed]:
    by_name = {finding.name: finding for finding in diagnosis.findings}
    return [
        Attributed(cause, by_name[cause].nats, _true_nats(truth, by_name[cause], diagnosis))
        for cause, truth in planted.nats.items()
        if cause in by_name and by_name[cause].nats is not None
    ]


def _true_nats(truth: tuple[Range, ...], finding: Finding, diagnosis: Diagnosis) -> Range:
    """At the last epoch, or the change since the epoch that the finding compares it with."""
    if len(finding.epochs) != 2 or len(truth) == 1:
        return truth[-1]
    start, end = finding.epochs
    whole = diagnosis.attribution
    if whole is not None and whole.total.value > 0:
        start, end = whole.from_epoch, whole.to_epoch
    first, last = truth[start - 1], truth[end - 1]  # epochs are counted from 1
    both = np.sort([last.low - first.low, last.high - first.high])
    return Range(float(both[0]), float(both[1]))
