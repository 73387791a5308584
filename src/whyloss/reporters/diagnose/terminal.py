"""The diagnosis for the terminal: the answer first, then what it rests on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from whyloss.formatting import (
    format_interval,
    format_nats,
    format_percent,
    format_signed,
    format_value,
)
from whyloss.reporters.common import (
    changed_most,
    clear_remedies,
    effect,
    effect_interval,
    heading,
    margin,
    not_checked_lines,
    outcome_rows,
    reference_table,
    share_of_loss,
    short,
    slices_by_column,
    unclear_remedies,
)
from whyloss.reporters.diagnose.literature import literature
from whyloss.reporters.diagnose.short_answer import advice, short_answer
from whyloss.reporters.terminal import WIDTH, section, table, to_text
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Severity

if TYPE_CHECKING:
    from rich.console import RenderableType

    from whyloss.results.attribution import Attribution
    from whyloss.results.diagnosis import Diagnosis
    from whyloss.results.metrics import SliceRow
    from whyloss.results.samples import SampleRow

BAR = 28

COLOURS = {
    Severity.ERROR: "red",
    Severity.WARNING: "dark_orange3",
    Severity.INFO: "blue",
    Severity.OK: "green",
}


def render(diagnosis: Diagnosis) -> str:
    """The diagnosis as plain text, without colour."""
    return to_text(body(diagnosis, WIDTH))


def brief(diagnosis: Diagnosis, width: int) -> Text:
    """The answer alone, in five lines at most.

    Parameters
    ----------
    diagnosis : Diagnosis
    width : int
        Characters of a line.
    """
    answer = short_answer(diagnosis, width)
    title = Text(answer.title, style=f"bold {COLOURS[diagnosis.verdict.severity]}")
    lines = [title, *(Text(line, style="bold") for line in answer.reason)]
    return Text("\n").join([*lines, *(Text(line) for line in answer.action)])


def body(diagnosis: Diagnosis, width: int) -> Group:
    """The answer, and everything below it.

    Parameters
    ----------
    diagnosis : Diagnosis
    width : int
        Characters of a line.
    """
    d = diagnosis
    blocks: list[RenderableType] = [brief(d, width)]
    if rest := short_answer(d, width).rest:
        blocks += section("Why", Text(rest))
    if d.suspects:
        blocks += section("Possible causes", _suspects(d))
    if d.remedies or advice(d):
        blocks += section("What to do", _remedies(d))
    blocks += section("Numbers", _facts(d))
    blocks += _tables(d)
    if d.notes:
        blocks += section("How it was read", Group(*(Text(short(note, 1000)) for note in d.notes)))
    blocks += section("What this cannot tell", _not_checked(d))
    if references := literature(d):
        blocks += section("References", Text("\n".join(references), style="dim"))
    return Group(*blocks)


def _tables(d: Diagnosis) -> list[RenderableType]:
    """What the answer rests on."""
    blocks: list[RenderableType] = []
    if d.attribution is not None:
        blocks += section("Where the change comes from", _waterfall(d.attribution))
        blocks += section("Loss change by outcome", _outcomes(d.attribution))
    if d.reference_losses:
        head, *rows = reference_table(d)
        content = table([short(cell) for cell in head], rows, right=range(1, len(head)))
        blocks += section("Reference values", content)
    if len(d.findings) > 1:
        blocks += section("Also found", _findings(d))
    if d.samples:
        blocks += section("Samples with the largest loss", _samples(d))
    for name, slices in slices_by_column(d, most=5).items():
        blocks += section(f"By {short(name)}, largest excess first", _slices(slices))
    return blocks


def _grid(*justify: str) -> Table:
    grid = Table.grid(padding=(0, 3))
    for side in justify:
        grid.add_column(justify="right" if side == "r" else "left", no_wrap=side == "r")
    return grid


def _facts(d: Diagnosis) -> Table:
    grid = _grid("r", "l")
    for name, label in (
        ("log_loss", "loss, nats"),
        ("refinement", "loss after calibration, out of fold, nats"),
        ("accuracy", "accuracy"),
        ("temperature", "best-fitting temperature"),
    ):
        value = d.numbers.get(name)
        if isinstance(value, Estimate) and not math.isnan(value.value):
            _add_fact(grid, label, value)
    if len(d.classes) == 2:
        positive = d.classes[1]
        for label, value in (("precision", positive.precision), ("recall", positive.recall)):
            if not math.isnan(value.value):
                _add_fact(grid, f"{label} of class {short(positive.name, 20)}", value)
    return grid


def _add_fact(grid: Table, label: str, value: Estimate) -> None:
    text = Text(label)
    if bounds := format_interval(value):
        text.append(f" {bounds}", style="dim")
    grid.add_row(format_value(value.value, value.unit), text)


def _waterfall(a: Attribution) -> Table:
    rows: list[tuple[str, str, str, float, float]] = [
        (f"loss at epoch {a.from_epoch}", format_nats(a.before), "", 0.0, a.before)
    ]
    level = a.before
    for part in a.parts:
        after = level + part.nats
        low, high = min(level, after), max(level, after)
        rows.append((part.name, format_signed(part.nats), margin(part.se), low, high))
        level = after
    rows.append((f"loss at epoch {a.to_epoch}", format_nats(a.after), "", 0.0, a.after))
    scale = BAR / max(high for *_, high in rows)
    grid = _grid("l", "r", "l", "l")
    for label, value, error, low, high in rows:
        start, stop = round(low * scale), round(high * scale)
        bar = " " * start + "█" * max(stop - start, 1 if high > low else 0)
        grid.add_row(label, value, error, bar)
    if a.inflation is not None:
        grid.add_row("size of the logits", f"× {a.inflation:.2f}", "", "")
    return grid


def _outcomes(a: Attribution) -> Group:
    heads = (f"since epoch {a.from_epoch}", "samples", "nats", "95 %")
    grid = table(heads, outcome_rows(a, together=True), right=(1, 2))
    line = changed_most(a)
    return Group(grid, Text(line)) if line else Group(grid)


def _suspects(d: Diagnosis) -> Group:
    lines: list[RenderableType] = [
        Text("They fit the numbers; none of them is proved.", style="dim")
    ]
    for place, suspect in enumerate(d.suspects, 1):
        title = Text(f"{place}. {suspect.name} ({suspect.code})", style="bold")
        lines.append(title.append(f": {short(suspect.why, 1000)}", style="not bold"))
        lines.append(Padding(Text(f"Check: {short(suspect.check, 1000)}"), (0, 3)))
        if suspect.snippet:
            lines.append(Padding(Text(suspect.snippet, style="cyan"), (0, 3)))
    return Group(*lines)


def _remedies(d: Diagnosis) -> Table:
    grid = _grid("l", "l")
    if advised := advice(d):
        grid.add_row("•", Text(short(advised, 1000)))
    for remedy in clear_remedies(d):
        title = Text.assemble((short(heading(remedy), 200), "bold"), f"   {effect(remedy)}")
        grid.add_row("•", title.append(f" {effect_interval(remedy)}", style="dim"))
        grid.add_row("", Text(short(remedy.text, 1000)))
        if snippet := remedy.snippets.get("numpy"):
            grid.add_row("", Text(snippet, style="cyan"))
    if line := unclear_remedies(d):
        grid.add_row("•", Text(line, style="dim"))
    return grid


def _findings(d: Diagnosis) -> Group:
    return Group(
        *(
            Text.assemble(
                (finding.headline, f"bold {COLOURS[finding.severity]}"),
                f" ({finding.name}, {finding.code}): {short(finding.message, 1000)}",
            )
            for finding in d.findings[1:]
        )
    )


def _samples(d: Diagnosis, n: int = 5) -> Table:
    rows = [
        (
            short(str(row.id), 20),
            format_nats(row.log_loss),
            share_of_loss(row),
            f"{_label_change(row)} ({format_percent(row.confidence, 0)})",
            short(row.sample.text or row.sample.path or row.outcome or "", 30),
        )
        for row in d.samples[:n]
    ]
    return table(("id", "loss", "of all", "label → predicted", ""), rows, right=(1, 2))


def _label_change(row: SampleRow) -> str:
    return f"{short(row.label, 20)} → {short(row.predicted, 20)}"


def _slices(rows: list[SliceRow]) -> Table:
    heads = ("", "samples", "excess", "loss", "95 %", "accuracy", "95 %")
    cells = [
        (
            short(row.value, 24),
            f"{row.samples:,}",
            format_signed(row.excess),
            format_nats(row.log_loss.value),
            format_interval(row.log_loss),
            format_percent(row.accuracy.value),
            format_interval(row.accuracy),
        )
        for row in rows
    ]
    return table(heads, cells, right=(1, 2, 3, 5))


def _not_checked(d: Diagnosis) -> Group:
    lines = []
    for question in d.open_questions:
        lines.append(Text(question.text))
        lines += [Text(f"  {line}", style="cyan") for line in question.snippet.splitlines()]
    lines += [Text(short(line, 1000), style="dim") for line in not_checked_lines(d)]
    return Group(*lines)
