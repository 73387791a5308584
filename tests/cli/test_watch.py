"""``whyloss watch`` as a process: trainings that run beside it, interrupts, the browser."""

import os
import re
import signal
import subprocess
import sys
import threading
import time

import pytest

from conftest import run_cli
from watched import record

# A shell that runs the tests in the background has its children ignore interrupts; a person's has not.
HEEDING = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from whyloss.cli import main; main()"
)
WATCH = (sys.executable, "-u", "-c", HEEDING, "watch")


class Watching:
    """`whyloss watch` as a process; collects what it prints."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [*WATCH, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, "NO_COLOR": "1"},
        )
        self.lines = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        self.lines.extend(iter(self.process.stdout.readline, ""))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        for stream in (self._reader.join(), self.process.stdout, self.process.stderr):
            if stream:
                stream.close()

    def wait_for(self, pattern, seconds=60.0):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if re.search(pattern, "".join(self.lines)):
                return
            assert self.process.poll() is None, self.process.stderr.read()
            time.sleep(0.05)
        raise AssertionError(f"{pattern} did not come:\n{''.join(self.lines)}")

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(timeout=60)
        self._reader.join()
        return code


TRAINING = """
import sys, time
import numpy as np
import whyloss
from whyloss.testing import known_cause

known = known_cause(
    1, temperature=np.linspace(0.8, 3.0, 8), blur=0.4, n_classes=2, n_samples=300
).source
with whyloss.Recorder(sys.argv[1], overwrite=True) as recorder:
    for epoch in range(1, 9):
        one = known.predictions("val", epoch)
        recorder.log(split="val", epoch=epoch, y_true=one.y_true, logits=one.scores)
        recorder.flush()
        time.sleep(0.3)
"""


def training(path):
    return subprocess.Popen([sys.executable, "-c", TRAINING, str(path)])


def test_a_training_in_another_process_is_watched_to_its_end(tmp_path):
    with Watching(tmp_path / "r", "--interval", 0.1) as watching:
        watching.wait_for("Waiting for")
        with training(tmp_path / "r") as process:
            watching.wait_for("epoch 8: loss ")
            assert process.wait(timeout=60) == 0
        assert watching.interrupt() == 0
        text = "".join(watching.lines)
        for epoch in range(1, 9):
            assert text.count(f"epoch {epoch}: loss ") == 1
        assert "What to do" in text
        assert watching.process.stderr.read() == ""


def test_a_training_that_starts_twice_is_watched_twice(tmp_path):
    with Watching(tmp_path / "r", "--interval", 0.1) as watching:
        for pattern in ("epoch 8: loss", "(?s)epoch 8: loss.*epoch 8: loss"):
            with training(tmp_path / "r") as process:
                assert process.wait(timeout=60) == 0
            watching.wait_for(pattern)
        assert "The training has begun again." in "".join(watching.lines)


def test_interrupted_before_anything_was_there(tmp_path):
    with Watching(tmp_path / "nothing", "--interval", 0.1) as watching:
        watching.wait_for("Waiting for")
        assert watching.interrupt() == 130
        assert "Traceback" not in watching.process.stderr.read()


def test_a_terminal_gets_a_panel(tmp_path):
    pty = pytest.importorskip("pty")
    record(tmp_path / "r", [1, 2, 3])
    main, child = pty.openpty()
    command = [*WATCH, str(tmp_path / "r"), "--interval", "0.1"]
    with subprocess.Popen(
        command, stdout=child, stderr=child, env={**os.environ, "TERM": "xterm"}
    ) as process:
        os.close(child)
        seen = b""
        while b"the last one 3" not in seen:
            seen += os.read(main, 4096)
        process.send_signal(signal.SIGINT)
        while True:
            try:
                seen += os.read(main, 4096)
            except OSError:  # the other end is closed
                break
        assert process.wait(timeout=60) == 0
    os.close(main)
    text = seen.decode()
    assert "╭" in text
    assert "What this cannot tell" in text


def test_stdin_and_folders_of_runs_are_declined_with_what_to_do(tmp_path):
    record(tmp_path / "a", [1])
    record(tmp_path / "b", [1])
    for source, word in (("-", "whyloss diagnose -"), (tmp_path, f"whyloss watch {tmp_path}/a")):
        done = subprocess.run(
            [sys.executable, "-m", "whyloss", "watch", str(source)],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 2
        assert word in done.stderr


@pytest.mark.parametrize("seconds", ["nan", "0", "-1", "inf", "1e300"])
def test_an_interval_is_a_number_of_seconds(tmp_path, seconds):
    done = run_cli("watch", tmp_path / "r", "--interval", seconds)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


SHOWN = "iframe:not(.next)"


@pytest.mark.browser
def test_the_page_follows_a_training_and_says_when_the_server_is_gone(browser, tmp_path):
    page = browser.new_page()
    heard = []
    page.on("pageerror", lambda error: heard.append(str(error)))
    with Watching(tmp_path / "r", "--interval", 0.1, "--web") as watching:
        watching.wait_for("Waiting for")
        address = re.search(r"http://\S+", watching.process.stderr.readline())[0]
        page.goto(address)
        page.wait_for_function(
            "() => document.querySelector('#status').textContent.includes('Waiting')"
        )
        with training(tmp_path / "r") as process:
            page.wait_for_function(
                "() => document.querySelector('#status').textContent.includes('epoch 8')",
                timeout=60_000,
            )
            process.wait(timeout=60)
        report = page.frame_locator(SHOWN)
        report.locator("h1", has_text="epoch").wait_for(timeout=60_000)
        assert "Over-confidence" in page.title()
        assert page.locator("iframe").count() == 1
    page.wait_for_function("() => document.querySelector('#status').className === 'lost'")
    assert heard == []
    page.close()
