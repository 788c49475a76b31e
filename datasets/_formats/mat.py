"""Numeric arrays in MATLAB's `.mat` files of version 5 to 7, read without trusting them.

Layout: MathWorks, "MAT-File Format". A header of 128 bytes, then elements of a type, a size and
data; a variable is an element that holds its class, dimensions, name and numbers as elements, and
may be compressed by zlib. SciPy's reader is not used: some files with a
damaged size make it crash the process. Here every size is compared with what is left, and growth
by decompression is bounded.
"""

import math
import struct
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from facesr.bench.errors import BadData
from facesr.datasets._formats.lines import content, name_of

MOST_BYTES = 2**30
_LANDMARKS = ("pt3d_68", "pts_3d", "pt2d", "pts_2d", "pts", "pt3d", "landmarks")
_MATRIX, _COMPRESSED, _INT32, _UINT32 = 14, 15, 5, 6
_NAMES = (1, 16)  # int8, UTF-8
_STORED: dict[int, str] = dict(zip((1, 2, 3, 4, 5, 6, 7, 9, 12, 13), "bBhHiIfdqQ", strict=True))
_CLASSES: dict[int, str] = dict(zip(range(6, 16), "dfbBhHiIqQ", strict=True))
_COMPLEX = 0x800
_MOST_DIMENSIONS = 32
_STEP = 2**20


def arrays(source: Path | IO[bytes], most_bytes: int = MOST_BYTES) -> dict[str, NDArray[Any]]:
    """Read all real numeric arrays of a file; other variables are left out.

    Args:
        source: The file.
        most_bytes: A file that is longer, or would be when decompressed, is refused.

    Raises:
        BadData: If the file is damaged or none of MATLAB's, or is of version 7.3 (HDF5).
    """
    name = name_of(source)
    data = content(source, most_bytes)
    if data[:8] == b"\x89HDF\r\n\x1a\n" or data[512:520] == b"\x89HDF\r\n\x1a\n":
        raise BadData(
            f"{name} is a .mat file of version 7.3 (HDF5), expected version 5 to 7; save it again "
            "in MATLAB with `save -v7`"
        )
    try:
        return _variables(data, most_bytes)
    except (ValueError, struct.error, zlib.error) as error:
        raise BadData(f"{name} is not a .mat file that can be read: {error}") from None


def landmarks(source: Path | IO[bytes]) -> NDArray[np.float64]:
    """Read the points of a file of LS3D-W, 300W-LP or AFLW2000-3D.

    Zhu, Lei, Liu, Shi and Li, "Face Alignment Across Large Poses: A 3D Solution", CVPR 2016. The
    points are the first of `pt3d_68`, `pts_3d`, `pt2d`, `pts_2d` and their like that the file
    has, one point per row or per column. They count pixels as MATLAB does: `from_one_based` turns
    them into continuous coordinates.

    Returns:
        (n, 2), as stored, x first.

    Raises:
        BadData: If the file cannot be read, or holds no finite points under these names.
    """
    found = arrays(source, most_bytes=16 * 2**20)
    for name in _LANDMARKS:
        points = found.get(name)
        if points is None or points.ndim != 2:
            continue
        if points.shape[1] not in (2, 3):
            points = points.T
        if points.shape[1] in (2, 3) and np.isfinite(points).all() and len(points):
            return points[:, :2].astype(np.float64)
    raise BadData(
        f"{name_of(source)} has no finite points under a known name ({', '.join(_LANDMARKS)}); it "
        f"has {', '.join(sorted(found)) or 'no array'}"
    )


def _variables(data: bytes, most_bytes: int) -> dict[str, NDArray[Any]]:
    if len(data) < 128 or data[126:128] != b"IM":
        raise ValueError("it does not begin like one of little-endian version 5 to 7")
    found: dict[str, NDArray[Any]] = {}
    at, left = 128, most_bytes
    while at < len(data):
        kind, body, at = _element(memoryview(data), at, padded=False)
        if kind == _COMPRESSED:
            unpacked = _unpacked(body, left)
            left -= len(unpacked)
            kind, body, end = _element(memoryview(unpacked), 0, padded=False)
            if end != len(unpacked):
                raise ValueError("a compressed element is longer than it says")
        if kind != _MATRIX:
            raise ValueError(f"it has an element of type {kind} where a variable should be")
        variable = _variable(body, left)
        if variable:
            name, array = variable
            if name in found:
                raise ValueError(f"it has two variables {name!r}")
            found[name] = array
            left -= array.nbytes
    return found


def _element(data: memoryview, at: int, padded: bool = True) -> tuple[int, memoryview, int]:
    """Return type and data of the element at a place, and where the next one begins."""
    kind, size = struct.unpack_from("<II", data, at)
    start = at + 8
    if kind >> 16:  # up to four bytes, in the place of the size
        kind, size, start = kind & 0xFFFF, kind >> 16, at + 4
        end = at + 8
        if size > 4:
            raise ValueError(f"byte {at} begins a small element of {size} bytes")
    else:
        end = start + (-(-size // 8) * 8 if padded else size)
    if start + size > len(data):
        raise ValueError(
            f"byte {at} begins an element of {size} bytes, {len(data) - start} are left"
        )
    return kind, data[start : start + size], min(end, len(data))


def _unpacked(packed: memoryview, most: int) -> bytes:
    """Decompress an element, up to a bound."""
    stream = zlib.decompressobj()
    parts = [stream.decompress(packed, 8)]
    _, claimed = struct.unpack("<II", parts[0])
    if claimed > most:
        raise ValueError(f"a compressed element claims {claimed} bytes, more than {most}")
    total = 8
    while not stream.eof and total <= claimed + 8:
        part = stream.decompress(stream.unconsumed_tail, min(_STEP, claimed + 9 - total))
        if not part and not stream.eof:
            break
        parts.append(part)
        total += len(part)
    if not stream.eof or total != claimed + 8:
        raise ValueError("a compressed element is cut short or longer than it says")
    return b"".join(parts)


def _variable(body: memoryview, left: int) -> tuple[str, NDArray[Any]] | None:
    """Return name and numbers of a variable; None if it holds anything but real numbers."""
    if not body:
        return None
    kind, flags, at = _element(body, 0)
    word = int.from_bytes(flags[:4], "little")
    code = _CLASSES.get(word & 0xFF)
    if kind != _UINT32 or len(flags) != 8:
        raise ValueError("a variable does not begin with its class")
    if code is None or word & _COMPLEX:
        return None
    kind, sizes, at = _element(body, at)
    if kind != _INT32 or len(sizes) % 4 or not 8 <= len(sizes) <= 4 * _MOST_DIMENSIONS:
        raise ValueError("a variable has no dimensions")
    shape = struct.unpack(f"<{len(sizes) // 4}i", sizes)
    kind, name, at = _element(body, at)
    if kind not in _NAMES or len(name) > 256:
        raise ValueError("a variable has no name")
    kind, numbers, _ = _element(body, at)
    stored, dtype = np.dtype("<" + _STORED.get(kind, "V1")), np.dtype("<" + code)
    count = math.prod(shape)
    if kind not in _STORED or min(shape) < 0 or count * stored.itemsize != len(numbers):
        raise ValueError(f"a variable of shape {shape} has {len(numbers)} bytes of type {kind}")
    if count * dtype.itemsize > left:
        raise ValueError(f"a variable of shape {shape} would take too much memory")
    values = np.frombuffer(numbers, stored).astype(dtype).reshape(shape, order="F")
    return bytes(name).decode("ascii", "backslashreplace"), values
