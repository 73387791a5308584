"""Temperature scaling: divide the logits by one number fitted on held-out data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whyloss.evidence import Level
from whyloss.measures.intervals import Estimate
from whyloss.measures.temperature import MIN_SAMPLES
from whyloss.remedies.base import Declined, Remedy
from whyloss.words import nats, signed

if TYPE_CHECKING:
    from whyloss.evidence import Evidence

NAME = "temperature"


def propose(evidence: Evidence) -> Remedy | Declined:
    """Propose a temperature for the last epoch, with its effect out of fold."""
    if not evidence.supports(Level.SNAPSHOT):
        return Declined(NAME, "needs the predictions of the split, with their labels")
    snapshot = evidence.last
    calibrated = snapshot.calibrated
    if calibrated is None:
        return Declined(
            NAME,
            f"{snapshot.n_scored} samples are too few to fit a temperature; {MIN_SAMPLES} are the "
            "least",
        )
    saved = calibrated.calibration
    if not saved.z > 2:
        return Declined(
            NAME,
            f"would change the loss by {signed(-saved.value)} nats out of fold, which is within "
            "chance: there is nothing to gain",
        )
    t = calibrated.fit.temperature
    one_column = snapshot.predictions.scores.shape[1] == 1
    return Remedy(
        name=NAME,
        title=f"For probabilities: temperature {t:.2f}",
        text=(
            f"Divide the logits by {t:.2f}: the loss goes from {nats(calibrated.log_loss.value)} "
            f"to {nats(calibrated.refinement.value)} on samples that the temperature was not "
            "fitted on. No label changes, no retraining."
        ),
        metric="log_loss",
        before=calibrated.log_loss,
        after=calibrated.refinement,
        effect=_negative(saved),
        epoch=snapshot.epoch,
        snippets=_snippets(t, one_column=one_column),
    )


def _negative(of: Estimate) -> Estimate:
    low = None if of.high is None else -of.high
    high = None if of.low is None else -of.low
    return Estimate(-of.value, low, high, of.se, of.note)


def _snippets(t: float, *, one_column: bool) -> dict[str, str]:
    if one_column:
        return {
            "numpy": f"probs = 1 / (1 + np.exp(-logits / {t:.4f}))",
            "pytorch": f"probs = torch.sigmoid(logits / {t:.4f})",
            "keras": f"probs = keras.ops.sigmoid(logits / {t:.4f})",
        }
    return {
        "numpy": f"probs = scipy.special.softmax(logits / {t:.4f}, axis=1)",
        "pytorch": f"probs = torch.softmax(logits / {t:.4f}, dim=1)",
        "keras": f"probs = keras.ops.softmax(logits / {t:.4f}, axis=-1)",
    }
