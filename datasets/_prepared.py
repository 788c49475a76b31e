"""Folders of prepared faces: made once, whole or not at all, and read back.

A folder holds the images and `faces.json`, one face per line: name, identity, landmarks, details.
"""

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facesr.bench.errors import BadData, BadImage
from facesr.bench.faces import Faces, write_png
from facesr.bench.files import write_text

_INDEX = "faces.json"
_STALE_SECONDS = 86400.0


@dataclass(frozen=True, eq=False)
class Made:
    """A face on its way into a prepared folder.

    Args:
        name: File name, ending in `.png`.
        pixels: The crop, (size, size, 3), uint8.
        identity: Who is shown, for all faces of a folder or for none.
        landmarks: Points in pixels of the crop, (k, 2), x first; for all faces or for none.
        details: What else is known of it, such as drawn parameters; JSON values only.
    """

    name: str
    pixels: NDArray[np.uint8]
    identity: str | None = None
    landmarks: NDArray[np.floating] | None = None
    details: Mapping[str, Any] | None = None


def prepared(folder: Path, title: str, size: int, make: Callable[[], Iterable[Made]]) -> Faces:
    """Return the faces of a folder, making them first if the folder is absent.

    They are read back in the order of making. They are written into a folder aside that is then
    renamed, so a killed process leaves nothing under the final name, and of two processes the
    first to finish wins. The name of the folder has to determine its content: put a digest of
    every setting into it.

    Args:
        folder: Final place.
        title: What the faces are, such as `embedded/test/hr`.
        size: Side of every face, in pixels.
        make: Yields the faces; called only if the folder is absent.

    Raises:
        BadData: If no face was made, two have one name, only some have labels, or the folder
            was changed since it was prepared.
        BadImage: If pixels are of another size or type.
    """
    if not folder.exists():
        _fill(folder, size, make)
    return _read(folder, title, size)


def details(faces: Faces) -> list[dict[str, Any]]:
    """Return what was recorded of each face of a prepared folder, in the order of `names`."""
    recorded = {entry["name"]: entry.get("details", {}) for entry in _entries(faces.root)}
    return [recorded[name] for name in faces.names]


def _fill(folder: Path, size: int, make: Callable[[], Iterable[Made]]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.", suffix=".part"))
    try:
        entries = [_store(made, size, aside) for made in make()]
        _check(entries, folder)
        lines = ",\n".join(json.dumps(e, ensure_ascii=False, allow_nan=False) for e in entries)
        write_text(aside / _INDEX, f"[\n{lines}\n]\n")
        aside.chmod(0o755)
        try:
            aside.rename(folder)
        except OSError:
            if not (folder / _INDEX).is_file():  # anything but another process being faster
                raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _store(made: Made, size: int, aside: Path) -> dict[str, Any]:
    if made.pixels.shape != (size, size, 3) or made.pixels.dtype != np.uint8:
        raise BadImage(
            f"{made.name} has pixels of shape {made.pixels.shape} and type {made.pixels.dtype}, "
            f"expected ({size}, {size}, 3) and uint8"
        )
    if (aside / made.name).exists():
        raise BadData(f"two faces are named {made.name}; give each its own name")
    write_png(made.pixels, aside / made.name)
    entry: dict[str, Any] = {"name": made.name}
    if made.identity is not None:
        entry["identity"] = made.identity
    if made.landmarks is not None:
        entry["landmarks"] = np.asarray(made.landmarks, np.float32).tolist()
    if made.details is not None:
        entry["details"] = dict(made.details)
    return entry


def _check(entries: list[dict[str, Any]], folder: Path) -> None:
    if not entries:
        raise BadData(f"no face was found to put into {folder}; check the source files")
    for label in ("identity", "landmarks"):
        lacking = [e["name"] for e in entries if label not in e]
        if 0 < len(lacking) < len(entries):
            raise BadData(
                f"{len(lacking)} of {len(entries)} faces for {folder} have no {label} (the first "
                f"is {lacking[0]}); give it for all or for none"
            )


def _read(folder: Path, title: str, size: int) -> Faces:
    entries = _entries(folder)
    present = {path.name for path in folder.iterdir()}
    lost = [e["name"] for e in entries if e["name"] not in present]
    if lost:
        raise BadData(
            f"{folder} has lost {len(lost)} of {len(entries)} faces (the first is {lost[0]}); "
            "delete the folder to have it prepared again"
        )
    return Faces(
        root=folder,
        names=tuple(e["name"] for e in entries),
        size=size,
        title=title,
        identities=tuple(e["identity"] for e in entries) if "identity" in entries[0] else None,
        landmarks=np.array([e["landmarks"] for e in entries], np.float32)
        if "landmarks" in entries[0]
        else None,
    )


def _entries(folder: Path) -> list[dict[str, Any]]:
    try:
        entries: list[dict[str, Any]] = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise BadData(
            f"{folder / _INDEX} is absent or damaged; delete the folder to have it prepared again"
        ) from None
    return entries


def _sweep(folder: Path) -> None:
    """Remove what processes killed long ago left beside a folder."""
    for left in folder.parent.glob(f".{folder.name}.*.part"):
        with suppress(OSError):  # another process may be sweeping too
            if time.time() - left.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(left)
