"""Create a virtual environment with pip, even where Python came without ensurepip.

Usage: python3 tools/bootstrap.py [FOLDER]     (FOLDER is .venv unless given)

Debian and Ubuntu ship Python without ensurepip, so that `python3 -m venv` fails there until
somebody installs python3-venv. This script needs the standard library alone, changes nothing
outside FOLDER, and leaves an environment that already has pip as it is.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

OLDEST = (3, 11)


class CannotError(Exception):
    """One way to an environment is closed; the message says why."""


def run(*command: str | Path, cwd: str | None = None) -> None:
    """Run a command silently; what it printed becomes the error where it fails."""
    done = subprocess.run(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        last = (done.stdout.strip() or f"exit status {done.returncode}").splitlines()[-1]
        raise CannotError(f"`{' '.join(map(str, command[:4]))} …` failed: {last.strip()}")


def python_of(folder: Path) -> Path:
    """Return the interpreter inside an environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def has_pip(folder: Path) -> bool:
    """Tell whether the environment is there and its pip runs."""
    try:
        run(python_of(folder), "-m", "pip", "--version")
    except (CannotError, OSError):
        return False
    return True


def with_ensurepip(folder: Path) -> None:
    """Take the ordinary way."""
    run(sys.executable, "-c", "import ensurepip")
    run(sys.executable, "-m", "venv", "--clear", folder)


def with_the_pip_at_hand(folder: Path) -> None:
    """Let the pip of the running Python install itself into the environment."""
    run(sys.executable, "-m", "pip", "--version")
    run(sys.executable, "-m", "venv", "--clear", "--without-pip", folder)
    run(sys.executable, "-m", "pip", "--python", python_of(folder), "install", "pip")


def with_the_wheel_of_debian(folder: Path) -> None:
    """Fetch the package that holds pip as a wheel and unpack it aside: no root, no installation."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise CannotError("no apt-get here")
    with tempfile.TemporaryDirectory() as aside:
        fetch = ("apt-get", "download", "python3-pip-whl")
        try:
            run(*fetch, cwd=aside)
        except CannotError:
            # A fresh container has no package lists; only root may refresh them.
            if os.geteuid() != 0:
                raise
            run("apt-get", "update")
            run(*fetch, cwd=aside)
        for package in Path(aside).glob("*.deb"):
            run("dpkg-deb", "--extract", package, aside)
        wheel = next(Path(aside).rglob("pip-*.whl"), None)
        if wheel is None:
            raise CannotError("python3-pip-whl holds no wheel of pip")
        run(sys.executable, "-m", "venv", "--clear", "--without-pip", folder)
        # A wheel is a zip file, and Python runs a package out of one.
        run(python_of(folder), wheel / "pip", "install", "--no-index", wheel)


WAYS = (with_ensurepip, with_the_pip_at_hand, with_the_wheel_of_debian)


def main(arguments: list[str]) -> int:
    """Try each way in turn; return the exit status."""
    folder = Path(arguments[0] if arguments else ".venv")
    found = "{}.{}".format(*sys.version_info)
    if sys.version_info < OLDEST:
        wanted = "{}.{}".format(*OLDEST)
        print(f"error: expected Python {wanted} or newer, got {found}.", file=sys.stderr)
        return 1
    if has_pip(folder):
        return 0
    # --clear empties the folder: only ever one that is a virtual environment.
    if folder.exists() and not (folder / "pyvenv.cfg").exists() and any(folder.iterdir()):
        print(f"error: {folder} holds something that is no virtual environment.", file=sys.stderr)
        return 1
    reasons = []
    for way in WAYS:
        try:
            way(folder)
        except CannotError as error:
            reasons.append(f"{way.__name__.replace('_', ' ')}: {error}")
            continue
        if has_pip(folder):
            print(f"{folder}: Python {found}, pip {way.__name__.replace('_', ' ')}")
            return 0
        reasons.append(f"{way.__name__.replace('_', ' ')}: pip does not run")
    shutil.rmtree(folder, ignore_errors=True)
    print(f"error: cannot make {folder}. Tried", *reasons, sep="\n  ", file=sys.stderr)
    print(
        f"Install venv and pip for Python {found} and try again; on Debian and Ubuntu: "
        f"sudo apt-get install python{found}-venv",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
