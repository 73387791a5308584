"""What a caller may settle that a log leaves open."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypedDict

from whyloss.data.validation import check_sizes
from whyloss.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from whyloss.data import Scale

TASKS = ("binary", "multiclass", "multilabel", "token", "regression")
# What a column of a file of predictions may be.
PREDICTION_ROLES = (
    "labels", "logits", "log_probs", "probs", "predicted", "confidence", "ids", "weights", "slice",
    "split", "epoch", "model",
)  # fmt: skip


@dataclass(frozen=True)
class ReadOptions:
    """What a caller knows of a source beyond what stands in it.

    Parameters
    ----------
    columns : mapping of str to str, optional
        For names that are not understood: their name to ``<split>.<metric>``, such as
        ``{"vloss": "val.loss"}``. ``<split>.error`` is one minus the accuracy. A column of
        predictions is mapped to one of ``labels``, ``logits``, ``log_probs``, ``probs``,
        ``predicted``, ``confidence``, ``ids``, ``weights``, ``slice``, ``split``, ``epoch`` and
        ``model``; ``probs.cat`` is the probability of the class "cat".
    n_classes, n_train, n_val : int, optional
        Number of classes, and of training and validation samples.
    class_shares : tuple of float, optional
        Shares of the classes in the validation split.
    task : {"binary", "multiclass", "multilabel", "token", "regression"}, optional
        What is predicted.
    scale : {"logits", "log_probs", "probs"}, optional
        What predictions are whose names do not tell.
    model : str, optional
        Which of several models or runs in one file is meant.
    metric : str, optional
        The score to judge the loss by: its name, followed by ``:min`` or ``:max`` where whyloss
        does not know which way is better, such as ``"profit:max"``.
    max_bytes : int, optional
        What the content of a file may need in memory; settled by its size if left out.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    n_classes: int | None = None
    n_train: int | None = None
    n_val: int | None = None
    class_shares: tuple[float, ...] | None = None
    task: str | None = None
    scale: Scale | None = None
    model: str | None = None
    metric: str | None = None
    max_bytes: int | None = None

    def __post_init__(self) -> None:
        check_sizes(
            n_classes=self.n_classes,
            n_train=self.n_train,
            n_val=self.n_val,
            class_shares=self.class_shares,
        )
        for theirs, ours in self.columns.items():
            split, dot, metric = ours.partition(".")
            if not (split and dot and metric) and ours not in PREDICTION_ROLES:
                raise DataError(
                    f"{theirs!r} cannot be mapped to {ours!r}",
                    expected="<split>.<metric>, such as val.loss; or for predictions one of "
                    f"{', '.join(PREDICTION_ROLES)}",
                    got=ours,
                )
        if self.task is not None and self.task not in TASKS:
            raise DataError(
                "The task is unknown", expected=f"one of {', '.join(TASKS)}", got=self.task
            )
        if self.n_classes and self.class_shares and len(self.class_shares) != self.n_classes:
            raise DataError(
                "The shares of the classes do not fit their number",
                expected=f"{self.n_classes} shares",
                got=f"{len(self.class_shares)}",
            )
        if self.metric is not None and not self.metric.partition(":")[0].strip():
            raise DataError("The metric has no name", expected="NAME or NAME:min", got=self.metric)
        if ":" in (self.metric or "") and self.direction not in {"min", "max"}:
            raise DataError(
                "The direction of the metric is unknown",
                expected="min or max after the colon",
                got=self.metric,
            )

    @property
    def direction(self) -> str | None:
        """``"min"`` or ``"max"``, as it stands behind the name of the metric."""
        return (self.metric or "").partition(":")[2] or None


class KnownFacts(TypedDict, total=False):
    """The fields of :class:`ReadOptions` by name, for functions that pass them on."""

    columns: Mapping[str, str]
    n_classes: int | None
    n_train: int | None
    n_val: int | None
    class_shares: tuple[float, ...] | None
    task: str | None
    scale: Scale | None
    model: str | None
    metric: str | None
    max_bytes: int | None
