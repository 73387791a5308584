"""What the charts of a report are made of: colours, bars, curves and points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import altair as alt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Row = dict[str, Any]

# One meaning per colour. A page may pass names of its own, such as CSS variables.
COLOURS: Mapping[str, str] = {
    "loss": "#c2410c",
    "calibrated": "#0f766e",
    "accuracy": "#1d4ed8",
    "precision": "#7c3aed",
    "recall": "#a16207",
    "right": "#94a3b8",
    "wrong": "#be123c",
    "total": "#b6c0cc",
    "ink": "#1f2933",
    "muted": "#5b6876",
    "grid": "#e3e8ee",
    "paper": "#ffffff",
}
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
EPOCH = alt.X(
    "epoch:Q",
    title="epoch",
    scale=alt.Scale(zero=False, nice=False),
    # There is no epoch between two epochs.
    axis=alt.Axis(
        labelExpr="datum.value % 1 ? '' : format(datum.value, 'd')",
        labelFlush=False,
        labelOverlap="greedy",
        labelSeparation=6,
        grid=False,
    ),
)
# Ticks as people write numbers: 120 and 0.05, not 1.2e+2.
NUMBERS = (
    "datum.value && abs(datum.value) < 0.001 ? format(datum.value, '~e') "
    ": format(datum.value, ',.3~f')"
)
LINE = 16  # of text above a chart
_BAR_HEIGHT = 16
_BAR_STEP = 46  # a bar and the line of text above it


@dataclass(frozen=True)
class Bar:
    """One bar, with its name and its number in words."""

    name: str
    start: float
    end: float
    text: str
    colour: str


@dataclass(frozen=True)
class Curve:
    """One curve over the epochs; `rows` have epoch, value, low, high and text."""

    name: str
    rows: Sequence[Row]
    colour: str
    dash: Sequence[int] = (1, 0)
    strong: bool = True
    band: bool = True


@dataclass(frozen=True)
class Place:
    """A point on a curve that has a name."""

    epoch: int
    value: float
    text: str
    colour: str


def inline(rows: Sequence[Row], name: str | None = None) -> alt.InlineData:
    """The rows as the data of a chart, under a name where a page is to replace them."""
    values = list(rows)
    return alt.InlineData(values=values) if name is None else alt.InlineData(values, name=name)


def bars(
    title: str, content: Sequence[Bar], colours: Mapping[str, str], *, unit: str = "nats"
) -> alt.LayerChart:
    """Horizontal bars, from the first at the top to the last."""
    rows = [
        {"name": bar.name, "start": bar.start, "end": bar.end, "text": bar.text, "fill": bar.colour}
        for bar in content
    ]
    base = alt.Chart(inline(rows)).encode(
        y=alt.Y("name:N", sort=None, axis=None, scale=alt.Scale(padding=0))
    )
    # Name and number stand above their bar: they have the whole width, on a phone too.
    text = base.encode(y=alt.Y("name:N", sort=None, axis=None, bandPosition=0.25))
    drawn = base.mark_bar(height=_BAR_HEIGHT, yOffset=9, cornerRadius=2).encode(
        x=alt.X("start:Q", title=unit, axis=alt.Axis(labelExpr=NUMBERS, tickCount=5)),
        x2="end:Q",
        color=alt.Color("fill:N", scale=None),
    )
    names = text.mark_text(align="left", color=colours["ink"]).encode(x=alt.value(0), text="name:N")
    numbers = text.mark_text(align="right", color=colours["ink"], fontWeight=600).encode(
        x=alt.value("width"), text="text:N"
    )
    words = "; ".join(f"{bar.name} {bar.text}" for bar in content)
    height = _BAR_STEP * len(content)
    return finish(f"{title}: {words}.", [drawn, names, numbers], height, colours)


def legend(
    field: str,
    names: Sequence[str],
    colours: Sequence[str],
    *,
    symbol: str = "stroke",
    columns: int = 2,
    above: int = 0,
) -> alt.Color:
    """A colour for each name, and the legend that says so, above so many lines of text."""
    return alt.Color(
        f"{field}:N",
        scale=alt.Scale(domain=list(names), range=list(colours)),
        legend=alt.Legend(
            title=None,
            orient="top",
            columns=columns,
            symbolType=symbol,
            labelLimit=230,
            symbolOpacity=1,
            offset=8 + LINE * above,
        ),
    )


def lines(curves: Sequence[Curve], y: alt.Y, *, columns: int, above: int) -> list[alt.Chart]:
    """Bands, weak and strong lines, and the points that answer to the pointer."""
    names = [curve.name for curve in curves]
    colour = legend(
        "curve", names, [curve.colour for curve in curves], columns=columns, above=above
    )
    dash = alt.StrokeDash(
        "curve:N", scale=alt.Scale(domain=names, range=[list(curve.dash) for curve in curves])
    )

    rows = [
        {"curve": curve.name, "strong": curve.strong, "band": curve.band, **row}
        for curve in curves
        for row in curve.rows
    ]
    base = alt.Chart(inline(rows)).encode(x=EPOCH)  # one copy of the rows in the page
    bands = base.transform_filter("datum.band").mark_area(opacity=0.15, clip=True)
    layers = [bands.encode(y=alt.Y("low:Q"), y2="high:Q", color=colour)]
    # Vega warns of layers without rows.
    for strong, width in ((False, 1.3), (True, 2.4)):
        if any(curve.strong is strong for curve in curves):
            kept = base.transform_filter("datum.strong" if strong else "!datum.strong")
            line = kept.mark_line(strokeWidth=width, clip=True)
            layers.append(line.encode(y=y, color=colour, strokeDash=dash))
    points = base.mark_point(size=120, opacity=0, clip=True)
    tooltip = ["curve:N", "epoch:Q", alt.Tooltip("text:N", title="value")]
    return [*layers, points.encode(y=y, tooltip=tooltip)]


def best(
    places: Sequence[Place], within: Sequence[Row], colours: Mapping[str, str]
) -> list[alt.Chart]:
    """A point on each best epoch, and its name in a line of its own above the curves."""
    first, last = within[0]["epoch"], within[-1]["epoch"]
    layers = []
    for line, place in enumerate(places):
        row = {"epoch": place.epoch, "value": place.value, "text": place.text}
        base = alt.Chart(inline([row])).encode(x=EPOCH)
        # The names lean inwards, off the edges.
        late = (place.epoch - first) / (last - first) > 0.5
        height = -LINE * (len(places) - line) + LINE / 2
        layers += [
            base.mark_rule(color=place.colour, strokeDash=[2, 3], opacity=0.8).encode(
                y=alt.value(height), y2=alt.value("height")
            ),
            base.mark_point(
                filled=True, size=80, color=place.colour, opacity=1, stroke=colours["paper"]
            ).encode(y="value:Q"),
            base.mark_text(
                align="right" if late else "left",
                dx=-5 if late else 5,
                color=place.colour,
                fontWeight=600,
            ).encode(y=alt.value(height), text="text:N"),
        ]
    return layers


def finish(
    words: str, layers: Sequence[alt.Chart], height: int, colours: Mapping[str, str]
) -> alt.LayerChart:
    """The layers as one chart as wide as its container, in the style that all charts share."""
    config = alt.Config(
        font=FONT,
        autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
        view=alt.ViewConfig(stroke=None),
        axis=alt.AxisConfig(
            labelColor=colours["muted"],
            titleColor=colours["muted"],
            gridColor=colours["grid"],
            domainColor=colours["grid"],
            tickColor=colours["grid"],
            titleFontWeight="normal",
            labelFontSize=11,
            titleFontSize=11,
        ),
        legend=alt.LegendConfig(labelColor=colours["ink"], labelFontSize=11, symbolStrokeWidth=2.4),
        text=alt.MarkConfig(fontSize=12),
    )
    # In one call, since each of Altair's methods copies the chart with all its rows.
    return alt.LayerChart(
        layer=list(layers),
        description=words,
        width="container",
        height=height,
        background="transparent",
        config=config,
    )
