"""The result of a check as JUnit XML, which CI systems draw."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from whyloss.results.check import ConditionOutcome

if TYPE_CHECKING:
    from whyloss.results.check import CheckResult, ConditionResult

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(result: CheckResult) -> str:
    """XML text: a test case for each condition; one that is not checked is an error."""
    totals = {
        "tests": f"{len(result.conditions)}",
        "failures": f"{result.count(ConditionOutcome.FAILED)}",
        "errors": f"{result.count(ConditionOutcome.NOT_CHECKED)}",
        "skipped": "0",
    }
    root = ET.Element("testsuites", {"name": "whyloss", **totals})
    name = _xml(f"{result.source}, {result.split}")
    suite = ET.SubElement(root, "testsuite", {"name": name, **totals})
    for row in result.conditions:
        _case(suite, row, name)
    ET.indent(root)
    # In ASCII, which is the same in whatever encoding the stream has.
    text: bytes = ET.tostring(root, encoding="us-ascii", xml_declaration=False)
    return text.decode() + "\n"


def _case(suite: ET.Element, row: ConditionResult, name: str) -> None:
    case = ET.SubElement(suite, "testcase", {"classname": name, "name": _xml(row.condition)})
    message = _xml(row.message)
    if row.outcome is ConditionOutcome.PASSED:
        ET.SubElement(case, "system-out").text = message
    else:
        kind = "failure" if row.outcome is ConditionOutcome.FAILED else "error"
        ET.SubElement(case, kind, {"message": message, "type": row.outcome.value}).text = message


def _xml(text: str) -> str:
    """Text without the characters that XML has no way to write."""
    return _NO_XML.sub("\ufffd", text)
