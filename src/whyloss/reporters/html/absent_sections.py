"""Parts that a page does not have, and why: a reader must not take them for forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from whyloss.results.level import Level
from whyloss.results.metrics import MIN_CALIBRATION_SAMPLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from whyloss.results.diagnosis import Diagnosis


def missing_parts(d: Diagnosis, specs: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name each part that is not there, with one sentence that says why.

    Parameters
    ----------
    d : Diagnosis
    specs : mapping of str to dict or None
        The charts of the page, None where there is nothing to draw.
    """
    found = []
    reported = d.level in {Level.NUMBERS, Level.CURVES}
    if d.attribution is None:
        why = (
            f"fewer than {MIN_CALIBRATION_SAMPLES} samples can be scored at both of its ends."
            if d.level is Level.RUN
            else "it takes the predictions of two epochs over the same samples."
        )
        found.append(("Where a change of the loss comes from, and its outcomes", why))
    if not (specs["epochs"] or specs["shares"]):
        found.append(("Curves over the epochs", "there is only one epoch."))
    elif d.views is None or len(d.views.views) < 2:
        found.append(("A slider over the epochs", "it takes the predictions of several epochs."))
    if reported:
        why = "it takes the predictions, and here are only their means."
        parts = (
            "Losses of single samples, and which they are",
            "Reliability, before and after a temperature",
            "Classes, and which are taken for which",
        )
        found += [(part, why) for part in parts]
    elif d.views is None:
        found.append(("Losses of single samples", "no sample of this epoch can be scored."))
    elif not d.views.views[-1].calibrated:
        why = (
            f"it takes {MIN_CALIBRATION_SAMPLES} samples to fit one."
            if "temperature" not in d.numbers
            else "the one that fits does harm on samples that it was not fitted on."
        )
        found.append(("Reliability after a temperature", why))
    if not d.remedies:
        why = (
            "their effect is measured on predictions, and there are none."
            if reported
            else "none would gain more than chance explains."
        )
        found.append(("Remedies", why))
    return found
