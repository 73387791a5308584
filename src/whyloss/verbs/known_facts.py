"""Facts that a caller gives beside predictions, which tell the same facts themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from whyloss.data import InMemorySource
from whyloss.errors import DataError

if TYPE_CHECKING:
    from whyloss.data import Predictions, Source
    from whyloss.readers import ReadOptions

_SHARES_ERROR = 0.01  # shares that were rounded to two decimals
_OTHER_TASKS = ("multilabel", "regression")


def check_known(source: Source, options: ReadOptions) -> None:
    """Refuse facts that contradict predictions, or say nothing of them.

    Parameters
    ----------
    source : Source
        One without predictions takes every fact.
    options : ReadOptions
        What the caller knows.

    Raises
    ------
    DataError
        A fact is not that of the predictions.
    """
    if not isinstance(source, InMemorySource):  # naming a run would load what reads it
        for name, given in (
            ("columns", options.columns),
            ("scale", options.scale),
            ("model", options.model),
        ):
            if given:
                raise DataError(
                    f"{name} says nothing of a recorded run, which names its columns itself",
                    expected=f"no {name} beside a run",
                    got=f"{given}",
                )
    sizes = {"val": options.n_val, "train": options.n_train}
    for split in source.splits:
        if options.task or options.n_classes or options.class_shares or sizes.get(split):
            _check(source.predictions(split, source.epochs(split)[-1]), options, sizes.get(split))


def _check(predictions: Predictions, options: ReadOptions, size: int | None) -> None:
    k = predictions.n_classes
    if options.n_classes not in {None, k}:
        raise _contradicts("number of classes", f"{k}", f"{options.n_classes}")
    if options.task in _OTHER_TASKS or (options.task == "binary" and k > 2):
        raise _contradicts("task", f"one of {k} classes per sample", f"{options.task}")
    if size is not None and size != len(predictions):
        split = predictions.split
        raise _contradicts(f"number of samples of {split}", f"{len(predictions)}", f"{size}")
    if options.class_shares is not None and predictions.split == "val":
        counts = np.bincount(predictions.y_true, minlength=k)
        shares = counts / counts.sum()
        given = np.asarray(options.class_shares, dtype=np.float64)
        if given.shape != shares.shape or not np.allclose(given, shares, atol=_SHARES_ERROR):
            raise _contradicts(
                "shares of the classes",
                ", ".join(f"{share:.3g}" for share in shares[:8]),
                ", ".join(f"{share:.3g}" for share in given[:8]),
            )


def _contradicts(what: str, expected: str, got: str) -> DataError:
    return DataError(
        f"The {what} that was given is not that of the predictions",
        expected=expected,
        got=got,
        hint="Leave it out: the predictions tell it.",
    )
