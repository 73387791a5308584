"""What whyloss works on: predictions, histories and runs, checked once at the door."""

from whyloss.data.history import History
from whyloss.data.predictions import SCALES, Predictions, Scale
from whyloss.data.run import Run
from whyloss.data.source import InMemorySource, Sample, Source

__all__ = ["SCALES", "History", "InMemorySource", "Predictions", "Run", "Sample", "Scale", "Source"]
