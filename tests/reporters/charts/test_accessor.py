"""The charts one by one, and the diagnosis in a notebook."""

import base64
import re
import subprocess
import sys

import numpy as np
import pytest
import vl_convert

from whyloss import diagnose
from whyloss.data import InMemorySource, Predictions
from whyloss.errors import WhylossError
from whyloss.reporters.charts import accessor as charts_alone
from whyloss.testing import known_cause

EVIL = "</svg></script><b id=evil>x</b>"
NAMES = (
    "waterfall", "reference_losses", "epochs", "shares", "histogram", "reliability", "migration",
    "confusion",
)  # fmt: skip


@pytest.fixture(scope="module")
def run():
    return diagnose(known_cause(0, temperature=[1.0, 1.5, 2.5], blur=[0.6, 0.3, 0.3]).source)


def dataset(chart, name):
    spec = chart.to_dict()
    return next(
        layer["data"]["values"]
        for layer in spec["layer"]
        if layer.get("data", {}).get("name") == name
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_chart_is_there_on_paper_and_says_what_it_shows(run, name):
    spec = getattr(run.charts, name)().to_dict()
    assert spec["width"] == charts_alone.WIDTH
    assert spec["background"] == "#ffffff"
    assert len(spec["description"]) > 50
    assert vl_convert.vegalite_to_svg(spec).startswith("<svg")


def test_the_charts_are_named(run):
    assert all(name in repr(run.charts) for name in NAMES)


@pytest.mark.parametrize(
    ("suffix", "start"), [("png", b"\x89PNG"), ("svg", b"<svg"), ("pdf", b"%PDF")]
)
def test_a_chart_is_saved_without_a_browser(run, tmp_path, suffix, start):
    path = tmp_path / f"waterfall.{suffix}"
    run.charts.waterfall().save(path)
    assert path.read_bytes().startswith(start)


def test_a_chart_of_another_epoch_shows_that_epoch(run):
    for view in run.views.views:
        drawn = dataset(run.charts.histogram(view.epoch), "losses")
        assert sum(bar["samples"] for bar in drawn) + view.beyond == 2000
        points = dataset(run.charts.reliability(view.epoch), "reliability")
        stated = [point for point in points if point["series"] == "as stated"]
        assert [point["right"] for point in stated] == [one.right for one in view.reliability]
    assert "from epoch 2 to 1," in run.charts.migration(1).to_dict()["description"]


def test_an_epoch_without_a_view_is_an_error_that_names_those_with_one(run):
    with pytest.raises(WhylossError, match=r"one of 1[–-]3"):
        run.charts.histogram(7)


def test_what_cannot_be_drawn_says_what_it_needs():
    d = diagnose(val_loss=0.46, val_accuracy=0.78, n_classes=2)
    assert d.charts.reference_losses()
    for name in set(NAMES) - {"reference_losses"}:
        with pytest.raises(WhylossError, match="expected"):
            getattr(d.charts, name)()


def test_of_many_classes_the_confused_pairs_are_drawn():
    rng = np.random.default_rng(0)
    y = rng.integers(40, size=2000)
    d = diagnose(y, logits=rng.standard_normal((2000, 40)) + 2 * np.eye(40)[y])
    spec = d.charts.confusion().to_dict()
    assert "most confused of" in spec["description"]
    first = d.confusion.pairs[0]
    assert f"{first.label} taken for {first.predicted} {first.samples}" in spec["description"]


# --- notebooks ----------------------------------------------------------------------------------


def test_a_notebook_shows_the_answer_with_charts_and_without_scripts(run):
    text = run._repr_html_()
    assert run.verdict.headline in text
    assert run.remedies[0].title in text
    pictures = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)" alt="([^"]+)"', text)
    assert len(pictures) == text.count("src=") == 2
    for picture, words in pictures:
        assert base64.b64decode(picture).startswith(b"<svg")
        assert len(words) > 50
    assert "<script" not in text
    assert run.verdict.title in run._repr_html_()


@pytest.mark.parametrize(
    "make",
    [
        lambda: diagnose(val_loss=0.46, val_accuracy=0.78, n_classes=2),
        lambda: diagnose(val_loss=[0.5, 0.4, 0.5], val_accuracy=[0.7, 0.8, 0.8]),
        lambda: diagnose(known_cause(0, n_samples=20).source),
        lambda: diagnose([0, 1] * 50, logits=[[4000.0, -4000.0], [-4000.0, 4000.0]] * 50),
    ],
)
def test_a_notebook_shows_whatever_there_is(make):
    d = make()
    assert d.verdict.title in d._repr_html_()


def test_names_in_a_notebook_are_text():
    known = known_cause(0, n_classes=2, n_samples=200, temperature=[1.0, 3.0])
    d = diagnose(
        InMemorySource(
            [
                Predictions.from_arrays(
                    facts.y_true, logits=facts.scores, classes=[EVIL, "b"], epoch=epoch, split=EVIL
                )
                for epoch in (1, 2)
                for facts in [known.source.predictions("val", epoch)]
            ],
            name=EVIL,
        )
    )
    assert "<b id=evil>" not in d._repr_html_()


def test_the_chart_library_is_loaded_for_a_chart_alone():
    code = (
        "import sys, whyloss; d = whyloss.diagnose(val_loss=0.4, val_accuracy=0.8, n_classes=2); "
        "assert not {'altair', 'vl_convert'} & set(sys.modules); d.charts.reference_losses(); "
        "assert 'altair' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
