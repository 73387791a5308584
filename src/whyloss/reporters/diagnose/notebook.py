"""The diagnosis in a notebook: the answer, two charts, what to do. The whole report is a file."""

from __future__ import annotations

import base64
from itertools import islice
from typing import TYPE_CHECKING

from whyloss.reporters import common
from whyloss.reporters.charts import curves, samples
from whyloss.reporters.charts.primitives import COLOURS
from whyloss.reporters.html.page import environment

if TYPE_CHECKING:
    import altair as alt

    from whyloss.results.diagnosis import Diagnosis

WIDTH = 440  # pixels of a chart
_CHARTS = 2
_REMEDIES = 3


def render(diagnosis: Diagnosis) -> str:
    """A piece of HTML without scripts, which no notebook holds back.

    Parameters
    ----------
    diagnosis : Diagnosis

    Returns
    -------
    str
        Styled by attributes and a sheet of its own; the charts are drawn already.
    """
    d = diagnosis
    makers = (curves.waterfall, curves.epochs, curves.reference_losses, samples.histogram)
    drawn = (make(d, COLOURS) for make in makers)
    return (
        environment()
        .get_template("notebook.html.jinja")
        .render(
            d=d,
            second=d.verdict.explanation,
            pictures=[
                _picture(one) for one in islice((c for c in drawn if c is not None), _CHARTS)
            ],
            remedies=[
                (
                    common.heading(remedy),
                    f"{common.effect(remedy)} {common.effect_interval(remedy)}",
                )
                for remedy in d.remedies[:_REMEDIES]
            ],
        )
    )


def _picture(chart: alt.LayerChart) -> tuple[str, str]:
    """A chart as SVG in base64, and its words."""
    import vl_convert  # noqa: PLC0415 - late: slow to import

    spec = chart.properties(width=WIDTH).to_dict(validate=False)
    svg: str = vl_convert.vegalite_to_svg(spec)
    # As an image: drawn into the page, names inside it would clash with those of other cells.
    return base64.b64encode(svg.encode()).decode(), spec["description"]
