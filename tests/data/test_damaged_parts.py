"""Parts of a run whose bytes are damaged: refused, and never read outside of the file."""

import numpy as np
import pytest

from whyloss import Recorder, Run
from whyloss.errors import WhylossError

Y = np.arange(60) % 3


@pytest.fixture
def part(tmp_path):
    with Recorder(tmp_path / "run") as recorder:
        recorder.log(
            split="val",
            epoch=1,
            logits=np.random.default_rng(0).normal(size=(60, 3)),
            y_true=Y,
            ids=[f"sample {k}" for k in range(60)],
            slices={"site": [f"site {k}" for k in Y]},
        )
    (path,) = (tmp_path / "run").rglob("*.arrow")
    return path


def test_any_damaged_byte_of_a_part_ends_in_an_answer_or_in_one_sentence(part):
    rng = np.random.default_rng(1)
    whole = part.read_bytes()
    run = Run.open(part.parents[3])
    refused = 0
    for _ in range(300):
        damaged = bytearray(whole)
        for at in rng.integers(len(whole), size=rng.integers(1, 6)):
            damaged[at] ^= 1 << int(rng.integers(8))
        part.write_bytes(damaged)
        try:
            run.predictions("val", 1)
        except WhylossError:
            refused += 1
    assert refused > 50


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_part_that_is_cut_is_refused(part, share):
    whole = part.read_bytes()
    part.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(WhylossError):
        Run.open(part.parents[3]).predictions("val", 1)
