"""The verb compare: two sources side by side."""

from whyloss.verbs.compare.compare import compare

__all__ = ["compare"]
