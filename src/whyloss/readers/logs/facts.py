"""What the text around the numbers says of the task: classes, sizes, loss and activation."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from whyloss.data.history import TaskFacts
from whyloss.readers.logs.lazy_pattern import LazyPattern
from whyloss.readers.logs.metric_names import SPLIT_WORDS

if TYPE_CHECKING:
    from whyloss.data.history import Trend


# Words without which a line cannot hold a fact of a kind; its patterns are compiled at first use.
_CLASS_WORDS = ("class", "label", "categor", "binary")
_NAME_WORDS = (
    "mnist", "cifar", "imagenet", "svhn", "stl", "nli", "sst", "imdb", "news", "pedia", "iris",
    "titanic", "ucf", "hmdb", "kinetics", "modelnet", "esc-", "urbansound", "gtsrb", "places", "cub",
    "food", "flowers", "pets", "stanford cars", "cola", "mrpc", "qqp", "rte", "trec", "polarity", "cats",
)  # fmt: skip
_SIZE_WORDS = (
    "sample", "example", "image", "instance", "sentence", "record", "rows", "files", "documents", "size",
    "length", "running", "train", "valid", "test",
)  # fmt: skip
_SETTING_WORDS = (
    "batch", "smooth", "rate", "lr", "temperature", "weight", "regulari", "penalty",
)  # fmt: skip
_MODEL_WORDS = (
    "dense", "linear", "softmax", "sigmoid", "entropy", "bce", "focal", "hinge", "dice", "ctc", "mse",
    "squared", "nll",
)  # fmt: skip
_SMALL = [
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
]
_COUNT = rf"(?P<n>\d{{1,5}}|{'|'.join(_SMALL)})"
_CLASSES = (
    LazyPattern(r"(?<!\w)(?:num|n|nb|number)_?(?:of_?)?(?:classes|labels|class)['\"]?\s*[:=]\s*(?P<n>\d{1,5})\b", re.IGNORECASE),
    LazyPattern(rf"\bbelonging to {_COUNT} classes", re.IGNORECASE),
    LazyPattern(r"\bnumber of (?:classes|labels|categories)(?: is|:| =)?\s*(?P<n>\d{1,5})\b", re.IGNORECASE),
    LazyPattern(rf"(?<![\w.,-]){_COUNT}[- ](?:(?:different|distinct|balanced|output|target|possible)\s)?(?:classes|categories)\b", re.IGNORECASE),
    LazyPattern(rf"(?<![\w.,-]){_COUNT}[- ]class\b", re.IGNORECASE),
)  # fmt: skip
_BINARY = LazyPattern(
    r"\bbinary (?:\w+ )?(?:classif\w+|problem|task|labels?|targets?)\b|\btwo-class\b",
    re.IGNORECASE,
)
# Data sets that everybody knows, and their numbers of classes.
_DATA_SETS = {
    r"(?:fashion[- ]?)?mnist|kmnist|cifar[-_ ]?10(?!0)|svhn|stl[-_ ]?10|imagenette|urbansound8k|modelnet10": 10,
    r"cifar[-_ ]?100": 100, r"tiny[-_ ]?imagenet": 200, r"(?<!tiny-)(?<!tiny )imagenet(?:-?1k)?": 1000,
    r"food[-_ ]?101|ucf[-_ ]?101": 101, r"flowers[-_ ]?102": 102, r"oxford[-_ ](?:iiit[-_ ])?pets?": 37,
    r"cub[-_ ]?200": 200, r"stanford cars": 196, r"gtsrb": 43, r"places365": 365, r"hmdb[-_ ]?51": 51,
    r"kinetics[-_ ]?400": 400, r"kinetics[-_ ]?600": 600, r"kinetics[-_ ]?700": 700,
    r"modelnet40": 40, r"esc-50": 50, r"ag[-_ ]?news": 4, r"dbpedia": 14, r"20[-_ ]?newsgroups?": 20,
    r"mnli|snli|multinli": 3, r"imdb|sst-?2|qnli|qqp|mrpc|rte|cola|yelp polarity|titanic|cats (?:vs|and) dogs": 2,
    r"trec-6": 6, r"iris": 3,
}  # fmt: skip
_DATA_SET = LazyPattern(
    r"(?<![\w])(?:"
    + "|".join(f"(?P<d{at}>{name})" for at, name in enumerate(_DATA_SETS))
    + r")(?![\w])",
    re.IGNORECASE,
)
_KNOWN_COUNTS = tuple(_DATA_SETS.values())

_SPLIT = "|".join(sorted(SPLIT_WORDS, key=len, reverse=True))
_THINGS = r"(?:samples|examples|images|instances|sentences|sequences|records|rows|files|documents|photos|patients|points)"
_N = r"(?P<n>\d[\d,]{0,12})(?![\w/]|[.,]\d)(?!\s*(?:%|percent|epochs|classes|steps|batches))"
_ABOUT = r"(?:(?:only|just|about|around|approximately|roughly|~|of|a total of)\s*)*"
_SIZES = (
    LazyPattern(r"train on (?P<n>\d{1,12}) (?P<split>)samples", re.IGNORECASE),
    LazyPattern(r"(?P<split>validate) on (?P<n>\d{1,12}) samples", re.IGNORECASE),
    # "2,000 validation images", "7000 train + 700 dev sentences"
    LazyPattern(
        rf"(?<![\w.])(?P<n>\d[\d,]{{0,12}}) (?P<split>{_SPLIT})(?:ing)?(?:\s*\+|\s+(?:set\s+)?{_THINGS}\b)", re.IGNORECASE
    ),
    # "30 for validation", "120 images for testing"
    LazyPattern(
        rf"(?<![\w.])(?P<n>\d[\d,]{{0,12}})(?:\s+{_THINGS})?\s+for\s+(?:the\s+)?(?P<split>{_SPLIT})(?:ing)?(?!\w|\s+(?:loss|acc))",
        re.IGNORECASE,
    ),
    LazyPattern(rf"(?<![A-Za-z0-9])n_(?P<split>{_SPLIT})\s*[:=]\s*(?P<n>\d{{1,12}})", re.IGNORECASE),
    # a size behind a colon or a verb: "the validation set has only 20 images"
    LazyPattern(
        rf"\b(?P<split>{_SPLIT})(?:ing)?(?:[ _]?(?:data(?:set)?|set|split|image|sample|{_THINGS})){{0,3}}[ _]?(?:size|length|count)?"
        rf"(?:\s*[:=]|\s+(?:is|are|has|have|contains?|consists?|with|of|includes?)\b|(?<=data)|(?<=set))"
        rf"\s*[:=]?\s*{_ABOUT}{_N}(?=\s*$|\s*[,.;)\n]|\s+(?:labell?ed\s+)?{_THINGS}\b|\s+of\b|\s+and\b)", re.IGNORECASE,
    ),
)  # fmt: skip
# "1224/1224 [====] - 29s 24ms/sample", where a bar counts samples
_SHARE_WORDS = ("negative", "positive", "imbalanc", "ratio", "other", "class")
_OF_A_KIND = r"(?:negatives?|positives?)\b"
_SHARE_OF_TWO = LazyPattern(
    rf"(?<![\d.])(?P<share>\d{{1,2}}(?:\.\d+)?)\s?(?:%|percent) (?:of (?:the |my |our |all )*(?:\w+ )?(?:samples|data|images|labels|examples|rows|targets|cases) )?"
    rf"(?:(?:are|is|being|belong to|have) (?:the )?(?:(?:label |class )?[01]s?\b|zeros?\b|ones\b|{_OF_A_KIND})|{_OF_A_KIND})",
    re.IGNORECASE,
)
_COUNTS_OF_TWO = (
    LazyPattern(rf"(?<![\d.])(?P<one>\d[\d,]{{0,9}}) (?:\w+ )?{_OF_A_KIND}\D{{1,30}}?(?P<two>\d[\d,]{{0,9}}) (?:\w+ )?{_OF_A_KIND}", re.IGNORECASE),
    LazyPattern(
        r"(?<![\d.])(?P<one>\d[\d,]{0,9}) (?:\w+ )?of (?:one|the first|the one)\b[^\d.]{1,40}?(?P<two>\d[\d,]{0,9}) (?:\w+ )?of (?:the )?(?:other|second)",
        re.IGNORECASE,
    ),
    LazyPattern(
        r"(?:imbalanc\w+|class ratio|ratio of (?:the )?(?:two )?classes|(?:positive|negative)s? (?:to|vs\.?) (?:positive|negative)s?)\D{0,25}?"
        r"(?P<one>\d{1,4}(?:\.\d+)?)\s*[:/]\s*(?P<two>\d{1,4}(?:\.\d+)?)", re.IGNORECASE,
    ),
)  # fmt: skip
_BAR_OF_SAMPLES = LazyPattern(r"(?P<n>\d{1,12})/(?P=n) \[=+\] - \d+s \d+[mu]?s/sample")
_FOUND = LazyPattern(
    r"\bfound (?P<n>\d{1,9}) (?:validated )?(?:images?|image filenames|files|samples)",
    re.IGNORECASE,
)
_RUNNING = LazyPattern(r"running (?P<split>training|evaluation|prediction)", re.IGNORECASE)
_EXAMPLES = LazyPattern(r"num examples\s*=\s*(?P<n>[\d,]+)", re.IGNORECASE)
_RATE = LazyPattern(
    r"(?P<split>eval|test|train)_(?P<what>runtime|samples_per_second)['\"]?\s*[:=]\s*['\"]?"
    r"(?P<value>\d+(?::\d+)*(?:\.\d+)?)", re.IGNORECASE,
)  # fmt: skip

_BATCH = LazyPattern(
    r"\bbatch[_ ]?size['\"]?\s*(?:[:=]|of|is|was)?\s*(?P<value>\d{1,6})\b", re.IGNORECASE
)
_SMOOTHING = LazyPattern(
    r"\blabel[_ ]smoothing(?:_factor)?['\"]?\s*(?:[:=]|of|is|at)?\s*(?P<value>0?\.\d+)",
    re.IGNORECASE,
)
_LEARNING_RATE = LazyPattern(
    r"\b(?:learning[_ ]rate|lr)['\"]?\s*(?:[:=]|of|is|was|to)\s*(?P<value>\d*\.?\d+(?:e-?\d+)?)\b",
    re.IGNORECASE,
)
_TEMPERATURE = LazyPattern(
    r"\b(?:optimal|fitted|learned|best|calibration) temperature\s*(?:[:=]|is|of)?\s*(?P<value>\d+(?:\.\d+)?)",
    re.IGNORECASE,
)
_WEIGHTS = LazyPattern(
    r"\bclass[_ ]weights?\b(?!['\"]?\s*[:=]\s*none)|\bpos_weight\b|\bweighted (?:cross|bce|ce\b|loss function)",
    re.IGNORECASE,
)
_REGULARISED = LazyPattern(
    r"(?:kernel|bias|activity)_regularizer|\bl[12][- ](?:regularis|regulariz|penalty)|regularizers\.",
    re.IGNORECASE,
)
_LAYER = LazyPattern(
    r"\bDense\(\s*(?:units\s*=\s*)?(?P<n>\d{1,6})\s*,\s*(?:activation\s*=\s*)?['\"](?P<activation>softmax|sigmoid|linear)['\"]"
)
_ACTIVATION = LazyPattern(
    r"activation\s*=\s*['\"]?(?:tf\.nn\.|nn\.)?(?P<one>softmax|sigmoid)\b|\bnn\.(?:Log)?(?P<two>Softmax|Sigmoid)\(|"
    r"\b(?P<three>softmax|sigmoid) (?:output|layer as|at the (?:end|output))", re.IGNORECASE,
)  # fmt: skip
_LINEAR = LazyPattern(r"\b(?:nn\.)?Linear\(.{0,60}?(?:out_features\s*=\s*|,\s*)(?P<n>\d{1,6})\b")
_LOSS_FUNCTIONS = (
    (LazyPattern(r"(?:binary[_ ]?cross[_ -]?entropy|\bBCE(?:WithLogits)?Loss|\bBCE\b)", re.IGNORECASE), "binary cross-entropy"),
    (LazyPattern(r"focal[_ ]?loss", re.IGNORECASE), "focal"),
    (LazyPattern(r"\bhinge\b", re.IGNORECASE), "hinge"),
    (LazyPattern(r"\bdice[_ ]loss", re.IGNORECASE), "dice"),
    (LazyPattern(r"\bCTC(?:Loss)?\b|ctc_loss"), "ctc"),
    (LazyPattern(r"loss\s*=\s*['\"](?:mse|mean_squared_error)|nn\.MSELoss|\bMSE loss\b|mean squared error loss", re.IGNORECASE), "mse"),
    (LazyPattern(r"cross[_ -]?entropy|\bNLLLoss\b|\bnll_loss\b", re.IGNORECASE), "cross-entropy"),
)  # fmt: skip


@dataclass
class TextFacts:
    """What lines of text have said so far.

    Attributes
    ----------
    sizes : dict of str to int
        Number of samples by split.
    n_classes : int or None
    class_shares : tuple of float or None
        Of the split that was evaluated.
    trends : list of Trend
    notes : list of str
        Where a fact comes from, where that is not plain.
    """

    sizes: dict[str, int] = field(default_factory=dict)
    n_classes: int | None = None
    class_shares: tuple[float, ...] | None = None
    trends: list[Trend] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _contradicted: bool = False
    _by_name: tuple[str, int] | None = None
    _rates: dict[tuple[str, str], float] = field(default_factory=dict)
    _running: str | None = None
    _batch_size: int | None = None
    _n_outputs: int | None = None
    _activation: str | None = None
    _loss_function: str | None = None
    _label_smoothing: float | None = None
    _learning_rate: float | None = None
    _class_weights: bool | None = None
    _regularised: bool | None = None
    _fitted_temperature: float | None = None

    def note_classes(self, n: int) -> None:
        """Take a number of classes; two that differ say nothing."""
        if n < 2:
            return
        self._contradicted |= self.n_classes not in {None, n}
        self.n_classes = n

    def read(self, text: str) -> bool:
        """Take what one line says; tell whether it said anything.

        Parameters
        ----------
        text : str
            The line, in English words.
        """
        lower = text.casefold()
        before = self._state()
        for words, read in (
            (_CLASS_WORDS, self._read_classes),
            (_NAME_WORDS, self._read_name),
            (_SIZE_WORDS, self._read_sizes),
            (_SHARE_WORDS, self._read_shares),
            (_SETTING_WORDS, self._read_setting),
            (_MODEL_WORDS, self._read_model),
        ):
            if any(word in lower for word in words):
                read(text)
        return before != self._state()

    def _state(self) -> tuple[object, ...]:
        return self.n_classes, dict(self.sizes), self.class_shares, self.task_facts(), self._by_name

    def task_facts(self) -> TaskFacts:
        """Give what is known of the task."""
        return TaskFacts(
            batch_size=self._batch_size,
            n_outputs=self._n_outputs,
            activation=self._activation,
            loss_function=self._loss_function,
            label_smoothing=self._label_smoothing,
            learning_rate=self._learning_rate,
            class_weights=self._class_weights,
            regularised=self._regularised,
            fitted_temperature=self._fitted_temperature,
            trends=tuple(dict.fromkeys(self.trends)),
        )

    def known_classes(self) -> tuple[int | None, list[str]]:
        """Give the number of classes, and what to say of where it comes from."""
        if self.n_classes is not None:
            if self._contradicted:
                return None, ["Several numbers of classes are named in the text: none is used."]
            return self.n_classes, []
        if self._n_outputs == 1 and self._activation == "sigmoid":
            return 2, ["One sigmoid output: the task has 2 classes."]
        if self._activation == "softmax" and self._n_outputs is not None and self._n_outputs > 1:
            return self._n_outputs, []
        if self._by_name is not None:
            name, n = self._by_name
            return n, [
                f"The number of classes, {n}, is taken from the name of the data set, {name}."
            ]
        return None, []

    def _read_classes(self, text: str) -> None:
        for pattern in _CLASSES:
            if match := pattern.search(text):
                said = match["n"].casefold()
                self.note_classes(_SMALL.index(said) + 2 if said in _SMALL else int(said))
                break
        else:
            if _BINARY.search(text):
                self.note_classes(2)

    def _read_name(self, text: str) -> None:
        if named := _DATA_SET.search(text):
            n = _KNOWN_COUNTS[int((named.lastgroup or "d0")[1:])]
            self._by_name = self._by_name or (named.group(), n)

    def _read_sizes(self, text: str) -> None:
        if "train" not in self.sizes and (bar := _BAR_OF_SAMPLES.search(text)):
            self.sizes["train"] = int(bar["n"])
        for pattern in _SIZES:
            for match in pattern.finditer(text):
                word = match["split"].casefold()
                self.sizes[SPLIT_WORDS.get(word, "train")] = int(match["n"].replace(",", ""))
        if (found := _FOUND.search(text)) and "val" not in self.sizes:
            self.sizes["val" if "train" in self.sizes else "train"] = int(found["n"])
        if running := _RUNNING.search(text):
            self._running = {"training": "train", "evaluation": "val"}.get(
                running["split"].casefold()
            )
        if self._running and (examples := _EXAMPLES.search(text)):
            self.sizes[self._running] = int(examples["n"].replace(",", ""))
        if "runtime" in text or "samples_per_second" in text:
            self._read_rates(text)

    def _read_shares(self, text: str) -> None:
        """Take the shares of two classes: "93 % are negative", "120 of one and 30 of the other"."""
        if "predict" in text:
            return  # what a model says is no share of the data
        for pattern in _COUNTS_OF_TWO:
            if match := pattern.search(text):
                one, two = (float(match[name].replace(",", "")) for name in ("one", "two"))
                break
        else:
            if not (match := _SHARE_OF_TWO.search(text)):
                return
            one = float(match["share"])
            two = 100 - one
        if one > 0 < two and self.n_classes in {None, 2}:
            self.note_classes(2)
            self.class_shares = one / (one + two), two / (one + two)
            self.notes.append(
                f"The text gives the shares of two classes: {100 * one / (one + two):.1f} % and "
                f"{100 * two / (one + two):.1f} %."
            )

    def _read_rates(self, text: str) -> None:
        """Work out a size from a runtime and a speed, as the Trainer prints both."""
        for match in _RATE.finditer(text):
            seconds = 0.0
            for part in match["value"].split(":"):
                seconds = 60 * seconds + float(part)
            self._rates[SPLIT_WORDS[match["split"].casefold()], match["what"].casefold()] = seconds
        for split in ("val", "test"):
            runtime = self._rates.pop((split, "runtime"), None)
            speed = self._rates.get((split, "samples_per_second"))
            if runtime is not None and speed is not None and split not in self.sizes:
                self.sizes[split] = round(runtime * speed)
                self.notes.append(
                    f"n_{split} is about {self.sizes[split]}: runtime times samples per second."
                )
            elif runtime is not None:
                self._rates[split, "runtime"] = runtime

    def _read_setting(self, text: str) -> None:
        if match := _BATCH.search(text):
            self._batch_size = int(match["value"])
        if match := _SMOOTHING.search(text):
            self._label_smoothing = float(match["value"])
        if self._learning_rate is None and (match := _LEARNING_RATE.search(text)):
            self._learning_rate = float(match["value"])
        if match := _TEMPERATURE.search(text):
            self._fitted_temperature = float(match["value"])
        if _WEIGHTS.search(text):
            self._class_weights = True
        if _REGULARISED.search(text):
            self._regularised = True

    def _read_model(self, text: str) -> None:
        if match := _LAYER.search(text):
            self._n_outputs = int(match["n"])
            self._activation = match["activation"]
        elif match := _ACTIVATION.search(text):
            self._activation = (match["one"] or match["two"] or match["three"]).casefold()
        elif match := _LINEAR.search(text):
            self._n_outputs = int(match["n"])
        for pattern, name in _LOSS_FUNCTIONS:
            if pattern.search(text):
                self._loss_function = name
                break
