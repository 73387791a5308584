"""What the commands print, and the files that they write."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from whyloss.errors import DataError
from whyloss.reporters.encoding import clean, make_encodable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

F = TypeVar("F", bound="Callable[..., Any]")


def say(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print a text without what could steer the terminal.

    Parameters
    ----------
    text : str
    err : bool, default False
        On stderr.
    nl : bool, default True
        End the line.
    """
    click.echo(clean(text), err=err, nl=nl)


def say_in_utf8(text: str) -> None:
    """Print a text that says of itself that it is UTF-8, whatever the encoding of stdout is.

    Parameters
    ----------
    text : str
    """
    click.echo(clean(text).encode("utf-8", "replace"), nl=False)


def prepare_streams() -> None:
    """Let stdout and stderr write every text, and count closed streams as empty ones.

    The files stand where the closed streams were. Otherwise the next file that is opened, such as
    a report, would stand there, and get what a library writes to stderr.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            empty = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115 - until the end
            setattr(sys, name, empty)
    for stream in (sys.stdout, sys.stderr):
        make_encodable(stream)


def drop_unwritten() -> None:
    """Give up what stdout or stderr did not take, which Python would try again at its end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with Path(os.devnull).open("w", encoding="utf-8") as nothing:
                os.dup2(nothing.fileno(), stream.fileno())


def output_option(default: str | None, description: str = "File to write.") -> Callable[[F], F]:
    """Add the option that names the file to write, in a folder that exists.

    Parameters
    ----------
    default : str or None
        The file to write if left out.
    description : str, optional
        For --help.
    """

    def in_a_folder(
        _context: click.Context, _parameter: click.Parameter, value: Path | None
    ) -> Path | None:
        if value is not None and not value.parent.is_dir():
            raise click.BadParameter(f"the folder {str(value.parent)!r} does not exist")
        return value

    return click.option(
        "-o",
        "--output",
        type=click.Path(dir_okay=False, path_type=Path),
        default=default,
        callback=in_a_folder,
        show_default=default is not None,
        help=description,
    )


def refuse_to_replace(source: str, output: Path) -> None:
    """Raise where the file to write is what is to be read, or part of it.

    Parameters
    ----------
    source : str
        The argument that names the input.
    output : Path

    Raises
    ------
    DataError
        Also where it is so by a symbolic or a hard link.
    """
    if not output.exists():
        return
    there = output.stat()
    if any(os.path.samestat(there, file) for file in _files_of(source)):
        raise DataError(
            f"The input would be replaced by {output}",
            expected="another name after -o",
            got=f"a file that is read as {source}",
        )


def _files_of(source: str) -> Iterator[os.stat_result]:
    """What is read for a source; nothing where it is the text of a log."""
    with suppress(OSError, ValueError):  # too long for a name, with a zero byte; no file on stdin
        if source == "-":
            yield os.fstat(sys.stdin.fileno())
            return
        path = Path(source)
        if not path.is_dir():
            yield path.stat()
            return
        from whyloss.data.layout import INFO_FILE, PACKED_FILE, SCALARS_FILE  # noqa: PLC0415 - late

        is_run = (path / INFO_FILE).exists()
        for file in path.rglob("*"):
            beside = is_run and file.parent == path  # what people keep in the folder of a run
            if beside and file.name not in {INFO_FILE, PACKED_FILE, SCALARS_FILE}:
                continue
            if file.suffix not in {".html", ".htm"} and file.is_file():
                yield file.stat()
