"""Every cure is applied as its snippet says; the finding is then gone."""

import pytest

from whyloss import diagnose
from whyloss.testing import (
    bias_classes,
    known_cause,
    rule_out_truth,
    softmax_twice,
    swap_classes,
)

SEEDS = (1, 2, 3)

WORLDS = {
    "label-noise": lambda seed: known_cause(seed, noise=0.12, signal=4.0, n_classes=5),
    "class-bias": lambda seed: bias_classes(known_cause(seed, n_classes=5), shift=1.5),
    "majority-class": lambda seed: known_cause(seed, signal=0.6, n_classes=2, shares=(0.93, 0.07)),
    "permuted-classes": lambda seed: swap_classes(known_cause(seed, n_classes=5)),
    "double-softmax": lambda seed: softmax_twice(known_cause(seed, n_classes=5)),
    "infinite-loss": lambda seed: rule_out_truth(known_cause(seed, n_classes=5), rows=12),
    "outliers": lambda seed: known_cause(seed, noise=0.01, signal=5.0, n_classes=5),
}


def diagnosis_after(snippet, predictions):
    """Run the snippet beside the arrays that were diagnosed; diagnose what it leaves."""
    names = {
        "y_true": predictions.y_true,
        predictions.scale: predictions.scores.astype(float),
        "ids": predictions.ids,
    }
    exec(snippet, names)  # noqa: S102 - our own snippet is the test
    scale = "probs" if "probs" in names else predictions.scale
    return diagnose(names["y_true"], **{scale: names[scale], "ids": names["ids"]})


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", WORLDS)
def test_applying_the_first_remedy_removes_the_finding(name, seed):
    source = WORLDS[name](seed).source
    found = diagnose(source)
    assert found.verdict.name == name
    cure = found.remedies[0]
    assert cure.because == found.verdict.title
    assert found.findings[0].remedies[0] == cure.name == name
    mended = diagnosis_after(cure.snippets["numpy"], source.predictions("val", 0))
    assert name not in {finding.name for finding in mended.findings}
