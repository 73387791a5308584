"""The cases: every number that does not depend on chance, and properties of the others."""

import csv
import math
import re
from importlib.resources import files

import numpy as np
import pytest
from click.testing import CliRunner

from conftest import require
from whyloss import cases, rules
from whyloss.cases import c3_logistic as c3
from whyloss.cases import c5_training, c6_guessing
from whyloss.cli import cli
from whyloss.measures.envelope import fano_envelope


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        ("C1", "overconfidence"),
        ("C2", "consistent"),
        ("C3", "consistent"),
        ("C4", "overconfidence"),
        ("C5", "outliers"),
        ("C6", "majority-class"),
        ("C7", "chance-level"),
    ],
)
def test_every_case_runs_without_a_framework(code, verdict, tmp_path):
    report = tmp_path / "report.html"
    answer = CliRunner().invoke(cli, ["demo", code, "-o", str(report)])
    assert answer.exit_code == 0, answer.output
    assert report.stat().st_size < 3e6
    assert cases.find(code).question in answer.output
    codes = {rule.name: rule.code for rule in rules.ALL}
    assert re.search(rf"^.* \({codes[verdict]}\): \w+ split of ", answer.output, re.MULTILINE)


def test_cases_are_listed_and_an_unknown_one_says_which_there_are():
    listed = CliRunner().invoke(cli, ["demo", "--list"]).output
    assert [line[:2] for line in listed.splitlines()] == list(cases.ALL)
    with pytest.raises(cases.DataError, match="C1, C2, C3"):
        cases.find("C9")


# One image of case C1, worked out


def test_loss_of_a_wrong_image_grows_with_the_scale_of_its_logits():
    def probabilities(*logits):
        weights = np.exp(np.array(logits) - max(logits))
        return weights / weights.sum()

    p = probabilities(0.62, -0.52)
    assert p == pytest.approx([0.7577, 0.2423], abs=5e-5)
    assert -math.log(p[0]) == pytest.approx(0.2775, abs=5e-5)
    p = probabilities(12.0, -12.0)
    assert -math.log(p[1]) == pytest.approx(24.0, abs=1e-9)
    assert -math.log1p(-p[1]) == pytest.approx(3.8e-11, rel=0.01)


# C3


@pytest.fixture(scope="module")
def data():
    return c3.data_sets()


@pytest.mark.parametrize(
    ("name", "parameters", "loss", "accuracy"),
    [
        ("small", (1.26805, -0.65427), 0.5824, 0.6),
        ("medium", (0.95453, 0.41801), 0.64068, 0.58),
        ("large", (0.99709, -0.03046), 0.65492, 0.6156),
    ],
)
def test_maximum_of_the_likelihood(data, name, parameters, loss, accuracy):
    found = c3.fit(data[name])
    assert found == pytest.approx(parameters, abs=6e-6)
    assert c3.losses(*found, data[name]).mean() == pytest.approx(loss, abs=6e-5)
    assert c3.accuracy(*found, data[name]) == pytest.approx(accuracy)


def test_maximum_of_the_likelihood_is_that_of_scikit_learn(data):
    linear_model = require("sklearn.linear_model")
    for one in data.values():
        model = linear_model.LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000)
        model.fit(one.x[:, None], one.y)
        oracle = model.coef_[0, 0], model.intercept_[0]
        assert c3.fit(one) == (
            pytest.approx(oracle[0], abs=1e-4),
            pytest.approx(oracle[1], abs=1e-4),
        )


def test_cut_and_losses_of_the_five_points(data):
    small = data["small"]
    a, b = c3.fit(small)
    assert -b / a == pytest.approx(0.516, abs=5e-4)
    assert c3.losses(a, b, small) == pytest.approx(
        [0.1365, 0.3040, 1.0729, 0.9660, 0.4326], abs=5e-5
    )
    first = c3.losses(5.0, 0.5, small)
    assert first == pytest.approx([0.0110, 0.3133, 0.4741, 5.0067, 0.0041], abs=5e-5)
    assert first.mean() == pytest.approx(1.1618, abs=5e-5)
    second = c3.losses(5.0, -4.8, small)
    assert second == pytest.approx([0.00006, 0.0018, 4.8082, 0.5544, 0.5981], abs=5e-5)
    assert second.mean() == pytest.approx(1.1925, abs=5e-5)
    assert c3.accuracy(5.0, 0.5, small) == c3.accuracy(5.0, -4.8, small) == 0.8


def test_best_accuracy_on_the_grid_and_the_losses_there(data):
    small, medium, large = (c3.sweep(data[name]) for name in ("small", "medium", "large"))
    assert small.accuracy.max() == pytest.approx(0.8)
    assert medium.accuracy.max() == pytest.approx(0.68)
    there = medium.log_loss[medium.accuracy > 0.68 - 1e-9]
    assert (there.min(), there.max()) == (
        pytest.approx(0.6626, abs=5e-5),
        pytest.approx(1.7391, abs=5e-5),
    )
    assert large.accuracy.max() == pytest.approx(0.619)


def test_sweep_is_the_mean_over_the_samples_at_each_point(data):
    medium = data["medium"]
    grid = c3.sweep(medium)
    for i, j in [(0, 0), (7, 50), (100, 100), (33, 12)]:
        a, b = medium.slopes[i], medium.intercepts[j]
        assert grid.log_loss[i, j] == pytest.approx(c3.losses(a, b, medium).mean())
        assert grid.accuracy[i, j] == pytest.approx(c3.accuracy(a, b, medium))


def test_page_shows_the_same_numbers(tmp_path):
    sync_api = require("playwright.sync_api")
    case = cases.find("C3")
    case.page(tmp_path / "c3.html")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        context = browser.new_context(offline=True, viewport={"width": 360, "height": 800})
        page, said = context.new_page(), []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto((tmp_path / "c3.html").as_uri())
        assert page.inner_text("#loss") == "0.5824"
        page.select_option("#set", "medium")
        assert (page.inner_text("#loss"), page.inner_text("#acc")) == ("0.6407", "0.5800")
        page.click("#tobest")
        assert (page.inner_text("#loss"), page.inner_text("#acc")) == ("0.6626", "0.6800")
        page.focus("#a")
        page.keyboard.press("ArrowRight")
        assert page.inner_text("#loss") != "0.6626"
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert not said
        browser.close()


# C4


def test_curves_of_a_thousand_epochs():
    with files("whyloss.cases").joinpath("data/c4.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    loss = np.array([float(row["val_loss"]) for row in rows])
    accuracy = np.array([float(row["val_accuracy"]) for row in rows])
    train = np.array([float(row["loss"]) for row in rows])
    assert len(rows) == 1000
    assert train[-100:].mean() < 0.01
    assert 20 <= loss.argmin() + 1 <= 50
    assert loss[-100:].mean() > 1.3 * loss.min()
    assert accuracy[-1] > accuracy[49]
    found = cases.find("C4").diagnose()
    assert found.best_epochs["log_loss"].epoch == loss.argmin() + 1
    assert found.best_epochs["accuracy"].epoch == accuracy.argmax() + 1
    assert 1000 in found.best_epochs["accuracy"].as_good
    assert 1000 not in found.best_epochs["log_loss"].as_good


# C5


def test_the_outlier_is_named_with_its_share_and_the_loss_without_it():
    found = cases.find("C5").diagnose()
    (finding,) = [finding for finding in found.findings if finding.name == "outliers"]
    assert finding.samples == (c5_training.OUTLIER,)
    assert finding.evidence["share"].value > 0.8
    assert finding.evidence["log_loss_without"].value < 0.2 * finding.evidence["log_loss"].value
    assert "no predicted label changes" in finding.message
    assert found.samples[0].id == c5_training.OUTLIER
    # Two mistakes of twenty and one outlier are no gap between training and new samples.
    assert "generalisation-gap" not in [each.name for each in found.findings]


def test_points_are_separable_but_for_the_outlier():
    x_train, y_train, x_test, y_test = c5_training.points()
    for x, y in ((x_train, y_train), (x_test, y_test)):
        assert ((x < 0.5) == (y == 1)).sum() >= 19
    assert x_test[c5_training.OUTLIER] > 0.5
    assert x_train[0] == pytest.approx(0.5 + 0.5 * 0.5488135039273248)


def test_the_outlier_hijacks_the_loss_over_several_seeds(tmp_path):
    require("keras")
    from whyloss import diagnose

    named = 0
    for seed in range(6):
        history = c5_training.train(tmp_path / str(seed), seed=seed)
        loss, accuracy = np.array(history["val_loss"]), history["val_accuracy"]
        assert loss[-1] > 1.2 * loss.min()
        assert accuracy[-1] >= 0.85
        found = diagnose(tmp_path / str(seed))
        assert found.samples[0].id == c5_training.OUTLIER
        assert found.samples[0].share > 0.5
        named += found.verdict.name == "outliers"
    assert named >= 4


# C6, C7


def test_guessing_costs_the_entropy_of_the_class_shares():
    found = cases.find("C6").diagnose()
    entropy = -sum(share * math.log(share) for share in c6_guessing.SHARES)
    assert found.numbers["log_loss"].value == pytest.approx(entropy)
    assert found.numbers["accuracy"].value == pytest.approx(0.7)
    lines = " ".join(c6_guessing.lines())
    for number in ("0.6931", "1.0986", "2.3026", "0.8018", "0.5149", "0.1135", "0.1734"):
        assert number in lines


def test_binary_and_categorical_cross_entropy_are_one():
    z = np.linspace(-40, 40, 81)
    for y in (0, 1):
        binary = np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z)))
        logits = np.stack([np.zeros_like(z), z], axis=1)
        categorical = np.logaddexp(logits[:, 0], logits[:, 1]) - logits[:, y]
        assert binary == pytest.approx(categorical, abs=1e-12)
    assert -math.log(0.1) == pytest.approx(2.3026, abs=5e-5)


def test_envelopes_of_the_beginners_line():
    assert fano_envelope(0.7826, 2) == pytest.approx((0.3014, 0.5236), abs=5e-5)
    assert fano_envelope(0.8224, 2) == pytest.approx((0.2462, 0.4677), abs=5e-5)
