"""The answer in at most five lines: the verdict, one reason, one thing to do."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, NamedTuple

from whyloss.formatting import pluralize
from whyloss.reporters.common import may_be_chance, short

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from whyloss.results.diagnosis import Diagnosis
    from whyloss.results.remedy import Remedy

MAX_LINES = 5
ACTION_LINES = 2
LONGEST = 1000  # characters of a message that names of a user are part of

_SENTENCE = re.compile(r"(?<=[.!?]) (?=[A-Z0-9'\"])")


class ShortAnswer(NamedTuple):
    """The lines of the answer, and what of the explanation they leave out."""

    title: str
    reason: tuple[str, ...]
    action: tuple[str, ...]
    rest: str

    @property
    def lines(self) -> tuple[str, ...]:
        """All of them, five at most."""
        return (self.title, *self.reason, *self.action)


def short_answer(diagnosis: Diagnosis, width: int) -> ShortAnswer:
    """Put the answer into at most five lines.

    Parameters
    ----------
    diagnosis : Diagnosis
    width : int
        Characters of a line.
    """
    verdict = diagnosis.verdict
    said = [short(verdict.headline, LONGEST), *sentences(short(verdict.explanation, LONGEST))]
    to_do = _action(diagnosis)
    least, _ = _fill(to_do[:1], width, ACTION_LINES)
    reason, used = _fill(said, width, MAX_LINES - 1 - len(least))
    action, _ = _fill(to_do, width, MAX_LINES - 1 - len(reason))
    title = textwrap.shorten(f"{verdict.title} ({verdict.code}): {where(diagnosis)}", width)
    return ShortAnswer(title, reason, action, " ".join(said[used:]))


def where(diagnosis: Diagnosis) -> str:
    """Split, source, and how many samples and classes."""
    n, k = diagnosis.numbers.get("n_samples"), diagnosis.numbers.get("n_classes")
    parts = [f"{short(diagnosis.split, 20)} split of {short(diagnosis.source)}"]
    if isinstance(n, int):
        parts.append(pluralize(n, "sample"))
    if isinstance(k, int):
        parts.append(pluralize(k, "class", "classes"))
    return ", ".join(parts)


def sentences(text: str) -> list[str]:
    """A text, sentence by sentence."""
    return _SENTENCE.split(text) if text else []


def helpful_remedies(diagnosis: Diagnosis) -> list[Remedy]:
    """Remedies that the first finding asks for, its cure and what is proved, in its order."""
    if not diagnosis.findings:
        return []
    by_name = {remedy.name: remedy for remedy in diagnosis.remedies}
    named = (by_name.get(name) for name in diagnosis.findings[0].remedies)
    return [remedy for remedy in named if remedy and (remedy.because or _is_proved(remedy))]


def advice(diagnosis: Diagnosis) -> str:
    """What the first finding advises, unless a remedy stands for it."""
    if helpful_remedies(diagnosis) or not diagnosis.findings:
        return ""
    return diagnosis.findings[0].advice


def _is_proved(remedy: Remedy) -> bool:
    return remedy.effect.low is not None and not may_be_chance(remedy)


def _action(diagnosis: Diagnosis) -> list[str]:
    """What to do, sentence by sentence."""
    if remedies := helpful_remedies(diagnosis):
        remedy = remedies[0]
        first, *others = sentences(short(remedy.text, LONGEST)) or [remedy.title]
        return [f"What to do: {first}", *(others if remedy.because else ())]
    if advised := advice(diagnosis):
        first, *others = sentences(advised)
        return [f"What to do: {first}", *others]
    if diagnosis.suspects:
        suspect = diagnosis.suspects[0]
        return [f"Check first ({suspect.name}): {short(suspect.check, LONGEST)}"]
    if diagnosis.open_questions:
        return [f"What to record: {diagnosis.open_questions[0].text}"]
    return []


def _fill(parts: Iterable[str], width: int, most: int) -> tuple[tuple[str, ...], int]:
    """As many whole sentences as fit into so many lines, and how many they are; one at least."""
    lines: Sequence[str] = ()
    text, taken = "", 0
    for part in parts:
        text = f"{text} {part}".strip()
        wrapped = textwrap.wrap(text, width, break_on_hyphens=False)
        if len(wrapped) > most and taken:
            break
        lines, taken = wrapped, taken + 1
    if len(lines) > most:
        lines = textwrap.wrap(text, width, max_lines=most, placeholder=" …")
    return tuple(lines), taken
