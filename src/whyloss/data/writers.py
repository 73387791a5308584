"""Who records into a run: one small file per process, and whether that process is still there."""

from __future__ import annotations

import json
import os
import platform
import secrets
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from whyloss.data.durable import make_folder, sync_folder, write_atomically
from whyloss.data.layout import WRITERS_FOLDER, PartName

State = Literal["recording", "closed", "stopped"]
_LONGEST_REASON = 500  # characters


def _machine() -> str:
    """The host, and since when it runs: process numbers mean something only there."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        boot = ""
    return f"{platform.node()} {boot}".strip()


def _start_of(process: int) -> float | None:
    """Seconds from the start of the machine to that of a process; None where it is not running."""
    try:
        content = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *fields = content.rpartition(")")[2].split()  # the name before it may hold anything
    return None if state in "ZX" else int(fields[18]) / os.sysconf("SC_CLK_TCK")


def _since_boot() -> float:
    """Seconds since the start of the machine; no change of the clock moves them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else 0.0


@dataclass(frozen=True)
class WriterRecord:
    """A process that records into a run.

    Attributes
    ----------
    writer : str
        Its name: the rank.
    launch : int
        The launch of the training that it belongs to.
    n_writers : int or None
        Number of processes that record together, as this one knows it.
    token : str
        Random; part of the names of its files.
    process : int
        Its number on its machine.
    machine : str
    started, opened : float or None
        When the process was started, and when it began to record, in seconds since the start of
        the machine; None where the system does not tell.
    state : {"recording", "closed", "stopped"}
        "stopped" where an error has ended the recording before the training.
    reason : str
        The error.
    """

    writer: str
    launch: int
    n_writers: int | None = None
    token: str = field(default_factory=lambda: secrets.token_hex(4))
    process: int = field(default_factory=os.getpid)
    machine: str = field(default_factory=_machine)
    started: float | None = field(default_factory=lambda: _start_of(os.getpid()))
    opened: float | None = field(default_factory=_since_boot)
    state: State = "recording"
    reason: str = ""

    def part(self, number: int) -> str:
        """Name a part of this writer.

        Parameters
        ----------
        number : int
        """
        return f"{PartName(self.writer, self.launch, self.token, number)}"

    def save(self, run: Path) -> None:
        """Write the file of this writer.

        Parameters
        ----------
        run : Path
            The folder of the run, which must exist.
        """
        path = self.file(run)
        make_folder(path.parent, within=run)
        content = asdict(self) | {"reason": self.reason[:_LONGEST_REASON]}
        write_atomically(path, (json.dumps(content, indent=2) + "\n").encode())
        sync_folder(run)

    def file(self, run: Path) -> Path:
        """Name the file of this writer.

        Parameters
        ----------
        run : Path
            The folder of the run.
        """
        return run / WRITERS_FOLDER / f"writer-{self.writer}-{self.launch}-{self.token}.json"

    @property
    def here(self) -> bool:
        """Whether the process runs, or ran, on this machine since its start."""
        return self.machine == _machine()

    @property
    def running(self) -> bool:
        """Whether the process is known to run still; on another machine, that is not known."""
        if not self.here:
            return False
        if self.process == os.getpid():
            return True
        return self.started is not None and _start_of(self.process) == self.started


def read_writers(run: Path) -> list[WriterRecord]:
    """Read who has recorded into a run.

    Parameters
    ----------
    run : Path
        The folder of the run.

    Returns
    -------
    list of WriterRecord
        By launch and writer. Empty for a run of format version 1, and for one of another program;
        files that cannot be read are left out.
    """
    found = []
    for path in (run / WRITERS_FOLDER).glob("writer-*.json"):
        try:
            found.append(_validated(json.loads(path.read_bytes())))
        except (OSError, ValueError, TypeError, RecursionError):
            continue  # damaged, or removed since
    return sorted(found, key=lambda record: (record.launch, record.writer, record.token))


def _validated(raw: Any) -> WriterRecord:  # noqa: ANN401 - whatever the JSON held
    record = WriterRecord(**raw)
    numbers = (record.launch, record.process, *(n for n in (record.n_writers,) if n is not None))
    texts = (record.writer, record.token, record.machine, record.reason)
    times = (t for t in (record.started, record.opened) if t is not None)
    if (
        not all(type(number) is int for number in numbers)
        or not all(isinstance(text, str) for text in texts)
        or not all(isinstance(at, int | float) for at in times)
        or record.state not in get_args(State)
    ):
        raise ValueError(raw)
    return record


def started_before(record: WriterRecord) -> bool:
    """Whether this process is known to run since before another one began to record.

    Parameters
    ----------
    record : WriterRecord
        That of the other process, on this machine.
    """
    own = _start_of(os.getpid())
    return record.here and own is not None and record.opened is not None and record.opened >= own
