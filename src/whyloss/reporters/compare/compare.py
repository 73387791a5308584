"""Two sides next to each other, for the terminal, for Markdown and for machines."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from whyloss.formatting import format_nats, format_percent, format_points, format_signed, pluralize
from whyloss.reporters import json
from whyloss.reporters.common import changed_most, interval, short
from whyloss.reporters.diagnose.markdown import escape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import RenderableType

    from whyloss.results.comparison import Comparison, MetricDifference, Side

WIDTH = 100
SHOWN = 10
NAMED = 20

_NAMES = {
    "log_loss": "loss, nats",
    "refinement": "after calibration",
    "calibration": "calibration",
    "accuracy": "accuracy",
}
_HEADS = ("", "A", "B", "B − A", "95 %", "")


def render(found: Comparison, form: str) -> str:
    """Text in one of the :data:`FORMATS`.

    Parameters
    ----------
    found : SideBySide
    form : {"terminal", "markdown", "json"}
    """
    return _RENDERERS[form](found)


def show(found: Comparison) -> None:
    """Print to the terminal, in colour where it has it and NO_COLOR is not set."""
    console = Console(highlight=False)
    console.print(_body(found), width=min(WIDTH, console.width))


def one_line(found: Comparison) -> str:
    """What differs, in one line."""
    return headline(found)


# --- in words -----------------------------------------------------------------------------------


def headline(found: Comparison) -> str:
    by_name = {contrast.metric: contrast for contrast in found.contrasts}
    loss, accuracy = by_name["log_loss"], by_name["accuracy"]
    by = f"by {format_nats(abs(loss.difference.value))} nats"
    change = f"B − A: {format_points(accuracy.difference.value)}"
    if loss.better:
        first = f"{loss.better} has the smaller loss, {by}"
    elif loss.difference.low is None:
        smaller = "B" if loss.difference.value < 0 else "A"
        first = f"{smaller} has the smaller loss, {by}, and whether by chance is not known"
    else:
        first = (
            f"The losses do not clearly differ (B − A: {format_signed(loss.difference.value)} nats)"
        )
    if accuracy.better and accuracy.better == loss.better:
        return f"{first}, and the larger accuracy ({change})."
    if accuracy.better:
        return f"{first}; {accuracy.better} has the larger accuracy ({change})."
    if accuracy.difference.low is None:
        return f"{first}; the accuracies differ ({change}), and whether by chance is not known."
    return f"{first}; the accuracies do not clearly differ ({change})."


def _where(side: Side) -> str:
    parts = [short(side.split)]
    if side.epoch is not None:
        parts.append(f"epoch {side.epoch}")
    if side.n_samples is not None:
        parts.append(pluralize(side.n_samples, "sample"))
    return ", ".join(parts)


def _how(found: Comparison) -> str:
    if found.n_common is None:
        return ""
    return f"Compared sample by sample, on {pluralize(found.n_common, 'sample')}."


def _forms(metric: str) -> tuple[Callable[[float], str], Callable[[float], str]]:
    """How the number is written, and how its difference is."""
    return (format_percent, format_points) if metric == "accuracy" else (format_nats, format_signed)


def _ends(contrast: MetricDifference) -> str:
    if contrast.metric == "accuracy":
        return interval(contrast.difference, lambda share: format_signed(100 * share, 1))
    return interval(contrast.difference, format_signed)


def _judged(contrast: MetricDifference) -> str:
    if contrast.better:
        return f"{contrast.better} is better"
    return "may be chance" if contrast.difference.low is not None else "unknown error"


def _rows(found: Comparison) -> Iterator[tuple[str, ...]]:
    for contrast in found.contrasts:
        form, change = _forms(contrast.metric)
        yield (
            _NAMES[contrast.metric],
            form(contrast.first.value),
            form(contrast.second.value),
            change(contrast.difference.value),
            _ends(contrast),
            _judged(contrast),
        )


def _choices(found: Comparison) -> Iterator[str]:
    for purpose, contrast in found.choices.items():
        if contrast.better:
            yield f"For {purpose}: {contrast.better}."
        elif contrast.difference.low is None:
            yield f"For {purpose}: cannot be told, {contrast.difference.note}."
        else:
            yield f"For {purpose}: either; the difference may be chance."


def _named(found: Comparison) -> Iterator[str]:
    for outcome, verb in (("fixed", "B is right and A wrong"), ("broke", "A is right and B wrong")):
        ids = found.named.get(outcome, ())
        if ids:
            more = " …" if len(ids) > NAMED else ""
            yield f"{verb}: {', '.join(short(str(i), 20) for i in ids[:NAMED])}{more}"


def _cells(found: Comparison) -> Iterator[tuple[str, ...]]:
    if found.attribution is None:
        return
    for row in found.attribution.cells:
        yield (
            row.outcome,
            f"{row.samples:,}",
            format_signed(row.total.value),
            interval(row.total, format_signed),
        )


def _samples(found: Comparison) -> Iterator[tuple[str, ...]]:
    for row in found.samples[:SHOWN]:
        if row.log_loss[0] == row.log_loss[1]:
            return
        yield (
            short(str(row.id), 20),
            format_nats(row.log_loss[0]),
            format_nats(row.log_loss[1]),
            short(row.label, 20),
            short(row.predicted[0], 20),
            short(row.predicted[1], 20),
            row.outcome,
            short(row.text or row.path or "", 30),
        )


_CELL_HEADS = ("from A to B", "samples", "nats", "95 %")
_SAMPLE_HEADS = ("id", "loss A", "loss B", "label", "A says", "B says", "from A to B", "")


# --- terminal -----------------------------------------------------------------------------------


def _terminal(found: Comparison) -> str:
    out = StringIO()
    console = Console(
        file=out, width=WIDTH, color_system=None, highlight=False, legacy_windows=False
    )
    console.print(_body(found))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _body(found: Comparison) -> Group:
    sides = Table.grid(padding=(0, 3))
    for letter, side in (("A", found.first), ("B", found.second)):
        sides.add_row(Text(letter, style="bold"), Text(short(side.name, 60)), Text(_where(side)))
    blocks: list[RenderableType] = [
        Text(headline(found), style="bold"),
        Text(""),
        Padding(sides, (0, 2)),
    ]
    if how := _how(found):
        blocks.append(Padding(Text(how, style="dim"), (0, 2)))
    blocks += _section("What differs", _table(_HEADS, list(_rows(found)), right=(1, 2, 3)))
    blocks += _section("Which to take", Text("\n".join(_choices(found))))
    if found.attribution is not None:
        blocks += _section(
            "Who makes the difference", _table(_CELL_HEADS, list(_cells(found)), (1, 2))
        )
        if line := changed_most(found.attribution):
            blocks.append(Padding(Text(line), (0, 2)))
    if lines := list(_named(found)):
        blocks.append(Padding(Text("\n".join(lines)), (0, 2)))
    if samples := list(_samples(found)):
        blocks += _section("The samples that differ most", _table(_SAMPLE_HEADS, samples, (1, 2)))
    if found.notes:
        blocks += _section(
            "How they were compared", Text("\n".join(short(note, 1000) for note in found.notes))
        )
    return Group(*blocks)


def _section(title: str, content: RenderableType) -> list[RenderableType]:
    return [Text(f"\n{title}", style="bold"), Padding(content, (0, 2))]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int]) -> Table:
    table = Table.grid(padding=(0, 2))
    for at in range(len(heads)):
        table.add_column(
            justify="right" if at in right else "left", no_wrap=at in right or heads[at] == "95 %"
        )
    table.add_row(*(Text(head, style="dim") for head in heads))
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table


# --- Markdown -----------------------------------------------------------------------------------


def _markdown(found: Comparison) -> str:
    return "\n".join(_markdown_lines(found)).rstrip() + "\n"


def _markdown_lines(found: Comparison) -> Iterator[str]:
    yield f"# {escape(headline(found))}\n"
    for letter, side in (("A", found.first), ("B", found.second)):
        yield f"- **{letter}**: {escape(short(side.name, 60))}, {escape(_where(side))}"
    if how := _how(found):
        yield f"\n{how}"
    yield "\n## What differs\n"
    yield from _markdown_table(_HEADS, _rows(found))
    yield "\n## Which to take\n"
    yield from (f"- {line}" for line in _choices(found))
    if found.attribution is not None:
        yield "\n## Who makes the difference\n"
        yield from _markdown_table(_CELL_HEADS, _cells(found))
        if line := changed_most(found.attribution):
            yield f"\n{line}"
    if lines := list(_named(found)):
        yield ""
        yield from (f"- {escape(line)}" for line in lines)
    if samples := list(_samples(found)):
        yield "\n## The samples that differ most\n"
        yield from _markdown_table(_SAMPLE_HEADS, samples)
    if found.notes:
        yield "\n## How they were compared\n"
        yield from (f"- {escape(short(note, 1000))}" for note in found.notes)


def _markdown_table(
    heads: Sequence[str], rows: Iterator[tuple[str, ...]] | list[Any]
) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'|'.join([' --- '] * len(heads))}|"
    for row in rows:
        yield f"| {' | '.join(escape(cell) for cell in row)} |"


_RENDERERS: dict[str, Callable[[Comparison], str]] = {
    "terminal": _terminal,
    "markdown": _markdown,
    "json": json.render,
}
FORMATS = tuple(_RENDERERS)
