"""Loss, accuracy and what belongs to them: one row per split, epoch, class or slice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from whyloss.results.estimate import Estimate

MIN_CALIBRATION_SAMPLES = 50  # 50 for each fitted parameter


@dataclass(frozen=True)
class Numbers:
    """Loss and accuracy of one split at one epoch, from predictions or as reported.

    Attributes
    ----------
    epoch : int or None
    log_loss, accuracy : Estimate
    n_samples, n_classes : int or None
        None where unknown.
    prior_entropy : float or None
        Entropy of the class shares, nats; ``ln n_classes`` where only K is known.
    majority : float or None
        Share of the most frequent class.
    n_eff : float or None
        As many equal samples as the weights leave; None without weights.
    """

    epoch: int | None
    log_loss: Estimate
    accuracy: Estimate
    n_samples: int | None
    n_classes: int | None
    prior_entropy: float | None
    majority: float | None
    n_eff: float | None = None


@dataclass(frozen=True)
class EpochRow:
    """One epoch of one split.

    `refinement`, `temperature` and the envelope are None where they cannot be had; precision and
    recall are those of class 1 of a binary task and None otherwise.
    """

    split: str
    epoch: int
    n_samples: int | None
    log_loss: Estimate
    accuracy: Estimate
    refinement: Estimate | None = None
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
    """Loss and accuracy of one split beside what they can be compared with.

    Attributes
    ----------
    split : str
    epoch : int or None
    log_loss, accuracy : float
        Nats, and a share.
    n_classes : int or None
        Where it is not known, two are assumed for the envelope, whose upper end only rises with
        more.
    guessing : float or None
        Loss of a model that knows only the class shares, or their number; nats.
    skill : float or None
        ``1 - log_loss / guessing``.
    least : float
        No model of this accuracy has a smaller loss.
    envelope : (float, float)
        Smallest and largest loss of a calibrated model of this accuracy.
    provable : float
        Nats above the envelope at the lower end of the accuracy's interval: miscalibration beyond
        doubt; 0 inside it, or where the number of
        classes is not known.
    folk : str
        The word that a much-quoted table has for such a loss. It knows neither the number of
        classes nor the accuracy.
    """

    split: str
    epoch: int | None
    log_loss: float
    accuracy: float
    n_classes: int | None
    guessing: float | None
    skill: float | None
    least: float
    envelope: tuple[float, float]
    provable: float
    folk: str


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
