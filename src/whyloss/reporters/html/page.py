"""The report: one HTML page with everything in it, which loads nothing and needs no network."""

from __future__ import annotations

import base64
import hashlib
import math
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import jinja2

from whyloss.formatting import (
    format_change,
    format_interval,
    format_nats,
    format_percent,
    format_ranges,
    format_signed,
    format_value,
    pluralize,
)
from whyloss.references import references
from whyloss.reporters import common
from whyloss.reporters.diagnose.short_answer import advice
from whyloss.reporters.html.absent_sections import missing_parts
from whyloss.reporters.html.glossary import TERMS
from whyloss.results.estimate import Z_SELECTED, Estimate
from whyloss.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import altair as alt

    from whyloss.references import Reference
    from whyloss.results.diagnosis import Diagnosis
    from whyloss.results.metrics import ClassRow
    from whyloss.results.remedy import Remedy

MAX_CLASSES = 20
MAX_PAIRS = 12  # of classes that are confused


def render(diagnosis: Diagnosis) -> str:
    """The whole page.

    Parameters
    ----------
    diagnosis : Diagnosis

    Returns
    -------
    str
        HTML that can be written as UTF-8.
    """
    # Altair and vl-convert are slow to import: only a report needs them.
    from whyloss.reporters.charts import curves, primitives, samples  # noqa: PLC0415
    from whyloss.reporters.html import data  # noqa: PLC0415

    d = diagnosis
    # The colours are those of the page, so that light, dark and paper need one chart only.
    colours = {name: f"var(--{name})" for name in primitives.COLOURS}
    makers: tuple[Callable[[Diagnosis, Mapping[str, str]], alt.LayerChart | None], ...] = (
        curves.waterfall,
        curves.reference_losses,
        curves.epochs,
        curves.shares,
        samples.histogram,
        samples.reliability,
    )
    drawn = {make.__name__: make(d, colours) for make in makers}
    # Not validated: a test holds the charts to the schema, which takes a third of the time.
    specs = {name: chart and chart.to_dict(validate=False) for name, chart in drawn.items()}
    # The table and the slider answer before the charts, whose script is by far the largest.
    scripts = [_asset("report.js"), _asset("samples.js"), _asset("views.js")]
    if any(specs.values()):
        scripts += [_vega(), _asset("charts.js")]
    page = (
        environment()
        .get_template("report.html.jinja")
        .render(
            d=d,
            version=__version__,
            css=_asset("report.css"),
            scripts=scripts,
            hashes=[_hash(script) for script in scripts],
            specs=specs,
            second=d.verdict.explanation,
            advice=advice(d),
            facts=_facts(d),
            change=_change_word(d),
            by_column=common.slices_by_column(d, most=MAX_CLASSES),
            most=common.changed_most(d.attribution) if d.attribution else "",
            off_axis=curves.loss_axis(d)[1:] if specs["epochs"] else (0.0, []),
            own_epochs=curves.thinned(d, d.split),
            classes=_worst_classes(d),
            max_pairs=MAX_PAIRS,
            carried=d.numbers.get("loss_share_of_top_5%"),
            views=data.views(d),
            epoch_shortcuts=data.epoch_shortcuts(d),
            view=d.views and d.views.views[-1],
            migration=d.views and data.migration(d.views.views[-1]),
            samples=data.samples(d),
            pictures=dict(enumerate(data.thumbnails(d.samples))),
            references=_references(d),
            missing=missing_parts(d, specs),
            not_checked=common.not_checked_lines(d),
            reference_table=common.reference_table(d),
            terms=TERMS,
        )
    )
    # A name may hold half a surrogate pair, which no file can.
    return page.encode("utf-8", "replace").decode("utf-8")


# --- what the page is made of -------------------------------------------------------------------


def _asset(name: str) -> str:
    return files("whyloss.reporters.html").joinpath("assets", name).read_text("utf-8")


@cache
def _vega() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script; made once per process, which takes a second."""
    import vl_convert  # noqa: PLC0415 - slow to import, see `render`

    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    # The only two sequences that could end the script element, or keep it from ending.
    return bundle.replace("</script", r"<\/script").replace("<!--", r"<\!--")


def _hash(script: str) -> str:
    """Name of a script in the content security policy: nothing else on the page may run."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


@cache
def environment() -> jinja2.Environment:
    """Templates in which everything that came from a user is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("whyloss.reporters.html", "assets"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    environment.filters.update(
        nats=format_nats,
        percent=format_percent,
        signed=format_signed,
        counted=pluralize,
        spans=format_ranges,
        short=common.short,
        metric_words=common.metric_words,
        heading=common.heading,
        margin=common.margin,
        interval_of=_interval,
        number=_number,
        effect=_effect,
    )
    environment.tests["finite"] = math.isfinite
    return environment


# --- words and numbers --------------------------------------------------------------------------


def _number(value: Estimate) -> str:
    return format_value(value.value, value.unit)


def _interval(value: Estimate) -> str:
    """The interval of a number, or why it has none."""
    return format_interval(value) or value.note


def _effect(remedy: Remedy) -> tuple[str, str]:
    """The effect of a remedy and, in brackets, its interval or what stands for it."""
    known = not math.isnan(remedy.effect.value)
    return format_change(remedy.effect) if known else "", _spread(remedy)


def _spread(remedy: Remedy) -> str:
    bounds = common.effect_interval(remedy)
    if remedy.effect.low is None:
        return bounds
    return f"95 % {bounds}" + ("; may be chance" if common.may_be_chance(remedy) else "")


def _facts(d: Diagnosis) -> list[tuple[str, str, str, str]]:
    """Numbers worth reading first: (value, what it is, its interval, the word that explains it)."""
    epoch = d.numbers.get("epoch")
    at = f" at epoch {epoch}" if epoch is not None and d.level.value in ("run", "curves") else ""
    found = []
    for name, label, word in (
        ("log_loss", f"loss{at}, nats", "loss"),
        ("refinement", "loss after calibration", "refinement"),
        ("accuracy", "accuracy", "accuracy"),
        ("temperature", "temperature that fits", "temperature"),
    ):
        value = d.numbers.get(name)
        if isinstance(value, Estimate) and not math.isnan(value.value):
            found.append((_number(value), label, _interval(value), word))
    n, k = d.numbers.get("n_samples"), d.numbers.get("n_classes")
    if isinstance(n, int):
        label = f"samples, {pluralize(k, 'class', 'classes')}" if isinstance(k, int) else "samples"
        found.append((f"{n:,}", label, "", ""))
    elif isinstance(k, int):
        found.append((f"{k:,}", "classes", "number of samples unknown", ""))
    return found


def _change_word(d: Diagnosis) -> str:
    """What to call the change of the loss, as clearly as the verdict does."""
    z = d.attribution.total.z if d.attribution else 0.0
    return "rise" if z > Z_SELECTED else "fall" if z < -Z_SELECTED else "change"


def _worst_classes(d: Diagnosis) -> list[ClassRow]:
    def cost(row: ClassRow) -> float:
        return -math.inf if math.isnan(row.log_loss.value) else row.log_loss.value

    return sorted(d.classes, key=cost, reverse=True)[:MAX_CLASSES]


def _references(d: Diagnosis) -> list[tuple[Reference, list[str]]]:
    """Each reference, with the findings that rest on it."""
    found: dict[str, list[str]] = {}
    for finding in d.findings:
        for key in finding.references:
            found.setdefault(key, []).append(finding.headline)
    known = references()
    return [(known[key], headlines) for key, headlines in found.items()]
