"""Options that several verbs share, and the spinner of long work."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from whyloss.diagnosis import Diagnosis

F = TypeVar("F", bound="Callable[..., Any]")


def which_part(command: F) -> F:
    """Add the options that choose the split and the epochs to explain."""
    for option in (
        click.option("--to", "to_epoch", type=int, help="Last epoch to consider."),
        click.option("--from", "from_epoch", type=int, help="Explain the change since this epoch."),
        click.option("--split", help="Split to explain; the validation split if there is one."),
    ):
        command = option(command)
    return command


quiet_option = click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")


def run_diagnosis(
    source: str,
    *,
    split: str | None,
    from_epoch: int | None,
    to_epoch: int | None,
    quiet: bool,
) -> Diagnosis:
    """Diagnose `source` with a spinner on stderr."""
    with working("Reading and diagnosing", quiet=quiet):
        from whyloss.diagnosis import diagnose  # noqa: PLC0415 - late, so that --help is quick

        return diagnose(source, split=split, from_epoch=from_epoch, to_epoch=to_epoch)


@contextmanager
def working(what: str, *, quiet: bool) -> Iterator[None]:
    """Show on stderr that something takes time; nothing where stderr is no terminal."""
    if quiet or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console  # noqa: PLC0415 - late, so that --help is quick

    with Console(stderr=True).status(f"{what} …"):
        yield


def output_option(default: str) -> Callable[[F], F]:
    """Add the option that names the file to write, in a folder that exists."""

    def in_a_folder(_context: click.Context, _parameter: click.Parameter, value: Path) -> Path:
        if not value.parent.is_dir():
            raise click.BadParameter(f"the folder {str(value.parent)!r} does not exist")
        return value

    return click.option(
        "-o",
        "--output",
        type=click.Path(dir_okay=False, path_type=Path),
        default=Path(default),
        callback=in_a_folder,
        show_default=True,
        help="File to write.",
    )
