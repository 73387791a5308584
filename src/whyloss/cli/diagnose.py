"""``whyloss diagnose``: the answer, in the terminal or for a machine."""

from __future__ import annotations

from typing import Any

import click

from whyloss.cli.options import quiet_option, run_diagnosis, what_is_known, which_part


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
@what_is_known
@quiet_option
def diagnose(
    source: str,
    *,
    form: str,
    split: str | None,
    from_epoch: int | None,
    to_epoch: int | None,
    quiet: bool,
    **known: Any,  # noqa: ANN401 - what_is_known
) -> None:
    """Say why the loss of SOURCE is what it is.

    SOURCE is a recorded run, a file of curves or of predictions, the text of a log in quotes, or -
    for what comes on stdin:

    \b
    whyloss diagnose runs/exp1
    whyloss diagnose "loss: 0.40 - acc: 0.82 - val_loss: 0.46 - val_acc: 0.78" --classes 2
    whyloss diagnose history.csv
    python train.py | whyloss diagnose -
    """  # noqa: D301 - click reads \b as "keep these lines apart"
    found = run_diagnosis(
        source, split=split, from_epoch=from_epoch, to_epoch=to_epoch, quiet=quiet, **known
    )
    if form == "terminal":
        found.show()
    else:
        click.echo(found.render(form), nl=False)
