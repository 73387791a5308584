"""One line of a log, taken apart: where it belongs, and the numbers with their names."""

from __future__ import annotations

import re
from dataclasses import replace

from whyloss.readers.logs.callbacks import improved, of_now
from whyloss.readers.logs.column_mapping import CALIBRATED
from whyloss.readers.logs.lazy_pattern import LazyPattern
from whyloss.readers.logs.line import Line, Pair
from whyloss.readers.logs.line_places import PROGRESS, TQDM, take_place
from whyloss.readers.logs.metric_names import SPLIT_WORDS, Name, recognise
from whyloss.readers.logs.pieces import MAX_LINE

_NUMBER = r"(?:\d{1,3}(?:,\d{3})+\.\d+|\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|nan\b|inf(?:inity)?\b"
_VALUE = re.compile(
    rf"(?<![\w@.])(?P<sign>[-+−]?)(?P<number>{_NUMBER})(?![\w@])(?!\.\d)"
    rf"(?:\s*/\s*(?P<of>\d+(?:\.0*)?)(?![\w.]))?(?P<percent>\s*%)?"
    rf"(?:\s*\(\s*(?P<mean>[-+]?(?:{_NUMBER}))\s*(?P<share>%?)\s*\)"
    rf"|\s*\(\s*\d+\s*/\s*(?P<counted>\d+)\s*\))?",
    re.IGNORECASE,
)
# What a mean was taken over is no value, and what stands in brackets between a name and its colon
# is no name.
_OVER_BATCHES = LazyPattern(
    r"\s+(?:of|over|on|in)\s+\d+\s+(?:mini-?)?(?:batches|steps|iterations)\b", re.IGNORECASE
)
_ASIDE = LazyPattern(
    r"(?<=\w)(?<!\.\d)(?<!\.\d\d)(?<!\.\d\d\d)(?<!\.\d\d\d\d)\s*\((?:(?P<inner>[^()=:]{1,40})\)(?=\s*[:=]\s*[-\d.])|(?P<words>[A-Za-z][A-Za-z -]{1,30})\)(?=\s+[-\d.]))"
)
_GLUED_SPLIT = LazyPattern(
    r"(?<=\d)(?=(?:train|val|valid|test)(?:ing|idation)?[-_ ]?(?:acc|loss|err))", re.IGNORECASE
)
_OF_A_CLASS = LazyPattern(
    r"\b(?:class|category|label|cls)\s*#?\s*[\w'-]{1,30}\s*$|\b(?:accuracy|acc|recall|precision|f1|auc)\s+(?:of|for)\s+(?:class\b|category\b)",
    re.IGNORECASE,
)
_CALIBRATED = LazyPattern(
    r"^\W*(?:after|with)\s+(?:temperature|calibration|scaling|platt)\b", re.IGNORECASE
)
_SOME_SET = LazyPattern(r"^\W*(?!train)[A-Za-z]\w{2,20} set\s*:", re.IGNORECASE)
_UNCALIBRATED = LazyPattern(
    r"^\W*(?:before|without)\s+(?:temperature|calibration|scaling|platt)\b[\w ]*\W", re.IGNORECASE
)
_OF_TIMM = LazyPattern(
    r"^\s*(?P<split>train|val|test)\w{0,8}\s*:\s*(?P<epoch>\d{1,9})\s+\[", re.IGNORECASE
)
_AFTER = LazyPattern(
    r"(?P<name>\b[a-z][\w ]{0,30}?)\s+(?:after|at|for|in)\s+(?P<index>epoch|step|iteration|iter|batch)"
    r"\s*#?(?P<number>\d+)\s*[:=]",
    re.IGNORECASE,
)
# In running text a percentage may stand before its name.
_BEHIND = LazyPattern(
    r"\s+(?:of\s+)?(?P<name>(?:[a-z]{2,12}\s+){0,2}?(?:accuracy|acc|error|error rate))\b(?!\s*[:=])",
    re.IGNORECASE,
)
# The split of a number that stands before it: "0.95 (train)", "loss=0.2 on the validation set".
_SPLIT_BEHIND = LazyPattern(
    rf"\s*(?:\(|(?P<on>on|for)\s+(?:the\s+)?)\s*(?P<split>{'|'.join(sorted(SPLIT_WORDS, key=len, reverse=True))})"
    r"(?:[ -](?:set|data|split|dataset))?\s*(?:\)|(?=[,.;|]|\s*$|\s+(?:from|at|after|and|but)\b))",
    re.IGNORECASE,
)
_NO_LETTERS = LazyPattern(r"[\W\d_]+")
# What CatBoost prints as the best so far tells whether its number, which has no name, is to rise.
BEST_SO_FAR = "test_sofar"
UNNAMED = ("learn loss", "test loss")
_BEST_OF_CATBOOST = LazyPattern(r"\bbest:\s*(?P<value>[\d.]+)\s*\(\d+\)")
_LETTERS = {"p": "precision", "r": "recall", "f": "f1", "f1": "f1"}
_SOURCE_FILE = LazyPattern(r".*\.(?:py|cpp|cc|cu|c|h|go|rs|js|java)")
_OF_SET = LazyPattern(
    r"accuracy (?:of (?:the )?(?:network|model|net) )?on (?:the )?(?P<n>\d[\d,]{0,12}) (?P<split>train|val|test)\w*"
    r"(?: images| samples| examples)?\s*[:=]\s*(?P<value>[\d.]+)\s*(?P<percent>%?)",
    re.IGNORECASE,
)
_PREFIX = LazyPattern(
    r"^.{0,120}?\b(?:INFO|DEBUG|WARNING|WARN|ERROR)\b\s*"
    r"(?:\|\s*[\w.<>]+:[\w.<>]+:\d+\s*-\s*|\]\s*|:(?!\s)[\w.]+:(?!\s*[-\d.])|[:|-])\s*"
)
_LEVELS = ("INFO", "DEBUG", "WARN", "ERROR")
_FILLER = re.compile(
    r"(?:[\s:=~≈<|'\"\[(→>-]|\b(?:is|was|of|at|about|around|equals|approximately|only|just|"
    r"(?:np\.|numpy\.)?float\d*\(|tensor\(|array\())+$",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[,;|:=!?*\[\](){}\"'\t<>]|\s[-–—]+\s|\s{3,}|[━█▏▎▍▌▋▊▉╸]")
_TIGHT = re.compile(r"[:=]\s*(?:(?:np\.|numpy\.)?(?:float\d*|tensor|array)\()?['\"\[(]*\s*$")
_SPLIT_WORD = re.compile(
    rf"(?<![\w/.-])(?P<split>{'|'.join(sorted(SPLIT_WORDS, key=len, reverse=True))})(?![\w./-]|\s+until)",
    re.IGNORECASE,
)
_SECTION = LazyPattern(
    r"[\W_]*(?:(?:epoch|running|start(?:ing)?|begin)\W+)?"
    rf"(?P<split>{'|'.join(sorted(SPLIT_WORDS, key=len, reverse=True))})"
    r"(?:\W+(?:set|phase|results?|errors?|loop|metrics|performance|mode|epoch|data|summary|scores?|begins?|starts?|started))*[\W_]*",
    re.IGNORECASE,
)
# "fold 2, validation metrics:" is a heading too.
_SECTION_ENDS = LazyPattern(
    rf"(?<![\w/-])(?P<split>{'|'.join(sorted(SPLIT_WORDS, key=len, reverse=True))})\s+"
    r"(?:metrics|results|scores|performance|set|data)(?:\s+(?:for|of|on)\b[^\d:]{0,40})?\s*:\s*",
    re.IGNORECASE,
)
_DECIMAL_COMMA = LazyPattern(r"[:=]\s*-?\d+,\d|(?<![\d,.\[(])0,\d+(?![\d,])")
# How Keras, Lightning, OpenMMLab, the Trainer and scikit-learn print: their training numbers are
# means over the epoch while it lasted.
_RUNNING = (" - loss", " - acc", " - val_", "v_num=", "mmcls", "Epoch(train)", "'grad_norm':")
BOX = str.maketrans("│┃║", "|||")
_SPACES = re.compile(r"\s{4,}")
_NAME_WORD = re.compile(r"[^\W\d][\w.@/&+-]*")
_MOST_WORDS = 4
_LONGEST_GAP = 200
_LONGEST_HEADING = 80
_LONGEST_COUNT = 13
# Before a metric in running text these make another number of it.
_VETO = frozenset(
    [
        "best",
        "highest",
        "lowest",
        "max",
        "maximum",
        "min",
        "minimum",
        "previous",
        "prev",
        "target",
        "total",
    ]
)


def parse_line(text: str, section: str | None = None) -> Line:
    """Take a line apart.

    Parameters
    ----------
    text : str
        One piece of what stood on the screen.
    section : str, optional
        The split that a heading above it named.
    """
    line = Line()
    if not any(map(str.isalpha, text)):
        return line
    text = _SPACES.sub("   ", text[:MAX_LINE])
    if len(text) <= _LONGEST_HEADING and (found := _heading(text)):
        line.section = SPLIT_WORDS[found["split"].casefold()]
        return line
    line.summary = text.lstrip().startswith("* ")
    if says_of_set(text) and (told := _OF_SET.search(text)):
        _take_sentence(told, line)
        line.summary = True
        return line
    rest, cut = of_now(_plainer(text))
    split, rest = take_place(rest, section, line)
    judged = rest.lstrip(" -*|").casefold().startswith(("after", "with", "before"))
    calibrated = judged and bool(_CALIBRATED.search(rest))
    plain = _UNCALIBRATED.sub(" ", rest) if judged else rest
    if split is None:
        split = _split_of(rest, judged=section is None and (calibrated or plain != rest))
    _take_pairs(plain, split or section, line)
    if line.epoch is not None and not line.pairs and (named := _SPLIT_WORD.search(rest)):
        line.of = SPLIT_WORDS[named["split"].casefold()]
    if calibrated:
        line.pairs = [_as_calibrated(pair) for pair in line.pairs]
    if cut and not line.pairs:
        return Line(improved=improved(text))
    if line.within and line.epoch is None and _counts_epochs(text, line):
        line.epoch, line.within = float(line.within[0]), None
    if line.pairs:
        line.words = _NO_LETTERS.sub(" ", text[:_LONGEST_GAP]).strip()
    line.running = any(sign in text for sign in _RUNNING)
    line.by_global_step = "global_step" in text
    return line


def _split_of(text: str, *, judged: bool) -> str | None:
    """Tell the split of a line by what it says beside names.

    Parameters
    ----------
    text : str
    judged : bool
        It is of predictions before or after a temperature was fitted, which are held-out ones.
    """
    if " set" in text and _SOME_SET.match(text):
        return "test"  # a set with a name of its own is evaluated, not trained on
    # An estimator evaluates alone when it says "Saving dict".
    return "val" if judged or "Saving dict" in text else None


def says_of_set(text: str) -> bool:
    """Whether a line is "Accuracy of the network on the 10000 test images: 63 %"."""
    return " on " in text and "ccuracy" in text and bool(_OF_SET.search(text))


def _heading(text: str) -> re.Match[str] | None:
    """Match a line that names the split of those below."""
    plain = _without_prefix(text)
    if not any(map(str.isdigit, plain)) and (found := _SECTION.fullmatch(plain)):
        return found
    found = _SECTION_ENDS.search(plain) if plain.rstrip().endswith(":") else None
    return found if found and found.end() == len(plain) else None


def _counts_epochs(text: str, line: Line) -> bool:
    """Whether a count at the start is one of epochs: a batch has no validation beside it."""
    splits = {pair.split for pair in line.pairs}
    progress = PROGRESS.search(text)
    first = progress is not None and not any(map(str.isdigit, text[: progress.start()]))
    return first and bool(splits & {"val", "test"}) and len(splits) > 1


def _as_calibrated(pair: Pair) -> Pair:
    label = f"{CALIBRATED} {pair.label}"
    return replace(pair, label=label, name=recognise(label))


def _inside(match: re.Match[str]) -> str:
    """Keep of a bracket what names a split or a kind of metric; drop the rest."""
    words = (match["inner"] or match["words"]).casefold().replace("-", "").split()
    known = all(
        word in SPLIT_WORDS or word in {"top1", "top5", "macro", "micro", "avg"} for word in words
    )
    return f" {' '.join(words)} " if known else ""


def _without_prefix(text: str) -> str:
    return _PREFIX.sub("", text, count=1) if any(level in text for level in _LEVELS) else text


def _plainer(text: str) -> str:
    """Write what loggers, LightGBM and people of other countries write as others do."""
    rest = _without_prefix(text.translate(BOX).replace("'s ", " "))
    if rest.lstrip()[:3].casefold() in {"tra", "val", "tes"}:
        rest = _OF_TIMM.sub(r"\g<split>: epoch \g<epoch> [", rest, count=1)
    if any(word in rest for word in ("atch", "step", "iteration")):
        rest = _OVER_BATCHES.sub("", rest)
    rest = _GLUED_SPLIT.sub(" ", rest)
    if any(word in rest for word in (" after ", " at ", " for ", " in ")):
        rest = _AFTER.sub(r"\g<index> \g<number> \g<name>:", rest, count=1)
    if "(" in rest:
        rest = _ASIDE.sub(_inside, rest)
    if "top" in rest or "Top" in rest:
        rest = re.sub(r"\b(top)[ -]([15])\b", r"\1\2", rest, flags=re.IGNORECASE)
    if "learn:" in rest:
        rest = _BEST_OF_CATBOOST.sub(rf"{BEST_SO_FAR}: \g<value>", rest)
    if "," in rest and _DECIMAL_COMMA.search(rest) and not re.search(r"\d\.\d", rest):
        rest = re.sub(r"(?<![\d,])(\d+),(\d+)(?![\d,])", r"\1.\2", rest)
    return rest


def _take_sentence(told: re.Match[str], line: Line) -> None:
    split = SPLIT_WORDS[told["split"].casefold()]
    try:
        value = float(told["value"].rstrip("."))
    except ValueError:
        return
    line.sizes[split] = int(told["n"].replace(",", ""))
    line.pairs.append(
        Pair("accuracy", recognise("accuracy"), value, split, percent=bool(told["percent"]))
    )


def _take_pairs(text: str, split: str | None, line: Line) -> None:
    """Find the numbers, and before each of them its name."""
    end = 0
    context, attached = split, None
    found: list[tuple[Pair, str | None]] = []
    since = 0
    for match in _VALUE.finditer(text):
        gap = text[end : match.start()][-_LONGEST_GAP:]
        sign = match["sign"]
        joined = gap[-2:-1].isalnum() and gap[-1:] == "-"  # such a dash is no sign
        if joined and match["number"].isdigit():
            continue  # it belongs to a name, such as top-1
        end = match.end()
        core = _FILLER.sub("", gap)
        for word in _SPLIT_WORD.finditer(core):
            context = SPLIT_WORDS[word["split"].casefold()]
        if match["percent"] and text[end : end + 1] == "|":
            continue  # of a bar
        named = (
            _name(core, tight=bool(_TIGHT.search(gap)), boosting=line.boosting)
            or (_name_beside(text, core, end, line) if match["percent"] else None)
            or (_same_again(text, core, end, found) if found else None)
        )
        if named is None:
            continue
        if _is_of_a_class(text[max(match.start() - _LONGEST_GAP, 0) : match.start()], named[0]):
            continue
        label, name = named
        attached = name.split or attached
        line.means |= bool(match["mean"] and not match["of"] and not match["share"])
        found.append((_pair(label, name, match, sign, context), attached))
        if after := _behind(text, end):
            end, since = after.end(), _place_behind(found, since, after)
    if found and (bar := TQDM.search(text)) and "]" not in text[bar.end() :]:
        found.pop()  # the terminal was too narrow for its last digits
    line.pairs = _spelled_out(_placed(found))


def _behind(text: str, end: int) -> re.Match[str] | None:
    """Match the split that stands behind a number which ends there."""
    following = text[end : end + 12].lstrip().casefold()
    return _SPLIT_BEHIND.match(text, end) if following.startswith(("(", "on ", "for ")) else None


def _is_of_a_class(before: str, label: str) -> bool:
    """Whether a number is that of one class alone, as the words before its name say."""
    lower = before.casefold()
    if not any(word in lower for word in ("class", "categor", "label", "cls", " of ", " for ")):
        return False
    return bool(_OF_A_CLASS.search(_FILLER.sub("", before).removesuffix(label)))


def _place_behind(found: list[tuple[Pair, str | None]], since: int, behind: re.Match[str]) -> int:
    """Give numbers the split that stands behind them: behind "on" all of the phrase, else the last."""
    split = SPLIT_WORDS[behind["split"].casefold()]
    first = since if behind["on"] else len(found) - 1
    found[first:] = [
        (pair if pair.name.split else replace(pair, split=split), attached)
        for pair, attached in found[first:]
    ]
    return len(found)


def _name_beside(text: str, core: str, end: int, line: Line) -> tuple[str, Name] | None:
    """Find the name of a percentage that has none before it: "Train: 93.1%", "93 % accuracy"."""
    words = core.split()
    if line.epoch is not None and words and words[-1].casefold() in SPLIT_WORDS:
        label = f"{words[-1]} accuracy"
        return label, recognise(label)
    behind = _BEHIND.match(text, end)
    return behind and _name(behind["name"], tight=False, boosting=False)


def _same_again(
    text: str, core: str, end: int, found: list[tuple[Pair, str | None]]
) -> tuple[str, Name] | None:
    """Give the name of the number before, where another split of it follows: "0.9 (train) 0.7 (val)"."""
    last = found[-1][0]
    if core.strip(" ,;/") or last.name.split or not _behind(text, end):
        return None
    return last.label, last.name


def _spelled_out(pairs: list[Pair]) -> list[Pair]:
    """Write p, r and f as what they stand for, where they stand together."""
    if not {"p", "r"} <= {pair.label.casefold() for pair in pairs}:
        return pairs
    found = []
    for pair in pairs:
        label = _LETTERS.get(pair.label.casefold(), pair.label)
        found.append(replace(pair, label=label, name=recognise(label)))
    return found


def _name(core: str, *, tight: bool, boosting: bool) -> tuple[str, Name] | None:
    """Find the name at the end of what stands before a number."""
    words: list[str] = []
    for word in reversed(_CLAUSE.split(core)[-1].split()):
        if len(words) == _MOST_WORDS or not _NAME_WORD.fullmatch(word):
            break
        words.insert(0, word)
    for start in range(len(words)):
        label = " ".join(words[start:])
        name = recognise(label)
        if name.kind in {"metric", "regression"} and not name.head:
            before = words[start - 1].casefold() if start else ""
            if before in _VETO:
                return None
            # With a colon the words before belong to the name; in running text they do not.
            if before and tight:
                label = " ".join(words[max(0, start - 2) :])
            return label, recognise(label)
    if not words or not tight:
        return None
    if boosting and words[-1].casefold() in SPLIT_WORDS:  # CatBoost does not name its loss
        label = f"{words[-1]} loss"
        return label, recognise(label)
    name = recognise(words[-1])
    if _SOURCE_FILE.fullmatch(words[-1]):
        return None
    return (words[-1], name) if name.metric and name.kind not in {"noise", "index"} else None


def _pair(label: str, name: Name, match: re.Match[str], sign: str, split: str | None) -> Pair:
    value = float(match["number"].replace(",", ""))
    if match["mean"] is not None and not match["share"] and not match["of"]:
        return Pair(label, name, float(match["mean"].replace(",", "")), split, mean=True)
    whole = match["of"] or match["counted"]
    n_samples = None
    if whole and name.metric == "accuracy" and len(whole) < _LONGEST_COUNT and float(whole) > 1:
        n_samples = int(float(whole))
    if match["of"] and n_samples and value <= n_samples:
        value /= n_samples
    if sign in {"-", "−"}:
        value = -value
    return Pair(label, name, value, split, bool(match["percent"]) and not match["of"], n_samples)


def _placed(found: list[tuple[Pair, str | None]]) -> list[Pair]:
    """Give names without a split the one that the words before them say, where that holds."""
    plain = [pair.label.casefold() for pair, _ in found if pair.name.split is None]
    # A bare loss beside val_loss is that of the training, whatever the words around say.
    beside = any(pair.name.split == "val" and pair.name.own == "loss" for pair, _ in found)
    bare = any(pair.name.split is None and pair.name.own == "loss" for pair, _ in found)
    placed = []
    for pair, attached in found:
        split = pair.split
        if pair.name.split is not None:
            split = pair.name.split
        elif beside and bare and plain.count(pair.label.casefold()) == 1:
            split = None
        elif split is None and plain.count(pair.label.casefold()) > 1:
            split = attached
        placed.append(replace(pair, split=split))
    return placed
