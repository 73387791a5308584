"""Loss and accuracy as the framework reported them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from whyloss.errors import DataError
from whyloss.evidence.curves import Curve
from whyloss.measures.envelope import entropy_of_shares, fano_envelope
from whyloss.measures.estimates.intervals import wilson
from whyloss.results.estimate import Estimate
from whyloss.results.metrics import Metrics

if TYPE_CHECKING:
    from whyloss.data import History
    from whyloss.measures.estimates.intervals import FloatVector


OVERLAPS = ("iou", "dice")
PLAIN = ("cross-entropy", "binary cross-entropy")  # as a text names the loss


def reported_loss(history: History, split: str) -> FloatVector | None:
    """The loss of a split per epoch; where only its perplexity is reported, the logarithm of that.

    Parameters
    ----------
    history : History
    split : str

    Returns
    -------
    ndarray of float64, shape (n_epochs,), or None
        Nats; NaN where unknown, None where neither was reported.
    """
    loss, perplexity = history.column(split, "loss"), history.column(split, "perplexity")
    if loss is not None or perplexity is None:
        return loss
    with np.errstate(divide="ignore", invalid="ignore"):
        nats: FloatVector = np.where(perplexity >= 1.0, np.log(perplexity), np.nan)
    return nats


def _counts_pixels(history: History, split: str) -> bool:
    overlap = any(history.column(split, name) is not None for name in OVERLAPS)
    return overlap and history.facts.loss_function not in PLAIN


def reported_curve(
    history: History, split: str, *, n_samples: int | None, to_epoch: int | None
) -> Curve | None:
    """Loss and accuracy of a split per epoch.

    Parameters
    ----------
    history : History
    split : str
    n_samples : int or None
        Size of the split, where known.
    to_epoch : int or None
        The last epoch of the curve; None for all of them.

    Returns
    -------
    Curve or None
        The epochs at which either is known; None where neither was reported. The accuracy of pixels
        beside an overlap counts as unknown: the loss is rarely their plain cross-entropy.

    Raises
    ------
    DataError
        An accuracy is not between 0 and 1.
    """
    loss, accuracy = reported_loss(history, split), history.column(split, "accuracy")
    if loss is None and accuracy is None:
        return None
    if loss is not None and _counts_pixels(history, split):
        accuracy = None
    unknown = np.full(len(history.epochs), np.nan)
    losses = unknown if loss is None else loss
    shares = unknown if accuracy is None else accuracy
    outside = np.flatnonzero((shares < 0.0) | (shares > 1.0))
    if outside.size:
        raise DataError(
            f"The reported accuracy of split {split!r} is not between 0 and 1",
            expected="a number from 0 to 1",
            got=f"{shares[outside[0]]:g}",
            hint="Divide percentages by 100.",
        )
    rows = ~(np.isnan(losses) & np.isnan(shares))
    if loss is not None and not rows.any():  # a loss of nothing but NaN is evidence too
        rows = np.ones(len(losses), dtype=np.bool_)
    if to_epoch is not None:
        rows &= history.epochs <= to_epoch
    return Curve(split, history.epochs, losses, shares, n_samples).take(rows)


def reported_metrics(
    curve: Curve, n_classes: int | None, class_shares: FloatVector | None
) -> list[Metrics]:
    """Loss and accuracy at every epoch of a curve.

    Parameters
    ----------
    curve : Curve
    n_classes : int or None
    class_shares : ndarray of float64, shape (n_classes,), or None
        Where known.

    Returns
    -------
    list of Metrics
        In the order of the epochs; loss or accuracy is NaN where the curve does not have it.
    """
    n = curve.n_samples
    even = math.log(n_classes) if n_classes else None
    even_share = 1.0 / n_classes if n_classes else None
    prior_entropy = even if class_shares is None else entropy_of_shares(class_shares)
    majority = even_share if class_shares is None else float(class_shares.max())
    columns = curve.epochs.tolist(), curve.log_loss.tolist(), curve.accuracy.tolist()
    return [
        Metrics(
            split=curve.split,
            epoch=epoch,
            log_loss=Estimate(loss, note="as reported, without its spread"),
            accuracy=wilson(share * n, n)
            if n
            else Estimate(share, note="n is not known", unit="share"),
            n_samples=n,
            n_classes=n_classes,
            prior_entropy=prior_entropy,
            majority=majority,
            envelope=_envelope(share, n_classes),
        )
        for epoch, loss, share in zip(*columns, strict=True)
    ]


def _envelope(share: float, n_classes: int | None) -> tuple[float, float] | None:
    if n_classes is None or n_classes < 2 or math.isnan(share):
        return None
    return fano_envelope(share, n_classes)
