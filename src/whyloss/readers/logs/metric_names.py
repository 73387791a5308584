"""What a name in somebody's log means: of which split, which metric, and in which form."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

_SPLITS = {
    "train": "train training trn tr learn",
    "val": "val valid validation validating validate vali vld dev eval evaluation evaluating verification",
    "test": "test testing tst",
}
SPLIT_WORDS = {word: split for split, words in _SPLITS.items() for word in words.split()}
_GENERIC = frozenset({"eval", "evaluation", "evaluating"})

# Words that say how a number was gathered, and change nothing about which number it is.
_NEUTRAL_WORDS = (
    "avg average averaged cur current data dataset done end final history image images list log logs mean "
    "metric metrics overall phase result results s scalar scalars set split values"
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
    "batches best bound change counter cuda delta device diff dur duration elapsed eta flos fps gpu hp hour hours "
    "improve index instances it ips lower max mem memory min minutes ms num patience prev previous reader remaining runtime "
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
        "top1 accuracy|top1 acc|top1|acc 1|acc1|accuracy 1|prec 1|prec1|precision 1|accuracy1|"
        "correct|percent correct|mean token accuracy|token accuracy|accuracy token"
    ),
    "top5_accuracy": (
        "top5 accuracy|top5 acc|top5|acc 5|acc5|prec 5|prec5|top k accuracy 5|k top5 accuracy|"
        "top k categorical accuracy|sparse top k categorical accuracy|accuracy 5"
    ),
    "auc": "auc|roc auc|auroc|rocauc|aucroc|roc auc score|area under curve|c statistic",
    "auc_pr": "pr auc|aucpr|auprc|average precision|auc prc|ap|prauc|average precision score",
    "map": (
        "map|mean average precision|map50|map 50|map50 95|map 50 95|map 0 5|map 0 5 0 95|bbox map|"
        "bbox map 50|segm map|map b|map50 b|map50 95 b"
    ),
    "f1": (
        "f1|f1 score|fscore|f score|f1score|f measure|macro f1|f1 macro|f1 score macro|macro f1score|total f1|"
        "weighted f1|f1 weighted|f1 score weighted|micro f1|f1 micro|f1 score micro|f beta"
    ),
    "precision": "precision|pre|precision macro|macro precision|precision weighted|precision score",
    "recall": "recall|rec|sensitivity|tpr|recall macro|macro recall|recall weighted|recall score",
    "specificity": "specificity|tnr",
    "balanced_accuracy": (
        "balanced accuracy|balanced acc|bacc|bal acc|balacc|bal accuracy|balanced accuracy score|mean class accuracy|uar|"
        "unweighted average recall|mean acc per class"
    ),
    "mcc": "mcc|matthews corrcoef|matthews correlation|matthews correlation coefficient",
    "kappa": "kappa|cohen kappa|cohens kappa|cohen kappa score|qwk|quadratic weighted kappa",
    "exact_match": "exact match|em|exact|exact match accuracy|sequence accuracy",
    "iou": "iou|mean iou|miou|jaccard|jaccard index|jaccard score|intersection over union",
    "dice": "dice|dice coefficient|dice coef|dice score|dsc|mean dice|mdice",
    "bleu": "bleu|bleu4|bleu 4|sacrebleu|bleu score",
    "rouge": "rouge|rougel|rouge l|rouge1|rouge 1|rouge2|rouge 2|rougelsum",
    "meteor": "meteor",
    "ndcg": "ndcg|ndcg 5|ndcg 10|ndcg 5 10",
    "mrr": "mrr|mean reciprocal rank",
    "wer": "wer|word error rate",
    "cer": "cer|character error rate|char error rate",
    "hamming": "hamming|hamming loss|hammingloss",
    "entropy": "entropy|policy entropy|token entropy|prediction entropy|output entropy",
    "calibration_error": "ece|calibration error|expected calibration error",
    "brier": "brier|brier score|brier loss|brierscore",
    "learning_rate": "lr|learning rate|learningrate",
    "perplexity": "perplexity|ppl",
}
_CROSS_ENTROPY = (
    "cross entropy|crossentropy|cross entropy loss|crossentropy loss|categorical crossentropy|"
    "categorical cross entropy|sparse categorical crossentropy|binary crossentropy|"
    "binary cross entropy|ce|ce loss|xent|xent loss|xentropy|nll|nll loss|log loss|logloss|"
    "binary logloss|multi logloss|mlogloss|multiclass|multi class|softmax loss|bce|bce loss|cls loss|"
    "classification loss|crossentropyloss|softmax with loss|softmaxwithloss|softmax with loss1|"
    "negative log likelihood|bcewith logits loss|multi class one vs all"
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
_SEVERAL = {"mlogloss", "multi logloss", "merror", "multi error", "multiclass", "multi class"}
_PLURALS = {
    "losses": "loss", "accuracies": "accuracy", "accs": "acc", "errors": "error", "scores": "score",
    "aucs": "auc", "precisions": "precision", "recalls": "recall", "f1s": "f1",
    "perplexities": "perplexity", "costs": "cost", "entropies": "entropy",
}  # fmt: skip
# Terms of a loss that are no cross-entropy of classes: kept, but never taken for the loss.
_OTHER_TERMS_WORDS = (
    "reg regularization regularisation regularizer regularization_loss decay penalty kl "
    "kld recon reconstruction box bbox dfl rpn mask obj objectness aux auxiliary adv "
    "adversarial commitment consistency distill distillation regression gan generator "
    "discriminator l1 l2 orthogonality sparsity load balancing router"
)
_OTHER_TERMS = frozenset(_OTHER_TERMS_WORDS.split())
_HEADLESS = frozenset({"cost", "objective", "correct", "pre", "rec", "em", "exact", "ap", "map"})


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
    likely : bool
        The name is misspelt, and was understood by its likeness to a known one.
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
    likely: bool = False

    @property
    def own(self) -> str:
        """The name of the metric, with the output that it belongs to."""
        return f"{self.head}_{self.metric}" if self.head else self.metric

    @property
    def measures(self) -> bool:
        """Whether it is a loss or a score, and no setting such as the learning rate."""
        return self.kind == "metric" and self.metric != "learning_rate"


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
_LONG_WORD = 5
_SYNONYMS = _synonyms() | {("score",): Name("metric", "accuracy", rank=_SCORE)}
_GLUED = re.compile(
    r"(train|training|trn|tr|valid|validation|val|test|tst|dev|eval)"
    r"(loss|accuracy|acc|error|err|auc|f1)"
)
# Words that a misspelt one may be likened to.
_SPELLED = [
    "train",
    "training",
    "valid",
    "validation",
    "testing",
    "accuracy",
    "precision",
    "recall",
    "error",
    "perplexity",
    "entropy",
    "categorical",
]
_ALL_WORDS = (
    frozenset(word for key in _SYNONYMS for word in key)
    | SPLIT_WORDS.keys() | _PROSE | _NOISE | _PER.keys() | _PLURALS.keys()
)  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+\d*|\d+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=(?:Loss|Acc|Accuracy|Error)\b)")
_ONE_WORD = re.compile(r"(?<![A-Za-z])(?:m?AP(?![A-Za-z])|mIoU|IoU|mDice|AUCs|BCEWith(?=Logits))")


def words_of(phrase: str) -> list[str]:
    """Take a name apart: ``valTop-1 Acc`` is val, top1, acc."""
    text = _ONE_WORD.sub(lambda match: match.group().casefold(), phrase)
    text = _CAMEL.sub(" ", text).casefold()
    found: list[str] = []
    for word in _WORD.findall(text):
        glued = _GLUED.fullmatch(word)
        if glued:
            found += glued.groups()
        elif found and found[-1] == "top" and word in {"1", "5"}:
            found[-1] += word
        else:
            found.append(_PLURALS.get(word, word))
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
    name = _understood(words, prose=" " in phrase)
    if name.kind == "own" or name.head:
        likely = [_likest(word) for word in words]
        if likely != words:
            second = _understood(likely, prose=" " in phrase)
            if second.kind == "metric" and not second.head:
                return replace(second, likely=True)
    return name


def _understood(words: list[str], *, prose: bool) -> Name:
    joined = " ".join(words)
    plain = " ".join(word for word in words if word not in _NEUTRAL)
    if plain in _INDEX:
        return Name("index", _INDEX[plain])
    if len(words) == 2 and words[0] in SPLIT_WORDS and words[1] == "l":
        return Name("metric", "loss", split=SPLIT_WORDS[words[0]])
    if not words or _NOISE.intersection(words) or "samples" in words or joined == "batch cost":
        return Name("noise", "")
    split, number, rest = _split_off(words)
    per = None
    told: list[str] = []
    for word in rest:
        if word in _PER and len(rest) > 1:
            per = per if per == "step" else _PER[word]
        else:
            told.append(word)
    neutral = _PROSE if prose else _NEUTRAL
    scores = [word for word in told if word not in neutral]
    found = _exactly(told) or _exactly(scores) or _partly(told)
    if found.kind == "own" and not scores:
        return Name("noise", "")
    if found.rank == _SCORE and split != "val":  # anything may be called a score
        found = Name("own", "score")
    return replace(found, split=split, per=per, number=number)


def _likest(word: str) -> str:
    """Give the known word that differs from a misspelt one by one letter, else the word itself."""
    if len(word) < _LONG_WORD or word in _ALL_WORDS:
        return word
    near = [known for known in _SPELLED if known[0] == word[0] and _one_apart(word, known)]
    return near[0] if len(near) == 1 else word


def _one_apart(one: str, two: str) -> bool:
    """Whether one letter was added, left out or replaced, or two neighbours changed places."""
    if abs(len(one) - len(two)) > 1:
        return False
    at = next((n for n, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), None)
    if at is None:
        return len(one) != len(two)
    swapped = one[at + 1 : at + 2] + one[at : at + 1] + one[at + 2 :]
    return (
        one[at + 1 :] in {two[at + 1 :], two[at:]}
        or one[at:] == two[at + 1 :]
        or swapped == two[at:]
    )


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
    named = [word for word in rest if word in SPLIT_WORDS]
    if len(named) > 1:  # eval_test_loss is that of the test set
        rest = [word for word in rest if word not in _GENERIC or named.count(word) == len(named)]
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
    if _OTHER_TERMS.intersection(words):
        return Name("own", "_".join(words))
    for size in range(len(words) - 1, 0, -1):
        for inner, outer in ((words[-size:], words[:-size]), (words[:size], words[size:])):
            if size == 1 and inner[0] in _HEADLESS:
                continue
            if found := _SYNONYMS.get(tuple(sorted(inner))):
                return replace(found, head="_".join(outer))
    return Name("own", "_".join(words))
