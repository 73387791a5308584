"""WL304: The scores rank well, and the threshold makes poor decisions of them.

## What it means
The AUC asks whether positives get higher scores than negatives; accuracy, recall and F1 ask on
which side of a threshold they lie. Where the first is good and the others are poor, the model
knows the difference and the threshold is in the wrong place: usually all scores lie below 0.5,
because positives are rare or the loss was weighted or resampled.

## Signature
A high AUC beside a recall, precision or F1 near 0, or beside an accuracy near one half.

## Statistic and threshold
- The AUC is at least `min_auc` = 0.75.
- Recall, precision or F1 is at most `max_score` = 0.25. Accuracies count by what they exceed one
  half by, times two, so an accuracy or balanced accuracy of at most 0.625 is as poor.

## Not to be confused with
`majority-class`: one class is predicted for everything, and the ranking may be poor too.
`class-bias`: the predictions are at hand and show which class is preferred.

## Remedy
Choose the threshold on validation data: the one that is best for the score that matters. Calibrate
the probabilities if they are used as such. If the classes were weighted or resampled in training,
correct the probabilities for the true class shares.

## References
Correcting for the class shares: doi:10.1162/089976602753284446 (Saerens et al. 2002). Rare
classes: doi:10.1109/TKDE.2008.239 (He and Garcia 2009).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from whyloss.evidence import last_scores, score_curves
from whyloss.formatting import format_nats
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import Lead, Rule
from whyloss.testing import known_columns

if TYPE_CHECKING:
    from whyloss.evidence import Evidence, ScoreCurve
    from whyloss.testing import KnownCause

POOR = ("recall", "f1", "precision", "balanced_accuracy", "accuracy")
CHANCE_HALF = ("balanced_accuracy", "accuracy")  # one half is no skill

SUSPECT_AUC = 0.7
SUSPECT_SCORE = 0.5
SUSPECT_BEHIND = 0.15  # of a precision, by which the recall is lower

RULE = Rule(
    "WL304",
    name="threshold",
    page=__doc__,
    since="0.2",
    explains=("consistent",),
)


def _example(seed: int, auc: float, recall: float) -> KnownCause:
    shift = 0.0002 * (seed % 100)
    return known_columns(val_loss=[0.2], val_auc=[auc + shift], val_recall=[recall - shift])


@RULE.at(
    Level.NUMBERS,
    fires=lambda seed: _example(seed, 0.9, 0.1),
    near_misses={
        "min_auc": lambda seed: _example(seed, 0.6, 0.1),
        "max_score": lambda seed: _example(seed, 0.9, 0.6),
    },
)
def reported(
    evidence: Evidence, *, min_auc: float = 0.75, max_score: float = 0.25
) -> Finding | None:
    """The AUC is high and a score of the decisions is poor."""
    history = evidence.history
    for split in evidence.splits:
        curves = {curve.score.name: curve for curve in score_curves(history, split, None)}
        auc = curves.get("auc")
        if auc is None or float(auc.values[-1]) < min_auc:
            continue
        for name in POOR:
            curve = curves.get(name)
            if curve is not None and _skill(curve) <= max_score:
                return _finding(split, float(auc.values[-1]), curve)
    return None


def _skill(curve: ScoreCurve) -> float:
    """The last value, 0 for none and 1 for a perfect one."""
    last = float(curve.values[-1])
    return 2.0 * last - 1.0 if curve.score.name in CHANCE_HALF else last


def _finding(split: str, auc: float, curve: ScoreCurve) -> Finding:
    words, last = curve.score.words, float(curve.values[-1])
    return Finding(
        severity=Severity.WARNING,
        headline="The threshold, not the ranking",
        message=(
            f"On split {split!r} the AUC is {format_nats(auc)}, so the scores rank well, but the "
            f"{words} is {format_nats(last)}: the threshold lies in the wrong place. Choose it on "
            "validation data instead of taking 0.5."
        ),
        evidence={
            "auc": Estimate(auc, note="as reported", unit="number"),
            curve.score.name: Estimate(last, note="as reported"),
        },
        epochs=(int(curve.epochs[-1]),),
    )


@RULE.suspected(
    prior=0.04,
    check="Compute the score at the threshold that is best on validation data: is it better by "
    "far?",
)
def _suspicion(evidence: Evidence) -> Lead | None:
    """An AUC that promises more than the decisions keep."""
    curves = {c.score.name: c for c in score_curves(evidence.history, evidence.split, None)}
    auc = curves.get("auc")
    if auc is None:
        return _unasked(evidence)
    if float(auc.values[-1]) < SUSPECT_AUC:
        return None
    for name in POOR:
        curve = curves.get(name)
        if curve is not None and _skill(curve) <= SUSPECT_SCORE:
            return Lead(
                1.0,
                f"The AUC is {float(auc.values[-1]):.3f} and the {curve.score.words} "
                f"{curve.score.text(curve.values[-1])}.",
            )
    return None


def _unasked(evidence: Evidence) -> Lead | None:
    """A recall far below the precision: positives are found too seldom, and rightly."""
    for split in evidence.splits:
        scores = last_scores(evidence.history, split)
        precision, recall = scores.get("precision"), scores.get("recall")
        if precision is None or recall is None or recall > precision - SUSPECT_BEHIND:
            continue
        return Lead(
            1.0,
            f"On split {split!r} the precision is {precision:.3g} and the recall only "
            f"{recall:.3g}: the threshold may be too high.",
        )
    return None
