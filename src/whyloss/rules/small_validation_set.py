"""WL506: So few validation samples that single ones move the metric.

## What it means
With n samples the accuracy moves in steps of 1/n and is uncertain by about 1/√n. Differences
between epochs, or between models, that are smaller than that are chance, and the best of many
epochs looks better than it is.

## Signature
Few samples; or, where the size is not known, accuracies that are all whole multiples of one step.

## Statistic and threshold
- `max_samples` = 200: with so many the 95 % interval of an accuracy of 0.8 is wider than ± 5
  points.

Where only accuracies are known, the smallest n of which all of them are multiples (to the digits
printed) is taken:
- `min_values` = 3 different values must fit it.
- `max_chance` = 0.001: the probability that they fit some n up to this one by chance.

## Not to be confused with
`within-noise`: a difference that these samples cannot tell from chance, however many they are.

## Remedy
Cross-validate, or repeat the split with several seeds; validate on more samples; do not choose
epochs or models by differences smaller than the interval.

## References
arXiv:2010.06595 (Card et al. 2020: little power). Selecting on a validation set overfits it:
doi:10.5555/1756006.1859921 (Cawley and Talbot 2010).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from whyloss.evidence import TRAIN, outline, said_of
from whyloss.formatting import format_nats, format_percent, format_points, pluralize
from whyloss.measures.estimates.intervals import wilson
from whyloss.measures.estimates.steps import samples_by_steps
from whyloss.remedies.effects import in_words
from whyloss.results.estimate import Z95, Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import TELLING, Lead, Rule
from whyloss.testing import known_cause, known_history

if TYPE_CHECKING:
    from whyloss.evidence import Evidence
    from whyloss.results.remedy import Remedy
    from whyloss.testing import KnownCause

SUSPECT_EPOCHS = 4
RESTLESS = 0.5  # share of the epochs at which the curve turns
SWINGS = 0.03  # of the value, from one epoch to the next
SWINGS_FIT = 0.5

WANTED = 0.02  # of accuracy: half of a 95 % interval that tells most models apart
LEAST = 1000  # samples; fewer say little of a loss, however few are wrong

RULE = Rule(
    "WL506",
    name="small-validation-set",
    page=__doc__,
    since="0.1",
)


def _grid(seed: int, n: int, epochs: int, digits: int = 4) -> KnownCause:
    """Accuracies as `n` samples have them, printed with so many digits."""
    rng = np.random.default_rng(seed)
    right = rng.integers(round(0.6 * n), round(0.9 * n), size=epochs)
    return known_history(
        seed, val_loss=[0.5] * epochs, val_accuracy=np.round(right / n, digits).tolist()
    )


@RULE.at(
    Level.NUMBERS,
    fires=lambda seed: known_cause(seed, n_samples=80),
    near_misses={"max_samples": lambda seed: known_cause(seed, n_samples=300)},
)
def few_samples(evidence: Evidence, *, max_samples: float = 200) -> Finding | None:
    """There are few samples."""
    n = evidence.last.n_predicted if evidence.epochs else evidence.history.n_val
    return _finding(evidence, n) if n and n <= max_samples else None


@RULE.at(
    Level.CURVES,
    fires=lambda seed: _grid(seed, 40, 8),
    near_misses={
        "max_samples": lambda seed: _grid(seed, 240, 12),
        "min_values": lambda seed: _grid(seed, 30, 2),
        "max_chance": lambda seed: _grid(seed, 5000, 4, digits=2),
    },
)
def accuracies_in_large_steps(
    evidence: Evidence,
    *,
    max_samples: float = 200,
    min_values: float = 3,
    max_chance: float = 1e-3,
) -> Finding | None:
    """All reported accuracies are multiples of one large step."""
    curve = evidence.reported(evidence.split)
    if curve is None or evidence.epochs or evidence.history.n_val is not None:
        return None
    shares = curve.accuracy[np.isfinite(curve.accuracy)]
    if len(np.unique(shares)) < min_values:
        return None
    n = samples_by_steps(shares, max_chance)
    if n is None or not n <= max_samples:
        return None
    return _finding(evidence, n, ", as all reported accuracies are multiples of that step")


def _finding(evidence: Evidence, n: int, why: str = "") -> Finding | None:
    accuracy = None if evidence.numbers is None else evidence.numbers.accuracy.value
    if accuracy is None:
        return None
    share = wilson(round(accuracy * n), n)
    low, high = share.low or 0.0, share.high or 1.0
    return Finding(
        severity=Severity.INFO,
        headline="Too few validation samples to tell",
        message=(
            f"{pluralize(n, 'validation sample is', 'validation samples are')} too few to tell a "
            f"cause from chance: an accuracy of {format_percent(accuracy)} means anything from "
            f"{format_percent(low, 0)} to {format_percent(high, 0)}. One sample moves it by "
            f"{format_points(1 / n).lstrip('+')}{why}, so smaller differences between epochs are "
            "chance."
        ),
        evidence={"accuracy": share, "step": Estimate(1 / n, note="one sample", unit="share")},
    )


@RULE.cured_by
def _more_samples(_evidence: Evidence, found: Finding) -> Remedy:
    """Say how many samples the accuracy would need."""
    share = found.evidence["accuracy"].value
    needed = max(math.ceil(share * (1.0 - share) * (Z95 / WANTED) ** 2), LEAST)
    return in_words(
        f"Validate on about {needed:,} samples, or cross-validate",
        f"Validate on about {needed:,} samples, or cross-validate and repeat the split with "
        f"several seeds: so many tell an accuracy near {format_percent(share, 0)} within "
        f"{format_points(WANTED).lstrip('+')} either way. Until then choose no epoch "
        "and no model by a difference smaller than the interval.",
        note="shows on more samples",
        retraining=False,
    )


@RULE.suspected(
    prior=0.06,
    check="Count the validation samples, and evaluate the same model on another split of the same "
    "size.",
)
def _suspicion(evidence: Evidence) -> Lead | None:
    """A validation that goes up and down while training does not."""
    said = said_of(evidence)
    if said is not None and said.loss == "varies":
        return Lead(TELLING, f"The text speaks of {pluralize(said.count, 'curve')}: {said.words}.")
    seen = outline(evidence)
    for name, values in (("loss", seen.losses), ("accuracy", seen.accuracies)):
        if len(values) < SUSPECT_EPOCHS or evidence.split in TRAIN:
            continue
        steps = np.diff(values)
        turns = float(np.mean(steps[1:] * steps[:-1] < 0.0))
        size = float(np.median(np.abs(steps)))
        if turns >= RESTLESS and size >= SWINGS * float(np.median(values)):
            return Lead(
                SWINGS_FIT,
                f"The {name} goes up and down by {format_nats(size)} from epoch to epoch, between "
                f"{format_nats(float(values.min()))} and {format_nats(float(values.max()))}.",
            )
    return None
