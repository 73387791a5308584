"""Temperature scaling: divide the logits by one number fitted on held-out data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whyloss.formatting import format_nats, format_signed
from whyloss.remedies import code
from whyloss.results.estimate import Estimate
from whyloss.results.level import Level
from whyloss.results.metrics import MIN_CALIBRATION_SAMPLES
from whyloss.results.remedy import Declined, Remedy

if TYPE_CHECKING:
    from whyloss.data import Predictions
    from whyloss.evidence import Evidence

NAME = "temperature"


def propose(evidence: Evidence) -> Remedy | Declined:
    """Propose a temperature for the last epoch, with its effect out of fold.

    Parameters
    ----------
    evidence : Evidence
    """
    if not evidence.supports(Level.SNAPSHOT):
        return Declined(NAME, "needs the predictions of the split, with their labels")
    snapshot = evidence.last
    calibrated = snapshot.calibrated
    if calibrated is None:
        return Declined(
            NAME,
            f"{snapshot.n_scored} samples are too few to fit a temperature; "
            f"{MIN_CALIBRATION_SAMPLES} are the "
            "least",
        )
    if snapshot.one_class:
        return Declined(NAME, "every label is of one class, which any confidence fits")
    saved = calibrated.calibration
    if not saved.z > 2:
        return Declined(
            NAME,
            f"would change the loss by {format_signed(-saved.value)} nats out of fold, which is "
            "within "
            "chance: no gain is shown",
        )
    t = calibrated.fit.temperature
    return Remedy(
        name=NAME,
        title=f"For probabilities: temperature {t:.2f}",
        text=(
            f"Divide the logits{_whence(snapshot.predictions.scale)} by {t:.2f}: the loss goes "
            f"from {format_nats(calibrated.log_loss.value)} "
            f"to {format_nats(calibrated.refinement.value)} on samples that the temperature was "
            "not "
            "fitted on. No label changes, no retraining."
        ),
        metric="log_loss",
        before=calibrated.log_loss,
        after=calibrated.refinement,
        effect=_negative(saved),
        epoch=snapshot.epoch,
        snippets=_snippets(t, snapshot.predictions),
    )


def _negative(of: Estimate) -> Estimate:
    low = None if of.high is None else -of.high
    high = None if of.low is None else -of.low
    return Estimate(-of.value, low, high, of.se, of.note, of.unit)


def _whence(scale: str) -> str:
    return "" if scale == "logits" else " (here the logarithms of the probabilities)"


def _snippets(t: float, predictions: Predictions) -> dict[str, str]:
    start = "import scipy\n" if predictions.scale == "logits" else code.IMPORTS
    logits = code.as_logits(predictions)
    if predictions.scores.shape[1] == 1:
        snippets = {"numpy": f"{start}probs = scipy.special.expit({logits} / {t:.4f})"}
        activations = {"pytorch": "torch.sigmoid(logits", "keras": "keras.ops.sigmoid(logits"}
        end = ")"
    else:
        snippets = {"numpy": f"{start}probs = scipy.special.softmax({logits} / {t:.4f}, axis=1)"}
        activations = {"pytorch": "torch.softmax(logits", "keras": "keras.ops.softmax(logits"}
        end = ", -1)"
    if predictions.scale == "logits":
        snippets |= {
            name: f"probs = {called} / {t:.4f}{end}" for name, called in activations.items()
        }
    return snippets
