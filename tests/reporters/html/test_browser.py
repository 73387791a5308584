"""The report in a real browser: offline, at every width, in light and dark, by pointer and key."""

import csv
from pathlib import Path

import numpy as np
import pytest

from conftest import require
from whyloss import diagnose
from whyloss.data import History, InMemorySource, Predictions
from whyloss.testing import known_cause, rule_out_truth

pytestmark = pytest.mark.browser

EVIL = '</script><b id="evil">x</b><img src=x onerror="document.title=\'evil\'">'


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
                    facts.y_true, logits=facts.scores, classes=names, epoch=facts.epoch, split=split,
                    ids=[f"{EVIL}{i}" for i in range(300)],
                )
                for facts in snapshots
                for split in ("val", EVIL)
            ],
            name=EVIL,
        )
    )  # fmt: skip


def many_classes():
    rng = np.random.default_rng(0)
    y = rng.integers(100, size=3000)
    names = [f"class {i} {'with a long name ' * 3}" for i in range(100)]
    logits = 2 * rng.standard_normal((3000, 100)) + 3 * np.eye(100)[y]
    return diagnose(y, logits=logits, classes=names)


REPORTS = {
    "run": a_run,
    "hostile": hostile,
    "snapshot": lambda: diagnose(known_cause(1, n_classes=5, temperature=1.8).source),
    "curves": lambda: diagnose(
        history=History.from_columns(
            val_loss=[0.7, 0.5, 0.4, 0.45, 0.5, 0.56, 0.6, 0.7],
            val_accuracy=[0.5, 0.7, 0.78, 0.8, 0.8, 0.8, 0.8, 0.8],
            n_classes=2,
            n_val=1000,
        )
    ),
    "many classes": many_classes,
    "infinite": lambda: diagnose(rule_out_truth(known_cause(0, n_classes=2), rows=7).source),
    "five samples": lambda: diagnose([0, 1, 1, 0, 1], logits=[0.2, 1.5, -0.3, -2.0, 0.7]),
    "numbers": lambda: diagnose(
        history=History.from_columns(val_loss=[0.46], val_accuracy=[0.78], n_classes=2)
    ),
}


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    return {name: make().to_html(folder / f"{name}.html") for name, make in REPORTS.items()}


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
    point = page.locator(".histogram svg .mark-rect:not([class*=brush]) path").first
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


# --- the slider ---------------------------------------------------------------------------------


def heights(page, chart):
    """Outlines of the bars or points of a chart."""
    return page.evaluate(
        "chart => [...document.querySelectorAll(`.${chart} svg .role-mark path`)]"
        ".map(mark => mark.getAttribute('d') + mark.getAttribute('transform'))",
        chart,
    )


def test_the_slider_moves_every_view_of_the_epoch_by_key(opened):
    page, heard = opened("run")
    slider = page.locator("#epoch")
    before = {chart: heights(page, chart) for chart in ("histogram", "reliability")}
    words = page.locator(".chart.histogram").get_attribute("aria-label")
    cell = page.locator("[data-outcome='stayed right']")
    counts = cell.text_content()
    slider.focus()
    page.keyboard.press("Home")
    assert slider.get_attribute("aria-valuetext").startswith("Epoch 1: loss ")
    assert page.locator("#now").text_content() == slider.get_attribute("aria-valuetext")
    for chart, marks in before.items():
        page.wait_for_function(
            "([chart, before]) => JSON.stringify([...document.querySelectorAll("
            "`.${chart} svg .role-mark path`)].map(mark => mark.getAttribute('d')"
            " + mark.getAttribute('transform'))) !== JSON.stringify(before)",
            arg=[chart, marks],
        )
    told = page.locator(".chart.histogram").get_attribute("aria-label")
    assert "at epoch 1," in told
    assert told != words
    assert cell.text_content() != counts
    assert "at epoch 1" in page.locator("#samples thead").text_content()
    page.keyboard.press("End")
    assert cell.text_content() == counts
    assert page.locator(".chart.histogram").get_attribute("aria-label") == words
    assert heard == []


def test_a_button_jumps_to_the_best_epoch(opened):
    page, _ = opened("run")
    button = page.locator("[data-jump]").first
    button.click()
    epoch = button.text_content().split(": ")[1]
    assert page.locator("#now").text_content().startswith(f"Epoch {epoch}: ")
    assert page.locator("#epoch").input_value() == button.get_attribute("data-jump")


# --- the samples --------------------------------------------------------------------------------


def column(page, place):
    cells = page.locator(f"#samples tbody tr td:nth-child({place})").all_text_contents()
    return [float(cell.replace("−", "-").replace("∞", "inf").removesuffix(" %")) for cell in cells]


def test_a_brush_over_the_histogram_filters_the_table(opened):
    page, heard = opened("run")
    plot = page.locator(".histogram svg")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.5 * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], y, steps=4)
    page.mouse.up()
    found = page.locator("#found")
    page.wait_for_function("() => document.getElementById('found').textContent.includes('loss of')")
    low, high = (float(page.locator(f"#{end}").input_value()) for end in ("low", "high"))
    assert 0 < low < high
    inside = column(page, 5)
    assert inside
    assert all(0.99 * low <= loss <= 1.01 * high for loss in inside)
    assert f"Showing {len(inside)} samples with a loss" in found.text_content()
    page.locator("#every").click()
    assert "with a loss" not in found.text_content()
    assert page.locator("#low").input_value() == ""
    assert heard == []


def test_the_range_can_be_typed_and_the_brush_follows(opened):
    page, heard = opened("run")
    page.locator("#low").fill("1")
    page.locator("#high").fill("2")
    assert column(page, 5)
    assert all(1 <= loss <= 2 for loss in column(page, 5))
    page.wait_for_function(
        "() => [...document.querySelectorAll('.histogram svg [class*=range_brush] path')]"
        ".some(brush => brush.getBoundingClientRect().width > 5)"
    )
    page.locator("#high").fill("")
    assert min(column(page, 5)) >= 1
    assert page.locator("#high").input_value() == ""
    assert "with a loss of 1.000 or more" in page.locator("#found").text_content()
    assert heard == []


def test_what_lies_beyond_the_axis_is_in_an_open_range(opened):
    page, _ = opened("infinite")
    page.locator("#low").fill("1")
    assert column(page, 5)[:8].count(float("inf")) == 7
    page.locator("#high").fill("1000")
    assert float("inf") not in column(page, 5)


def test_the_range_is_that_of_the_epoch_in_the_slider(opened):
    page, _ = opened("run")
    page.locator("#epoch").focus()
    page.keyboard.press("Home")
    page.locator("#low").fill("1")
    page.locator("#high").fill("1.5")
    assert all(1 <= loss <= 1.5 for loss in column(page, 7))
    assert "at epoch 1." in page.locator("#found").text_content()


def test_the_table_is_sorted_by_its_heads(opened):
    page, _ = opened("run")
    head = page.locator("#samples th[data-key=loss]")
    button = head.locator("button")
    button.focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert column(page, 5) == sorted(column(page, 5), reverse=True)
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert column(page, 5) == sorted(column(page, 5))
    page.locator("#samples th[data-key=id] button").click()
    assert head.get_attribute("aria-sort") is None
    ids = page.locator("#samples tbody th").all_text_contents()
    assert ids == [str(i) for i in range(50)]


def test_the_table_is_searched_and_grows(opened):
    page, _ = opened("run")
    rows = page.locator("#samples tbody tr")
    assert rows.count() == 50
    page.locator("#more").click()
    assert rows.count() == 150
    page.locator("#search").fill("stayed wrong")
    outcomes = set(page.locator("#samples tbody td.word").all_text_contents())
    assert outcomes == {"stayed wrong"}
    page.locator("#search").fill("no such sample")
    assert rows.count() == 0
    assert page.locator("#found").text_content().startswith("Showing 0 samples.")


@pytest.mark.parametrize("name", ["run", "hostile"])
def test_the_table_is_downloaded_as_it_is_filtered(opened, name):
    page, heard = opened(name)
    page.locator("#low").fill("2")
    with page.expect_download() as waiting:
        page.locator("#download").click()
    text = Path(waiting.value.path()).read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(text.splitlines()))
    assert waiting.value.suggested_filename == "samples.csv"
    count = page.locator("#found").text_content()
    assert f" {len(rows)} samples" in count
    assert all(float(row["log_loss"]) >= 2 for row in rows)
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row.values())
    if name == "hostile":
        assert all(row["id"].startswith(EVIL) for row in rows)
    assert heard == []


def test_no_name_becomes_a_formula(browser, tmp_path):
    known = known_cause(0, n_samples=60, n_classes=3).source.predictions("val", 0)
    names = ["=1+1", "-1+cmd|' /C calc'!A0", "'quoted"]
    ids = [f"@{i}" for i in range(60)]
    d = diagnose(known.y_true, logits=known.scores, classes=names, ids=ids)
    with browser.new_context(offline=True) as context:
        page = context.new_page()
        page.goto(d.to_html(tmp_path / "formulas.html").as_uri())
        with page.expect_download() as waiting:
            page.locator("#download").click()
        text = Path(waiting.value.path()).read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(text.splitlines()))
    assert {row["label"] for row in rows} == {f"'{name}" for name in names}
    assert all(row["id"].startswith("'@") for row in rows)


# --- for everybody ------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["run", "snapshot", "curves", "numbers", "many classes"])
def test_axe_finds_no_violation(opened, name, scheme):
    axe = require("axe_playwright_python.sync_playwright")
    for width in (1280, 360):
        page, _ = opened(name, scheme=scheme, width=width)
        page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
        found = axe.Axe().run(page)
        assert found.violations_count == 0, found.generate_report()


def test_a_word_is_explained_on_focus_and_goes_with_escape(opened):
    page, _ = opened("run", width=360)
    word = page.locator("a.term").first
    tip = page.locator("#tip")
    assert tip.is_hidden()
    word.focus()
    assert tip.is_visible()
    described = page.locator(f"#{word.get_attribute('aria-describedby')} dd").text_content()
    assert tip.text_content() == described
    box = tip.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 360
    page.keyboard.press("Escape")
    assert tip.is_hidden()
    word.hover()
    assert tip.is_visible()


def test_everything_that_answers_can_be_reached_by_key(opened):
    page, _ = opened("run")
    page.evaluate("document.activeElement.blur()")
    reached = set()
    for _ in range(200):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "(document.activeElement.id || document.activeElement.className"
                " || document.activeElement.tagName)"
            )
        )
        if "BODY" in reached:
            break
    assert {
        "epoch",
        "low",
        "high",
        "every",
        "search",
        "download",
        "more",
        "sort",
        "term",
    } <= reached


def test_it_prints_without_what_only_a_screen_can_do(opened):
    page, _ = opened("run")
    page.emulate_media(media="print")
    for gone in ("#epoch", "#download", "#search", ".range", "[data-copy]", ".jumps"):
        assert page.locator(gone).first.is_hidden()
    assert page.locator("#samples tbody tr").first.is_visible()
    assert page.locator(".scroll").first.evaluate("e => getComputedStyle(e).maxHeight") == "none"
    assert page.pdf()[:4] == b"%PDF"


def test_without_scripts_the_worst_samples_are_there_and_no_dead_control(browser, reports):
    with browser.new_context(java_script_enabled=False, offline=True) as context:
        page = context.new_page()
        page.goto(reports["run"].as_uri())
        assert page.locator("#samples tbody tr").count() == 50
        for control in ("input", "button"):
            assert page.locator(f"{control}:visible").count() == 0
