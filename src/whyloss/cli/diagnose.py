"""``whyloss diagnose``: the answer, in the terminal or for a machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from whyloss.api import Diagnosis
from whyloss.cli.options import quiet_option, run_diagnosis, tee_option, what_is_known, which_part
from whyloss.cli.output import say, say_in_utf8

if TYPE_CHECKING:
    from typing import Unpack

    from whyloss.readers import KnownFacts


@click.command()
@click.argument("source")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(Diagnosis.FORMATS),
    default="terminal",
    show_default=True,
    help="What to print.",
)
@click.option("--brief", is_flag=True, help="Print the answer alone, in five lines at most.")
@which_part
@what_is_known
@tee_option
@quiet_option
def diagnose(
    source: str,
    *,
    output_format: str,
    brief: bool,
    split: str | None,
    from_epoch: int | None,
    to_epoch: int | None,
    quiet: bool,
    tee: bool | None,
    **known: Unpack[KnownFacts],
) -> None:
    """Say why the loss of SOURCE is what it is.

    SOURCE is a recorded run, a file of curves or of predictions, the text of a log in quotes, or -
    for what comes on stdin:

    \b
    whyloss diagnose runs/exp1
    whyloss diagnose "loss: 0.40 - acc: 0.82 - val_loss: 0.46 - val_acc: 0.78" --classes 2
    whyloss diagnose history.csv --brief
    python train.py | whyloss diagnose -
    """  # noqa: D301 - click reads \b as "keep these lines apart"
    diagnosis = run_diagnosis(
        source, split=split, from_epoch=from_epoch, to_epoch=to_epoch, quiet=quiet, tee=tee, **known
    )
    if output_format == "terminal" or brief:
        diagnosis.show(brief=brief)
    elif output_format == "html":
        say_in_utf8(diagnosis.render(output_format))
    else:
        say(diagnosis.render(output_format), nl=False)
