"""Foreign formats in, predictions, histories and runs out: one file per family."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whyloss.data import InMemorySource
from whyloss.errors import FormatError
from whyloss.readers.logs.text_log import TextLog
from whyloss.readers.options import KnownFacts, ReadOptions

if TYPE_CHECKING:
    import os

    from whyloss.data import Source

__all__ = ["KnownFacts", "ReadOptions", "TextLog", "frame", "printed", "read"]

_PATH_LIKE = re.compile(r"\S*[/\\]\S*|\S+\.[A-Za-z]\w{0,9}")
_PASTED = "pasted text"


def read(source: str | os.PathLike[str], *, options: ReadOptions | None = None) -> Source:
    """Open whatever `source` is.

    Parameters
    ----------
    source : str or path-like
        A recorded run, a file of curves or predictions, or the text of a log itself.
    options : ReadOptions, optional
        What the caller knows beside the source, and what settles doubts about it.

    Raises
    ------
    FormatError
        Nothing is there, or nothing that whyloss can read.
    DataError
        What is there does not fit together, is ambiguous, or is of no classifier.
    """
    options = options or ReadOptions()
    if isinstance(source, str) and not _exists(source):
        return _read_text(source, options)
    path = Path(source)
    if path.is_file():
        from whyloss.readers.files.files import read_file  # noqa: PLC0415 - late: text needs none of it

        return read_file(path, options)
    from whyloss.readers.files.folders import read_folder  # noqa: PLC0415 - late: it needs pyarrow

    return read_folder(path, options)


def frame(df: Any, *, options: ReadOptions | None = None) -> Source:  # noqa: ANN401 - of any library
    """Read a data frame.

    Parameters
    ----------
    df : data frame of pandas, Polars, PyArrow or another library
        Curves, with columns such as epoch, val_loss and val_accuracy; or predictions, with labels
        such as y_true and scores such as logits, probs or p_<class>.
    options : ReadOptions, optional
        What the caller knows beside it.

    Raises
    ------
    DataError
        It is no data frame, or what it holds does not fit together.
    FormatError
        It holds neither curves nor predictions.
    """
    from whyloss.readers.files.frames import read_frame  # noqa: PLC0415 - late: text needs none of it

    return read_frame(df, options or ReadOptions())


def printed(text: str, options: ReadOptions, name: str) -> Source | None:
    """Read a dictionary of lists as Python prints it; None where the text is none.

    Parameters
    ----------
    text : str
    options : ReadOptions
    name : str
        What to call the source.
    """
    if not ("{" in text and "[" in text):
        return None
    from whyloss.readers.files.json import parse_printed, read_json  # noqa: PLC0415 - late

    content = parse_printed(text)
    return None if content is None else read_json(content, options, name)


def _exists(source: str) -> bool:
    if "\n" in source or not source.strip():
        return False
    try:
        return Path(source).exists()
    except (OSError, ValueError):  # longer than a name may be, or with a zero byte
        return False


def _read_text(text: str, options: ReadOptions) -> Source:
    missing = FormatError(
        f"No file is named {text.strip()[:400]!r} here",
        expected="a path, or a line of a log such as 'loss: 0.40 - acc: 0.82 - val_loss: 0.46 - "
        "val_acc: 0.78'",
        got="neither",
    )
    if _PATH_LIKE.fullmatch(text.strip()):
        raise missing
    if (source := printed(text, options, _PASTED)) is not None:
        return source
    log = TextLog(options)
    log.feed(text)
    log.close()
    try:
        history, notes = log.history()
    except FormatError as error:
        raise error if "\n" in text.strip() else missing from None
    return InMemorySource(history=history, name=_PASTED, notes=notes)
