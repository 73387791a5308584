"""``whyloss compare``: two runs, epochs or sets of predictions side by side."""

from __future__ import annotations

from typing import Any

import click

from whyloss.cli.options import opened, quiet_option, what_is_known, working

FORMATS = ("terminal", "markdown", "json")


@click.command()
@click.argument("a")
@click.argument("b")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
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
    form: str,
    split: str | None,
    quiet: bool,
    **known: Any,  # noqa: ANN401 - what_is_known
) -> None:
    """Say what differs between A and B beyond noise, in which samples, and which to take.

    A and B are whatever can be diagnosed. PATH@N is epoch N of a run, otherwise the last one
    counts. Samples with the same ids are compared one by one, which sees far smaller differences.

    \b
    whyloss compare runs/exp1 runs/exp2
    whyloss compare runs/exp1@3 runs/exp1@12
    whyloss compare old.npz new.npz --format markdown
    """  # noqa: D301 - click reads \b as "keep these lines apart"
    if "-" in {a, b}:
        raise click.UsageError("Two sides are needed: expected files or runs, got - for stdin.")
    with working("Reading and comparing", quiet=quiet):
        from whyloss.api import compare as compare_sources  # noqa: PLC0415 - late

        for source in (a, b):
            opened(source, known, quiet=quiet)
        found = compare_sources(a, b, split=split, **known)
    if form == "terminal":
        found.show()
    else:
        click.echo(found.render(form), nl=False)
