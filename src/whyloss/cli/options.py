"""Options that several verbs share, and the spinner of long work."""

from __future__ import annotations

import re
import shlex
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from whyloss.cli.stdin import is_pipe, is_stream, read_stream
from whyloss.formatting import pluralize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Unpack

    from whyloss.api import Diagnosis
    from whyloss.data import Source
    from whyloss.readers import KnownFacts

F = TypeVar("F", bound="Callable[..., Any]")

MOST_LISTED = 20  # runs of a folder


def which_part(command: F) -> F:
    """Add the options that choose the split and the epochs to explain.

    Parameters
    ----------
    command : callable
    """
    for option in (
        click.option("--to", "to_epoch", type=int, help="Last epoch to consider."),
        click.option("--from", "from_epoch", type=int, help="Explain the change since this epoch."),
        click.option("--split", help="Split to explain; the validation split if there is one."),
    ):
        command = option(command)
    return command


def what_is_known(command: F) -> F:
    """Add options for facts that the input does not contain.

    Parameters
    ----------
    command : callable
    """
    for option in (
        click.option(
            "--scale",
            type=click.Choice(["logits", "log_probs", "probs"]),
            help="What the predictions of a file are.",
        ),
        click.option("--task", help="binary, multiclass, multilabel, token or regression."),
        click.option(
            "--class-shares",
            callback=_shares,
            metavar="A,B,…",
            help="Shares (or counts) of the classes in the validation split.",
        ),
        click.option("--n-train", type=click.IntRange(min=1), help="Number of training samples."),
        click.option("--n-val", type=click.IntRange(min=1), help="Number of validation samples."),
        click.option(
            "--classes", "n_classes", type=click.IntRange(min=2), help="Number of classes."
        ),
        click.option(
            "--map",
            "columns",
            multiple=True,
            callback=_mapping,
            metavar="NAME=MEANING",
            help="What a name in a log or a file means: --map vl=val.loss, or in a file of "
            "predictions --map y=labels. May be repeated.",
        ),
        click.option(
            "--metric",
            metavar="NAME[:min|max]",
            help="The score to judge the loss by; the direction where whyloss does not know it.",
        ),
        click.option(
            "--max-bytes",
            callback=_size,
            metavar="SIZE",
            help="What a file may unpack to, such as 20GB; a hundred times its size if left out, "
            "but at most half of the memory.",
        ),
        click.option("--model", help="Which of several models or runs in one file is meant."),
    ):
        command = option(command)
    return command


def _mapping(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    pairs = {}
    for value in values:
        theirs, equals, ours = value.rpartition("=")
        if not (theirs and equals and ours):
            raise click.BadParameter(
                f"expected NAME=MEANING, such as vl=val.loss or y=labels; got {value}"
            )
        pairs[theirs] = ours
    return pairs


def _size(_context: click.Context, _parameter: click.Parameter, value: str | None) -> int | None:
    if value is None:
        return None
    said = re.fullmatch(r"(\d{1,15})\s?([kmgt]?)b?", value.strip(), re.IGNORECASE)
    if said is None or int(said[1]) == 0:
        raise click.BadParameter(f"expected a size such as 500MB or 20GB; got {value}")
    return int(int(said[1]) * 1000 ** " kmgt".index(said[2].lower() or " "))


def _shares(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> tuple[float, ...] | None:
    if value is None:
        return None
    try:
        counts = [float(part) for part in value.split(",")]
    except ValueError:
        raise click.BadParameter(f"expected numbers such as 0.7,0.3; got {value}") from None
    total = sum(counts)
    if len(counts) < 2 or min(counts) < 0 or not 0 < total < float("inf"):
        raise click.BadParameter(f"expected at least two shares, none negative; got {value}")
    return tuple(count / total for count in counts)


quiet_option = click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
tee_option = click.option(
    "--tee/--no-tee",
    default=None,
    help="Pass text from a pipe on to stderr while it is read; so it is if that is a terminal.",
)


def run_diagnosis(
    source: str,
    *,
    split: str | None,
    from_epoch: int | None,
    to_epoch: int | None,
    quiet: bool,
    tee: bool | None,
    **known: Unpack[KnownFacts],
) -> Diagnosis:
    """Diagnose `source` (``-``: what comes on stdin) with a spinner on stderr.

    Parameters
    ----------
    source : str
        A path, the text of a log, or ``-``.
    split : str or None
    from_epoch, to_epoch : int or None
    quiet : bool
        Without the spinner.
    tee : bool or None
        As in :func:`opened`.
    **known : KnownFacts
        What the options of :func:`what_is_known` say.
    """
    found, known = opened(source, known, quiet=quiet, tee=tee)
    with working("Reading and diagnosing", quiet=quiet):
        from whyloss.api import diagnose  # noqa: PLC0415 - late, so that --help is quick

        return diagnose(found, split=split, from_epoch=from_epoch, to_epoch=to_epoch, **known)


def opened(
    source: str, known: KnownFacts, *, quiet: bool, tee: bool | None = False
) -> tuple[str | Source, KnownFacts]:
    """What to diagnose, and the facts still to be passed on: a stream is read here, no path is.

    Parameters
    ----------
    source : str
    known : KnownFacts
    quiet : bool
    tee : bool or None, default False
        Pass what comes from a stream on to stderr; None does where that is a terminal.

    Raises
    ------
    click.ClickException
        A folder of several runs: which of them is meant?
    """
    if is_stream(source):
        if tee is None:
            tee = not quiet and sys.stderr.isatty() and is_pipe(source)
        # Without a spinner, which would stand in the way of the lines that are said meanwhile.
        return read_stream(source, known, quiet=quiet, tee=tee), {}
    if runs := _runs_in(source):
        verb = click.get_current_context().info_name
        lines = [f"  whyloss {verb} {shlex.quote(str(run))}" for run in runs[:MOST_LISTED]]
        if len(runs) > MOST_LISTED:
            lines.append(f"  … and {len(runs) - MOST_LISTED} more")
        raise click.ClickException(
            "\n".join(
                [
                    f"{source} is a folder of {pluralize(len(runs), 'run')}; name one of them:",
                    *lines,
                ]
            )
        )
    return source, known


def _runs_in(source: str) -> list[Path]:
    """The runs in a folder that is none itself, or in its folders."""
    try:
        folder = Path(source)
        if not folder.is_dir() or (folder / "run.json").exists():
            return []
        return sorted(
            {path.parent for depth in ("*", "*/*") for path in folder.glob(f"{depth}/run.json")}
        )
    except (OSError, ValueError):  # the text of a log: too long for a name, or with a zero byte
        return []


@contextmanager
def working(what: str, *, quiet: bool) -> Iterator[None]:
    """Show on stderr that something takes time; nothing where stderr is no terminal.

    Parameters
    ----------
    what : str
        Such as ``Reading``.
    quiet : bool
    """
    if quiet or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console  # noqa: PLC0415 - late, so that --help is quick

    with Console(stderr=True).status(f"{what} …", spinner="line"):  # in ASCII
        yield
