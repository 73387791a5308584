"""The result of a check as Markdown, for the summary of a CI job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whyloss.reporters.check.wording import summary
from whyloss.reporters.common import short
from whyloss.reporters.markdown import escape, table
from whyloss.results.check import ConditionOutcome

if TYPE_CHECKING:
    from whyloss.results.check import CheckResult

_SIGNS = {
    ConditionOutcome.PASSED: "✅",
    ConditionOutcome.FAILED: "❌",
    ConditionOutcome.NOT_CHECKED: "⚠️",
}


def render(result: CheckResult) -> str:
    """Markdown text."""
    verdict = result.diagnosis.verdict
    lines = [
        f"### {_SIGNS[result.outcome]} whyloss check: {result.outcome.value}",
        "",
        f"**{escape(verdict.title)}.** {escape(verdict.headline)}",
        "",
        *table(
            ("", "condition", ""),
            (
                (
                    f"{_SIGNS[row.outcome]} {row.outcome.value}",
                    short(row.condition),
                    short(row.message, 1000),
                )
                for row in result.conditions
            ),
        ),
        "",
        escape(summary(result)),
    ]
    return "\n".join(lines) + "\n"
