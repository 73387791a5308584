"""Where a line of a log belongs: its epoch, its step, and how far a pass over batches has come."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from whyloss.readers.logs.lazy_pattern import LazyPattern
from whyloss.readers.logs.metric_names import SPLIT_WORDS

if TYPE_CHECKING:
    from whyloss.readers.logs.line import Line

_EPOCH = LazyPattern(
    r"(?<![\w/.-])(?:cur(?:rent)?[ _])?(?:epoch|ep)(?![a-z])['\"]?\s*(?:\((?P<split>\w+)\))?\s*[.:#=|-]?\s*"
    r"(?:no\.?|num(?:ber)?)?\s*['\"]?\[?\s*(?P<epoch>\d{1,12}(?:\.\d+)?)(?![\w%]|\.\d)['\"]?"
    r"(?:\s*(?:/|of|out of)\s*\d+)?\s*\]?",
    re.IGNORECASE,
)
_STEP = LazyPattern(
    r"(?<![\w/.-])(?:global[ _]?step|gstep|steps?|iter(?:ations?)?|round)['\"]?\s*[:#=]?\s*\[?\s*"
    r"(?P<step>\d{1,12})(?![\w.%])(?:\s*(?:/|of)\s*(?P<all>\d{1,12}))?\s*\]?",
    re.IGNORECASE,
)
_LEADING = LazyPattern(
    r"\s*(?:\[\s*(?P<epoch>\d{1,12})\s*,\s*\d+\s*\]|\[(?P<round>\d{1,12})\]|(?P<tree>\d{1,12}):(?=\s+(?:learn|test)\b))"
)
PROGRESS = LazyPattern(
    r"[\[(]\s*(?P<done>\d+)\s*/\s*(?P<all>\d+)(?:\s*\(\s*[\d.]+\s*%\s*\))?\s*[\])](?=\s|[A-Za-z]|$)"
)
# "epoch 001:    450 / 1891 loss=…", as fairseq and OpenNMT count batches.
_OF_BATCHES = LazyPattern(r"\s*[:,]\s*(?P<done>\d{1,12})\s*/\s*(?P<all>\d{1,12})(?=[\s;,|])")
_BATCH = LazyPattern(
    r"\bbatch(?:[ _](?:index|idx|number|no\.?|status))?\s*[:=\[(#]?\s*(?P<done>\d{1,9})(?:\s*/\s*(?P<all>\d{1,9}))?\s*[\])]?(?![.\d])",
    re.IGNORECASE,
)
_KERAS_BAR = LazyPattern(
    r"(?:^|\s)(?:\[[=>.\s]{0,99}\s)?(?P<done>\d{1,12})/(?P<all>\d{1,12}|unknown)\s*(?:\[[=>.\s]{0,99}\]|[=>.]{1,99}\]|[━╸╺])",
    re.IGNORECASE,
)
TQDM = LazyPattern(r"\d%\|[^|]{0,300}\|\s*(?P<done>\d+)/(?P<all>\d+)\s*\[")


_FIRST = frozenset("[0123456789")
_STEPS = ("step", "iter", "round")


def take_place(text: str, section: str | None, line: Line) -> tuple[str | None, str]:
    """Take the epoch, the step and the progress out of a line.

    Parameters
    ----------
    text : str
    section : str or None
        The split that a heading above it named.
    line : Line
        What is found is written here.

    Returns
    -------
    str or None
        The split that the epoch names.
    str
        The rest of the line.
    """
    lower = text.casefold()
    if "/" in text and (bar := _KERAS_BAR.search(text)):
        total = bar["all"]
        line.bar = int(bar["done"]), int(total) if total.isdigit() else int(bar["done"])
        text = f"{text[: bar.start()]} | {text[bar.end() :]}"
    if text.lstrip()[:1] in _FIRST and (leading := _LEADING.match(text)):
        if leading["epoch"]:
            line.epoch = float(leading["epoch"])
        else:
            line.step = float(leading["round"] or leading["tree"])
            line.boosting = True
        text = f" {text[leading.end() :]}"
    split = None
    if "ep" in lower and (found := _EPOCH.search(text)):
        split, text = _take_epoch(found, text, line)
    if any(word in lower for word in _STEPS) and (found := _STEP.search(text)):
        _take_step(found, section, line)
        text = _STEP.sub(" | ", text)
    return split, text if line.within else _take_progress(text, line)


def _take_epoch(found: re.Match[str], text: str, line: Line) -> tuple[str | None, str]:
    if line.epoch is None:
        line.epoch = float(found["epoch"])
    end = found.end()
    if counted := _OF_BATCHES.match(text, end):
        line.within, end = (int(counted["done"]), int(counted["all"])), counted.end()
    split = SPLIT_WORDS.get((found["split"] or "").casefold())
    return split, f"{text[: found.start()]} | {text[end:]}"


def _take_step(found: re.Match[str], section: str | None, line: Line) -> None:
    if found["all"] and section in {"val", "test"}:
        line.within = int(found["step"]), int(found["all"])  # of a pass over held-out batches
    elif line.step is None:
        line.step = float(found["step"])


def _take_progress(text: str, line: Line) -> str:
    if found := ("/" in text and PROGRESS.search(text)) or (
        "batch" in text.casefold() and _BATCH.search(text)
    ):
        line.within = int(found["done"]), int(found["all"] or 0)
        return _BATCH.sub(" | ", PROGRESS.sub(" | ", text), count=1)
    if "%|" in text and (found := TQDM.search(text)):
        line.within = int(found["done"]), int(found["all"])
    return text
