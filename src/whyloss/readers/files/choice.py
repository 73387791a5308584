"""Files that hold several runs or models: which of them is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whyloss.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Columns that say to which of several trainings or models a row belongs.
RUN_WORDS = frozenset({
    "model", "model name", "model id", "run", "run id", "run name", "run uuid", "experiment",
    "experiment name", "experiment id", "trial", "trial id", "seed", "random seed", "estimator",
    "classifier", "algorithm", "method", "architecture", "arch",
})  # fmt: skip
# Columns that part the samples, or repeat them.
PART_WORDS = frozenset({"fold", "folds", "cv", "cv fold", "task", "tasks", "repeat", "repetition"})
MOST_NAMED = 12


def choose(
    names: Iterable[str],
    wanted: str | None,
    *,
    what: str,
    place: str,
    lines: Mapping[str, str] | None = None,
) -> str:
    """Give the one of several names that is meant.

    Parameters
    ----------
    names : iterable of str
        At least one.
    wanted : str or None
        What the caller asked for.
    what : str
        What the names are of, in the plural: ``"runs"`` or ``"models"``.
    place : str
        Where they were found.
    lines : mapping of str to str, optional
        What to tell of each in the refusal.

    Raises
    ------
    DataError
        Several are there and none was asked for, or the one asked for is not among them.
    """
    present = list(dict.fromkeys(names))
    if wanted is None and len(present) == 1:
        return present[0]
    for name in present:
        if wanted is not None and name.casefold() == wanted.casefold():
            return name
    known = lines or {}
    said = [f"{name} ({known[name]})" if name in known else name for name in present]
    listed = ", ".join(said[:MOST_NAMED])
    more = len(present) - MOST_NAMED
    listed = f"{listed} and {more} more" if more > 0 else listed
    if wanted is not None:
        raise DataError(
            f"{place} has no {what[:-1]} {wanted!r}", expected=f"one of {listed}", got=wanted
        )
    raise DataError(
        f"{place} holds several {what}",
        expected="one",
        got=listed,
        hint=f"Choose one with --model, such as --model {_quoted(present[0])}.",
    )


def _quoted(name: str) -> str:
    return f'"{name}"' if " " in name else name
