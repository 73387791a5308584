"""Every cure is applied as its snippet says; the finding is then gone."""

import numpy as np
import pytest
import scipy

from whyloss import diagnose
from whyloss.testing import (
    batch_means,
    bias_classes,
    known_cause,
    known_splits,
    relabel_scale,
    report_loss,
    rule_out_truth,
    shift_classes,
    softmax_twice,
    spoil,
    swap_classes,
)

SEEDS = (1, 2)

WORLDS = {
    "label-noise": lambda seed: known_cause(seed, noise=0.12, signal=4.0, n_classes=5),
    "class-bias": lambda seed: bias_classes(known_cause(seed, n_classes=5), shift=1.5),
    "majority-class": lambda seed: known_cause(seed, signal=0.6, n_classes=2, shares=(0.93, 0.07)),
    "permuted-classes": lambda seed: swap_classes(known_cause(seed, n_classes=5)),
    "double-softmax": lambda seed: softmax_twice(known_cause(seed, n_classes=5)),
    "infinite-loss": lambda seed: rule_out_truth(known_cause(seed, n_classes=5), rows=12),
    "outliers": lambda seed: known_cause(seed, noise=0.01, signal=5.0, n_classes=5),
    "label-encoding": lambda seed: shift_classes(known_cause(seed, n_classes=5)),
    "not-probabilities": lambda seed: relabel_scale(known_cause(seed, n_classes=5), "probs"),
    "non-finite": lambda seed: spoil(known_cause(seed), rows=7, value=float("nan")),
    "overconfidence": lambda seed: known_cause(seed, temperature=2.0, n_classes=5),
    "underconfidence": lambda seed: known_cause(seed, temperature=0.5, n_classes=5),
}


def run_beside(snippet, predictions):
    """Run the snippet beside the arrays that were diagnosed; return all names."""
    names = {
        "y_true": predictions.y_true,
        predictions.scale: predictions.scores.astype(float),
        "ids": predictions.ids,
    }
    exec(snippet, names)  # noqa: S102 - our own snippet is the test
    return names


def diagnosis_after(snippet, predictions):
    """Diagnose what the snippet leaves."""
    names = run_beside(snippet, predictions)
    scale = next(scale for scale in ("probs", "logits", "log_probs") if scale in names)
    return diagnose(names["y_true"], **{scale: names[scale]})


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", WORLDS)
def test_applying_the_first_remedy_removes_the_finding(name, seed):
    source = WORLDS[name](seed).source
    found = diagnose(source)
    assert found.verdict.name == name
    cure = found.remedies[0]
    assert found.findings[0].remedies[0] == cure.name
    assert (cure.name, cure.because) in {(name, found.verdict.title), ("temperature", "")}
    mended = diagnosis_after(cure.snippets["numpy"], source.predictions("val", 0))
    assert name not in {finding.name for finding in mended.findings}


REPORTS = {
    "loss-mismatch": lambda losses: float(losses.sum()),
    "last-batch-skew": lambda losses: batch_means(losses, 64),
    "smoothing-or-weights": lambda _losses, by_class: float(np.mean(by_class)),
}


@pytest.mark.parametrize("name", REPORTS)
def test_a_loss_recomputed_as_the_remedy_says_is_no_finding(name):
    known = known_cause(1, n_samples=322, shares=(0.6, 0.3, 0.1))
    found = diagnose(report_loss(known, REPORTS[name]).source)
    cure = next(remedy for remedy in found.remedies if remedy.name == name)
    predictions = known.source.predictions("val", 0)
    loss = float(run_beside(cure.snippets["numpy"], predictions)["loss"])
    assert loss == pytest.approx(cure.after.value, abs=1e-9)
    assert cure.effect.value == pytest.approx(loss - cure.before.value, abs=1e-9)
    mended = diagnose(report_loss(known, lambda _losses: loss).source)
    assert name not in {finding.name for finding in mended.findings}


def test_samples_that_training_has_seen_are_left_out_by_the_remedy():
    known = known_splits(3, leaked=30)
    found = diagnose(known.source)
    cure = next(one for one in found.remedies if one.name == "validation-too-easy")
    assert cure.samples == tuple(range(30))
    names = run_beside(cure.snippets["numpy"], known.source.predictions("val", 0))
    assert names["ids"].tolist() == list(range(30, 400))
    log_prob = scipy.special.log_softmax(names["logits"], axis=1)
    loss = -log_prob[np.arange(370), names["y_true"]].mean()
    assert cure.after.value == pytest.approx(loss, abs=1e-6)


def test_the_effect_of_leaving_samples_out_has_the_spread_of_a_bootstrap():
    known = known_cause(4, noise=0.01, signal=5.0, n_samples=2000)
    cure = diagnose(known.source).remedies[0]
    p = known.source.predictions("val", 0)
    log_prob = scipy.special.log_softmax(p.scores, axis=1)
    losses = -log_prob[np.arange(2000), p.y_true]
    keep = ~np.isin(p.ids, cure.samples)
    rng = np.random.default_rng(0)
    drawn = [
        losses[rows][keep[rows]].mean() - losses[rows].mean()
        for rows in (rng.integers(2000, size=2000) for _ in range(2000))
    ]
    assert cure.effect.value == pytest.approx(losses[keep].mean() - losses.mean(), abs=1e-6)
    assert cure.effect.se == pytest.approx(np.std(drawn), rel=0.1)


def test_one_sample_that_carries_the_loss_is_the_thing_to_look_at():
    """The interval of so few samples reaches 0; the cure is shown as such all the same."""
    logits = np.array([[-3.0, 3.0]] * 10 + [[3.0, -3.0]] * 10) * 1.5
    y_true = np.array([1] * 10 + [0] * 10)
    logits[4] = [13.0, -4.0]
    found = diagnose(y_true, logits=logits)
    assert found.verdict.name == "outliers"
    cure = found.remedies[0]
    assert cure.samples == (4,)
    assert cure.effect.high <= 0.0
    text = found.render("terminal")
    assert "look at sample 4" in text
    assert "No clear gain" not in text
    assert "epoch-for-labels" not in {remedy.name for remedy in found.remedies}


def test_class_constants_are_judged_by_samples_that_they_were_not_fitted_on():
    """Many constants and few samples per class: in sample they gain more than out of it."""
    found = diagnose(bias_classes(known_cause(5, n_classes=8, n_samples=500), shift=2.0).source)
    cure = found.remedies[0]
    assert cure.name == "class-bias"
    in_sample = found.findings[0].evidence["gain"].value
    assert cure.effect.value > -in_sample
    assert cure.effect.high < 0


def test_a_model_whose_scores_tell_nothing_apart_is_to_be_trained_again():
    source = known_cause(6, signal=0.0, n_classes=2, shares=(0.9, 0.1)).source
    found = diagnose(source)
    cures = {remedy.name: remedy for remedy in found.remedies}
    assert found.verdict.name == "majority-class"
    assert cures["majority-class"].retraining
    assert not cures["majority-class"].snippets


def test_a_temperature_is_not_offered_beside_label_noise():
    found = diagnose(known_cause(7, noise=0.12, signal=4.0, n_classes=5).source)
    assert [remedy.name for remedy in found.remedies] == ["label-noise"]
    assert "no temperature" in found.remedies[0].text
    reasons = {item.name: item.reason for item in found.not_checked}
    assert reasons["temperature"] == "set aside: label-noise comes first"


@pytest.mark.parametrize("form", ["terminal", "markdown", "html"])
def test_every_form_names_the_verdict_beside_its_cure(form):
    found = diagnose(known_cause(8, noise=0.01, signal=5.0).source)
    assert "Because of “A few samples make up much of the loss”" in found.render(form)


@pytest.mark.parametrize(
    ("scale", "of_logit"),
    [
        ("logits", lambda z: z),
        ("probs", scipy.special.expit),
        ("log_probs", lambda z: -np.logaddexp(0, -z)),
    ],
)
def test_snippets_fit_one_output_of_a_binary_model_on_every_scale(scale, of_logit):
    rng = np.random.default_rng(9)
    y_true = rng.integers(2, size=1500)
    logit = 4.0 * (y_true - 0.5) + rng.standard_normal(1500)
    worlds = {"class-bias": (y_true, logit + 2.5), "permuted-classes": (1 - y_true, logit)}
    for name, (labels, values) in worlds.items():
        found = diagnose(labels, **{scale: of_logit(values)})
        assert found.remedies[0].name == name
        names = {"y_true": labels, scale: of_logit(values)}
        exec(found.remedies[0].snippets["numpy"], names)  # noqa: S102 - our own snippet is the test
        left = "probs" if "probs" in names else scale
        mended = diagnose(labels, **{left: names[left]})
        assert name not in {finding.name for finding in mended.findings}
