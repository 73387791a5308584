"""The report in a real browser: offline, at every width, in light and dark, by pointer and key."""

import os
from pathlib import Path

import numpy as np
import pytest

from conftest import require
from whyloss.data import History, InMemorySource, Predictions
from whyloss.diagnosis import diagnose
from whyloss.testing import known_cause

pytestmark = pytest.mark.browser

EVIL = '</script><b id="evil">x</b><img src=x onerror="document.title=\'evil\'">'
CHROMIUM = Path("/usr/bin/chromium")


def a_run():
    n = 12
    return diagnose(
        known_cause(0, n_classes=2, temperature=np.linspace(0.8, 3, n), blur=0.4).source
    )


def hostile():
    names = [EVIL, "\"quoted\" 'single'", "\u200f\u202eright to left", "n" * 10_000]
    known = known_cause(0, n_classes=4, n_samples=300, temperature=[1.0, 2.0, 3.0], blur=0.3)
    snapshots = [known.source.predictions("val", epoch) for epoch in (1, 2, 3)]
    return diagnose(
        InMemorySource(
            [
                Predictions.from_arrays(
                    shot.y_true, logits=shot.scores, classes=names, epoch=shot.epoch, split=split,
                    ids=[f"{EVIL}{i}" for i in range(300)],
                )
                for shot in snapshots
                for split in ("val", EVIL)
            ],
            name=EVIL,
        )
    )  # fmt: skip


REPORTS = {
    "run": a_run,
    "hostile": hostile,
    "snapshot": lambda: diagnose(known_cause(1, n_classes=5, temperature=1.8).source),
    "numbers": lambda: diagnose(
        history=History.from_columns(val_loss=[0.46], val_accuracy=[0.78], n_classes=2)
    ),
}


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    return {name: make().to_html(folder / f"{name}.html") for name, make in REPORTS.items()}


@pytest.fixture(scope="module")
def browser():
    sync_api = require("playwright.sync_api")
    if not CHROMIUM.exists() and os.environ.get("WHYLOSS_REQUIRE_EXTRAS") != "1":
        pytest.skip(f"needs {CHROMIUM}")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser, reports):
    """Open a report offline; gives the page, and what it complained of or asked for."""
    contexts = []

    def open_(name, *, width=1280, scheme="light", **options):
        context = browser.new_context(
            offline=True, viewport={"width": width, "height": 900}, color_scheme=scheme, **options
        )
        contexts.append(context)
        page = context.new_page()
        heard = []
        page.on("console", lambda message: heard.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: heard.append(f"error: {error}"))
        address = reports[name].as_uri()
        page.on(
            "request",
            lambda request: (
                request.url == address
                or request.url.startswith("data:")
                or heard.append(f"request: {request.url}")
            ),
        )
        page.goto(address)
        page.wait_for_function(
            "() => [...document.querySelectorAll('[data-spec]')]"
            ".every(place => place.classList.contains('drawn'))"
        )
        return page, heard

    yield open_
    for context in contexts:
        context.close()


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
@pytest.mark.parametrize("name", REPORTS)
def test_a_report_opens_offline_without_a_word_and_fits(opened, name, width, scheme):
    page, heard = opened(name, width=width, scheme=scheme)
    assert heard == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    charts = page.locator("[data-spec]")
    assert charts.count() == page.locator("[data-spec] svg").count() > 0
    for i in range(charts.count()):
        box, card = charts.nth(i).locator("svg").bounding_box(), charts.nth(i).bounding_box()
        assert box["height"] > 100
        assert box["x"] + box["width"] <= card["x"] + card["width"] + 1


def test_charts_take_the_colours_of_the_page(opened):
    fills = []
    for scheme in ("light", "dark"):
        page, _ = opened("run", scheme=scheme)
        fills.append(
            page.evaluate(
                "[...document.querySelectorAll('.waterfall svg .mark-rect path')]"
                ".map(bar => getComputedStyle(bar).fill)"
            )
        )
    light, dark = fills
    assert len(light) == len(dark) == 4
    assert light[2] == "rgb(194, 65, 12)"
    assert not set(light) & set(dark)


def test_the_charts_follow_the_width_of_the_window(opened):
    page, _ = opened("run")
    page.set_viewport_size({"width": 400, "height": 900})
    page.wait_for_function(
        "() => [...document.querySelectorAll('[data-spec] svg')]"
        ".every(chart => chart.getBoundingClientRect().right <= 400)"
    )


def test_names_are_shown_as_text(opened):
    page, heard = opened("hostile")
    assert heard == []
    assert page.locator("#evil").count() == 0
    assert "evil" not in page.title().split("<", maxsplit=1)[0]
    shown = page.locator("bdi", has_text="</script><b id=").first
    assert shown.is_visible()
    assert shown.get_attribute("title").startswith(EVIL)


@pytest.mark.parametrize("by", ["click", "key"])
def test_the_copy_button_copies(opened, by):
    page, heard = opened("run", permissions=["clipboard-read", "clipboard-write"])
    button = page.locator("button[data-copy]").first
    code = page.locator(f"#{button.get_attribute('data-copy')}").text_content()
    if by == "click":
        button.click()
    else:
        button.focus()
        page.keyboard.press("Enter")
    page.wait_for_function("button => button.textContent === 'Copied'", arg=button.element_handle())
    assert page.evaluate("navigator.clipboard.readText()") == code
    assert heard == []


def test_a_point_answers_to_the_pointer(opened):
    page, _ = opened("run", scheme="dark")
    point = page.locator(".histogram svg .mark-rect path").first
    point.hover()
    tip = page.locator("#vg-tooltip-element")
    tip.wait_for(state="visible")
    assert "prediction" in tip.text_content()
    colours = tip.evaluate(
        "tip => [getComputedStyle(tip), getComputedStyle(document.body)].map(style => style.color)"
    )
    assert colours[0] == colours[1]


def test_what_scrolls_can_be_reached_by_key(opened):
    page, _ = opened("run", width=360)
    assert page.evaluate(
        "[...document.querySelectorAll('*')].filter(e => e.scrollWidth > e.clientWidth + 1"
        " && getComputedStyle(e).overflowX === 'auto').every(e => e.tabIndex === 0)"
    )


def test_without_scripts_the_charts_are_told_in_words(browser, reports):
    with browser.new_context(java_script_enabled=False, offline=True) as context:
        page = context.new_page()
        page.goto(reports["run"].as_uri())
        chart = page.locator(".waterfall")
        assert chart.inner_text().strip() == chart.get_attribute("aria-label")
