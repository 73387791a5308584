"""WL507: The model is much better on its training data than on new samples.

## What it means
The model has learnt its training samples and not, to the same degree, what new samples have in
common with them. That is no contradiction between loss and accuracy, and the loss can be just what
this accuracy calls for: both say that validation is far worse than training.

## Signature
A training accuracy (or AUC, F1, …) far above that of the validation; or, where there is no pair of
scores, a validation loss that is a multiple of the training loss.

## Statistic and threshold
- Scores: training minus validation exceeds `min_gap` = 0.10, and `min_z` = 3 standard errors of the
  difference (with two successes and two failures added to each share). Where the number of
  samples is not known, 100 are assumed: fewer are rarely used.
- Losses: the validation loss is at least `min_ratio` = 3 times the training loss, `min_nats` = 0.5
  nats above it, and at most `max_loss` = 20 nats: more is hardly a mean. Well-calibrated models on
  easy tasks have ratios of five between two tiny losses, so the ratio alone says nothing. Where
  predictions are there, the lower end of the loss's interval counts, since one outlier of few
  samples can make the whole difference.

## Not to be confused with
`overfitting`: the validation itself got worse since an earlier epoch, which then is the one to
keep. `distribution-shift`: validation is different data, or was preprocessed differently; evaluate
the training samples through the validation code to tell. `train-mode-gap`: training numbers that
look worse than they are.

## Remedy
More data or augmentation, more regularisation (weight decay, dropout), a smaller model, features
that carry over. Check that both splits come from one source and go through the same preprocessing.

## References
Double descent, and why the gap can also shrink again: arXiv:1912.02292 (Nakkiran et al. 2019).
Dropout: doi:10.5555/2627435.2670313 (Srivastava et al. 2014).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from whyloss.evidence import ASSUMED_SAMPLES, TRAIN, Evidence, Family, Outline, ScoreCurve, outline
from whyloss.formatting import format_nats, format_percent, format_points
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import Lead, Rule
from whyloss.testing import known_columns

if TYPE_CHECKING:
    from whyloss.testing import KnownCause


SUSPECT_GAP = 0.04  # of accuracy
CERTAIN_GAP = 0.10
SUSPECT_RATIO = 1.5  # validation loss over training loss
CERTAIN_RATIO = 3.0
PERFECT = 0.99  # training accuracy
NO_VALIDATION = 0.5  # fit
ADDED = 2.0  # successes and failures added to a share (Agresti & Coull 1998, for 95 %)

RULE = Rule(
    "WL507",
    name="generalisation-gap",
    page=__doc__,
    since="0.2",
    explains=("consistent", "underfitting", "within-noise"),
)


def _scores(
    seed: int, gap: float, n_train: int | None = None, n_val: int | None = None
) -> KnownCause:
    share = 0.95 + 0.0002 * (seed % 100)
    return known_columns(
        n_train=n_train,
        n_val=n_val,
        train_loss=[0.1],
        train_accuracy=[share],
        val_loss=[0.12],
        val_accuracy=[share - gap],
    )


def _losses(seed: int, train: float, val: float) -> KnownCause:
    factor = 1.0 + 0.001 * (seed % 100)
    return known_columns(train_loss=[train * factor], val_loss=[val * factor])


@RULE.at(
    Level.NUMBERS,
    fires=lambda seed: _scores(seed, 0.35),
    near_misses={
        "min_gap": lambda seed: _scores(seed, 0.06, 50_000, 50_000),
        "min_z": lambda seed: _scores(seed, 0.14, 50_000, 25),
    },
)
def by_scores(evidence: Evidence, *, min_gap: float = 0.10, min_z: float = 3.0) -> Finding | None:
    """The training score is above the validation score by more than chance allows."""
    pair = _last_pair(evidence)
    if pair is None:
        return None
    train, val = pair
    first, second = float(train.values[-1]), float(val.values[-1])
    gap = float(train.gains[-1] - val.gains[-1])
    se = math.sqrt(sum(_variance(curve) for curve in pair))
    if not (gap > min_gap and gap > min_z * se):
        return None
    words = train.score.words
    return Finding(
        severity=Severity.WARNING,
        headline="Good on training data, poor on new samples",
        message=(
            f"The {words} is {format_percent(first)} in training and {format_percent(second)} on "
            f"new samples, a gap of {format_points(gap).lstrip('+')}: the model has learnt its "
            "training samples more than the task. Check first that both splits are prepared in "
            "the same way; then use more data, augmentation or regularisation."
        ),
        evidence={
            "train_score": Estimate(first, note="as reported", unit="share"),
            "val_score": Estimate(second, note="as reported", unit="share"),
            "gap": Estimate(gap, gap - 2 * se, gap + 2 * se, se, unit="share"),
        },
        epochs=(int(val.epochs[-1]),),
    )


@RULE.at(
    Level.NUMBERS,
    fires=lambda seed: _losses(seed, 0.05, 1.6),
    near_misses={
        "min_ratio": lambda seed: _losses(seed, 1.2, 2.2),
        "min_nats": lambda seed: _losses(seed, 0.03, 0.25),
        "max_loss": lambda seed: _losses(seed, 0.5, 60.0),
    },
)
def by_losses(
    evidence: Evidence, *, min_ratio: float = 3.0, min_nats: float = 0.5, max_loss: float = 20.0
) -> Finding | None:
    """The validation loss is a multiple of the training loss."""
    train, val = evidence.train, evidence.curve()
    if train is None or val is None or evidence.split in TRAIN:
        return None
    of_train, of_val = train.with_loss, val.with_loss
    if not len(of_train) or not len(of_val):
        return None
    first, second = float(of_train.log_loss[-1]), float(of_val.log_loss[-1])
    # One outlier of few samples can make the whole difference: where predictions are there, the
    # lower end of the loss counts.
    low = evidence.last.log_loss.low if evidence.epochs else None
    least = second if low is None else low
    if not second <= max_loss:
        return None
    if not (first >= 0.0 and least >= min_ratio * first and least - first >= min_nats):
        return None
    return Finding(
        severity=Severity.WARNING,
        headline="Good on training data, poor on new samples",
        message=(
            f"The training loss is {format_nats(first)} and the loss on split {evidence.split!r} "
            f"{format_nats(second)}: the model has learnt its training samples more than the task. "
            "Check first that both splits are prepared in the same way; then use more data, "
            "augmentation or regularisation."
        ),
        evidence={
            "train_loss": Estimate(first, note="as reported"),
            "val_loss": Estimate(second, note="as reported"),
        },
        epochs=(int(of_val.epochs[-1]),),
    )


def _variance(curve: ScoreCurve) -> float:
    """Variance of the last share; :data:`ADDED`, since a share of 100 % alone would have none."""
    n = curve.n_samples or ASSUMED_SAMPLES
    share = (n * float(curve.values[-1]) + ADDED) / (n + 2.0 * ADDED)
    return share * (1.0 - share) / n


def _last_pair(evidence: Evidence) -> tuple[ScoreCurve, ScoreCurve] | None:
    """The preferred score that both splits have, from 0 to 1, where larger is better."""
    of_train = [curve for split in TRAIN for curve in _shares(evidence, split)]
    # A training loss is explained where no other is known; the scores may still be of both.
    explained = evidence.split not in TRAIN
    held_out = (evidence.split,) if explained else [s for s in evidence.splits if s not in TRAIN]
    for val in (curve for split in held_out for curve in _shares(evidence, split)):
        for train in of_train:
            if train.score.name == val.score.name:
                return train, val
    return None


def _shares(evidence: Evidence, split: str) -> list[ScoreCurve]:
    return [
        curve
        for curve in evidence.scores(split)
        if curve.unit <= 1.0
        and curve.score.family is not Family.OTHER_TARGET
        and not curve.score.falls
    ]


@RULE.suspected(
    prior=0.12,
    check="Evaluate training samples through the validation code: is the model good on them there?",
)
def _suspicion(evidence: Evidence) -> Lead | None:
    """Training numbers that are better than those of the validation."""
    seen = outline(evidence)
    if evidence.split in TRAIN:
        return _only_training(seen)
    if seen.accuracy is not None and seen.train_accuracy is not None:
        gap = seen.train_accuracy - seen.accuracy
        if gap >= SUSPECT_GAP:
            return Lead(
                min(1.0, gap / CERTAIN_GAP),
                f"The accuracy is {format_percent(seen.train_accuracy)} in training and "
                f"{format_percent(seen.accuracy)} in validation.",
            )
    if seen.loss is not None and seen.train_loss is not None and seen.train_loss > 0.0:
        ratio = seen.loss / seen.train_loss
        if ratio >= SUSPECT_RATIO:
            return Lead(
                min(1.0, ratio / CERTAIN_RATIO),
                f"The loss is {format_nats(seen.train_loss)} in training and "
                f"{format_nats(seen.loss)} in validation.",
            )
    return None


def _only_training(seen: Outline) -> Lead | None:
    """Training samples that are all right, and no number of new ones."""
    if seen.accuracy is None or seen.accuracy < PERFECT:
        return None
    return Lead(
        NO_VALIDATION,
        f"The training accuracy is {format_percent(seen.accuracy)}, which a model that knows its "
        "samples by heart has as well, and no validation is reported.",
    )
