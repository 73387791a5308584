"""Report the plain mean cross-entropy, computed from the predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whyloss.formatting import format_nats
from whyloss.remedies import code
from whyloss.results.estimate import Estimate
from whyloss.results.remedy import Remedy

if TYPE_CHECKING:
    from whyloss.data import Predictions
    from whyloss.evidence import Evidence
    from whyloss.results.finding import Finding


def plain_mean(evidence: Evidence, found: Finding, text: str) -> Remedy | None:
    """Report the mean cross-entropy over the samples in place of what was reported.

    Parameters
    ----------
    evidence : Evidence
    found : Finding
        About the epochs whose loss was reported.
    text : str
        What else to do, and to mind.

    Returns
    -------
    Remedy or None
        None where the loss was not compared with predictions.
    """
    epoch = next(iter(found.epochs), None)
    reported = None if epoch is None else evidence.reported_losses.get(epoch)
    if epoch is None or reported is None:
        return None
    facts = evidence.at(epoch)
    after = facts.log_loss
    low, high = (None if end is None else end - reported for end in (after.low, after.high))
    return Remedy(
        name="",
        title=f"Report the mean over the samples, {format_nats(after.value)}",
        text=(
            "Report the mean cross-entropy over the samples, computed from the predictions as "
            f"below: {format_nats(after.value)} at epoch {epoch} instead of "
            f"{format_nats(reported)}. {text}"
        ),
        metric="log_loss",
        before=Estimate(reported, note="as reported"),
        after=after,
        effect=Estimate(after.value - reported, low, high, after.se),
        epoch=epoch,
        snippets={"numpy": _snippet(facts.predictions)},
    )


def _snippet(predictions: Predictions) -> str:
    logits = code.as_logits(predictions)
    if predictions.scores.shape[1] == 1:
        return (
            "import numpy as np\n"
            f"z = {logits}.ravel()\n"
            "loss = np.mean(np.logaddexp(0, np.where(y_true == 1, -z, z)))"
        )
    return (
        f"{code.IMPORTS}log_prob = scipy.special.log_softmax({logits}, axis=1)\n"
        "loss = -log_prob[np.arange(len(y_true)), y_true].mean()  # y_true: class numbers from 0"
    )
