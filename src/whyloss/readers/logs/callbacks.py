"""What callbacks and helpers print between the numbers of a training: of the best, and of the past."""

from __future__ import annotations

import re

from whyloss.readers.logs.lazy_pattern import LazyPattern

# What callbacks and helpers say of the past: not the numbers of this epoch.
_REPORT = LazyPattern(
    r"did(?:n't| not) improve|\bimproved\b|\b(?:in|de)creased\b|was not in top|\breached [\d.]|"
    r"saving (?:model|best|checkpoint)|early ?stopping|restoring model|reducing learning|"
    r"until valid|new best|best (?:epoch|iteration|model|score|val)",
    re.IGNORECASE,
)
_BEST = LazyPattern(
    r"\b(?:new |current )?best\b[^:=,;|\d]{0,40}(?:\d{1,2})?[^:=,;|\d]{0,20}[:=]\s*(?:[-\d.]+%?|\S+)?"
    r"(?:\s*\([^()]{0,40}\))?",
    re.IGNORECASE,
)
# A callback of Keras, which may be the only one that prints the metric.
_IMPROVED = LazyPattern(
    r"\bepoch (?P<epoch>\d{1,9})\s*:\s*(?P<label>[A-Za-z_][\w/]{0,60}) improved from \S{1,20} to (?P<value>[-\d.]+(?:e-?\d+)?)",
    re.IGNORECASE,
)


_REPORT_WORDS = (
    "improve", "creased", "top", "reached", "saving", "stopping", "restoring", "reducing", "until", "best",
)  # fmt: skip


def of_now(text: str) -> tuple[str, bool]:
    """Drop what a line says of the best or of earlier epochs; tell whether its end was dropped."""
    text = _BEST.sub(" | ", text) if "est" in text else text
    lower = text.casefold()
    cut = _REPORT.search(text) if any(word in lower for word in _REPORT_WORDS) else None
    return (text[: cut.start()], True) if cut else (text, False)


def improved(text: str) -> tuple[float, str, float] | None:
    """Read "epoch 3: val_acc improved from 0.6 to 0.7": the epoch, the metric and its value."""
    found = _IMPROVED.search(text)
    return found and (float(found["epoch"]), found["label"], float(found["value"].rstrip(".")))
