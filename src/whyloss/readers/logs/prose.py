"""Sentences about a training: the numbers they give, and the trends they describe.

A sentence is read as words of five kinds, in their order: a metric (with its split), a number, an
epoch, a direction ("rises", "fell to", "stays"), and a boundary between clauses. A number belongs to
the metric that the words between them connect it to: the one named before it, or, after "78 %" or
"for", the one named behind. "From a to b" gives the first and the last value. A direction without a
number is a trend.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from whyloss.data.history import Trend
from whyloss.readers.logs import prose_words as words
from whyloss.readers.logs.metric_names import SPLIT_WORDS, recognise
from whyloss.readers.logs.prose_rows import Statement, as_shares

_LOOK_BACK = 200  # characters
_SETTING = 60  # characters in which the name of a setting stands
_LOWER_IS_BETTER = frozenset({"loss", "wer", "cer", "perplexity", "hamming", "calibration_error"})


@dataclass
class Told:
    """What a text of sentences says."""

    statements: list[Statement] = field(default_factory=list)
    trends: list[Trend] = field(default_factory=list)
    unnamed: bool = False  # percentages without a name are read as accuracies


@dataclass
class _Clause:
    """Where a reader is in a sentence: what is spoken of, and what waits for its metric."""

    metrics: list[tuple[str | None, str]] = field(default_factory=list)
    inherited: bool = False  # the metrics are those of the sentence before
    fresh: bool = False
    numbered: bool = False
    epoch: int | None = None
    since: int | None = None
    direction: str | None = None
    directed: int = 0  # where its word ended
    waiting: list[Statement] = field(default_factory=list)
    subject: list[str | None] = field(default_factory=list)
    compared: list[tuple[str | None, str]] = field(default_factory=list)  # "lower than the …"
    named: int = 0  # where the last name of a metric ended
    at: int = 0
    began: int = 0  # where the clause began


def read_prose(text: str) -> Told:
    """Read sentences.

    Parameters
    ----------
    text : str
        One or several, in English.
    """
    told = Told()
    if not text.strip():
        return told  # most logs have no sentence, and need none of the patterns
    clause = _Clause()
    text = words.THOUSANDS.sub("", text.replace("\n", " "))
    for sentence in words.SENTENCE.split(text):
        names_metric = any(token["name"] for token in words.token().finditer(sentence))
        clause.epoch = None if names_metric else clause.epoch
        clause = _Sentence(sentence, told, clause).read()
        clause = _Clause(metrics=clause.metrics, inherited=True, epoch=clause.epoch)
    _resolve_splits(told, coded=bool(words.CODED.search(text)))
    told.statements = as_shares(told.statements)
    return told


def _resolve_splits(told: Told, *, coded: bool) -> None:
    """Give what names no split that of the same metric, or the one that is spoken of.

    Where names are those of a program (`coded`), "loss" beside "val_loss" is that of the training; so
    it is where "the loss" comes before the first "validation loss".
    """
    last: str | None = None
    by_metric: dict[str, str] = {}
    named = {one.split for one in told.statements} | {trend.split for trend in told.trends}
    named -= {None, ""}
    of_val = {
        recognise(one.label).metric
        for one in told.statements
        if one.split not in {None, "", "train"}
    }
    of_val |= {trend.metric for trend in told.trends if trend.split not in {"", "train"}}

    def resolve(split: str | None, metric: str) -> str | None:
        nonlocal last
        if split:
            last = by_metric[metric] = split
            return split
        if metric in of_val and (coded or metric not in by_metric):
            return "train"
        score = metric not in {"loss", "perplexity"}
        if score and named == {"train"}:
            return "val"  # a score beside training numbers is one of an evaluation
        return by_metric.get(metric) or last or ("val" if named - {"train"} else None)

    told.statements = [
        replace(one, split=resolve(one.split, recognise(one.label).metric))
        for one in told.statements
    ]
    last, by_metric = None, {}
    for one in told.statements:
        if one.split:
            by_metric.setdefault(recognise(one.label).metric, one.split)
    told.trends = [
        replace(trend, split=resolve(trend.split, trend.metric) or "train") for trend in told.trends
    ]


class _Sentence:
    """One sentence, read from its first word to its last."""

    def __init__(self, text: str, told: Told, clause: _Clause) -> None:
        self._text = text
        self._told = told
        self._clause = clause
        self._tokens = list(words.token().finditer(text))
        self._own: list[Statement] = []
        self._divides = bool(words.DIVIDED.search(text))
        self._taken: set[int] = set()  # places of tokens that one before them has taken

    def read(self) -> _Clause:
        for at, token in enumerate(self._tokens):
            if at in self._taken:
                continue
            if token["name"]:
                self._metric(at, token)
            elif token["number"] or token["low"] or token["word"]:
                self._number(at, token)
            elif token["epoch"] or token["count"] or token["ordinal"] or token["nth"]:
                self._epoch(at, token)
            elif token["lone"]:
                self._lone_split(at, token)
            elif token["bound"]:
                self._bound(token)
            elif token.lastgroup in words.DIRECTIONS:
                self._direct(token)
        self._end_trend()
        epochs = {one.epoch for one in self._own} - {None}
        if len(epochs) == 1:  # the only epoch of the sentence is that of all its numbers
            only = epochs.pop()
            self._own = [one if one.first else replace(one, epoch=only) for one in self._own]
        self._told.statements += [one for one in self._own if recognise(one.label).kind == "metric"]
        return self._clause

    # --- the five kinds of words ------------------------------------------------------------------

    def _metric(self, at: int, token: re.Match[str]) -> None:
        clause = self._clause
        name = token["name"]
        if words.PER_CLASS.search(self._text, max(token.start() - 12, 0), token.end()):
            return
        lead = self._before(token, 0)
        if words.OF_SOME.search(lead[-40:]):
            clause.metrics, clause.fresh = [], False
            return
        splits = _splits(None if words.DURING.search(lead[-10:]) else token["splits"])
        if splits == [None] and clause.subject:
            splits = clause.subject
        named = [(split, name) for split in splits]
        before = at - 1
        while before >= 0 and (self._tokens[before]["bound"] or "").casefold() in {",", "and"}:
            before -= 1
        after_metric = before >= 0 and bool(self._tokens[before]["name"])
        joined = after_metric and not clause.numbered and clause.direction is None
        if joined and self._between(before, at) in words.JOINTS:
            clause.metrics = [*clause.metrics, *named]
        else:
            if clause.direction and not clause.fresh:
                self._told.trends += _trends(named, clause.direction, clause.since)
                clause.direction = None
            elif clause.direction and (not clause.numbered or clause.directed < clause.at):
                self._end_trend()
            compares = words.COMPARED.search(self._before(token, clause.named))
            clause.compared = clause.metrics if compares and not clause.numbered else []
            clause.metrics = named
        clause.inherited, clause.fresh, clause.numbered = False, True, False
        clause.named = token.end()
        waiting, clause.waiting = clause.waiting, []
        for one in waiting:
            self._state(one.value, percent=one.percent)

    def _between(self, before: int, at: int) -> str:
        return self._text[self._tokens[before].end() : self._tokens[at].start()].strip().casefold()

    def _number(self, at: int, token: re.Match[str]) -> None:
        clause = self._clause
        start, clause.at = clause.at, token.end()
        before = self._before(token, start)
        if words.NO_VALUE.search(self._before(token, token.start() - _SETTING)) or words.UNIT.match(
            self._text, token.end()
        ):
            return
        values = self._scaled(token)
        percent = bool(token["percent"] or token["percents"])
        if self._split_behind(at, token, values, percent=percent):
            return
        if self._waits_for_metric(at, token, values, percent=percent):
            return
        if not clause.metrics and percent and clause.subject and not self._divides:
            clause.metrics = [(split, "accuracy") for split in clause.subject]
        if not clause.metrics and percent and words.REACHES.search(self._before(token, 0)):
            clause.metrics, clause.inherited = [(None, "accuracy")], False
            self._told.unnamed = True
        if not self._belongs(token, before, values[0]):
            return
        if clause.numbered and self._own and words.TO.search(before):
            self._own[-1] = replace(self._own[-1], first=True)
        if not self._one_each(at, values, percent=percent):
            for value in values:
                self._state(value, percent=percent)

    def _belongs(self, token: re.Match[str], before: str, value: float) -> bool:
        """Whether a number is one of the metric that was named before it."""
        clause = self._clause
        if not clause.metrics or words.is_hoped_for(self._before(token, clause.began)):
            return False
        if words.BOUNDS.search(before) and not (token["percent"] or "." in token.group()[:-1]):
            return False
        if self._own and before.strip().endswith("(") and self._own[-1].value == value:
            return False  # the same once more, in another form
        if clause.numbered:
            return bool(words.TO.search(before)) or words.goes_on(before)
        falls_to = bool(
            token["percent"] and words.TO.search(before)
        )  # "with size 1 it drops to 78 %"
        return not clause.inherited or falls_to or words.goes_on(self._before(token, 0))

    def _before(self, token: re.Match[str], start: int) -> str:
        """Give what stands before a word, from `start` on or as far as a reader looks back."""
        return self._text[max(start, token.start() - _LOOK_BACK, 0) : token.start()]

    def _scaled(self, token: re.Match[str]) -> list[float]:
        scale = words.SCALE.match(self._text, token.end())
        factor = words.SCALES[scale[1].casefold()] if scale else 1.0
        return [value * factor for value in _values(token)]

    def _waits_for_metric(
        self, at: int, token: re.Match[str], values: list[float], *, percent: bool
    ) -> bool:
        """Keep a number for the metric that follows it: "78 % accuracy"."""
        clause = self._clause
        following = self._tokens[at + 1] if at + 1 < len(self._tokens) else None
        if following is None or not following["name"] or len(values) != 1:
            return False
        gap = self._text[token.end() : following.start()]
        free = not clause.fresh or clause.numbered
        counts = not percent and "." not in token.group()[:-1] and abs(values[0]) > 1  # "size 128"
        if counts or not words.TO_THE_METRIC.fullmatch(gap):
            return False
        if not (words.FOR.search(gap) or (percent and not gap.strip(" of")) or free):
            return False
        hoped = words.is_hoped_for(self._before(token, clause.began))
        clause.waiting = [] if hoped else [Statement(None, "", values[0], percent=percent)]
        return True

    def _one_each(self, at: int, values: list[float], *, percent: bool) -> bool:
        """Share out as many numbers as there are metrics: "train/test loss is 0.1/0.9"."""
        clause = self._clause
        whole = [*clause.compared, *clause.metrics]
        places, end = [at], at + 1
        while end < len(self._tokens) and len(places) < len(whole):
            following = self._tokens[end]
            if following["number"]:
                if self._between(places[-1], end) not in words.BETWEEN_NUMBERS:
                    break
                places.append(end)
            elif (following["bound"] or "").casefold() not in {",", "and"}:
                break
            end += 1
        if clause.numbered or len(places) < 2 or len(places) != len(whole):
            return False
        percent = percent or bool(self._tokens[places[-1]]["percent"])
        numbers = [values[0], *(self._scaled(self._tokens[place])[0] for place in places[1:])]
        for metric, value, place in zip(whole, numbers, places, strict=True):
            clause.metrics = [metric]
            own = percent and not self._tokens[place]["percent"]
            self._state(value / 100 if own else value, percent=percent)
        clause.metrics, clause.at = whole, self._tokens[places[-1]].end()
        self._taken.update(places)
        return True

    def _split_behind(
        self, at: int, token: re.Match[str], values: list[float], *, percent: bool
    ) -> bool:
        """Take a number with the split that follows it: "0.9 on train but 0.6 on test"."""
        clause = self._clause
        following = self._tokens[at + 1] if at + 1 < len(self._tokens) else None
        taken = at + 1
        if following is not None and following["bound"] == "(":
            taken = at + 2
            following = self._tokens[taken] if taken < len(self._tokens) else None
        if following is None or not following["lone"]:
            return False
        if not words.ON.fullmatch(self._text[token.end() : following.start()]):
            return False
        of_data = not words.OF_DATA.search(self._text[token.end() : following.start()])
        if not clause.metrics and (not percent or self._divides or of_data):
            return False
        # A percentage of a split, without a name, is the share that is right.
        name = clause.metrics[-1][1] if clause.metrics else "accuracy"
        clause.metrics = [(split, name) for split in _splits(following["lone"])]
        for value in values:
            self._state(value, percent=percent)
        clause.fresh = True
        self._taken.update(range(at + 1, taken + 1))
        return True

    def _state(self, value: float, *, percent: bool) -> None:
        clause = self._clause
        for split, name in clause.metrics:
            self._own.append(Statement(split, name, value, clause.epoch, percent=percent))
        clause.numbered = True

    def _epoch(self, at: int, token: re.Match[str]) -> None:
        clause = self._clause
        ordinal = token["ordinal"] or token["nth"]
        lead = self._text[max(token.start() - 24, 0) : token.start()].casefold()
        if not (token["nth"] or words.says_which(lead, ordinal=not token["count"])):
            return
        if ordinal:
            said = ordinal.casefold()
            epoch = words.ORDINALS.index(said) + 1 if said in words.ORDINALS else int(said[:-2])
        else:
            epoch = int(token["epoch"] or token["count"])
        gap = self._text[clause.at : token.start()]
        clause.at = token.end()
        clause.epoch = epoch
        clause.since = epoch if words.says_since(lead) else None
        if not (clause.numbered and self._own):
            return
        last = self._own[-1]
        behind = at > 0 and bool(self._tokens[at - 1]["number"]) and words.is_at_epoch(gap)
        for number, one in enumerate(self._own):
            same = one.label == last.label and not one.first
            if (one.epoch is None and last.epoch is None and same) or (
                behind and one.value == last.value and same
            ):
                self._own[number] = replace(one, epoch=epoch)

    def _lone_split(self, at: int, token: re.Match[str]) -> None:
        """A split that follows its metric: "accuracy on train and valid"."""
        clause = self._clause
        lead = self._text[max(token.start() - 14, 0) : token.start()].casefold()
        following = self._tokens[at + 1] if at + 1 < len(self._tokens) else None
        if words.COUNTED.match(self._text, token.end()):
            self._of_counted(token)
            return
        numbered = following is not None and bool(following["number"])
        gap = self._text[token.end() : following.start()] if following is not None else ""
        behind = clause.numbered and numbered and gap.strip(" :=,") in words.IS
        if behind or (not clause.metrics and token["data"]):
            lead = ""
        if not words.OF_SPLIT.search(lead) and (not lead.endswith("and ") or numbered):
            trains = _splits(token["lone"]) == ["train"] and not token["data"]
            if trains and not numbered:
                return  # it is what somebody does, and no part of the data
            clause.subject = _splits(token["lone"])  # "the test set has 50 % accuracy"
            if clause.metrics and (clause.numbered or clause.inherited):
                clause.metrics = [(split, clause.metrics[-1][1]) for split in clause.subject]
                clause.numbered = clause.inherited = False
            return
        if not clause.metrics:
            return
        names = list(dict.fromkeys(name for _, name in clause.metrics))
        splits = _splits(token["lone"])
        last = names[-1]
        if any(split is None for split, _ in clause.metrics):
            clause.metrics = [(split, name) for name in names for split in splits]
            known = [one for one in self._own if one.label == last and one.split is None]
            for one in known:
                self._own.remove(one)
                self._own += [replace(one, split=split) for split in splits]
        elif clause.numbered and self._own and self._own[-1].label == last:
            one = self._own[-1]
            seen = {other.split for other in self._own if other.label == last}
            self._own += [replace(one, split=split) for split in splits if split not in seen]

    def _of_counted(self, token: re.Match[str]) -> None:
        """Take the split of "0.8 on 500 test images" for the numbers of the sentence without one."""
        if words.ON_MANY.search(self._text[max(token.start() - 30, 0) : token.start()]):
            split = _splits(token["lone"])[0]
            self._own = [replace(one, split=one.split or split) for one in self._own]

    def _direct(self, token: re.Match[str]) -> None:
        clause, direction = self._clause, token.lastgroup or ""
        lead = self._text[max(token.start() - 40, clause.began) : token.start()].casefold()
        denied = direction in {"improves", "rises", "falls"} and words.DENIED.search(lead[-24:])
        if not (denied or words.happens(lead, self._text[token.end() : token.end() + 40])):
            return
        if clause.direction is not None and clause.fresh:
            if direction in {"constant", clause.direction}:
                return
            self._end_trend()
        clause.direction = "constant" if denied else direction
        clause.directed = token.end()

    def _bound(self, token: re.Match[str]) -> None:
        clause = self._clause
        bound = token["bound"].casefold()
        if bound in {"and", ",", "(", ")"} and not clause.direction:
            return  # it may join names or numbers
        self._end_trend()
        clause.direction = None
        if bound not in {"and", ",", "(", ")", "then"}:
            clause.epoch = clause.since = None
            clause.began = token.end()
        clause.fresh = False

    def _end_trend(self) -> None:
        clause = self._clause
        if clause.direction and clause.metrics:
            self._told.trends += _trends(clause.metrics, clause.direction, clause.since)
        clause.direction = None


def _splits(said: str | None) -> list[str | None]:
    if not said:
        return [None]
    found = [
        SPLIT_WORDS[word] for word in re.findall(r"[a-z]+", said.casefold()) if word in SPLIT_WORDS
    ]
    return list(dict.fromkeys(found)) or [None]


def _values(token: re.Match[str]) -> list[float]:
    if word := token["word"]:
        return [0.0 if word.casefold() == "zero" else float(word.casefold())]
    if token["low"]:
        scale = 100.0 if token["percents"] else 1.0
        return [(_float(token["low"]) + _float(token["high"])) / 2 / scale]
    return [_float(token["number"]) / (100.0 if token["percent"] else 1.0)]


def _float(text: str) -> float:
    return float(text.replace(",", "").replace("−", "-").rstrip("."))


def _trends(
    metrics: list[tuple[str | None, str]], direction: str, since: int | None
) -> list[Trend]:
    found = []
    for split, label in metrics:
        name = recognise(label)
        metric = name.metric if name.kind == "metric" else label
        way = direction
        if direction in {"improves", "worsens"}:
            downwards = metric in _LOWER_IS_BETTER or name.inverted
            way = "falls" if downwards == (direction == "improves") else "rises"
        elif name.inverted and direction in {"rises", "falls"}:
            way = "falls" if direction == "rises" else "rises"
        found.append(Trend(split or "", metric, way, since))
    return found
