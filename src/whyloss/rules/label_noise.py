"""WL403: Many labels contradict confident predictions; no temperature explains it.

## What it means
A share of the labels has nothing to do with what the model sees: they were mislabelled, or a part
of the inputs is garbage. The model may be right and the labels wrong. Such labels put a floor under
the loss. They also make a model look over-confident: a temperature fitted to them is too high.

## Signature
In many samples, spread over all classes, the model is sure of another class. The temperature of the
rest differs from the temperature of all.

## Statistic and threshold
A label-noise rate ε is fitted jointly with a temperature: q = (1 − ε) softmax(βz) + ε/K. The
likelihood ratio must exceed 6.6, which 0.5 % of clean sets do.
- `min_share` = 3 %: ε must be larger. Below it see `outliers`. With 3 % of noise the test finds
  nine of ten cases for K = 2 and 2,000 samples, and nearly all for K ≥ 10.

If the loss rises by less than 0.01 nat when the noise term is left out and temperature and class
biases are fitted again, there is no finding: they explain the same.

## Not to be confused with
`permuted-classes` and `label-encoding` are systematic; they are looked for first. `class-bias`:
flips from one class to another, which ε does not see. A model that was trained on the same noisy
labels has learnt the noise, and ε can be 0.

## Remedy
Review the named samples, most suspicious first; do not relabel by machine. Then measure again. For
training: cleaner labels, label smoothing, fewer epochs.

## References
arXiv:1911.00068 (Northcutt et al. 2019: confident learning). arXiv:2103.14749 (Northcutt et al.
2021: test sets are full of label errors).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from whyloss.evidence import outline
from whyloss.formatting import format_nats, format_percent, pluralize
from whyloss.remedies import suspects
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import Lead, Rule
from whyloss.testing import known_cause

if TYPE_CHECKING:
    from whyloss.evidence import Evidence
    from whyloss.results.remedy import Remedy

ALIKE_SCORES = 0.02  # of accuracy
CLEANER_VALIDATION = 0.1
PLATEAU_LOW, PLATEAU_HIGH = 0.5, 0.9  # accuracies that a strong model would pass
FITS_AS_WELL = 0.8  # fit
LONG = 5  # epochs after which an accuracy that rests is a limit
RESTS = 0.03  # range of the accuracies in the second half

RULE = Rule(
    "WL403",
    name="label-noise",
    page=__doc__,
    since="0.1",
    explains=(
        "consistent",
        "outliers",
        "temperature",
    ),
)


@RULE.at(
    Level.SNAPSHOT,
    fires=lambda seed: known_cause(seed, noise=0.1, signal=3.0, n_samples=1500),
    near_misses={
        "min_share": lambda seed: known_cause(
            seed, noise=0.02, signal=4.0, n_samples=1500, n_classes=10
        ),
    },
)
def many_contradicted(evidence: Evidence, *, min_share: float = 0.03) -> Finding | None:
    """A noise rate is accepted beside a temperature, and it is not small."""
    snapshot = evidence.last
    fits = evidence.noise_models.nested_fits
    noise = None if fits is None else fits.label_noise
    if fits is None or noise is None or not (noise.accepted and noise.share > min_share):
        return None
    if not fits.nats["label_noise"] > 0:
        return None  # a temperature or class biases explain the same
    odds = evidence.noise_models.label_noise_odds
    likely = int(np.count_nonzero(odds > 0.5))
    # Where few classes leave no single sample sure, the list still begins with the likeliest.
    order = np.argsort(-odds, kind="stable")[:100]
    wrong = noise.share * (1.0 - 1.0 / snapshot.predictions.n_classes)
    return Finding(
        severity=Severity.WARNING,
        headline="Label noise",
        message=(
            f"About {format_percent(wrong)} of the labels are probably wrong, at random: "
            f"{format_nats(noise.gain)} nats of the loss that no temperature explains. "
            f"{pluralize(likely, 'sample')} {'is' if likely == 1 else 'are'} more likely "
            "mislabelled than not. Review the named samples before you rescale anything: the best "
            f"temperature is {fits.temperature.temperature:.2f} with the wrong labels, and "
            f"{noise.temperature:.2f} for the other samples."
        ),
        evidence={
            "label_noise_rate": Estimate(
                noise.share, note="fitted jointly with a temperature", unit="share"
            ),
            "wrong_labels": Estimate(
                wrong, note="the rate, less labels that are right by chance", unit="share"
            ),
            "temperature": fits.temperature.estimate,
            "temperature_of_the_rest": Estimate(
                noise.temperature,
                note="fitted jointly with the label-noise rate",
                unit="temperature",
            ),
        },
        nats=fits.nats["label_noise"],
        epochs=(snapshot.epoch,),
        samples=tuple(snapshot.predictions.ids[order].tolist()),
    )


@RULE.cured_by
def _review(evidence: Evidence, _: Finding) -> Remedy:
    """Look at the labels that are more likely wrong than not, or at the likeliest ones."""
    facts, odds = evidence.last, evidence.noise_models.label_noise_odds
    order = np.argsort(-odds, kind="stable")
    likely = order[odds[order] > 0.5]
    then = (
        "Correct the labels that are wrong, by hand and not by the model. Divide by no temperature "
        "before that: with wrong labels in it, it comes out too high."
    )
    if not len(likely):
        return suspects.review(facts, order[:100], then)
    return suspects.look_at(facts, likely, "are the labels right?", then)


@RULE.suspected(
    prior=0.04,
    check="Look at the samples that the model most confidently gets wrong: how many labels are "
    "mistaken?",
)
def _suspicion(evidence: Evidence) -> Lead | None:
    """Training is no better than validation, and both stand far below 100 %."""
    seen = outline(evidence)
    if seen.accuracy is None or seen.train_accuracy is None:
        return None
    noisy_train = seen.accuracy - seen.train_accuracy >= CLEANER_VALIDATION
    alike = abs(seen.train_accuracy - seen.accuracy) <= ALIKE_SCORES
    end = seen.accuracies[len(seen.accuracies) // 2 :]
    rests = len(seen.accuracies) >= LONG and float(np.ptp(end)) <= RESTS
    limit = rests and alike and PLATEAU_LOW <= seen.accuracy <= PLATEAU_HIGH
    if not (noisy_train or limit):
        return None
    return Lead(
        1.0 if noisy_train else FITS_AS_WELL,
        f"The accuracy is {format_percent(seen.train_accuracy)} in training and "
        f"{format_percent(seen.accuracy)} in validation: a limit that neither passes.",
    )
