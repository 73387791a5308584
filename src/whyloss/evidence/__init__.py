"""One lazy, cached view of whatever is known; rules and remedies read only this."""

from whyloss.evidence.comparison import HELD_MARGIN, Comparison, Held, held
from whyloss.evidence.evidence import Evidence, Level
from whyloss.evidence.snapshot import Numbers, Snapshot

__all__ = [
    "HELD_MARGIN",
    "Comparison",
    "Evidence",
    "Held",
    "Level",
    "Numbers",
    "Snapshot",
    "held",
]
