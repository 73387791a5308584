"""What a rule is, and how its checks and its suspicion are registered."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from whyloss.results.finding import Finding, Suspect
from whyloss.results.level import Level

if TYPE_CHECKING:
    from collections.abc import Mapping

    from whyloss.evidence import Evidence
    from whyloss.results.remedy import Remedy
    from whyloss.testing import KnownCause

    Example = Callable[[int], KnownCause]  # a seed in, data out

# The sections that the page of every rule has, in this order.
SECTIONS = (
    "What it means",
    "Signature",
    "Statistic and threshold",
    "Not to be confused with",
    "Remedy",
    "References",
)

# Evidence and thresholds (keywords) in, a finding or nothing out.
Find = Callable[..., Finding | None]

# Evidence and what the rule found in, what to do about it out.
Propose = Callable[["Evidence", Finding], "Remedy | None"]

_PREDICTIONS = (Level.SNAPSHOT, Level.RUN)


@dataclass(frozen=True)
class Check:
    """One way to find what a rule looks for, with the examples that keep it honest.

    Attributes
    ----------
    level : Level
        The evidence that it reads.
    find : callable
        Takes the evidence, and the thresholds as keywords.
    fires : callable
        Seed to an example that must be found.
    near_misses : mapping of str to callable
        For each threshold, seed to an example that this threshold alone holds back.
    always : bool
        Whether it is tried even where a check of the same rule has read predictions and found
        nothing.
    """

    level: Level
    find: Find
    fires: Example
    near_misses: Mapping[str, Example]
    always: bool

    @property
    def name(self) -> str:
        """Name of the function."""
        return self.find.__name__

    @property
    def thresholds(self) -> dict[str, float]:
        """Keyword defaults of the function.

        A name that begins with ``min_`` holds back what is smaller, one with ``max_`` what is
        larger.
        """
        return {
            parameter.name: parameter.default
            for parameter in inspect.signature(self.find).parameters.values()
            if parameter.kind is parameter.KEYWORD_ONLY
        }

    def off(self, threshold: str) -> dict[str, float]:
        """The keyword that switches one threshold off."""
        return {threshold: -math.inf if threshold.startswith("min_") else math.inf}


TELLING = 5.0


@dataclass(frozen=True)
class Lead:
    """Numbers that fit a cause and do not prove it.

    Attributes
    ----------
    fit : float
        How well they fit: above 0, 1 for what the cause usually shows, and `TELLING` for what
        hardly another cause shows.
    why : str
        One sentence with these numbers.
    """

    fit: float
    why: str


@dataclass(frozen=True)
class Suspicion:
    """When a cause is suspected that cannot be proved.

    Attributes
    ----------
    prior : float
        How often it is the cause where people ask, among all causes; 0 to 1.
    look : callable
        Evidence in, a lead or nothing out.
    check : str
        The one check that tells this cause from the others; a sentence.
    snippet : str
        Lines to copy that make the check; empty where there are none.
    """

    prior: float
    look: Callable[[Evidence], Lead | None]
    check: str
    snippet: str


@dataclass(frozen=True)
class WeighedSuspect:
    """A suspect, and prior times fit, by which suspects are ordered."""

    weight: float
    suspect: Suspect


@dataclass(eq=False)
class Rule:
    """A cause that whyloss knows: its page, and one check for each kind of evidence.

    Attributes
    ----------
    code, name : str
        ``WL301`` and ``overconfidence``; the file has the same name.
    page : str
        The documentation, in Markdown: the docstring of the file. It begins with the code and a
        summary, ``WL301: The model is surer than it is right.``
    since : str
        Version that brought it.
    explains : tuple of str
        Names of rules and remedies that are set aside where this rule finds something: they would
        only describe its symptoms, or promise to mend them.
    before : str
        Code of a later rule whose findings this one precedes where both weigh the same.
    checks : list of Check
        In the order in which they are tried, that of the file.
    suspicion : Suspicion or None
        When its cause is suspected although no check finds it.
    propose : callable or None
        What to do about a finding of this rule.
    """

    code: str
    name: str
    page: str
    since: str
    explains: tuple[str, ...] = ()
    before: str = ""
    checks: list[Check] = field(default_factory=list, init=False)
    suspicion: Suspicion | None = field(default=None, init=False)
    propose: Propose | None = field(default=None, init=False)

    def at(
        self,
        level: Level,
        *,
        fires: Example,
        near_misses: Mapping[str, Example] | None = None,
        always: bool = False,
    ) -> Callable[[Find], Find]:
        """Register a function as the next check.

        Parameters
        ----------
        level, fires, near_misses, always
            As in :class:`Check`.
        """

        def register(find: Find) -> Find:
            self.checks.append(Check(level, find, fires, near_misses or {}, always))
            return find

        return register

    def cured_by(self, propose: Propose) -> Propose:
        """Register what to do about a finding of this rule.

        Parameters
        ----------
        propose : callable
            Takes the evidence and the finding.
        """
        self.propose = propose
        return propose

    def cure(self, evidence: Evidence, found: Finding) -> Remedy | None:
        """What to do about a finding, under the name of this rule; None where the page says it.

        Parameters
        ----------
        evidence : Evidence
        found : Finding
            Of this rule.
        """
        if self.propose is None:
            return None
        cure = self.propose(evidence, found)
        return cure and replace(cure, name=self.name, because=found.headline)

    def suspected(
        self, *, prior: float, check: str, snippet: str = ""
    ) -> Callable[[Callable[[Evidence], Lead | None]], Callable[[Evidence], Lead | None]]:
        """Register a function that looks for a reason to suspect the cause.

        Parameters
        ----------
        prior, check, snippet
            As in :class:`Suspicion`.
        """

        def register(
            look: Callable[[Evidence], Lead | None],
        ) -> Callable[[Evidence], Lead | None]:
            self.suspicion = Suspicion(prior, look, check, snippet)
            return look

        return register

    def suspect(self, evidence: Evidence) -> WeighedSuspect | None:
        """The cause as a suspect, where reported numbers give a reason; else None."""
        if self.suspicion is None:
            return None
        lead = self.suspicion.look(evidence)
        if lead is None:
            return None
        suspect = Suspect(
            self.code, self.name, lead.why, self.suspicion.check, self.suspicion.snippet
        )
        return WeighedSuspect(self.suspicion.prior * lead.fit, suspect)

    def run(self, evidence: Evidence) -> Finding | None:
        """What the first check finds that finds anything.

        Predictions decide: once a check has read them, checks of reported numbers are tried only
        if they are marked ``always``.
        """
        decided = False
        for check in self.checks:
            if not evidence.supports(check.level) or (decided and not check.always):
                continue
            found = check.find(evidence)
            if found is not None:
                return replace(
                    found,
                    code=self.code,
                    name=self.name,
                    advice=" ".join(self.sections["Remedy"].split()),
                    references=self.references,
                )
            decided = decided or check.level in _PREDICTIONS
        return None

    @property
    def needs(self) -> Level:
        """The least evidence that one of the checks can read."""
        levels = list(Level)
        return min((check.level for check in self.checks), key=levels.index)

    @property
    def text(self) -> str:
        """The page without the code."""
        return self.page.removeprefix(f"{self.code}: ").strip()

    @property
    def summary(self) -> str:
        """First line of the text."""
        return self.text.partition("\n")[0]

    @property
    def sections(self) -> dict[str, str]:
        """Sections of the text by title, in their order."""
        parts = re.split(r"^## (.+)$", self.text, flags=re.MULTILINE)
        return {
            title.strip(): body.strip()
            for title, body in zip(parts[1::2], parts[2::2], strict=True)
        }

    @property
    def references(self) -> tuple[str, ...]:
        """Identifiers cited in the text: ``arXiv:1706.04599`` or ``doi:10.1007/...``."""
        return tuple(dict.fromkeys(re.findall(r"(?:arXiv|doi):[\w./()-]*\w", self.text)))
