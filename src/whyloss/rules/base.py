"""What a rule is, what it finds, and how one is registered."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from whyloss.results.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from whyloss.evidence import Evidence
    from whyloss.results.level import Level
    from whyloss.testing import KnownCause

# The sections that the text of every rule has, in this order.
SECTIONS = (
    "What it means",
    "Signature",
    "Statistic and threshold",
    "Not to be confused with",
    "Remedy",
    "References",
)


# Evidence and thresholds (keywords) in, a finding or nothing out.
Check = Callable[..., "Finding | None"]


@dataclass(frozen=True)
class Rule:
    """A registered rule: its check, its text, and the examples that keep it honest.

    Attributes
    ----------
    code, name : str
        ``WL301`` and ``overconfidence``.
    needs : Level
        The least evidence that it can work on.
    since : str
        Version that brought it.
    check : callable
    thresholds : mapping of str to float
        The keyword defaults of the check. A name that begins with ``min_`` holds back what is
        smaller, one with ``max_`` what is larger.
    fires : callable
        Seed to an example that the rule must find.
    near_misses : mapping of str to callable
        For each threshold, seed to an example that this threshold alone holds back.
    text : str
        The whole documentation, in Markdown.
    """

    code: str
    name: str
    needs: Level
    since: str
    check: Check
    thresholds: Mapping[str, float]
    fires: Callable[[int], KnownCause]
    near_misses: Mapping[str, Callable[[int], KnownCause]]
    text: str

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

    def run(self, evidence: Evidence, **thresholds: float) -> Finding | None:
        """Look for the pattern; thresholds that are not given keep their defaults."""
        found = self.check(evidence, **thresholds)
        if found is None:
            return None
        return replace(found, code=self.code, name=self.name, references=self.references)

    def off(self, threshold: str) -> dict[str, float]:
        """The keyword that switches one threshold off."""
        return {threshold: -math.inf if threshold.startswith("min_") else math.inf}


def rule(
    code: str,
    *,
    name: str,
    needs: Level,
    since: str,
    fires: Callable[[int], KnownCause],
    near_misses: Mapping[str, Callable[[int], KnownCause]],
) -> Callable[[Check], Rule]:
    """Make a rule of a check; its docstring becomes the rule's page.

    Parameters
    ----------
    code, name, needs, since, fires, near_misses
        As in :class:`Rule`.
    """

    def register(check: Check) -> Rule:
        thresholds = {
            parameter.name: parameter.default
            for parameter in inspect.signature(check).parameters.values()
            if parameter.kind is parameter.KEYWORD_ONLY
        }
        return Rule(
            code=code,
            name=name,
            needs=needs,
            since=since,
            check=check,
            thresholds=thresholds,
            fires=fires,
            near_misses=near_misses,
            text=inspect.getdoc(check) or "",
        )

    return register
