"""The HTML report: true to the diagnosis, alone in its file, safe with any name."""

import base64
import functools
import hashlib
import json
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
import vl_convert

from whyloss import diagnose
from whyloss.data import History, InMemorySource, Predictions, Sample
from whyloss.formatting import format_nats, format_percent, format_signed
from whyloss.reporters.charts import curves as charts
from whyloss.reporters.charts import samples as charts_views
from whyloss.reporters.html import data as html_views
from whyloss.testing import known_cause, rule_out_truth, spoil

EVIL = "</script><b id=evil>x</b><img src=x onerror=alert(1)>"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
VOID = {"meta", "img", "br", "link", "input"}


class Page(HTMLParser):
    """Elements of a page, as (tag, attributes, text), and whether each was closed."""

    def __init__(self, text):
        super().__init__()
        self.elements, self._open = [], []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        element = [tag, dict(attrs), ""]
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag):
        assert self._open.pop()[0] == tag

    def handle_data(self, data):
        for element in self._open:
            element[2] += data

    def texts(self, tag):
        return [" ".join(text.split()) for name, _, text in self.elements if name == tag]

    def attributes(self, tag):
        return [attributes for name, attributes, _ in self.elements if name == tag]

    @property
    def specs(self):
        return {
            attributes["id"].removeprefix("spec-"): json.loads(text)
            for _, attributes, text in self.elements
            if attributes.get("id", "").startswith("spec-")
        }

    def json(self, name):
        """What a script of the page reads under that name."""
        return next(json.loads(text) for _, has, text in self.elements if has.get("id") == name)


@functools.cache
def page(diagnosis):
    return Page(diagnosis.render("html"))


def a_run(**options):
    defaults = {"n_classes": 2, "temperature": [1.0, 1.5, 2.5], "blur": [0.6, 0.3, 0.3]}
    return known_cause(0, **{**defaults, **options})


@pytest.fixture(scope="module")
def run():
    return diagnose(a_run().source)


def numbers():
    return diagnose(history=History.from_columns(val_loss=[0.46], val_accuracy=[0.78], n_classes=2))


def curves():
    return diagnose(
        history=History.from_columns(
            val_loss=[9.0, np.nan, 0.5, np.inf, 0.4],
            val_accuracy=[0.3, 0.4, 0.5, np.nan, 0.6],
            train_loss=[0.9, 0.6, 0.5, 0.4, 0.3],
            n_classes=4,
            n_val=500,
        )
    )


# Diagnoses of every level, and of data with every kind of hole.
KINDS = {
    "numbers": numbers,
    "loss only": lambda: diagnose(history=History.from_columns(val_loss=[0.5, 0.4])),
    "curves": curves,
    "snapshot": lambda: diagnose(known_cause(1, n_classes=5, temperature=1.8).source),
    "20 samples": lambda: diagnose(known_cause(1, n_samples=20).source),
    "two epochs": lambda: diagnose(a_run(temperature=[1, 2], blur=0.1).source),
    "rows of NaN": lambda: diagnose(spoil(a_run(), rows=100, value=np.nan).source),
    "nothing but NaN": lambda: diagnose(spoil(a_run(), rows=2000, value=np.nan).source),
    "infinite losses": lambda: diagnose(rule_out_truth(a_run(), rows=7).source),
    "perfect": lambda: diagnose([0, 1] * 50, logits=[[400.0, -400.0], [-400.0, 400.0]] * 50),
}


@functools.cache
def diagnosis_of(kind):
    return KINDS[kind]()


# --- one file, which loads nothing --------------------------------------------------------------


def test_the_page_is_one_small_file_that_loads_nothing(run):
    text = run.render("html")
    assert len(text.encode()) < 3_000_000
    found = Page(text)
    loads = [
        (tag, attributes)
        for tag, attributes, _ in found.elements
        if {"src", "href", "srcset", "action", "data"} & set(attributes) and tag != "a"
    ]
    assert loads == []
    assert "url(" not in found.texts("style")[0]
    assert "@import" not in found.texts("style")[0]


def test_the_policy_forbids_the_network_and_every_script_but_ours(run):
    text = run.render("html")
    policy = next(m for m in Page(text).attributes("meta") if "http-equiv" in m)["content"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe-eval" not in policy
    assert "http" not in policy
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert len(scripts) == 5
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


def test_without_a_chart_no_chart_library_is_carried():
    text = diagnose(history=History.from_columns(val_loss=[0.46])).render("html")
    assert len(text) < 60_000


def test_the_same_diagnosis_gives_the_same_page(run):
    assert run.render("html") == run.render("html")


def test_neither_a_diagnosis_nor_the_reporter_imports_the_chart_library_before_it_is_needed():
    code = (
        "import sys, whyloss.verbs.diagnose, whyloss.reporters.html.page; "
        "assert not {'altair', 'vl_convert'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# --- true to the diagnosis ----------------------------------------------------------------------


def test_the_verdict_comes_first_and_the_rest_in_the_order_in_which_doubts_arise(run):
    found = page(run)
    assert found.texts("h1") == [run.verdict.headline]
    assert run.verdict.title in found.texts("title")[0]
    assert found.texts("h2") == [
        "Where the rise comes from",
        "Loss change by outcome",
        "Epoch by epoch",
        "One epoch at a time",
        "The samples",
        "Classes",
        "What is taken for what",
        "What to do",
        "Also found",
        "What this cannot tell",
        "Best epochs",
        "References",
        "Words",
    ]


def test_every_fact_has_its_interval(run):
    facts = " ".join(page(run).texts("dl")[0].split())
    for name, form in (
        ("log_loss", format_nats),
        ("accuracy", format_percent),
        ("refinement", format_nats),
    ):
        value = run.numbers[name]
        low, high = form(value.low).removesuffix(" %"), form(value.high)
        assert f"{form(value.value)}({low} … {high})" in facts
    assert "2,000" in facts
    assert "samples, 2 classes" in facts


def test_the_numbers_of_every_epoch_have_their_intervals(run):
    rows = page(run).texts("tr")
    for row in run.epochs:
        line = next(
            one for one in rows if one.startswith(f"{row.epoch}{format_nats(row.log_loss.value)}")
        )
        for value in (row.accuracy, row.precision, row.recall):
            low, high = format_percent(value.low).removesuffix(" %"), format_percent(value.high)
            assert f"{format_percent(value.value)} ({low} … {high})" in line


def test_the_migration_table_says_what_the_attribution_says(run):
    rows = page(run).texts("tr")
    for cell in (*run.attribution.cells, replace(run.attribution.cells[0], outcome="together")):
        if cell.outcome == "together":
            cell = replace(cell, samples=2000, total=run.attribution.total)  # noqa: PLW2901
        margin = format_nats(1.96 * cell.total.se)
        assert any(
            row.startswith(f"{cell.outcome}{cell.samples:,}{format_signed(cell.total.value)}")
            and row.endswith(f"± {margin}")
            for row in rows
        )


def test_remedies_come_with_effect_interval_and_code_to_copy(run):
    found = page(run)
    items = [text for text in found.texts("li") if text.startswith(run.remedies[0].title)]
    effect = run.remedies[0].effect
    assert (
        f"{format_signed(effect.value)} nats loss 95 % ({format_signed(effect.low)} … {format_signed(effect.high)})"
        in (items[0])
    )
    snippets = {" ".join(code.split()) for code in run.remedies[0].snippets.values()}
    assert snippets <= set(found.texts("code"))
    ids = {attributes.get("id") for attributes in found.attributes("code")}
    copied = {has["data-copy"] for has in found.attributes("button") if "data-copy" in has}
    assert copied <= ids
    assert copied


def test_references_are_links(run):
    hrefs = {attributes["href"] for attributes in page(run).attributes("a")}
    links = {href for href in hrefs if not href.startswith("#")}
    assert "https://arxiv.org/abs/1706.04599" in links
    assert all(link.startswith(("https://arxiv.org/abs/", "https://doi.org/10.")) for link in links)
    assert "On Calibration of Modern Neural Networks" in page(run).texts("a")


@pytest.mark.parametrize("kind", KINDS)
def test_every_level_and_every_hole_gives_a_whole_page(kind):
    diagnosis = diagnosis_of(kind)
    found = page(diagnosis)
    assert found.texts("h1") == [diagnosis.verdict.headline]
    assert "What this cannot tell" in found.texts("h2")
    assert "nan" not in " ".join(found.texts("td") + found.texts("dd")).lower()
    for spec in found.specs.values():
        vl_convert.vegalite_to_svg({**spec, "width": 300})


def test_hundreds_of_classes_are_cut_to_the_worst_and_the_page_says_so():
    rng = np.random.default_rng(0)
    y = rng.integers(200, size=1000)
    d = diagnose(y, logits=rng.standard_normal((1000, 200)) + 3 * np.eye(200)[y])
    found = page(d)
    caption = next(text for text in found.texts("caption") if "classes" in text)
    assert caption.startswith("The 20 with the largest loss, of 200 classes")
    worst = max(d.classes, key=lambda row: row.log_loss.value)
    rows = found.texts("tr")
    first = rows[next(i for i, row in enumerate(rows) if "precision" in row) + 1]
    assert first.startswith(worst.name)


# --- names are text, whatever they hold ---------------------------------------------------------


class Described(InMemorySource):
    def samples(self, split, ids):  # noqa: ARG002
        kinds = [
            Sample(thumbnail=PNG),
            Sample(thumbnail=b"<svg onload=alert(1)>"),
            Sample(text=EVIL),
            Sample(path="/" + "p" * 5000),
            Sample(thumbnail=PNG + bytes(html_views.MAX_THUMBNAIL)),
        ]
        return [kinds[i % len(kinds)] for i in range(len(ids))]


def hostile():
    known = known_cause(0, n_classes=4, n_samples=300, temperature=[1.0, 2.0, 3.0], blur=0.3)
    names = [EVIL, "\"quoted\" 'single' &amp;", "\u200f\u202eright to left", "n" * 10_000]
    ids = [f"{EVIL}{i}\u2028" for i in range(300)]
    return diagnose(
        Described(
            [
                Predictions.from_arrays(
                    snapshot.y_true, logits=snapshot.scores, ids=ids, classes=names,
                    split=split, epoch=epoch,
                )
                for epoch in (1, 2, 3)
                for snapshot in [known.source.predictions("val", epoch)]
                for split in ("val", EVIL)
            ],
            name=EVIL + "\ud800",
        )
    )  # fmt: skip


def test_hostile_names_are_text():
    text = hostile().render("html")
    found = Page(text)
    assert not any(attributes.get("id") == "evil" for _, attributes, _ in found.elements)
    assert not any(
        name.startswith("on") for _, attributes, _ in found.elements for name in attributes
    )
    assert "b" not in {tag for tag, attributes, _ in found.elements if attributes}
    assert {attributes["src"][:22] for attributes in found.attributes("img")} == {
        "data:image/png;base64,"
    }
    assert "</script><b" in found.texts("td")[0] + " ".join(found.texts("bdi"))
    assert max(map(len, found.texts("bdi"))) <= 200
    assert found.specs["epochs"]["description"].count("</script><b") == 1
    text.encode()


def test_only_small_images_are_embedded():
    assert html_views.thumbnail(Sample(thumbnail=PNG)).startswith("data:image/png;base64,")
    assert html_views.thumbnail(Sample(thumbnail=b"\xff\xd8\xff" + b"x")).startswith(
        "data:image/jpeg"
    )
    assert html_views.thumbnail(Sample(thumbnail=b"GIF89a")) is None
    assert html_views.thumbnail(Sample(thumbnail=PNG + bytes(html_views.MAX_THUMBNAIL))) is None
    assert html_views.thumbnail(Sample()) is None


@pytest.mark.parametrize("n_classes", [2, 4, 1000])
def test_names_of_ten_thousand_characters_break_nothing(n_classes):
    known = known_cause(0, n_classes=n_classes, n_samples=400, signal=6.0)
    p = known.source.predictions("val", 0)
    names = [f"{i} {'n' * 10_000}" for i in range(n_classes)]
    d = diagnose(p.y_true, logits=p.scores, classes=names)
    text = d.render("html")
    assert len(text) < 1_500_000
    found = Page(text)
    assert max(map(len, found.texts("bdi"))) <= 200
    data = found.json("sample-data")
    assert max(len(cell) for row in data["rows"] for cell in row if isinstance(cell, str)) <= 300


# --- no page is too large -----------------------------------------------------------------------


class Illustrated(InMemorySource):
    """Every sample has a picture, as different as real ones are."""

    def samples(self, split, ids):  # noqa: ARG002
        rng = np.random.default_rng(0)
        return [Sample(thumbnail=PNG + rng.bytes(6000)) for _ in ids]


@pytest.fixture(scope="module")
def largest():
    """Many epochs, samples and classes, with long names."""
    n, n_epochs = 2_500, 61
    known = known_cause(0, n_samples=n, temperature=np.linspace(1, 3, n_epochs), blur=0.5)
    shots = [known.source.predictions("val", epoch) for epoch in range(1, n_epochs + 1)]
    ids = [f"a rather long name of a sample, as paths are: {i:08d}" * 2 for i in range(n)]
    d = diagnose(Illustrated([replace(facts, ids=np.array(ids)) for facts in shots]))
    wide = diagnose(
        np.arange(2000) % 1000,
        logits=np.random.default_rng(0).standard_normal((2000, 1000)),
        classes=[f"a class with a long name {i}" * 4 for i in range(1000)],
    )
    return replace(d, classes=wide.classes, confusion=wide.confusion)


def with_texts(diagnosis, text):
    """Every sample says this."""

    def told(rows):
        return tuple(replace(row, sample=replace(row.sample, text=text)) for row in rows)

    pool = diagnosis.pool
    return replace(
        diagnosis,
        samples=told(diagnosis.samples),
        pool=replace(pool, costliest=told(pool.costliest), drawn=told(pool.drawn)),
    )


@pytest.mark.parametrize("text", ["語", "<", '"'])
def test_the_largest_page_is_still_small_and_says_what_it_leaves_out(largest, text):
    d = with_texts(largest, text * 2000)
    whole = d.render("html")
    assert len(whole.encode()) < 3_000_000
    found = Page(whole)
    data = found.json("sample-data")
    assert len(data["rows"]) == len(data["losses"]) < 2000
    most, some = re.search(
        r"^Of 2,500 samples this table has the ([\d,]+) with the largest loss, and ([\d,]+) of the "
        "others drawn at random",
        data["said"],
    ).groups()
    assert int(most.replace(",", "")) + int(some.replace(",", "")) == len(data["rows"])
    pictures = len(found.attributes("img")) + len(data["pictures"])
    assert 0 < pictures < len(data["rows"])
    assert data["said"].endswith(f"There is room for the pictures of the first {pictures}.")
    notes = " ".join(found.texts("p"))
    assert f"Of 61 recorded epochs the slider has {len(d.views.views)}:" in notes
    captions = " ".join(found.texts("caption"))
    assert "of 1,000 classes" in captions
    assert "The 12 most confused of" in captions


def test_five_samples_make_a_page_too():
    text = diagnose([0, 1, 1, 0, 1], logits=[0.2, 1.5, -0.3, -2.0, 0.7]).render("html")
    found = Page(text)
    assert len(found.json("sample-data")["rows"]) == 5
    assert found.json("sample-data")["said"] == "All 5 samples are in this table."


# --- what the scripts read ----------------------------------------------------------------------


def test_what_the_slider_shows_at_its_end_is_what_the_page_shows_without_it(run):
    found = page(run)
    views = found.json("views")
    assert views["epochs"] == [view.epoch for view in run.views.views]
    for name, drawn in (("losses", "histogram"), ("reliability", "reliability")):
        columns, last = views["tables"][name]["columns"], views["tables"][name]["rows"][-1]
        spec = found.specs[drawn]
        shown = next(
            layer["data"]["values"]
            for layer in spec["layer"]
            if layer.get("data", {}).get("name") == name
        )
        assert len(shown) == len(last)
        for given, row in zip(shown, last, strict=True):
            for column, value in zip(columns, row, strict=True):
                same = value if isinstance(value, str) else pytest.approx(value, rel=1e-4)
                assert given[column] == same
        assert spec["description"] == views["words"][drawn][-1]
    cells = {row.outcome: row for row in run.views.views[-1].migration}
    for outcome, (samples, change, margin) in views["migration"][-1].items():
        assert samples == f"{cells[outcome].samples:,}"
        assert change == format_signed(cells[outcome].total.value)
        assert margin == f"± {format_nats(1.96 * cells[outcome].total.se)}"


def test_the_samples_of_the_scripts_are_those_of_the_diagnosis(run):
    data = page(run).json("sample-data")
    rows = (*run.pool.costliest, *run.pool.drawn)
    assert len(data["rows"]) == len(rows) == 2000
    for told, losses, row, known in zip(
        data["rows"], data["losses"], rows, run.pool.losses, strict=True
    ):
        assert told[:3] == [row.id, row.label, row.predicted]
        assert told[4] == pytest.approx(row.log_loss, rel=1e-4)
        assert losses == [round(1000 * loss) for loss in known]


def test_infinite_losses_and_numbers_too_large_for_a_script_arrive_as_they_are():
    known = rule_out_truth(a_run(), rows=7).source
    last = known.predictions("val", 3)
    ids = np.arange(len(last.y_true)) + 2**60
    d = (
        diagnose(last.y_true, log_probs=last.scores, ids=ids)
        if last.scale == "log_probs"
        else (diagnose(last.y_true, **{last.scale: last.scores}, ids=ids))
    )
    data = page(d).json("sample-data")
    assert [row[4] for row in data["rows"][:8]].count(html_views.INFINITE) == 7
    assert all(isinstance(row[0], str) and int(row[0]) >= 2**60 for row in data["rows"])


# --- what is not there --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_every_part_is_there_or_the_page_says_why_not(kind):
    diagnosis = diagnosis_of(kind)
    found = page(diagnosis)
    heads = set(found.texts("h2"))
    said = " ".join(found.texts("li"))
    assert bool(diagnosis.remedies) != ("Remedies" in said)
    assert bool(diagnosis.findings or diagnosis.remedies) == ("What to do" in heads)
    for head, words in (
        ("Where the", "Where a change of the loss comes from"),
        ("Epoch by epoch", "Curves over the epochs"),
        ("The samples", "Losses of single samples"),
    ):
        shown = any(one.startswith(head) and one != "Where the loss stands" for one in heads)
        assert shown != (f"{words}" in said), (head, heads)


def test_every_word_that_is_explained_has_its_explanation(run):
    found = page(run)
    links = {a["href"][1:] for a in found.attributes("a") if a["href"].startswith("#")}
    there = {a["id"] for a in found.attributes("div") if a.get("id", "").startswith("word-")}
    assert links == there


# --- charts -------------------------------------------------------------------------------------


def rows(chart, layer=0):
    spec = chart.to_dict()
    data = spec["layer"][layer].get("data") or spec["data"]
    return data["values"] if "values" in data else spec["datasets"][data["name"]]


def test_the_waterfall_leads_from_one_loss_to_the_other(run):
    steps = rows(charts.waterfall(run))
    first, *parts, last = steps
    assert first["end"] == pytest.approx(run.attribution.before)
    assert parts[0]["start"] == first["end"]
    assert parts[1]["start"] == parts[0]["end"]
    assert parts[-1]["end"] == pytest.approx(last["end"])
    assert last["end"] == pytest.approx(run.attribution.after)
    assert parts[1]["name"] == "calibration: over-confidence"


def test_confidence_is_only_blamed_where_the_temperature_tells():
    under = diagnose(a_run(temperature=[1.0, 0.4], blur=0).source, from_epoch=1)
    assert rows(charts.waterfall(under))[2]["name"] == "calibration: under-confidence"
    healed = diagnose(a_run(temperature=[3.0, 1.0], blur=0).source, from_epoch=1)
    assert rows(charts.waterfall(healed))[2]["name"] == "calibration"


def test_without_a_change_there_is_no_waterfall_but_a_yardstick():
    d = numbers()
    assert charts.waterfall(d) is None
    assert charts.epochs(d) is None
    assert charts.shares(d) is None
    for view in (charts_views.histogram, charts_views.reliability, charts_views.migration):
        assert view(d) is None
    assert charts_views.confusion(d) is None
    assert [row["name"] for row in rows(charts.reference_losses(d))] == [
        "loss",
        "calibrated, same accuracy",
        "guessing",
    ]


def test_the_histogram_has_every_sample_and_no_empty_bar(run):
    bars = rows(charts_views.histogram(run))
    assert all(bar["samples"] > 0 for bar in bars)
    assert sum(bar["samples"] for bar in bars) == 2000
    wrong = sum(bar["samples"] for bar in bars if bar["is"] == "wrong")
    assert wrong == round(2000 * (1 - run.numbers["accuracy"].value))
    assert bars == charts_views.loss_rows(run.views, run.views.views[-1])
    assert (
        charts_views.histogram(run).to_dict()["layer"][0]["encoding"]["y"]["scale"]["type"]
        == "symlog"
    )


def test_long_runs_are_thinned_but_keep_their_ends():
    epochs = np.arange(2000)
    d = diagnose(
        history=History.from_columns(
            val_loss=1 / (1 + epochs), val_accuracy=epochs / 2000, n_classes=2
        )
    )
    kept = charts.thinned(d, "val")
    assert len(kept) <= charts.MAX_EPOCHS + 2
    assert (kept[0].epoch, kept[-1].epoch) == (1, 2000)


def test_the_first_epochs_do_not_press_the_others_flat():
    d = curves()
    low, top, above = charts.loss_axis(d)
    assert (low, above) == (0.3, [1])
    assert top == pytest.approx(2 * 0.5)
    assert "the loss lies above it at epoch 1." in " ".join(page(d).texts("p"))


def test_other_splits_are_drawn_thinner_and_not_all_of_them():
    snapshots = [
        Predictions.from_arrays(
            facts.y_true, logits=facts.scores, epoch=epoch, split=split
        )
        for epoch in (1, 2, 3)
        for facts in [a_run().source.predictions("val", epoch)]
        for split in ("val", "train", "test", "a", "b", "c")
    ]  # fmt: skip
    spec = charts.epochs(diagnose(InMemorySource(snapshots))).to_dict()
    curves = {row["curve"]: row["strong"] for data in spec["datasets"].values() for row in data
              if "curve" in row}  # fmt: skip
    assert curves == {
        "val loss": True,
        "val loss after calibration": True,
        "train loss": False,
        "test loss": False,
        "a loss": False,
    }


def test_a_chart_says_in_words_what_it_shows(run):
    found = page(run)
    labels = [a["aria-label"] for a in found.attributes("div") if a.get("role") == "img"]
    assert len(labels) == len(found.specs) == 5
    assert all(len(label) > 60 for label in labels)
    assert (
        f"loss at epoch {run.attribution.to_epoch} {format_nats(run.attribution.after)}"
        in labels[0]
    )
