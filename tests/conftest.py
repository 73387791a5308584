"""What several test files use."""

import importlib
import os

import pytest
from hypothesis import settings

# How long an example takes says more about the machine than about the code.
settings.register_profile("whyloss", deadline=None)
settings.load_profile("whyloss")

if "PYTEST_XDIST_WORKER" in os.environ:  # the workers keep every processor busy already
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def require(name):
    """Import an optional dependency: skip without it, unless everything is required."""
    if os.environ.get("WHYLOSS_REQUIRE_EXTRAS") == "1":
        return importlib.import_module(name)
    return pytest.importorskip(name, exc_type=ImportError)


def pytest_addoption(parser):
    parser.addoption(
        "--update-snapshots", action="store_true", help="Write the reviewed texts anew."
    )
    parser.addoption(
        "--seeds", type=int, default=20, help="Seeds that each check of each rule is tried on."
    )


@pytest.fixture
def seeds(request):
    """The seeds that each check of each rule is tried on."""
    return range(request.config.getoption("--seeds"))
