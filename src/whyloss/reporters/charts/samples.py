"""Charts of the samples at one epoch: their losses, how sure and how right they are, what moved.

The rows of each are a table of their own, so that a page can draw any epoch with the chart of one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import altair as alt

from whyloss.formatting import format_nats, format_percent, format_signed, pluralize
from whyloss.reporters.charts.primitives import (
    COLOURS,
    LINE,
    NUMBERS,
    Bar,
    bars,
    finish,
    inline,
    legend,
)
from whyloss.reporters.common import short

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from whyloss.reporters.charts.primitives import Row
    from whyloss.results.diagnosis import Diagnosis
    from whyloss.results.epoch_views import EpochView, EpochViews, ReliabilityBin

HEIGHT = 260
BEFORE, AFTER = "as stated", "after the temperature"
_NAME_LENGTH = 18  # of a class on an axis


# --- losses -------------------------------------------------------------------------------------


def histogram(
    d: Diagnosis, colours: Mapping[str, str] = COLOURS, epoch: int | None = None
) -> alt.LayerChart | None:
    """Histogram of the losses of single samples, right and wrong predictions apart."""
    if d.views is None:
        return None
    view = view_at(d.views, epoch)
    tallest = max(max(*one.right, *one.wrong, 1) for one in d.views.views)
    ticks = [0, *(10**k for k in range(len(str(tallest)) + 1) if 10**k <= 2 * tallest)]
    base = alt.Chart(inline(loss_rows(d.views, view), "losses"))
    drawn = (
        base.mark_bar(orient="vertical", binSpacing=1)
        .encode(
            x=alt.X(
                "from:Q",
                title="loss of one sample, nats",
                # The same for every epoch, so that nothing jumps.
                scale=alt.Scale(nice=False, domain=[0, d.views.edges[-1]]),
                axis=alt.Axis(labelExpr=NUMBERS, tickCount=6),
            ),
            x2="to:Q",
            # Stacked heights mean nothing on a logarithmic scale; symlog has a place for 0.
            y=alt.Y(
                "samples:Q",
                title="samples, log scale",
                stack=None,
                scale=alt.Scale(type="symlog", constant=1, domain=[0, tallest]),
                axis=alt.Axis(values=ticks, format=",d"),
            ),
            color=legend(
                "is",
                ["right", "wrong"],
                [colours["right"], colours["wrong"]],
                symbol="square",
                above=1,
            ),
            tooltip=[
                alt.Tooltip("is:N", title="prediction"),
                alt.Tooltip("from:Q", format=".3~f"),
                alt.Tooltip("to:Q", format=".3~f"),
                alt.Tooltip("samples:Q", format=","),
            ],
        )
        .add_params(alt.selection_interval(name="range", encodings=["x"]))
    )
    at = alt.Chart(inline(mean_rows(d, view), "mean")).encode(x="at:Q")
    name = at.mark_text(
        align=alt.expr(f"datum.at < {d.views.edges[-1] / 2:.6g} ? 'left' : 'right'"),
        dx=alt.expr(f"datum.at < {d.views.edges[-1] / 2:.6g} ? 4 : -4"),
        dy=-LINE / 2,
        color=colours["loss"],
        fontWeight=600,
    )
    layers = [
        drawn,
        at.mark_rule(color=colours["loss"], strokeWidth=1.5),
        name.encode(y=alt.value(0), text="text:N"),
    ]
    return finish(loss_words(d, view), layers, HEIGHT, colours)


def loss_rows(views: EpochViews, view: EpochView) -> list[Row]:
    """The bars of one epoch; the taller of two comes first, so that neither is hidden."""
    every = zip(views.edges[:-1], views.edges[1:], view.right, view.wrong, strict=True)
    return [
        {"from": low, "to": high, "samples": n, "is": name}
        for low, high, right, wrong in every
        for n, name in sorted(((right, "right"), (wrong, "wrong")), reverse=True)
        if n
    ]


def mean_rows(d: Diagnosis, view: EpochView) -> list[Row]:
    """Where the mean loss of that epoch is; nowhere if it is off the axis."""
    mean = _mean(d, view)
    if d.views is None or mean is None or mean > d.views.edges[-1]:
        return []
    return [{"at": mean, "text": f"mean {format_nats(mean)}"}]


def loss_words(d: Diagnosis, view: EpochView) -> str:
    """What the histogram of one epoch shows."""
    if d.views is None:
        return ""
    mean = _mean(d, view)
    words = (
        f"Histogram of the losses of single samples{_at(d, view)}, up to "
        f"{format_nats(d.views.edges[-1])} nats: {pluralize(sum(view.right), 'right prediction')} "
        "and "
        f"{pluralize(sum(view.wrong), 'wrong one')}."
    )
    if mean is not None:
        words += f" Their mean is {format_nats(mean)}."
    return f"{words} {beyond_words(view)}".strip()


def beyond_words(view: EpochView) -> str:
    """How many samples lie beyond the right end of the axis; nothing where none does."""
    if not view.beyond:
        return ""
    return f"{pluralize(view.beyond, 'sample lies', 'samples lie')} beyond the right end."


def _mean(d: Diagnosis, view: EpochView) -> float | None:
    row = next((row for row in d.epochs if (row.split, row.epoch) == (d.split, view.epoch)), None)
    if row is None or not math.isfinite(row.log_loss.value):
        return None
    return row.log_loss.value


# --- reliability --------------------------------------------------------------------------------


def reliability(
    d: Diagnosis, colours: Mapping[str, str] = COLOURS, epoch: int | None = None
) -> alt.LayerChart | None:
    """How often predictions of some confidence are right, before and after the temperature."""
    if d.views is None:
        return None
    view = view_at(d.views, epoch)
    points = [point for one in d.views.views for point in (*one.reliability, *one.calibrated)]
    # The same for every epoch, so that nothing jumps.
    start = min(0.9, math.floor(10 * min(point.confidence for point in points)) / 10)
    names = [BEFORE, AFTER] if any(one.calibrated for one in d.views.views) else [BEFORE]
    colour = legend("series", names, [colours["loss"], colours["calibrated"]][: len(names)])
    x = alt.X(
        "confidence:Q",
        title="confidence: probability of the predicted class",
        scale=alt.Scale(domain=[start, 1], nice=False),
        axis=alt.Axis(format="~%", tickCount=5, grid=False),
    )
    y = alt.Y(
        "right:Q",
        title="share that is right",
        scale=alt.Scale(domain=[0, 1], nice=False),
        axis=alt.Axis(format="~%", tickCount=5),
    )
    base = alt.Chart(inline(reliability_rows(view), "reliability")).encode(x=x)
    ends = [{"confidence": end, "right": end} for end in (start, 1.0)]
    diagonal = alt.Chart(inline(ends)).mark_line(strokeDash=[4, 4], color=colours["muted"])
    size = alt.Size("samples:Q", scale=alt.Scale(type="sqrt", range=[16, 220]), legend=None)
    layers = [
        diagonal.encode(x=x, y=y),
        base.mark_line(strokeWidth=1, opacity=0.5).encode(y=y, color=colour),
        base.mark_rule(strokeWidth=2, opacity=0.55).encode(
            y=alt.Y("low:Q"), y2="high:Q", color=colour
        ),
        base.mark_point(filled=True, opacity=1).encode(y=y, color=colour, size=size),
        base.mark_point(size=160, opacity=0).encode(
            y=y,
            tooltip=[
                alt.Tooltip("series:N", title="confidence"),
                alt.Tooltip("confidence:Q", title="mean of it", format=".1%"),
                alt.Tooltip("right:Q", title="right", format=".1%"),
                alt.Tooltip("low:Q", title="from", format=".1%"),
                alt.Tooltip("high:Q", title="to", format=".1%"),
                alt.Tooltip("samples:Q", format=","),
            ],
        ),
    ]
    return finish(reliability_words(d, view), layers, HEIGHT, colours)


def reliability_rows(view: EpochView) -> list[Row]:
    """The points of one epoch."""

    def rows(name: str, bins: Sequence[ReliabilityBin]) -> list[Row]:
        return [
            {
                "series": name,
                "confidence": one.confidence,
                "right": one.right,
                "low": one.low,
                "high": one.high,
                "samples": one.samples,
            }
            for one in bins
        ]

    return [*rows(BEFORE, view.reliability), *rows(AFTER, view.calibrated)]


def reliability_words(d: Diagnosis, view: EpochView) -> str:
    """What the reliability diagram of one epoch shows."""
    n = sum(one.samples for one in view.reliability)
    right = sum(one.samples * one.right for one in view.reliability) / n if n else math.nan
    words = (
        f"Reliability diagram{_at(d, view)}: the model is {format_percent(view.confidence)} sure "
        "on "
        f"average, and {format_percent(right)} of its predictions are right."
    )
    if view.calibrated_confidence is not None and view.temperature is not None:
        words += (
            f" With a temperature of {view.temperature:.2f} it would be "
            f"{format_percent(view.calibrated_confidence)} sure."
        )
    return words


# --- migration and confusion --------------------------------------------------------------------


def migration(
    d: Diagnosis, colours: Mapping[str, str] = COLOURS, epoch: int | None = None
) -> alt.LayerChart | None:
    """What samples of each outcome add to the change of the loss."""
    if d.views is None or d.views.since is None:
        return None
    view = view_at(d.views, epoch)
    if not view.migration:
        return None
    steps = [
        Bar(
            f"{row.outcome}: {pluralize(row.samples, 'sample')}",
            0.0,
            row.total.value,
            format_signed(row.total.value),
            colours["loss" if row.total.value > 0 else "calibrated"],
        )
        for row in view.migration
    ]
    title = f"What the samples add to the loss from epoch {d.views.since} to {view.epoch}, in nats"
    return bars(title, steps, colours)


def confusion(d: Diagnosis, colours: Mapping[str, str] = COLOURS) -> alt.LayerChart | None:
    """Labels against predictions; of many classes, the pairs that are confused most."""
    found = d.confusion
    if found is None or not (found.counts or found.pairs):
        return None
    if found.counts is None:
        pairs = [
            Bar(
                f"{short(pair.label, _NAME_LENGTH)} taken for "
                f"{short(pair.predicted, _NAME_LENGTH)}",
                0.0,
                float(pair.samples),
                f"{pair.samples:,}",
                colours["wrong"],
            )
            for pair in found.pairs[:12]
        ]
        title = f"The {len(pairs)} most confused of {pluralize(found.n_pairs, 'pair')} of classes"
        return bars(title, pairs, colours, unit="samples")
    # A number keeps two long names that are cut alike apart.
    names = [f"{i}: {short(name, _NAME_LENGTH)}" for i, name in enumerate(found.classes)]
    cells = [
        {
            "label": names[i],
            "predicted": names[j],
            "samples": n,
            "share": n / max(1, sum(row)),
            "is": "right" if i == j else "wrong",
        }
        for i, row in enumerate(found.counts)
        for j, n in enumerate(row)
    ]
    base = alt.Chart(inline(cells)).encode(
        x=alt.X("predicted:N", sort=None, axis=alt.Axis(labelAngle=0, orient="top")),
        y=alt.Y("label:N", sort=None),
    )
    fill = alt.Color(
        "is:N",
        scale=alt.Scale(domain=["right", "wrong"], range=[colours["right"], colours["wrong"]]),
        legend=None,
    )
    layers = [
        base.mark_rect().encode(
            color=fill,
            opacity=alt.Opacity(
                "share:Q", scale=alt.Scale(domain=[0, 1], range=[0.05, 0.75]), legend=None
            ),
        ),
        base.mark_text(color=colours["ink"]).encode(text=alt.Text("samples:Q", format=",")),
    ]
    words = "Labels against predictions. " + "; ".join(
        f"{cell['samples']:,} of {cell['label']} predicted as {cell['predicted']}" for cell in cells
    )
    return finish(f"{words}.", layers, 60 + 34 * len(names), colours)


# --- which epoch --------------------------------------------------------------------------------


def view_at(views: EpochViews, epoch: int | None) -> EpochView:
    """The view of an epoch, the last one if none is named."""
    if epoch is None:
        return views.views[-1]
    return next(view for view in views.views if view.epoch == epoch)


def _at(d: Diagnosis, view: EpochView) -> str:
    several = d.views is not None and len(d.views.views) > 1
    return f" at epoch {view.epoch}" if several else ""
