"""One lazy, cached view of whatever is known; rules and remedies read only this."""

from whyloss.evidence.comparison import HELD_MARGIN, Comparison, Held, held
from whyloss.evidence.curves import TRAIN, Curve, CurveRise, best_of_curve, loss_rise
from whyloss.evidence.evidence import Evidence, Level
from whyloss.evidence.excess import Direction, Excess, provable_excess
from whyloss.evidence.snapshot import Numbers, Snapshot

__all__ = [
    "HELD_MARGIN",
    "TRAIN",
    "Comparison",
    "Curve",
    "CurveRise",
    "Direction",
    "Evidence",
    "Excess",
    "Held",
    "Level",
    "Numbers",
    "Snapshot",
    "best_of_curve",
    "held",
    "loss_rise",
    "provable_excess",
]
