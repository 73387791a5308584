"""What several test files use."""

import importlib
import io
import os
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
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


def run_cli(*arguments, given="", cwd=".", encoding="utf-8"):
    """Run a command of whyloss: its exit code, and what it printed.

    It runs in this process, since starting Python costs more than most commands do.
    """
    streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="") for _ in range(3)]
    stdin, stdout, stderr = streams
    stdin.write(given)
    stdin.seek(0)
    with (
        patch.object(sys, "argv", ["whyloss", *map(str, arguments)]),
        patch.object(sys, "stdin", stdin),
        redirect_stdout(stdout),
        redirect_stderr(stderr),
        chdir(cwd),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    for stream in streams:
        stream.flush()
    printed = (stream.buffer.getvalue().decode(encoding, "replace") for stream in (stdout, stderr))
    return SimpleNamespace(
        returncode=ended.value.code or 0, **dict(zip(("stdout", "stderr"), printed, strict=True))
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
