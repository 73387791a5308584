"""Patterns that are compiled when they are first needed: a short text needs few of them."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class LazyPattern:
    """A regular expression that is compiled when it is first used.

    Parameters
    ----------
    text : str
    flags : int, default 0
        As for :func:`re.compile`.
    """

    def __init__(self, text: str, flags: int = 0) -> None:
        self._text = text
        self._flags = flags

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self._text, self._flags)

    def search(self, text: str, start: int = 0, end: int | None = None) -> re.Match[str] | None:
        """Find the first match, as :meth:`re.Pattern.search`."""
        return self._compiled.search(text, start, len(text) if end is None else end)

    def match(self, text: str, start: int = 0) -> re.Match[str] | None:
        """Match at the start, as :meth:`re.Pattern.match`."""
        return self._compiled.match(text, start)

    def fullmatch(self, text: str) -> re.Match[str] | None:
        """Match the whole text, as :meth:`re.Pattern.fullmatch`."""
        return self._compiled.fullmatch(text)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Find all matches, as :meth:`re.Pattern.finditer`."""
        return self._compiled.finditer(text)

    def findall(self, text: str) -> list[str]:
        """Give the texts of all matches, as :meth:`re.Pattern.findall`."""
        return self._compiled.findall(text)

    def split(self, text: str) -> list[str]:
        """Split at the matches, as :meth:`re.Pattern.split`."""
        return self._compiled.split(text)

    def sub(self, put: str | Callable[[re.Match[str]], str], text: str, count: int = 0) -> str:
        """Replace the matches, as :meth:`re.Pattern.sub`."""
        return self._compiled.sub(put, text, count)
