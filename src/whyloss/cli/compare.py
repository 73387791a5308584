"""``whyloss compare``: two runs, epochs or sets of predictions side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from whyloss import api
from whyloss.api import Comparison
from whyloss.cli.options import opened, quiet_option, what_is_known, working
from whyloss.cli.output import say

if TYPE_CHECKING:
    from typing import Unpack

    from whyloss.readers import KnownFacts


@click.command()
@click.argument("a")
@click.argument("b")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(Comparison.FORMATS),
    default="terminal",
    show_default=True,
    help="What to print.",
)
@click.option("--split", help="Split to compare; the validation split if there is one.")
@what_is_known
@quiet_option
def compare(
    a: str,
    b: str,
    *,
    output_format: str,
    split: str | None,
    quiet: bool,
    **known: Unpack[KnownFacts],
) -> None:
    """Say what differs between A and B beyond noise, in which samples, and which to take.

    A and B are anything that can be diagnosed. PATH@N is epoch N of a run; without @N the last
    epoch is taken. Samples with the same ids are compared one by one, which shows far smaller
    differences.

    \b
    whyloss compare runs/exp1 runs/exp2
    whyloss compare runs/exp1@3 runs/exp1@12
    whyloss compare old.npz new.npz --format markdown
    """  # noqa: D301 - click reads \b as "keep these lines apart"
    if "-" in {a, b}:
        raise click.UsageError("Two sides are needed: expected files or runs, got - for stdin.")
    sides = [opened(source, known, quiet=quiet)[0] for source in (a, b)]
    with working("Reading and comparing", quiet=quiet):
        comparison = api.compare(*sides, split=split, **known)
    if output_format == "terminal":
        comparison.show()
    else:
        say(comparison.render(output_format), nl=False)
