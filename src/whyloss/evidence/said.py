"""What a text says of curves in words, without their numbers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from whyloss.evidence.curves import TRAIN
from whyloss.evidence.scores import SCORES

if TYPE_CHECKING:
    from whyloss.data import Trend
    from whyloss.evidence.evidence import Evidence
    from whyloss.evidence.scores import Score

_VERBS = {
    "rises": "rises",
    "falls": "falls",
    "constant": "does not change",
    "varies": "goes up and down",
}


class Outlook(StrEnum):
    """What became of a score."""

    BETTER = "better"
    SAME = "same"
    WORSE = "worse"


@dataclass(frozen=True)
class Said:
    """What the text says of the loss and of one score of the explained split.

    Attributes
    ----------
    loss : str or None
        "rises", "falls", "constant" or "varies"; None where nothing is said of it.
    outlook : Outlook or None
        Of the score; None where nothing is said of one.
    score : Score or None
    words : str
        All of it for a sentence.
    count : int
        Number of curves that the text speaks of.
    """

    loss: str | None
    outlook: Outlook | None
    score: Score | None
    words: str
    count: int

    @property
    def rises_alone(self) -> bool:
        """Whether the loss rises and nothing is said of a score."""
        return self.loss == "rises" and self.outlook is None


def said_of(evidence: Evidence) -> Said | None:
    """What the text says; None where it speaks of no curve of the explained split.

    Parameters
    ----------
    evidence : Evidence
    """
    trends = evidence.history.facts.trends
    last = {(trend.split, trend.metric): trend for trend in trends}  # the end counts
    ours = {metric: trend for (split, metric), trend in last.items() if split == evidence.split}
    if not ours:
        return None
    score = next((score for name, score in SCORES.items() if name in ours), None)
    loss = ours.get("loss")
    if evidence.split in TRAIN and score is None:
        return None  # what the training loss alone does says nothing of new samples
    return Said(
        loss=None if loss is None else loss.direction,
        outlook=None if score is None else _outlook(score, ours[score.name].direction),
        score=score,
        words=" and ".join(in_words(trend) for trend in last.values()),
        count=len(last),
    )


def in_words(trend: Trend) -> str:
    """A trend for a sentence.

    Parameters
    ----------
    trend : Trend
    """
    since = "" if trend.since is None else f" from epoch {trend.since} on"
    metric = trend.metric.replace("_", " ")
    return f"the {metric} of split {trend.split!r} {_VERBS[trend.direction]}{since}"


def _outlook(score: Score, direction: str) -> Outlook | None:
    if direction == "varies":
        return None
    if direction == "constant":
        return Outlook.SAME
    return Outlook.BETTER if (direction == "falls") == score.falls else Outlook.WORSE
