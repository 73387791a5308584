"""Write the page of every rule, and their index, from the rules themselves.

Usage: ``python tools/rule_pages.py docs/rules``. A test holds the written pages against the code.
"""

import inspect
import sys
from pathlib import Path

from whyloss.evidence import Evidence
from whyloss.rules import ALL, Check, Rule

NOTICE = (
    "<!-- Written by tools/rule_pages.py from the rule itself: edit the rule, not this page. -->"
)


def page(rule: Rule) -> str:
    """The page of one rule."""
    lines = [NOTICE, f"# {rule.name} ({rule.code})", "", rule.summary, ""]
    lines += [f"Needs: {rule.needs}. Since: {rule.since}.", ""]
    lines += ["| evidence | what is checked | thresholds |", "| --- | --- | --- |"]
    lines += [
        f"| {check.level} | {_claim(check)} | {_thresholds(check)} |" for check in rule.checks
    ]
    lines += [""]
    for title, body in rule.sections.items():
        lines += [f"## {title}", "", body, ""]
    if rule.explains:
        names = ", ".join(f"`{name}`" for name in rule.explains)
        lines += ["## Sets aside", "", f"Where this is found, {names} would only describe it.", ""]
    lines += ["## What it says", ""]
    for check in rule.checks:
        found = check.find(Evidence(check.fires(1).source))
        lines += [f"From {check.level}: {found.message}", ""]
    return "\n".join(lines)


def _claim(check: Check) -> str:
    return inspect.getdoc(check.find).partition("\n")[0]


def _thresholds(check: Check) -> str:
    return ", ".join(f"`{name}` = {value:g}" for name, value in check.thresholds.items()) or "none"


def index() -> str:
    """The list of all rules."""
    lines = [
        NOTICE,
        "# Rules",
        "",
        "| code | rule | finds that | needs |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| {rule.code} | [{rule.name}]({rule.name}.md) | {rule.summary} | {rule.needs} |"
        for rule in sorted(ALL, key=lambda rule: rule.code)
    ]
    # For the site; on a plain Markdown viewer the table above is the way.
    lines += ["", "```{toctree}", ":hidden:", ":glob:", "", "*", "```"]
    return "\n".join([*lines, ""])


def pages() -> dict[str, str]:
    """Every page by file name."""
    return {"index.md": index(), **{f"{rule.name}.md": page(rule) for rule in ALL}}


def main() -> None:
    """Write the pages into the folder named on the command line."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.md"):
        old.unlink()
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
