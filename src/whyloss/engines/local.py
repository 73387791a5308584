"""Summaries on one machine, out of core: batch by batch, each on all processors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from whyloss.data import Predictions
from whyloss.data.layout import WEIGHT_COLUMN
from whyloss.data.validation import check_weights
from whyloss.measures.facts import Summary

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from whyloss.data import Run, Scale
    from whyloss.data.part import Part, PartFile

BATCH_BYTES = 64 << 20  # enough to occupy every thread, little memory


def summarise(predictions: Predictions, *, temperature: bool = True) -> Summary:
    """Summary of predictions that may be mapped from disk.

    Parameters
    ----------
    predictions : Predictions
        Its scores may be a ``numpy.memmap``; they are read once per batch and not kept.
    temperature : bool, default True
        As in :class:`~whyloss.measures.facts.Summary`.

    Returns
    -------
    Summary
    """
    summary = Summary(predictions.n_classes, temperature=temperature)
    for rows in _batches(predictions.scores):
        summary.update(
            Predictions(
                y_true=predictions.y_true[rows],
                scores=predictions.scores[rows],
                scale=predictions.scale,
                ids=predictions.ids[rows],
                classes=predictions.classes,
                weights=None if predictions.weights is None else predictions.weights[rows],
            )
        )
    return summary


def summarise_run(run: Run, split: str, epoch: int, *, temperature: bool = True) -> Summary:
    """Summary of one split of a recorded run at one epoch, part by part.

    Of rows with the same id the first is kept, as :meth:`whyloss.data.Run.predictions` does.
    Memory is bounded as long as every part holds rising ids and no other part holds ids between
    its own; else the ids themselves are kept in memory.

    Parameters
    ----------
    run : Run
    split : str
    epoch : int
    temperature : bool, default True
        As in :class:`~whyloss.measures.facts.Summary`.

    Returns
    -------
    Summary

    Raises
    ------
    DataError
        The run has no such predictions, or a label is not one of its classes.
    """
    work = plan(run, split, epoch)
    summary = Summary(work.n_classes, temperature=temperature)
    for part, among in zip(work.parts, work.fresh, strict=True):
        for group, fresh in _groups(part, among):
            for batch in _predictions(group, fresh, work):
                summary.update(batch)
    return summary


@dataclass(frozen=True)
class Plan:
    """The parts of a run to summarise, and which of their rows count.

    Attributes
    ----------
    parts : tuple of PartFile
        The parts, in order.
    fresh : tuple of ndarray of bool, or None
        Of each part, the rows whose id did not come before; None where that is all of them.
    scale : {"logits", "log_probs", "probs"}
    n_classes : int
    classes : tuple of str
        Empty where the run names none.
    """

    parts: tuple[PartFile, ...]
    fresh: tuple[npt.NDArray[np.bool_] | None, ...]
    scale: Scale
    n_classes: int
    classes: tuple[str, ...]


def plan(run: Run, split: str, epoch: int) -> Plan:
    """Find the parts, and the rows in them that count.

    Parameters
    ----------
    run : Run
    split : str
    epoch : int

    Returns
    -------
    Plan

    Raises
    ------
    DataError
        There are no such predictions.
    """
    parts = run.parts(split, epoch)
    first = parts[0].open()
    scale = run.scale or first.scale
    columns = next(first.groups(1)).scores(scale).shape[1]
    return Plan(parts, _fresh(parts), scale, max(2, columns), tuple(run.classes or ()))


def summarise_part(
    work: Plan, k: int, group_numbers: range, *, temperature: bool = True
) -> Summary:
    """Summary of some groups of rows of one part.

    Parameters
    ----------
    work : Plan
    k : int
        Number of the part.
    group_numbers : range
        Numbers of the groups.
    temperature : bool, default True
        As in :class:`~whyloss.measures.facts.Summary`.

    Returns
    -------
    Summary
    """
    summary = Summary(work.n_classes, temperature=temperature)
    for number, (group, fresh) in enumerate(_groups(work.parts[k], work.fresh[k])):
        if number in group_numbers:
            for batch in _predictions(group, fresh, work):
                summary.update(batch)
    return summary


def n_groups(part: PartFile) -> int:
    """Number of groups of rows that a part is read in.

    Parameters
    ----------
    part : PartFile

    Returns
    -------
    int
    """
    return sum(1 for _ in part.open().groups(BATCH_BYTES))


def _groups(
    part: PartFile, fresh: npt.NDArray[np.bool_] | None
) -> Iterator[tuple[Part, npt.NDArray[np.bool_] | None]]:
    """Groups of rows of a part, with their share of `fresh`."""
    start = 0
    for group in part.open().groups(BATCH_BYTES):
        stop = start + len(group)
        yield group, None if fresh is None else fresh[start:stop]
        start = stop


def _predictions(
    part: Part, fresh: npt.NDArray[np.bool_] | None, work: Plan
) -> Iterator[Predictions]:
    """Predictions of a group of rows, batch by batch."""
    ids, scores, y_true = part.ids(), part.scores(work.scale), part.y_true()
    weights = part.extras().get(WEIGHT_COLUMN)
    for rows in _batches(scores):
        if fresh is not None and not fresh[rows].any():
            continue
        some = slice(None) if fresh is None or fresh[rows].all() else fresh[rows]
        given: dict[str, Any] = {work.scale: scores[rows][some]}
        batch = Predictions.from_arrays(
            y_true[rows][some], ids=ids[rows][some], classes=work.classes or None, **given
        )
        if weights is not None:  # from_arrays would drop those that are equal in this batch alone
            w = check_weights(weights[rows][some], len(batch))
            kept = w > 0
            batch = replace(
                batch,
                y_true=batch.y_true[kept],
                scores=batch.scores[kept],
                ids=batch.ids[kept],
                weights=w[kept],
            )
        if len(batch):
            yield batch


def _batches(scores: npt.NDArray[Any]) -> Iterator[slice]:
    step = max(1, BATCH_BYTES // max(1, scores.itemsize * scores.shape[1]))
    for start in range(0, len(scores), step):
        yield slice(start, start + step)


def _fresh(parts: tuple[PartFile, ...]) -> tuple[npt.NDArray[np.bool_] | None, ...]:
    """Which rows of each part have an id that did not come before, there or in earlier parts."""
    if _all_ids_differ(parts):
        return (None,) * len(parts)
    seen: list[npt.NDArray[Any]] = []
    found: list[npt.NDArray[np.bool_] | None] = []
    for part in parts:
        ids = part.open().ids()
        fresh = np.zeros(len(ids), dtype=np.bool_)
        fresh[np.unique(ids, return_index=True)[1]] = True
        for others in seen:
            fresh &= ~np.isin(ids, others)
        seen.append(ids)
        found.append(None if fresh.all() else fresh)
    return tuple(found)


def _all_ids_differ(parts: tuple[PartFile, ...]) -> bool:
    """Whether ids rise in every part and no two parts overlap; found without keeping the ids."""
    spans = []
    for part in parts:
        ends: list[Any] = []
        for group in part.open().groups(BATCH_BYTES):
            ids = group.ids()
            if not len(ids):
                continue
            if not (ids[1:] > ids[:-1]).all() or (ends and not ids[0] > ends[-1]):
                return False
            ends = [ends[0] if ends else ids[0], ids[-1]]
        if ends:
            spans.append(tuple(ends))
    if len({np.asarray(start).dtype.kind for start, _ in spans}) > 1:
        return False
    spans.sort()
    return all(before[1] < after[0] for before, after in pairwise(spans))
