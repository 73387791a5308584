"""WL601: Validation looks better than training, because the two are measured differently.

## What it means
The training numbers are taken while the model learns: averaged over the epoch, when it was still
worse; with dropout and augmentation on; with a regulariser added to the loss. The validation
numbers are taken at the end of the epoch, with all that switched off. So validation can look better
without anything being wrong.

## Signature
The validation loss is below the training loss at most epochs.

## Statistic and threshold
- `min_gap` = 4 %: the validation loss must be so much below the training loss.
- `min_share` = 80 % of the epochs at which it must be.

Where one of the two losses is not known, the accuracy, or another score, says the same:
- `min_gap` = 3 points, ten at a single epoch, by which the validation score must be better.
- `min_share` = 80 % of the epochs at which it must be.

If the gap vanishes against the mean of this and the next epoch's training loss, the running average
explains it. If it stays, the reasons are dropout, augmentation, a regulariser, or smoothed or
weighted labels in training.

## Not to be confused with
`validation-too-easy`: validation really is easier, or contains training samples. Predictions of
both splits, made by the same model in evaluation mode, would tell.

## Remedy
Nothing has to change. To compare fairly, evaluate the training set at the end of the epoch in
evaluation mode, without augmentation.

## References
Dropout: doi:10.5555/2627435.2670313 (Srivastava et al. 2014). Batch normalisation: arXiv:1502.03167
(Ioffe and Szegedy 2015).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from whyloss.evidence import TRAIN, outline, said_of
from whyloss.formatting import format_nats, format_percent, format_points
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import TELLING, Lead, Rule
from whyloss.testing import known_columns, known_history

if TYPE_CHECKING:
    from whyloss.evidence import Evidence
    from whyloss.measures.estimates.intervals import FloatVector
    from whyloss.testing import KnownCause

FROZEN = 1e-12  # learning rate
PERFECT = 0.99  # training accuracy
SWINGS, SMOOTH = 0.15, 0.05  # largest fall of an accuracy from one epoch to the next
ALONE = 0.1  # accuracy, by which a single pair must differ
POINTS = 0.01  # accuracy, from which on a difference is suspected
PART = 0.02  # of the loss, the same
MODES = (
    "Dropout, augmentation or a regulariser work in training and not in validation, and training "
    "numbers are often means over the epoch, or of single batches."
)

RULE = Rule(
    "WL601",
    name="train-mode-gap",
    page=__doc__,
    since="0.1",
    before="WL202",
)

# These two choose between two explanations in the message; they do not decide the finding.
ENOUGH = 3  # epochs: the fewest whose median is more than one pair
VANISHED = 0.25  # of the gap: what remains of it is less than a quarter


def _dropout(seed: int, factor: float = 0.8, epochs: int = 8, step: int = 1) -> KnownCause:
    """Validation below training, at every `step`-th epoch, the last one included."""
    loss = 0.3 + np.exp(-np.arange(epochs) / 3)
    better = np.arange(epochs)[::-1] % step == 0
    return known_history(
        seed,
        train_loss=loss,
        val_loss=np.where(better, factor, 1.05) * loss,
        train_accuracy=0.9 - 0.3 * np.exp(-np.arange(epochs) / 3),
        val_accuracy=0.93 - 0.3 * np.exp(-np.arange(epochs) / 3),
        noise=0.005,
    )


@RULE.at(
    Level.NUMBERS,
    fires=_dropout,
    near_misses={
        "min_gap": lambda seed: _dropout(seed, factor=0.98),
        "min_share": lambda seed: _dropout(seed, step=2),
    },
)
def below_training(
    evidence: Evidence, *, min_gap: float = 0.04, min_share: float = 0.8
) -> Finding | None:
    """The validation loss is below the training loss at most epochs."""
    train, val = evidence.train, evidence.curve()
    if train is None or val is None or (train.measured and val.measured):
        return None
    epochs = np.intersect1d(train.epochs, val.epochs)
    of_train, of_val = train.at(epochs)[0], val.at(epochs)[0]
    both = np.isfinite(of_train) & np.isfinite(of_val) & (of_train > 0)
    if not both.any():
        return None
    ratio = of_val[both] / of_train[both]
    share = float(np.mean(ratio <= 1.0 - min_gap))
    if not (share >= min_share and ratio[-1] < 1.0):
        return None
    later = of_train[both][1:]
    shifted = of_val[both][:-1] / (0.5 * (of_train[both][:-1] + later)) if len(later) else ratio
    gap = 1.0 - float(np.median(ratio))
    remains = 1.0 - float(np.median(shifted))
    if len(later) >= ENOUGH and remains < VANISHED * gap:
        why = (
            "Against the mean of this and the next epoch's training loss the gap vanishes: "
            "training numbers are averages over the epoch, when the model was still worse"
        )
    else:
        why = MODES.removesuffix(".")
    return Finding(
        severity=Severity.OK,
        headline="Validation looks better than training",
        message=(
            f"The validation loss is below the training loss by {format_percent(gap, 0)} (last: "
            f"{format_nats(of_val[both][-1])} against {format_nats(of_train[both][-1])}). {why}. "
            "Nothing is wrong with that."
        ),
        evidence={
            "gap": Estimate(gap, note="median over the epochs, relative", unit="share"),
            "gap_half_an_epoch_later": Estimate(
                remains, note="median over the epochs, relative", unit="share"
            ),
        },
        epochs=tuple(epochs[both].tolist()),
    )


def _scored(seed: int, gap: float = 0.06, step: int = 1) -> KnownCause:
    """Accuracies alone; validation is better by `gap` at every `step`-th epoch."""
    share = [0.6 + 0.02 * epoch + 0.0005 * (seed % 100) for epoch in range(8)]
    gaps = [gap if (7 - epoch) % step == 0 else -0.02 for epoch in range(8)]
    return known_columns(
        train_accuracy=share, val_accuracy=[*map(sum, zip(share, gaps, strict=True))]
    )


@RULE.at(
    Level.NUMBERS,
    fires=_scored,
    near_misses={
        "min_gap": lambda seed: _scored(seed, gap=0.015),
        "min_share": lambda seed: _scored(seed, step=2),
    },
)
def scores_above_training(
    evidence: Evidence, *, min_gap: float = 0.03, min_share: float = 0.8
) -> Finding | None:
    """The validation score is above the training score at most epochs, and a loss is missing."""
    seen, train = outline(evidence), evidence.train
    score = seen.score
    if evidence.epochs or score is None or train is None or evidence.split in TRAIN:
        return None
    if len(seen.losses) and len(seen.train_losses):
        return None  # they decide
    values = evidence.history.column(train.split, score.score.name)
    if values is None:
        return None
    of_train = values[np.searchsorted(evidence.history.epochs, score.epochs)]
    both = np.isfinite(of_train)
    gaps = (score.values - of_train)[both] * (-1.0 if score.score.falls else 1.0) / score.unit
    least = ALONE if len(gaps) == 1 else min_gap
    if not len(gaps) or float(np.mean(gaps >= least)) < min_share or not gaps[-1] > 0.0:
        return None
    words = score.score.words
    return Finding(
        severity=Severity.OK,
        headline="Validation looks better than training",
        message=(
            f"The {words} is {score.score.text(score.values[both][-1])} on split "
            f"{evidence.split!r} and {score.score.text(of_train[both][-1])} in training. {MODES} "
            "Nothing is wrong with that."
        ),
        evidence={"gap": Estimate(float(np.median(gaps)), note="median over the epochs")},
        epochs=tuple(score.epochs[both].tolist()),
    )


@RULE.suspected(
    prior=0.06,
    check="Evaluate the training set at the end of an epoch in evaluation mode: is it still worse?",
)
def _suspicion(evidence: Evidence) -> Lead | None:
    """Validation looks better than training, or differs where the weights do not."""
    seen = outline(evidence)
    said = said_of(evidence)
    frozen = evidence.history.facts.learning_rate
    if (
        frozen is not None
        and frozen < FROZEN
        and ((said is not None and said.loss == "varies") or seen.rise > 0.0)
    ):
        return Lead(
            TELLING,
            f"With a learning rate of {frozen:g} the weights stand still, and the loss still "
            "changes: the evaluation itself is random.",
        )
    if evidence.split in TRAIN and seen.accuracy is not None and seen.accuracy >= PERFECT:
        return Lead(
            1.0,
            f"The training accuracy is {format_percent(seen.accuracy)}; if the same samples are "
            "predicted wrongly afterwards, evaluation mode differs (batch normalisation, dropout).",
        )
    swing = _swing(seen.accuracies)
    if swing >= SWINGS and _swing(seen.train_accuracies) <= SMOOTH:
        return Lead(
            1.0,
            f"The validation accuracy changes by up to {format_points(swing).lstrip('+')} between "
            "epochs and the training accuracy hardly: statistics of batch normalisation, which "
            "only evaluation uses, do that.",
        )
    if seen.accuracy is not None and seen.train_accuracy is not None:
        if seen.accuracy >= seen.train_accuracy + POINTS:
            return Lead(
                1.0,
                f"The accuracy is {format_percent(seen.accuracy)} in validation and "
                f"{format_percent(seen.train_accuracy)} in training.",
            )
    elif (
        seen.loss is not None
        and seen.train_loss is not None
        and seen.loss <= (1.0 - PART) * seen.train_loss
    ):
        return Lead(
            1.0,
            f"The loss is {format_nats(seen.loss)} in validation and "
            f"{format_nats(seen.train_loss)} in training.",
        )
    return None


def _swing(accuracies: FloatVector) -> float:
    """The largest fall from one epoch to the next."""
    return float(max(0.0, -np.diff(accuracies).min())) if len(accuracies) > 1 else 0.0
