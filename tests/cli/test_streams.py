"""Every command on every stream: it prints, it ends with a documented code, it steers no terminal."""

import csv
import json
import os
import re
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

import pytest

import whyloss
from conftest import Captured, Closed, Terminal, run_cli
from whyloss import api
from whyloss.reporters.html import page
from whyloss.testing import known_cause

COMMANDS = {
    "diagnose": ("diagnose", "RUN"),
    "diagnose --brief": ("diagnose", "RUN", "--brief"),
    "diagnose, markdown": ("diagnose", "RUN", "--format", "markdown"),
    "diagnose, json": ("diagnose", "RUN", "--format", "json"),
    "diagnose, html": ("diagnose", "RUN", "--format", "html"),
    "report": ("report", "RUN", "-o", "OUT/report.html"),
    "compare": ("compare", "RUN@0", "RUN@1"),
    "compare, markdown": ("compare", "RUN@0", "RUN@1", "--format", "markdown"),
    "compare, json": ("compare", "RUN@0", "RUN@1", "--format", "json"),
    "review": ("review", "RUN"),
    "review, jsonl": ("review", "RUN", "--format", "jsonl"),
    "check": ("check", "RUN", "--fail-on", "accuracy>2"),
    "check, markdown": ("check", "RUN", "--fail-on", "accuracy>2", "--format", "markdown"),
    "check, json": ("check", "RUN", "--fail-on", "accuracy>2", "--format", "json"),
    "check, junit": ("check", "RUN", "--fail-on", "accuracy>2", "--format", "junit"),
    "watch": ("watch", "RUN"),
    "demo": ("demo", "--list"),
    "rules": ("rules",),
    "a rule": ("rules", "overconfidence"),
    "references": ("references",),
    "help": ("--help",),
}

# Fills the clipboard, clears the screen, colours, turns the text round, rings.
HOSTILE = "\x1b]52;c;ZXZpbA==\x07\x1b[2J\x9b31m\u202egnp.exe"

# What the terminal is told by whyloss itself: colours, and how the panel of watch is redrawn.
OWN_SEQUENCES = re.compile(r"\x1b\[[0-9;]*m|\x1b\[\?25[lh]|\x1b\[[12]?[AK]|\r")
STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A run whose every name is hostile."""
    path = tmp_path_factory.mktemp("runs") / f"é猫{HOSTILE}"
    source = known_cause(1, temperature=(1.0, 2.5), n_samples=300).source
    ids = [f"id{HOSTILE}{i}" for i in range(300)]
    names = [f"{name}{HOSTILE}" for name in ("é", "猫[/red]", "c[bold]")]
    with whyloss.Recorder(path, classes=names) as recorder:
        for epoch, at in enumerate(source.epochs("val")):
            one = source.predictions("val", at)
            recorder.log(
                split="val",
                epoch=epoch,
                y_true=one.y_true,
                logits=one.scores,
                ids=ids,
                slices={"site [/x]": [f"s{i % 3}{HOSTILE}" for i in range(300)]},
            )
        recorder.log_samples(
            "val", ids, text=[f"text{HOSTILE}[link=x]\r\n="] * 300, paths=[f"/p/{HOSTILE}"] * 300
        )
    return path


def once(function, key):
    """The function, which does not do the same twice."""
    known = {}

    def remembered(*arguments, **options):
        asked = key(arguments), json.dumps(options, sort_keys=True)
        if asked not in known:
            known[asked] = function(*arguments, **options)
        return known[asked]

    return remembered


@pytest.fixture(scope="module", autouse=True)
def _computed_once():
    """These tests are about what is printed, so that all else is done once."""
    with ExitStack() as patched:
        for verb in ("diagnose", "compare", "review"):
            patched.enter_context(patch.object(api, verb, once(getattr(api, verb), str)))
        drawn = once(page.render, lambda arguments: id(arguments[0]))
        patched.enter_context(patch.object(page, "render", drawn))
        yield


@pytest.fixture
def run(recorded, tmp_path):
    """Run one of the commands; `watch` is interrupted after its first look."""

    def run_command(name, **streams):
        places = {"RUN": str(recorded), "OUT": str(tmp_path)}
        arguments = COMMANDS[name]
        for place, path in places.items():
            arguments = [part.replace(place, path) for part in arguments]
        with patch("time.sleep", side_effect=KeyboardInterrupt):
            return run_cli(*arguments, **streams)

    return run_command


@pytest.mark.parametrize("to", [Captured, Terminal])
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii"])
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_prints_on_every_stream(name, encoding, to, run):
    done = run(name, encoding=encoding, to=to, errors_to=to)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    for text in (done.stdout, done.stderr):
        assert "Traceback" not in text
        assert STEERING.findall(OWN_SEQUENCES.sub("", text) if to is Terminal else text) == []


@pytest.mark.parametrize("name", COMMANDS)
def test_a_closed_stream_changes_no_exit_code(name, recorded, run):
    closed = {"to": Closed, "errors_to": Closed, "given": None}
    assert run(name, **closed).returncode == 0
    failing = run_cli("check", recorded, "--fail-on", "accuracy<=1", **closed)
    assert failing.returncode == 1


def test_every_verb_is_tried():
    verbs = {words[0] for words in COMMANDS.values()}
    from whyloss.cli import cli

    assert set(cli.commands) - {"samples"} <= verbs


# --- what comes from outside --------------------------------------------------------------------


def test_json_and_files_keep_every_name_whole(recorded, tmp_path):
    found = json.loads(run_cli("diagnose", recorded, "--format", "json").stdout)
    assert found["classes"][0]["name"] == f"é{HOSTILE}"
    lines = run_cli("review", recorded, "--format", "jsonl").stdout.splitlines()
    assert json.loads(lines[0])["text"] == f"text{HOSTILE}[link=x]\r\n="
    assert run_cli("review", recorded, "-o", tmp_path / "r.csv").returncode == 0
    with (tmp_path / "r.csv").open(encoding="utf-8", newline="") as file:
        assert next(csv.DictReader(file))["text"] == f"text{HOSTILE}[link=x]\r\n="


def test_no_result_shows_itself_with_what_steers_a_terminal(recorded):
    for result in (whyloss.diagnose(recorded), whyloss.review(str(recorded))):
        shown = [repr(result), result.render("terminal"), result.to_markdown(), result.to_json()]
        assert [STEERING.findall(text) for text in shown] == [[]] * 4


def test_printed_cells_are_no_formulas_once_they_are_cleaned(tmp_path):
    one = known_cause(3, n_samples=200).source.predictions("val", 0)
    ids = [f"\x1b=cmd{i}" for i in range(200)]
    with whyloss.Recorder(tmp_path / "r") as recorder:
        recorder.log(split="val", epoch=0, y_true=one.y_true, logits=one.scores, ids=ids)
    rows = list(csv.DictReader(run_cli("review", tmp_path / "r").stdout.splitlines()))
    assert rows
    assert all(row["id"].startswith("'=cmd") for row in rows)


def table(folder, name, head, *rows):
    with (folder / name).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([head, *rows])
    return folder / name


BAD = {
    "a pasted text": lambda _: f"{HOSTILE}nothing here",
    "a path": lambda _: f"no/such/{HOSTILE}",
    "columns": lambda folder: table(folder, "a.csv", [f"x{HOSTILE}", "y_true"], [1, 1], [2, 1]),
    "a label": lambda folder: table(
        folder, "b.csv", ["p_a", "p_b", "y_true"], *[[0.5, 0.5, f"q{HOSTILE}"]] * 9
    ),
    "the name of a file": lambda folder: broken(folder, f"x{HOSTILE}.npz"),
    "a folder of runs": lambda folder: two_runs(folder, "b"),
    "a split": lambda folder: one_run(folder, f"v{HOSTILE}[/red]"),
}


def broken(folder, name):
    (folder / name).write_bytes(b"PK\3\4 this is no archive")
    return folder / name


def one_run(path, split="val"):
    one = known_cause(3, n_samples=50).source.predictions("val", 0)
    with whyloss.Recorder(path) as recorder:
        recorder.log(split=split, epoch=0, y_true=one.y_true, logits=one.scores)
    return path


def two_runs(folder, other):
    for name in (f"a{HOSTILE}", other):
        one_run(folder / name)
    return folder


@pytest.mark.parametrize("verb", ["diagnose", "check", "watch"])
@pytest.mark.parametrize("what", BAD)
def test_no_error_steers_the_terminal(what, verb, tmp_path):
    split = ("--split", f"none{HOSTILE}[/red]") if what == "a split" else ()
    source = BAD[what](tmp_path)
    with patch("time.sleep", side_effect=KeyboardInterrupt):
        done = run_cli(verb, source, *split, to=Terminal, errors_to=Terminal)
    assert done.returncode in {2, 130}
    for text in (done.stdout, done.stderr):
        assert STEERING.findall(OWN_SEQUENCES.sub("", text)) == []
        assert "Traceback" not in text
        assert "fault in whyloss" not in text


def test_a_log_with_hostile_names_is_read_and_shown_cleaned():
    lines = [
        f"Epoch {e} {HOSTILE} my{HOSTILE}score: 0.1 - val_loss: 0.{50 + e} - val_acc: 0.8\n"
        for e in range(9)
    ]
    done = run_cli("diagnose", "-", "--tee", given="".join(lines), to=Terminal, errors_to=Terminal)
    assert done.returncode == 0, done.stderr
    for text in (done.stdout, done.stderr):
        assert STEERING.findall(OWN_SEQUENCES.sub("", text)) == []


def test_nothing_is_printed_but_through_the_function_that_cleans():
    sources = Path(whyloss.__file__).parent
    loose = re.compile(r"\b(?:click\.s?echo|secho|print)\(|std(?:out|err)\.write")
    found = {
        f"{path.relative_to(sources)}: {line.strip()}"
        for room in ("cli", "reporters", "verbs", "api", "readers", "rules", "evidence")
        for path in (sources / room).rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if loose.search(line) and not line.lstrip().startswith(("#", ">>>"))
    }
    cleaned = {line for line in found if "clean(" in line or "Cleaned(" in line}
    known = {
        "cli/review.py: click.echo(content.getvalue(), nl=False)",  # Parquet, not to a terminal
        'cli/stdin.py: sys.stderr.write("".join(map(_shown, _CONTROL_SEQUENCE.split(text))))',
    }
    assert found - cleaned == known


# --- streams of the operating system ------------------------------------------------------------


CURVES = "epoch,val_loss,val_accuracy\n1,0.5,0.8\n2,0.4,0.8\n3,0.45,0.81\n4,0.6,0.81\n"


@pytest.mark.skipif(os.name != "posix", reason="shells of POSIX close streams")
@pytest.mark.parametrize(
    ("command", "streams", "code", "error"),
    [
        ("report CURVES -o OUT", "<&- >&- 2>&-", 0, ""),
        ("diagnose -", "<&-", 2, "is empty"),
        ("rules", ">/dev/full", 2, "No space left"),
        ("diagnose no/such/file.csv", "2>/dev/full", 2, ""),
        ("rules", "| true; exit ${PIPESTATUS[0]}", 1, ""),
        ("diagnose no/such/file.csv", "2>&1 >/dev/null | true; exit ${PIPESTATUS[0]}", 1, ""),
    ],
)
def test_every_end_of_a_stream_has_a_documented_code(command, streams, code, error, tmp_path):
    (tmp_path / "h.csv").write_text(CURVES, encoding="utf-8")
    command = command.replace("CURVES", "h.csv").replace("OUT", "r.html")
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m whyloss {command} {streams}"],  # noqa: S607
        cwd=tmp_path, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert error in done.stderr
    assert done.stderr.count("\n") == bool(error)
    if "r.html" in command:  # nothing else stands in it
        text = (tmp_path / "r.html").read_text("utf-8")
        assert text.startswith("<!doctype html>")
        assert text.rstrip().endswith("</html>")


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_an_interrupt_while_the_program_starts_leaves_no_traceback():
    code = (
        "import os, signal, sys; sys.argv = ['whyloss', 'rules']\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'click': signal.raise_signal(signal.SIGINT)\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "sys.meta_path.insert(0, Interrupting())\n"
        "from whyloss.__main__ import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


@pytest.mark.parametrize("columns", ["0", "1", "x"])
def test_a_terminal_without_a_size_gets_the_answer(columns, recorded, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    done = run_cli("diagnose", recorded, to=Terminal)
    assert done.returncode == 0
    assert "confidence" in done.stdout
