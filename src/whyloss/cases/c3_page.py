"""The interactive page of case C3: move a and b, and watch loss and accuracy disagree."""

from __future__ import annotations

import base64
import json
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

from whyloss.cases.c3_logistic import data_sets, fit, sweep

if TYPE_CHECKING:
    from pathlib import Path

    from whyloss.cases.c3_logistic import DataSet


def write_page(path: Path) -> None:
    """Write the page: one file that opens offline.

    Parameters
    ----------
    path : Path
    """
    path.write_text(page(), encoding="utf-8")


def page() -> str:
    """The page as HTML, with the data sets and both criteria over their grids inside."""
    template = files("whyloss.cases").joinpath("c3_page.html").read_text("utf-8")
    content = {name: _content(data) for name, data in data_sets().items()}
    return template.replace("/*DATA*/null", json.dumps(content).replace("<", "\\u003c"))


def _content(data: DataSet) -> dict[str, object]:
    grid = sweep(data)
    a, b = fit(data)
    return {
        "n": len(data.x),
        "x": _packed(data.x),
        "y": _packed(data.y.astype(np.float64)),
        "slopes": [float(data.slopes[0]), float(data.slopes[-1])],
        "intercepts": [float(data.intercepts[0]), float(data.intercepts[-1])],
        "fit": [a, b],
        "logLoss": _packed(grid.log_loss),
        "accuracy": _packed(grid.accuracy),
        "shape": list(grid.log_loss.shape),
    }


def _packed(values: np.ndarray) -> str:
    """Numbers as float32 in base64: a tenth of the size of their digits."""
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f4").tobytes()).decode("ascii")
