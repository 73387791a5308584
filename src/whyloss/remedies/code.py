"""Pieces of the snippets: they run as pasted beside the arrays that were diagnosed."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from whyloss.data import Predictions, Scale

IMPORTS = "import numpy as np\nimport scipy\n"
WIDTH = 88
MANY = 60  # ids that are spelt out


def array(values: Iterable[object]) -> str:
    """A list in brackets, over several lines where it is long.

    Parameters
    ----------
    values : iterable of int, str or float
        Floats get four decimals.
    """
    items = ", ".join(f"{v:.4f}" if isinstance(v, float) else repr(v) for v in values)
    if len(items) < WIDTH - 20:
        return f"[{items}]"
    lines = textwrap.fill(items, WIDTH, break_long_words=False, break_on_hyphens=False)
    return "[\n" + textwrap.indent(lines, "    ") + "\n]"


def as_logits(predictions: Predictions) -> str:
    """The scores, by the name of their scale, as something that a softmax or sigmoid takes.

    Parameters
    ----------
    predictions : Predictions
    """
    if predictions.scores.shape[1] > 1:
        return "np.log(probs)" if predictions.scale == "probs" else predictions.scale
    return {
        "logits": "logits",
        "log_probs": "(log_probs - np.log(-np.expm1(log_probs)))",
        "probs": "(np.log(probs) - np.log1p(-probs))",
    }[predictions.scale]


def to_probs(scale: Scale, n_columns: int) -> str:
    """Lines that turn the scores into probabilities.

    Parameters
    ----------
    scale : {"logits", "log_probs", "probs"}
    n_columns : int
        1 for the one output of a binary model.
    """
    if scale == "probs":
        return ""
    if scale == "log_probs":
        return "import numpy as np\nprobs = np.exp(log_probs)\n"
    squash = "expit(logits)" if n_columns == 1 else "softmax(logits, axis=1)"
    return f"import scipy\nprobs = scipy.special.{squash}\n"


def without(predictions: Predictions, rows: Iterable[int]) -> str:
    """Lines that leave out some rows.

    Parameters
    ----------
    predictions : Predictions
    rows : iterable of int
    """
    ids, scale = predictions.ids, predictions.scale
    numbered = np.array_equal(ids, np.arange(len(ids)))
    start = "import numpy as np\n" + ("ids = np.arange(len(y_true))\n" if numbered else "")
    named = ids[list(rows)].tolist()
    if len(named) > MANY:
        start += f"import whyloss\nfound = whyloss.diagnose(y_true, {scale}={scale}, ids=ids)\n"
        suspects = "next(one for one in found.remedies if one.samples).samples"
    else:
        suspects = array(named)
    return (
        f"{start}suspects = {suspects}\n"
        "keep = ~np.isin(ids, suspects)\n"
        f"y_true, {scale}, ids = y_true[keep], {scale}[keep], ids[keep]"
    )
