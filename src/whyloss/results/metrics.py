"""Loss, accuracy and what belongs to them: one row per split, epoch, class or slice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from whyloss.results.estimate import Estimate

MIN_CALIBRATION_SAMPLES = 50  # 50 for each fitted parameter


@dataclass(frozen=True)
class Metrics:
    """Loss, accuracy and what belongs to them: one split at one epoch, measured or as reported.

    Attributes
    ----------
    split : str
    epoch : int
        0 where epochs are not counted.
    log_loss, accuracy : Estimate
        Nats, and a share.
    n_samples, n_classes : int or None
        None where unknown.
    prior_entropy : float or None
        Entropy of the class shares, nats; ``ln n_classes`` where only their number is known.
    majority : float or None
        Share of the most frequent class.
    n_eff : float or None
        As many equal samples as the weights leave; None without weights.
    refinement, calibration, temperature : Estimate or None
        Loss after calibration, what calibration saves, and the temperature that does it; None
        where there are no predictions, or too few.
    precision, recall : Estimate or None
        Of class 1 of a binary task.
    envelope : (float, float) or None
        Smallest and largest loss of a calibrated model of this accuracy, nats.
    """

    split: str
    epoch: int
    log_loss: Estimate
    accuracy: Estimate
    n_samples: int | None = None
    n_classes: int | None = None
    prior_entropy: float | None = None
    majority: float | None = None
    n_eff: float | None = None
    refinement: Estimate | None = None
    calibration: Estimate | None = None
    temperature: Estimate | None = None
    precision: Estimate | None = None
    recall: Estimate | None = None
    envelope: tuple[float, float] | None = None


@dataclass(frozen=True)
class ClassRow:
    """Precision and recall of one class at the last epoch."""

    name: str
    samples: int
    predicted: int
    precision: Estimate
    recall: Estimate
    log_loss: Estimate


@dataclass(frozen=True)
class SliceRow:
    """The samples that share one value of a column.

    Attributes
    ----------
    column, value : str
        A number among many is a range of about a fifth of the samples.
    samples : int
        With a finite loss.
    share : float
        Of the weight of all samples.
    log_loss, accuracy : Estimate
        Over the slice.
    nats : Estimate
        What the slice adds to the mean loss; over a column they sum to it.
    excess : float
        By how much that exceeds its share: the loss would be lower by so many nats if the slice
        were as the average.
    """

    column: str
    value: str
    samples: int
    share: float
    log_loss: Estimate
    accuracy: Estimate
    nats: Estimate
    excess: float


@dataclass(frozen=True)
class ReferenceLosses:
    """What the reported loss of one split can be compared with.

    Attributes
    ----------
    metrics : Metrics
        What was reported. Where the number of classes is not known, its envelope is that of as
        few classes as the accuracy allows, whose upper end only rises with more.
    skill : float or None
        ``1 - log_loss / prior_entropy``: the improvement over guessing by the class shares.
    least : float
        No model of this accuracy has a smaller loss, nats.
    provable : float
        Nats above the envelope at the lower end of the accuracy's interval: miscalibration beyond
        doubt; 0 inside it, or where the number of classes is not known.
    """

    metrics: Metrics
    skill: float | None
    least: float
    provable: float


@dataclass(frozen=True)
class BestEpoch:
    """The epoch where a metric is best.

    Attributes
    ----------
    metric : str
        "accuracy", "log_loss" or "refinement".
    epoch : int
    value : Estimate
        The metric there; optimistic by selection.
    as_good : tuple of int
        Epochs that the data do not tell from it, the best one included.
    """

    metric: str
    epoch: int
    value: Estimate
    as_good: tuple[int, ...]
