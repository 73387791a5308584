"""Checks of the arrays that callers give: each converts them, or raises an error with a hint."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from whyloss.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Scale = Literal["logits", "log_probs", "probs"]
SCALES: tuple[Scale, ...] = get_args(Scale)
LONGEST_SLICE_NAME = 80

FloatArray = npt.NDArray[np.floating[Any]]


def check_sizes(
    *,
    n_classes: object = None,
    n_train: object = None,
    n_val: object = None,
    class_shares: Sequence[float] | None = None,
) -> None:
    """Check what a caller says of a task beside its numbers; None counts as not given.

    Parameters
    ----------
    n_classes, n_train, n_val : int or None
    class_shares : sequence of float or None

    Raises
    ------
    DataError
        A number is not an integer, there are fewer than two classes, no samples, or shares that
        are not numbers of at least 0.
    """
    for name, value, least in (
        ("n_classes", n_classes, 2),
        ("n_train", n_train, 1),
        ("n_val", n_val, 1),
    ):
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
            raise DataError(
                f"`{name}` must be an integer ≥ {least}",
                expected=f"{least}, {least + 1}, …",
                got=f"{value!r:.80}",
            )
    if class_shares is None:
        return
    try:
        shares = np.asarray(class_shares, dtype=np.float64)
    except (TypeError, ValueError):
        shares = np.empty((0, 0))
    if shares.ndim != 1 or len(shares) < 2 or not (np.isfinite(shares) & (shares >= 0)).all():
        raise DataError(
            "`class_shares` must have one share per class",
            expected="two or more numbers from 0 to 1",
            got=f"{class_shares!r:.80}",
        )


def refuse_masked(values: Any, name: str) -> None:  # noqa: ANN401
    """Refuse a masked array: NumPy would read through the mask.

    Parameters
    ----------
    values : array-like
    name : str
        For the error message.

    Raises
    ------
    DataError
        A value is masked.
    """
    if type(values) is np.ndarray:
        return
    pieces = values if isinstance(values, list | tuple) else [values]
    n_masked = sum(int(np.ma.getmaskarray(each).sum()) for each in pieces if np.ma.isMA(each))
    if n_masked or any(each is np.ma.masked for each in pieces):
        raise DataError(
            f"{name} has masked values",
            expected="values that are all known",
            got=f"{n_masked or 1} masked",
            hint="Leave out the rows that are masked in any of the arrays, or fill them.",
        )


def _as_array(values: Any, name: str) -> npt.NDArray[Any]:  # noqa: ANN401
    refuse_masked(values, name)
    try:
        return np.asarray(values)
    # Ragged rows; a tensor on a GPU or of a kind that NumPy lacks; one that needs its gradient.
    except (ValueError, TypeError, RuntimeError) as error:
        raise DataError(
            f"{name} cannot be read as an array",
            expected="rows of equal length that NumPy can read",
            got=" ".join(str(error).split()).rstrip("."),
            hint="A tensor: pass tensor.detach().float().cpu().numpy()."
            if hasattr(values, "detach")
            else None,
        ) from None


def settle_scale(**given: Any) -> tuple[Scale, Any]:  # noqa: ANN401
    """Find the one of ``logits``, ``log_probs`` and ``probs`` that was given.

    Parameters
    ----------
    **given : array-like or None
        The three by name.

    Returns
    -------
    scale : {"logits", "log_probs", "probs"}
    values : array-like

    Raises
    ------
    DataError
        None of them is given, or several are.
    """
    named = [scale for scale in SCALES if given[scale] is not None]
    if len(named) != 1:
        raise DataError(
            "The scale of the predictions is missing or ambiguous",
            expected="exactly one of logits=, log_probs= or probs=",
            got=" and ".join(f"{name}=" for name in named) or "none of them",
        )
    return named[0], given[named[0]]


def check_scores(values: Any, scale: Scale) -> FloatArray:  # noqa: ANN401
    """Convert scores to a floating array of shape (n_samples, n_columns), if possible without copy.

    Parameters
    ----------
    values : array-like of shape (n_samples, n_columns) or (n_samples,)
    scale : {"logits", "log_probs", "probs"}
        For error messages.

    Raises
    ------
    DataError
        They are not numbers, or have another shape.
    """
    scores = _as_array(values, scale)
    if scores.dtype.kind in "iub":
        scores = scores.astype(np.float64)
    if scores.dtype.kind != "f":
        raise DataError(
            f"{scale} does not contain numbers",
            expected="an array of floats of shape (n_samples, n_classes) or (n_samples,)",
            got=f"an array of {scores.dtype} of shape {scores.shape}",
        )
    if scores.dtype.itemsize > 8:
        scores = scores.astype(np.float64)
    if scores.ndim == 1:
        scores = scores[:, None]
    if scores.ndim != 2 or scores.shape[1] == 0:
        raise DataError(
            f"{scale} has the wrong shape",
            expected="(n_samples, n_classes), or (n_samples,) for a binary model with one output",
            got=f"{scores.shape}",
            hint="Sequences and images with a label per position: flatten the positions into rows.",
        )
    return scores


def check_labels(y_true: Any, n_classes: int, classes: Sequence[Any]) -> npt.NDArray[np.int32]:  # noqa: ANN401
    """Convert labels to class indices of shape (n_samples,).

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, 1)
        Class indices, booleans, or labels that occur in `classes`.
    n_classes : int
    classes : sequence
        One label per class; empty where the labels are indices.

    Raises
    ------
    DataError
        A label is not one of the classes, or the shape is another.
    """
    labels = _as_array(y_true, "y_true")
    index = _class_index(classes)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise DataError(
            "y_true has the wrong shape",
            expected="one class index per sample, shape (n_samples,)",
            got=f"shape {labels.shape}",
            hint="For one-hot labels pass y_true.argmax(axis=1).",
        )
    if labels.dtype.kind == "O" and _all_whole(labels.tolist()):
        labels = labels.astype(np.int64)
    kind = labels.dtype.kind
    if kind in "OSU":
        return _look_up(labels, index)
    if kind == "f":
        if not np.all(np.isfinite(labels)) or np.any(labels != np.round(labels)):
            bad = labels[~np.isfinite(labels) | (labels != np.round(labels))][0]
            raise DataError(
                "y_true contains values that are not class indices",
                expected="whole numbers",
                got=f"{bad}",
                hint="Soft labels and regression targets have no accuracy to compare the loss "
                "with.",
            )
        with np.errstate(
            invalid="ignore"
        ):  # values beyond int64 are found to be out of range below
            labels = labels.astype(np.int64)
    elif kind not in "iub":
        raise DataError(
            "y_true has an unsupported type",
            expected="integers, booleans or strings",
            got=f"{labels.dtype}",
        )
    # Integer labels are values where all classes are integers, and indices where classes have
    # names.
    if index and _all_whole(classes):
        return _look_up(labels, index)
    indices = labels.astype(np.int64, copy=False)
    _check_range(indices, n_classes)
    return indices.astype(np.int32)


def _all_whole(values: Sequence[Any]) -> bool:
    return all(isinstance(value, int | np.integer | np.bool_) for value in values)


def _class_index(classes: Sequence[Any]) -> dict[Any, int]:
    try:
        index = {label: k for k, label in enumerate(classes)}
    except TypeError as error:  # a list, say
        raise DataError(
            "Class names must be strings or integers",
            expected="strings or integers",
            got=str(error),
        ) from None
    if min(len(index), len({str(label) for label in classes})) != len(classes):
        raise DataError(
            "Two classes have the same name",
            expected="different names",
            got=f"{list(classes)[:10]}",
        )
    return index


def _look_up(labels: npt.NDArray[Any], index: dict[Any, int]) -> npt.NDArray[np.int32]:
    if not index:
        raise DataError(
            "y_true contains names, and the order of the classes is not given",
            expected="classes=[...], one name per column",
            got=f"labels such as {labels.tolist()[0]!r}" if labels.size else "no classes",
        )
    values = labels.tolist()
    try:
        indices = [index.get(value, -1) for value in values]
    except TypeError as error:  # a list, say, where a label should be
        raise DataError(
            "Labels must be strings or integers", expected="strings or integers", got=str(error)
        ) from None
    if -1 in indices:
        raise DataError(
            "A label in y_true is not one of the classes",
            expected=f"one of {list(index)[:10]}",
            got=f"{values[indices.index(-1)]!r}",
        )
    return np.array(indices, dtype=np.int32)


def _check_range(labels: npt.NDArray[Any], n_classes: int) -> None:
    if labels.size == 0:
        return
    low, high = int(labels.min()), int(labels.max())
    if low >= 0 and high < n_classes:
        return
    outside = (labels < 0) | (labels >= n_classes)
    first = int(np.flatnonzero(outside)[0])
    hint = "Check that the columns cover every class."
    if low == 1 and high == n_classes:
        hint = "The labels count from 1: pass y_true - 1."
    elif set(np.unique(labels).tolist()) == {-1, 1} and n_classes == 2:
        hint = "The labels are -1 and 1: pass (y_true + 1) // 2."
    raise DataError(
        f"{int(outside.sum())} of {labels.size} labels lie outside the {n_classes} classes",
        expected=f"class indices from 0 to {n_classes - 1}",
        got=f"{int(labels[first])} in row {first}",
        hint=hint,
    )


def check_ids(ids: Any, n_samples: int) -> npt.NDArray[Any]:  # noqa: ANN401
    """Convert ids to an array of int64 or str.

    Parameters
    ----------
    ids : array-like of shape (n_samples,), or None
        Integers or strings; None gives row numbers.
    n_samples : int

    Raises
    ------
    DataError
        They have another type or shape.
    """
    if ids is None:
        return np.arange(n_samples, dtype=np.int64)
    array = _as_array(ids, "ids")
    if array.shape != (n_samples,):
        raise DataError(
            "The number of ids does not match the predictions",
            expected=f"one id per sample, shape ({n_samples},)",
            got=f"shape {array.shape}",
        )
    if array.dtype.kind in "iu":
        return array.astype(np.int64)
    if array.dtype.kind in "OSU":
        return np.asarray([str(value) for value in array.tolist()], dtype=np.str_)
    raise DataError(
        "The ids have an unsupported type", expected="integers or strings", got=f"{array.dtype}"
    )


def check_weights(weights: Any, n_samples: int) -> npt.NDArray[np.float64]:  # noqa: ANN401
    """Convert weights to float64.

    Parameters
    ----------
    weights : array-like of shape (n_samples,)
    n_samples : int

    Raises
    ------
    DataError
        They have another shape, or one is negative or not finite.
    """
    array = _as_array(weights, "weights")
    if array.dtype.kind not in "fiub" or array.shape != (n_samples,):
        raise DataError(
            "The weights do not match the predictions",
            expected=f"one number per sample, shape ({n_samples},)",
            got=f"{array.dtype} of shape {array.shape}",
        )
    numbers = array.astype(np.float64)
    bad = np.flatnonzero(~(np.isfinite(numbers) & (numbers >= 0.0)))
    if bad.size:
        raise DataError(
            f"{bad.size} of {n_samples} weights are negative or not finite",
            expected="finite numbers of at least 0",
            got=f"{numbers[bad[0]]:g} in row {bad[0]}",
        )
    return numbers


def check_slices(slices: Mapping[Any, Any] | None, n_samples: int) -> dict[str, npt.NDArray[Any]]:
    """Convert slices to arrays of int64, float64 or str.

    Parameters
    ----------
    slices : mapping of str to array-like of shape (n_samples,), or None
    n_samples : int

    Returns
    -------
    dict of str to ndarray of shape (n_samples,)
        By name; empty where there are no slices.

    Raises
    ------
    DataError
        A name is not printable text of at most 80 characters, or a column has another type or
        shape.
    """
    columns = {}
    for name, values in (slices or {}).items():
        usable = isinstance(name, str) and name.isprintable()
        if not (usable and 0 < len(name) <= LONGEST_SLICE_NAME):
            raise DataError(
                "The name of a slice cannot be used",
                expected=f"1 to {LONGEST_SLICE_NAME} printable characters",
                got=f"{name!r:.80}",
            )
        array = _as_array(values, f"The slice {name!r}")
        if array.shape != (n_samples,):
            raise DataError(
                f"The slice {name!r} does not match the predictions",
                expected=f"one value per sample, shape ({n_samples},)",
                got=f"shape {array.shape}",
            )
        if array.dtype.kind in "iu":
            columns[name] = array.astype(np.int64)
        elif array.dtype.kind == "f":
            columns[name] = array.astype(np.float64)
        elif array.dtype.kind in "bOSU":
            columns[name] = np.asarray([str(value) for value in array.tolist()], dtype=np.str_)
        else:
            raise DataError(
                f"The slice {name!r} has an unsupported type",
                expected="numbers, strings or booleans",
                got=f"{array.dtype}",
            )
    return columns
