"""The true labels of a file: which rows have one, and whether they are of a classifier."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from whyloss.errors import DataError
from whyloss.formatting import pluralize

if TYPE_CHECKING:
    import numpy.typing as npt

_IGNORED = -100  # what PyTorch's losses leave out
_LARGEST = 2.0**53  # beyond it, floats are no exact whole numbers
_MANY = 50  # different whole numbers, at least, of targets that are no classes


@dataclass(frozen=True, eq=False)
class Labels:
    """Labels that can be compared with predictions.

    Attributes
    ----------
    values : ndarray, shape (n_samples,)
        Whole numbers or names; what stands in rows without a label has no meaning.
    present : ndarray of bool, shape (n_samples,)
        Rows that have a label.
    notes : tuple of str
    """

    values: npt.NDArray[Any]
    present: npt.NDArray[np.bool_]
    notes: tuple[str, ...] = ()


def read_labels(values: npt.NDArray[Any], name: str) -> Labels:
    """Read a column of labels.

    Parameters
    ----------
    values : ndarray of shape (n_samples,) or, one-hot, (n_samples, n_classes)
        Numbers or names; masked, None, NaN, empty or -100 where there is no label.
    name : str
        What the column is called.

    Raises
    ------
    DataError
        The labels are of several classes at once, soft, or targets of a regression.
    """
    if values.ndim > 1 and values.shape[1] > 1:
        note = f'The labels "{name}" are one-hot: the class is where the 1 stands.'
        return Labels(_from_one_hot(values, name), np.ones(len(values), dtype=np.bool_), (note,))
    flat = values.reshape(len(values), -1)[:, 0] if values.size else values.ravel()
    present = _present(flat)
    plain = np.ma.getdata(flat)
    if plain.dtype.kind == "O":
        plain = _of_objects(plain, present)
    if plain.dtype.kind == "f":
        _refuse_fractions(plain[present], name)
        plain = np.where(present, plain, 0).astype(np.int64)
    missing = int(np.count_nonzero(~present))
    notes = (
        (f"{pluralize(missing, 'row')} of {len(flat):,} without a label left out.",)
        if missing
        else ()
    )
    if not present.any() and len(flat):
        raise DataError(
            f'No row of "{name}" has a label', expected="a class in some rows", got="none in any"
        )
    return Labels(plain, present, notes)


def _present(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    present = ~np.ma.getmaskarray(values)
    plain = np.ma.getdata(values)
    if plain.dtype.kind == "O":
        present &= np.array([not _is_missing(cell) for cell in plain.tolist()], dtype=np.bool_)
    elif plain.dtype.kind in "SU":
        present &= plain != plain.dtype.type()
    elif plain.dtype.kind == "f":
        present &= ~np.isnan(plain) & (plain != _IGNORED)
    elif plain.dtype.kind == "i":
        present &= plain != _IGNORED
    return present


def _is_missing(cell: object) -> bool:
    return (
        cell is None
        or cell == ""
        or (isinstance(cell, float) and math.isnan(cell))
        or (isinstance(cell, int) and cell == _IGNORED)
    )


def _of_objects(values: npt.NDArray[Any], present: npt.NDArray[np.bool_]) -> npt.NDArray[Any]:
    """Give cells of any kind as an array of numbers or of names."""
    cells = values.tolist()
    first = next((cell for cell, there in zip(cells, present, strict=True) if there), "")
    empty: Any = "" if isinstance(first, str) else 0
    filled = [cell if there else empty for cell, there in zip(cells, present, strict=True)]
    if all(isinstance(cell, int | float | np.number) for cell in filled):
        return np.array(filled)
    if any(isinstance(cell, list | tuple | dict | np.ndarray) for cell in filled):
        raise several_labels("a list in a cell")
    return np.array([str(cell) for cell in filled])


def _from_one_hot(values: npt.NDArray[Any], name: str) -> npt.NDArray[np.int64]:
    numbers = np.asarray(values, dtype=np.float64) if values.dtype.kind in "iufb" else None
    if numbers is None or numbers.ndim != 2:
        raise DataError(
            f'The labels "{name}" have the wrong shape',
            expected="one class per sample, shape (n_samples,)",
            got=f"shape {values.shape} of {values.dtype}",
        )
    if not np.isin(numbers, (0.0, 1.0)).all():
        raise DataError(
            f'The labels "{name}" are soft: shares of several classes in each row',
            expected="one class per sample, which an accuracy and a loss need",
            got=f"a row such as {np.round(numbers[0], 3).tolist()[:6]}",
        )
    if (numbers.sum(axis=1) != 1.0).any():
        raise several_labels(f'"{name}" of shape {values.shape}')
    return np.asarray(numbers.argmax(axis=1), dtype=np.int64)


def several_labels(got: str) -> DataError:
    """The refusal of a multi-label task."""
    return DataError(
        "These are labels of a multi-label task: a sample may have several; whyloss explains "
        "classifiers with one class per sample",
        expected="one class per sample",
        got=got,
        hint="Look at one label at a time: a file with a column label of 0 and 1, and a column "
        "prob.",
    )


def _refuse_fractions(values: npt.NDArray[np.floating[Any]], name: str) -> None:
    classes = (values == np.round(values)) & (np.abs(values) < _LARGEST)
    odd = values[~classes]
    if odd.size:
        raise _regression(name, f"{odd[0]:g}")


def refuse_regression(labels: Labels, name: str) -> None:
    """Refuse whole numbers that are no classes, where there is one output for each sample.

    Raises
    ------
    DataError
        More different numbers than one output can be of.
    """
    values = labels.values[labels.present]
    if values.dtype.kind in "iu":
        different = len(np.unique(values))
        if different >= _MANY and 2 * different > len(values):
            raise _regression(name, f"{different:,} different numbers in {len(values):,} rows")


def _regression(name: str, got: str) -> DataError:
    return DataError(
        f'"{name}" holds no classes but numbers, as of a regression; whyloss explains classifiers',
        expected="a class per sample: a name, or a whole number",
        got=got,
    )
