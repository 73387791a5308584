"""What the data at hand cannot tell, and what to log so that the next diagnosis can."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whyloss.results.finding import OpenQuestion
from whyloss.results.level import Level

if TYPE_CHECKING:
    from whyloss.evidence import Evidence

_LOG = "rec.log(split={split!r}, epoch=epoch, logits=logits, y_true=y, ids=ids)"


def open_questions(evidence: Evidence) -> tuple[OpenQuestion, ...]:
    """Name what the next level of evidence would settle, with the lines that log it.

    Parameters
    ----------
    evidence : Evidence
    """
    record = 'rec = whyloss.Recorder("runs/exp1")\n' + _LOG.format(split=evidence.split)
    level = evidence.level
    questions = []
    if level in {Level.NUMBERS, Level.CURVES}:
        text = (
            "Whether the predictions are as sure as they should be, which samples carry the loss, "
            "and what a temperature would save: that needs the predictions themselves."
        )
        questions.append(OpenQuestion(text, record))
    elif level is Level.SNAPSHOT:
        text = (
            "How the loss came to be what it is, and whether an earlier epoch was better: that "
            "needs the predictions of every epoch."
        )
        questions.append(OpenQuestion(text, record))
    if level in {Level.SNAPSHOT, Level.RUN} and "train" not in evidence.source.splits:
        text = (
            "Whether the model is as sure of its own training samples, and whether their labels "
            "are noisy: predictions of the training split are not recorded."
        )
        questions.append(OpenQuestion(text, _LOG.format(split="train")))
    if not questions:
        text = (
            "Whether another training (other data, model or settings) would do better: that takes "
            "another training. Record it, and compare."
        )
        questions.append(OpenQuestion(text, 'rec = whyloss.Recorder("runs/exp2")'))
    return tuple(questions)
