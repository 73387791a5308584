"""The charts of a report, as Altair charts built from nothing but a diagnosis.

Each carries its own words in `description`, and no more rows than a screen has pixels. A chart
without anything to show is None.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import altair as alt

from whyloss.formatting import (
    format_interval,
    format_nats,
    format_percent,
    format_signed,
    format_value,
)
from whyloss.reporters.charts.primitives import (
    COLOURS,
    EPOCH,
    NUMBERS,
    Bar,
    Curve,
    Place,
    bars,
    best,
    finish,
    inline,
)
from whyloss.reporters.charts.primitives import lines as drawn
from whyloss.reporters.common import margin, short
from whyloss.results.estimate import Estimate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from whyloss.reporters.charts.primitives import Row
    from whyloss.results.diagnosis import Diagnosis
    from whyloss.results.metrics import Metrics

MAX_EPOCHS = 300
_OTHER_DASHES = ((5, 3), (2, 2), (8, 3, 2, 3))  # one for each of the other splits that are drawn


def waterfall(d: Diagnosis, colours: Mapping[str, str] = COLOURS) -> alt.LayerChart | None:
    """Steps from the loss at one epoch to the loss at another."""
    a = d.attribution
    if a is None:
        return None
    steps = [
        Bar(f"loss at epoch {a.from_epoch}", 0.0, a.before, format_nats(a.before), colours["total"])
    ]
    for part in a.parts:
        calibration = part.name == "calibration"
        steps.append(
            Bar(
                name=_calibration_name(d) if calibration else part.name,
                start=steps[-1].end,
                end=steps[-1].end + part.nats,
                text=f"{format_signed(part.nats)} {margin(part.se)}".rstrip(),
                colour=colours["loss" if calibration else "calibrated"],
            )
        )
    steps.append(
        Bar(f"loss at epoch {a.to_epoch}", 0.0, a.after, format_nats(a.after), colours["total"])
    )
    return bars("Waterfall of the mean loss in nats", steps, colours)


def reference_losses(d: Diagnosis, colours: Mapping[str, str] = COLOURS) -> alt.LayerChart | None:
    """The loss and its reference values."""
    known = d.level in {"snapshot", "run"}  # else the classes count as equally frequent
    found = []
    for key, name, colour in (
        ("log_loss", "loss", "loss"),
        ("refinement", "loss after calibration", "calibrated"),
        ("prior_entropy", "guessing by class shares" if known else "guessing", "total"),
    ):
        value = d.numbers.get(key)
        if isinstance(value, Estimate):
            found.append(Bar(name, 0.0, value.value, _estimate(value), colours[colour]))
        elif isinstance(value, float):
            found.append(Bar(name, 0.0, value, format_nats(value), colours[colour]))
    low, high = d.numbers.get("envelope_low"), d.numbers.get("envelope_high")
    if isinstance(low, float) and isinstance(high, float):
        text = f"{format_nats(low)} … {format_nats(high)}"
        found.insert(-1, Bar("calibrated, same accuracy", low, high, text, colours["accuracy"]))
    found = [bar for bar in found if math.isfinite(bar.end)]
    return (
        bars("The loss and what it compares with, in nats", found, colours) if found[1:] else None
    )


def epochs(d: Diagnosis, colours: Mapping[str, str] = COLOURS) -> alt.LayerChart | None:
    """Loss and loss after calibration per epoch, and the losses of the other splits."""
    own = short(d.split, 20)
    others = dict.fromkeys(row.split for row in d.epochs if row.split != d.split)
    curves = [
        Curve(f"{own} loss", _curve(d, d.split, "log_loss"), colours["loss"]),
        Curve(
            f"{own} loss after calibration",
            _curve(d, d.split, "refinement"),
            colours["calibrated"],
        ),
        *(
            Curve(
                f"{short(split, 20)} loss",
                _curve(d, split, "log_loss"),
                colours["loss"],
                dash,
                strong=False,
                band=False,
            )
            for split, dash in zip(others, _OTHER_DASHES, strict=False)
        ),
    ]
    curves = [curve for curve in curves if curve.rows]
    if max((len(curve.rows) for curve in curves), default=0) < 2:
        return None
    low, top, _ = loss_axis(d)
    y = alt.Y(
        "value:Q",
        title="nats",
        scale=alt.Scale(domain=[low, top], zero=False),
        axis=alt.Axis(labelExpr=NUMBERS, tickCount=6),
    )
    envelope = [
        {"epoch": row.epoch, "low": row.envelope[0], "high": row.envelope[1]}
        for row in thinned(d, d.split)
        if row.envelope is not None
    ]
    band = alt.Chart(inline(envelope)).mark_area(opacity=0.13, color=colours["right"], clip=True)
    layers = [band.encode(x=EPOCH, y="low:Q", y2="high:Q")] if envelope else []
    places = [
        Place(found.epoch, found.value.value, f"{label}: {found.epoch}", colours[colour])
        for metric, label, colour in (
            ("log_loss", "smallest loss", "loss"),
            ("refinement", "smallest after calibration", "calibrated"),
        )
        if (found := d.best_epochs.get(metric)) is not None
    ]
    layers += drawn(curves, y, columns=2, above=len(places))
    layers += best(places, curves[0].rows, colours)
    return finish("Loss per epoch. " + _in_words(curves, format_nats), layers, 260, colours)


def shares(d: Diagnosis, colours: Mapping[str, str] = COLOURS) -> alt.LayerChart | None:
    """Accuracy per epoch, with precision and recall of class 1 of a binary task."""
    curves = [
        # Bands around three curves that nearly coincide would hide all of them.
        Curve(name, _curve(d, d.split, name), colours[name], strong=only, band=only)
        for name, only in (("accuracy", True), ("precision", False), ("recall", False))
    ]
    curves = [curve for curve in curves if curve.rows]
    if not curves or curves[0].name != "accuracy" or len(curves[0].rows) < 2:
        return None
    y = alt.Y(
        "value:Q",
        title="share",
        scale=alt.Scale(zero=False),
        axis=alt.Axis(format="~%", tickCount=5),
    )
    found = d.best_epochs.get("accuracy")
    places = []
    if found is not None:
        text = f"largest accuracy: {found.epoch}"
        places = [Place(found.epoch, found.value.value, text, colours["accuracy"])]
    layers = drawn(curves, y, columns=3, above=len(places))
    layers += best(places, curves[0].rows, colours)
    return finish("Shares per epoch. " + _in_words(curves, format_percent), layers, 260, colours)


def loss_axis(d: Diagnosis) -> tuple[float, float, list[int]]:
    """Ends of the axis of the losses, and the epochs of the explained split that lie above it.

    The first epochs may lie far above all others, and would press flat what the curves are for:
    the axis ends at twice what the later half of training needs.
    """
    rows = [
        row
        for split in dict.fromkeys(row.split for row in d.epochs)
        for name in ("log_loss", "refinement")
        for row in _curve(d, split, name)
    ]
    middle = (min(row["epoch"] for row in rows) + max(row["epoch"] for row in rows)) / 2
    half = [row for row in rows if row["epoch"] >= middle]
    # Of few samples the bands are so wide that they would press the curves flat.
    later = min(max(row["high"] for row in half), 1.5 * max(row["value"] for row in half))
    top = min(max(row["high"] for row in rows), 2 * later)
    above = [row["epoch"] for row in _curve(d, d.split, "log_loss") if row["value"] > top]
    return min(row["low"] for row in rows), top, above


def thinned(d: Diagnosis, split: str) -> list[Metrics]:
    """At most about `MAX_EPOCHS` rows of a split, with the last and the best epochs among them."""
    rows = [row for row in d.epochs if row.split == split]
    step = math.ceil(len(rows) / MAX_EPOCHS)
    keep = {found.epoch for found in d.best_epochs.values()}
    return [
        row
        for i, row in enumerate(rows)
        if i % step == 0 or i == len(rows) - 1 or row.epoch in keep
    ]


def _curve(d: Diagnosis, split: str, name: str) -> list[Row]:
    found: list[tuple[int, Estimate | None]] = [
        (row.epoch, getattr(row, name)) for row in thinned(d, split)
    ]
    return [
        {
            "epoch": epoch,
            "value": value.value,
            "low": value.value if value.low is None else value.low,
            "high": value.value if value.high is None else value.high,
            "text": _estimate(value),
        }
        for epoch, value in found
        if value is not None and math.isfinite(value.value)
    ]


def _calibration_name(d: Diagnosis) -> str:
    """Which way the calibration was lost, where the temperature at the end tells."""
    a = d.attribution
    rows = [row for row in d.epochs if a and row.split == d.split and row.epoch == a.to_epoch]
    lost = a is not None and any(part.name == "calibration" and part.nats > 0 for part in a.parts)
    t = rows[0].temperature if rows else None
    if not lost or t is None or t.low is None or t.high is None or t.low <= 1 <= t.high:
        return "calibration"
    return f"calibration: {'over' if t.low > 1 else 'under'}-confidence"


def _estimate(value: Estimate) -> str:
    return f"{format_value(value.value, value.unit)} {format_interval(value)}".rstrip()


def _in_words(curves: Sequence[Curve], form: Callable[[float], str]) -> str:
    return " ".join(
        f"{curve.name}: {form(curve.rows[0]['value'])} at epoch {curve.rows[0]['epoch']}, "
        f"{form(curve.rows[-1]['value'])} at epoch {curve.rows[-1]['epoch']}."
        for curve in curves
    )
