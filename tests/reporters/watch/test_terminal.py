"""The panel of ``whyloss watch``."""

import io

import numpy as np
import pytest
from rich.console import Console

from watched import N_EPOCHS, record
from whyloss.reporters.watch.terminal import panel, sparkline
from whyloss.verbs.watch.watcher import Watcher


def test_the_panel_shows_epoch_numbers_and_verdict(tmp_path):
    record(tmp_path / "r", range(1, N_EPOCHS + 1))
    view = Watcher(str(tmp_path / "r")).look()
    for width in (40, 80, 200):
        out = io.StringIO()
        Console(file=out, width=width, color_system=None).print(panel(view, width))
        text = out.getvalue()
        assert f"the last one {N_EPOCHS}" in " ".join(text.replace("│", " ").split())
        assert "Over-confidence" in text
        assert max(map(len, text.splitlines())) <= min(width, 100)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 1.0], "▁█"),
        ([1.0, 1.0, 1.0], "▁▁▁"),
        ([2.0, np.nan, 1.0], "█ ▁"),
        ([1.0], ""),
        ([0.0, np.inf, 0.5, 1.0], "▁ ▄█"),
    ],
)
def test_a_curve_in_one_line(values, expected):
    shown = sparkline(values)
    assert shown.replace("▅", "▄") == expected
