"""The same faces at other resolutions, made once and kept in the cache folder.

Reduced by Pillow's bicubic: Keys' kernel with a = -0.5, stretched by the factor so that nothing
aliases, cut off and renormalised at the border, rounded to bytes after each dimension. MATLAB's
`imresize` differs from it at the border, which it mirrors, and elsewhere by a level at most, where
a number is half-way between two bytes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from shutil import rmtree

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facesr.bench.errors import BadData, BenchError
from facesr.bench.faces import Faces
from facesr.bench.files import cache_folder, digest_of, read_json, write_json
from facesr.bench.progress import track
from facesr.bench.shards import room, write_shard
from facesr.protocols._checks import called

VERSION = 1  # goes up when the same originals and size give other pixels
RULE = "pillow-bicubic"
_NOTE = "reduced.json"


def reduced(originals: Faces, size: int) -> Faces:
    """Return faces at a lower resolution, made first if they are not in the cache.

    Names, order, people and landmarks are those of the originals. The folder is named by the
    content of the originals; it appears whole or not at all, and is made anew if it was changed.

    Args:
        originals: Any faces.
        size: Side of the result, in pixels; the originals themselves are returned at their own.

    Raises:
        BadData: If the originals are smaller, or there is no room to write.
    """
    if size == originals.size:
        return originals
    if not 0 < size < originals.size:
        raise BadData(
            f"{called(originals)} has faces of {originals.size} px, which cannot be reduced to "
            f"{size} px; ask for {originals.size} px or less"
        )
    what = {"of": originals.fingerprint, "size": size, "rule": RULE, "version": VERSION}
    folder = cache_folder() / "reduced" / digest_of(what)[:16]
    points = originals.landmarks
    faces = replace(
        originals,
        root=folder,
        size=size,
        title=f"{called(originals)} at {size} px",
        landmarks=None if points is None else points * np.float32(size / originals.size),
        rows=np.arange(len(originals)),
    )
    try:
        if _whole(faces):
            return faces
        with _locked(folder):
            if not _whole(again := replace(faces)):
                _make(originals, again)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise BadData(
            f"{folder} cannot be written: {why}; name another folder in FACESR_CACHE"
        ) from None
    return replace(faces)  # whose fingerprint is not yet taken


def shrunk(pixels: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Reduce one image, (h, h, 3), to (size, size, 3)."""
    return np.asarray(Image.fromarray(pixels).resize((size, size), Image.Resampling.BICUBIC))


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


def _make(originals: Faces, faces: Faces) -> None:
    """Write a folder beside its place and move it there in one step."""
    aside = faces.root.with_name(f".{faces.root.name}.part")
    rmtree(aside, ignore_errors=True)  # left by a process that was killed
    try:
        images = track(originals.images(), f"making {faces.title}", len(originals))
        small = (shrunk(image, faces.size) for image in images)
        at_once = room(faces.size)
        for first in range(0, len(originals), at_once):
            write_shard(aside, first, list(islice(small, at_once)))
        write_json(aside / _NOTE, {"fingerprint": replace(faces, root=aside).fingerprint})
        rmtree(faces.root, ignore_errors=True)
        aside.rename(faces.root)
    finally:
        rmtree(aside, ignore_errors=True)
