"""How files are damaged, and what counts as a fault of whyloss."""

import json
import shutil
import time

from conftest import run_cli
from whyloss.errors import WhylossError
from whyloss.readers import read

VERBS = (("diagnose",), ("diagnose", "--brief"), ("review", "--top", "3"), ("check",))
SLOW = 10.0  # seconds of the processor
_ODD = (
    b"nan", b"inf", b"-1", b"1e999", b"9" * 400, b"\xff\xfe", b"\xc2\xb2", b"\x00", b'"', b"[", b"{",
    b"null", b"-", b",", b"\n", b"\r", b"\x1b[2J", b"\xed\xa0\x80", b"%", b"1" * 30, b"(", b"\\",
)  # fmt: skip


def damaged(content, random):
    """A copy of a file with one to five faults in it; `random` is a :class:`random.Random`."""
    data = bytearray(content)
    for _ in range(random.choice((1, 1, 1, 2, 5))):
        size = len(data)
        if not size:
            break
        at, length = random.randrange(size), random.choice((1, 2, 4, 8, 64, 200))
        kind = random.randrange(9)
        if kind == 0:
            del data[at:]
        elif kind in {1, 2}:
            data[at] ^= 1 << random.randrange(8)
        elif kind == 3:
            data[at : at + length] = bytes([random.choice((0, 255))]) * min(length, size - at)
        elif kind == 4:
            data[at:at] = random.choice(_ODD)
        elif kind == 5:
            data[at : at + length] = random.choice(_ODD)
        elif kind == 6:
            data[at:at] = data[at : at + length]
        elif kind == 7:
            del data[at : at + length]
        else:
            other = random.randrange(size)
            data[at], data[other] = data[other], data[at]
    return bytes(data)


def place(seed, content, folder):
    """Write a seed with other content, and what lies beside it; give what is to be read."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, text in (*seed.others, (seed.name, content)):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
    return folder / seed.source


def fault_of_reading(source):
    """What is wrong with how a file was read, if anything is."""
    began = time.process_time()
    try:
        read(source)
    except (WhylossError, OSError) as error:
        if "\n" in f"{error}".strip():
            return f"an error of several lines: {error!r:.200}"
    except Exception as error:  # noqa: BLE001 - which one it is, is the question
        return f"{type(error).__name__}: {error!s:.200}"
    spent = time.process_time() - began
    return f"took {spent:.1f} s" if spent > SLOW else None


def fault_of_the_command(source, random):
    """What is wrong with what a command made of a file, if anything is."""
    verb, *options = random.choice(VERBS)
    began = time.process_time()
    result = run_cli(verb, source, *options)
    spent = time.process_time() - began
    said = result.stderr.strip()
    if spent > SLOW:
        return f"{verb} took {spent:.1f} s"
    if result.returncode not in ({0, 1, 2} if verb == "check" else {0, 2}):
        return f"{verb} ended with {result.returncode}: {said[-200:]}"
    if result.returncode == 2 and verb != "check" and (not said or "\n" in said):
        return f"{verb} refused without one line: {said[:200]!r}"
    return None


def answer(source):
    """The diagnosis of a file as JSON; None where it is refused."""
    result = run_cli("diagnose", source, "--format", "json")
    return json.loads(result.stdout) if result.returncode == 0 else None
