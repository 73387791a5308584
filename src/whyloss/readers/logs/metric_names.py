"""What a name in somebody's log means: of which split, which metric, and in which form."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

_SPLITS = {
    "train": "train training trn tr learn",
    "val": "val valid validation validating validate vali vld dev eval evaluation evaluating",
    "test": "test testing tst",
}
SPLIT_WORDS = {word: split for split, words in _SPLITS.items() for word in words.split()}

# Words that say how a number was gathered, and change nothing about which number it is.
_NEUTRAL_WORDS = (
    "avg average averaged current data dataset end final history image images log logs mean metric "
    "metrics overall phase result results s scalar scalars set split"
)
_PROSE_WORDS = "a an at for in is my of on our the this was"  # but not in a_loss

_PER_STEP = "batch iter iteration mini minibatch step"
_PER = dict.fromkeys(_PER_STEP.split(), "step") | {"epoch": "epoch"}
_INDEX = {
    "epoch": "epoch", "ep": "epoch", "step": "step", "global step": "step", "gstep": "step",
    "iter": "step", "iteration": "step", "iterations": "step", "round": "step", "trainer step": "step",
}  # fmt: skip
# A name with one of these is no score of a model, whatever else it says.
_NOISE_WORDS = (
    "best bound change counter cuda delta device diff dur duration elapsed eta flos fps gpu hp hour hours "
    "improve instances it lower max mem memory min minutes ms num patience prev previous remaining runtime "
    "scale sec second seconds seed size speed std target threshold throughput time timestamp "
    "upper vs wall"
)
_NEUTRAL = frozenset(_NEUTRAL_WORDS.split())
_PROSE = _NEUTRAL.union(_PROSE_WORDS.split())
_NOISE = frozenset(_NOISE_WORDS.split())
_REGRESSION = frozenset(
    tuple(sorted(name.split()))
    for name in (
        "rmse", "mae", "mse", "rmspe", "mape", "smape", "msle", "rmsle", "medae", "mad", "r2", "r 2",
        "r2 score", "mse loss", "mae loss", "l1", "l2", "huber", "huber loss", "smooth l1", "quantile",
        "mean squared error", "mean absolute error", "mean absolute percentage error",
        "root mean squared error", "mean squared logarithmic error", "explained variance",
        "poisson nloglik", "gamma nloglik", "gamma deviance", "mphe", "tweedie",
    )
)  # fmt: skip

# The better names of a metric stand first: where two of them differ, the first counts.
_PLAIN = {
    "loss": "loss|cost|objective",
    "total_loss": "total loss|loss total",
    "weighted_loss": "weighted loss",
    "accuracy": (
        "accuracy|acc|accuracy score|acc score|categorical accuracy|sparse categorical accuracy|"
        "binary accuracy|multiclass accuracy|multiclassaccuracy|binaryaccuracy|"
        "top1 accuracy|top1 acc|top1|acc 1|acc1|accuracy 1|prec 1|prec1"
    ),
    "top5_accuracy": (
        "top5 accuracy|top5 acc|top5|acc 5|acc5|prec 5|prec5|top k accuracy 5|k top5 accuracy|"
        "top k categorical accuracy|sparse top k categorical accuracy|accuracy 5"
    ),
    "auc": "auc|roc auc|auroc|rocauc|aucroc|roc auc score",
    "auc_pr": "pr auc|aucpr|auprc|average precision|auc prc",
    "f1": "f1|f1 score|fscore|f score|f1score",
    "precision": "precision",
    "recall": "recall",
    "mcc": "mcc|matthews corrcoef|matthews correlation",
    "learning_rate": "lr|learning rate|learningrate",
    "perplexity": "perplexity|ppl",
}
_CROSS_ENTROPY = (
    "cross entropy|crossentropy|cross entropy loss|crossentropy loss|categorical crossentropy|"
    "categorical cross entropy|sparse categorical crossentropy|binary crossentropy|"
    "binary cross entropy|ce|ce loss|xent|xent loss|xentropy|nll|nll loss|log loss|logloss|"
    "binary logloss|multi logloss|mlogloss|multiclass|softmax loss|bce|bce loss|cls loss|"
    "classification loss|crossentropyloss"
)
_ERRORS = {
    "accuracy": (
        "error|err|error rate|err rate|classification error|misclass|misclassification|"
        "misclassification rate|misclass rate|merror|binary error|multi error|top1 error|top1 err|"
        "err 1|err1|zero one loss|0 1 loss"
    ),
    "top5_accuracy": "top5 error|top5 err|err 5|err5",
}
# Names that are printed for one kind of task alone.
_TWO = {"binary logloss", "binary error"}
_SEVERAL = {"mlogloss", "multi logloss", "merror", "multi error"}


@dataclass(frozen=True, slots=True)
class Name:
    """What a name means.

    Attributes
    ----------
    kind : {"metric", "regression", "index", "noise", "own"}
        "own" is a number that whyloss does not know and keeps under its own name.
    metric : str
        The name that whyloss uses; for an index, "epoch" or "step".
    split : str or None
        "train", "val" or "test" where the name says so.
    head : str
        What else it says, such as the output that it belongs to.
    inverted : bool
        An error rate, which is one minus the metric.
    cross_entropy : bool
        A loss that is a cross-entropy by its name.
    rank : int
        Lower is better among names of the same metric.
    per : {"epoch", "step"} or None
        What the number was taken over, where the name says so.
    number : int or None
        Which of several sets of one split, as in ``validation_1``.
    task : {"binary", "multiclass"} or None
        The only task that the name is printed for.
    """

    kind: str
    metric: str
    split: str | None = None
    head: str = ""
    inverted: bool = False
    cross_entropy: bool = False
    rank: int = 0
    per: str | None = None
    number: int | None = None
    task: str | None = None

    @property
    def own(self) -> str:
        """The name of the metric, with the output that it belongs to."""
        return f"{self.head}_{self.metric}" if self.head else self.metric


def _synonyms() -> dict[tuple[str, ...], Name]:
    known: dict[tuple[str, ...], Name] = {}
    for metric, names in _PLAIN.items():
        for rank, name in enumerate(names.split("|")):
            known[tuple(sorted(name.split()))] = Name("metric", metric, rank=rank)
    for rank, name in enumerate(_CROSS_ENTROPY.split("|")):
        task = "binary" if name in _TWO else "multiclass" if name in _SEVERAL else None
        known[tuple(sorted(name.split()))] = Name(
            "metric", "loss", cross_entropy=True, rank=rank, task=task
        )
    for metric, names in _ERRORS.items():
        for rank, name in enumerate(names.split("|")):
            task = "binary" if name in _TWO else "multiclass" if name in _SEVERAL else None
            known[tuple(sorted(name.split()))] = Name(
                "metric", metric, inverted=True, rank=100 + rank, task=task
            )
    return known


_SCORE = 50
_SYNONYMS = _synonyms() | {("score",): Name("metric", "accuracy", rank=_SCORE)}
_GLUED = re.compile(
    r"(train|trn|tr|valid|val|test|tst|dev|eval)(loss|accuracy|acc|error|err|auc|f1)"
)
_WORD = re.compile(r"[^\W\d_]+\d*|\d+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def words_of(phrase: str) -> list[str]:
    """Take a name apart: ``valTop-1 Acc`` is val, top1, acc."""
    text = _CAMEL.sub(" ", phrase).casefold()
    found: list[str] = []
    for word in _WORD.findall(text):
        glued = _GLUED.fullmatch(word)
        if glued:
            found += glued.groups()
        elif found and found[-1] == "top" and word in {"1", "5"}:
            found[-1] += word
        else:
            found.append(word)
    return found


@lru_cache(maxsize=4096)
def recognise(phrase: str) -> Name:
    """Say what a name means.

    Parameters
    ----------
    phrase : str
        As it stands in the log, such as ``Validation Loss``, ``val_acc`` or ``eval-merror``.
    """
    words = words_of(phrase)
    joined = " ".join(words)
    if joined in _INDEX:
        return Name("index", _INDEX[joined])
    if not words or _NOISE.intersection(words) or "samples" in words:
        return Name("noise", "")
    split, number, rest = _split_off(words)
    per = None
    told: list[str] = []
    for word in rest:
        if word in _PER and len(rest) > 1:
            per = per if per == "step" else _PER[word]
        else:
            told.append(word)
    neutral = _PROSE if " " in phrase else _NEUTRAL
    scores = [word for word in told if word not in neutral]
    found = _exactly(told) or _exactly(scores) or _partly(told)
    if found.kind == "own" and not scores:
        return Name("noise", "")
    if found.rank == _SCORE and split != "val":  # anything may be called a score
        found = Name("own", "score")
    return replace(found, split=split, per=per, number=number)


def _split_off(words: list[str]) -> tuple[str | None, int | None, list[str]]:
    """Take the split out of a name, and which of several sets it names."""
    rest = list(words)
    number = None
    for marker in (["dataloader", "idx"], ["dataloader"]):
        for at in range(len(rest) - len(marker)):
            end = at + len(marker)
            if rest[at:end] == marker and rest[end].isdigit():
                number = int(rest[end])
                del rest[at : end + 1]
                break
    for at, word in enumerate(rest):
        if word in SPLIT_WORDS:
            del rest[at]
            if at < len(rest) - 1 and rest[at].isdigit() and number is None:
                number = int(rest.pop(at))
            return SPLIT_WORDS[word], number, rest
    return None, number, rest


def _exactly(words: list[str]) -> Name | None:
    """Find the metric that the words name, in whatever order."""
    key = tuple(sorted(words))
    if key in _REGRESSION:
        return Name("regression", "_".join(words))
    if len(words) > 1 and words[-1].isdigit():  # as Keras numbers the metrics of later models
        return _SYNONYMS.get(key) or _exactly(words[:-1])
    return _SYNONYMS.get(key)


def _partly(words: list[str]) -> Name:
    """Find a metric at the end or the start of the words, and call the others its head."""
    for size in range(len(words) - 1, 0, -1):
        for inner, outer in ((words[-size:], words[:-size]), (words[:size], words[size:])):
            if found := _SYNONYMS.get(tuple(sorted(inner))):
                return replace(found, head="_".join(outer))
    return Name("own", "_".join(words))
