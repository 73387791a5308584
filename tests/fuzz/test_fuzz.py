"""Damaged files of every format: an answer or one sentence, whatever is in them.

``python tests/fuzz/long_run.py --cases 20000`` does the same for long.
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.corpus import IDS, LOSSES, SCORES, Y, Z, corpus
from fuzz.damage import answer, damaged, fault_of_reading, fault_of_the_command, place

SEEDS = corpus()
RANDOM = st.randoms(use_true_random=False)


# Names of files of a run hold a token of their own each time, so they name no test.
@pytest.mark.parametrize("seed", SEEDS, ids=[f"{k}-{seed.source}" for k, seed in enumerate(SEEDS)])
def test_every_seed_is_read_and_diagnosed_as_it_is(seed, tmp_path):
    assert answer(place(seed, seed.content, tmp_path / "case")) is not None


@settings(max_examples=300)
@given(st.sampled_from(SEEDS), RANDOM)
def test_readers_refuse_a_damaged_file_or_read_it(seed, random):
    with TemporaryDirectory() as folder:
        source = place(seed, damaged(seed.content, random), Path(folder) / "case")
        assert fault_of_reading(source) is None


@settings(max_examples=40)
@given(st.sampled_from(SEEDS), RANDOM)
def test_commands_end_with_a_documented_code_and_one_line(seed, random):
    with TemporaryDirectory() as folder:
        source = place(seed, damaged(seed.content, random), Path(folder) / "case")
        assert fault_of_the_command(source, random) is None


# --- what is dropped is said --------------------------------------------------------------------

ROWS = {
    "p.csv": (
        ["id,y_true,logit_0,logit_1,logit_2"],
        [f"{i},{y},{','.join(map(str, z))}" for i, y, z in zip(IDS, Y, Z.tolist(), strict=True)],
    ),
    "h.csv": (
        ["epoch,val_loss,val_accuracy"],
        [f"{e},{a},{b}" for e, (a, b) in enumerate(zip(LOSSES, SCORES, strict=True))],
    ),
    "p.jsonl": (
        [],
        [
            json.dumps({"guid": i, "label": int(y), "logits": z})
            for i, y, z in zip(IDS, Y, Z.tolist(), strict=True)
        ],
    ),
    "train.log": (
        [],
        [
            f"epoch {e}: val_loss {a} val_accuracy {b}"
            for e, (a, b) in enumerate(zip(LOSSES, SCORES, strict=True))
        ],
    ),
}
OTHER = ["@@@@ ####", "lorem ipsum dolor sit amet", "1,2,3,4,5,6,7,8,9", "{]", "-" * 30 + " end"]


def said(found):
    """What an answer says beside its numbers."""
    return {*found["notes"], *(finding["name"] for finding in found["findings"])}


@settings(max_examples=30)
@given(st.sampled_from(sorted(ROWS)), st.sampled_from(OTHER), st.floats(0.1, 1))
def test_a_line_of_other_text_between_the_rows_is_refused_or_said(name, other, share):
    head, rows = ROWS[name]
    at = round(share * len(rows))
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text("\n".join([*head, *rows]) + "\n")
        before = answer(path)
        path.write_text("\n".join([*head, *rows[:at], other, *rows[at:]]) + "\n")
        after = answer(path)
        assert after is None or said(after) - said(before)
