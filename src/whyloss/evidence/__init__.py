"""One lazy, cached view of whatever is known; rules and remedies read only this."""

from whyloss.evidence.assumptions import (
    ASSUMED_SAMPLES,
    LITTLE_BETTER,
    MOST_CLASSES,
    PERFECT_LOSS,
    USUAL_CLASSES,
)
from whyloss.evidence.curves import TRAIN, Curve, CurveRise, best_epoch_of, best_of_curve, loss_rise
from whyloss.evidence.envelope_gap import (
    Direction,
    EnvelopeGap,
    envelope_gap,
    fits_one_class,
    hardly_learnt,
)
from whyloss.evidence.epoch_change import HELD_MARGIN, EpochChange, held
from whyloss.evidence.epoch_facts import EpochFacts
from whyloss.evidence.evidence import Evidence
from whyloss.evidence.jumps import comes_back, jumps_of_score, jumps_together, log_steps
from whyloss.evidence.outline import Outline, outline
from whyloss.evidence.said import Outlook, Said, in_words, said_of
from whyloss.evidence.scores import (
    SCORES,
    Family,
    Score,
    ScoreChange,
    ScoreCurve,
    last_scores,
    score_curves,
)
from whyloss.results.attribution import Held
from whyloss.results.level import Level
from whyloss.results.metrics import Metrics

__all__ = [
    "ASSUMED_SAMPLES",
    "HELD_MARGIN",
    "LITTLE_BETTER",
    "MOST_CLASSES",
    "PERFECT_LOSS",
    "SCORES",
    "TRAIN",
    "USUAL_CLASSES",
    "Curve",
    "CurveRise",
    "Direction",
    "EnvelopeGap",
    "EpochChange",
    "EpochFacts",
    "Evidence",
    "Family",
    "Held",
    "Level",
    "Metrics",
    "Outline",
    "Outlook",
    "Said",
    "Score",
    "ScoreChange",
    "ScoreCurve",
    "best_epoch_of",
    "best_of_curve",
    "comes_back",
    "envelope_gap",
    "fits_one_class",
    "hardly_learnt",
    "held",
    "in_words",
    "jumps_of_score",
    "jumps_together",
    "last_scores",
    "log_steps",
    "loss_rise",
    "outline",
    "said_of",
    "score_curves",
]
