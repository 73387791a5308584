"""Files of named arrays: NumPy's and safetensors. Nothing in them is unpickled."""

from __future__ import annotations

import json
import lzma
import math
import tokenize
import warnings
import zipfile
import zlib
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from whyloss.errors import FormatError
from whyloss.readers.files.limits import check_bytes

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

_TYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?",
}  # fmt: skip
_LARGEST_HEADER = 100_000_000
_EXPORT = (
    "Save it again with numpy.savez(path, y_true=y, logits=z), from numbers and strings alone."
)
# What NumPy, the archive and its compression raise for headers and bodies that are damaged, for
# methods of compression they do not know, and for sizes that no memory holds.
_UNREADABLE = (
    ValueError, TypeError, LookupError, ArithmeticError, SyntaxError, RuntimeError, OSError,
    EOFError, MemoryError, tokenize.TokenError, zipfile.BadZipFile, zlib.error, lzma.LZMAError,
)  # fmt: skip
# NumPy warns of headers that Python 2 wrote, and reads them all the same.
_quiet = partial(warnings.catch_warnings, action="ignore")
_LAST_CHARACTER = 0x10FFFF
_SURROGATES = (0xD800, 0xDFFF)


def read_npz(path: Path, limit: int) -> dict[str, npt.NDArray[Any]]:
    """Read the arrays of an NPZ file.

    Parameters
    ----------
    path : Path
    limit : int
        Bytes that it may unpack to.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [one for one in archive.infolist() if one.filename.endswith(".npy")]
        if not members:
            raise _refused(path, "a ZIP file without one, such as a checkpoint of PyTorch")
        check_bytes(path, sum(one.file_size for one in members), limit)
        names = [one.filename.removesuffix(".npy") for one in members]
        with _quiet(), path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return {name: _usable(arrays[name]) for name in names if name.isprintable()}
    except FormatError:
        raise
    except _UNREADABLE as error:
        raise _refused(path, error) from None


def read_npy(path: Path, limit: int, notes: list[str]) -> dict[str, npt.NDArray[Any]]:
    """Read an NPY file, with the labels and ids that lie beside it.

    Its columns are its fields if it has some; otherwise it is called as the file is, and the
    other NPY files of the folder with as many rows belong to it.

    Parameters
    ----------
    path : Path
    limit : int
        Bytes that they may have together.
    notes : list of str
        Receives which of the other files could not be read.
    """
    array = _load(path, limit)
    if array.dtype.names is not None:
        return {name: array[name] for name in array.dtype.names}
    arrays = {path.stem: array}
    for other in sorted(path.parent.glob("*.npy")):
        if other == path or not other.is_file():
            continue
        try:
            if _shape(other)[:1] == array.shape[:1]:
                limit -= array.nbytes
                array = arrays[other.stem] = _load(other, limit)
        except FormatError as error:
            notes.append(f"{other.name}, which lies beside it, was left out: {error.got}.")
    return arrays


def _shape(path: Path) -> tuple[int, ...]:
    """The shape that the header of an NPY file gives; its body stays on the disk."""
    try:
        with _quiet():
            return np.shape(np.load(path, mmap_mode="r", allow_pickle=False))
    except _UNREADABLE as error:
        raise _refused(path, error) from None


def _load(path: Path, limit: int) -> npt.NDArray[Any]:
    check_bytes(path, path.stat().st_size, limit)
    try:
        with _quiet():
            loaded: npt.NDArray[Any] = np.load(path, allow_pickle=False)
        for name in loaded.dtype.names or [...]:
            _usable(loaded[name])
    except _UNREADABLE as error:
        raise _refused(path, error) from None
    return loaded


def _usable(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Refuse what is no array, and strings of what is no text.

    Raises
    ------
    ValueError
    """
    if not isinstance(array, np.ndarray):  # NumPy gives other members of an archive as bytes
        raise ValueError("a member that is no array")  # noqa: TRY004 - of the file, not of a caller
    if array.dtype.kind == "U" and array.size:
        code = np.dtype(np.uint32).newbyteorder(array.dtype.byteorder)
        characters = np.ascontiguousarray(array).reshape(-1).view(code)
        surrogates = (characters >= _SURROGATES[0]) & (characters <= _SURROGATES[1])
        if characters.max() > _LAST_CHARACTER or surrogates.any():
            raise ValueError("strings with codes that are no characters")
    return array


def _refused(path: Path, got: Exception | str) -> FormatError:
    if isinstance(got, MemoryError):
        got = f"a size that no memory holds: {got}"
    return FormatError(
        f"{path.name} cannot be read",
        expected="arrays of numbers or strings",
        got=" ".join(str(got).split()).rstrip(".")[:200] or type(got).__name__,
        hint=_EXPORT,
    )


def read_safetensors(path: Path, limit: int) -> dict[str, npt.NDArray[Any]]:
    """Read the arrays of a safetensors file.

    Parameters
    ----------
    path : Path
    limit : int
        Bytes that it may have.
    """
    size = path.stat().st_size
    check_bytes(path, size, limit)
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > min(_LARGEST_HEADER, size - 8):
            raise _cut(path, f"a header of {length} bytes in a file of {size}")
        text = file.read(length)
    try:
        header = json.loads(text)
        entries = {name: header[name] for name in header if name != "__metadata__"}
        return {name: _tensor(path, 8 + length, entry) for name, entry in entries.items()}
    except FormatError:
        raise
    except (ValueError, LookupError, TypeError, ArithmeticError, RecursionError):
        raise _cut(path, "a header that is none") from None


def _tensor(path: Path, base: int, entry: dict[str, Any]) -> npt.NDArray[Any]:
    kind, shape = entry["dtype"], tuple(entry["shape"])
    start, end = entry["data_offsets"]
    if kind == "BF16":
        words = _values(path, base, (start, end), "<u2", shape)
        return (words.astype(np.uint32) << 16).view(np.float32)
    if kind not in _TYPES:
        raise FormatError(
            f"{path.name} holds numbers of another kind",
            expected=f"one of {', '.join(_TYPES)}, BF16",
            got=str(kind)[:40],
        )
    return _values(path, base, (start, end), _TYPES[kind], shape)


def _values(
    path: Path, base: int, span: tuple[int, int], kind: str, shape: tuple[int, ...]
) -> npt.NDArray[Any]:
    start, end = span
    whole = math.prod(shape) * np.dtype(kind).itemsize
    if not (0 <= start <= end and end - start == whole and base + end <= path.stat().st_size):
        raise _cut(path, f"an array at bytes {start} to {end}")
    # Not mapped: a file that is cut while it is mapped ends the process.
    return np.fromfile(path, dtype=kind, count=math.prod(shape), offset=base + start).reshape(shape)


def _cut(path: Path, got: str) -> FormatError:
    return FormatError(
        f"{path.name} is damaged or cut short", expected="a safetensors file", got=got
    )
