"""The result of a check for the terminal: a line for each condition."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from whyloss.reporters.check.wording import summary
from whyloss.reporters.common import short
from whyloss.reporters.encoding import clean, encodable
from whyloss.results.check import ConditionOutcome

if TYPE_CHECKING:
    from whyloss.results.check import CheckResult

_WORDS = {
    ConditionOutcome.PASSED: "passed",
    ConditionOutcome.FAILED: "FAILED",
    ConditionOutcome.NOT_CHECKED: "NOT CHECKED",
}


def render(result: CheckResult) -> str:
    """The result as plain text."""
    words = max(len(_WORDS[row.outcome]) for row in result.conditions)
    width = max(len(short(row.condition)) for row in result.conditions)
    lines = [
        f"{_WORDS[row.outcome]:<{words}}  {short(row.condition):<{width}}  "
        f"{short(row.message, 1000)}".rstrip()
        for row in result.conditions
    ]
    return "\n".join([*lines, summary(result)]) + "\n"


def show(result: CheckResult) -> None:
    """Print what became of the conditions."""
    with encodable(sys.stdout):
        print(clean(render(result)), end="")  # noqa: T201 - it is asked for
