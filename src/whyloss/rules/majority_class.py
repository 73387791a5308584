"""WL203: One class is predicted for everything.

## What it means
The accuracy equals the share of the largest class because the model predicts only that class. It
may still have learnt something (its probabilities can rank the samples), or nothing at all.

## Signature
- Predictions: nearly all samples get the same class.
- Curves: the accuracy does not move from epoch to epoch while the loss stays near the entropy of
  the class shares.
- Other scores: a Matthews correlation of exactly 0; or an F1 of 2a / (1 + a) beside an accuracy of
  a; an accuracy that is the share of the largest class.

## Statistic and threshold
From predictions:
- `min_share` = 99 % of the samples get one class.
- `min_majority` = 5 points by which that class is more frequent than 1/K; else see `chance-level`.

From an F1 beside an accuracy a:
- `max_distance` = 0.02 between it and 2a / (1 + a).
- `max_accuracy` = 0.85: above it any good model has such an F1.
- Or it is a K-th part of that, for a K from 2 to 10, as a mean over K classes: within `max_away` =
  0.0004, at `min_epochs` = 2 evaluations or more.

From curves the accuracy must be above one half and the same to four digits:
- `min_epochs` = 3 evaluations or more.
- `min_ratio` = 0.7 and `max_ratio` = 2: the loss is between so many times the entropy of such
  shares. With more classes the others may share the rest evenly, which allows a larger loss.
- `min_lead` = 1 point above 1/K, where K is known: below it no class is more frequent.
- `max_accuracy` = 0.98: above it four printed digits do not tell accuracies apart; more digits do.
- `max_ahead` = 10 points by which the training accuracy may be higher: a model that predicts one
  class is no better in training.

From accuracies of a split whose loss is not known:
- `min_epochs` = 4 evaluations or more with the very same accuracy.
- `min_samples` = 100, where their number is known: fewer repeat a count by chance.
- `max_ahead` = 10 points, and `max_accuracy` = 0.98, as above.

From a score that ends at exactly its value without skill (F1, recall, kappa, Matthews correlation:
0; balanced accuracy, AUC: one half), on any split:
- At once for an AUC; for the others beside an accuracy of `min_accuracy` = 0.55 or more, or where
  it had that value at all of `min_epochs` = 2 evaluations or more.

From one accuracy, where the class shares are known:
- `max_distance` = 0.0051 between it and the largest share, as two printed digits leave open.
- `min_majority` = 5 points by which that share is larger than 1/K.
- A mean recall over the classes must be 1/K; where it is not known, no loss may be known.

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

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from whyloss.data import InMemorySource
from whyloss.evidence import SCORES, TRAIN, fits_one_class, last_scores, outline, score_curves
from whyloss.formatting import format_nats, format_percent, pluralize
from whyloss.measures.envelope import binary_entropy, fano_envelope
from whyloss.measures.estimates.intervals import wilson
from whyloss.remedies import one_class
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import TELLING, Lead, Rule
from whyloss.testing import known_cause, known_columns, known_history

if TYPE_CHECKING:
    from whyloss.evidence import Evidence, Outline
    from whyloss.testing import KnownCause

SUSPECT_EPOCHS = 3
WITHOUT_SKILL = {
    "auc": 0.5,
    "balanced_accuracy": 0.5,
    "f1": 0.0,
    "kappa": 0.0,
    "mcc": 0.0,
    "recall": 0.0,
}
FAR_BELOW = 0.3  # by which a score of all classes is below the accuracy
FEW_CLASSES = range(2, 11)  # with which a macro-averaged F1 is compared

RULE = Rule(
    "WL203",
    name="majority-class",
    page=__doc__,
    since="0.1",
    explains=(
        *("chance-level", "consistent", "overconfidence", "underconfidence", "underfitting"),
        "temperature",
    ),
)
RULE.cured_by(one_class.decide_evenly)

SAME = 5e-4  # accuracies that agree so far are the same count, printed with three digits
OF_ERRORS = 0.01  # of the error rate, by which accuracies may differ and be the same count
PRINTED = 4  # digits of most printed accuracies
ROUNDING = 1e-9  # of a share in float64
SPREAD = 1.05  # times Fano's envelope: the noise of a loss on a few hundred samples


def _one_class(seed: int) -> KnownCause:
    return known_cause(seed, signal=0.2, n_classes=2, n_samples=400, shares=(0.85, 0.15))


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
    if frequent > 1.0 - ROUNDING:
        return None  # nothing else is there to be predicted
    return _finding(
        (
            f"The model predicts {snapshot.predictions.classes[top]!r} for "
            f"{format_percent(share.value)} of {pluralize(n, 'sample')}. "
            f"{format_percent(frequent)} of the labels are that class; the accuracy of "
            f"{format_percent(snapshot.accuracy.value)} shows nothing more."
        ),
        {
            "predicted_share": share,
            "accuracy": snapshot.accuracy,
            "class_share": Estimate(frequent, note="of these samples", unit="share"),
        },
        epochs=(snapshot.epoch,),
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
    if known is None or len(known) < max(1, min_epochs):
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
    return _finding(
        (
            "Most likely one class is predicted for everything: the accuracy has been "
            f"{format_percent(share, 2)} for {pluralize(len(known), 'evaluation')} while the loss "
            f"is {format_nats(loss)}. A model that knows only the class shares has between "
            f"{format_nats(min_ratio * entropy)} and {format_nats(most)} where one class has that "
            "share."
        ),
        {
            "accuracy": Estimate(share, note="as reported", unit="share"),
            "entropy": Estimate(entropy, note="of shares as the accuracy has it"),
        },
        epochs=tuple(known.epochs.tolist()),
    )


def _silent(
    epochs: int, accuracy: float = 0.7125, n: int | None = None, train: float = 0.72
) -> KnownCause:
    """An accuracy that does not move, beside no loss of the same split."""
    return known_columns(
        n_val=n,
        train_loss=np.linspace(0.9, 0.7, epochs),
        train_accuracy=[train] * epochs,
        val_accuracy=[accuracy] * epochs,
    )


@RULE.at(
    Level.CURVES,
    fires=lambda seed: _silent(5, 0.6725 + 0.001 * (seed % 100)),
    near_misses={
        "min_epochs": lambda _: _silent(3),
        "min_samples": lambda _: _silent(6, 0.75, 20),
        "max_accuracy": lambda _: _silent(6, 0.9825, train=0.99),
        "max_ahead": lambda _: _silent(6, train=0.9),
    },
)
def same_accuracy_without_loss(
    evidence: Evidence,
    *,
    min_epochs: float = 4,
    min_samples: float = 100,
    max_accuracy: float = 0.98,
    max_ahead: float = 0.1,
) -> Finding | None:
    """The accuracy is the same at every epoch, and no loss is known of the split."""
    train = evidence.history.column("train", "accuracy")
    of_train = np.zeros(0) if train is None else train[np.isfinite(train)]
    for split in () if evidence.epochs else evidence.splits:
        curve = None if split in TRAIN else evidence.reported(split)
        if curve is None or np.isfinite(curve.log_loss).any():
            continue
        n = curve.n_samples
        if len(curve) < max(1, min_epochs) or (n is not None and n < min_samples):
            continue
        share = float(curve.accuracy[-1])
        if np.ptp(curve.accuracy) > 0.0 or not 0.0 < share < max_accuracy:
            continue
        if (of_train[-1:] > share + max_ahead).any():
            continue
        return _finding(
            (
                f"Most likely one class is predicted for everything: on split {split!r} the "
                f"accuracy has been {format_percent(share, 2)} for "
                f"{pluralize(len(curve), 'evaluation')}, to every printed digit. Count the "
                "predicted classes; a number that is printed again and again looks the same."
            ),
            {"accuracy": Estimate(share, note="as reported", unit="share")},
            epochs=tuple(curve.epochs.tolist()),
        )
    return None


@RULE.at(
    Level.NUMBERS,
    fires=lambda seed: known_columns(val_accuracy=[0.8 + 0.001 * (seed % 100)], val_recall=[0.0]),
    near_misses={
        "min_accuracy": lambda _: known_columns(val_accuracy=[0.5], val_recall=[0.0]),
        "min_epochs": lambda _: known_columns(val_loss=[0.6], val_mcc=[0.0]),
    },
)
def score_without_skill(
    evidence: Evidence, *, min_accuracy: float = 0.55, min_epochs: float = 2
) -> Finding | None:
    """A score has exactly the value that it has without any skill."""
    pairs = (
        (curve, last_scores(evidence.history, split).get("accuracy", 1.0), split)
        for split in (() if evidence.epochs else evidence.splits)
        for curve in score_curves(evidence.history, split, None)
    )
    for curve, share, split in pairs:
        name, nothing = curve.score.name, WITHOUT_SKILL.get(curve.score.name)
        if nothing is None or curve.values[-1] != nothing:
            continue
        again = len(curve) >= max(1, min_epochs) and bool((curve.values == nothing).all())
        if not (name == "auc" or again or 1.0 > share >= min_accuracy):
            continue
        return _finding(
            (
                f"On split {split!r} the {curve.score.words} is exactly {nothing:g}, which it is "
                "without any skill: one class is predicted for everything, or every sample gets "
                "the same score. An accuracy is then the share of that class. Check the inputs "
                "and the learning rate; weight or balance the classes."
            ),
            {name: Estimate(nothing, note="as reported", unit="number")},
            epochs=(int(curve.epochs[-1]),),
        )
    return None


def _beside_shares(accuracy: float, largest: float = 0.8) -> KnownCause:
    rest = (1.0 - largest) / 2
    known = known_columns(val_accuracy=[accuracy], val_recall=[0.3333])
    history = replace(known.source.history, class_shares=(largest, rest, rest))
    return replace(known, source=InMemorySource(history=history))


@RULE.at(
    Level.NUMBERS,
    fires=lambda seed: _beside_shares(*[0.7 + 0.001 * (seed % 100)] * 2),
    near_misses={
        "max_distance": lambda _: _beside_shares(0.81),
        "min_majority": lambda _: _beside_shares(0.36, 0.36),
    },
)
def accuracy_is_the_largest_share(
    evidence: Evidence, *, max_distance: float = 0.0051, min_majority: float = 0.05
) -> Finding | None:
    """The accuracy is the share of the largest class, and every other class has a recall of 0."""
    seen, shares = outline(evidence), evidence.class_shares
    if evidence.epochs or shares is None or seen.accuracy is None:
        return None
    k, largest = len(shares), float(shares.max())
    if abs(seen.accuracy - largest) > max_distance or largest - 1.0 / k < min_majority:
        return None
    recall = last_scores(evidence.history, evidence.split).get("recall")
    if seen.loss is not None if recall is None else abs(recall - 1.0 / k) > max_distance:
        return None  # a loss decides, as `chance-level` has it
    return _finding(
        (
            f"Most likely one class is predicted for everything: the accuracy of "
            f"{format_percent(seen.accuracy)} is the share of the largest of {k} classes "
            f"({format_percent(largest)}). Balance the classes or weight them, and look at the "
            "recall of each."
        ),
        {
            "accuracy": Estimate(seen.accuracy, note="as reported", unit="share"),
            "largest_share": Estimate(largest, note="of the classes", unit="share"),
        },
        epochs=(int(evidence.history.epochs[-1]),),
    )


def _f1(epochs: int, away: float = 0.0, k: int = 3, accuracy: float = 0.65) -> KnownCause:
    f1 = round(2 * accuracy / (1 + accuracy) / k + away, 4)
    return known_columns(test_accuracy=[accuracy] * epochs, test_f1=[f1] * epochs)


@RULE.at(
    Level.NUMBERS,
    fires=lambda seed: _f1(3, k=1 + seed % 10, accuracy=0.55 + 0.002 * (seed % 100)),
    near_misses={
        "max_distance": lambda _: _f1(3, away=-0.04, k=1),
        "max_accuracy": lambda _: _f1(3, k=1, accuracy=0.9),
        "max_away": lambda _: _f1(3, away=0.003),
        "min_epochs": lambda _: _f1(1),
    },
)
def f1_of_one_class(
    evidence: Evidence,
    *,
    max_distance: float = 0.02,
    max_accuracy: float = 0.85,
    max_away: float = 0.0004,
    min_epochs: float = 2,
) -> Finding | None:
    """The F1 is the one that one class for everything has, or its mean over K classes."""
    for split in () if evidence.epochs else evidence.splits:
        accuracy = evidence.history.column(split, "accuracy")
        f1 = evidence.history.column(split, "f1")
        if accuracy is None or f1 is None:
            continue
        both = np.isfinite(accuracy) & np.isfinite(f1) & (accuracy > 0.5) & (accuracy < 1.0)
        of_one = 2 * accuracy[both] / (1 + accuracy[both])
        if not len(of_one):
            continue
        share, score = float(accuracy[both][-1]), float(f1[both][-1])
        fits = [1] if share < max_accuracy and abs(score - of_one[-1]) <= max_distance else []
        if len(of_one) >= max(1, min_epochs):
            fits += [k for k in FEW_CLASSES if (abs(f1[both] - of_one / k) <= max_away).all()]
        if not fits:
            continue
        mean = "" if fits[0] == 1 else f", in the mean over {fits[0]} classes, the others 0"
        return _finding(
            f"On split {split!r} an F1 of {score:.4g} beside an accuracy of "
            f"{format_percent(share)} is what one class for nearly everything gives "
            f"({of_one[-1]:.4g}{mean}): the accuracy is hardly more than the share of that class.",
            {"f1": Estimate(score, note="as reported", unit="number")},
            tuple(evidence.history.epochs[both].tolist()),
        )
    return None


def _finding(message: str, numbers: dict[str, Estimate], epochs: tuple[int, ...]) -> Finding:
    return Finding(
        severity=Severity.WARNING,
        headline="One class for everything",
        message=message,
        evidence=numbers,
        epochs=epochs,
    )


@RULE.suspected(
    prior=0.08,
    check="Count the predicted classes: is it one and the same for every sample?",
)
def _suspicion(evidence: Evidence) -> Lead | None:
    """An accuracy that does not move, above one half."""
    seen = outline(evidence)
    lead = _like_one_class(evidence, seen) or _far_below(evidence)
    if lead is not None:
        return lead
    said = [trend for trend in evidence.history.facts.trends if trend.metric == "accuracy"]
    if seen.accuracy is not None and any(trend.direction == "constant" for trend in said):
        stands = f"The accuracy is said not to move, at {format_percent(seen.accuracy, 2)}."
        return Lead(TELLING, stands)
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


def _far_below(evidence: Evidence) -> Lead | None:
    """A score in which every class counts alike, far below the accuracy."""
    for split in evidence.splits:
        scores = last_scores(evidence.history, split)
        accuracy = scores.get("accuracy", 0.0)
        for name in ("balanced_accuracy", "f1", "recall", "map", "auc_pr"):
            if accuracy - scores.get(name, accuracy) < FAR_BELOW:
                continue
            return Lead(
                1.0,
                f"The accuracy is {format_percent(accuracy)} and the {SCORES[name].words} "
                f"{scores[name]:.3g}: frequent classes hide the rare ones.",
            )
    return None


def _like_one_class(evidence: Evidence, seen: Outline) -> Lead | None:
    """A loss that is the entropy of two classes, one as frequent as the accuracy."""
    entropy = fits_one_class(evidence)
    if entropy is not None and seen.accuracy is not None and seen.loss is not None:
        return Lead(
            1.0,
            f"A loss of {format_nats(seen.loss)} beside an accuracy of "
            f"{format_percent(seen.accuracy)} is what one class with that share gives "
            f"({format_nats(entropy)}).",
        )
    return None
