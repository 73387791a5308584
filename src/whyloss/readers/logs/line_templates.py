"""Lines that differ from one read before in nothing but their numbers, read by one pattern.

A program prints the same line again and again. Once a line has been taken apart, a second copy of
it with other numbers shows which of its numbers went where; from then on a pattern with these
places reads each further line of that shape.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from whyloss.readers.logs.line import Line, Pair
from whyloss.readers.logs.line_parser import parse_line
from whyloss.readers.logs.metric_names import Name

if TYPE_CHECKING:
    from collections.abc import Sequence

# Digits that belong to a name, such as Acc@1 or top-5, are no numbers of their own.
_NUMBER = re.compile(
    r"(?<![A-Za-z_@\d.])(?<![A-Za-z][-/.])(?:\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)"
)
_Place = tuple[str, Name, int, bool, tuple[str | None, bool, None, bool]]
_DIGITS = re.compile(r"\d+")
_FIRST_TRIAL = 1001  # trial numbers of four digits, all different


@dataclass(slots=True)
class Template:
    """A line with places for its numbers.

    Attributes
    ----------
    pattern : re.Pattern
        Matches a whole line; its groups are the numbers that count.
    line : Line
        The line that it was made of.
    section : str or None
        The heading under which it stood.
    pairs : list of (str, Name, int, bool, tuple)
        Of each pair its label and name, its group, whether a minus stands before it, and the rest.
    epoch, step : int or None
        Their groups.
    within, bar : tuple of int or None
        The groups of what is done and of all.
    """

    pattern: re.Pattern[str]
    line: Line
    section: str | None
    pairs: list[_Place] = field(default_factory=list)
    epoch: int | None = None
    step: int | None = None
    within: tuple[int, ...] | None = None
    bar: tuple[int, ...] | None = None

    @property
    def supersedes(self) -> bool:
        """Whether a later line of the same epoch says all that this one does, more recently."""
        return self.epoch is not None and (self.step is not None or self.within is not None)

    def fill(self, match: re.Match[str]) -> Line:
        """Give the line that a match stands for: the same object each time, with other numbers."""
        line = self.line
        line.pairs = [
            Pair(label, name, -float(match[group]) if negative else float(match[group]), *others)
            for label, name, group, negative, others in self.pairs
        ]
        if self.epoch is not None:
            line.epoch = float(match[self.epoch])
        if self.step is not None:
            line.step = float(match[self.step])
        if self.within is not None:
            done, total = (*(int(match[group]) for group in self.within), 0)[:2]
            line.within = done, total
        if self.bar is not None:
            line.bar = int(match[self.bar[0]]), int(match[self.bar[1]])
        return line


def make_template(text: str, line: Line, section: str | None) -> Template | None:
    """Make a template of a line that has been taken apart.

    Parameters
    ----------
    text : str
    line : Line
        What :func:`parse_line` gave for it.
    section : str or None
        As it was passed to :func:`parse_line`.

    Returns
    -------
    Template or None
        None where some number of the line is no plain copy of one in the text.
    """
    if line.sizes or line.summary or (not line.pairs and line.epoch is None):
        return None
    spans = [match.span() for match in _NUMBER.finditer(text)]
    numbers = _Numbers([text[start:end] for start, end in spans])
    second = parse_line(_with_numbers(text, spans, numbers.trials), section)
    try:
        places = _places(line, second, numbers)
    except ValueError:
        return None
    order = {at: group for group, at in enumerate(sorted(numbers.wanted), start=1)}
    groups = [tuple(order[at] for at in place) for place in places]
    epoch, step, within, bar = groups[-4:]
    return Template(
        _pattern(text, spans, numbers.wanted),
        replace(line),
        section,
        pairs=[
            (
                pair.label,
                pair.name,
                group,
                pair.value < 0,
                (pair.split, pair.percent, None, pair.mean),
            )
            for (group,), pair in zip(groups, second.pairs, strict=False)
        ],
        epoch=epoch[0] if epoch else None,
        step=step[0] if step else None,
        within=within or None,
        bar=bar or None,
    )


class _Numbers:
    """The numbers of a line, and others of the same kind to try it with.

    Parameters
    ----------
    texts : list of str
        As they stand in the line.

    Attributes
    ----------
    trials : list of str
        One for each, all different.
    wanted : set of int
        Which of them a reader took.
    """

    def __init__(self, texts: list[str]) -> None:
        self._texts = texts
        self.trials = [
            f"{_FIRST_TRIAL + 2 * at}" + (".5" if "." in text or "e" in text.casefold() else "")
            for at, text in enumerate(texts)
        ]
        self._places = {float(trial): at for at, trial in enumerate(self.trials)}
        self.wanted: set[int] = set()

    def place(self, value: float, trial: float) -> int:
        """Give the place of a number that came out as `value`, and in the trial as `trial`.

        Raises
        ------
        ValueError
            It is no plain copy of a number in the line.
        """
        at = self._places.get(abs(trial))
        if at is None or float(self._texts[at]) != abs(value):
            raise ValueError
        self.wanted.add(at)
        return at


def _places(first: Line, second: Line, numbers: _Numbers) -> list[list[int]]:
    """Give the places of the pairs, and of the epoch, the step and both counts.

    Raises
    ------
    ValueError
        The lines differ in more than their numbers.
    """
    plain, other = (
        replace(line, pairs=[], epoch=None, step=None, within=None, bar=None)
        for line in (first, second)
    )
    if plain != other or [_named(pair) for pair in first.pairs] != [
        _named(pair) for pair in second.pairs
    ]:
        raise ValueError
    taken: list[tuple[Sequence[float | None], Sequence[float | None]]] = [
        *(([one.value], [two.value]) for one, two in zip(first.pairs, second.pairs, strict=True)),
        ([first.epoch], [second.epoch]),
        ([first.step], [second.step]),
        (first.within or (), second.within or ()),
        (first.bar or (), second.bar or ()),
    ]
    places = []
    for values, trials in taken:
        told = [(a, b) for a, b in zip(values, trials, strict=True) if a is not None and b]
        places.append([numbers.place(value, trial) for value, trial in told])
    return places


def _named(pair: Pair) -> tuple[object, ...]:
    """What a pair says beside its number; counts of samples change from line to line."""
    if pair.n_samples:
        raise ValueError
    return pair.label, pair.name, pair.split, pair.percent, pair.mean


def _with_numbers(text: str, spans: list[tuple[int, int]], numbers: list[str]) -> str:
    parts, end = [], 0
    for (start, stop), number in zip(spans, numbers, strict=True):
        parts += [text[end:start], number]
        end = stop
    return "".join([*parts, text[end:]])


def _pattern(text: str, spans: list[tuple[int, int]], wanted: set[int]) -> re.Pattern[str]:
    parts, end = [], 0
    for at, (start, stop) in enumerate(spans):
        number = _DIGITS.sub("0", text[start:stop])
        number = re.escape(number).replace("0", r"\d+")
        parts += [re.escape(text[end:start]), f"({number})" if at in wanted else number]
        end = stop
    return re.compile("".join([*parts, re.escape(text[end:]), r"\s*"]))
