"""What people do instead, each in a few lines, to be scored on the same trials."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from whyloss.evidence import Evidence

HEALTHY = "healthy"
PATIENCE = 3  # epochs
TOO_SURE, TOO_TIMID = 1.1, 0.9
TOP, TOP_SHARE = 0.01, 0.3


def rising_loss(evidence: Evidence) -> str:
    """The validation loss rises for three epochs running: overfitting."""
    curve = evidence.curve()
    steps = np.diff(curve.with_loss.log_loss) > 0 if curve is not None else np.zeros(0)
    running = (
        np.convolve(steps, np.ones(PATIENCE), mode="valid") if len(steps) >= PATIENCE else steps
    )
    return "overfitting" if len(running) and running.max() >= PATIENCE else HEALTHY


def early_stopping(evidence: Evidence) -> str:
    """The loss is not smallest at the last epoch (nor was it in the last three): overfitting."""
    curve = evidence.curve()
    losses = curve.with_loss.log_loss if curve is not None else np.zeros(0)
    late = len(losses) > PATIENCE and int(losses.argmin()) < len(losses) - PATIENCE
    return "overfitting" if late else HEALTHY


def temperature(evidence: Evidence) -> str:
    """Fit a temperature: above 1.1 over-confidence, below 0.9 under-confidence."""
    if not evidence.epochs or evidence.last.calibrated is None:
        return HEALTHY
    fitted = evidence.last.calibrated.fit.temperature
    if fitted > TOO_SURE:
        return "overconfidence"
    return "underconfidence" if fitted < TOO_TIMID else HEALTHY


def top_share(evidence: Evidence) -> str:
    """The 1 % of samples of the highest loss carry more than 30 % of it: outliers."""
    if not evidence.epochs or not evidence.last.n_scored:
        return HEALTHY
    losses = np.sort(evidence.last.samples.log_loss[evidence.last.scored])
    top = losses[-max(1, round(TOP * len(losses))) :]
    return "outliers" if top.sum() > TOP_SHARE * losses.sum() else HEALTHY


def all_in_turn(evidence: Evidence) -> str:
    """The loss that rises, then the top share, then the temperature: the first that says any."""
    for say in (rising_loss, top_share, temperature):
        if (label := say(evidence)) != HEALTHY:
            return label
    return HEALTHY


ALTERNATIVES: dict[str, Callable[[Evidence], str]] = {
    "loss rises for 3 epochs": rising_loss,
    "best epoch by loss": early_stopping,
    "temperature alone": temperature,
    "top 1 % carry 30 %": top_share,
    "all of these in turn": all_in_turn,
}
