"""The history of a training: loss, accuracy and other scalars per epoch, as reported."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from whyloss.data.validation import check_sizes
from whyloss.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True)
class Trend:
    """What a sentence says of a curve without giving its numbers.

    Attributes
    ----------
    split, metric : str
    direction : {"rises", "falls", "constant", "varies"}
    since : int or None
        The epoch from which it holds, where the sentence says so.
    """

    split: str
    metric: str
    direction: str
    since: int | None = None


@dataclass(frozen=True)
class TaskFacts:
    """What the text around the numbers says of the task; None where it says nothing.

    Attributes
    ----------
    batch_size : int or None
    n_outputs : int or None
        Outputs of the last layer.
    activation : {"softmax", "sigmoid", "linear"} or None
        Of the last layer.
    loss_function : str or None
        Such as "cross-entropy", "binary cross-entropy", "mse", "hinge" or "focal".
    label_smoothing, learning_rate : float or None
    class_weights, regularised : bool or None
        Whether the loss has class weights, or a regulariser as one of its terms.
    fitted_temperature : float or None
        The temperature that somebody fitted to held-out predictions; above 1 for over-confidence.
    trends : tuple of Trend
        What sentences say of curves without giving their numbers.
    """

    batch_size: int | None = None
    n_outputs: int | None = None
    activation: str | None = None
    loss_function: str | None = None
    label_smoothing: float | None = None
    learning_rate: float | None = None
    class_weights: bool | None = None
    regularised: bool | None = None
    fitted_temperature: float | None = None
    trends: tuple[Trend, ...] = ()


@dataclass(frozen=True, eq=False)
class History:
    """Scalars per epoch, by split and metric.

    Attributes
    ----------
    epochs : ndarray of int64, shape (n_epochs,)
        Ascending.
    columns : mapping of (split, metric) to ndarray of float64, shape (n_epochs,)
        NaN where nothing was reported. Metrics that whyloss reads: ``"loss"`` (mean
        cross-entropy in nats) and ``"accuracy"`` (a share, 0 to 1).
    n_classes, n_train, n_val : int or None
        What is known of the task apart from the curves.
    class_shares : tuple of float or None
        Shares of the classes in the validation split, summing to 1.
    not_numbers : mapping of (split, metric) to tuple of int
        Epochs at which NaN or an infinity was reported; in `columns`, NaN also stands for "not
        reported".
    task : str or None
        What the names of the metrics imply: ``"binary"``, ``"multiclass"``, ``"multilabel"``,
        ``"token"``, …
    running_train : bool or None
        Whether the training numbers are means over the epoch while the model was still
        learning, as Keras and Lightning print them. None where that is not known.
    facts : TaskFacts
        What the text around the numbers says of the task.
    steps : mapping of (split, metric) to tuple of (int, float)
        Step and value within the first epoch in which a column stopped being finite, where the log
        prints several lines per epoch: they tell whether it was so from the first batch on.
    score : tuple of (str, bool or None), optional
        The metric that the caller wants the loss to be judged by, and whether smaller is better;
        None where its name tells.
    """

    epochs: npt.NDArray[np.int64]
    columns: Mapping[tuple[str, str], npt.NDArray[np.float64]] = field(default_factory=dict)
    n_classes: int | None = None
    n_val: int | None = None
    n_train: int | None = None
    class_shares: tuple[float, ...] | None = None
    not_numbers: Mapping[tuple[str, str], tuple[int, ...]] = field(default_factory=dict)
    task: str | None = None
    running_train: bool | None = None
    facts: TaskFacts = field(default_factory=TaskFacts)
    steps: Mapping[tuple[str, str], tuple[tuple[int, float], ...]] = field(default_factory=dict)
    score: tuple[str, bool | None] | None = None

    def __post_init__(self) -> None:
        check_sizes(
            n_classes=self.n_classes,
            n_train=self.n_train,
            n_val=self.n_val,
            class_shares=self.class_shares,
        )
        if (backward := np.flatnonzero(np.diff(self.epochs) <= 0)).size:
            before, after = self.epochs[backward[0] : backward[0] + 2]
            raise DataError(
                "The epochs are not in ascending order",
                expected="each epoch once, ascending",
                got=f"epoch {after} after epoch {before}",
            )
        for key, values in self.columns.items():
            if values.shape != self.epochs.shape:
                raise DataError(
                    f"The column {'_'.join(key)} and the epochs differ in length",
                    expected=f"{len(self.epochs)} values",
                    got=f"{values.shape}",
                )

    @classmethod
    def from_columns(
        cls,
        *,
        epochs: Sequence[int] | None = None,
        n_classes: int | None = None,
        n_train: int | None = None,
        n_val: int | None = None,
        class_shares: Sequence[float] | None = None,
        **columns: Iterable[float | None],
    ) -> History:
        """Make a history from columns named as ``val_loss`` or ``train_accuracy``.

        Parameters
        ----------
        epochs : sequence of int, optional
            Counted from 1 if left out.
        n_classes, n_train, n_val : int, optional
            Number of classes, and of training and validation samples.
        class_shares : sequence of float, optional
            Shares of the classes in the validation split.
        **columns : iterables of float or None
            ``<split>_<metric>``, all of one length; None, or a masked value, where nothing was
            reported.

        Raises
        ------
        DataError
            A name has no split, the epochs are not ascending, lengths differ, or the number of
            classes, samples or shares is impossible.
        """
        arrays: dict[tuple[str, str], npt.NDArray[np.float64]] = {}
        not_finite: dict[tuple[str, str], npt.NDArray[np.bool_]] = {}
        for name, values in columns.items():
            split, _, metric = name.partition("_")
            if not metric:
                raise DataError(
                    f"The name of the column {name!r} does not contain a split",
                    expected="<split>_<metric>, such as val_loss",
                    got=name,
                    hint=f"Rename it to train_{name}.",
                )
            cells = values.tolist() if isinstance(values, np.ma.MaskedArray) else list(values)
            arrays[split, metric] = np.asarray(cells, dtype=np.float64)  # None becomes NaN
            reported = np.array([cell is not None for cell in cells], dtype=np.bool_)
            not_finite[split, metric] = reported & ~np.isfinite(arrays[split, metric])
        length = len(next(iter(arrays.values()))) if arrays else 0
        numbers = np.asarray(range(1, length + 1) if epochs is None else list(epochs), np.int64)
        return cls(
            numbers,
            arrays,
            n_classes=n_classes,
            n_val=n_val,
            n_train=n_train,
            class_shares=None if class_shares is None else tuple(class_shares),
            not_numbers={
                key: tuple(numbers[: len(rows)][rows[: len(numbers)]].tolist())
                for key, rows in not_finite.items()
                if rows.any()
            },
        )

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, object]]) -> History:
        """Make a history from rows ``{"epoch": 3, "split": "val", "loss": 0.4, ...}``.

        Parameters
        ----------
        rows : iterable of mapping of str to object
            Values that are not numbers are left out; a later row overwrites an earlier one.
        """
        cells: dict[tuple[str, str], dict[int, float]] = {}
        for row in rows:
            epoch, split = row.get("epoch"), str(row.get("split", "train"))
            if not isinstance(epoch, Integral):
                continue
            for metric, value in row.items():
                if metric not in {"epoch", "split"} and isinstance(value, Real):
                    cells.setdefault((split, metric), {})[int(epoch)] = float(value)
        numbers = sorted({epoch for column in cells.values() for epoch in column})
        columns = {
            key: np.array([column.get(epoch, np.nan) for epoch in numbers])
            for key, column in cells.items()
        }
        not_finite = {
            key: tuple(epoch for epoch in sorted(column) if not math.isfinite(column[epoch]))
            for key, column in cells.items()
        }
        return cls(
            np.asarray(numbers, dtype=np.int64),
            columns,
            not_numbers={key: at for key, at in not_finite.items() if at},
        )

    def column(self, split: str, metric: str) -> npt.NDArray[np.float64] | None:
        """The values of one metric on one split, or None where it was not reported.

        Parameters
        ----------
        split, metric : str
        """
        return self.columns.get((split, metric))
