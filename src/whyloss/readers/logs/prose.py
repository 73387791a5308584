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
from functools import lru_cache

from whyloss.data.history import Trend
from whyloss.readers.logs.metric_names import SPLIT_WORDS, recognise

_SPLIT = "(?:" + "|".join(sorted(SPLIT_WORDS, key=len, reverse=True)) + ")"
_SPLITS = rf"{_SPLIT}(?:(?:\s*(?:/|,|\band\b|\bor\b|&)\s*){_SPLIT})*"
_METRIC_WORDS = (
    r"(?:(?:regression|reconstruction|box|kl|regulari[sz]ation|classification) )?(?:log[- ]?loss|loss|cost|cross[- ]?entropy|nll)(?:es)?",
    r"(?:balanced |top[- ]?[15] |classification )?accurac(?:y|ies)|acc\b",
    r"error rates?|errors?|(?:roc[- ]?)?auc(?:[- ]?roc)?|auroc|(?:soft-?|macro[- ]?|micro[- ]?)?f1(?:[- ]?score)?|f-?score",
    r"mean average precision|average precision|m?AP(?:@?\d+(?:[-:]\d+)?)?(?![a-z])|precision|recall|sensitivity|specificity",
    r"m?IoU|dice(?: score| coefficient)?|bleu(?: score)?|rouge(?:-?[l12])?|wer|cer|word error rate|perplexity|ppl",
    r"mcc|kappa|exact match|ece|entropy",
)  # fmt: skip
_METRIC = (
    rf"(?:(?P<splits>{_SPLITS})(?:\s+(?:set|data|phase|epoch))?[\s_-]+)?"
    rf"(?:(?!mean average precision|average precision)(?:the|total|mean|average|overall|final|per-class)\s+)*"
    rf"(?P<name>{'|'.join(_METRIC_WORDS)})(?![a-z])"
)
_DIGITS = r"[-−]?(?:\d+(?:,\d{3})*\.?\d*|\.\d+)(?:e[-+]?\d+)?"
_NUMBER = (
    rf"(?P<low>{_DIGITS})\s*%?\s*(?:~|–|—|-)\s*(?P<high>\d+\.?\d*)(?P<percents>\s*%|\s*percent)?(?![\w.]\d)"
    rf"|(?P<number>{_DIGITS})(?P<percent>\s*%|\s*percent\b)?(?![\w^/]|\.\d)"
    r"|(?P<word>\bnan\b|\binf(?:inity)?\b|\bzero\b)"
)
_ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"]  # fmt: skip
_EPOCH = (
    r"(?:epochs?|iterations?|steps?)\s*(?:#|~|:|=|number\s)?\s*(?P<epoch>\d+)(?:\s*(?:[-–/]|of)\s*\d+)?(?!\.?\d)"
    r"|(?P<count>\d+)(?:\s*[-–]\s*\d+)?(?:st|nd|rd|th)?\s+(?:epochs?|iterations?|steps?)\b"
    rf"|(?P<ordinal>{'|'.join(_ORDINALS)})\s+(?:epoch|iteration)\b"
)
_DIRECTIONS = {
    "varies": r"var(?:y|ies|ying)|fluctuat\w+|oscillat\w+|jump(?:s|ing|ed)?|noisy|rang(?:es|ed|ing)|unstable|going up and down",
    "constant": (
        r"stay(?:s|ed|ing)?|stuck|constant(?:ly)?|fixed|flat|plateau\w*|hover\w*|remain\w*|always|never changes?|"
        r"(?:does|do|did)(?: not|n't) (?:change|move|improve|decrease|increase|go)|same|stagnat\w+|unchanged|saturat\w+"
    ),
    "rises": (
        r"ris(?:es?|ing)|rose|increas\w+|climb\w*|grow(?:s|ing)?|grew|goes up|going up|go up|went up|explod\w+|"
        r"diverg\w+|degrad\w+|shoots? up|getting higher"
    ),
    "falls": (
        r"fall(?:s|ing)?|fell|decreas\w+|drop\w*|declin\w+|lower(?:s|ed|ing)|reduc\w+|goes down|going down|"
        r"go down|went down|goes lower|shrink\w*|sink\w*|converg\w+"
    ),
    "improves": r"improv\w+|(?:much |marginally |slightly |gets? |getting |got )?better",
    "worsens": r"worsen\w*|deteriorat\w+|(?:much |slightly |gets? |getting |got )?worse",
}  # fmt: skip
_DIRECTION = "|".join(rf"(?P<{name}>\b(?:{words})\b)" for name, words in _DIRECTIONS.items())
_BOUND = r"(?P<bound>[,;:()]|\b(?:while|whereas|but|although|though|however|then|when|and|so)\b)"
_LONE_SPLIT = rf"(?P<lone>\b{_SPLITS}\b(?:\s+(?:set|data))?)"
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"'(I])|\n{2,}")
_COMMON_WORDS = (
    "the a an is are was were be of and but while to after my i i'm we it its in at for "
    "with that this then when does not only from until around about me why how has have "
    "had get getting keeps all on between as so or up down"
)
_COMMON = frozenset(_COMMON_WORDS.split())
_ENOUGH_COMMON = 3
_SPEAKERS = frozenset({"i", "i'm", "my", "we", "our", "the", "it", "it's", "when", "why", "while"})
_LAID_OUT = re.compile(r"[:=|\[{]")
_LOWER_IS_BETTER = frozenset({"loss", "wer", "cer", "perplexity", "hamming", "calibration_error"})
_TO_THE_METRIC = re.compile(r"\s*(?:of\s+|for\s+)?(?:(?:the|our|my|a)\s+)?$", re.IGNORECASE)
_FOR = re.compile(r"\bfor\s+(?:the\s+)?$", re.IGNORECASE)
_TO = re.compile(
    r"(?:\bto|\bthen|->|→|\buntil)\s*(?:about|around|only|just|~|a\s+|an\s+)*\s*$", re.IGNORECASE
)
_NO_VALUE = re.compile(
    r"(?:\bby|\brate|\blr|\bseed|\bversion|\bdivided by|\bfirst|\blast|\btimes|=|\bof class|\bthan|\bsize|\bwithin|\bpatience)\s*$"
    # A setting of the training is no value of the metric that was named before it.
    r"|\b(?:dropout|momentum|decay|smoothing|threshold|gamma|alpha|beta|temperature|fraction|ratio)"
    r"(?:\s+(?:rate|factor|value))?(?:\s+(?:of|is|was|at|to))?\s*$",
    re.IGNORECASE,
)
_CODED = re.compile(r"\b(?:val|valid|eval|test)_(?:loss|acc\w*)", re.IGNORECASE)
_UNIT = re.compile(
    rf"\s*(?:(?:{_SPLIT}|labelled|labeled)\s+)?(?:-?fold|classes|class|images|samples|examples|rows|photos"
    r"|layers|times|gb|ms|min|hours?|orders|models|features|digits)\b"
    r"|\s*of\s+(?:my |the |our |all )*(?:samples|images|data|labels|examples|rows|labels|photos|time)\b",
    re.IGNORECASE,
)
_CODE = re.compile(r"\w\s*=\s*[-\d.'\"\[]|\w:\s*[-\d.]+\s*[-,|]|^\s*[{\[|#>]|\t|\bdef |\bimport ")
_DENIED = re.compile(
    r"\b(?:can't|cannot|not|never|no|don't|doesn't|didn't|won't|without)\s+(?:\w+\s+){0,2}$"
)
_JOINTS = frozenset({"", ",", "and", ", and", "/", "&", "or"})
_MEANWHILE = re.compile(r"\b(?:during|while|when)\s+$", re.IGNORECASE)
_ON = re.compile(r"\s*(?:accuracy\s+)?(?:on|in|for|at)\s+(?:the\s+|my\s+|our\s+)?", re.IGNORECASE)
_SCALES = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_SCALE = re.compile(r"\s*(thousand|million|billion|trillion)\b", re.IGNORECASE)
_PER_CLASS = re.compile(r"\bper[- ]class\b", re.IGNORECASE)


@dataclass(frozen=True)
class Statement:
    """A number that a sentence gives.

    Attributes
    ----------
    split : str or None
    label : str
        The name of the metric.
    value : float
    epoch : int or None
        None where the sentence names none.
    first : bool
        It is what another value of the same sentence came from.
    """

    split: str | None
    label: str
    value: float
    epoch: int | None = None
    first: bool = False


@dataclass
class Told:
    """What a text of sentences says."""

    statements: list[Statement] = field(default_factory=list)
    trends: list[Trend] = field(default_factory=list)


@dataclass
class _Clause:
    """Where a reader is in a sentence: what is spoken of, and what waits for its metric."""

    metrics: list[tuple[str | None, str]] = field(default_factory=list)
    fresh: bool = False
    numbered: bool = False
    epoch: int | None = None
    direction: str | None = None
    waiting: list[float] = field(default_factory=list)
    subject: list[str | None] = field(default_factory=list)
    at: int = 0


def is_prose(line: str) -> bool:
    """Whether a line is a sentence, and no output of a program."""
    words = re.findall(r"[a-z']+", line.casefold())
    common = sum(word in _COMMON for word in words)
    if _CODE.search(line):
        return common >= 2 * _ENOUGH_COMMON
    speaks = words[:1] and words[0] in _SPEAKERS and not _LAID_OUT.search(line)
    return common >= (_ENOUGH_COMMON - 1 if speaks else _ENOUGH_COMMON)


def read_prose(text: str) -> Told:
    """Read sentences.

    Parameters
    ----------
    text : str
        One or several, in English.
    """
    told = Told()
    clause = _Clause()
    for sentence in _SENTENCE.split(text.replace("\n", " ")):
        names_metric = any(token["name"] for token in _token().finditer(sentence))
        clause = _Sentence(sentence, told, clause).read()
        clause = _Clause(metrics=clause.metrics, epoch=None if names_metric else clause.epoch)
    _resolve_splits(told, coded=bool(_CODED.search(text)))
    return told


def rows_of(statements: list[Statement]) -> tuple[str, list[tuple[float, Statement]]]:
    """Give each statement its row.

    Returns
    -------
    {"epoch", "row"}
        What the keys of the rows count.
    list of (float, Statement)
        Those of which a row is known.
    """
    named = [one.epoch for one in statements if one.epoch is not None]
    series: dict[tuple[str | None, str], list[Statement]] = {}
    for one in statements:
        series.setdefault((one.split, recognise(one.label).own), []).append(one)
    length = max(map(len, series.values()), default=0)
    placed: list[tuple[float, Statement]] = []
    for values in series.values():
        known = [one for one in values if one.epoch is not None]
        if not named:
            first = length - len(values) + 1
            placed += [(float(at), one) for at, one in enumerate(values, start=first)]
        elif known:
            # What a value came from stands before it; which epoch that was is not said.
            before = min(1, *(one.epoch or 0 for one in known))
            placed += [(float(before), one) for one in values if one.first and one.epoch is None]
            placed += [(float(one.epoch or 0), one) for one in known]
        else:
            placed.append((float(max(named)), values[-1]))
    return ("epoch" if named else "row"), placed


def _resolve_splits(told: Told, *, coded: bool) -> None:
    """Give what names no split that of the same metric, or the one that is spoken of.

    Where names are those of a program (`coded`), "loss" beside "val_loss" is that of the training.
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

    def resolve(split: str | None, metric: str) -> str | None:
        nonlocal last
        if split:
            last = by_metric[metric] = split
            return split
        if coded and metric in of_val:
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


@lru_cache(maxsize=1)
def _token() -> re.Pattern[str]:
    """The words of the five kinds, compiled when a sentence comes: most logs have none."""
    return re.compile(
        rf"(?<![\w])(?:{_METRIC}|{_EPOCH}|{_DIRECTION}|{_LONE_SPLIT}|(?<![\w.^/])(?:{_NUMBER}))|{_BOUND}",
        re.IGNORECASE,
    )


class _Sentence:
    """One sentence, read from its first word to its last."""

    def __init__(self, text: str, told: Told, clause: _Clause) -> None:
        self._text = text
        self._told = told
        self._clause = clause
        self._tokens = list(_token().finditer(text))
        self._own: list[Statement] = []
        self._taken = -1  # the place of a split that a number before it has taken

    def read(self) -> _Clause:
        for at, token in enumerate(self._tokens):
            if at == self._taken:
                continue
            if token["name"]:
                self._metric(at, token)
            elif token["number"] or token["low"] or token["word"]:
                self._number(at, token)
            elif token["epoch"] or token["count"] or token["ordinal"]:
                self._epoch(token)
            elif token["lone"]:
                self._lone_split(at, token)
            elif token["bound"]:
                self._bound(token["bound"].casefold())
            elif token.lastgroup in _DIRECTIONS:
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
        if _PER_CLASS.search(self._text, max(token.start() - 12, 0), token.end()):
            return
        meanwhile = _MEANWHILE.search(self._text[: token.start()])
        splits = _splits(None if meanwhile else token["splits"])
        if splits == [None] and clause.subject:
            splits = clause.subject
        named = [(split, name) for split in splits]
        before = at - 1
        while before >= 0 and (self._tokens[before]["bound"] or "").casefold() in {",", "and"}:
            before -= 1
        after_metric = before >= 0 and bool(self._tokens[before]["name"])
        joined = after_metric and not clause.numbered and clause.direction is None
        if joined and self._between(before, at) in _JOINTS:
            clause.metrics = [*clause.metrics, *named]
        else:
            if clause.direction and not clause.fresh:
                self._told.trends += _trends(named, clause.direction, clause.epoch)
                clause.direction = None
            elif clause.direction and not clause.numbered:
                self._end_trend()
            clause.metrics = named
        clause.fresh, clause.numbered = True, False
        for value in clause.waiting:
            self._state(value)
        clause.waiting = []

    def _between(self, before: int, at: int) -> str:
        return self._text[self._tokens[before].end() : self._tokens[at].start()].strip().casefold()

    def _number(self, at: int, token: re.Match[str]) -> None:
        clause = self._clause
        before = self._text[clause.at : token.start()]
        clause.at = token.end()
        if _NO_VALUE.search(self._text[: token.start()]) or _UNIT.match(self._text, token.end()):
            return
        scale = _SCALE.match(self._text, token.end())
        values = [
            value * _SCALES[scale[1].casefold()] if scale else value for value in _values(token)
        ]
        if self._split_behind(at, token, values):
            return
        following = self._tokens[at + 1] if at + 1 < len(self._tokens) else None
        if following is not None and following["name"] and len(values) == 1:
            gap = self._text[token.end() : following.start()]
            percent = bool(token["percent"])
            free = not clause.fresh or clause.numbered
            if _TO_THE_METRIC.fullmatch(gap) and (
                _FOR.search(gap) or (percent and not gap.strip(" of")) or free
            ):
                clause.waiting = values
                return
        if not clause.metrics:
            return
        if clause.numbered and self._own and _TO.search(before):
            self._own[-1] = replace(self._own[-1], first=True)
        for value in values:
            self._state(value)

    def _split_behind(self, at: int, token: re.Match[str], values: list[float]) -> bool:
        """Take a number with the split that follows it: "0.9 on train but 0.6 on test"."""
        clause = self._clause
        following = self._tokens[at + 1] if at + 1 < len(self._tokens) else None
        if following is None or not following["lone"]:
            return False
        if not _ON.fullmatch(self._text[token.end() : following.start()]):
            return False
        if not clause.metrics and not (token["percent"] or token["percents"]):
            return False
        # A percentage of a split, without a name, is the share that is right.
        name = clause.metrics[-1][1] if clause.metrics else "accuracy"
        clause.metrics = [(split, name) for split in _splits(following["lone"])]
        for value in values:
            self._state(value)
        clause.fresh = True
        self._taken = at + 1
        return True

    def _state(self, value: float) -> None:
        clause = self._clause
        for split, name in clause.metrics:
            self._own.append(Statement(split, name, value, clause.epoch))
        clause.numbered = True

    def _epoch(self, token: re.Match[str]) -> None:
        clause = self._clause
        if token["ordinal"]:
            epoch = _ORDINALS.index(token["ordinal"].casefold()) + 1
        else:
            epoch = int(token["epoch"] or token["count"])
        lead = self._text[max(token.start() - 16, 0) : token.start()].casefold()
        if re.search(r"(?:first|within|\ball|only|\bevery|\()\s*$", lead):
            return  # how many there are, and not which
        clause.at = token.end()
        if clause.numbered and self._own and self._own[-1].epoch is None:
            last = self._own[-1]
            for number, one in enumerate(self._own):
                if one.epoch is None and one.label == last.label and not one.first:
                    self._own[number] = replace(one, epoch=epoch)
        clause.epoch = epoch

    def _lone_split(self, at: int, token: re.Match[str]) -> None:
        """A split that follows its metric: "accuracy on train and valid"."""
        clause = self._clause
        lead = self._text[max(token.start() - 12, 0) : token.start()].casefold()
        following = self._tokens[at + 1] if at + 1 < len(self._tokens) else None
        if not re.search(r"\b(?:on|for|in|both)\s+(?:the |both )?$", lead) and (
            not lead.endswith("and ") or (following is not None and following["number"])
        ):
            clause.subject = _splits(token["lone"])  # "the test set has 50 % accuracy"
            if clause.metrics and clause.numbered:
                clause.metrics = [(split, clause.metrics[-1][1]) for split in clause.subject]
                clause.numbered = False
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

    def _direct(self, token: re.Match[str]) -> None:
        clause, direction = self._clause, token.lastgroup or ""
        if clause.direction is not None and clause.fresh:
            if direction in {"constant", clause.direction}:
                return
            self._end_trend()
        lead = self._text[max(token.start() - 24, 0) : token.start()].casefold()
        if direction in {"improves", "rises", "falls"} and _DENIED.search(lead):
            direction = "constant"
        clause.direction = direction

    def _bound(self, bound: str) -> None:
        clause = self._clause
        if bound in {"and", ",", "(", ")"} and not clause.direction:
            return  # it may join names or numbers
        self._end_trend()
        clause.direction = None
        if bound not in {"and", ",", "(", ")", "then"}:
            clause.epoch = None
        clause.fresh = False

    def _end_trend(self) -> None:
        clause = self._clause
        if clause.direction and clause.metrics:
            self._told.trends += _trends(clause.metrics, clause.direction, clause.epoch)
        clause.direction = None


def _splits(words: str | None) -> list[str | None]:
    if not words:
        return [None]
    found = [
        SPLIT_WORDS[word] for word in re.findall(r"[a-z]+", words.casefold()) if word in SPLIT_WORDS
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
