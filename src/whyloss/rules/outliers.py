"""WL402: A few extreme samples make up much of the loss.

## What it means
Most samples fit the model's own probabilities. A few do not: the model, even with the best
temperature, would not expect a single one of them. They raise the mean loss while the accuracy
hardly notices, because each of them is one mistake like any other. Usual reasons: a wrong label, a
sample of another kind, or an input that was read wrongly.

## Signature
In the histogram of losses, a tall bar of small losses and a few samples far to the right of it.
That picture alone proves nothing: a good model that is only too confident shows it too.

## Statistic and threshold
Two tests, either of which suffices:
- Among few samples: the one to three samples of highest loss are left out and the temperature is
  fitted to the others. The model, so calibrated, must expect fewer than 0.01 samples as surprising
  among all.
- Among many: a label-noise rate ε, fitted jointly with a temperature, passes the likelihood ratio
  of 6.6, and ε is at most 3 %. Beyond it see `label-noise`.

Either way:
- `min_share` = 10 %: the samples must make up at least so much of the loss.

## Not to be confused with
`overconfidence`: every mistake is too sure, and a temperature mends it. `label-noise`: more than 3
%. `infinite-loss`: the label has probability exactly 0. In a tiny set whose only mistake is that
one sample, an outlier and a model too sure of everything look the same.

## Remedy
Look at the named samples. Correct a wrong label. Keep a rare but right sample, and accept its loss.
Report the loss with and without them. Nothing needs retraining for the sake of the accuracy.

## References
A few samples carry the rising loss: arXiv:2103.07986 (Venter et al. 2021). Telling them by their
margins: arXiv:2001.10528 (Pleiss et al. 2020).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from whyloss.evidence import outline
from whyloss.formatting import format_nats, format_percent, pluralize
from whyloss.measures.estimates.intervals import mean_estimate
from whyloss.remedies import suspects
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import Lead, Rule
from whyloss.testing import known_cause

if TYPE_CHECKING:
    from whyloss.evidence import Evidence
    from whyloss.evidence.noise_models import NoiseModels
    from whyloss.results.remedy import Remedy
    from whyloss.testing import KnownCause

RIGHT = 0.8  # accuracy
MUCH_PER_MISTAKE = 60.0  # nats; logits of usual size cost at most half of it
SUSPECT_EPOCHS = 4
SPIKE = 5.0  # times the median loss

RULE = Rule(
    "WL402",
    name="outliers",
    page=__doc__,
    since="0.1",
    explains=(
        "consistent",
        "underconfidence",
        "temperature",
        "epoch-for-labels",
        "epoch-for-probabilities",
        "epoch-after-calibration",
    ),
)

NAMED = 5  # ids in the sentence; the finding lists them all
SELDOM = 1e-6  # expected samples below which their number says nothing more to anybody


def _with_outliers(seed: int) -> KnownCause:
    return known_cause(seed, noise=0.01, signal=5.0, n_samples=1500)


@RULE.at(
    Level.SNAPSHOT,
    fires=_with_outliers,
    near_misses={
        "min_share": lambda seed: known_cause(
            seed, noise=0.008, signal=2.2, n_samples=4000, n_classes=10
        ),
    },
)
def few_carry_the_loss(evidence: Evidence, *, min_share: float = 0.1) -> Finding | None:
    """A few samples that the model rules out carry much of the loss."""
    snapshot = evidence.last
    rows = evidence.noise_models.excluded_rows
    if not len(rows):
        return None
    why, numbers = _why(evidence.noise_models)
    share = float(snapshot.costs[rows].sum()) / float(snapshot.costs[snapshot.scored].sum())
    if not share >= min_share:
        return None
    others = snapshot.scored.copy()
    others[rows] = False
    without = mean_estimate(snapshot.samples.log_loss[others], snapshot.weights_of(others))
    ids = snapshot.predictions.ids[rows]
    named = ", ".join(str(i) for i in ids[:NAMED].tolist()) + (" …" if len(ids) > NAMED else "")
    wrong = int(np.count_nonzero(~snapshot.right[others]))
    caveat = (
        ""
        if wrong
        else " They are the only mistakes: a model that is too sure of everything looks the same."
    )
    return Finding(
        severity=Severity.WARNING,
        headline="A few samples make up much of the loss",
        message=(
            f"{pluralize(len(rows), 'sample')} of {snapshot.n_scored:,} (id {named}) "
            f"{'makes' if len(rows) == 1 else 'make'} up {format_percent(share, 0)} of the loss: "
            f"without {'it' if len(rows) == 1 else 'them'} it would be "
            f"{format_nats(without.value)} instead of {format_nats(snapshot.log_loss.value)}, and "
            f"no predicted label changes. {why}{caveat}"
        ),
        evidence={
            "share": Estimate(share, note="of the summed loss of these samples", unit="share"),
            "log_loss": snapshot.log_loss,
            "log_loss_without": without,
            **numbers,
        },
        nats=snapshot.log_loss.value - without.value,
        epochs=(snapshot.epoch,),
        samples=tuple(ids[:100].tolist()),
    )


@RULE.cured_by
def _look(evidence: Evidence, _: Finding) -> Remedy:
    """Look at the samples that carry the loss."""
    return suspects.look_at(
        evidence.last,
        evidence.noise_models.excluded_rows,
        "is the label wrong, or the input broken?",
        "Correct it if so; keep a rare but right sample and accept its loss. No other epoch and no "
        "temperature is needed for that.",
    )


def _why(noise_models: NoiseModels) -> tuple[str, dict[str, Estimate]]:
    noise = None if noise_models.nested_fits is None else noise_models.nested_fits.label_noise
    if len(noise_models.noisy_rows) and noise is not None:
        why = (
            f"About {format_percent(noise.share)} of the samples do not fit the model at all; the "
            f"best temperature for the others is {noise.temperature:.2f}."
        )
        return why, {
            "label_noise_rate": Estimate(
                noise.share, note="fitted jointly with a temperature", unit="share"
            ),
            "temperature_of_the_rest": Estimate(
                noise.temperature,
                note="fitted jointly with the label-noise rate",
                unit="temperature",
            ),
        }
    found = noise_models.outliers
    if found is None:
        return "", {}
    expected = float(found.expected.max())
    sets = "fewer than 1 in a million"
    if expected > SELDOM:
        sets = f"at most 1 in {float(f'{1 / expected:.1g}'):,.0f}"
    why = (
        f"By chance {sets} data sets of this size would hold such a sample. Look at it: is the "
        "label wrong, or the input broken?"
    )
    return why, {"temperature_without": found.temperature_without}


@RULE.suspected(
    prior=0.05,
    check="List the samples or batches with the largest losses at an epoch with a jump: are they "
    "few?",
)
def _suspicion(evidence: Evidence) -> Lead | None:
    """Single epochs whose loss is many times that of their neighbours."""
    seen = outline(evidence)
    if seen.loss is not None and seen.accuracy is not None and RIGHT <= seen.accuracy < 1.0:
        cost = seen.loss / (1.0 - seen.accuracy)
        if cost >= MUCH_PER_MISTAKE:
            return Lead(
                1.0,
                f"{format_percent(seen.accuracy)} are right, and a loss of {seen.loss:.4g} means "
                f"{cost:.3g} nats per mistake: a few inputs may have outputs far out of range.",
            )
    if len(seen.losses) < SUSPECT_EPOCHS:
        return None
    median = float(np.median(seen.losses))
    inner, beside = seen.losses[1:-1], np.maximum(seen.losses[:-2], seen.losses[2:])
    high = inner[inner >= SPIKE * np.maximum(beside, median)]
    if not len(high) or not median > 0.0:
        return None
    return Lead(
        1.0,
        f"The loss reaches {float(high.max()):.4g} at {pluralize(len(high), 'epoch')}, and is "
        f"{format_nats(median)} at most others.",
    )
