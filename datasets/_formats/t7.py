"""Torch7's binary files (`.t7`), as LS3D-W stores its landmarks, read without trusting them.

Layout: `File.lua` of https://github.com/torch/torch7 and its port python-torchfile: little-endian,
32-bit type tags and sizes, 64-bit lengths; objects are numbered, and a number that came before
refers to the object that had it. Only data is read: nil, numbers, strings, booleans, tables,
tensors and storages. Functions and objects of any other class are refused, nothing is constructed
by name, and a size is compared with what is left of the file before anything is allocated.
"""

import math
import struct
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from facesr.bench.errors import BadData
from facesr.datasets._formats.lines import content, name_of, shown

MOST_BYTES = 16 * 2**20
_MOST_OBJECTS = 1_000_000
_DEEPEST = 64
_MOST_DIMENSIONS = 16
_NIL, _NUMBER, _STRING, _TABLE, _TORCH, _BOOLEAN, _FUNCTION, _OLD_CODE, _CODE = range(9)
_KINDS = {
    f"torch.{cuda}{name}": code
    for cuda in ("", "Cuda")
    for name, code in {
        "Byte": "<u1",
        "Char": "<i1",
        "Short": "<i2",
        "Int": "<i4",
        "Long": "<i8",
        "Half": "<f2",
        "Float": "<f4",
        "Double": "<f8",
    }.items()
} | {"torch.Cuda": "<f4"}


def read(source: Path | IO[bytes], most_bytes: int = MOST_BYTES) -> Any:
    """Read the one object of a file.

    Args:
        source: The file.
        most_bytes: Longer files are refused.

    Returns:
        None, a float, a bool, a string (undecodable bytes as escapes), an array for a tensor or a
        storage (read-only), a list for a table with the keys 1 to n, or a dict; whole numbers are
        int as keys.

    Raises:
        BadData: If the file is none of Torch7's, is damaged, or holds anything but data.
    """
    name = name_of(source)
    data = content(source, most_bytes)
    try:
        return _Reader(data).whole()
    except (ValueError, struct.error) as error:
        raise BadData(f"{name} is not a .t7 file of plain data: {error}") from None


def landmarks(source: Path | IO[bytes]) -> NDArray[np.float64]:
    """Read a file that holds a tensor of points, as each photo of LS3D-W has one.

    Bulat and Tzimiropoulos, "How far are we from solving the 2D & 3D face alignment problem?",
    ICCV 2017. Its authors' evaluation (https://github.com/1adrianb/2D-and-3D-face-alignment) reads
    one tensor (68, 2) per file and compares it with positions counted from 1: `from_one_based`
    turns them into continuous coordinates.

    Returns:
        (n, 2) or (n, 3), as stored, x first.

    Raises:
        BadData: If the file holds anything else, or a number that is not finite.
    """
    found = read(source)
    if not isinstance(found, np.ndarray) or found.ndim != 2 or found.shape[1] not in (2, 3):
        what = f"shape {found.shape}" if isinstance(found, np.ndarray) else type(found).__name__
        raise BadData(f"{name_of(source)} holds {what}, expected a tensor (68, 2) of landmarks")
    points = found.astype(np.float64)
    if not len(points) or not np.isfinite(points).all():
        raise BadData(f"{name_of(source)} holds no landmarks, or some that are not finite")
    return points


class _Reader:
    """Reads objects off bytes; complaints are `ValueError`."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._objects = 0
        self._seen: dict[int, tuple[str, Any]] = {}  # number: (class, object)

    def whole(self) -> Any:
        """Read one object and nothing else."""
        head = self._data[:4]
        if head[:1].isdigit() and head[1:2] in (b"\n", b"\r"):
            raise ValueError("it is in Torch's ASCII format; save it again as binary")
        found = self._object(0)
        if self._at != len(self._data):
            raise ValueError(f"{len(self._data) - self._at} bytes follow the object")
        return found

    def _take(self, n: int) -> bytes:
        if not 0 <= n <= len(self._data) - self._at:
            raise ValueError(
                f"byte {self._at} speaks of {n} bytes, {len(self._data) - self._at} are left"
            )
        self._at += n
        return self._data[self._at - n : self._at]

    def _int(self) -> int:
        return int.from_bytes(self._take(4), "little", signed=True)

    def _longs(self, n: int) -> tuple[int, ...]:
        return struct.unpack(f"<{n}q", self._take(8 * n))

    def _string(self) -> str:
        return self._take(self._int()).decode("utf-8", "backslashreplace")

    def _object(self, depth: int) -> Any:
        self._objects += 1
        if self._objects > _MOST_OBJECTS or depth > _DEEPEST:
            raise ValueError(f"it has over {_MOST_OBJECTS} objects or {_DEEPEST} levels")
        kind = self._int()
        if kind == _NIL:
            return None
        if kind == _NUMBER:
            return struct.unpack("<d", self._take(8))[0]
        if kind == _STRING:
            return self._string()
        if kind == _BOOLEAN:
            return self._boolean()
        if kind in (_TABLE, _TORCH):
            return self._numbered(kind, depth)[1]
        if kind in (_FUNCTION, _OLD_CODE, _CODE):
            raise ValueError("it holds a function, expected data only")
        raise ValueError(f"byte {self._at - 4} has the unknown type {kind}")

    def _boolean(self) -> bool:
        value = self._int()
        if value not in (0, 1):
            raise ValueError(f"a boolean is {value}")
        return value == 1

    def _numbered(self, kind: int, depth: int) -> tuple[str, Any]:
        number = self._int()
        if number in self._seen:
            found = self._seen[number]
            if not found[0] or (found[0] == "table") != (kind == _TABLE):
                raise ValueError(f"object {number} refers to itself or to one of another type")
            return found
        self._seen[number] = ("", None)  # being read
        self._seen[number] = ("table", self._table(depth)) if kind == _TABLE else self._torch(depth)
        return self._seen[number]

    def _table(self, depth: int) -> list[Any] | dict[Any, Any]:
        size = self._int()
        if not 0 <= size <= (len(self._data) - self._at) // 8:  # a key and a value: 8 bytes
            raise ValueError(f"a table of {size} entries is longer than the file")
        table: dict[Any, Any] = {}
        for _ in range(size):
            key = _key(self._object(depth + 1))
            if key in table:
                raise ValueError(f"a table has the key {shown(str(key))} twice")
            table[key] = self._object(depth + 1)
        if table and all(type(k) is int for k in table) and set(table) == set(range(1, size + 1)):
            return [table[i] for i in range(1, size + 1)]
        return table

    def _torch(self, depth: int) -> tuple[str, NDArray[Any]]:
        name = self._string()
        if name.startswith("V "):
            name = self._string()
        for ending, make in (("Tensor", self._tensor), ("Storage", self._storage)):
            code = _KINDS.get(name.removesuffix(ending)) if name.endswith(ending) else None
            if code:
                return name, make(np.dtype(code), depth)
        raise ValueError(f"it holds an object of class {shown(name)}, expected data only")

    def _storage(self, dtype: np.dtype[Any], depth: int) -> NDArray[Any]:
        (n,) = self._longs(1)
        return np.frombuffer(self._take(n * dtype.itemsize if n >= 0 else -1), dtype)

    def _tensor(self, dtype: np.dtype[Any], depth: int) -> NDArray[Any]:
        n = self._int()
        if not 0 <= n <= _MOST_DIMENSIONS:
            raise ValueError(f"a tensor has {n} dimensions")
        shape, strides, (start,) = self._longs(n), self._longs(n), self._longs(1)
        storage = self._storage_of(dtype, depth)
        if not shape or storage is None:
            return np.empty(0, dtype)
        if min(shape) < 0 or min(strides) < 0 or math.prod(shape) > len(storage):
            raise ValueError(f"a tensor of shape {shape} is larger than what is stored of it")
        if not math.prod(shape):
            return np.empty(shape if max(shape) < 2**31 else 0, dtype)
        last = start - 1 + sum((s - 1) * step for s, step in zip(shape, strides, strict=True))
        if start < 1 or last >= len(storage):
            raise ValueError(f"a tensor of shape {shape} leaves what is stored of it")
        steps = [step * dtype.itemsize for step in strides]
        return as_strided(storage[start - 1 :], shape, steps, writeable=False)

    def _storage_of(self, dtype: np.dtype[Any], depth: int) -> NDArray[Any] | None:
        kind = self._int()
        if kind == _NIL:
            return None
        name, found = self._numbered(kind, depth + 1) if kind == _TORCH else ("", None)
        if not name.endswith("Storage") or found is None or found.dtype != dtype:
            raise ValueError("a tensor lies in no storage of its type")
        return found


def _key(value: Any) -> str | bool | int | float:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, str | bool | float) or value != value:
        raise ValueError(f"a table has a key of type {type(value).__name__}")
    return value
