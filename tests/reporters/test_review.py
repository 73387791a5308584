"""The review list as tables for labelling tools."""

import csv
import io
import json
import re

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import whyloss
from whyloss.reporters.review.tables import COLUMNS, write
from whyloss.results.review import Review, ReviewRow


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
