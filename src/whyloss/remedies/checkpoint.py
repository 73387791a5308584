"""Keep another epoch: which one depends on what the model is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from whyloss.evidence import best_epoch_of, best_of_curve
from whyloss.formatting import format_nats, format_percent, format_ranges
from whyloss.measures.estimates.intervals import mean_estimate
from whyloss.results.estimate import Estimate
from whyloss.results.level import Level
from whyloss.results.remedy import Declined, Remedy

if TYPE_CHECKING:
    from whyloss.evidence import Evidence
    from whyloss.results.metrics import BestEpoch

FOR_LABELS = "epoch-for-labels"
FOR_PROBABILITIES = "epoch-for-probabilities"
AFTER_CALIBRATION = "epoch-after-calibration"

_NEEDS_RUN = "needs the predictions of at least two epochs over the same samples"
_NEEDS_CURVES = "needs loss and accuracy of several epochs"
MANY = 8  # runs of epochs that are spelt out
_LAST = "the last epoch is the best already"


def for_labels(evidence: Evidence) -> Remedy | Declined:
    """Propose the epoch of the best accuracy, for whoever uses labels only.

    Parameters
    ----------
    evidence : Evidence

    Returns
    -------
    Remedy or Declined
    """
    if not evidence.supports(Level.RUN):
        return _of_score(evidence) or _of_curve(evidence, FOR_LABELS)
    best = evidence.run.best_accuracy
    words = (
        f"Keep epoch {best.epoch}: accuracy is largest there, {format_percent(best.value.value)}."
    )
    return _of_run(evidence, FOR_LABELS, best, f"For labels: epoch {best.epoch}", words)


def for_probabilities(evidence: Evidence) -> Remedy | Declined:
    """Propose the epoch of the smallest loss, for probabilities used as they are.

    Parameters
    ----------
    evidence : Evidence

    Returns
    -------
    Remedy or Declined
    """
    if not evidence.supports(Level.RUN):
        return _of_curve(evidence, FOR_PROBABILITIES)
    best = evidence.run.best_loss
    title = f"For probabilities as they are: epoch {best.epoch}"
    words = f"Keep epoch {best.epoch}: the loss is smallest there, {format_nats(best.value.value)}."
    return _of_run(evidence, FOR_PROBABILITIES, best, title, words)


def _of_run(
    evidence: Evidence, name: str, best: BestEpoch, title: str, words: str
) -> Remedy | Declined:
    """Propose an epoch of recorded predictions, compared with the last one sample by sample."""
    run, end = evidence.run, evidence.comparable_epochs[-1]
    if best.epoch == end:
        return Declined(name, _LAST)
    by_accuracy = best.metric == "accuracy"
    difference = run.accuracy_difference if by_accuracy else run.loss_difference
    last = evidence.at(end)
    return Remedy(
        name=name,
        title=title,
        text=f"{words} {_as_good(best, end)}",
        metric=best.metric,
        before=last.accuracy if by_accuracy else last.log_loss,
        after=best.value,
        effect=difference(end, best.epoch),
        epoch=best.epoch,
        as_good=best.as_good,
    )


def after_calibration(evidence: Evidence) -> Remedy | Declined:
    """Propose the epoch of the smallest loss after calibration, to be used with a temperature.

    Parameters
    ----------
    evidence : Evidence

    Returns
    -------
    Remedy or Declined
    """
    if not evidence.supports(Level.RUN):
        return Declined(AFTER_CALIBRATION, _NEEDS_RUN)
    best = evidence.run.best_refinement
    there = evidence.at(best.epoch).calibrated if best else None
    if best is None or there is None:
        return Declined(AFTER_CALIBRATION, "too few samples to fit a temperature at every epoch")
    end = evidence.comparable_epochs[-1]
    last = evidence.at(end)
    return Remedy(
        name=AFTER_CALIBRATION,
        title=f"For probabilities with a temperature: epoch {best.epoch}",
        text=(
            f"Keep epoch {best.epoch}, with a temperature: the loss after calibration is smallest "
            f"there, {format_nats(best.value.value)} with T = {there.fit.temperature:.2f}. "
            f"{_as_good(best, end)}"
        ),
        metric="log_loss",
        before=last.log_loss,
        after=best.value,
        effect=mean_estimate(
            evidence.run.aligned(best.epoch, there.refined) - evidence.run.losses(end),
            evidence.run.weights,
        ),
        epoch=best.epoch,
        as_good=best.as_good,
    )


def _of_curve(evidence: Evidence, name: str) -> Remedy | Declined:
    """Propose the best epoch of a reported curve, as far as its own noise tells."""
    curve = evidence.curve()
    metric = "accuracy" if name == FOR_LABELS else "log_loss"
    best = None if curve is None or evidence.epochs else best_of_curve(curve).get(metric)
    if curve is None or best is None:
        return Declined(name, _NEEDS_RUN if evidence.epochs else _NEEDS_CURVES)
    values = curve.accuracy if metric == "accuracy" else curve.log_loss
    there = np.flatnonzero(np.isfinite(values))[-1]
    end, last = int(curve.epochs[there]), float(values[there])
    if best.epoch == end or best.value.value == last:
        return Declined(name, _LAST)
    what = "accuracy is largest" if metric == "accuracy" else "the loss is smallest"
    value = (
        format_percent(best.value.value) if metric == "accuracy" else format_nats(best.value.value)
    )
    use = "labels" if metric == "accuracy" else "probabilities as they are"
    return Remedy(
        name=name,
        title=f"For {use}: epoch {best.epoch}",
        text=f"Keep epoch {best.epoch}: {what} there, {value}. {_as_good(best, end)}",
        metric=metric,
        before=Estimate(last, note="as reported", unit=best.value.unit),
        after=best.value,
        effect=Estimate(
            best.value.value - last, note="as reported, of the best of many", unit=best.value.unit
        ),
        epoch=best.epoch,
        as_good=best.as_good,
    )


def _of_score(evidence: Evidence) -> Remedy | None:
    """Propose the best epoch by another score, where one is reported and no accuracy is."""
    scores = evidence.scores()
    if evidence.epochs or not scores or scores[0].score.name == "accuracy":
        return None
    curve, score = scores[0], scores[0].score
    best = best_epoch_of(
        score.name, curve.epochs, curve.values, 1.0 if score.falls else -1.0, "number"
    )
    last = float(curve.values[-1])
    if best is None or best.epoch == int(curve.epochs[-1]) or best.value.value == last:
        return None
    return Remedy(
        name=FOR_LABELS,
        title=f"By the {score.words}: epoch {best.epoch}",
        text=(
            f"Keep epoch {best.epoch}: the {score.words} is best there, "
            f"{score.text(best.value.value)}. "
            f"{_as_good(best, int(curve.epochs[-1]))}"
        ).strip(),
        metric=score.name,
        before=Estimate(last, note="as reported", unit="number"),
        after=best.value,
        effect=Estimate(
            best.value.value - last, note="as reported, of the best of many", unit="number"
        ),
        epoch=best.epoch,
        as_good=best.as_good,
    )


def _as_good(best: BestEpoch, end: int) -> str:
    if best.value.note:
        if "too few" in best.value.note:
            return "There are too few epochs to tell how much of that is chance."
        if len(best.as_good) < 2:
            return ""
        return f"Within the noise of the curve: epochs {_listed(best.as_good)}."
    if len(best.as_good) == 1:
        return "Every other epoch is worse beyond chance."
    last = ", so the last one will do" if end in best.as_good else ""
    return f"Epochs {_listed(best.as_good)} are equally good within chance{last}."


def _listed(epochs: tuple[int, ...]) -> str:
    """The epochs, or how many there are and where, if they would fill a paragraph."""
    text = format_ranges(epochs)
    if text.count(",") < MANY:
        return text
    return f"{epochs[0]} to {epochs[-1]}, {len(epochs)} of them"
