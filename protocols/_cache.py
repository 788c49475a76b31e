"""What is computed once per set of faces, kept below the cache folder and shared by processes."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from facesr.bench.files import cache_folder, write_whole

_KEPT_BYTES = 1 << 30
_memory: OrderedDict[Path, NDArray[Any]] = OrderedDict()


class Rows:
    """A matrix in a file; only the rows that are asked for come into memory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.shape: tuple[int, int] = self._mapped().shape

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, chosen: slice | NDArray[np.intp]) -> NDArray[np.float32]:
        # pages of a map that stays open would add up to the whole file
        return np.array(self._mapped()[chosen])

    def _mapped(self) -> Any:
        return np.load(self.path, mmap_mode="r", allow_pickle=False)


def stored(folder: str, key: str, compute: Callable[[], NDArray[Any]]) -> NDArray[Any]:
    """Return an array that was computed before, or compute and keep it.

    A file that cannot be read is computed again; processes that need one array at the same time
    compute it once.

    Args:
        folder: What is computed, with its version and the digest of its weights.
        key: What it is computed from.
        compute: Makes the array.
    """
    path = _place(folder, key)
    if path not in _memory:
        array = _read(path)
        if array is None:
            with _alone(path):
                array = _read(path)
                if array is None:
                    array = made = compute()
                    write_whole(path, lambda file: np.save(file, made, allow_pickle=False))
        array.setflags(write=False)
        _memory[path] = array
    _memory.move_to_end(path)
    found = _memory[path]
    while len(_memory) > 1 and sum(a.nbytes for a in _memory.values()) > _KEPT_BYTES:
        _memory.popitem(last=False)
    return found


def stored_rows(
    folder: str,
    key: str,
    shape: tuple[int, int],
    compute: Callable[[], Iterable[NDArray[np.float32]]],
) -> Rows:
    """Return a matrix that was computed before, or write it block by block, as `stored`.

    Args:
        folder: As in `stored`.
        key: As in `stored`.
        shape: Of the whole matrix.
        compute: Makes the rows, float32, some at a time, in their order.
    """
    path = _place(folder, key)

    def write(file: IO[bytes]) -> None:
        head = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, head)
        for block in compute():
            file.write(np.ascontiguousarray(block, "<f4").tobytes())

    if not _holds(path, shape):
        with _alone(path):
            if not _holds(path, shape):
                write_whole(path, write)
    return Rows(path)


def _place(folder: str, key: str) -> Path:
    return cache_folder() / "features" / folder / f"{key}.npy"


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep other processes from computing the same; the lock falls with its process."""
    from filelock import FileLock

    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock")):
        yield


def _read(path: Path) -> NDArray[Any] | None:
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None


def _holds(path: Path, shape: tuple[int, int]) -> bool:
    try:
        return Rows(path).shape == shape
    except (OSError, ValueError, EOFError):
        return False
