"""``whyloss demo``: the cases that whyloss was made for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from whyloss.cli.options import output_option, quiet_option, working

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("case", default="C1")
@click.option("--list", "only_list", is_flag=True, help="List the cases and stop.")
@output_option("whyloss-report.html")
@quiet_option
def demo(case: str, only_list: bool, output: Path, quiet: bool) -> None:
    """See it work: diagnose the recorded run of CASE."""
    from whyloss import cases  # noqa: PLC0415 - late, so that --help is quick

    if only_list:
        for known in cases.ALL.values():
            click.echo(f"{known.code}  {known.question}")
        return
    chosen = cases.find(case)
    click.echo(f"{chosen.code}: {chosen.question}\n{chosen.setting}\n")
    with working("Diagnosing the recorded run", quiet=quiet):
        found = chosen.diagnose()
    found.show()
    with working("Drawing the report", quiet=quiet):
        found.to_html(output)
    click.echo(f"\nReport: {output}")
