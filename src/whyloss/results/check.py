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
    outcome : ConditionOutcome
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
    conditions : tuple of ConditionResult
        In the order in which they were given.
    """

    diagnosis: Diagnosis
    strict: bool
    conditions: tuple[ConditionResult, ...]

    @property
    def source(self) -> str:
        """Name of what was diagnosed."""
        return self.diagnosis.source

    @property
    def split(self) -> str:
        """The split that was diagnosed."""
        return self.diagnosis.split

    @property
    def verdict(self) -> str:
        """Name of the verdict of the diagnosis."""
        return self.diagnosis.verdict.name

    def count(self, outcome: ConditionOutcome) -> int:
        """Number of conditions with this outcome.

        Parameters
        ----------
        outcome : ConditionOutcome
        """
        return sum(condition.outcome is outcome for condition in self.conditions)

    @property
    def outcome(self) -> ConditionOutcome:
        """Failed if any condition is, else not checked if any is not."""
        for worst in (ConditionOutcome.FAILED, ConditionOutcome.NOT_CHECKED):
            if self.count(worst):
                return worst
        return ConditionOutcome.PASSED
