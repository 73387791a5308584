"""What became of the conditions of a check, for people and for continuous integration."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from whyloss.diagnosis.gates import Outcome
from whyloss.reporters.markdown import escape
from whyloss.reporters.phrases import short
from whyloss.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from whyloss.diagnosis.gates import Checked, Gate

_WORDS = {Outcome.PASSED: "passed", Outcome.FAILED: "FAILED", Outcome.NOT_CHECKED: "NOT CHECKED"}
_MARKS = {Outcome.PASSED: "✅", Outcome.FAILED: "❌", Outcome.NOT_CHECKED: "⚠️"}

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(checked: Checked, form: str) -> str:
    """Text in one of the :data:`FORMATS`.

    Parameters
    ----------
    checked : Checked
    form : {"terminal", "markdown", "json", "junit"}
    """
    return _RENDERERS[form](checked)


def _terminal(checked: Checked) -> str:
    words = max(len(_WORDS[gate.outcome]) for gate in checked.gates)
    width = max(len(short(gate.condition)) for gate in checked.gates)
    lines = [
        f"{_WORDS[gate.outcome]:<{words}}  {short(gate.condition):<{width}}  "
        f"{short(gate.message, 1000)}".rstrip()
        for gate in checked.gates
    ]
    return "\n".join([*lines, _sum(checked)]) + "\n"


def _markdown(checked: Checked) -> str:
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
            for gate in checked.gates
        ),
        "",
        escape(_sum(checked)),
    ]
    return "\n".join(lines) + "\n"


def _json(checked: Checked) -> str:
    content = {
        "source": checked.diagnosis.source,
        "split": checked.diagnosis.split,
        "outcome": checked.outcome.value,
        "strict": checked.strict,
        "verdict": checked.diagnosis.verdict.name,
        "conditions": [
            {
                "condition": gate.condition,
                "outcome": gate.outcome.value,
                "message": gate.message,
            }
            for gate in checked.gates
        ],
    }
    return json.dumps(content, indent=2) + "\n"


def _junit(checked: Checked) -> str:
    failed, unchecked = checked.count(Outcome.FAILED), checked.count(Outcome.NOT_CHECKED)
    totals = {
        "tests": f"{len(checked.gates)}",
        "failures": f"{failed}",
        "errors": f"{unchecked}",
        "skipped": "0",
    }
    root = ET.Element("testsuites", {"name": "whyloss", **totals})
    name = _xml(f"{checked.diagnosis.source}, {checked.diagnosis.split}")
    suite = ET.SubElement(root, "testsuite", {"name": name, **totals})
    for gate in checked.gates:
        _case(suite, gate, name)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _case(suite: ET.Element, gate: Gate, name: str) -> None:
    case = ET.SubElement(suite, "testcase", {"classname": name, "name": _xml(gate.condition)})
    message = _xml(gate.message)
    if gate.outcome is Outcome.PASSED:
        ET.SubElement(case, "system-out").text = message
    else:
        kind = "failure" if gate.outcome is Outcome.FAILED else "error"
        ET.SubElement(case, kind, {"message": message, "type": gate.outcome.value}).text = message


def _xml(text: str) -> str:
    """Text without the characters that XML has no way to write."""
    return _NO_XML.sub("\ufffd", text)


def _sum(checked: Checked) -> str:
    total = counted(len(checked.gates), "condition")
    parts = [f"{n} {outcome.value}" for outcome in Outcome if (n := checked.count(outcome))]
    where = f"split {short(checked.diagnosis.split)} of {short(checked.diagnosis.source)}"
    epoch = checked.diagnosis.numbers.get("epoch")
    at = "" if epoch is None else f", epoch {epoch}"
    return f"{total}: {', '.join(parts)} ({where}{at})."


_RENDERERS: dict[str, Callable[[Checked], str]] = {
    "terminal": _terminal,
    "markdown": _markdown,
    "json": _json,
    "junit": _junit,
}
FORMATS = tuple(_RENDERERS)
