"""Two sets of predictions on the same samples, row for row, where they have any in common."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from whyloss.data import InMemorySource, Predictions
from whyloss.errors import DataError
from whyloss.evidence import Evidence
from whyloss.formatting import format_percent, pluralize
from whyloss.measures.estimates.weights import common_weights
from whyloss.measures.samples.alignment import common_rows

if TYPE_CHECKING:
    import numpy.typing as npt

    from whyloss.evidence import EpochFacts

MIN_COMMON = 0.5  # of the smaller set; with fewer ids in common they hardly name the same samples
MAX_RELABELLED = 0.05  # with more labels that differ, the ids do not name the same samples

# The two sides as epochs of one split, so that everything known of a change holds for them.
FIRST, SECOND = 0, 1


@dataclass(frozen=True)
class Pairing:
    """What two sides have in common.

    Attributes
    ----------
    evidence : Evidence or None
        Both sides as the epochs 0 and 1 over the samples in common; None where there is no
        telling which belong together.
    notes : tuple of str
        Why not, or what was left out.
    """

    evidence: Evidence | None
    notes: tuple[str, ...]


def pair(first: EpochFacts, second: EpochFacts) -> Pairing:
    """Find the samples that both sides have, by their ids.

    Parameters
    ----------
    first, second : EpochFacts
        Sides A and B.

    Returns
    -------
    Pairing

    Raises
    ------
    DataError
        The sides hold different classes.
    """
    a, b = first.predictions, second.predictions
    _check_classes(a, b)
    if a.split != b.split:
        return _not_paired(f"the splits are {a.split!r} and {b.split!r}")
    rows = common_rows({FIRST: a.ids, SECOND: b.ids})
    n, least = len(rows[FIRST]), min(len(a), len(b))
    if n < max(1.0, MIN_COMMON * least):
        return _not_paired(f"only {n:,} of {least:,} ids occur in both")
    notes = []
    if n < max(len(a), len(b)):
        notes.append(
            f"Compared are the {pluralize(n, 'sample')} whose ids occur in both, of {len(a):,} and "
            f"{len(b):,}."
        )
    alike = a.y_true[rows[FIRST]] == b.y_true[rows[SECOND]]
    differing = int(np.count_nonzero(~alike))
    if differing > MAX_RELABELLED * n:
        return _not_paired(
            f"{format_percent(differing / n)} of the common ids have different labels"
        )
    if differing:
        notes.append(f"{pluralize(differing, 'sample')} with different labels are left out.")
    usable = alike & first.scored[rows[FIRST]] & second.scored[rows[SECOND]]
    unscored = int(np.count_nonzero(alike & ~usable))
    if unscored:
        notes.append(
            f"{pluralize(unscored, 'sample has', 'samples have')} no finite loss on one of the "
            "sides "
            f"and {'is' if unscored == 1 else 'are'} left out."
        )
    if not usable.any():
        return _not_paired("no sample has a finite loss on both sides")
    here, there = rows[FIRST][usable], rows[SECOND][usable]
    try:
        common_weights({FIRST: first.weights_of(here), SECOND: second.weights_of(there)})
    except DataError:
        return _not_paired("the samples are weighted differently")
    if np.array_equal(a.ids, np.arange(len(a))) and np.array_equal(b.ids, np.arange(len(b))):
        notes.append("Samples are paired by the row numbers that serve as their ids.")
    source = InMemorySource([_side(a, here, FIRST), _side(b, there, SECOND)])
    return Pairing(Evidence(source, split=a.split, from_epoch=FIRST, to_epoch=SECOND), tuple(notes))


def _not_paired(reason: str) -> Pairing:
    return Pairing(
        None,
        (
            (
                f"Not paired: {reason}. Differences between samples count as differences between "
                "the sides, so the intervals are wider."
            ),
        ),
    )


def _side(predictions: Predictions, rows: npt.NDArray[np.intp], epoch: int) -> Predictions:
    """The rows of one side, as an epoch."""
    p = predictions
    whole = len(rows) == len(p) and bool((np.diff(rows) == 1).all())
    kept = slice(None) if whole else rows  # the first makes no copies
    return replace(
        p,
        y_true=p.y_true[kept],
        scores=p.scores[kept],
        ids=p.ids[kept],
        weights=None if p.weights is None else p.weights[kept],
        slices={},
        epoch=epoch,
    )


def _check_classes(a: Predictions, b: Predictions) -> None:
    numbered = tuple(str(k) for k in range(a.n_classes))
    if a.n_classes == b.n_classes and (
        a.classes == b.classes or numbered in {a.classes, b.classes}
    ):
        return
    what = "order" if sorted(a.classes) == sorted(b.classes) else "classes"
    raise DataError(
        "The two sides have different classes",
        expected=f"the same {what} on both sides",
        got=f"{', '.join(a.classes[:5]):.60} and {', '.join(b.classes[:5]):.60}"
        if a.n_classes == b.n_classes
        else f"{a.n_classes} and {b.n_classes} classes",
    )
