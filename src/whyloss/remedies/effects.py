"""What a change of the predictions or of the samples does to the loss, with its interval."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from whyloss.measures.estimates.intervals import mean_estimate
from whyloss.results.estimate import Estimate
from whyloss.results.remedy import Remedy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from whyloss.evidence import EpochFacts
    from whyloss.measures.estimates.intervals import BoolVector, FloatVector

CHOSEN = "of samples that were chosen by their loss"


def in_words(
    title: str,
    text: str,
    *,
    note: str = "shows after another training",
    retraining: bool = True,
    snippets: Mapping[str, str] | None = None,
    samples: tuple[int | str, ...] = (),
) -> Remedy:
    """A remedy whose effect these numbers cannot tell.

    Parameters
    ----------
    title, text : str
    note : str, default "shows after another training"
        Why no effect is given.
    retraining : bool, default True
    snippets : mapping of str to str, optional
    samples : tuple of int or str, default ()
    """
    unknown = Estimate(math.nan, note=note)
    return Remedy(
        name="",
        title=title,
        text=text,
        metric="log_loss",
        before=unknown,
        after=unknown,
        effect=unknown,
        retraining=retraining,
        snippets=snippets or {},
        samples=samples,
    )


def loss_change(
    facts: EpochFacts, title: str, text: str, after: FloatVector, rows: BoolVector
) -> Remedy:
    """A remedy that changes the predictions.

    Parameters
    ----------
    facts : EpochFacts
    title, text : str
        The text may hold ``{before}`` and ``{after}``, which are the two losses.
    after : ndarray of float64, shape (n_rows,)
        Loss of each of the rows with the remedy.
    rows : ndarray of bool, shape (n_samples,)
        Rows whose loss is finite without the remedy and with it.
    """
    weights, before = facts.weights_of(rows), facts.samples.log_loss[rows]
    return Remedy(
        name="",
        title=title,
        text=text,
        metric="log_loss",
        before=mean_estimate(before, weights),
        after=mean_estimate(after, weights),
        effect=mean_estimate(after - before, weights),
        epoch=facts.epoch,
    )


def left_out(facts: EpochFacts, keep: BoolVector) -> tuple[Estimate, Estimate]:
    """The loss of the samples that stay, and how far it is from the loss of all.

    The two means share samples: the interval of their difference is that of the mean of each
    sample's influence on it.

    Parameters
    ----------
    facts : EpochFacts
    keep : ndarray of bool, shape (n_samples,)
        Scored rows that stay.
    """
    rows = facts.scored
    weights, losses, kept = facts.weights_of(rows), facts.samples.log_loss[rows], keep[rows]
    all_of_them = mean_estimate(losses, weights)
    rest = mean_estimate(facts.samples.log_loss[keep], None if weights is None else weights[kept])
    share = mean_estimate(kept.astype(float), weights).value
    difference = rest.value - all_of_them.value
    influence = kept * (losses - rest.value) / share - (losses - all_of_them.value) + difference
    return rest, replace(mean_estimate(influence, weights), note=CHOSEN)
