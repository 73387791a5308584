"""Why do loss and accuracy disagree? The cause in nats, the samples, the measured remedy."""

from importlib import import_module
from typing import TYPE_CHECKING

from whyloss.version import __version__

if TYPE_CHECKING:
    from whyloss.data import History, Predictions, Run
    from whyloss.diagnosis import Diagnosis, diagnose
    from whyloss.diagnosis.compare import compare
    from whyloss.diagnosis.review import review
    from whyloss.errors import WhylossError
    from whyloss.recorders import Recorder

# Public names and the modules that hold them: imported on first use, so that `import whyloss`
# costs next to nothing and loads no framework.
_PUBLIC = {
    "Diagnosis": "whyloss.diagnosis",
    "History": "whyloss.data",
    "Predictions": "whyloss.data",
    "Recorder": "whyloss.recorders",
    "Run": "whyloss.data",
    "WhylossError": "whyloss.errors",
    "compare": "whyloss.diagnosis.compare",
    "diagnose": "whyloss.diagnosis",
    "review": "whyloss.diagnosis.review",
}

__all__ = [
    "Diagnosis",
    "History",
    "Predictions",
    "Recorder",
    "Run",
    "WhylossError",
    "__version__",
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
