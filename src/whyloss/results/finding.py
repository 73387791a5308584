"""What rules find, and the verdict that rests on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from whyloss.results.estimate import Estimate


class Severity(StrEnum):
    """How much a finding matters."""

    ERROR = "error"  # the numbers themselves are not what they claim to be
    WARNING = "warning"  # something is wrong with the model or its training
    OK = "ok"  # nothing is wrong
    INFO = "info"  # worth knowing

    @property
    def rank(self) -> int:
        """Place in the order of findings: "nothing is wrong" comes before what is worth knowing."""
        return list(Severity).index(self)

    def at_least(self, least: Severity) -> bool:
        """Whether it is as severe as `least` or more; nothing is less severe than "ok".

        Parameters
        ----------
        least : Severity
        """
        return self is not Severity.OK and self.rank <= least.rank


@dataclass(frozen=True)
class Finding:
    """What a rule found.

    Attributes
    ----------
    code, name : str
        Of the rule; filled in when it is run.
    severity : Severity
    headline : str
        A few words: the cause as a title.
    message : str
        One or two plain sentences with the numbers.
    evidence : mapping of str to Estimate
        Each number behind the message, with its interval.
    nats : float or None
        How much of the loss, or of its change, this explains, in nats; None where that makes no
        sense.
    epochs : tuple of int
    samples : tuple of int or str
        Ids of the samples that show it.
    remedies : tuple of str
        Names of remedies that help.
    advice : str
        What to do about it, from the rule's text.
    references : tuple of str
        arXiv or DOI identifiers, from the rule's text.
    """

    severity: Severity
    headline: str
    message: str
    evidence: Mapping[str, Estimate] = field(default_factory=dict)
    nats: float | None = None
    epochs: tuple[int, ...] = ()
    samples: tuple[int | str, ...] = ()
    remedies: tuple[str, ...] = ()
    advice: str = ""
    code: str = ""
    name: str = ""
    references: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """The answer in short.

    Attributes
    ----------
    code, name : str
        Of the finding it rests on; ``WL000``, ``cannot-tell`` where there is none.
    severity : Severity
    title : str
        The cause in a few words.
    headline : str
        What happened: one or two sentences that a beginner understands.
    explanation : str
        Why: the sentences after the headline.
    """

    code: str
    name: str
    severity: Severity
    title: str
    headline: str
    explanation: str

    @property
    def text(self) -> str:
        """The headline, and why."""
        return f"{self.headline} {self.explanation}".rstrip()


@dataclass(frozen=True)
class NotChecked:
    """Something that was not checked, and why.

    Attributes
    ----------
    code, name : str
        Of the rule; "remedy" and its name for a remedy.
    reason : str
    explained_by : str or None
        Name of the finding that explains what this one found, or that comes before it.
    """

    code: str
    name: str
    reason: str
    explained_by: str | None = None


@dataclass(frozen=True)
class OpenQuestion:
    """What these data cannot tell, and the lines that would log what is missing."""

    text: str
    snippet: str


@dataclass(frozen=True)
class Suspect:
    """A cause that fits the numbers and is not proved by them.

    Attributes
    ----------
    code, name : str
        Of the rule whose cause it is.
    why : str
        One sentence: the numbers that fit.
    check : str
        The one check that tells this cause from the next one.
    snippet : str
        Lines to copy that make the check; empty where there are none.
    """

    code: str
    name: str
    why: str
    check: str
    snippet: str = ""
