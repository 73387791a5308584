"""The review list: who is on it, in which order and why; and as files of three kinds."""

import csv
import io
import json
import re
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import whyloss
from conftest import run_cli
from whyloss.data import InMemorySource, Predictions
from whyloss.errors import DataError
from whyloss.reporters.review.tables import COLUMNS, write
from whyloss.results.review import Review, ReviewRow
from whyloss.testing import known_cause, rule_out_truth, spoil


def written(review, form):
    file = io.BytesIO()
    write(review, form, file)
    return file.getvalue()


def a_list(**cells):
    row = {
        "id": 1, "label": "a", "predicted": "b", "confidence": 0.9, "log_loss": 2.5, "score": 1.5,
        "reason": "wrong", "text": None, "path": None, **cells,
    }  # fmt: skip
    return Review("run", "val", 1, (1,), "margin", 10, 1, (ReviewRow(**row),), ())


def three_epochs(right, *, ids=("a", "b", "c", "d"), odds=4.0):
    """Samples of class 0, right or wrong at each epoch by these odds (in nats)."""
    return InMemorySource(
        Predictions.from_arrays(
            np.zeros(len(ids), dtype=int),
            logits=np.where(np.asarray(row)[:, None], [[odds, 0.0]], [[0.0, odds]]),
            ids=list(ids),
            epoch=epoch,
        )
        for epoch, row in enumerate(right, start=5)
    )


# --- who is on the list, and why ----------------------------------------------------------------


def test_scores_are_the_mean_margins_of_the_epochs():
    known = known_cause(3, signal=3.0, blur=(0.5, 0.4, 0.3), n_samples=300).source
    found = whyloss.review(known)
    assert found.score == "margin"
    assert found.epochs == (1, 2, 3)
    margins = []
    for epoch in found.epochs:
        p = known.predictions("val", epoch)
        label = np.take_along_axis(p.scores, p.y_true[:, None].astype(int), axis=1)[:, 0]
        others = p.scores.copy()
        others[np.arange(len(p)), p.y_true] = -np.inf
        margins.append(others.max(axis=1) - label)
    mean = np.mean(margins, axis=0)
    for row in found.rows:
        assert row.score == pytest.approx(mean[row.id])
    assert [row.score for row in found.rows] == sorted((r.score for r in found.rows), reverse=True)


def test_below_85_percent_the_score_is_one_minus_the_probability_of_the_label():
    known = known_cause(1, signal=1.0, n_samples=300).source
    found = whyloss.review(known)
    assert found.score == "self_confidence"
    for row in found.rows:
        assert row.score == pytest.approx(1.0 - np.exp(-row.log_loss))


def test_every_mistake_is_on_the_list_and_nothing_that_is_right():
    known = known_cause(2, n_samples=500).source
    p = known.predictions("val", 0)
    found = whyloss.review(known)
    assert found.n_samples == 500
    assert {row.id for row in found.rows} == set(
        np.flatnonzero(p.scores.argmax(axis=1) != p.y_true).tolist()
    )


def test_the_course_of_a_sample_is_told():
    rows = [[True, True, False, False], [True, False, False, False], [True, False, False, True]]
    found = whyloss.review(three_epochs(rows))
    reasons = {row.id: row.reason for row in found.rows}
    assert reasons == {
        "b": "sure and wrong; broke after epoch 5",
        "c": "sure and wrong; wrong at every epoch",
        "d": "right now, but wrong at 2 of 3 epochs",
    }


def test_an_epoch_can_be_chosen():
    rows = [[True, True, False, False], [True, False, False, False], [True, False, False, True]]
    found = whyloss.review(three_epochs(rows), epoch=6)
    assert (found.epoch, found.epochs) == (6, (5, 6))
    assert {row.id for row in found.rows} == {"b", "c", "d"}


def test_epochs_may_list_the_samples_in_another_order_or_lack_some():
    first = Predictions.from_arrays(
        [0, 1, 0], logits=[[3.0, 0.0], [3.0, 0.0], [0.0, 2.0]], ids=["x", "y", "z"], epoch=1
    )
    second = Predictions.from_arrays(
        [0, 0, 1], logits=[[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]], ids=["z", "new", "y"], epoch=2
    )
    found = whyloss.review(InMemorySource([first, second]))
    (row,) = found.rows
    assert (row.id, row.reason) == ("z", "wrong; wrong at every epoch")
    assert row.score == pytest.approx(
        1.0 - (0.1192029 + 0.2689414) / 2
    )  # 1 / (1 + e²), 1 / (1 + e)


def test_a_label_of_probability_0_comes_first_and_a_row_without_numbers_not_at_all():
    known = spoil(rule_out_truth(known_cause(0, n_samples=300), rows=3), rows=1, value=np.nan)
    found = whyloss.review(known.source)
    assert {row.id for row in found.rows[:2]} == {1, 2}
    assert found.rows[0].confidence >= found.rows[1].confidence
    assert all(row.reason.startswith("label has probability 0") for row in found.rows[:2])
    assert found.rows[0].log_loss == np.inf
    assert 0 not in {row.id for row in found.rows}
    assert found.notes == ("1 row is no prediction, and left out.",)


def test_planted_label_errors_are_named_and_come_first():
    known = known_cause(1, noise=0.01, signal=5.0, n_samples=1500)
    p = known.source.predictions("val", 0)
    found = whyloss.review(known.source)
    assert found.rows[0].reason == "outlier; more likely mislabelled than not; sure and wrong"
    named = [row for row in found.rows if "more likely mislabelled" in row.reason]
    flipped = int(np.count_nonzero(p.scores.argmax(axis=1) != p.y_true))
    assert 5 <= len(named) <= flipped
    assert [row.id for row in found.rows[: len(named)]] == [row.id for row in named]


def test_top_keeps_the_most_suspect():
    known = known_cause(2, n_samples=500).source
    every = whyloss.review(known)
    assert whyloss.review(known, top=7).rows == every.rows[:7]
    assert whyloss.review(known, top=7).n_found == len(every.rows)


def test_reported_numbers_hold_no_samples():
    with pytest.raises(DataError, match=r"expected predictions .* Record them"):
        whyloss.review(history={"val_loss": [0.4], "val_accuracy": [0.8]})


# --- files --------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", whyloss.Review.TABLE_FORMATS)
def test_every_format_has_the_same_table(form, tmp_path):
    cells = {"id": "ü,\"'\n\t=", "label": "</td>", "text": "two\r\nlines", "path": "C:\\x"}
    content = written(a_list(**cells), form)
    if form == "csv":
        head, *rows = csv.reader(io.StringIO(content.decode(), newline=""))
        assert tuple(head) == COLUMNS
        (row,) = ({**dict(zip(head, row, strict=True))} for row in rows)
    elif form == "jsonl":
        (line,) = content.decode().splitlines()
        row = json.loads(line)
        assert tuple(row) == COLUMNS
    else:
        (tmp_path / "x.parquet").write_bytes(content)
        (row,) = pq.read_table(tmp_path / "x.parquet").to_pylist()
        assert tuple(row) == COLUMNS
    assert {name: row[name] for name in cells} == cells
    assert [float(row[name]) for name in ("confidence", "loss", "score")] == [0.9, 2.5, 1.5]
    assert row["reason"] == "wrong"


@given(st.text(max_size=20) | st.text("=+-@'\t\r\n1", max_size=4))
def test_no_text_in_csv_starts_a_formula_and_none_is_lost(text):
    content = written(a_list(id=text, text=text), "csv")
    _, row = csv.reader(io.StringIO(content.decode(), newline=""))
    whole = text.encode("utf-8", "replace").decode()
    for cell in (row[0], row[7]):
        assert re.fullmatch(r"[+-]\d+", cell) or not cell.startswith(tuple("=+-@\t\r"))
        assert cell.removeprefix("'") == whole


@pytest.mark.parametrize("text", ["=1", "+1+1", "-1+cmd|' /C calc'!A0", "@SUM(1)", "\x1b=1", "＝1"])
def test_what_a_spreadsheet_would_run_stands_behind_an_apostrophe(text):
    _, row = csv.reader(io.StringIO(written(a_list(label=text), "csv").decode(), newline=""))
    assert row[1] == f"'{text}"


@pytest.mark.parametrize("text", ["-1", "+1", "-0.5", "1=1", "a'b"])
def test_what_no_spreadsheet_would_run_stays_as_it_is(text):
    _, row = csv.reader(io.StringIO(written(a_list(label=text), "csv").decode(), newline=""))
    assert row[1] == text


def test_numbers_are_no_text_so_a_negative_id_stays():
    _, row = csv.reader(io.StringIO(written(a_list(id=-5, score=-1.5), "csv").decode()))
    assert row[0] == "-5"
    assert row[5] == "-1.5"


@pytest.mark.parametrize("form", whyloss.Review.TABLE_FORMATS)
def test_half_characters_and_infinite_losses_can_be_written(form):
    content = written(a_list(id="\ud800", log_loss=np.inf, score=np.inf), form)
    if form == "jsonl":
        assert json.loads(content, parse_constant=pytest.fail)["loss"] is None
    else:
        assert content


def test_an_empty_list_is_a_table_without_rows(tmp_path):
    empty = Review("run", "val", 1, (1,), "margin", 10, 0, (), ())
    (tmp_path / "x.parquet").write_bytes(written(empty, "parquet"))
    assert pq.read_table(tmp_path / "x.parquet").shape == (0, len(COLUMNS))
    (head,) = csv.reader(written(empty, "csv").decode().splitlines())
    assert tuple(head) == COLUMNS
    assert written(empty, "jsonl") == b""


# --- the verb -----------------------------------------------------------------------------------


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
