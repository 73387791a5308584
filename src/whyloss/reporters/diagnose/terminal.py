"""The diagnosis for the terminal: the answer first, then what it rests on."""

from __future__ import annotations

import math
from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from whyloss.formatting import format_nats, format_percent, format_signed
from whyloss.reporters.common import (
    changed_most,
    effect,
    interval,
    not_checked_lines,
    reference_line,
    reference_table,
    share_of_loss,
    short,
    slices_by_column,
)
from whyloss.results.finding import Severity

if TYPE_CHECKING:
    from rich.console import RenderableType

    from whyloss.results.attribution import Attribution
    from whyloss.results.diagnosis import Diagnosis
    from whyloss.results.metrics import SliceRow

WIDTH = 100  # longer lines are hard to read, whatever the window
BAR = 28

COLOURS = {
    Severity.ERROR: "red",
    Severity.WARNING: "dark_orange3",
    Severity.INFO: "blue",
    Severity.OK: "green",
}


def render(diagnosis: Diagnosis) -> str:
    """The diagnosis as plain text, without colour."""
    out = StringIO()
    console = Console(
        file=out, width=WIDTH, color_system=None, highlight=False, legacy_windows=False
    )
    console.print(_body(diagnosis))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def show(diagnosis: Diagnosis, console: Console | None = None) -> None:
    """Print the diagnosis, in colour where the terminal has it and NO_COLOR is not set."""
    console = console or Console(highlight=False)
    console.print(_body(diagnosis), width=min(WIDTH, console.width))


def _body(d: Diagnosis) -> Group:
    blocks: list[RenderableType] = [_verdict(d), Padding(_facts(d), (0, 2))]
    if d.reference_losses:
        blocks += _section("Reference values", _reference_losses(d))
    if d.attribution is not None:
        blocks += _section("Where the change comes from", _waterfall(d.attribution))
        blocks += _section("Who pays for it", _cells(d.attribution))
    if d.remedies:
        blocks += _section("What to do", _remedies(d))
    if len(d.findings) > 1:
        blocks += _section("Also found", _findings(d))
    if d.samples:
        blocks += _section("The most expensive samples", _samples(d))
    for name, rows in slices_by_column(d, most=5).items():
        blocks += _section(
            f"By {short(name)}: what costs most beyond its share first", _slices(rows)
        )
    if d.notes:
        blocks += _section("How it was read", Group(*(Text(note) for note in d.notes)))
    blocks += _section("What this cannot tell", _not_checked(d))
    references = [link for found in d.findings for link in found.references]
    if references:
        links = dict.fromkeys(reference_line(key) for key in references)
        blocks += _section("Is it known?", Text("\n".join(links), style="dim"))
    return Group(*blocks)


def _section(title: str, content: RenderableType) -> list[RenderableType]:
    return [Text(f"\n{title}", style="bold"), Padding(content, (0, 2))]


def _verdict(d: Diagnosis) -> Panel:
    colour = COLOURS[d.verdict.severity]
    text = Text(d.verdict.headline, style="bold")
    if d.verdict.explanation:
        text.append(f"\n{d.verdict.explanation}", style="not bold")
    title = f"[bold]{d.verdict.title}[/]  {d.verdict.code}"
    return Panel(text, title=title, title_align="left", border_style=colour, padding=(1, 2))


def _grid(*justify: str) -> Table:
    table = Table.grid(padding=(0, 3))
    for side in justify:
        table.add_column(justify="right" if side == "r" else "left", no_wrap=side == "r")
    return table


def _facts(d: Diagnosis) -> Table:
    table = _grid("r", "l")
    where = f"{d.split} split of {short(d.source)}"
    for name, label, form in (
        ("log_loss", "loss, nats", format_nats),
        ("refinement", "loss after calibration, out of fold", format_nats),
        ("accuracy", "accuracy", format_percent),
        ("temperature", "temperature that fits best", "{:.2f}".format),
    ):
        value = d.numbers.get(name)
        if value is None or isinstance(value, int | float | str):
            continue
        if math.isnan(value.value):
            continue
        table.add_row(form(value.value), f"{label} {interval(value, form)}".rstrip())
    if len(d.classes) == 2:
        positive = d.classes[1]
        for label, value in (("precision", positive.precision), ("recall", positive.recall)):
            if not math.isnan(value.value):
                name = f"{label} of class {short(positive.name, 20)}"
                table.add_row(
                    format_percent(value.value), Text(f"{name} {interval(value, format_percent)}")
                )
    n, k = d.numbers.get("n_samples"), d.numbers.get("n_classes")
    if n is not None:
        table.add_row(f"{n:,}", f"samples, {k} classes, {where}")
    else:
        table.add_row("", where)
    return table


def _reference_losses(d: Diagnosis) -> Table:
    head, *rows = reference_table(d)
    table = _grid("l", *("r" for _ in head[1:]))
    table.add_row(*(Text(short(cell), style="dim") for cell in head))
    for row in rows:
        table.add_row(*row)
    return table


def _waterfall(a: Attribution) -> Table:
    rows: list[tuple[str, str, str, float, float]] = [
        (f"loss at epoch {a.from_epoch}", format_nats(a.before), "", 0.0, a.before)
    ]
    level = a.before
    for part in a.parts:
        error = f"± {format_nats(1.96 * part.se)}" if part.se is not None else ""
        after = level + part.nats
        rows.append(
            (part.name, format_signed(part.nats), error, min(level, after), max(level, after))
        )
        level = after
    rows.append((f"loss at epoch {a.to_epoch}", format_nats(a.after), "", 0.0, a.after))
    scale = BAR / max(high for *_, high in rows)
    table = _grid("l", "r", "l", "l")
    for label, value, error, low, high in rows:
        start, stop = round(low * scale), round(high * scale)
        bar = " " * start + "█" * max(stop - start, 1 if high > low else 0)
        table.add_row(label, value, error, bar)
    if a.inflation is not None:
        table.add_row("size of the logits", f"× {a.inflation:.2f}", "", "")
    return table


def _cells(a: Attribution) -> Group:
    table = _grid("l", "r", "r", "l")
    table.add_row(
        "", Text("samples", style="dim"), Text("nats", style="dim"), Text("95 %", style="dim")
    )
    for row in a.cells:
        table.add_row(
            row.outcome,
            f"{row.samples:,}",
            format_signed(row.total.value),
            interval(row.total, format_signed),
        )
    table.add_row(
        Text("together", style="bold"),
        f"{a.n_samples:,}",
        Text(format_signed(a.total.value), style="bold"),
        interval(a.total, format_signed),
    )
    line = changed_most(a)
    return Group(table, Text(line)) if line else Group(table)


def _remedies(d: Diagnosis) -> Table:
    table = _grid("l", "l")
    for remedy in d.remedies:
        table.add_row("•", Text.assemble((remedy.title, "bold"), f"   {effect(remedy)}"))
        table.add_row("", Text(remedy.text, style="dim"))
        if snippet := remedy.snippets.get("numpy"):
            table.add_row("", Text(snippet, style="cyan"))
    return table


def _findings(d: Diagnosis) -> Table:
    table = _grid("l", "l")
    for found in d.findings[1:]:
        table.add_row(Text(found.name, style=COLOURS[found.severity]), Text(found.message))
    return table


def _samples(d: Diagnosis, n: int = 5) -> Table:
    table = _grid("l", "r", "r", "l", "l")
    heads = ("id", "loss", "of all", "label → predicted", "")
    table.add_row(*(Text(head, style="dim") for head in heads))
    for row in d.samples[:n]:
        table.add_row(
            Text(short(str(row.id), 20)),
            format_nats(row.log_loss),
            share_of_loss(row),
            Text(
                f"{short(row.label, 20)} → {short(row.predicted, 20)} ({format_percent(row.confidence, 0)})"
            ),
            Text(short(row.sample.text or row.sample.path or row.outcome or "", 30)),
        )
    return table


def _slices(rows: list[SliceRow]) -> Table:
    table = Table.grid(padding=(0, 2))
    heads = ("", "samples", "excess", "loss", "95 %", "accuracy", "95 %")
    for head in heads:
        table.add_column(justify="left" if head in {"", "95 %"} else "right", no_wrap=bool(head))
    table.add_row(*(Text(head, style="dim") for head in heads))
    for row in rows:
        table.add_row(
            Text(short(row.value, 24)),
            f"{row.samples:,}",
            format_signed(row.excess),
            format_nats(row.log_loss.value),
            interval(row.log_loss, format_nats),
            format_percent(row.accuracy.value),
            interval(row.accuracy, lambda share: f"{100 * share:.0f}"),
        )
    return table


def _not_checked(d: Diagnosis) -> Group:
    lines = []
    for question in d.open_questions:
        lines.append(Text(question.text))
        lines += [Text(f"  {line}", style="cyan") for line in question.snippet.splitlines()]
    lines += [Text(line, style="dim") for line in not_checked_lines(d)]
    return Group(*lines)
