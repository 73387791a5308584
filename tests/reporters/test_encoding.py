"""Text for any stream: ASCII forms of signs, and no characters that steer a terminal."""

import ast
import io
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import whyloss
from whyloss.reporters.encoding import clean, make_encodable

SOURCE = Path(whyloss.__file__).parent

# Steers a terminal: clipboard, colour, a control character of the second range, right-to-left.
HOSTILE = "\x1b]52;c;ZXZpbA==\x07\x1b[2J\x9b31m\u202egnp.exe\x7f\x00\r\x08\u2066"


@pytest.mark.parametrize(
    "character", [*HOSTILE[:1], *"\x07\x9b\u202e\x7f\x00\r\x08\u2066\u2069\x85\x0b"]
)
def test_what_steers_a_terminal_is_left_out(character):
    assert clean(f"a{character}b") == "ab"


@pytest.mark.parametrize("text", ["a\tb\n", "é−…█", "猫", "👩\u200d🔬", "א\u200fב", "\xa0", ""])
def test_what_people_write_stays(text):
    assert clean(text) == text


@given(st.text())
def test_cleaning_takes_no_other_character_and_is_done_at_once(text):
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert all(c in "\t\n" or not (c < " " or "\x7f" <= c <= "\x9f") for c in cleaned)
    assert len(text) - len(cleaned) == sum(not clean(c) for c in text)


def written(text, encoding):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="")
    make_encodable(stream)
    stream.write(text)
    stream.flush()
    return stream.buffer.getvalue().decode(encoding)


@pytest.mark.parametrize(
    ("text", "ascii_form"),
    [
        ("−0.6 … ← → ≥ 2 · ██ ∞", "-0.6 ... <- -> >= 2 - ## inf"),
        ("Müller, Gödel", "Muller, Godel"),
        ("猫 \ud800", "? ?"),
        ("✅ passed", "+ passed"),
    ],
)
def test_signs_have_a_form_in_ascii(text, ascii_form):
    assert written(text, "ascii") == ascii_form


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "ascii"])
def test_a_sign_that_the_stream_has_is_written_as_it_is(encoding):
    assert written("é × ", encoding) == ("e x " if encoding == "ascii" else "é × ")


def test_every_sign_that_whyloss_prints_has_a_form_in_ascii():
    lost = set()
    for path in SOURCE.rglob("*.py"):
        if path.parts[len(SOURCE.parts)] in {"readers", "data"}:
            continue  # signs that are read, not written
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                lost |= {sign for sign in clean(node.value) if written(sign, "ascii") == "?"}
    # Ends of ranges in patterns, the sign for what cannot be shown, and signs that are looked for.
    assert lost <= set("?\ud7ff\ue000\ufffd\U00010000\U0010ffff＝＋－＠")


def test_the_scripts_of_a_report_are_not_changed_by_cleaning():
    vl_convert = pytest.importorskip("vl_convert")
    texts = [vl_convert.javascript_bundle()]
    assets = files("whyloss.reporters.html").joinpath("assets")
    texts += [file.read_text("utf-8") for file in assets.iterdir() if file.is_file()]
    for text in texts:
        assert clean(text) == text
