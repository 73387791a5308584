"""Add one constant per class to the logits."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import scipy.special

from whyloss.formatting import format_nats, format_signed
from whyloss.measures.calibration.noise_models import fit_bias
from whyloss.measures.samples.folds import fold_of
from whyloss.remedies import code
from whyloss.remedies.effects import loss_change

if TYPE_CHECKING:
    from whyloss.evidence import EpochFacts, Evidence
    from whyloss.measures.calibration.noise_models import Bias
    from whyloss.measures.estimates.intervals import FloatVector
    from whyloss.results.remedy import Remedy

HALVES = 2
SPELT = 6  # classes whose constants stand in the sentence


def add(evidence: Evidence, bias: Bias) -> Remedy:
    """Divide the logits by a temperature and add a constant per class.

    Parameters
    ----------
    evidence : Evidence
        With predictions whose biases have been fitted.
    bias : Bias
        Fitted to all of them.
    """
    facts, rows = evidence.last, evidence.noise_models.rows
    p = facts.predictions
    t, constants = math.exp(-bias.log_beta), bias.biases
    remedy = loss_change(facts, "Add one constant per class", "", _out_of_fold(evidence), rows)
    order = np.argsort(-np.abs(constants), kind="stable")[:SPELT]
    spelt = ", ".join(f"{p.classes[k]!r} {format_signed(constants[k], 2)}" for k in order.tolist())
    return replace(
        remedy,
        text=(
            f"Divide the logits by {t:.2f} and add one constant per class ({spelt}"
            f"{' …' if len(constants) > SPELT else ''}). On samples that the constants were not "
            f"fitted on, the loss goes from {format_nats(remedy.before.value)} to "
            f"{format_nats(remedy.after.value)}; a temperature alone leaves the classes as they "
            "are. That holds where the class shares stay what they are here: check the labels of "
            "these classes, and how classes were weighted or sampled in training."
        ),
        snippets={"numpy": _snippet(facts, t, constants)},
    )


def _out_of_fold(evidence: Evidence) -> FloatVector:
    """Loss of each fitted row with the constants of the half that it is not in."""
    facts, rows = evidence.last, evidence.noise_models.rows
    p, logits, weights = facts.predictions, facts.logits[rows], facts.weights_of(rows)
    y_true, half = p.y_true[rows], fold_of(p.ids[rows], HALVES)
    losses = np.empty(len(y_true))
    for fold in range(HALVES):
        own, other = half == fold, half != fold
        fit = fit_bias(y_true[other], logits[other], None if weights is None else weights[other])
        mended = math.exp(fit.log_beta) * logits[own] + fit.biases
        log_prob = scipy.special.log_softmax(mended, axis=1)
        losses[own] = -log_prob[np.arange(len(mended)), y_true[own]]
    return losses


def _snippet(facts: EpochFacts, t: float, constants: FloatVector) -> str:
    logits = code.as_logits(facts.predictions)
    if facts.predictions.scores.shape[1] == 1:
        shift = float(constants[1] - constants[0])
        return f"{code.IMPORTS}probs = scipy.special.expit({logits} / {t:.4f} + {shift:.4f})"
    return (
        f"{code.IMPORTS}constants = np.array({code.array(constants.tolist())})\n"
        f"probs = scipy.special.softmax({logits} / {t:.4f} + constants, axis=1)"
    )
