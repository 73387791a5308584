"""WL702: Some validation samples are in the training data as well.

## What it means
Duplicates across splits (the same image twice, several pictures of one patient, rows repeated by a
join) are remembered, not recognised. The validation numbers look better than new data will.

## Signature
Samples of both splits share an id, where ids are names. Or the model's outputs for a validation
sample agree to the last digit with those for a training sample, as only equal inputs do.

## Statistic and threshold
The validation samples with a twin in the training split are counted. Outputs that several samples
of the same split share are not: saturated or constant outputs agree without being twins.
- `min_share` = 1 % of the validation samples: more must have a twin.
- `min_samples` = 5: at least so many must have one. A few outputs agree by chance.

## Not to be confused with
`train-mode-gap`: validation looks better because training numbers are measured with dropout or
during the epoch.

## Remedy
Split by group (patient, author, day) and drop duplicates before splitting. Then validate again:
expect worse and truer numbers.

## References
arXiv:1902.00423 (Barz and Denzler 2019: near-duplicates in test sets).
doi:10.1016/j.patter.2023.100804 (Kapoor and Narayanan 2023: leakage).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from whyloss.evidence import TRAIN, Evidence, outline
from whyloss.formatting import format_nats, format_percent, pluralize
from whyloss.measures.estimates.intervals import wilson
from whyloss.remedies import suspects
from whyloss.results.estimate import Estimate
from whyloss.results.finding import Finding, Severity
from whyloss.results.level import Level
from whyloss.rules.base import TELLING, Lead, Rule
from whyloss.testing import known_splits

if TYPE_CHECKING:
    import numpy.typing as npt

    from whyloss.evidence import EpochFacts
    from whyloss.results.remedy import Remedy

PERFECT = 0.995
POOR_TEST = 0.8
FAR_BETTER = 0.1  # of accuracy

RULE = Rule(
    "WL702",
    name="validation-too-easy",
    page=__doc__,
    since="0.1",
    explains=("consistent",),
)


@RULE.at(
    Level.SNAPSHOT,
    fires=lambda seed: known_splits(seed, leaked=30, n_samples=400),
    near_misses={
        "min_share": lambda seed: known_splits(seed, leaked=8, n_samples=1000),
        "min_samples": lambda seed: known_splits(seed, leaked=4, n_samples=200),
    },
)
def shared_with_training(
    evidence: Evidence, *, min_share: float = 0.01, min_samples: float = 5
) -> Finding | None:
    """Samples of this split are in the training split, too."""
    snapshot, train = evidence.last, _train_snapshot(evidence)
    if train is None:
        return None
    twins, how = _twins(snapshot, train)
    n, count = len(twins), int(np.count_nonzero(twins))
    if not count or not (count >= min_samples and count > min_share * n):
        return None
    ours = snapshot.scored & twins
    others = snapshot.scored & ~twins
    losses = snapshot.samples.log_loss
    rest = float(losses[others].mean()) if others.any() else float("nan")
    return Finding(
        severity=Severity.WARNING,
        headline="Training samples in the validation set",
        message=(
            "The validation numbers are better than new data will give: "
            f"{pluralize(count, 'sample')} of {n:,} ({format_percent(count / n)}) {how}. Their "
            f"loss is {format_nats(float(losses[ours].mean()) if ours.any() else float('nan'))}, "
            f"that of the others {format_nats(rest)}."
        ),
        evidence={"share": wilson(count, n), "loss_of_the_rest": Estimate(rest, note="mean")},
        nats=max(0.0, rest - snapshot.log_loss.value) if np.isfinite(rest) else None,
        epochs=(snapshot.epoch,),
        samples=tuple(snapshot.predictions.ids[twins][:100].tolist()),
    )


def _train_snapshot(evidence: Evidence) -> EpochFacts | None:
    for split in TRAIN:
        if split == evidence.split or split not in evidence.source.splits:
            continue
        if evidence.last.epoch in evidence.source.epochs(split):
            return evidence.at(evidence.last.epoch, split)
    return None


@RULE.cured_by
def _without_them(evidence: Evidence, _: Finding) -> Remedy | None:
    """Measure without the samples that training has seen."""
    train = _train_snapshot(evidence) if evidence.epochs else None
    if train is None:
        return None
    twins, _how = _twins(evidence.last, train)
    return suspects.leave_out(
        evidence.last,
        np.flatnonzero(twins),
        "Leave out the samples that training has seen, and split by group (patient, author, day) "
        "after removing duplicates.",
    )


def _twins(snapshot: EpochFacts, train: EpochFacts) -> tuple[npt.NDArray[np.bool_], str]:
    named = _by_name(snapshot, train)
    return named if named[0].any() else _by_output(snapshot, train)


def _by_name(snapshot: EpochFacts, train: EpochFacts) -> tuple[npt.NDArray[np.bool_], str]:
    ids = snapshot.predictions.ids
    if ids.dtype.kind not in "US" or train.predictions.ids.dtype.kind not in "US":
        return np.zeros(len(ids), dtype=np.bool_), ""  # numbers may be mere row numbers
    return np.isin(ids, train.predictions.ids), "have an id that the training split has too"


def _by_output(snapshot: EpochFacts, train: EpochFacts) -> tuple[npt.NDArray[np.bool_], str]:
    mine, theirs = snapshot.predictions.scores, train.predictions.scores
    none = np.zeros(len(mine), dtype=np.bool_)
    # Numbers in float16 are so few that some agree by chance.
    if mine.shape[1] != theirs.shape[1] or mine.dtype != theirs.dtype or mine.dtype == np.float16:
        return none, ""
    rows, others = _as_keys(mine), _as_keys(theirs)
    _, place, counts = np.unique(rows, return_inverse=True, return_counts=True)
    unique_other, other_counts = np.unique(others, return_counts=True)
    lone = np.isin(rows, unique_other[other_counts == 1])
    twins = lone & (counts[place] == 1)
    return twins, "have outputs that agree with those of a training sample to the last digit"


def _as_keys(scores: npt.NDArray[np.floating]) -> npt.NDArray[np.void]:
    rows = np.ascontiguousarray(scores)
    return rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).ravel()


@RULE.suspected(
    prior=0.05,
    check="Look for the same or nearly the same samples in both splits.",
)
def _suspicion(evidence: Evidence) -> Lead | None:
    """Validation that is perfect, or far better than training."""
    seen = outline(evidence)
    test = evidence.reported("test")
    perfect = seen.accuracy is not None and seen.accuracy >= PERFECT
    if perfect and test is not None and evidence.split != "test" and len(test.whole):
        last = float(test.whole.accuracy[-1])
        if last <= POOR_TEST:
            return Lead(
                TELLING,
                f"Validation is {format_percent(seen.accuracy or 0.0)} right and the test split "
                f"{format_percent(last)}.",
            )
    if seen.accuracy is None or seen.train_accuracy is None:
        return None
    if seen.accuracy - seen.train_accuracy < FAR_BETTER:
        return None
    return Lead(
        1.0,
        f"The accuracy is {format_percent(seen.accuracy)} in validation and "
        f"{format_percent(seen.train_accuracy)} in training.",
    )
