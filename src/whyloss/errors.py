"""The errors that whyloss raises: each says what was expected, what was given, and what to do."""

from __future__ import annotations


class WhylossError(Exception):
    """Base of every error that whyloss raises on purpose.

    Parameters
    ----------
    problem : str
        What is wrong, in one sentence without a full stop.
    expected : str, optional
        What would have been valid.
    got : str, optional
        What was given instead.
    hint : str, optional
        What to do now.
    """

    def __init__(
        self,
        problem: str,
        *,
        expected: str | None = None,
        got: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.problem = problem
        self.expected = expected
        self.got = got
        self.hint = hint
        detail = "; ".join(
            part
            for part in (f"expected {expected}" if expected else "", f"got {got}" if got else "")
            if part
        )
        text = f"{problem}: {detail}." if detail else f"{problem}."
        super().__init__(f"{text} {hint}" if hint else text)


class DataError(WhylossError, ValueError):
    """Arrays, labels or arguments are invalid or do not match."""


class FormatError(WhylossError, ValueError):
    """A file or a run cannot be read."""


class TooFewSamplesError(WhylossError, ValueError):
    """There are too few samples for the number asked for to mean anything."""


class MissingExtraError(WhylossError, ImportError):
    """An optional dependency is not installed."""
