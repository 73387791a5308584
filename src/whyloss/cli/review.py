"""``whyloss review``: which samples to look at, as a table for labelling tools."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import click

from whyloss import api
from whyloss.api import Review
from whyloss.cli.options import opened, quiet_option, tee_option, what_is_known, working
from whyloss.cli.output import output_option, refuse_to_replace, say, say_in_utf8
from whyloss.formatting import pluralize

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Unpack

    from whyloss.readers import KnownFacts


@click.command()
@click.argument("source")
@output_option(None, "File to write; stdout if left out.")
@click.option(
    "--format",
    "table_format",
    type=click.Choice(Review.TABLE_FORMATS),
    help="By the suffix of the file if left out, csv on stdout.",
)
@click.option("--top", type=click.IntRange(min=1), help="The most suspect ones only.")
@click.option("--split", help="Split to review; the validation split if there is one.")
@click.option("--epoch", type=int, help="Review this epoch; the last one if left out.")
@what_is_known
@tee_option
@quiet_option
def review(
    source: str,
    *,
    output: Path | None,
    table_format: str | None,
    top: int | None,
    split: str | None,
    epoch: int | None,
    quiet: bool,
    tee: bool | None,
    **known: Unpack[KnownFacts],
) -> None:
    """List the samples of SOURCE to look at, most suspect label first.

    Listed are the samples that the model contradicts and those that a finding names, each with the
    reason. In a run the scores are means over all epochs. No label is changed: a person must decide
    which are wrong.

    \b
    whyloss review runs/exp1 --top 50
    whyloss review runs/exp1 -o review.csv
    whyloss review predictions.npz --format jsonl | head

    In CSV, text that a spreadsheet would take for a formula (it begins with = + - @ and is no
    number) gets an apostrophe in front, and so does text that begins with one: to read it back,
    remove one apostrophe. What is printed has no control characters; a file has every character.
    JSON lines and Parquet hold every text unchanged.
    """  # noqa: D301 - click reads \b as "keep these lines apart"
    chosen = table_format or _by_suffix(output)
    if chosen == "parquet" and output is None and sys.stdout.isatty():
        raise click.UsageError("Parquet cannot be shown in a terminal: name a file with -o.")
    if output is not None:
        refuse_to_replace(source, output)
    opened_source, options = opened(source, known, quiet=quiet, tee=tee)
    with working("Reading and comparing", quiet=quiet):
        found = api.review(opened_source, split=split, epoch=epoch, top=top, **options)
    if output is None:
        _print(found, chosen)
    else:
        with output.open("wb") as file:
            found.write(file, chosen)
    if quiet:
        return
    for note in found.notes:
        say(note, err=True)
    many = len(found.epochs) > 1
    say(
        f"{pluralize(len(found.rows), 'sample')} of {found.n_found:,} with a reason, of "
        f"{found.n_samples:,} in split {found.split}; score: {found.score.replace('_', ' ')}"
        f"{f', mean over {len(found.epochs)} epochs' if many else ''}"
        f"{f'. Written to {output}' if output else ''}.",
        err=True,
    )


def _print(found: Review, table_format: str) -> None:
    content = io.BytesIO()
    found.write(content, table_format)
    if table_format == "parquet":
        click.echo(content.getvalue(), nl=False)
    elif sys.stdout.isatty():
        say(content.getvalue().decode(), nl=False)
    else:
        say_in_utf8(content.getvalue().decode())


def _by_suffix(output: Path | None) -> str:
    if output is None:
        return "csv"
    suffix = output.suffix.lower().removeprefix(".")
    if suffix not in Review.TABLE_FORMATS:
        raise click.UsageError(
            f"{output.name} does not name a format: expected a name that ends in .csv, .jsonl or "
            f".parquet, or --format; got {output.suffix or 'no suffix'}."
        )
    return suffix
