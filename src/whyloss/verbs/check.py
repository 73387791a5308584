"""Whether a diagnosis meets conditions that somebody set: for continuous integration."""

from __future__ import annotations

import difflib
import math
import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from whyloss import rules
from whyloss.errors import DataError
from whyloss.formatting import format_estimate, pluralize
from whyloss.results.check import CheckResult, ConditionOutcome, ConditionResult
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from whyloss.results.diagnosis import Diagnosis

# What a condition calls a number, and what the diagnosis calls it.
METRICS = {
    "accuracy": "accuracy",
    "log_loss": "log_loss",
    "loss": "log_loss",
    "refinement": "refinement",
    "calibration": "calibration",
    "temperature": "temperature",
    "n_samples": "n_samples",
}

_COMPARISON = re.compile(
    r"\s*(?P<metric>[A-Za-z_]+)\s*(?P<operator><=|>=|<|>)\s*(?P<value>[-+]?[\d.]+(?:[eE][-+]?\d+)?)"
    r"\s*(?P<percent>%?)\s*"
)
_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def parse(conditions: Sequence[str]) -> list[Condition]:
    """Understand conditions before any work is done.

    Parameters
    ----------
    conditions : sequence of str
        Names or codes of rules, severities, or numbers such as ``"accuracy<0.9"``.

    Returns
    -------
    list of Condition
        In the order in which they were given.

    Raises
    ------
    DataError
        One of them is not understood.
    """
    return [_parse(text.strip()) for text in conditions]


def check(
    diagnosis: Diagnosis, conditions: Sequence[Condition], *, strict: bool = False
) -> CheckResult:
    """Evaluate conditions on a diagnosis; each describes what must *not* be the case.

    Parameters
    ----------
    diagnosis : Diagnosis
    conditions : sequence of Condition
        From :func:`parse`.
    strict : bool, default False
        Let a number fail by its value; else it fails only where its whole 95 % interval does, so
        that chance alone seldom stops anybody. A number without an interval always fails by its
        value.

    Returns
    -------
    CheckResult
    """
    return CheckResult(
        diagnosis, strict, tuple(condition.evaluate(diagnosis, strict) for condition in conditions)
    )


@dataclass(frozen=True)
class _Severity:
    text: str
    least: Severity

    def evaluate(self, diagnosis: Diagnosis, strict: bool) -> ConditionResult:  # noqa: ARG002 - all alike
        severe = [found for found in diagnosis.findings if found.severity.at_least(self.least)]
        if not severe:
            return ConditionResult(self.text, ConditionOutcome.PASSED, "no such finding")
        named = ", ".join(f"{found.name} ({found.code})" for found in severe)
        return ConditionResult(
            self.text, ConditionOutcome.FAILED, f"{pluralize(len(severe), 'finding')}: {named}"
        )


@dataclass(frozen=True)
class _Rule:
    text: str
    name: str

    def evaluate(self, diagnosis: Diagnosis, strict: bool) -> ConditionResult:  # noqa: ARG002 - all alike
        for found in diagnosis.findings:
            if found.name == self.name:
                return ConditionResult(
                    self.text, ConditionOutcome.FAILED, f"{found.headline}: {found.message}"
                )
        for item in diagnosis.not_checked:
            if item.name == self.name:
                outcome = (
                    ConditionOutcome.NOT_CHECKED
                    if item.explained_by is None
                    else ConditionOutcome.PASSED
                )
                return ConditionResult(self.text, outcome, item.reason)
        return ConditionResult(self.text, ConditionOutcome.PASSED, "not found")


@dataclass(frozen=True)
class _Number:
    text: str
    metric: str
    operator: str
    bound: float

    def evaluate(self, diagnosis: Diagnosis, strict: bool) -> ConditionResult:
        name = METRICS[self.metric]
        number = diagnosis.numbers.get(name)
        value = Estimate(number, unit="count") if isinstance(number, int | float) else number
        if not isinstance(value, Estimate) or math.isnan(value.value):
            return ConditionResult(
                self.text,
                ConditionOutcome.NOT_CHECKED,
                f"{name} is not known from {diagnosis.level.value} of this kind or size",
            )
        written = format_estimate(value)
        if not self._meets(value.value):
            return ConditionResult(self.text, ConditionOutcome.PASSED, written)
        if strict or value.low is None or value.high is None:
            return ConditionResult(self.text, ConditionOutcome.FAILED, written)
        if self._meets(value.low) and self._meets(value.high):
            return ConditionResult(self.text, ConditionOutcome.FAILED, written)
        return ConditionResult(
            self.text,
            ConditionOutcome.PASSED,
            f"{written}: beyond the bound, but not with its whole interval: it may be chance "
            "(--strict fails on the value)",
        )

    def _meets(self, value: float) -> bool:
        return _OPERATORS[self.operator](value, self.bound)


Condition = _Severity | _Rule | _Number


def _parse(text: str) -> Condition:
    wanted = text.lower()
    for severity in Severity:
        if wanted == severity.value and severity is not Severity.OK:
            return _Severity(text, severity)
    for rule in rules.ALL:
        if wanted in {rule.name, rule.code.lower()}:
            return _Rule(text, rule.name)
    found = _COMPARISON.fullmatch(text)
    if found and found["metric"].lower() in METRICS:
        try:
            bound = float(found["value"]) / (100.0 if found["percent"] else 1.0)
        except ValueError:  # such as 1.2.3
            pass
        else:
            return _Number(text, found["metric"].lower(), found["operator"], bound)
    raise _not_understood(text, found["metric"].lower() if found else wanted)


def _not_understood(text: str, wanted: str) -> DataError:
    severities = [severity.value for severity in Severity if severity is not Severity.OK]
    known = [
        *severities,
        *METRICS,
        *(name for rule in rules.ALL for name in (rule.name, rule.code)),
    ]
    close = difflib.get_close_matches(wanted, known, n=1)
    return DataError(
        f"The condition {text[:80]!r} is not understood",
        expected=f"{', '.join(severities)}, a rule, or one of {', '.join(METRICS)} with "
        "<, <=, > or >= and a number, such as accuracy<0.9",
        got=text[:80] or "nothing",
        hint=f"Did you mean {close[0]}?" if close else "whyloss rules lists the rules.",
    )
