"""What the page needs to draw any of its epochs, and to list its samples."""

from __future__ import annotations

import base64
import math
from typing import TYPE_CHECKING, Any

from jinja2.utils import htmlsafe_json_dumps

from whyloss.formatting import format_nats, format_percent, format_signed
from whyloss.reporters.charts import samples as sample_charts
from whyloss.reporters.common import margin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whyloss.data import Sample
    from whyloss.reporters.charts.primitives import Row
    from whyloss.results.diagnosis import Diagnosis
    from whyloss.results.epoch_views import EpochView
    from whyloss.results.samples import SamplePool, SampleRow

MAX_THUMBNAIL = 64 * 1024  # bytes of one image
MAX_THUMBNAILS = 400_000  # bytes of all of them, as they stand in the page
MAX_SAMPLES = 750_000  # bytes of the table of samples without its images
MAX_NAME = 300  # characters of an id, a class or a text in that table
INFINITE = -1.0  # how the page writes an infinite loss, which JSON has no number for
COMPACT: dict[str, Any] = {"separators": (",", ":")}
EXACT = 2**53  # integers up to here survive JavaScript

_KINDS = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}


# --- epochs -------------------------------------------------------------------------------------


def views(d: Diagnosis) -> dict[str, Any] | None:
    """Every epoch of the slider, as the page's script takes it."""
    if d.views is None:
        return None
    every = d.views.views
    return {
        "epochs": [view.epoch for view in every],
        "labels": [_label(d, view) for view in every],
        "words": {
            "histogram": [sample_charts.loss_words(d, view) for view in every],
            "reliability": [sample_charts.reliability_words(d, view) for view in every],
        },
        "beyond": [sample_charts.beyond_words(view) for view in every],
        "tables": {
            "losses": _table([sample_charts.loss_rows(d.views, view) for view in every]),
            "mean": _table([sample_charts.mean_rows(d, view) for view in every]),
            "reliability": _table([sample_charts.reliability_rows(view) for view in every]),
        },
        "migration": [migration(view) for view in every],
        "together": [together(d, view) for view in every],
        "end": _rounded(d.views.edges[-1]),
    }


def migration(view: EpochView) -> dict[str, list[str]]:
    """Samples, nats and their margin for each outcome of one epoch, in words."""
    return {
        row.outcome: [f"{row.samples:,}", format_signed(row.total.value), margin(row.total.se)]
        for row in view.migration
    }


def together(d: Diagnosis, view: EpochView) -> str:
    """The sum of the migration of one epoch, or why there is none."""
    if d.views is None or d.views.since is None:
        return ""
    if view.epoch == d.views.since:
        return f"Epoch {view.epoch} is the one that the others are compared with."
    if not view.migration:
        return f"Epoch {view.epoch} cannot be compared: too few of its rows can be scored."
    total = sum(row.total.value for row in view.migration)
    return f"Together {format_signed(total)} nats from epoch {d.views.since} to epoch {view.epoch}."


def epoch_shortcuts(d: Diagnosis) -> list[tuple[str, int]]:
    """Epochs to jump to: (what they are, place in the slider)."""
    if d.views is None:
        return []
    place = {view.epoch: i for i, view in enumerate(d.views.views)}
    names = {
        "log_loss": "smallest loss",
        "refinement": "smallest after calibration",
        "accuracy": "largest accuracy",
    }
    found = [
        (f"{name}: {best.epoch}", place[best.epoch])
        for metric, name in names.items()
        if (best := d.best_epochs.get(metric)) is not None and best.epoch in place
    ]
    return [*found, (f"last: {d.views.views[-1].epoch}", len(place) - 1)]


def _label(d: Diagnosis, view: EpochView) -> str:
    row = next((row for row in d.epochs if (row.split, row.epoch) == (d.split, view.epoch)), None)
    if row is None:
        return f"Epoch {view.epoch}"
    parts = [f"loss {format_nats(row.log_loss.value)}"]
    if row.refinement is not None:
        parts.append(f"after calibration {format_nats(row.refinement.value)}")
    parts.append(f"accuracy {format_percent(row.accuracy.value)}")
    return f"Epoch {view.epoch}: {', '.join(parts)}"


def _table(per_epoch: Sequence[Sequence[Row]]) -> dict[str, Any]:
    """Rows of every epoch without their names, which stand once."""
    names = next((list(rows[0]) for rows in per_epoch if rows), [])
    return {
        "columns": names,
        "rows": [[[_rounded(row[name]) for name in names] for row in rows] for rows in per_epoch],
    }


def _rounded(value: Any) -> Any:  # noqa: ANN401 - whatever a row of a chart holds
    return float(f"{value:.5g}") if isinstance(value, float) else value


# --- samples ------------------------------------------------------------------------------------


def samples(d: Diagnosis) -> dict[str, Any] | None:
    """The samples to look through, as the page's script takes them; fewer where names are long."""
    pool = d.pool
    if pool is None or not pool.losses:
        return None
    rows = [_row(row) for row in (*pool.costliest, *pool.drawn)]
    losses = [[_thousandths(loss) for loss in row] for row in pool.losses]
    size = [len(htmlsafe_json_dumps(both, **COMPACT)) for both in zip(rows, losses, strict=True)]
    kept = _kept(pool, size)
    shown = [(*pool.costliest, *pool.drawn)[i] for i in kept]
    pictures = thumbnails(shown)
    costliest = sum(i < len(pool.costliest) for i in kept)
    said = _said(pool, costliest, len(kept) - costliest)
    if any(row.sample.thumbnail for row in shown[len(pictures) :]):
        said += f" There is room for the pictures of the first {len(pictures):,}."
    return {
        "rows": [rows[i] for i in kept],
        "losses": [losses[i] for i in kept],
        # Those before stand in the page itself.
        "pictures": pictures[len(d.samples) :],
        "said": said,
        "since": d.views.since if d.views else None,
    }


def _kept(pool: SamplePool, size: Sequence[int]) -> list[int]:
    """Places of the samples that there is room for: as large a part of both kinds."""
    part = min(1.0, MAX_SAMPLES / max(1, sum(size)))
    first, drawn = len(pool.costliest), len(pool.drawn)
    # Of those drawn by chance, every k-th is one by chance too.
    step = math.ceil(1 / part)
    return [*range(math.ceil(first * part)), *range(first, first + drawn, step)]


def _said(pool: SamplePool, costliest: int, drawn: int) -> str:
    """Which samples the table has."""
    if costliest + drawn == pool.n_samples:
        return f"All {pool.n_samples:,} samples are in this table."
    words = f"Of {pool.n_samples:,} samples this table has the {costliest:,} with the largest loss"
    return f"{words}, and {drawn:,} of the others drawn at random." if drawn else f"{words}."


def _row(row: SampleRow) -> list[Any]:
    """One sample: id, label, predicted, confidence, loss, share, outcome, text."""
    exact = isinstance(row.id, int) and abs(row.id) < EXACT
    return [
        row.id if exact else _cut(str(row.id)),
        _cut(row.label),
        _cut(row.predicted),
        float(f"{row.confidence:.5g}"),
        _loss(row.log_loss),
        float(f"{row.share:.4g}") if math.isfinite(row.share) else None,
        row.outcome,
        _cut(row.sample.text or row.sample.path or ""),
    ]


def _loss(value: float | None) -> float | None:
    if value is None:
        return None
    return float(f"{value:.5g}") if math.isfinite(value) else INFINITE


def _thousandths(value: float | None) -> int | None:
    """A loss in thousandths of a nat: short, and as exact as it is shown."""
    if value is None:
        return None
    return round(1000 * value) if math.isfinite(value) else int(INFINITE)


def _cut(text: str) -> str:
    return text if len(text) <= MAX_NAME else f"{text[: MAX_NAME - 1]}…"


def thumbnails(rows: Sequence[SampleRow]) -> list[str | None]:
    """Images of the first samples, as many as there is room for."""
    found: list[str | None] = []
    room = MAX_THUMBNAILS
    for row in rows:
        picture = thumbnail(row.sample)
        room -= len(picture or "")
        if room < 0:
            break
        found.append(picture)
    return found


def thumbnail(sample: Sample) -> str | None:
    """The image of a sample as a data URI, if it is an image, and a small one."""
    image: Any = sample.thumbnail
    if not isinstance(image, bytes) or len(image) > MAX_THUMBNAIL:
        return None
    kind = next((kind for magic, kind in _KINDS.items() if image.startswith(magic)), None)
    return kind and f"data:{kind};base64,{base64.b64encode(image).decode()}"
