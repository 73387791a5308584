"""``whyloss review``: where the list goes, and in which format."""

import csv
import io
import subprocess
import sys

import pyarrow.parquet as pq
import pytest

import whyloss
from conftest import run_cli
from whyloss.testing import known_cause


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "exp1"
    one = known_cause(2, n_samples=300).source.predictions("val", 0)
    with whyloss.Recorder(path) as recorder:
        recorder.log(split="val", epoch=1, y_true=one.y_true, logits=one.scores)
        recorder.log_samples(
            "val", range(300), text=[f"=cmd({i})" for i in range(300)], paths=["i.png"] * 300
        )
    return path


def test_the_list_streams_to_stdout_with_what_the_run_knows_of_samples(recorded):
    done = run_cli("review", recorded, "--top", 3)
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(rows) == 3
    assert rows[0]["text"] == f"'=cmd({rows[0]['id']})"
    assert rows[0]["path"] == "i.png"
    assert "3 samples of" in done.stderr
    assert run_cli("review", recorded, "--top", 3, "--quiet").stderr == ""


def test_the_suffix_chooses_the_format(recorded, tmp_path):
    assert run_cli("review", recorded, "-o", tmp_path / "r.parquet").returncode == 0
    table = pq.read_table(tmp_path / "r.parquet")
    assert table["text"][0].as_py().startswith("=cmd")
    assert run_cli("review", recorded, "-o", tmp_path / "r.JSONL").returncode == 0
    lines = (tmp_path / "r.JSONL").read_text("utf-8").splitlines()
    assert len(lines) == table.num_rows
    wrong = run_cli("review", recorded, "-o", tmp_path / "r.xlsx")
    assert wrong.returncode == 2
    assert ".csv, .jsonl or .parquet" in wrong.stderr


def test_the_list_can_be_cut_short(recorded):
    command = [sys.executable, "-m", "whyloss", "review", str(recorded), "-q"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_a_folder_of_runs_lists_them_with_the_command_for_each(recorded, tmp_path):
    import shutil

    for name in ("one", "the other"):
        shutil.copytree(recorded, tmp_path / name)
    for verb in ("diagnose", "review", "samples"):
        done = run_cli(verb, tmp_path)
        assert done.returncode == 2
        text = done.stderr
        assert "is a folder of 2 runs" in text
        assert f"whyloss {verb} {tmp_path}/one" in text
        assert f"whyloss {verb} '{tmp_path}/the other'" in text
