"""What several test files use."""

import importlib
import io
import os
import sys
import threading
from contextlib import ExitStack, chdir, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from hypothesis import settings

from whyloss.cli import main

# How long an example takes says more about the machine than about the code.
settings.register_profile("whyloss", deadline=None)
settings.load_profile("whyloss")

if "PYTEST_XDIST_WORKER" in os.environ:  # the workers keep every processor busy already
    os.environ.setdefault("OMP_NUM_THREADS", "1")


CHROMIUM = Path("/usr/bin/chromium")


def require(name):
    """Import an optional dependency: skip without it, unless everything is required."""
    if os.environ.get("WHYLOSS_REQUIRE_EXTRAS") == "1":
        return importlib.import_module(name)
    return pytest.importorskip(name, exc_type=ImportError)


class Captured:
    """A stream that keeps what is written to it."""

    def __init__(self, encoding="utf-8"):
        self.stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="")

    def text(self):
        self.stream.flush()
        return self.stream.buffer.getvalue().decode(self.stream.encoding, "replace")


class Terminal:
    """A stream that is a terminal to those who write to it."""

    def __init__(self, encoding="utf-8"):
        if not hasattr(os, "openpty"):
            pytest.skip("needs the terminals of POSIX")
        self._main, child = os.openpty()
        self.stream = open(child, "w", encoding=encoding, newline="")  # noqa: PTH123, SIM115
        self._seen = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        with suppress(OSError):  # the other end is closed
            while piece := os.read(self._main, 1 << 16):
                self._seen += piece

    def text(self):
        encoding = self.stream.encoding
        self.stream.close()
        self._reader.join()
        os.close(self._main)
        return self._seen.decode(encoding, "replace").replace("\r\n", "\n")


class Closed:
    """No stream, as after ``>&-``."""

    stream = None

    def __init__(self, encoding="utf-8"):
        pass

    def text(self):
        return ""


def run_cli(*arguments, given="", cwd=".", encoding="utf-8", to=Captured, errors_to=Captured):
    """Run a command of whyloss: its exit code, and what it printed.

    It runs in this process, since starting Python costs more than most commands do. Where `given`
    is None, stdin is closed.
    """
    content = given.encode(encoding) if isinstance(given, str) else given
    stdin = None if content is None else io.TextIOWrapper(io.BytesIO(content), encoding=encoding)
    out, errors = to(encoding), errors_to(encoding)
    with (
        patch.object(sys, "argv", ["whyloss", *map(str, arguments)]),
        patch.object(sys, "stdin", stdin),
        redirect_stdout(out.stream),
        redirect_stderr(errors.stream),
        chdir(cwd),
        ExitStack() as opened,
    ):
        with pytest.raises(SystemExit) as ended:
            main()
        for stream, before in (
            (sys.stdin, stdin),
            (sys.stdout, out.stream),
            (sys.stderr, errors.stream),
        ):
            if before is None:
                opened.enter_context(stream)
    return SimpleNamespace(
        returncode=ended.value.code or 0, stdout=out.text(), stderr=errors.text()
    )


def pytest_addoption(parser):
    parser.addoption(
        "--update-snapshots", action="store_true", help="Write the reviewed texts anew."
    )
    parser.addoption(
        "--seeds", type=int, default=20, help="Seeds that each check of each rule is tried on."
    )


@pytest.fixture(scope="module")
def browser():
    """Chromium, for the tests that read a page as people do."""
    sync_api = require("playwright.sync_api")
    if not CHROMIUM.exists() and os.environ.get("WHYLOSS_REQUIRE_EXTRAS") != "1":
        pytest.skip(f"needs {CHROMIUM}")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def seeds(request):
    """The seeds that each check of each rule is tried on."""
    return range(request.config.getoption("--seeds"))


@pytest.fixture
def trials(request):
    """Trials of a simulation that takes so many in full, which --seeds 200 asks for."""
    seeds = request.config.getoption("--seeds")
    return lambda full: min(full, max(40, full * seeds // 200))
