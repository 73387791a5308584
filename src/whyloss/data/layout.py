"""The files of a run: their names, and the description in ``run.json``."""

from __future__ import annotations

import json
import operator
import re
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pyarrow as pa

from whyloss.data.validation import SCALES, Scale
from whyloss.errors import DataError, FormatError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FORMAT_VERSION = 2
TASK = "classification"
INFO_FILE = "run.json"
SCALARS_FILE = "scalars.jsonl"
PREDICTIONS_FOLDER = "predictions"
PACKED_FILE = "predictions.parquet"
SAMPLES_FOLDER = "samples"
WRITERS_FOLDER = "writers"
WEIGHT_COLUMN = "weight"
# In the schema of a part whose ids are row numbers, as its samples have none of their own.
NUMBERED = {b"whyloss.ids": b"row numbers"}
SLICE_PREFIX = "slice_"
SAMPLE_COLUMNS = {"text": pa.string(), "path": pa.string(), "thumbnail": pa.binary()}

# Readers of Hive folders skip names that begin with a dot, so unfinished files are invisible.
TEMPORARY = re.compile(r"\.(?:part-.+|writer-.+|run\.json)\.[0-9a-f]{8}\.tmp")
PART = re.compile(r"part-.+\.(?:arrow|parquet)")
_OWN_PART = re.compile(r"(?P<writer>[^-]+)-(?P<launch>\d+)-(?P<token>[0-9a-f]{8})-(?P<number>\d+)")
_OLD_PART = re.compile(r"(?P<writer>[^-]+)(?:-(?P<number>\d+))?")  # of format version 1
_WRITER = re.compile(r"[A-Za-z0-9_]{1,64}")
_LONGEST_NAME = 200  # bytes; file systems allow 255 for a folder's name


@dataclass(frozen=True)
class RunInfo:
    """The content of ``run.json``.

    Attributes
    ----------
    classes : tuple of str
        Class names in the order of the columns; empty until they are known.
    scale : {"logits", "log_probs", "probs"} or None
        What the scores are; None until predictions are recorded.
    n_columns : int or None
        Number of scores per sample; None until predictions are recorded.
    creator : str
        The program that made the run, with its version.
    created : str
        When, in ISO 8601.
    launch : int
        How often a training has been started on the run; 0 for a run of format version 1.
    first_launch : int
        Files of earlier launches are not part of the run: it was overwritten since.
    n_writers : int or None
        Number of processes that record into the run together; None where that is not known.
    """

    classes: tuple[str, ...] = ()
    scale: Scale | None = None
    n_columns: int | None = None
    creator: str = ""
    created: str = ""
    launch: int = 0
    first_launch: int = 0
    n_writers: int | None = None

    def to_json(self) -> bytes:
        """Format as ``run.json``."""
        fixed = {"format_version": FORMAT_VERSION, "task": TASK}
        return (json.dumps(fixed | asdict(self), indent=2) + "\n").encode()

    def agreed(self, other: RunInfo) -> RunInfo:
        """Combine two descriptions of one run: each fills what the other does not know.

        Parameters
        ----------
        other : RunInfo

        Raises
        ------
        DataError
            Both know a value, and the values differ.
        """
        for name in ("classes", "scale", "n_columns"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine and theirs and mine != theirs:
                raise DataError(
                    f"These predictions and the run differ in {name}",
                    expected=f"{mine!r} as in {INFO_FILE}",
                    got=f"{theirs!r}",
                    hint="A run holds one model's predictions: record other ones in another "
                    "folder.",
                )
        n_columns = self.n_columns or other.n_columns
        classes = self.classes or other.classes
        if n_columns:
            n_classes = max(2, n_columns)
            classes = classes or tuple(str(k) for k in range(n_classes))
            if len(classes) != n_classes:
                raise DataError(
                    "The number of class names does not match the predictions",
                    expected=f"{n_classes} names, one per column",
                    got=f"{len(classes)}",
                )
        counts = (n for n in (self.n_writers, other.n_writers) if n is not None)
        return replace(
            self,
            classes=classes,
            scale=self.scale or other.scale,
            n_columns=n_columns,
            n_writers=max(counts, default=None),
        )


def read_info(folder: Path) -> RunInfo:
    """Read ``run.json``.

    Parameters
    ----------
    folder : Path
        The folder of the run.

    Raises
    ------
    FormatError
        `folder` is not a run, or one of a newer version.
    """
    path = folder / INFO_FILE
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FormatError(
            f"{folder} is not a recorded run",
            expected=f"a folder that holds {INFO_FILE}",
            got=_found_instead(folder, error),
            hint="A run is recorded with whyloss.Recorder.",
        ) from None
    try:
        raw = json.loads(content)
    except (ValueError, RecursionError):
        raise FormatError(
            f"{path} cannot be read",
            expected="a JSON object",
            got=f"{content!r:.80}" if content else "an empty file",
            hint="If it was copied, copy it again.",
        ) from None
    return _validated_info(path, raw)


def _found_instead(folder: Path, error: OSError) -> str:
    if not folder.exists():
        return "nothing of that name"
    if not folder.is_dir():
        return "a file"
    if isinstance(error, FileNotFoundError):
        return f"a folder without {INFO_FILE}"
    return str(error)


def _validated_info(path: Path, raw: Any) -> RunInfo:  # noqa: ANN401 - whatever the JSON held
    version = raw.get("format_version") if isinstance(raw, dict) else None
    if not isinstance(version, int) or version < 1:
        raise FormatError(
            f"{path} does not describe a run",
            expected=f'a JSON object with "format_version": {FORMAT_VERSION}',
            got=f"{raw!r:.80}",
        )
    if version > FORMAT_VERSION:
        raise FormatError(
            f"{path} was written by a newer whyloss",
            expected=f"format version {FORMAT_VERSION} or older",
            got=f"{version}",
            hint="Upgrade: pip install --upgrade whyloss.",
        )
    classes, scale, n_columns = raw.get("classes"), raw.get("scale"), raw.get("n_columns")
    launch, first_launch = raw.get("launch", 0), raw.get("first_launch", 0)
    n_writers = raw.get("n_writers")
    allowed = {
        "task": (raw.get("task") == TASK, f'"{TASK}"'),
        "classes": (
            isinstance(classes, list) and all(isinstance(name, str) for name in classes),
            "a list of strings",
        ),
        "scale": (scale is None or scale in SCALES, f"one of {', '.join(SCALES)}"),
        "n_columns": (
            n_columns is None or (type(n_columns) is int and n_columns > 0),
            "a positive integer",
        ),
        "launch": (_is_count(launch), "an integer of at least 0"),
        "first_launch": (_is_count(first_launch), "an integer of at least 0"),
        "n_writers": (n_writers is None or _is_count(n_writers), "a positive integer"),
    }
    for key, (fits, expected) in allowed.items():
        if not fits:
            raise FormatError(
                f"{path} has an invalid value of {key!r}",
                expected=expected,
                got=f"{raw.get(key)!r:.80}",
            )
    creator, created = str(raw.get("creator", "")), str(raw.get("created", ""))
    return RunInfo(
        tuple(classes), scale, n_columns, creator, created, launch, first_launch, n_writers
    )


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def split_folder(split: Any) -> str:  # noqa: ANN401 - checked here
    """Name the folder of a split; special characters are percent-encoded.

    Parameters
    ----------
    split : str

    Raises
    ------
    DataError
        It is not a string, is empty, or is too long for a folder's name.
    """
    try:
        name = quote(split, safe="") if isinstance(split, str) else ""
    except UnicodeEncodeError:
        name = ""
    if not 0 < len(name) <= _LONGEST_NAME:
        raise DataError(
            "The name of the split cannot be used",
            expected="a short name such as val",
            got=f"{split!r:.80}",
        )
    return f"split={name}"


def epoch_folder(epoch: int) -> str:
    """Name the folder of an epoch.

    Parameters
    ----------
    epoch : int
        At least 0.
    """
    return f"epoch={epoch:05d}"


def check_epoch(epoch: Any) -> int:  # noqa: ANN401 - also NumPy's integers
    """Convert an epoch to an int.

    Parameters
    ----------
    epoch : int or NumPy integer

    Raises
    ------
    DataError
        It is not an integer from 0 to 2³¹ - 1.
    """
    try:
        number = -1 if isinstance(epoch, bool) else operator.index(epoch)
    except TypeError:
        number = -1
    if not 0 <= number < 2**31:
        raise DataError(
            "`epoch` must be an integer ≥ 0", expected="0, 1, 2, …", got=f"{epoch!r:.80}"
        )
    return number


def check_writer(writer: str) -> str:
    """Return the name of a writer if it can be part of a file's name.

    Parameters
    ----------
    writer : str

    Raises
    ------
    DataError
        It has other characters than letters, digits and ``_``, or more than 64.
    """
    # A dash separates the writer from the launch in the names of its parts.
    if not _WRITER.fullmatch(writer):
        raise DataError(
            "The name of the writer cannot be used",
            expected="letters, digits and _",
            got=f"{writer!r:.80}",
        )
    return writer


@dataclass(frozen=True)
class PartName:
    """What the name of a part says.

    Attributes
    ----------
    writer : str
        Of several processes that record together, which one: its rank.
    launch : int
        The launch of the training; 0 for parts of other programs and of format version 1.
    token : str
        Random, one per writer object, so that no process replaces a file of another one.
    number : int
        Counts the parts of the writer.
    """

    writer: str
    launch: int = 0
    token: str = ""
    number: int = 0

    @classmethod
    def of(cls, path: Path) -> PartName:
        """Read the name of a part, finished or not.

        Parameters
        ----------
        path : Path
        """
        name = path.name.removeprefix(".").removeprefix("part-").partition(".")[0]
        if match := _OWN_PART.fullmatch(name):
            writer, launch, token, number = match.groups()
            return cls(writer, int(launch), token, int(number))
        if match := _OLD_PART.fullmatch(name):
            return cls(match["writer"], number=int(match["number"] or 0))
        return cls(name)  # of another program, such as Spark

    def __str__(self) -> str:
        return f"part-{self.writer}-{self.launch}-{self.token}-{self.number}.arrow"

    @property
    def order(self) -> tuple[int, int, str, str, int]:
        """Sorts parts: later launches first, then by writer, then as they were written."""
        return -self.launch, len(self.writer), self.writer, self.token, self.number


def parts_in(folder: Path) -> list[Path]:
    """List the committed parts of a folder, those of the last launch first, then by writer.

    Parameters
    ----------
    folder : Path
        No parts where it does not exist.
    """
    try:
        parts = [path for path in folder.iterdir() if PART.fullmatch(path.name)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(parts, key=lambda path: PartName.of(path).order)


def current_parts(
    parts: list[Path], first_launch: int, n_writers: Callable[[int], int | None]
) -> list[Path]:
    """Select the parts that count: the last ones of every process that records.

    Parameters
    ----------
    parts : list of Path
        The parts of one epoch.
    first_launch : int
        As in :class:`RunInfo`.
    n_writers : callable
        Gives the number of writers of a launch, or None where that is not known.

    Returns
    -------
    list of Path
        A process that records an epoch again replaces its own parts of earlier launches, and those
        of processes that the training no longer has. The others' count until they have recorded the
        epoch again: what was recorded is never lost by starting again.
    """
    names = {path: PartName.of(path) for path in parts}
    last: dict[str, int] = {}
    for name in names.values():
        last[name.writer] = max(name.launch, last.get(name.writer, 0))
    newest = max(last.values(), default=0)
    limit = n_writers(newest) if len(set(last.values())) > 1 else None

    def counts(name: PartName) -> bool:
        if name.launch < max(first_launch, last[name.writer]):
            return False
        gone = limit is not None and name.writer.isdecimal() and int(name.writer) >= limit
        return name.launch == newest or not gone

    return [path for path, name in names.items() if counts(name)]
