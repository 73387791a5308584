"""A training while it runs, in the terminal: a panel that is redrawn, or a line for each change."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

from rich.console import Group
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from whyloss.formatting import (
    format_interval,
    format_nats,
    format_percent,
    format_value,
    pluralize,
)
from whyloss.reporters.common import short
from whyloss.reporters.diagnose.terminal import COLOURS
from whyloss.reporters.encoding import clean
from whyloss.reporters.terminal import WIDTH, Cleaned, console_of_stdout

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Self, TextIO

    from rich.console import RenderableType

    from whyloss.results.diagnosis import Diagnosis
    from whyloss.results.metrics import Metrics
    from whyloss.results.watch import WatchState

CURVE = 60  # epochs at most
FRAME = 6  # columns that a panel takes for its border and padding
_BARS = "▁▂▃▄▅▆▇█"


class Lines:
    """Prints what has changed, a line each: for pipes and files.

    Parameters
    ----------
    out : text file, optional
        Stdout if left out.
    """

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._before: WatchState | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, view: WatchState) -> None:
        """Print the difference to the view before."""
        if self._before is None or view.number != self._before.number:
            for line in changes(self._before, view):
                print(clean(line), file=self._out, flush=True)
        self._before = view


class Screen:
    """Redraws a panel in place: for terminals, also slow ones.

    Parameters
    ----------
    note : str
        A line below the panel.
    """

    def __init__(self, note: str) -> None:
        self._note = note
        # Drawn when something changes, so that a slow line carries no more than that.
        self._live = Live(console=console_of_stdout(), auto_refresh=False)
        self._shown: WatchState | None = None

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, view: WatchState) -> None:
        """Draw the view, if it is another one than before."""
        if view is self._shown:
            return
        self._shown = view
        body = Group(panel(view, self._live.console.width), Text(self._note, style="dim"))
        self._live.update(Cleaned(body), refresh=True)


def changes(before: WatchState | None, now: WatchState) -> Iterator[str]:
    """What a line-by-line account of the training says next.

    Parameters
    ----------
    before : WatchState or None
        The state of the last lines; None before the first.
    now : WatchState
    """
    found, old = now.diagnosis, before.diagnosis if before else None
    if found is not None and found is not old:
        again = before is not None and now.restarts != before.restarts
        if again:
            yield "The training has begun again."
        rows = _rows(found)
        known = -1 if again or before is None else before.last
        new = [row for row in rows if row.epoch > known]
        for row in new if old is not None else new[-1:]:
            yield f"epoch {row.epoch}: {_numbers(row)}"
        if old is None or found.verdict.name != old.verdict.name:
            at = f"epoch {now.last}: " if now.last >= 0 else ""
            yield f"{at}{found.verdict.title}. {short(found.verdict.headline, 1000)}"
    if now.waiting and now.waiting != (before.waiting if before else ""):
        yield short(now.waiting, 1000)


def panel(view: WatchState, width: int) -> RenderableType:
    """Epoch, loss, accuracy and verdict of the moment.

    Parameters
    ----------
    view : WatchState
    width : int
        Columns of the terminal.
    """
    width = min(WIDTH, width)
    found = view.diagnosis
    if found is None:
        return Panel(Text(short(view.waiting, 1000)), width=width, padding=(1, 2))
    rows = _rows(found)
    lines = (
        [Text(f"{pluralize(len(rows), 'epoch')}, the last one {rows[-1].epoch}")] if rows else []
    )
    if rows:
        lines += [*_curves(rows, width - FRAME), Text("")]
    lines.append(Text(short(found.verdict.headline, 1000), style="bold"))
    if rest := found.verdict.explanation:
        lines.append(Text(short(rest, 1000)))
    if view.restarts:
        lines.append(
            Text(f"The training has begun again {pluralize(view.restarts, 'time')}.", style="dim")
        )
    if view.waiting:
        lines.append(Text(short(view.waiting, 1000), style="yellow"))
    title = Text.assemble((found.verdict.title, "bold"), f"  {short(found.source)}")
    title.append(f", {short(found.split, 20)}")
    return Panel(
        Group(*lines),
        title=title,
        title_align="left",
        border_style=COLOURS[found.verdict.severity],
        width=width,
        padding=(1, 2),
    )


def _rows(found: Diagnosis) -> list[Metrics]:
    """Epochs of the split in question, in their order."""
    return sorted(
        (row for row in found.epochs if row.split == found.split), key=lambda row: row.epoch
    )


def _numbers(row: Metrics) -> str:
    parts = []
    if not math.isnan(row.log_loss.value):
        parts.append(f"loss {format_nats(row.log_loss.value)}")
    if not math.isnan(row.accuracy.value):
        parts.append(f"accuracy {format_percent(row.accuracy.value)}")
    return ", ".join(parts) or "nothing that can be scored"


def _curves(rows: Sequence[Metrics], width: int) -> Iterator[Text]:
    """Loss and accuracy of the last epoch, with their intervals and a small curve."""
    last = rows[-1]
    for name, value, curve in (
        ("loss", last.log_loss, [row.log_loss.value for row in rows]),
        ("accuracy", last.accuracy, [row.accuracy.value for row in rows]),
    ):
        if math.isnan(value.value):
            continue
        text = Text(f"{name:<9}{format_value(value.value, value.unit):>7}", style="bold")
        text.append(f"  {format_interval(value):<17}  ", style="not bold dim")
        room = min(CURVE, width - len(text))
        if room > 1:
            text.append(sparkline(curve[-room:]), style="not bold")
        yield text


def sparkline(values: Sequence[float]) -> str:
    """A curve in one line of blocks, from the smallest value to the largest; gaps are blank."""
    finite = [value for value in values if math.isfinite(value)]
    if len(finite) < 2:
        return ""
    low, high = min(finite), max(finite)
    step = (high - low) / (len(_BARS) - 1) or 1.0
    return "".join(
        _BARS[round((value - low) / step)] if math.isfinite(value) else " " for value in values
    )
