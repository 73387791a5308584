"""The file that a command writes never replaces what it reads."""

import os

import numpy as np
import pytest

import whyloss
from conftest import run_cli
from whyloss.testing import known_cause


@pytest.fixture
def predictions(tmp_path):
    one = known_cause(3, n_samples=200).source.predictions("val", 0)
    path = tmp_path / "p.npz"
    np.savez(path, y_true=one.y_true, logits=one.scores)
    return path


@pytest.fixture
def recorded(tmp_path):
    one = known_cause(3, n_samples=200).source.predictions("val", 0)
    with whyloss.Recorder(tmp_path / "run") as recorder:
        recorder.log(split="val", epoch=0, y_true=one.y_true, logits=one.scores)
        recorder.log_scalars(epoch=0, split="val", loss=0.5)
    return tmp_path / "run"


def assert_refused(before, *command, given=""):
    content = before.read_bytes()
    done = run_cli(*command, given=given)
    assert (done.returncode, done.stdout) == (2, "")
    assert "input would be replaced" in done.stderr
    assert "another name after -o" in done.stderr
    assert before.read_bytes() == content


@pytest.mark.parametrize("verb", [("report",), ("review", "--format", "csv")])
@pytest.mark.parametrize("link", [None, os.symlink, os.link])
def test_a_file_is_not_replaced_by_what_is_said_of_it(verb, link, predictions, tmp_path):
    output = predictions
    if link is not None:
        output = tmp_path / "other.html"
        link(predictions, output)
    assert_refused(predictions, *verb, predictions, "-o", output)


def test_no_part_of_a_run_is_replaced(recorded):
    parts = [file for file in recorded.rglob("*") if file.is_file()]
    assert {"run.json", "scalars.jsonl"} < {part.name for part in parts}
    for part in parts:
        assert_refused(part, "report", recorded, "-o", part)


def test_no_file_of_a_folder_of_curves_is_replaced(tmp_path):
    folder = tmp_path / "curves"
    folder.mkdir()
    table = folder / "metrics.csv"
    table.write_text("epoch,val_loss,val_accuracy\n1,0.5,0.8\n2,0.4,0.8\n", encoding="utf-8")
    assert_refused(table, "report", folder, "-o", table)


def test_a_report_beside_the_parts_of_its_run_is_written_anew(recorded):
    for name in ("report.html", "other.html"):
        for _ in range(2):
            assert run_cli("report", recorded, "-o", recorded / name).returncode == 0
    for _ in range(2):
        done = run_cli("review", recorded, "-o", recorded / "review.csv")
        assert done.returncode == 0, done.stderr


def test_another_file_is_replaced(predictions, tmp_path):
    (tmp_path / "r.html").write_text("old", encoding="utf-8")
    assert run_cli("report", predictions, "-o", tmp_path / "r.html").returncode == 0
    assert (tmp_path / "r.html").read_text("utf-8").startswith("<!doctype html>")


def test_a_pasted_line_has_no_file_to_lose(tmp_path):
    line = "loss: 0.4011 - acc: 0.8224 - val_loss: 0.4577 - val_acc: 0.7826"
    (tmp_path / "r.html").touch()
    for text in (line, line + " " * 5000):
        assert run_cli("report", text, "-o", tmp_path / "r.html").returncode == 0
