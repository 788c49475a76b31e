"""Many images of one size in a few large files, read by position.

A folder holds `faces-000000000.npy`, `faces-000005461.npy` and so on: arrays (n, size, size, 3),
uint8, in NumPy's own format; the number in a name is the position of the file's first image. A
million faces are a few hundred files, and reading one is a copy, not a decoding.
"""

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from facesr.bench.errors import BadData
from facesr.bench.files import write_whole

Images = NDArray[np.uint8]

_BYTES = 2**26  # of one file, about
_MOST = 2**15  # images of one file, about
_NAME = "faces-{:09d}.npy"


def room(size: int) -> int:
    """Return how many images of this side go into one file."""
    return max(16, min(_MOST, _BYTES // (3 * size * size)))


def write_shard(root: Path, first: int, images: Images | Sequence[Images]) -> Path:
    """Write one file, whole or not at all.

    Args:
        root: Folder of the files.
        first: Position of the first image.
        images: One or more of one shape, (size, size, 3).

    Raises:
        OSError: If there is no room.
    """

    def write(file: IO[bytes]) -> None:  # not np.save, which overlooks that the last bytes fail
        shape = (len(images), *images[0].shape)
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for image in images:
            file.write(np.ascontiguousarray(image).data)

    path = root / _NAME.format(first)
    write_whole(path, write)
    return path


def position_of(path: Path) -> int:
    """Return the position of a file's first image."""
    return int(path.stem.removeprefix("faces-"))


def shards(root: Path) -> list[Path]:
    """List the files of a folder in order of position."""
    return sorted(root.glob("faces-*.npy"))


def read_shards(root: Path, rows: NDArray[np.int64], size: int) -> Images:
    """Read images by position.

    Args:
        root: Folder of the files.
        rows: Positions, (n,), in any order.
        size: Side that is expected.

    Returns:
        Images, (n, size, size, 3).

    Raises:
        BadData: If a file is absent, damaged or of another size.
    """
    starts, paths = _places(root, _changed(root))
    opened: dict[int, Images] = {}
    images = np.empty((len(rows), size, size, 3), np.uint8)
    for at, row in enumerate(rows.tolist()):
        place = bisect_right(starts, row) - 1
        if place >= 0 and place not in opened:
            path = paths[place]
            opened[place] = _opened(path, size, _changed(path))
        if place < 0 or row - starts[place] >= len(opened[place]):
            raise BadData(f"{root} has lost face {row}; delete the folder to have it made again")
        images[at] = opened[place][row - starts[place]]
    return images


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError as error:
        raise BadData(f"{path} cannot be read: {(error.strerror or '').lower()}") from None


@lru_cache(maxsize=64)
def _places(root: Path, _changed: int) -> tuple[list[int], list[Path]]:
    paths = shards(root)
    return [position_of(path) for path in paths], paths


@lru_cache(maxsize=256)
def _opened(path: Path, size: int, _changed: int) -> Images:
    try:
        shard = np.lib.format.open_memmap(path, mode="r")
    except (OSError, ValueError) as error:
        raise BadData(
            f"{path} is damaged ({error}); delete its folder to prepare it again"
        ) from None
    if shard.shape[1:] != (size, size, 3) or shard.dtype != np.uint8:
        raise BadData(
            f"{path} holds {shard.dtype} images of shape {shard.shape[1:]}, expected uint8 and "
            f"{(size, size, 3)}"
        )
    return np.asarray(shard)  # a plain array is indexed twice as fast
