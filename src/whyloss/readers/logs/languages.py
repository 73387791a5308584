"""Words of other languages for splits, metrics and epochs, as English ones.

Only words that name something a log may hold are known; the others stay as they are. A word
that a language uses for two metrics (Spanish *precisión*, Russian *точность*) is read as the one
that the libraries' documentation in that language uses it for, and the reader says so.
"""

from __future__ import annotations

import re
from functools import lru_cache

from whyloss.readers.logs.lazy_pattern import LazyPattern

_PUNCTUATION = str.maketrans("，。；：（）【】％、＝｜／　", ",.;:()[]%,=|/ ")
_CHINESE = {
    "训练集": "train", "訓練集": "train", "训练": "train", "訓練": "train",
    "验证集": "validation", "驗證集": "validation", "验证": "validation", "驗證": "validation",
    "测试集": "test", "測試集": "test", "测试": "test", "測試": "test",
    "损失函数": "loss", "损失值": "loss", "损失": "loss", "損失": "loss",
    "准确率": "accuracy", "準確率": "accuracy", "正确率": "accuracy", "正確率": "accuracy",
    "准确度": "accuracy", "精度": "accuracy", "错误率": "error rate", "錯誤率": "error rate",
    "精确率": "precision", "查准率": "precision", "召回率": "recall", "查全率": "recall",
    "困惑度": "perplexity", "学习率": "learning rate", "學習率": "learning rate",
    "平均": "mean", "轮次": "epoch", "迭代次数": "step", "迭代": "step", "步数": "step",
}  # fmt: skip
# Words of sentences about a training, in Chinese, Japanese and Korean.
_CHINESE |= {
    "为什么": "why", "為什麼": "why", "一直": "always", "始终": "always", "停在": "stuck at", "卡在": "stuck at",
    "停留在": "stuck at", "保持": "stays", "维持": "stays", "不变化": "constant", "不变": "constant", "没有变化": "constant",
    "没变化": "constant", "没什么变化": "constant", "几乎没": "hardly", "无法改变": "constant", "没法改变": "constant",
    "不下降": "is not decreasing", "不上升": "is not increasing", "上升": "rises", "升高": "rises", "增加": "rises",
    "增大": "rises", "变大": "rises", "上涨": "rises", "下降": "falls", "降低": "falls", "减少": "falls", "减小": "falls",
    "变小": "falls", "震荡": "fluctuates", "波动": "fluctuates", "左右": "", "附近": "", "只有": "only", "达到": "reaches",
    "但是": "but", "但": "but", "而": "while", "之后": "after", "从": "from", "到": "to", "是": "is", "为": "is",
    "検証": "validation", "学習": "train", "正解率": "accuracy", "テスト": "test", "エポック": "epoch",
    "減少": "falls", "変わらない": "constant", "固定": "fixed", "一定": "constant",
    "손실": "loss", "로스": "loss", "정확도": "accuracy", "검증": "validation", "훈련": "train", "학습": "train",
    "테스트": "test", "에폭": "epoch", "에포크": "epoch", "증가": "rises", "감소": "falls", "지만": "but",
}  # fmt: skip
_NTH_EPOCH = LazyPattern(r"第\s*(\d+)\s*(?:/\s*\d+\s*)?(?:轮|輪|个?\s*(?:epoch|周期)|次迭代|代)")
# A stem and what may follow it; all in lower case.
_STEMS = {
    # German
    r"trainings?verlust": "train loss", r"validierungs?verlust": "validation loss",
    r"testverlust": "test loss", r"trainings?genauigkeit": "train accuracy",
    r"validierungs?genauigkeit": "validation accuracy", r"testgenauigkeit": "test accuracy",
    r"verluste?s?": "loss", r"genauigkeit(?:en)?": "accuracy", r"treffergenauigkeit": "accuracy",
    r"validierung(?:s(?:daten|satz|menge))?": "validation", r"trainings(?:daten|satz|menge)": "train",
    r"fehlerrate|fehlerquote": "error rate", r"lernrate": "learning rate", r"epoche": "epoch",
    # Spanish, with and without its accents
    r"p[ée]rdidas?": "loss", r"exactitud": "accuracy", r"precisi[óo]n": "accuracy",
    r"entrenamiento": "train", r"validaci[óo]n": "validation", r"prueba": "test",
    r"tasa de error": "error rate", r"[ée]poca": "epoch", r"exhaustividad": "recall",
    # French
    r"perte": "loss", r"exactitude": "accuracy", r"(?:entra[îi]nement|apprentissage)": "train",
    r"taux d['’]erreur": "error rate", r"[ée]poque": "epoch", r"rappel": "recall",
    # Portuguese and Italian
    r"perda": "loss", r"acur[áa]cia": "accuracy", r"treinamento|treino": "train",
    r"valida[çc][ãa]o": "validation", r"teste": "test", r"perdita": "loss",
    r"accuratezza": "accuracy", r"addestramento": "train", r"validazione": "validation",
    # Russian
    r"(?:функци[яи] )?потер[ьияей]+": "loss", r"лосс": "loss", r"точност[ьи]ю?": "accuracy",
    r"обуч[а-яё]+|трен[а-яё]+": "train", r"валидац[а-яё]+|валидаци[а-яё]+": "validation",
    r"тест[а-яё]*": "test", r"эпох[аеиу]": "epoch", r"полнот[аы]": "recall",
    r"доля ошибок|частота ошибок": "error rate", r"скорость обучения": "learning rate",
    # What sentences say of them
    r"steig(?:t|en|end)|erh[öo]ht sich": "rises", r"sink(?:t|en)|f[äa]llt|fallen": "falls",
    r"bleib(?:t|en)": "stays", r"schwank(?:t|en)": "fluctuates", r"w[äa]hrend": "while", r"aber": "but",
    r"nach": "after", r"bei|liegt bei": "at", r"die|der|das": "the",
    r"sulla?|sui|sul": "on the", r"sale|salgono": "rises", r"scende|scendono": "falls",
    r"sube|suben|aumentan?|incrementa|augmente(?:nt)?|monte": "rises",
    r"bajan?|disminuyen?|cae|diminue|baisse(?:nt)?|descend|diminui|cai": "falls",
    r"se mantienen?|permanecen?|reste(?:nt)?|fica|rimane|resta": "stays",
    r"pero|mais|mas": "but", r"mientras(?: que)?|tandis que|alors que|enquanto|mentre": "while",
    r"despu[ée]s de|apr[èe]s|ap[óo]s|dopo": "after", r"la|le|el": "the",
    r"раст[её]т|растут|увеличивается|возрастает": "rises", r"падает|уменьшается|снижается": "falls",
    r"оста[её]тся|держится": "stays", r"но|а": "but", r"после": "after", r"на уровне": "at",
}  # fmt: skip
_FROM = LazyPattern(r"\b(?:von|del?|da|с)\s+(?=[\d.,]+)", re.IGNORECASE)
_TO = LazyPattern(r"\b(?:auf|à|a|до|al?)\s+(?=[\d.,]+)", re.IGNORECASE)
_IDEOGRAPH = "[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]"
_JOINED = LazyPattern(rf"(?<={_IDEOGRAPH})(?=[A-Za-z\d])|(?<=[A-Za-z\d%])(?={_IDEOGRAPH})")
_POINT = LazyPattern(r"\d\.\d")
_DECIMAL_COMMA = LazyPattern(r"(?<![\d,.])(\d{1,3}),(\d+)(?!\d|,\d)")
# "perte de validation", "точность на валидации", "pérdida en entrenamiento": of which split.
_OF = LazyPattern(
    r"\b(loss|accuracy|error rate|recall)\s+(?:sur (?:le |la |l['’])?|en (?:el |la )?|de (?:la |l['’])?|d['’]|del? |"
    r"der |des |auf den |na |no |em |di |in |на |при )?\s*(?:conjunto de |jeu de |ensemble de )?"
    r"(train|validation|test)\b",
    re.IGNORECASE,
)
_MEANINGS = tuple(_STEMS.values())
_OWN_WORDS = (
    "verlust", "genauigkeit", "validierung", "fehlerrate", "fehlerquote", "lernrate", "epoche", "rdida", "exactitud",
    "precision", "entrenamiento", "validacion", "prueba", "epoca", "perte", "apprentissage", "entrainement", "perda",
    "treinamento", "perdita", "accuratezza", "addestramento", "validazione",
)  # fmt: skip


def to_english(text: str) -> str:
    """Replace the words of a line that are known in another language.

    Parameters
    ----------
    text : str
        One line, or one name.

    Returns
    -------
    str
        The same object where nothing was replaced.
    """
    if text.isascii():
        lower = text.casefold()
        found = next((word for word in _OWN_WORDS if word in lower), None)
        if found in {None, "precision"}:
            return text
    english = text.translate(_PUNCTUATION)
    english = _NTH_EPOCH.sub(r" epoch \1 ", english)
    english = _cjk().sub(lambda match: f" {_CHINESE[match.group()]} ", english)
    english = _words().sub(_meaning, _JOINED.sub(" ", english))
    if english == text:
        return text
    english = _TO.sub("to ", _FROM.sub("from ", _OF.sub(r"\2 \1", english)))
    return english if _POINT.search(english) else _DECIMAL_COMMA.sub(r"\1.\2", english)


@lru_cache(maxsize=1)
def _cjk() -> re.Pattern[str]:
    return re.compile("|".join(sorted(_CHINESE, key=len, reverse=True)))


@lru_cache(maxsize=1)
def _words() -> re.Pattern[str]:
    """All stems, compiled when a line may hold one: most logs are in English."""
    stems = "|".join(f"(?P<w{at}>{stem})" for at, stem in enumerate(_STEMS))
    return re.compile(rf"(?<![^\W\d_])(?:{stems})(?![^\W\d_])", re.IGNORECASE)


def _meaning(match: re.Match[str]) -> str:
    return _MEANINGS[int((match.lastgroup or "w0")[1:])]
