"""The result of a check in words, the same for every format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whyloss.formatting import pluralize
from whyloss.reporters.common import short
from whyloss.results.check import ConditionOutcome

if TYPE_CHECKING:
    from whyloss.results.check import CheckResult


def summary(result: CheckResult) -> str:
    """What became of the conditions, in one line."""
    total = pluralize(len(result.conditions), "condition")
    parts = [f"{n} {outcome.value}" for outcome in ConditionOutcome if (n := result.count(outcome))]
    where = f"split {short(result.split)} of {short(result.source)}"
    epoch = result.diagnosis.numbers.get("epoch")
    at = "" if epoch is None else f", epoch {epoch}"
    return f"{total}: {', '.join(parts)} ({where}{at})."
