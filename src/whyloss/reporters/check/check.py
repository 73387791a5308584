"""What became of the conditions of a check, for people and for continuous integration."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from whyloss.formatting import pluralize
from whyloss.reporters import json
from whyloss.reporters.common import short
from whyloss.reporters.diagnose.markdown import escape
from whyloss.results.check import ConditionOutcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from whyloss.results.check import CheckResult, ConditionResult

_WORDS = {
    ConditionOutcome.PASSED: "passed",
    ConditionOutcome.FAILED: "FAILED",
    ConditionOutcome.NOT_CHECKED: "NOT CHECKED",
}
_MARKS = {
    ConditionOutcome.PASSED: "✅",
    ConditionOutcome.FAILED: "❌",
    ConditionOutcome.NOT_CHECKED: "⚠️",
}

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(checked: CheckResult, form: str) -> str:
    """Text in one of the :data:`FORMATS`.

    Parameters
    ----------
    checked : Checked
    form : {"terminal", "markdown", "json", "junit"}
    """
    return _RENDERERS[form](checked)


def show(checked: CheckResult) -> None:
    """Print what became of the conditions."""
    print(_terminal(checked), end="")  # noqa: T201 - it is asked for


def _terminal(checked: CheckResult) -> str:
    words = max(len(_WORDS[gate.outcome]) for gate in checked.conditions)
    width = max(len(short(gate.condition)) for gate in checked.conditions)
    lines = [
        f"{_WORDS[gate.outcome]:<{words}}  {short(gate.condition):<{width}}  "
        f"{short(gate.message, 1000)}".rstrip()
        for gate in checked.conditions
    ]
    return "\n".join([*lines, summary(checked)]) + "\n"


def _markdown(checked: CheckResult) -> str:
    verdict = checked.diagnosis.verdict
    lines = [
        f"### {_MARKS[checked.outcome]} whyloss check: {checked.outcome.value}",
        "",
        f"**{escape(verdict.title)}.** {escape(verdict.headline)}",
        "",
        "| | condition | |",
        "| --- | --- | --- |",
        *(
            f"| {_MARKS[gate.outcome]} {gate.outcome.value} | {escape(short(gate.condition))} "
            f"| {escape(short(gate.message, 1000))} |"
            for gate in checked.conditions
        ),
        "",
        escape(summary(checked)),
    ]
    return "\n".join(lines) + "\n"


def _junit(checked: CheckResult) -> str:
    failed, unchecked = (
        checked.count(ConditionOutcome.FAILED),
        checked.count(ConditionOutcome.NOT_CHECKED),
    )
    totals = {
        "tests": f"{len(checked.conditions)}",
        "failures": f"{failed}",
        "errors": f"{unchecked}",
        "skipped": "0",
    }
    root = ET.Element("testsuites", {"name": "whyloss", **totals})
    name = _xml(f"{checked.diagnosis.source}, {checked.diagnosis.split}")
    suite = ET.SubElement(root, "testsuite", {"name": name, **totals})
    for gate in checked.conditions:
        _case(suite, gate, name)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _case(suite: ET.Element, gate: ConditionResult, name: str) -> None:
    case = ET.SubElement(suite, "testcase", {"classname": name, "name": _xml(gate.condition)})
    message = _xml(gate.message)
    if gate.outcome is ConditionOutcome.PASSED:
        ET.SubElement(case, "system-out").text = message
    else:
        kind = "failure" if gate.outcome is ConditionOutcome.FAILED else "error"
        ET.SubElement(case, kind, {"message": message, "type": gate.outcome.value}).text = message


def _xml(text: str) -> str:
    """Text without the characters that XML has no way to write."""
    return _NO_XML.sub("\ufffd", text)


def summary(checked: CheckResult) -> str:
    """What became of the conditions, in one line."""
    total = pluralize(len(checked.conditions), "condition")
    parts = [
        f"{n} {outcome.value}" for outcome in ConditionOutcome if (n := checked.count(outcome))
    ]
    where = f"split {short(checked.diagnosis.split)} of {short(checked.diagnosis.source)}"
    epoch = checked.diagnosis.numbers.get("epoch")
    at = "" if epoch is None else f", epoch {epoch}"
    return f"{total}: {', '.join(parts)} ({where}{at})."


_RENDERERS: dict[str, Callable[[CheckResult], str]] = {
    "terminal": _terminal,
    "markdown": _markdown,
    "json": json.render,
    "junit": _junit,
}
FORMATS = tuple(_RENDERERS)
