"""Files of named arrays: NumPy's and safetensors. Nothing in them is unpickled."""

from __future__ import annotations

import json
import math
import tokenize
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from whyloss.errors import FormatError

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

# What NumPy raises at bytes that are no arrays; it parses the header as Python.
_DAMAGED = (ValueError, OSError, EOFError, SyntaxError, tokenize.TokenError)


def read_npz(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Read the arrays of an NPZ file."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files if name.isprintable()}
    except (*_DAMAGED, KeyError, zipfile.BadZipFile) as error:
        raise _refused(path, error) from None


def read_npy(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Read an NPY file, with the labels and ids that lie beside it.

    Its columns are its fields if it has some; otherwise it is called as the file is, and the
    other NPY files of the folder with as many rows belong to it.
    """
    array = _load(path)
    if array.dtype.names is not None:
        return {name: array[name] for name in array.dtype.names}
    arrays = {path.stem: array}
    for other in sorted(path.parent.glob("*.npy")):
        if other != path and (beside := _load(other)).shape[:1] == array.shape[:1]:
            arrays[other.stem] = beside
    return arrays


def _load(path: Path) -> npt.NDArray[Any]:
    try:
        loaded = np.load(path, allow_pickle=False)
    except _DAMAGED as error:
        raise _refused(path, error) from None
    if not isinstance(loaded, np.ndarray):
        raise _refused(path, ValueError("several arrays"))
    return loaded


def _refused(path: Path, error: Exception) -> FormatError:
    return FormatError(
        f"{path.name} cannot be read",
        expected="arrays of numbers or strings",
        got=" ".join(str(error).split()).rstrip(".")[:200],
        hint=_EXPORT,
    )


def read_safetensors(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Read the arrays of a safetensors file, mapped from disk."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        size = path.stat().st_size
        if length > min(_LARGEST_HEADER, size - 8):
            raise _cut(path, f"a header of {length} bytes in a file of {size}")
        text = file.read(length)
    try:
        header = json.loads(text)
        entries = {name: header[name] for name in header if name != "__metadata__"}
        return {name: _tensor(path, 8 + length, entry) for name, entry in entries.items()}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        if isinstance(error, FormatError):
            raise
        raise _cut(path, "a header that is none") from None


def _tensor(path: Path, base: int, entry: dict[str, Any]) -> npt.NDArray[Any]:
    kind, shape = entry["dtype"], tuple(entry["shape"])
    start, end = entry["data_offsets"]
    if kind == "BF16":
        words = _mapped(path, base, (start, end), "<u2", shape)
        return (words.astype(np.uint32) << 16).view(np.float32)
    if kind not in _TYPES:
        raise FormatError(
            f"{path.name} holds numbers of another kind",
            expected=f"one of {', '.join(_TYPES)}, BF16",
            got=str(kind)[:40],
        )
    return _mapped(path, base, (start, end), _TYPES[kind], shape)


def _mapped(
    path: Path, base: int, span: tuple[int, int], kind: str, shape: tuple[int, ...]
) -> npt.NDArray[Any]:
    start, end = span
    whole = math.prod(shape) * np.dtype(kind).itemsize
    if not (0 <= start <= end and end - start == whole and base + end <= path.stat().st_size):
        raise _cut(path, f"an array at bytes {start} to {end}")
    if whole == 0:
        return np.empty(shape, kind)
    return np.memmap(path, dtype=kind, mode="r", offset=base + start, shape=shape)


def _cut(path: Path, got: str) -> FormatError:
    return FormatError(
        f"{path.name} is damaged or cut short", expected="a safetensors file", got=got
    )
