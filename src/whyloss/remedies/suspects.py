"""Look at the samples that a finding names, and measure again without them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from whyloss.formatting import format_nats, format_percent, pluralize
from whyloss.measures.losses.logits import RowStatus
from whyloss.remedies import code
from whyloss.remedies.effects import in_words, left_out
from whyloss.results.remedy import Remedy

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from whyloss.evidence import EpochFacts

NAMED = 3  # samples that are spelt out
LISTED = 10  # ids in a sentence


def look_at(facts: EpochFacts, rows: npt.NDArray[np.intp], what: str, then: str) -> Remedy:
    """Look at some rows, with the loss without them.

    Parameters
    ----------
    facts : EpochFacts
    rows : ndarray of intp
        Scored rows, the most suspicious first; at least one, and not all.
    what : str
        What to look for, as a question.
    then : str
        What to do after that, and what not.
    """
    keep = facts.scored.copy()
    keep[rows] = False
    after, effect = left_out(facts, keep)
    if effect.high is not None:
        # To leave out what costs more than the mean never raises it.
        effect = replace(effect, high=min(effect.high, 0.0))
    ids = facts.predictions.ids[rows].tolist()
    one = len(ids) == 1
    who = f"sample {ids[0]}" if one else f"these {pluralize(len(ids), 'sample')}"
    chosen = "it was chosen by its loss" if one else "they were chosen by their loss"
    return Remedy(
        name="",
        title=f"Look at {who}",
        text=(
            f"Look at {who} first ({_described(facts, rows)}): {what} {then} Without "
            f"{'it' if one else 'them'} the loss is {format_nats(after.value)} instead of "
            f"{format_nats(facts.log_loss.value)}. That is the most to hope for, since {chosen}."
        ),
        metric="log_loss",
        before=facts.log_loss,
        after=after,
        effect=effect,
        epoch=facts.epoch,
        snippets={"numpy": code.without(facts.predictions, rows.tolist())},
        samples=tuple(ids),
    )


def leave_out(facts: EpochFacts, rows: npt.NDArray[np.intp], text: str) -> Remedy | None:
    """Measure without some rows, which were not chosen by their loss.

    Parameters
    ----------
    facts : EpochFacts
    rows : ndarray of intp
    text : str
        What to do; a sentence.

    Returns
    -------
    Remedy or None
        None where no row stays.
    """
    keep = facts.scored.copy()
    keep[rows] = False
    if not keep.any():
        return None
    after, effect = left_out(facts, keep)
    ids = facts.predictions.ids[rows].tolist()
    return Remedy(
        name="",
        title=f"Measure without {pluralize(len(ids), 'sample')}",
        text=(
            f"{text} Without {'it' if len(ids) == 1 else 'them'} (id {_listed(ids)}) the loss is "
            f"{format_nats(after.value)} instead of {format_nats(facts.log_loss.value)}."
        ),
        metric="log_loss",
        before=facts.log_loss,
        after=after,
        effect=replace(effect, note=""),
        epoch=facts.epoch,
        snippets={"numpy": code.without(facts.predictions, rows.tolist())},
        samples=tuple(ids),
    )


def not_finite(facts: EpochFacts) -> Remedy:
    """Look at the rows that are NaN or infinite, and measure without them until they are mended.

    Parameters
    ----------
    facts : EpochFacts
        Of the first epoch with such rows.
    """
    p = facts.predictions
    rows = facts.samples.status == RowStatus.NON_FINITE
    ids = p.ids[rows].tolist()
    who = f"{pluralize(len(ids), 'sample')} of epoch {facts.epoch}"
    advised = in_words(
        f"Look at the inputs of {who}",
        (
            f"Look at the inputs of {who} (id {_listed(ids)}). If all inputs are finite, lower the "
            "learning rate, clip the gradients, and look for a logarithm or a division of zero or "
            "for float16 without loss scaling. Until then measure without these rows, and say so."
        ),
        snippets={
            "numpy": "import numpy as np\n"
            f"keep = np.isfinite({p.scale}).all(axis=1)  # of shape (n_samples, n_classes)\n"
            f"y_true, {p.scale} = y_true[keep], {p.scale}[keep]"
        },
        samples=tuple(ids),
    )
    return replace(advised, epoch=facts.epoch)


def review(facts: EpochFacts, rows: npt.NDArray[np.intp], text: str) -> Remedy:
    """Review the labels of some rows of which no single one is sure to be wrong.

    Parameters
    ----------
    facts : EpochFacts
    rows : ndarray of intp
        The most suspicious first.
    text : str
    """
    ids = facts.predictions.ids[rows].tolist()
    title = f"Review the labels, the {len(ids)} most suspicious ones first"
    chosen = in_words(
        title,
        f"{title} (id {_listed(ids)}). {text}",
        note="shows once the labels are corrected",
        retraining=False,
        samples=tuple(ids),
    )
    return replace(chosen, epoch=facts.epoch)


def _described(facts: EpochFacts, rows: npt.NDArray[np.intp]) -> str:
    """The samples with label, prediction and loss where they are few, else their ids."""
    p, samples = facts.predictions, facts.samples
    ids = p.ids[rows].tolist()
    if len(ids) > NAMED:
        return f"id {_listed(ids)}"
    return "; ".join(
        f"id {name}: label {p.classes[p.y_true[row]]!r}, predicted "
        f"{p.classes[samples.y_pred[row]]!r} with {format_percent(samples.confidence[row])}, loss "
        f"{format_nats(samples.log_loss[row])}"
        for name, row in zip(ids, rows.tolist(), strict=True)
    )


def _listed(ids: list[int | str]) -> str:
    more = f" and {len(ids) - LISTED} more" if len(ids) > LISTED else ""
    return ", ".join(map(str, ids[:LISTED])) + more
