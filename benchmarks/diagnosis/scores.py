"""Precision, recall and F1 of labels, and what was taken for what."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True)
class Score:
    """How well one label is given.

    Attributes
    ----------
    precision, recall, f1 : float
        0 where the label was never given, or never right.
    support : int
        Trials whose true label it is.
    """

    precision: float
    recall: float
    f1: float
    support: int


def score_labels(true: Sequence[str], given: Sequence[str]) -> dict[str, Score]:
    """Score every label that is true of some trial.

    Labels that were given and are never true lower the recall of others, and have no score.
    """
    wanted, said = Counter(true), Counter(given)
    hits = Counter(a for a, b in zip(true, given, strict=True) if a == b)
    scores = {}
    for label in sorted(wanted):
        right = hits[label]
        precision = right / said[label] if said[label] else 0.0
        recall = right / wanted[label]
        f1 = 2 * right / (wanted[label] + said[label])
        scores[label] = Score(precision, recall, f1, wanted[label])
    return scores


def macro_f1(scores: dict[str, Score]) -> float:
    """Mean F1 over the labels."""
    return sum(score.f1 for score in scores.values()) / len(scores) if scores else float("nan")


def confusions(true: Iterable[str], given: Iterable[str]) -> list[tuple[str, str, int]]:
    """What was taken for what, and how often; most frequent first."""
    pairs = Counter((a, b) for a, b in zip(true, given, strict=True) if a != b)
    return [(a, b, count) for (a, b), count in pairs.most_common()]


def share(hits: Iterable[bool]) -> float:
    """Share of hits; NaN of nothing."""
    every = list(hits)
    return sum(every) / len(every) if every else float("nan")
