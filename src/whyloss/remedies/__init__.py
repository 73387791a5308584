"""What would help, and by how much, estimated before anyone retrains."""

from collections.abc import Callable

from whyloss.evidence import Evidence
from whyloss.remedies import checkpoint, temperature
from whyloss.results.remedy import Declined, Remedy

ALL: dict[str, Callable[[Evidence], Remedy | Declined]] = {
    temperature.NAME: temperature.propose,
    checkpoint.FOR_LABELS: checkpoint.for_labels,
    checkpoint.FOR_PROBABILITIES: checkpoint.for_probabilities,
    checkpoint.AFTER_CALIBRATION: checkpoint.after_calibration,
}

__all__ = ["ALL", "Declined", "Remedy"]
