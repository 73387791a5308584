"""The public functions: whatever can be diagnosed in, a result that shows itself out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whyloss.api.shown import CheckResult, Comparison, Diagnosis, Review
from whyloss.data.validation import check_sizes
from whyloss.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Unpack

    import numpy.typing as npt

    from whyloss.data import History, Source
    from whyloss.data.validation import Scale
    from whyloss.evidence import Evidence
    from whyloss.readers import KnownFacts, ReadOptions
    from whyloss.results import diagnosis


def _shares(given: Sequence[float] | None) -> tuple[float, ...] | None:
    check_sizes(class_shares=given)
    return None if given is None else tuple(given)


def diagnose(
    source: Any = None,  # noqa: ANN401 - labels, a path, the text of a log, or predictions
    *unnamed: object,
    split: str | None = None,
    from_epoch: int | None = None,
    to_epoch: int | None = None,
    logits: npt.ArrayLike | None = None,
    log_probs: npt.ArrayLike | None = None,
    probs: npt.ArrayLike | None = None,
    ids: npt.ArrayLike | None = None,
    classes: Sequence[str] | None = None,
    weights: npt.ArrayLike | None = None,
    slices: Mapping[str, npt.ArrayLike] | None = None,
    history: History | Mapping[str, Sequence[float]] | None = None,
    loss: float | Sequence[float] | None = None,
    accuracy: float | Sequence[float] | None = None,
    val_loss: float | Sequence[float] | None = None,
    val_accuracy: float | Sequence[float] | None = None,
    n_classes: int | None = None,
    n_train: int | None = None,
    n_val: int | None = None,
    class_shares: Sequence[float] | None = None,
    columns: Mapping[str, str] | None = None,
    task: str | None = None,
    scale: Scale | None = None,
    model: str | None = None,
    metric: str | None = None,
    max_bytes: int | None = None,
) -> Diagnosis:
    """Say why the loss is what it is.

    Parameters
    ----------
    source : str, Path, Predictions, Source, data frame, or array-like, optional
        A recorded run, a file of curves or predictions, the text of a log, predictions, or the
        labels ``y_true`` of shape (n_samples,) of the predictions that follow.
    *unnamed
        Not accepted: predictions are passed by the name of their scale (``logits=`` …).
    split : str, optional
        The split to explain; the validation split if there is one.
    from_epoch, to_epoch : int, optional
        The change to explain; from the epoch of the smallest loss to the last one.
    logits, log_probs, probs : array-like of shape (n_samples, n_classes) or (n_samples,)
        Exactly one of them, where `source` is labels.
    ids : array-like of shape (n_samples,), optional
        With labels, as in :meth:`whyloss.Predictions.from_arrays`.
    classes : sequence of str, optional
        Names of the classes.
    weights : array-like of shape (n_samples,), optional
        How much each sample counts.
    slices : mapping of str to array-like of shape (n_samples,), optional
        Columns to split loss and accuracy by.
    history : History, or mapping of str to sequences
        Scalars per epoch, alone or with predictions: ``{"loss": [...], "val_loss": [...]}`` as
        Keras' ``fit`` returns them.
    loss, accuracy, val_loss, val_accuracy : float, or sequence of float per epoch
        Reported numbers, where nothing else is given. Losses in nats, accuracies from 0 to 1.
    n_classes, n_train, n_val : int
        Facts that reported numbers do not contain.
    class_shares : sequence of float
        Shares of the classes in the validation split; they sum to 1.
    columns : mapping of str to str
        For names in a file or a log that are not understood: ``{"vloss": "val.loss"}``.
    task : {"binary", "multiclass", "multilabel", "token", "regression"}
        What is predicted, where a file or a log leaves it open.
    scale : {"logits", "log_probs", "probs"}
        What the predictions of a file are, where their names leave it open.
    model : str
        Which of several models or runs in one file is meant.
    metric : str
        The score to judge the loss by, with ``:min`` or ``:max`` where its name does not tell
        which way is better.
    max_bytes : int
        What the content of a file may need in memory. If left out: a hundred times the size of
        the file, but at least 256 MB and at most half of the memory of the machine.

    Returns
    -------
    Diagnosis

    Raises
    ------
    WhylossError
        Input that cannot be read or does not fit together.

    Examples
    --------
    >>> import whyloss
    >>> d = whyloss.diagnose(val_loss=0.4577, val_accuracy=0.7826, n_classes=2)
    >>> d.verdict.name
    'consistent'
    """
    if unnamed:
        raise DataError(
            "The scale of the predictions is not given",
            expected="logits=, log_probs= or probs=, by name",
            got="a second argument without a name",
            hint="For example whyloss.diagnose(y_true, logits=z).",
        )
    labelled = {
        "logits": logits,
        "log_probs": log_probs,
        "probs": probs,
        "ids": ids,
        "classes": classes,
        "weights": weights,
        "slices": slices,
    }
    reported = {
        "loss": loss,
        "accuracy": accuracy,
        "val_loss": val_loss,
        "val_accuracy": val_accuracy,
    }
    options = _options(
        n_classes=n_classes,
        n_train=n_train,
        n_val=n_val,
        class_shares=_shares(class_shares),
        columns=columns or {},
        task=task,
        scale=scale,
        model=model,
        metric=metric,
        max_bytes=max_bytes,
    )
    from whyloss.verbs.diagnose import diagnose as diagnose_verb  # noqa: PLC0415 - needs numpy

    opened = _open(source, options, split, labelled=labelled, reported=reported, history=history)
    return Diagnosis.of(diagnose_verb(_evidence(opened, split, from_epoch, to_epoch)))


def compare(
    a: Any,  # noqa: ANN401 - whatever can be diagnosed
    b: Any,  # noqa: ANN401
    *,
    split: str | None = None,
    n_classes: int | None = None,
    n_train: int | None = None,
    n_val: int | None = None,
    class_shares: Sequence[float] | None = None,
    columns: Mapping[str, str] | None = None,
    task: str | None = None,
    scale: Scale | None = None,
    model: str | None = None,
    metric: str | None = None,
    max_bytes: int | None = None,
) -> Comparison:
    """Compare two runs, two epochs or two sets of predictions.

    Where both hold predictions of the same split with the same ids, they are compared sample by
    sample, which detects far smaller differences.

    Parameters
    ----------
    a, b : str, Path, Predictions, Source or data frame
        As for :func:`whyloss.diagnose`; ``"runs/exp1@3"`` is epoch 3 of a run. Without an epoch
        the last one is compared.
    split : str, optional
        The validation split of each if left out.
    n_classes, n_train, n_val, class_shares, columns, task, scale, model, metric : optional
        Facts about both, as for :func:`whyloss.diagnose`.
    max_bytes : int, optional
        As for :func:`whyloss.diagnose`.

    Returns
    -------
    Comparison

    Raises
    ------
    WhylossError
        Input that cannot be read, or two sources of different classes.

    Examples
    --------
    >>> import whyloss
    >>> a = whyloss.Predictions.from_arrays([0, 1, 1], probs=[[0.9, 0.1], [0.4, 0.6], [0.6, 0.4]])
    >>> b = whyloss.Predictions.from_arrays([0, 1, 1], probs=[[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]])
    >>> whyloss.compare(a, b).named["fixed"]
    (2,)
    """
    options = _options(
        n_classes=n_classes,
        n_train=n_train,
        n_val=n_val,
        class_shares=_shares(class_shares),
        columns=columns or {},
        task=task,
        scale=scale,
        model=model,
        metric=metric,
        max_bytes=max_bytes,
    )
    from whyloss.verbs.compare import compare as compare_verb  # noqa: PLC0415 - needs numpy

    sides = (_side(source, options, split) for source in (a, b))
    (first, second), names = zip(*sides, strict=True)
    return Comparison.of(compare_verb(first, second, names=names))


def review(
    source: Any = None,  # noqa: ANN401 - whatever can be diagnosed
    *,
    split: str | None = None,
    epoch: int | None = None,
    top: int | None = None,
    logits: npt.ArrayLike | None = None,
    log_probs: npt.ArrayLike | None = None,
    probs: npt.ArrayLike | None = None,
    ids: npt.ArrayLike | None = None,
    classes: Sequence[str] | None = None,
    weights: npt.ArrayLike | None = None,
    slices: Mapping[str, npt.ArrayLike] | None = None,
    history: History | Mapping[str, Sequence[float]] | None = None,
    n_classes: int | None = None,
    n_train: int | None = None,
    n_val: int | None = None,
    class_shares: Sequence[float] | None = None,
    columns: Mapping[str, str] | None = None,
    task: str | None = None,
    scale: Scale | None = None,
    model: str | None = None,
    metric: str | None = None,
    max_bytes: int | None = None,
) -> Review:
    """List the samples worth a look, the most suspect label first.

    Listed are the samples whose label the model contradicts, at the epoch in question or at most
    of the epochs up to it, and those that a finding names. Whether a label is wrong, a person
    must decide.

    Parameters
    ----------
    source : str, Path, Predictions, Source, data frame, or array-like, optional
        As for :func:`whyloss.diagnose`; it must hold predictions.
    split : str, optional
        The validation split if there is one. A model has learnt the labels that it was trained
        on, so the training split hides some of its wrong ones.
    epoch : int, optional
        The last one; in a run scores are means over all epochs up to it.
    top : int, optional
        How many samples at most.
    logits, log_probs, probs, ids, classes, weights, slices, history : optional
        As for :func:`whyloss.diagnose`.
    n_classes, n_train, n_val, class_shares, columns, task, scale, model, metric : optional
        As for :func:`whyloss.diagnose`.
    max_bytes : int, optional
        As for :func:`whyloss.diagnose`.

    Returns
    -------
    Review

    Raises
    ------
    WhylossError
        Input that cannot be read, or without predictions.

    Examples
    --------
    >>> import whyloss
    >>> found = whyloss.review([0, 1, 1], probs=[[0.9, 0.1], [0.2, 0.8], [0.99, 0.01]])
    >>> [(row.id, row.reason) for row in found.rows]
    [(2, 'sure and wrong')]
    """
    labelled = {
        "logits": logits,
        "log_probs": log_probs,
        "probs": probs,
        "ids": ids,
        "classes": classes,
        "weights": weights,
        "slices": slices,
    }
    options = _options(
        n_classes=n_classes,
        n_train=n_train,
        n_val=n_val,
        class_shares=_shares(class_shares),
        columns=columns or {},
        task=task,
        scale=scale,
        model=model,
        metric=metric,
        max_bytes=max_bytes,
    )
    from whyloss.verbs.review import review as review_verb  # noqa: PLC0415 - needs numpy

    opened = _open(source, options, split, labelled=labelled, history=history)
    return Review.of(review_verb(_evidence(opened, split, to_epoch=epoch), top=top))


def check(
    found: diagnosis.Diagnosis,
    conditions: Sequence[str] = ("warning",),
    *,
    strict: bool = False,
) -> CheckResult:
    """Check a diagnosis against conditions that must not hold, as ``whyloss check`` does.

    Parameters
    ----------
    found : Diagnosis
    conditions : sequence of str
        Rules by name or code, severities (``"warning"``: that severe or more), or comparisons of
        a number such as ``"accuracy<0.9"``.
    strict : bool, default False
        Let a number fail by its value; else it fails only where its whole 95 % interval does.

    Returns
    -------
    CheckResult

    Raises
    ------
    DataError
        A condition that is not understood.

    Examples
    --------
    >>> import whyloss
    >>> d = whyloss.diagnose(val_loss=0.4577, val_accuracy=0.7826, n_classes=2)
    >>> whyloss.check(d, ["accuracy<0.7"]).outcome.value
    'passed'
    """
    from whyloss.verbs.check import check as check_verb  # noqa: PLC0415 - needs numpy
    from whyloss.verbs.check import parse  # noqa: PLC0415

    return CheckResult.of(check_verb(found, parse(conditions), strict=strict))


def _options(**known: Unpack[KnownFacts]) -> ReadOptions:
    from whyloss.readers import ReadOptions  # noqa: PLC0415 - needs numpy

    return ReadOptions(**known)


def _open(
    source: Any,  # noqa: ANN401 - whatever can be diagnosed
    options: ReadOptions,
    split: str | None,
    *,
    labelled: Mapping[str, object] | None = None,
    reported: Mapping[str, object] | None = None,
    history: object = None,
) -> Source:
    """One source; the facts given with it are its own."""
    from whyloss.verbs.known_facts import check_known  # noqa: PLC0415 - needs numpy
    from whyloss.verbs.sources import source_of  # noqa: PLC0415 - needs numpy

    opened = source_of(
        source, options=options, split=split, labelled=labelled, reported=reported, history=history
    )
    check_known(opened, options)
    return opened


def _evidence(
    source: Source, split: str | None, from_epoch: int | None = None, to_epoch: int | None = None
) -> Evidence:
    from whyloss.evidence import Evidence  # noqa: PLC0415 - needs numpy

    return Evidence(source, split=split, from_epoch=from_epoch, to_epoch=to_epoch)


_AT_EPOCH = re.compile(r"(?P<path>.+)@(?P<epoch>\d{1,9})", re.DOTALL)


def _side(
    source: Any,  # noqa: ANN401 - whatever can be diagnosed
    options: ReadOptions,
    split: str | None,
) -> tuple[Evidence, str]:
    """One side of a comparison, and what to call it."""
    from whyloss.verbs.sources import source_of  # noqa: PLC0415 - needs numpy

    path, epoch = _at_epoch(str(source)) if isinstance(source, str | Path) else (None, None)
    # Facts given for both sides need not be those of a side whose predictions tell its own.
    opened = source_of(source if path is None else path, options=options, split=split)
    evidence = _evidence(opened, split, to_epoch=epoch)
    return evidence, path if path is not None and _exists(path) else opened.name


def _at_epoch(text: str) -> tuple[str, int | None]:
    """Path and epoch of ``path@epoch``; a path that exists as written has no epoch."""
    matched = _AT_EPOCH.fullmatch(text)
    if matched is None or _exists(text) or not _exists(matched["path"]):
        return text, None
    return matched["path"], int(matched["epoch"])


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):  # the text of a log: too long for a name, or with a zero byte
        return False
