"""``whyloss diagnose``: the answer, in the terminal or for a machine."""

from __future__ import annotations

import click

from whyloss.cli.options import quiet_option, run_diagnosis, which_part


@click.command()
@click.argument("source")
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "markdown", "json", "html"]),
    default="terminal",
    show_default=True,
    help="What to print.",
)
@which_part
@quiet_option
def diagnose(
    source: str,
    *,
    form: str,
    split: str | None,
    from_epoch: int | None,
    to_epoch: int | None,
    quiet: bool,
) -> None:
    """Say why the loss of SOURCE (a recorded run) is what it is."""
    found = run_diagnosis(
        source, split=split, from_epoch=from_epoch, to_epoch=to_epoch, quiet=quiet
    )
    if form == "terminal":
        found.show()
    else:
        click.echo(found.render(form), nl=False)
