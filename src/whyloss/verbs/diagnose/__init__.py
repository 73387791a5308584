"""The verb diagnose: run the rules, rank what they find, add up where the loss comes from."""

from whyloss.verbs.diagnose.diagnose import diagnose

__all__ = ["diagnose"]
