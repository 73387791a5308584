"""``whyloss demo``: the cases that whyloss was made for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from whyloss.cli.options import quiet_option, working
from whyloss.cli.output import output_option, say

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("case", required=False)
@click.option("--list", "only_list", is_flag=True, help="List the cases and stop.")
@output_option("whyloss-report.html")
@quiet_option
def demo(case: str | None, only_list: bool, output: Path, quiet: bool) -> None:
    """See it work: run CASE (C1 to C7; C1 if left out), and list the others."""
    from whyloss import cases  # noqa: PLC0415 - late, so that --help is quick

    if only_list:
        for known in cases.ALL.values():
            say(f"{known.code}  {known.question}")
        return
    chosen = cases.find(case or "C1")
    say(f"{chosen.code}: {chosen.question}\n{chosen.setting}\n")
    with working("Computing", quiet=quiet):
        lines = chosen.lines()
    for line in lines:
        say(line)
    with working("Diagnosing", quiet=quiet):
        found = chosen.diagnose()
    found.show()
    with working("Drawing the report", quiet=quiet):
        found.to_html(output)
    say(f"\nReport: {output}")
    if chosen.page is not None:
        page = output.with_name(f"{output.stem}-{chosen.code.lower()}.html")
        chosen.page(page)
        say(f"Interactive page: {page}")
    if chosen.trained_by:
        say(f"Train it yourself: python -m {chosen.trained_by} --help")
    if case is None:
        others = ", ".join(code for code in cases.ALL if code != chosen.code)
        say(f"More cases: whyloss demo --list ({others})")
