"""Put the outputs into the order of the labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from whyloss.formatting import format_nats, format_percent
from whyloss.remedies import code
from whyloss.results.remedy import Remedy

if TYPE_CHECKING:
    from whyloss.data import Predictions
    from whyloss.evidence import Evidence
    from whyloss.measures.classification.label_permutation import LabelPermutation

WHOLE = 20  # classes up to which the new order is written out as a whole


def reorder(evidence: Evidence, best: LabelPermutation) -> Remedy:
    """Give each output the class that it stands for.

    Parameters
    ----------
    evidence : Evidence
    best : LabelPermutation
    """
    facts = evidence.last
    renamed = evidence.noise_models.loss_under_permutation(best.names)
    both = facts.scored & np.isfinite(renamed)
    before, after = (float(loss[both].mean()) for loss in (facts.samples.log_loss, renamed))
    return Remedy(
        name="",
        title="Put the outputs into the order of the labels",
        text=(
            "Put the outputs into the order of the labels, as the lines below do, and then keep "
            "one list of class names for training, validation and the model (class_to_idx, "
            f"class_indices, the categories of the column). The accuracy is "
            f"{format_percent(best.accuracy_renamed.value)} then, on samples that did not choose "
            f"the order; the loss goes from {format_nats(before)} to {format_nats(after)}. "
            "Nothing has to be trained again if "
            "the training data had the other order throughout."
        ),
        metric="accuracy",
        before=best.accuracy,
        after=best.accuracy_renamed,
        effect=best.gain,
        epoch=facts.epoch,
        snippets={"numpy": _snippet(facts.predictions, best.names)},
    )


def _snippet(predictions: Predictions, names: tuple[int, ...]) -> str:
    scale, k = predictions.scale, len(names)
    if predictions.scores.shape[1] == 1:
        return {
            "logits": "logits = -logits",
            "probs": "probs = 1 - probs",
            "log_probs": "import numpy as np\nlog_probs = np.log(-np.expm1(log_probs))",
        }[scale]
    columns = np.argsort(names)  # the output that stands for each class
    if k <= WHOLE:
        return f"{scale} = {scale}[:, {code.array(columns.tolist())}]"
    moved = np.flatnonzero(columns != np.arange(k))
    return (
        f"import numpy as np\ncolumns = np.arange({k})\n"
        f"columns[{code.array(moved.tolist())}] = {code.array(columns[moved].tolist())}\n"
        f"{scale} = {scale}[:, columns]"
    )
