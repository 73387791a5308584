"""The words of sentences about a training, and what may stand around them.

A sentence is read as words of five kinds: a metric (with its split), a number, an epoch, a direction,
and a boundary between clauses. What is no value of a metric (a setting, a count, a number that
somebody expects) is told by the words around the number.
"""

from __future__ import annotations

import re
from functools import lru_cache

from whyloss.readers.logs.lazy_pattern import LazyPattern
from whyloss.readers.logs.metric_names import SPLIT_WORDS

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
# "0.9/0.6" is two numbers; "3/10" is none.
_NO_SLASH = r"(?:(?<![\w.^/])|(?<=\.\d/)|(?<=\.\d\d/)|(?<=\.\d\d\d/)|(?<=\.\d\d\d\d/)|(?<=%/))"
_NUMBER = (
    rf"(?P<low>{_DIGITS})\s*%?\s*(?:~|–|—|-)\s*(?P<high>\d+\.?\d*)(?P<percents>\s*%|\s*percent)?(?![\w.]\d)"
    rf"|(?P<number>{_DIGITS})(?P<percent>\s*%|\s*percent\b)?(?![\w^]|/(?!\s*\d*\.\d)|\.\d)"
    r"|(?P<word>\bnan\b|\binf(?:inity)?\b|\bzero\b)"
)
ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"]  # fmt: skip
_NTH = rf"{'|'.join(ORDINALS)}|\d+(?:st|nd|rd|th)"
_EPOCH = (
    r"(?:epochs?|iterations?|steps?)\s*(?:#|~|:|=|number\s)?\s*(?P<epoch>\d+)(?:\s*(?:[-–/]|of)\s*\d+)?(?!\.?\d)"
    rf"|(?P<ordinal>{_NTH})\s+(?:epoch|iteration|step)\b"
    r"|(?P<count>\d+)(?:\s*[-–]\s*\d+)?\s+(?:epochs?|iterations?|steps?)\b"
    rf"|(?:after|by|at|until|till|from|since|in|on|to) the (?P<nth>{_NTH})(?=\s*(?:[.,;:()]|$|one\b|and\b|while\b|but\b|on\b))"
)
DIRECTIONS = {
    "varies": r"var(?:y|ies|ying)|fluctuat\w+|oscillat\w+|jump(?:s|ing|ed)?|noisy|rang(?:es|ed|ing)|unstable|going up and down|up and down|bounc(?:es|ed|ing|e)",
    "constant": (
        r"stay(?:s|ed|ing)?|stuck|constant(?:ly)?|fixed|flat|plateau(?:s|ed|ing)?|hover\w*|remain\w*|always|never changes?|"
        r"(?:does|do|did|is|are|was)(?: not|n't) (?:really |even )?(?:chang(?:e|ing)|mov(?:e|ing)|improv(?:e|ing)|decreas(?:e|ing)|"
        r"increas(?:e|ing)|go(?:ing)?)|(?:hardly|barely|scarcely) (?:chang|mov|improv|budg|decreas|increas)\w+|"
        r"same|stagnat\w+|unchanged|saturat\w+"
    ),
    "rises": (
        r"ris(?:es?|ing)|rose|increas\w+|climb\w*|grow(?:s|ing)?|grew|(?:goes|going|go|went|keeps) up|explod\w+|"
        r"diverg\w+|degrad\w+|shoots? up|getting (?:higher|bigger|larger)|gets (?:higher|bigger|larger)"
    ),
    "falls": (
        r"fall(?:s|ing)?|fell|decreas\w+|drop(?:s|ped|ping)?|declin\w+|lower(?:s|ed|ing)|reduc(?:es|ed|ing|e)|"
        r"(?:goes|going|go|went|keeps) (?:down|lower)|shrink\w*|sink\w*|converg\w+|getting (?:lower|smaller)|gets (?:lower|smaller)"
    ),
    "improves": r"improv\w+|(?:much |marginally |slightly |gets? |getting |got )?better",
    "worsens": r"worsen\w*|deteriorat\w+|(?:much |slightly |gets? |getting |got )?worse",
}  # fmt: skip
_DIRECTION = "|".join(rf"(?P<{name}>\b(?:{words})\b)" for name, words in DIRECTIONS.items())
_BOUND = r"(?P<bound>[,;:()]|\b(?:while|whereas|but|although|though|however|then|when|and|so)\b)"
_LONE_SPLIT = rf"(?P<lone>\b{_SPLITS}\b(?P<data>\s+(?:set|data|split|phase|dataset))?)"

THOUSANDS = LazyPattern(r"(?<=\d) (?=000\b)")  # "2 000 000"
SENTENCE = LazyPattern(r"(?<=[.!?])\s+(?=[A-Z\"'(I])|\n{2,}")
_COMMON_WORDS = (
    "the a an is are was were be of and but while to after my i i'm we it its in at for "
    "with that this then when does not only from until around about me why how has have "
    "had get getting keeps all on between as so or up down"
)
_COMMON = frozenset(_COMMON_WORDS.split())
_ENOUGH_COMMON = 3
_SPEAKERS = frozenset({"i", "i'm", "my", "we", "our", "the", "it", "it's", "when", "why", "while"})
_VERB_WORDS = (
    "reaches reached reach gives gave gets got stays stayed stuck remains plateaus hovers rises rose increases "
    "increased decreases decreased falls fell drops dropped climbs climbed goes went whereas although though "
    "than better worse higher lower vs"
)
_VERBS = frozenset(_VERB_WORDS.split())
# "Epoch 00007: val_acc did not improve from 0.9", as callbacks of Keras say.
_CALLBACK = LazyPattern(r"\s*epoch \d+\s*:", re.IGNORECASE)
_LAID_OUT = LazyPattern(r"[:=|\[{]")
_CODE = LazyPattern(r"\w\s*=\s*[-\d.'\"\[]|\w:\s*[-\d.]+\s*[-,|]|^\s*[{\[|#>]|\t|\bdef |\bimport ")
CODED = LazyPattern(r"\b(?:val|valid|eval|test)_(?:loss|acc\w*)", re.IGNORECASE)

# --- around a number --------------------------------------------------------------------------------

TO_THE_METRIC = LazyPattern(r"\s*(?:of\s+|for\s+)?(?:(?:the|our|my|a)\s+)?$", re.IGNORECASE)
FOR = LazyPattern(r"\bfor\s+(?:the\s+)?$", re.IGNORECASE)
TO = LazyPattern(
    r"(?:\bto|\bthen|->|→|\buntil)\s*(?:about|around|only|just|~|a\s+|an\s+)*\s*$", re.IGNORECASE
)
NO_VALUE = LazyPattern(
    r"(?:\bby|\brate|\blr|\bseed|\bversion|\bdivided by|\bfirst|\blast|\btimes|=|\bof class|\bsize|\bwithin|\bpatience)\s*$"
    # A setting of the training is no value of the metric that was named before it.
    r"|\b(?:dropout|momentum|decay|smoothing|threshold|gamma|alpha|beta|temperature|fraction|ratio)"
    r"(?:\s+(?:rate|factor|value))?(?:\s+(?:of|is|was|at|to))?\s*$",
    re.IGNORECASE,
)
_THINGS = (
    rf"(?:(?:{_SPLIT}|labelled|labeled)\s+)?(?:-?fold|classes|class|images|samples|examples|rows|photos"
    r"|layers|times|gb|ms|min|hours?|orders|models|features|digits|sequences|sentences|patients|points\b)\b"
)
ON_MANY = LazyPattern(
    r"\b(?:on|over|for|with)\s+(?:(?:a|the|about|only|all)\s+)*\d[\d,]*\s+$", re.IGNORECASE
)
COUNTED = LazyPattern(
    r"\s+(?:mode|images|samples|examples|rows|photos|sequences|sentences|patients)\b", re.IGNORECASE
)
UNIT = LazyPattern(
    rf"\s*(?:(?:to|or|-|–)\s*\d+\s*)?{_THINGS}"
    r"|\s*(?:positives?|negatives?)\b|\s*of\s+(?:my |the |our |all )*(?:samples|images|data|labels|examples|rows|labels|photos|time)\b",
    re.IGNORECASE,
)
# "Greater than 1" bounds a number; "more than 90 %" is one.
BOUNDS = LazyPattern(
    r"\b(?:greater|more|less|higher|larger|bigger|lower|better|worse|smaller|other|rather) than\s*$",
    re.IGNORECASE,
)
# What somebody expects or has read of is no number of this training.
_HOPED = LazyPattern(
    r"(?<!as )\bexpect\w*|\bshould\b|\bpapers?\b|\bbaseline\b|state[- ]of[- ]the[- ]art|\bsota\b|\bgoal\b"
    r"|\btarget (?:is|of|accuracy)|\bwould\b|\bhop(?:e|ing)\b|\bsuppos\w+|\bwant\b|random(?:ly)? guess\w*"
    r"|\bby chance\b|\bhow (?:can|do|to|should)\b",
    re.IGNORECASE,
)
_AT_EPOCH = LazyPattern(
    r"\s*%?\s*[(,]?\s*(?:(?:at|after|in|by|on|for)\s+)?(?:(?:the|about|around|only|just|~)\s+)*",
    re.IGNORECASE,
)
_WHICH = LazyPattern(
    r"\b(?:after|by|until|till|at|from|since|in|past|around|beyond|up to)\s+(?:(?:about|around|only|just|some|roughly|approximately|the|~)\s*)*$",
    re.IGNORECASE,
)
_ONWARDS = LazyPattern(
    r"\b(?:after|from|since|around|about|past|beyond|at)\s+(?:(?:about|around|the|only|~)\s*)*$",
    re.IGNORECASE,
)
_HOW_MANY = LazyPattern(r"(?:\bfirst|\blast|\bwithin|\ball|\bonly|\bevery|\()\s*$", re.IGNORECASE)
_GOES_ON_WORDS = (
    "about around roughly approximately nearly almost just even reaches reached reach reaching hits hit "
    "gets got value values level equals finally initially eventually best still high low near close stable "
    "starting starts start started began begins begin ended ends end ending first last later again back "
    "max maximum min minimum settles settled achieve achieved achieves percent now currently becomes became "
    "turns turned steadily slowly quickly rapidly suddenly significantly slightly gradually respectively both "
    "vs versus somewhere goes went going moves moved hardly very they mine ours little bit more less than e.g"
)
_GOES_ON = _COMMON.union(_GOES_ON_WORDS.split()) - {"have", "had", "with"}

# --- around a metric or a direction -----------------------------------------------------------------

# The loss of one sample, or of a few, is not that of the split.
OF_SOME = LazyPattern(
    r"\b(?:median|per[- ](?:sample|image|example|token|class)|individual|single)\s+$"
    r"|\b(?:samples|images|examples|rows|points|batches)\s+(?:have|with|had|has)\s+(?:an?\s+|the\s+)?$",
    re.IGNORECASE,
)
DURING = LazyPattern(r"\bduring\s+$", re.IGNORECASE)
PER_CLASS = LazyPattern(r"\bper[- ]class\b", re.IGNORECASE)
JOINTS = frozenset({"", ",", "and", ", and", "/", "&", "or"})
BETWEEN_NUMBERS = JOINTS | {"vs", "vs.", "versus", "compared to", "against"}
COMPARED = LazyPattern(
    r"\b(?:than|vs\.?|versus|compared (?:to|with))\s*(?:(?:the|my|our|its)\s+)?$", re.IGNORECASE
)
# "80 % for training" tells how the data were divided.
DIVIDED = LazyPattern(
    r"\bsplit|\bdivid|\bpartition|\bratio\b|\bheld[- ]out|\bhold[- ]out|\breserv", re.IGNORECASE
)
ON = LazyPattern(r"\s*(?:accuracy\s+)?(?:on|in|for|at)\s+(?:the\s+|my\s+|our\s+)?|\s*\(\s*(?:on\s+)?", re.IGNORECASE)  # fmt: skip
OF_SPLIT = LazyPattern(r"\b(?:on|for|in|both)\s+(?:the |both |my |our )?$", re.IGNORECASE)
# "It reaches 90 %": a share of what is right, also without a name.
REACHES = LazyPattern(
    r"\b(?:reach(?:es|ed)?|gets?|got|achiev(?:es|ed)|obtain(?:s|ed)?|from)\s+(?:(?:only|about|around|just|to|up)\s+)*$",
    re.IGNORECASE,
)
# What may stand between a split and the number of it: "on test only 0.6".
IS = frozenset(
    {"", "is", "was", "only", "it is", "i get", "just", "about", "around", "it's", "we get"}
)
OF_DATA = LazyPattern(r"\b(?:on|in|at)\b|\(", re.IGNORECASE)
SCALES = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
SCALE = LazyPattern(r"\s*(thousand|million|billion|trillion)\b", re.IGNORECASE)
DENIED = LazyPattern(
    r"\b(?:can't|cannot|not|never|no|don't|doesn't|didn't|won't|isn't|without|hardly|barely|scarcely|fails? to)\s+(?:\w+\s+){0,2}$"
)
_OF_ELSE = LazyPattern(
    r"\s+(?:the\s+|my\s+|its\s+)?(?:learning|lr\b|batch|number|size|dropout|model\b|epochs?\b|layers?\b|complexity"
    r"|regulari|weights?\b|capacity|threshold|temperature|amount|dimension)",
    re.IGNORECASE,
)
_INFINITIVE = LazyPattern(r"(\w+)\s+to\s+(?:\w+ly\s+)?$")
_DOES = LazyPattern(r"start|beg[aiu]n|continu|seem|appear|tend|keep")
_MAY = LazyPattern(r"\b(?:can|could|may|might|will|would|should|must)\s+(?:\w+\s+)?$")


def is_prose(line: str) -> bool:
    """Whether a line is a sentence, and no output of a program."""
    if _CALLBACK.match(line):
        return False
    words = re.findall(r"[a-z']+", line.casefold())
    common = sum(word in _COMMON or word in _VERBS for word in words)
    if _CODE.search(line):
        return common >= 2 * _ENOUGH_COMMON
    speaks = words[:1] and words[0] in _SPEAKERS and not _LAID_OUT.search(line)
    return common >= (_ENOUGH_COMMON - 1 if speaks else _ENOUGH_COMMON)


@lru_cache(maxsize=1)
def token() -> re.Pattern[str]:
    """The words of the five kinds, compiled when a sentence comes: most logs have none."""
    return re.compile(
        rf"(?<![\w])(?:{_METRIC}|{_EPOCH}|{_DIRECTION}|{_LONE_SPLIT})|{_NO_SLASH}(?:{_NUMBER})|{_BOUND}",
        re.IGNORECASE,
    )


def is_hoped_for(text: str) -> bool:
    """Whether the words before a number or a direction make it one that somebody expects."""
    return bool(_HOPED.search(text))


def goes_on(text: str) -> bool:
    """Whether the words before a number hold nothing else that it could be the number of."""
    plain = token().sub(lambda match: match["bound"] or " ", text)
    return all(word in _GOES_ON for word in re.findall(r"[a-z][a-z'.]*", plain.casefold()))


def happens(before: str, after: str) -> bool:
    """Whether a direction says what a metric does, and not what somebody wants or does himself."""
    lead = before.casefold()
    if (
        after.lstrip().startswith("than")
        or _OF_ELSE.match(after)
        or is_hoped_for(lead)
        or _MAY.search(lead)
    ):
        return False
    infinitive = _INFINITIVE.search(lead)
    return infinitive is None or bool(_DOES.match(infinitive[1]))


def is_at_epoch(gap: str) -> bool:
    """Whether what stands between a number and an epoch makes it the number of that epoch."""
    return bool(_AT_EPOCH.fullmatch(gap))


def says_which(lead: str, *, ordinal: bool) -> bool:
    """Whether an epoch is named, and no number of epochs."""
    return bool(ordinal or _WHICH.search(lead)) and not _HOW_MANY.search(lead)


def says_since(lead: str) -> bool:
    """Whether the words before an epoch make it the first of several."""
    return bool(_ONWARDS.search(lead))
