"""Lines that differ from one read before in nothing but their numbers, read by one pattern.

A program prints the same line again and again. Once a line has been taken apart, a second copy of
it with other numbers shows which of its numbers went where; from then on a pattern with these
places reads each further line of that shape.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from whyloss.readers.logs.line_parser import Line, Pair, parse_line

# Digits that belong to a name, such as Acc@1 or top-5, are no numbers of their own.
_NUMBER = re.compile(
    r"(?<![A-Za-z_@\d.])(?<![A-Za-z][-/.])(?:\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)"
)
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
    pairs : list of (int, bool)
        The group of each pair, and whether a minus stands before it.
    epoch, step : int or None
        Their groups.
    within, bar : tuple of int or None
        The groups of what is done and of all.
    """

    pattern: re.Pattern[str]
    line: Line
    section: str | None
    pairs: list[tuple[int, bool]] = field(default_factory=list)
    epoch: int | None = None
    step: int | None = None
    within: tuple[int, ...] | None = None
    bar: tuple[int, ...] | None = None

    @property
    def supersedes(self) -> bool:
        """Whether a later line of the same epoch says all that this one does, more recently."""
        return self.epoch is not None and (self.step is not None or self.within is not None)

    def fill(self, match: re.Match[str]) -> Line:
        """Give the line that a match stands for."""
        pairs = []
        for pair, (group, negative) in zip(self.line.pairs, self.pairs, strict=True):
            value = float(match[group])
            value = -value if negative else value
            pairs.append(
                Pair(pair.label, pair.name, value, pair.split, pair.percent, None, pair.mean)
            )
        line = replace(self.line, pairs=pairs)
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
    tokens = [text[start:end] for start, end in spans]
    trials = [
        f"{_FIRST_TRIAL + 2 * at}" + (".5" if "." in token or "e" in token.casefold() else "")
        for at, token in enumerate(tokens)
    ]
    places = {float(trial): at for at, trial in enumerate(trials)}
    second = parse_line(_with_numbers(text, spans, trials), section)
    return _compared(text, spans, tokens, places, (line, second), section)


def _compared(
    text: str,
    spans: list[tuple[int, int]],
    tokens: list[str],
    places: dict[float, int],
    lines: tuple[Line, Line],
    section: str | None,
) -> Template | None:
    """Tell by the trial numbers which number of the text went where."""
    first, second = lines
    wanted: list[int] = []

    def place(value: float | None, trial: float | None) -> int | None:
        """Note where a number stands, and give its group."""
        if value is None or trial is None or abs(trial) not in places:
            raise ValueError
        at = places[abs(trial)]
        if float(tokens[at]) != abs(value):
            raise ValueError
        wanted.append(at)
        return at

    plain = replace(first, pairs=[], epoch=None, step=None, within=None, bar=None)
    other = replace(second, pairs=[], epoch=None, step=None, within=None, bar=None)
    if plain != other or len(first.pairs) != len(second.pairs):
        return None
    try:
        pairs = []
        for one, two in zip(first.pairs, second.pairs, strict=True):
            if replace(one, value=0.0) != replace(two, value=0.0) or one.n_samples:
                return None
            pairs.append((place(one.value, two.value), two.value < 0))
        epoch = None if first.epoch is None else place(first.epoch, second.epoch)
        step = None if first.step is None else place(first.step, second.step)
        counts = []
        for mine, theirs in ((first.within, second.within), (first.bar, second.bar)):
            known = zip(mine or (), theirs or (), strict=True)
            counts.append([place(a, b) for a, b in known if b])
    except ValueError:
        return None
    order = {at: group for group, at in enumerate(sorted(set(wanted)), start=1)}
    return Template(
        _pattern(text, spans, set(wanted)),
        first,
        section,
        [(order[at], negative) for at, negative in pairs if at is not None],
        None if epoch is None else order[epoch],
        None if step is None else order[step],
        *(tuple(order[at] for at in found if at is not None) or None for found in counts),
    )


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
