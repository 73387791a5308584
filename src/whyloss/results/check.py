"""What became of the conditions of a check."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from whyloss.results.diagnosis import Diagnosis


class ConditionOutcome(StrEnum):
    """What became of a condition."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True)
class ConditionResult:
    """One condition and what became of it.

    Attributes
    ----------
    condition : str
        As it was written.
    outcome : Outcome
    message : str
        The number or the finding that it rests on.
    """

    condition: str
    outcome: ConditionOutcome
    message: str


@dataclass(frozen=True)
class CheckResult:
    """What became of all conditions.

    Attributes
    ----------
    diagnosis : Diagnosis
    strict : bool
        Whether numbers failed by their value, or only with their whole 95 % interval.
    gates : tuple of Gate
        In the order of the conditions.
    """

    diagnosis: Diagnosis
    strict: bool
    gates: tuple[ConditionResult, ...]

    def count(self, outcome: ConditionOutcome) -> int:
        """Number of conditions with this outcome."""
        return sum(gate.outcome is outcome for gate in self.gates)

    @property
    def outcome(self) -> ConditionOutcome:
        """Failed if any condition is, else not checked if any is not."""
        for worst in (ConditionOutcome.FAILED, ConditionOutcome.NOT_CHECKED):
            if self.count(worst):
                return worst
        return ConditionOutcome.PASSED
