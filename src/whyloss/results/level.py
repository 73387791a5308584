"""How much is known of a training."""

from __future__ import annotations

from enum import StrEnum


class Level(StrEnum):
    """How much is known: each level supports more than the one before."""

    NUMBERS = "numbers"
    CURVES = "curves"
    SNAPSHOT = "snapshot"
    RUN = "run"
