"""What whyloss works on: predictions, histories and runs, checked once at the door."""

from importlib import import_module
from typing import TYPE_CHECKING

from whyloss.data.history import History, TaskFacts, Trend
from whyloss.data.predictions import Predictions
from whyloss.data.source import InMemorySource, Sample, Source
from whyloss.data.validation import SCALES, Scale

if TYPE_CHECKING:
    from whyloss.data.run import Run

__all__ = [
    "SCALES",
    "History",
    "InMemorySource",
    "Predictions",
    "Run",
    "Sample",
    "Scale",
    "Source",
    "TaskFacts",
    "Trend",
]


def __getattr__(name: str) -> object:
    if name == "Run":  # late: it imports pyarrow, which a line of a log does not need
        return import_module("whyloss.data.run").Run
    raise AttributeError(f"module 'whyloss.data' has no attribute {name!r}")
