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
    from pathlib import Path

FORMAT_VERSION = 1
TASK = "classification"
INFO_FILE = "run.json"
SCALARS_FILE = "scalars.jsonl"
PREDICTIONS_FOLDER = "predictions"
PACKED_FILE = "predictions.parquet"
SAMPLES_FOLDER = "samples"
WEIGHT_COLUMN = "weight"
SLICE_PREFIX = "slice_"
SAMPLE_COLUMNS = {"text": pa.string(), "path": pa.string(), "thumbnail": pa.binary()}

# Readers of Hive folders skip names that begin with a dot, so unfinished files are invisible.
TEMPORARY = re.compile(r"\.(?:part-.+|run\.json)\.[0-9a-f]{8}\.tmp")
PART = re.compile(r"part-.+\.(?:arrow|parquet)")
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
    """

    classes: tuple[str, ...] = ()
    scale: Scale | None = None
    n_columns: int | None = None
    creator: str = ""
    created: str = ""

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
        return replace(self, classes=classes, scale=self.scale or other.scale, n_columns=n_columns)


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
    }
    for key, (fits, expected) in allowed.items():
        if not fits:
            raise FormatError(
                f"{path} has an invalid value of {key!r}",
                expected=expected,
                got=f"{raw.get(key)!r:.80}",
            )
    creator, created = str(raw.get("creator", "")), str(raw.get("created", ""))
    return RunInfo(tuple(classes), scale, n_columns, creator, created)


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
    # With a dash, the second part of writer "0" would look like the first one of a writer "0-1".
    if not _WRITER.fullmatch(writer):
        raise DataError(
            "The name of the writer cannot be used",
            expected="letters, digits and _",
            got=f"{writer!r:.80}",
        )
    return writer


def part_name(writer: str, number: int) -> str:
    """Name a part.

    Parameters
    ----------
    writer : str
    number : int
        0 for the first part of the writer, whose name has no number.
    """
    return f"part-{writer}{f'-{number}' if number else ''}.arrow"


def parts_in(folder: Path) -> list[Path]:
    """List the committed parts of a folder in the order of their names.

    Parameters
    ----------
    folder : Path
        No parts where it does not exist.
    """
    if not folder.is_dir():
        return []
    parts = (path for path in folder.iterdir() if PART.fullmatch(path.name))
    # Without the suffix, which would sort part-0-1.arrow before part-0.arrow.
    return sorted(parts, key=lambda path: (path.stem, path.suffix))
