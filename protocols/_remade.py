"""Faces changed picture by picture, made once and kept in the cache folder."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facesr.bench.errors import BadData, BenchError
from facesr.bench.faces import Faces
from facesr.bench.files import cache_folder, digest_of, read_json, write_json
from facesr.bench.progress import track
from facesr.bench.shards import room, write_shard

Pixels = NDArray[np.uint8]
_NOTE = "remade.json"


def remade(
    faces: Faces,
    kind: str,
    what: Mapping[str, Any],
    change: Callable[[Pixels], Pixels],
    size: int,
    title: str,
) -> Faces:
    """Return changed faces, made first if they are not in the cache.

    Names, order, people and landmarks are those of `faces`. The folder is named by their content
    and the change; it appears whole or not at all, and is made anew if it was damaged.

    Args:
        faces: Any faces.
        kind: Folder of the cache.
        what: Everything that decides the change; JSON values.
        change: Turns (h, h, 3) into (size, size, 3).
        size: Side of the result, in pixels.
        title: What the result is.

    Raises:
        BadData: If there is no room to write.
    """
    folder = cache_folder() / kind / digest_of({"of": faces.fingerprint, **what})[:16]
    points = faces.landmarks
    changed = replace(
        faces,
        root=folder,
        size=size,
        title=title,
        landmarks=None if points is None else points * np.float32(size / faces.size),
        rows=np.arange(len(faces)),
    )
    try:
        if not _whole(changed):
            with _locked(folder):
                if not _whole(again := replace(changed)):
                    _make(faces, again, change)
            changed = replace(changed)  # whose fingerprint is not yet taken
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise BadData(
            f"{folder} cannot be written: {why}; name another folder in FACESR_CACHE"
        ) from None
    return changed


def _whole(faces: Faces) -> bool:
    """Tell whether a folder holds what was once written there."""
    try:
        known = read_json(faces.root / _NOTE).get("fingerprint")
        return known is not None and faces.fingerprint == known
    except BenchError:
        return False


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other processes from making the same folder; the lock falls with its process."""
    from filelock import FileLock

    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f".{folder.name}.lock")):
        yield


def _make(faces: Faces, changed: Faces, change: Callable[[Pixels], Pixels]) -> None:
    """Write a folder beside its place and move it there in one step."""
    aside = changed.root.with_name(f".{changed.root.name}.part")
    rmtree(aside, ignore_errors=True)  # left by a process that was killed
    try:
        made = map(change, track(faces.images(), f"making {changed.title}", len(faces)))
        at_once = room(changed.size)
        for first in range(0, len(faces), at_once):
            write_shard(aside, first, list(islice(made, at_once)))
        write_json(aside / _NOTE, {"fingerprint": replace(changed, root=aside).fingerprint})
        rmtree(changed.root, ignore_errors=True)
        aside.rename(changed.root)
    finally:
        rmtree(aside, ignore_errors=True)
