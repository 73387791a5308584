"""WL203: One class is predicted for everything.

## What it means
The accuracy equals the share of the largest class because the model predicts only that class. It
may still have learnt something (its probabilities can rank the samples), or nothing at all.

## Signature
- Predictions: nearly all samples get the same class.
- Curves: the accuracy does not move from epoch to epoch while the loss stays near the entropy of
  the class shares.
- Other scores: a Matthews correlation of exactly 0; or an F1 of 2a / (1 + a) beside an accuracy of
  a.

## Statistic and threshold
From predictions:
- `min_share` = 99 % of the samples get one class.
- `min_majority` = 5 points by which that class is more frequent than 1/K; else see `chance-level`.

From a Matthews correlation of exactly 0: at `min_epochs` = 2 evaluations or more. From an F1:
- `max_distance` = 0.02 between it and 2a / (1 + a).
- `max_accuracy` = 0.85: above it any good model has such an F1.

From curves the accuracy must be above one half and the same to four digits:
- `min_epochs` = 3 evaluations or more.
- `min_ratio` = 0.7 and `max_ratio` = 2: the loss is between so many times the entropy of such
  shares. With more classes the others may share the rest evenly, which allows a larger loss.
- `min_lead` = 1 point above 1/K, where K is known: below it no class is more frequent.
- `max_accuracy` = 0.98: above it four printed digits do not tell accuracies apart; more digits do.
- `max_ahead` = 10 points by which the training accuracy may be higher: a model that predicts one
  class is no better in training.

## Not to be confused with
`chance-level`: as good as guessing without preferring a class. `class-bias`: the class is predicted
too often, not always.

## Remedy
Look at the ranking first (AUC): if it is good, only the threshold is wrong. Otherwise a smaller
learning rate with warm-up, another seed, class weights or resampling for training (and a correction
of the probabilities afterwards).

## References
Learning from imbalanced data: doi:10.1109/TKDE.2008.239 (He and Garcia 2009). Fine-tuning that
collapses to one class: arXiv:2006.04884 (Mosbach et al. 2020).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from whyloss.evidence import outline
from whyloss.formatting import format_nats, format_percent, pluralize
from whyloss.measures.envelope import binary_entropy, fano_envelope
from whyloss.measures.estimates.intervals import wilson
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import Lead, Rule
from whyloss.testing import known_cause, known_columns, known_history

if TYPE_CHECKING:
    from whyloss.evidence import Evidence
    from whyloss.testing import KnownCause

SUSPECT_EPOCHS = 3

RULE = Rule(
    "WL203",
    name="majority-class",
    page=__doc__,
    since="0.1",
    explains=(
        "chance-level",
        "consistent",
        "overconfidence",
        "underconfidence",
        "underfitting",
    ),
)

SAME = 5e-4  # accuracies that agree so far are the same count, printed with three digits
OF_ERRORS = 0.01  # of the error rate, by which accuracies may differ and be the same count
PRINTED = 4  # digits of most printed accuracies
ROUNDING = 1e-9  # of a share in float64
SPREAD = 1.05  # times Fano's envelope: the noise of a loss on a few hundred samples


def _one_class(seed: int) -> KnownCause:
    return known_cause(seed, signal=0.2, n_classes=2, n_samples=400, shares=(0.85, 0.15))


def _with_score(seed: int, name: str, values: list[float], accuracy: float = 0.7) -> KnownCause:
    """Loss and accuracy beside another score per epoch."""
    return known_history(
        seed,
        val_loss=[0.61] * len(values),
        val_accuracy=[accuracy] * len(values),
        noise=0.01,
        scores={name: values},
    )


def _stuck(
    seed: int,
    epochs: int,
    accuracy: float = 0.7,
    loss: float = 1.0,
    *,
    train_accuracy: float | None = None,
    n_classes: int | None = None,
) -> KnownCause:
    """An accuracy that does not move, and a loss near the entropy of such shares."""
    return known_history(
        seed,
        val_loss=loss * np.linspace(0.63, 0.61, epochs),
        val_accuracy=[accuracy] * epochs,
        train_loss=None if train_accuracy is None else [0.5] * epochs,
        train_accuracy=None if train_accuracy is None else [train_accuracy] * epochs,
        n_classes=n_classes,
    )


@RULE.at(
    Level.SNAPSHOT,
    fires=_one_class,
    near_misses={
        "min_share": lambda seed: known_cause(
            seed, signal=1.2, n_classes=2, n_samples=2000, shares=(0.8, 0.2)
        ),
        "min_majority": lambda seed: known_cause(
            seed, signal=0.03, n_classes=2, n_samples=4000, shares=(0.53, 0.47)
        ),
    },
)
def predicted_for_everything(
    evidence: Evidence, *, min_share: float = 0.99, min_majority: float = 0.05
) -> Finding | None:
    """Nearly all samples are predicted as one class, and it is a frequent one."""
    snapshot = evidence.last
    n = snapshot.n_predicted
    if not n:
        return None
    k = snapshot.predictions.n_classes
    counts = np.bincount(snapshot.samples.y_pred[snapshot.predicted], minlength=k)
    top = int(counts.argmax())
    share = wilson(int(counts[top]), n)
    frequent = float(snapshot.shares[top])
    if not (share.value >= min_share and frequent - 1.0 / k >= min_majority):
        return None
    if frequent > 1.0 - ROUNDING:  # nothing else is there to be predicted
        return None
    return Finding(
        severity=Severity.WARNING,
        headline="One class for everything",
        message=(
            f"The model predicts {snapshot.predictions.classes[top]!r} for "
            f"{format_percent(share.value)} of {pluralize(n, 'sample')}. "
            f"{format_percent(frequent)} of the labels are that class; the accuracy of "
            f"{format_percent(snapshot.accuracy.value)} shows nothing more."
        ),
        evidence={
            "predicted_share": share,
            "accuracy": snapshot.accuracy,
            "class_share": Estimate(frequent, note="of these samples", unit="share"),
        },
        epochs=(snapshot.epoch,),
    )


@RULE.at(
    Level.NUMBERS,
    fires=lambda seed: _with_score(seed, "val_mcc", [0.0, 0.0]),
    near_misses={"min_epochs": lambda seed: _with_score(seed, "val_mcc", [0.0])},
)
def no_correlation(evidence: Evidence, *, min_epochs: float = 2) -> Finding | None:
    """Matthews' correlation is exactly 0, again and again."""
    split = evidence.split
    mcc = evidence.history.column(split, "mcc")
    known = None if mcc is None else mcc[np.isfinite(mcc)]
    if known is not None and len(known) >= max(1, min_epochs) and (known == 0.0).all():
        return Finding(
            severity=Severity.WARNING,
            headline="One class for everything",
            message=(
                f"The Matthews correlation on split {split!r} was exactly 0 at "
                f"{pluralize(len(known), 'evaluation')}: one class is predicted for everything."
            ),
            evidence={"mcc": Estimate(0.0, note="as reported", unit="number")},
        )
    return None


@RULE.at(
    Level.NUMBERS,
    fires=lambda _: known_columns(val_loss=[0.65], val_auc=[0.5]),
)
def no_ranking(evidence: Evidence) -> Finding | None:
    """The AUC is exactly one half, as equal scores for all samples give it."""
    for split in evidence.splits:
        auc = evidence.history.column(split, "auc")
        if auc is None or not np.isfinite(auc).any() or auc[np.isfinite(auc)][-1] != 0.5:
            continue
        return Finding(
            severity=Severity.WARNING,
            headline="One class for everything",
            message=(
                f"The AUC on split {split!r} is exactly 0.5: every sample gets the same score, so "
                "one class is predicted for everything. Nothing is learnt yet: check the inputs "
                "and the learning rate, and balance the classes."
            ),
            evidence={"auc": Estimate(0.5, note="as reported", unit="number")},
        )
    return None


@RULE.at(
    Level.NUMBERS,
    fires=lambda seed: _with_score(seed, "val_f1", [0.82, 0.8235]),
    near_misses={
        "max_distance": lambda seed: _with_score(seed, "val_f1", [0.77, 0.77]),
        "max_accuracy": lambda seed: _with_score(seed, "val_f1", [0.947], accuracy=0.9),
    },
)
def f1_of_always_positive(
    evidence: Evidence, *, max_distance: float = 0.02, max_accuracy: float = 0.85
) -> Finding | None:
    """The F1 is the one that belongs to one class for everything."""
    split = evidence.split
    f1, numbers = evidence.history.column(split, "f1"), evidence.reported_numbers(split)
    if f1 is None or numbers is None or not np.isfinite(f1[-1]):
        return None
    share = numbers.accuracy.value
    always = 2 * share / (1 + share)
    if not (0.5 < share < max_accuracy and abs(float(f1[-1]) - always) <= max_distance):
        return None
    return Finding(
        severity=Severity.WARNING,
        headline="Nearly one class for everything",
        message=(
            f"An F1 of {float(f1[-1]):.3f} beside an accuracy of {format_percent(share)} is what "
            f"calling nearly everything positive gives ({always:.3f}): the accuracy is hardly more "
            "than the share of the positives."
        ),
        evidence={
            "f1": Estimate(float(f1[-1]), note="as reported", unit="number"),
            "f1_of_always_positive": Estimate(always, note="at this accuracy", unit="number"),
        },
        epochs=(numbers.epoch,),
    )


@RULE.at(
    Level.CURVES,
    fires=lambda seed: _stuck(seed, 6),
    near_misses={
        "min_epochs": lambda seed: _stuck(seed, 2),
        "min_ratio": lambda seed: _stuck(seed, 6, loss=0.6),
        "max_ratio": lambda seed: _stuck(seed, 6, loss=2.5),
        "min_lead": lambda seed: _stuck(seed, 6, accuracy=0.505, n_classes=2),
        "max_accuracy": lambda seed: _stuck(seed, 6, accuracy=0.99, loss=0.09),
        "max_ahead": lambda seed: _stuck(seed, 6, train_accuracy=0.85),
    },
)
def accuracy_stands_still(
    evidence: Evidence,
    *,
    min_epochs: float = 3,
    min_ratio: float = 0.7,
    max_ratio: float = 2.0,
    min_lead: float = 0.01,
    max_accuracy: float = 0.98,
    max_ahead: float = 0.1,
) -> Finding | None:
    """The accuracy does not move, and the loss is near the entropy of such class shares."""
    curve = evidence.reported(evidence.split)
    known = None if curve is None else curve.whole
    wanted = max(1, int(max(min_epochs, 1.0)))
    if known is None or len(known) < wanted:
        return None
    share, loss = float(known.accuracy[-1]), float(known.log_loss[-1])
    # From the first epoch on: an accuracy that comes to rest later is what learning looks like.
    many_digits = bool((known.accuracy != np.round(known.accuracy, PRINTED)).any())
    told_apart = share < max_accuracy or (many_digits and share < 1.0)
    apart = float(np.ptp(known.accuracy))
    if not (share > 0.5 and told_apart and apart <= min(SAME, OF_ERRORS * (1.0 - share))):
        return None
    k = evidence.n_classes
    entropy = binary_entropy(share)
    most = max_ratio * entropy
    if k is not None:  # the others may share what is left evenly
        most = max(most, SPREAD * fano_envelope(share, k)[1])
    if not min_ratio * entropy <= loss <= most:
        return None
    train = None if evidence.train is None else evidence.train.whole
    if train is not None and len(train) and train.accuracy[-1] > share + max_ahead:
        return None  # whoever predicts one class is no better in training
    if k is not None and share <= 1.0 / k + min_lead:
        return None
    return Finding(
        severity=Severity.WARNING,
        headline="One class for everything",
        message=(
            "Most likely one class is predicted for everything: the accuracy has been "
            f"{format_percent(share, 2)} for {pluralize(len(known), 'evaluation')} while the loss "
            f"is {format_nats(loss)}. A model that knows only the class shares has between "
            f"{format_nats(min_ratio * entropy)} and {format_nats(most)} where one class has that "
            "share."
        ),
        evidence={
            "accuracy": Estimate(share, note="as reported", unit="share"),
            "entropy": Estimate(entropy, note="of shares as the accuracy has it"),
        },
        epochs=tuple(known.epochs.tolist()),
    )


@RULE.suspected(
    prior=0.08,
    check="Count the predicted classes: is it one and the same for every sample?",
)
def _suspicion(evidence: Evidence) -> Lead | None:
    """An accuracy that does not move, above one half."""
    seen = outline(evidence)
    auc = evidence.history.column(evidence.split, "auc")
    if auc is not None and np.isfinite(auc).any() and float(auc[np.isfinite(auc)][-1]) == 0.5:
        return Lead(1.0, "An AUC of exactly 0.5 is what equal scores for all samples give.")
    if seen.accuracy is None or len(seen.accuracies) < SUSPECT_EPOCHS:
        return None
    end = seen.accuracies[-SUSPECT_EPOCHS:]
    if seen.accuracy < 1.0 and float(np.ptp(end)) <= SAME:
        return Lead(
            1.0,
            f"The accuracy stands at {format_percent(seen.accuracy, 2)} over the last "
            f"{SUSPECT_EPOCHS} epochs.",
        )
    return None
