"""WL303: Some classes are predicted too often, others too rarely.

## What it means
One constant per class, added to the logits, would lower the loss. Usual reasons: the model was
trained with another class balance (resampling, class weights, another population), labels of one
class were given to another, or the bias of the last layer never moved. With two classes it is the
same as a misplaced threshold.

## Signature
The mean probability of a class differs from its share, beyond what a temperature explains.

## Statistic and threshold
A temperature and one bias per class are fitted together. The likelihood ratio 2n(loss with a
temperature − loss with both) must exceed the 0.001 point of chi-squared with K − 1 degrees of
freedom.
- `min_gain` = 0.02 nat: the biases must save more than that.

At least 50 samples per class are needed, and label noise must not explain the same.

## Not to be confused with
`label-noise`: labels wrong in all directions alike. Class biases react to flips from one class to
another, to another class balance and to a bad threshold alike. They do not tell these apart: look
at the named classes.

## Remedy
If the class shares here are those of the future, add the logarithm of the ratio of the shares to
the logits, or fit a bias on held-out data. If only labels matter, move the threshold: the accuracy
changes, the loss does not. Check the labels of the named classes.

## References
Adjusting outputs to new priors: doi:10.1162/089976602753284446 (Saerens et al. 2002). Logit
adjustment: arXiv:2007.07314 (Menon et al. 2020).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from whyloss.formatting import format_nats, format_percent, format_points
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import Rule
from whyloss.testing import bias_classes, known_cause

if TYPE_CHECKING:
    from whyloss.evidence import EpochFacts, Evidence
    from whyloss.measures.classification.thresholds import BestThreshold
    from whyloss.results.remedy import Remedy

RULE = Rule(
    "WL303",
    name="class-bias",
    page=__doc__,
    since="0.1",
    explains=(
        "consistent",
        "chance-level",
        "temperature",
    ),
)

SHOWN = 2  # classes that are named on either side; a sentence holds no more


@RULE.at(
    Level.SNAPSHOT,
    fires=lambda seed: bias_classes(known_cause(seed, n_samples=1000), shift=1.5),
    near_misses={
        "min_gain": lambda seed: bias_classes(
            known_cause(seed, n_samples=10_000, n_classes=2), shift=0.68
        ),
    },
)
def constants_help(evidence: Evidence, *, min_gain: float = 0.02) -> Finding | None:
    """One constant per class lowers the loss beyond a temperature."""
    snapshot = evidence.last
    fits = evidence.noise_models.nested_fits
    bias = None if fits is None else fits.bias
    if fits is None or bias is None or not (bias.accepted and bias.gain > min_gain):
        return None
    if not fits.nats["bias"] > 0:
        return None  # label noise explains the same
    names = snapshot.predictions.classes
    order = np.argsort(bias.biases)
    often = ", ".join(repr(names[k]) for k in order[:SHOWN] if bias.biases[k] < 0)
    seldom = ", ".join(repr(names[k]) for k in order[::-1][:SHOWN] if bias.biases[k] > 0)
    numbers = {
        "gain": Estimate(bias.gain, note="in sample, beyond a temperature; nats"),
        "largest_bias": Estimate(float(np.ptp(bias.biases)), note="between two classes; nats"),
    }
    threshold = ""
    if len(names) == 2 and snapshot.n_predicted:
        best = _threshold(snapshot)
        numbers["accuracy_gain"] = best.gain
        if best.gain.low is not None and best.gain.low > 0:
            threshold = (
                f" Moving the threshold from 0.5 to {best.threshold.value:.2f} would bring "
                f"{format_points(best.gain.value)} of accuracy and leave the loss as it is."
            )
    return Finding(
        severity=Severity.WARNING,
        headline="Some classes are predicted too often",
        message=(
            f"{often} {'get' if ', ' in often else 'gets'} too much probability, {seldom} too "
            f"little: correcting the class biases would save {format_nats(bias.gain)} nats "
            f"({format_percent(bias.gain / snapshot.log_loss.value, 0)} of the loss).{threshold} "
            "Usual causes: another class balance in training, or labels of one class given to "
            "another."
        ),
        evidence=numbers,
        nats=fits.nats["bias"],
        epochs=(snapshot.epoch,),
    )


@RULE.cured_by
def _constants(evidence: Evidence, _: Finding) -> Remedy | None:
    """Add the constants that were fitted."""
    from whyloss.remedies import class_constants  # noqa: PLC0415 - loads an optimiser

    fits = evidence.noise_models.nested_fits
    return class_constants.add(evidence, fits.bias) if fits and fits.bias else None


def _threshold(snapshot: EpochFacts) -> BestThreshold:
    from whyloss.measures.classification.thresholds import best_threshold, log_odds  # noqa: PLC0415 - seldom needed

    p, rows = snapshot.predictions, snapshot.predicted
    return best_threshold(p.y_true[rows] == 1, log_odds(p.scores[rows], p.scale), p.ids[rows])
