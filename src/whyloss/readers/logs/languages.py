"""Words of other languages for splits, metrics and epochs, as English ones.

Only words that name something a log may hold are known; the others stay as they are. A word
that a language uses for two metrics (Spanish *precisión*, Russian *точность*) is read as the one
that the libraries' documentation in that language uses it for, and the reader says so.
"""

from __future__ import annotations

import re
from functools import lru_cache

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
_NTH_EPOCH = re.compile(r"第\s*(\d+)\s*(?:/\s*\d+\s*)?(?:轮|輪|个?\s*(?:epoch|周期)|次迭代|代)")
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
}  # fmt: skip
# "perte de validation", "точность на валидации", "pérdida en entrenamiento": of which split.
_OF = re.compile(
    r"\b(loss|accuracy|error rate|recall)\s+(?:sur (?:le |la |l['’])?|en (?:el |la )?|de (?:la |l['’])?|d['’]|del? |"
    r"der |des |auf den |na |no |em |di |in |на |при )?\s*(?:conjunto de |jeu de |ensemble de )?"
    r"(train|validation|test)\b",
    re.IGNORECASE,
)
_MEANINGS = tuple(_STEMS.values())
_OWN_TEST = re.compile(
    "verlust|genauigkeit|validierung|fehlerrate|fehlerquote|lernrate|epoche|rdida|exactitud|precision|"
    "entrenamiento|validacion|prueba|epoca|perte|apprentissage|entrainement|perda|treinamento|"
    "perdita|accuratezza|addestramento|validazione",
    re.IGNORECASE,
)


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
        found = _OWN_TEST.search(text)
        if found is None or (found.group().casefold() == "precision"):
            return text
    english = text.translate(_PUNCTUATION)
    english = _NTH_EPOCH.sub(r" epoch \1 ", english)
    english = _cjk().sub(lambda match: f" {_CHINESE[match.group()]} ", english)
    english = _words().sub(_meaning, english)
    if english == text:
        return text
    return _OF.sub(r"\2 \1", english)


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
