"""``whyloss samples``: which samples to look at, as a table for labelling tools."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from whyloss.cli.options import opened, quiet_option, what_is_known, working
from whyloss.formatting import pluralize

FORMATS = ("csv", "jsonl", "parquet")


@click.command()
@click.argument("source")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write; stdout if left out.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="By the suffix of the file if left out, csv on stdout.",
)
@click.option("--top", type=click.IntRange(min=1), help="The most suspect ones only.")
@click.option("--split", help="Split to review; the validation split if there is one.")
@click.option("--epoch", type=int, help="Review this epoch; the last one if left out.")
@what_is_known
@quiet_option
def samples(
    source: str,
    *,
    output: Path | None,
    form: str | None,
    top: int | None,
    split: str | None,
    epoch: int | None,
    quiet: bool,
    **known: Any,  # noqa: ANN401 - what_is_known
) -> None:
    """List the samples of SOURCE to look at, most suspect label first.

    Those that the model contradicts and those that a finding names, each with the reason. Of a run
    the scores are means over all epochs. No label is changed: a person must say which are wrong.

    \b
    whyloss samples runs/exp1 --top 50
    whyloss samples runs/exp1 -o review.csv
    whyloss samples predictions.npz --format jsonl | head

    In CSV a text that a spreadsheet would take for a formula (it begins with = + - @) gets an
    apostrophe in front; JSON lines and Parquet hold every text as it is.
    """  # noqa: D301 - click reads \b as "keep these lines apart"
    chosen = form or _by_suffix(output)
    if chosen == "parquet" and output is None and sys.stdout.isatty():
        raise click.UsageError("Parquet is no text for a terminal: name a file with -o.")
    with working("Reading and comparing", quiet=quiet):
        from whyloss.api import review as review_source  # noqa: PLC0415 - late, so that --help is quick

        found_source, options = opened(source, known, quiet=quiet)
        found = review_source(found_source, split=split, epoch=epoch, top=top, **options)
    from whyloss.reporters.review.review import write  # noqa: PLC0415

    if output is None:
        write(found, chosen, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    else:
        with output.open("wb") as file:
            write(found, chosen, file)
    if quiet:
        return
    for note in found.notes:
        click.echo(note, err=True)
    many = len(found.epochs) > 1
    click.echo(
        f"{pluralize(len(found.rows), 'sample')} of {found.n_found:,} with a reason, of "
        f"{found.n_samples:,} in split {found.split}; score: {found.score.replace('_', ' ')}"
        f"{f', mean over {len(found.epochs)} epochs' if many else ''}"
        f"{f'. Written to {output}' if output else ''}.",
        err=True,
    )


def _by_suffix(output: Path | None) -> str:
    if output is None:
        return "csv"
    suffix = output.suffix.lower().removeprefix(".")
    if suffix not in FORMATS:
        raise click.UsageError(
            f"{output.name} does not tell the format: expected a name that ends in .csv, .jsonl or "
            f".parquet, or --format; got {output.suffix or 'no suffix'}."
        )
    return suffix
