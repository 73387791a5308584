"""From a running training to a run on disk: one file per framework."""

from whyloss.recorders.loop import Recorder, RecorderWarning

__all__ = ["Recorder", "RecorderWarning"]
