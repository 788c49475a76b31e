"""What is computed once per set of faces, kept in memory and below the cache folder."""

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facesr.bench.files import cache_folder, write_whole

_KEPT_BYTES = 1 << 30
_memory: OrderedDict[Path, NDArray[Any]] = OrderedDict()


def stored(folder: str, key: str, compute: Callable[[], NDArray[Any]]) -> NDArray[Any]:
    """Return an array that was computed before, or compute and keep it.

    A file that cannot be read is computed again.

    Args:
        folder: What is computed, with its version and the digest of its weights.
        key: What it is computed from.
        compute: Makes the array.
    """
    path = cache_folder() / "features" / folder / f"{key}.npy"
    if path not in _memory:
        array = _read(path)
        if array is None:
            array = compute()
            write_whole(path, lambda file: np.save(file, array, allow_pickle=False))
        array.setflags(write=False)
        _memory[path] = array
    _memory.move_to_end(path)
    found = _memory[path]
    while len(_memory) > 1 and sum(a.nbytes for a in _memory.values()) > _KEPT_BYTES:
        _memory.popitem(last=False)
    return found


def _read(path: Path) -> NDArray[Any] | None:
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
