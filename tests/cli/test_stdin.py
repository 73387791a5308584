"""What comes through a pipe: read as it grows, passed on, and said to be what it is."""

import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from conftest import Terminal, run_cli
from whyloss.cli import stdin
from whyloss.testing import known_cause

LINES = [
    f"Epoch {epoch} loss: {0.5 / epoch:.4f} acc: 0.8{epoch}00 val_loss: {loss:.4f} val_acc: 0.7{epoch}00\n"
    for epoch, loss in enumerate([0.60, 0.50, 0.52, 0.61, 0.72, 0.85, 0.99], 1)
]
LOG = "".join(LINES)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    one = known_cause(3, n_samples=200).source.predictions("val", 0)
    np.savez(folder / "p.npz", y_true=one.y_true, logits=one.scores)
    probs = np.exp(one.scores - np.logaddexp.reduce(one.scores, axis=1)[:, None])
    head = ",".join(["y_true", *(f"p_{k}" for k in range(probs.shape[1]))])
    table = np.column_stack([one.y_true, probs])
    np.savetxt(folder / "p.csv", table, delimiter=",", header=head, comments="")
    columns = {"y_true": one.y_true.tolist(), "probs": probs.tolist()}
    (folder / "p.json").write_text(json.dumps(columns), encoding="utf-8")
    (folder / "train.log").write_text(LOG, encoding="utf-8")
    (folder / "wide.log").write_text(LOG, encoding="utf-16")
    return folder


@pytest.fixture
def piped():
    """Make a pipe that another thread writes to, and the name that a shell would pass."""
    if not Path("/dev/fd").exists():
        pytest.skip("needs names of pipes")
    ends = []

    def start(*pieces):
        reading, writing = os.pipe()

        def write():
            with os.fdopen(writing, "wb") as file:
                for piece in pieces:
                    file.write(piece)
                    file.flush()

        writer = threading.Thread(target=write)
        writer.start()
        ends.append((reading, writer))
        return f"/dev/fd/{reading}"

    yield start
    for reading, writer in ends:
        os.close(reading)
        writer.join()


def answer(result):
    assert result.returncode == 0, result.stderr
    content = json.loads(result.stdout)
    return content["verdict"]["name"], content["numbers"]


@pytest.mark.parametrize("name", ["p.npz", "p.csv", "p.json", "train.log", "wide.log"])
def test_a_pipe_is_read_as_the_file_would_be(name, files, piped):
    expected = answer(run_cli("diagnose", files / name, "--format", "json"))
    content = (files / name).read_bytes()
    for done in (
        run_cli("diagnose", piped(content), "--format", "json"),
        run_cli("diagnose", "-", "--format", "json", given=content),
    ):
        assert answer(done) == expected


def test_two_pipes_can_be_compared(files, piped):
    content = (files / "p.npz").read_bytes()
    done = run_cli("compare", piped(content), piped(content))
    assert done.returncode == 0, done.stderr
    assert "do not clearly differ" in done.stdout.replace("\n", " ")


def test_the_shell_passes_the_output_of_a_command(files):
    command = f'{sys.executable} -m whyloss diagnose <(cat "{files}/p.npz") --brief'
    done = subprocess.run(
        ["bash", "-c", command],  # noqa: S607 - wherever the machine has it
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "200 samples" in done.stdout


def test_what_only_the_operating_system_calls_a_file_is_read_too(files):
    command = [sys.executable, "-m", "whyloss", "diagnose", "/dev/stdin", "--brief"]
    for stream in (subprocess.PIPE, (files / "p.npz").open("rb")):
        given = (files / "p.npz").read_bytes() if stream == subprocess.PIPE else None
        with subprocess.Popen(
            command, stdin=stream, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            out, errors = process.communicate(given)
        assert b"200 samples" in out, errors
        if given is None:
            stream.close()


@pytest.mark.parametrize(
    "given", [b"", b"\0" * 100_000, b"\xff\xfe\0", b"\x80\x04K\x01.", b"PK\x03\x04x"]
)
def test_what_is_no_log_is_refused_in_one_line(given):
    done = run_cli("diagnose", "-", given=given)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "expected" in done.stderr


def test_more_than_the_limit_is_refused(files):
    content = (files / "p.npz").read_bytes()
    done = run_cli("diagnose", "-", "--max-bytes", "1000", given=content)
    assert (done.returncode, done.stdout) == (2, "")
    assert "too large" in done.stderr
    assert "--max-bytes" in done.stderr


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs an endless device")
def test_an_endless_device_is_refused_at_once():
    done = run_cli("diagnose", "/dev/zero")
    assert (done.returncode, done.stdout) == (2, "")
    assert "a binary file of no kind that whyloss knows" in done.stderr


def test_a_pickle_is_called_by_its_name():
    assert "a pickle" in run_cli("diagnose", "-", given=b"\x80\x04K\x01.").stderr


def test_watching_a_pipe_is_declined_with_what_to_do(piped):
    source = piped(LOG.encode())
    done = run_cli("watch", source)
    assert done.returncode == 2
    assert f"whyloss diagnose {source}" in done.stderr


# --- passing it on ------------------------------------------------------------------------------


def test_the_text_is_passed_on_and_the_answer_stays_alone(monkeypatch, piped):
    monkeypatch.setattr(stdin, "PAUSE", 0.0)
    source = piped(*(line.encode() for line in LINES))
    done = run_cli("diagnose", source, "--tee", "--format", "json")
    assert answer(done) == answer(run_cli("diagnose", "-", "--format", "json", given=LOG))
    said = re.findall(r"^epoch \d: .*\n", done.stderr, re.MULTILINE)
    assert said
    rest = done.stderr
    for line in said:
        rest = rest.replace(line, "")
    assert rest == LOG


def test_nothing_is_passed_on_where_nobody_looks():
    assert LINES[0] not in run_cli("diagnose", "-", given=LOG).stderr
    assert (
        LINES[0] not in run_cli("diagnose", "-", "--no-tee", given=LOG, errors_to=Terminal).stderr
    )


def test_a_pipe_is_passed_on_to_a_terminal(piped):
    shown = run_cli("diagnose", piped(LOG.encode()), errors_to=Terminal).stderr
    assert LOG in shown
    silent = run_cli("diagnose", piped(LOG.encode()), "--quiet", errors_to=Terminal).stderr
    assert silent == ""


def test_the_verdict_begins_a_line_of_its_own(monkeypatch, piped):
    monkeypatch.setattr(stdin, "PAUSE", 0.0)
    bar = b"50%|#####     |"
    done = run_cli("diagnose", piped(LOG.encode() + bar), "--tee")
    assert f"\n{bar.decode()}\nepoch 7: " in done.stderr


@pytest.mark.parametrize("tee", ["--tee", "--no-tee"])
def test_the_verdict_does_not_collide_with_a_spinner(monkeypatch, piped, tee):
    monkeypatch.setattr(stdin, "PAUSE", 0.0)
    done = run_cli("diagnose", piped(LOG.encode()), tee, errors_to=Terminal)
    said = done.stderr.partition("\x1b")[0]
    assert re.search(r"^epoch 7: .*\n\Z", said, re.MULTILINE)
    assert "Reading and diagnosing" in done.stderr.removeprefix(said)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m\n", "\x1b[31mred\x1b[0m\n"),
        ("\r 50%\r 60%\n", "\r 50%\r 60%\n"),
        ("a\x1b[2J\x1b[1;1Hb\n", "ab\n"),
        ("\x1b]52;c;ZXZpbA==\x07\n", "]52;c;ZXZpbA==\n"),
        ("\x9b31m\u202egnp.exe\n", "31mgnp.exe\n"),
        ("\x1b[\n", "[\n"),
    ],
)
def test_colours_and_bars_are_passed_on_and_nothing_else_that_steers_a_terminal(text, shown):
    assert run_cli("diagnose", "-", "--tee", given=text + LOG).stderr.startswith(shown)
