"""The comparison in words and cells, the same for every format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whyloss.formatting import (
    format_change,
    format_change_interval,
    format_nats,
    format_points,
    format_signed,
    format_value,
    pluralize,
)
from whyloss.reporters.common import short

if TYPE_CHECKING:
    from collections.abc import Iterator

    from whyloss.results.comparison import Comparison, MetricDifference, Side

MAX_SAMPLES = 10
MAX_IDS = 20

METRIC_NAMES = {
    "log_loss": "loss, nats",
    "refinement": "loss after calibration, nats",
    "calibration": "loss from miscalibration, nats",
    "accuracy": "accuracy",
}
DIFFERENCE_HEADS = ("", "A", "B", "B − A", "95 %", "")
OUTCOME_HEADS = ("from A to B", "samples", "nats", "95 %")
SAMPLE_HEADS = ("id", "loss A", "loss B", "label", "A predicts", "B predicts", "from A to B")


def headline(comparison: Comparison) -> str:
    """What differs in loss and accuracy, in one sentence."""
    by_metric = {row.metric: row for row in comparison.differences}
    loss, accuracy = by_metric["log_loss"], by_metric["accuracy"]
    by = f"by {format_nats(abs(loss.difference.value))} nats"
    change = f"B − A: {format_points(accuracy.difference.value)}"
    if loss.better:
        first = f"{loss.better} has the smaller loss, {by}"
    elif loss.difference.low is None:
        smaller = "B" if loss.difference.value < 0 else "A"
        first = f"{smaller} has the smaller loss, {by}; it is not known whether that is chance"
    else:
        first = (
            f"The losses do not clearly differ (B − A: {format_signed(loss.difference.value)} nats)"
        )
    if accuracy.better and accuracy.better == loss.better:
        return f"{first}, and the larger accuracy ({change})."
    if accuracy.better:
        return f"{first}; {accuracy.better} has the larger accuracy ({change})."
    if accuracy.difference.low is None:
        return f"{first}. The accuracies differ ({change}); that may be chance too."
    return f"{first}; the accuracies do not clearly differ ({change})."


def sides(comparison: Comparison) -> Iterator[tuple[str, str, str]]:
    """Letter, name and place of both sides."""
    for letter, side in (("A", comparison.first), ("B", comparison.second)):
        yield letter, short(side.name, 60), _place(side)


def _place(side: Side) -> str:
    parts = [short(side.split)]
    if side.epoch is not None:
        parts.append(f"epoch {side.epoch}")
    if side.n_samples is not None:
        parts.append(pluralize(side.n_samples, "sample"))
    return ", ".join(parts)


def pairing(comparison: Comparison) -> str:
    """On how many samples both sides are compared; nothing where they are not paired."""
    if comparison.n_common is None:
        return ""
    return f"Compared sample by sample, on {pluralize(comparison.n_common, 'sample')}."


def difference_rows(comparison: Comparison) -> Iterator[tuple[str, ...]]:
    """Both sides and their difference, a row for each metric."""
    for row in comparison.differences:
        yield (
            METRIC_NAMES[row.metric],
            format_value(row.first.value, row.first.unit),
            format_value(row.second.value, row.second.unit),
            format_change(row.difference).removesuffix(" nats"),
            format_change_interval(row.difference),
            _judgement(row),
        )


def _judgement(row: MetricDifference) -> str:
    if row.better:
        return f"{row.better} is better"
    if row.difference.low is None:
        return "error unknown"
    if row.difference.low == row.difference.high == 0.0:
        return "identical"
    return "may be chance"


def choices(comparison: Comparison) -> Iterator[str]:
    """Which side to take, a sentence for each purpose."""
    for purpose, row in comparison.choices.items():
        if row.better:
            yield f"For {purpose}: {row.better}."
        elif row.difference.low is None:
            yield f"For {purpose}: cannot be decided from means alone; it needs predictions."
        else:
            yield f"For {purpose}: either; the difference may be chance."


def changed_ids(comparison: Comparison) -> Iterator[str]:
    """Ids of the samples that only one side has right."""
    for outcome, which in (("fixed", "Right only in B"), ("broke", "Right only in A")):
        ids = comparison.named.get(outcome, ())
        if ids:
            more = " …" if len(ids) > MAX_IDS else ""
            yield f"{which}: {', '.join(short(str(i), 20) for i in ids[:MAX_IDS])}{more}"


def sample_rows(comparison: Comparison) -> Iterator[tuple[str, ...]]:
    """The samples whose losses differ most."""
    for row in comparison.samples[:MAX_SAMPLES]:
        if row.log_loss[0] == row.log_loss[1]:
            return
        yield (
            short(str(row.id)),
            *map(format_nats, row.log_loss),
            short(row.label, 20),
            *(short(name, 20) for name in row.predicted),
            row.outcome,
        )
