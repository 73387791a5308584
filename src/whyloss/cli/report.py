"""``whyloss report``: the answer as one HTML file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from whyloss.cli.options import (
    quiet_option,
    run_diagnosis,
    tee_option,
    what_is_known,
    which_part,
    working,
)
from whyloss.cli.output import output_option, refuse_to_replace, say

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Unpack

    from whyloss.readers import KnownFacts


@click.command()
@click.argument("source")
@output_option("whyloss-report.html")
@which_part
@what_is_known
@tee_option
@quiet_option
def report(
    source: str,
    *,
    output: Path,
    split: str | None,
    from_epoch: int | None,
    to_epoch: int | None,
    quiet: bool,
    tee: bool | None,
    **known: Unpack[KnownFacts],
) -> None:
    """Write the answer about SOURCE as one HTML file."""
    refuse_to_replace(source, output)
    found = run_diagnosis(
        source, split=split, from_epoch=from_epoch, to_epoch=to_epoch, quiet=quiet, tee=tee, **known
    )
    with working("Drawing the report", quiet=quiet):
        found.to_html(output)
    say(f"{found.verdict.headline}\nReport: {output}")
