"""Where a change of the loss between two epochs comes from: exact sums over the same samples."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from whyloss.measures.calibration.refinement import FIT_ERROR
from whyloss.measures.estimates.intervals import (
    BoolVector,
    FloatVector,
    mean_estimate,
    paired_share_difference,
)
from whyloss.measures.estimates.weights import effective_samples
from whyloss.measures.losses.probabilities import log_softmax
from whyloss.results.attribution import Outcome, Top

if TYPE_CHECKING:
    from whyloss.results.estimate import Estimate

# Whether the prediction was right before and after.
_OUTCOMES = {
    (True, True): Outcome.STAYED_RIGHT,
    (False, False): Outcome.STAYED_WRONG,
    (True, False): Outcome.BROKE,
    (False, True): Outcome.FIXED,
}

TOP_SIZES = (1, 10)
TOP_SHARES = (0.01, 0.05, 0.10)


@dataclass(frozen=True)
class Cell:
    """One part of the change: the samples with this outcome (and, where given, of this class).

    Attributes
    ----------
    outcome : Outcome
    class_index : int or None
        True class; None for all classes together.
    samples : int
    total, refinement, calibration : Estimate
        In nats of the mean loss over *all* samples, so that cells add up to the whole change.
    """

    outcome: Outcome
    class_index: int | None
    samples: int
    total: Estimate
    refinement: Estimate
    calibration: Estimate


@dataclass(frozen=True, eq=False)
class LossChange:
    """The change of the mean loss from one epoch to another, and its parts.

    Attributes
    ----------
    n_samples : int
        Samples with a finite loss at both epochs.
    total, refinement, calibration : Estimate
        In nats; ``total = refinement + calibration``, and each is the sum over its cells.
    accuracy : Estimate
        Difference of the accuracies, paired.
    cells : tuple of Cell
        The four outcomes.
    class_cells : tuple of Cell
        Outcomes by true class, those that hold samples.
    top : tuple of Top
        The 1 and the 10 samples that changed most, up or down, and the 1, 5 and 10 %.
    delta, delta_refined : ndarray of float64, shape (n_samples,)
        Per-sample change of the loss, and of the loss after calibration.
    """

    n_samples: int
    total: Estimate
    refinement: Estimate
    calibration: Estimate
    accuracy: Estimate
    cells: tuple[Cell, ...]
    class_cells: tuple[Cell, ...]
    top: tuple[Top, ...]
    delta: FloatVector
    delta_refined: FloatVector

    def cell(self, outcome: Outcome) -> Cell:
        """The cell of one outcome over all classes.

        Parameters
        ----------
        outcome : Outcome

        Returns
        -------
        Cell
        """
        return next(cell for cell in self.cells if cell.outcome == outcome)


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """How the refined losses of one epoch depend on its fitted temperature.

    Attributes
    ----------
    gradient : ndarray of float64, shape (n_samples,)
        Derivative of each refined loss in ln beta, nats.
    curvature : float
        Mean second derivative of the refined losses in ln beta; 0 where no temperature was
        accepted.
    """

    gradient: FloatVector
    curvature: float

    def influence(self, members: FloatVector, weights: FloatVector | None) -> FloatVector:
        """Influence of each sample, through the fitted temperature, on a part of the refined loss.

        For all samples together it is 0, since the temperature minimises their loss. For some of
        them it is not, and intervals without it are far too short.

        Parameters
        ----------
        members : ndarray of float64, shape (n_samples,)
            1 for the samples of the part, 0 for the others.
        weights : ndarray of float64, shape (n_samples,), optional

        Returns
        -------
        ndarray of float64, shape (n_samples,)
            In nats of the mean over all samples.
        """
        if not self.curvature > 0:
            return np.zeros_like(self.gradient)
        step = float(np.average(self.gradient * members, weights=weights)) / self.curvature
        centred = self.gradient - np.average(self.gradient, weights=weights)
        influence: FloatVector = -step * centred
        return influence


def outcome_of(*, before: bool, after: bool) -> Outcome:
    """What became of one sample.

    Parameters
    ----------
    before, after : bool
        Whether its prediction was right at the first and at the second epoch.
    """
    return _OUTCOMES[before, after]


def members_by_outcome(before: BoolVector, after: BoolVector) -> dict[Outcome, BoolVector]:
    """Which samples have each outcome.

    Parameters
    ----------
    before, after : ndarray of bool, shape (n_samples,)
        Whether each prediction was right at the first and at the second epoch.

    Returns
    -------
    dict of Outcome to ndarray of bool, shape (n_samples,)
        Every sample is in exactly one of them.
    """
    return {
        outcome: (before == was_right) & (after == is_right)
        for (was_right, is_right), outcome in _OUTCOMES.items()
    }


def attribute_change(
    y_true: npt.NDArray[np.integer[Any]],
    loss: tuple[FloatVector, FloatVector],
    refined: tuple[FloatVector, FloatVector],
    right: tuple[BoolVector, BoolVector],
    fits: tuple[Sensitivity, Sensitivity] | None = None,
    *,
    weights: FloatVector | None = None,
) -> LossChange:
    """Split the change of the mean loss by outcome, by refinement and calibration, and by class.

    Every quantity is a sum of per-sample differences, so each crossing adds up exactly.

    Parameters
    ----------
    y_true : ndarray of int, shape (n_samples,)
    loss, refined : pairs of ndarray of float64, shape (n_samples,)
        At the first and at the second epoch: the loss, and the loss under the cross-fitted
        temperature of that epoch. Finite.
    right : pair of ndarray of bool, shape (n_samples,)
        Whether the predicted class was the true one.
    fits : pair of Sensitivity, optional
        So that the standard errors of the parts include those of the temperatures; the
        temperatures count as known if left out.
    weights : ndarray of float64, shape (n_samples,), optional
        Above 0, the same at both epochs.
    """
    delta = loss[1] - loss[0]
    delta_refined = refined[1] - refined[0]
    outcomes = members_by_outcome(*right)

    def cell(outcome: Outcome, class_index: int | None, chosen: BoolVector) -> Cell:
        members = chosen.astype(np.float64)
        of_the_fit = np.zeros_like(members)
        if fits is not None:
            of_the_fit = fits[1].influence(members, weights) - fits[0].influence(members, weights)
        return Cell(
            outcome,
            class_index,
            int(np.count_nonzero(chosen)),
            mean_estimate(delta * members, weights),
            mean_estimate(delta_refined * members + of_the_fit, weights),
            mean_estimate((delta - delta_refined) * members - of_the_fit, weights),
        )

    class_cells = []
    for class_index in np.unique(y_true).tolist():
        of_class = y_true == class_index
        for outcome, members in outcomes.items():
            if (both := members & of_class).any():
                class_cells.append(cell(outcome, class_index, both))
    n = len(y_true) if weights is None else effective_samples(weights)
    of_the_fits = 0.0 if fits is None else math.sqrt(2.0) * FIT_ERROR / max(1.0, n)
    return LossChange(
        n_samples=len(y_true),
        total=mean_estimate(delta, weights),
        refinement=mean_estimate(delta_refined, weights).widened(of_the_fits),
        calibration=mean_estimate(delta - delta_refined, weights).widened(of_the_fits),
        accuracy=paired_share_difference(*right, weights),
        cells=tuple(cell(outcome, None, members) for outcome, members in outcomes.items()),
        class_cells=tuple(class_cells),
        top=_top(delta, weights),
        delta=delta,
        delta_refined=delta_refined,
    )


def _top(delta: FloatVector, weights: FloatVector | None) -> tuple[Top, ...]:
    n = len(delta)
    parts = delta / max(1, n) if weights is None else delta * (weights / weights.sum())
    total = float(parts.sum())
    order = np.argsort(-np.abs(parts), kind="stable")
    sizes = {size for size in TOP_SIZES if size <= n}
    sizes |= {math.ceil(share * n - 1e-9) for share in TOP_SHARES if n}  # 0.07 * 100 > 7
    tops = []
    for size in sorted(sizes):
        nats = float(parts[order[:size]].sum())
        tops.append(Top(size, nats, nats / total if total else math.nan))
    return tuple(tops)


@dataclass(frozen=True)
class ScaleChange:
    """How much of a change is the mere size of the logits.

    Attributes
    ----------
    inflation : float
        Root mean square length of the centred logits at the second epoch over that at the first.
    scale, direction : Estimate
        Nats; they sum to the total change.
    """

    inflation: float
    scale: Estimate
    direction: Estimate


def scale_change(
    first: FloatVector,
    second: FloatVector,
    y_true: npt.NDArray[np.integer[Any]],
    weights: FloatVector | None = None,
) -> ScaleChange | None:
    """Split the change into the size of the logits and their direction.

    The scale part is the mean of shrinking the second epoch's logits to the first one's size and
    of blowing the first one's up to the second one's.

    Parameters
    ----------
    first, second : ndarray of float64, shape (n_samples, n_classes)
        Logits of the same samples at both epochs.
    y_true : ndarray of int, shape (n_samples,)
    weights : ndarray of float64, shape (n_samples,), optional
        Above 0, the same at both epochs.

    Returns
    -------
    ScaleChange, or None where the logits are not all finite or have no size at all.
    """
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        return None
    size_first, size_second = _size(first, weights), _size(second, weights)
    if not (0.0 < size_first < math.inf and 0.0 < size_second < math.inf):
        return None
    kappa = size_first / size_second
    at_first, at_second = _loss(first, y_true), _loss(second, y_true)
    part = 0.5 * (
        (at_second - _loss(second * kappa, y_true)) + (_loss(first / kappa, y_true) - at_first)
    )
    return ScaleChange(
        inflation=1.0 / kappa,
        scale=mean_estimate(part, weights),
        direction=mean_estimate(at_second - at_first - part, weights),
    )


def _size(logits: FloatVector, weights: FloatVector | None) -> float:
    if not len(logits):
        return 0.0
    with np.errstate(over="ignore"):  # a class masked by the most negative float: no size
        from_first = logits - logits[:, :1]  # equal logits have exactly no size
        centred = from_first - from_first.mean(axis=1, keepdims=True)
        return math.sqrt(float(np.average((centred**2).sum(axis=1), weights=weights)))


def _loss(logits: FloatVector, y_true: npt.NDArray[np.integer[Any]]) -> FloatVector:
    loss: FloatVector = -log_softmax(logits)[np.arange(len(y_true)), y_true]
    return loss
