"""What would help, with its estimated effect."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from whyloss.results.estimate import Estimate


@dataclass(frozen=True)
class Remedy:
    """Something to do, with its effect estimated on data that did not choose it where possible.

    Attributes
    ----------
    name : str
    title : str
        What to do, in a few words.
    text : str
        One or two sentences.
    metric : str
        What the effect is measured in: "log_loss" (nats, smaller is better), "accuracy" (a share,
        larger is better), or another score by its name in the history.
    before, after : Estimate
        The metric without and with the remedy.
    effect : Estimate
        After minus before, paired over the samples; NaN, with the reason as its note, where only
        another training would show it.
    retraining : bool
        Whether the model must be trained again.
    epoch : int or None
        The epoch to keep, for remedies that choose one.
    as_good : tuple of int
        Epochs that the data do not tell from it.
    snippets : mapping of str to str
        Code to copy, by framework. It reads the arrays that were diagnosed under the names of their
        arguments (``logits``, ``y_true``, ``ids``) and leaves the mended ones.
    because : str
        Title of the finding that it cures; empty for what may help any model.
    samples : tuple of int or str
        Ids of the samples to look at.
    """

    name: str
    title: str
    text: str
    metric: str
    before: Estimate
    after: Estimate
    effect: Estimate
    retraining: bool = False
    epoch: int | None = None
    as_good: tuple[int, ...] = ()
    snippets: Mapping[str, str] = field(default_factory=dict)
    because: str = ""
    samples: tuple[int | str, ...] = ()


@dataclass(frozen=True)
class Declined:
    """A remedy that is not proposed, and why."""

    name: str
    reason: str
