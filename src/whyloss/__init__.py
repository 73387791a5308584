"""Why do loss and accuracy disagree? The cause in nats, the samples, the measured remedy."""

from importlib import import_module
from typing import TYPE_CHECKING

from whyloss.version import __version__

if TYPE_CHECKING:
    from whyloss.api import (
        CheckResult,
        Comparison,
        Diagnosis,
        Review,
        check,
        compare,
        diagnose,
        review,
    )
    from whyloss.data import History, Predictions, Run
    from whyloss.errors import WhylossError
    from whyloss.recorders import Recorder

# Public names and the modules that hold them: imported on first use, so that `import whyloss`
# costs next to nothing and loads no framework.
_PUBLIC = {
    "CheckResult": "whyloss.api",
    "Comparison": "whyloss.api",
    "Diagnosis": "whyloss.api",
    "History": "whyloss.data",
    "Predictions": "whyloss.data",
    "Recorder": "whyloss.recorders",
    "Review": "whyloss.api",
    "Run": "whyloss.data",
    "WhylossError": "whyloss.errors",
    "check": "whyloss.api",
    "compare": "whyloss.api",
    "diagnose": "whyloss.api",
    "review": "whyloss.api",
}

__all__ = [
    "CheckResult",
    "Comparison",
    "Diagnosis",
    "History",
    "Predictions",
    "Recorder",
    "Review",
    "Run",
    "WhylossError",
    "__version__",
    "check",
    "compare",
    "diagnose",
    "review",
]


def __getattr__(name: str) -> object:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'whyloss' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
