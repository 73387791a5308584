"""What a reported loss is to be measured against, and why fixed tables mislead."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from whyloss.measures.envelope import fano_envelope, least_possible_loss

if TYPE_CHECKING:
    from whyloss.evidence import Evidence, Numbers

# A table that is handed around for mean losses, whatever the task; upper ends, nats.
FOLK = (
    (0.0, "perfect"),
    (0.02, "great"),
    (0.05, "good"),
    (0.20, "fine"),
    (0.30, "so-so"),
    (1.00, "not great"),
    (2.00, "bad"),
    (math.inf, "broken"),
)


@dataclass(frozen=True)
class Yardstick:
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


def yardsticks(evidence: Evidence) -> tuple[Yardstick, ...]:
    """Compare the reported numbers of each split; empty where predictions say more.

    Parameters
    ----------
    evidence : Evidence
    """
    if evidence.epochs:
        return ()
    found = []
    for split in evidence.with_training:
        numbers = evidence.reported_numbers(split)
        if numbers is not None and numbers.log_loss.value >= 0.0:
            found.append(_yardstick(split, numbers))
    return tuple(found)


def _yardstick(split: str, numbers: Numbers) -> Yardstick:
    loss, share = numbers.log_loss.value, numbers.accuracy.value
    k = numbers.n_classes or max(2, math.ceil(1.0 / max(share, 1e-3) - 1e-9))
    low, high = fano_envelope(share, k)
    least_share = share if numbers.accuracy.low is None else numbers.accuracy.low
    guessing = numbers.prior_entropy
    return Yardstick(
        split=split,
        epoch=numbers.epoch,
        log_loss=loss,
        accuracy=share,
        n_classes=numbers.n_classes,
        guessing=guessing,
        skill=1.0 - loss / guessing if guessing else None,
        least=least_possible_loss(share),
        envelope=(low, high),
        provable=max(0.0, loss - fano_envelope(least_share, k)[1]) if numbers.n_classes else 0.0,
        folk=next(word for bound, word in FOLK if loss <= bound),
    )
