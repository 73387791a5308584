"""``whyloss watch``: the answer while the training runs, in the terminal or in the browser."""

from __future__ import annotations

import math
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Never

import click

from whyloss.cli.options import opened, quiet_option, what_is_known, working
from whyloss.cli.output import say
from whyloss.cli.stdin import is_stream

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Unpack

    from whyloss.readers import KnownFacts
    from whyloss.results.watch import WatchState
    from whyloss.verbs.watch.watcher import Watcher

NOTE = "Ctrl-C ends with the whole diagnosis."
PAUSE = 3.0  # times the duration of the last diagnosis: at most a quarter of one core is used


def _number(_context: click.Context, _parameter: click.Parameter, value: float) -> float:
    if math.isnan(value):
        raise click.BadParameter("expected a number of seconds, got NaN")
    return value


@click.command()
@click.argument("source")
@click.option(
    "--interval",
    type=click.FloatRange(min=0.1, max=86_400),
    callback=_number,
    default=2.0,
    show_default=True,
    help="Seconds between two looks; more where a look takes long.",
)
@click.option("--web", is_flag=True, help="Serve the report to a browser on this machine, too.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Port for --web; any free one if left out.",
)
@click.option("--split", help="Split to explain; the validation split if there is one.")
@what_is_known
@quiet_option
def watch(
    source: str,
    *,
    interval: float,
    web: bool,
    port: int,
    split: str | None,
    quiet: bool,
    **known: Unpack[KnownFacts],
) -> None:
    """Follow SOURCE while the training runs; Ctrl-C ends with the whole diagnosis.

    SOURCE is a run that is being recorded, a log that grows, or another file or folder of curves.
    It need not be there yet, and it may be deleted, replaced or begun again. Where the output is
    no terminal, a line is printed for each change.

    \b
    whyloss watch runs/exp1
    whyloss watch train.log --classes 10
    whyloss watch runs/exp1 --web --port 8000

    With --web the report follows the training in the browser. Only this machine can reach it, and
    only with the address that is printed, which is another one each time. From another machine use
    ssh -L 8000:localhost:8000, and the same address there.
    """  # noqa: D301 - click reads \b as "keep these lines apart"
    if is_stream(source):
        raise click.UsageError(f"A log from a pipe is followed by: whyloss diagnose {source}")
    opened(source, known, quiet=quiet)
    from whyloss.readers import ReadOptions  # noqa: PLC0415
    from whyloss.reporters.watch.terminal import Lines, Screen  # noqa: PLC0415
    from whyloss.verbs.watch.watcher import Watcher  # noqa: PLC0415 - late, so that --help is quick

    options = ReadOptions(**known)
    with Watcher(source, options=options, split=split) as watcher:
        try:
            with ExitStack() as stack:
                shows: list[Callable[[WatchState], None]] = []
                if web:
                    from whyloss.reporters.html.page import render  # noqa: PLC0415
                    from whyloss.reporters.watch.web import LiveServer  # noqa: PLC0415

                    server = stack.enter_context(LiveServer(port, draw=render))
                    shows.append(server.show)
                    say(f"The report: {server.address}", err=True)
                display: Screen | Lines = Screen(NOTE) if sys.stdout.isatty() else Lines()
                stack.enter_context(display)
                _follow(watcher, [*shows, display.show], interval)
        except KeyboardInterrupt:
            _end(watcher, quiet=quiet)


def _follow(watcher: Watcher, shows: list[Callable[[WatchState], None]], interval: float) -> Never:
    while True:
        began = time.monotonic()
        view = watcher.look()
        for show in shows:
            show(view)
        time.sleep(max(interval, PAUSE * (time.monotonic() - began)))


def _end(watcher: Watcher, *, quiet: bool) -> None:
    """Show the whole diagnosis of what there is."""
    with working("Diagnosing", quiet=quiet):
        found = watcher.look().diagnosis
    if found is None:
        raise KeyboardInterrupt
    from whyloss.reporters.diagnose import show  # noqa: PLC0415 - late, so that --help is quick

    show(found)
