"""Summaries on one machine, out of core: batch by batch, each on all processors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from whyloss.data import Predictions
from whyloss.data.layout import PREDICTIONS_FOLDER, epoch_folder, parts_in, split_folder
from whyloss.data.part import Part
from whyloss.errors import DataError
from whyloss.measures.summary import Summary

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from whyloss.data import Run

BATCH_BYTES = 64 << 20  # long enough to occupy every thread, short beside any memory


def summarise(predictions: Predictions, *, temperature: bool = True) -> Summary:
    """Summary of predictions that may be mapped from disk.

    Parameters
    ----------
    predictions : Predictions
        Its scores may be a ``numpy.memmap``; they are read once per batch and not kept.
    temperature : bool, default True
        As in :class:`~whyloss.measures.summary.Summary`.
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

    Parameters
    ----------
    run : Run
    split : str
    epoch : int
    temperature : bool, default True
        As in :class:`~whyloss.measures.summary.Summary`.

    Raises
    ------
    DataError
        There are no such predictions, or a label is no class.
    """
    if epoch not in run.epochs(split):
        raise DataError(
            f"{run.name} has no predictions of {split!r} at epoch {epoch}",
            expected=f"an epoch among {run.epochs(split)}",
            got=f"{epoch}",
        )
    folder = run.path / PREDICTIONS_FOLDER / split_folder(split) / epoch_folder(epoch)
    parts = [Part(path) for path in parts_in(folder)]
    scale = run.scale or parts[0].scale
    summary = Summary(max(2, parts[0].scores(scale).shape[1]), temperature=temperature)
    seen: list[npt.NDArray[Any]] = []
    for part in parts:
        ids = part.ids()
        fresh = _first_of_each(ids, seen)
        seen.append(ids)
        scores, y_true = part.scores(scale), part.y_true()
        for rows in _batches(scores):
            kept = fresh[rows]
            if not kept.any():
                continue
            given: dict[str, Any] = {scale: scores[rows] if kept.all() else scores[rows][kept]}
            batch = Predictions.from_arrays(
                y_true[rows][kept], ids=ids[rows][kept], classes=run.classes or None, **given
            )
            summary.update(batch)
    return summary


def _batches(scores: npt.NDArray[Any]) -> Iterator[slice]:
    step = max(1, BATCH_BYTES // max(1, scores.itemsize * scores.shape[1]))
    for start in range(0, len(scores), step):
        yield slice(start, start + step)


def _first_of_each(ids: npt.NDArray[Any], seen: list[npt.NDArray[Any]]) -> npt.NDArray[np.bool_]:
    """Which rows have an id that did not come before, here or in other parts."""
    fresh = np.zeros(len(ids), dtype=np.bool_)
    fresh[np.unique(ids, return_index=True)[1]] = True
    for others in seen:
        fresh &= ~np.isin(ids, others)
    return fresh
