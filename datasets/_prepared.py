"""Folders of prepared faces: the standard form of every data set.

    manifest.json         what was made how, counts, reasons of drops, digests of all other files
    faces.jsonl           one face per line: name, identity, landmarks, details, digest of pixels
    drops.jsonl           one line for each face that is not used, and why
    photos.jsonl          one line for each photograph that was read: its digest and length
    faces-000000000.npy   the pixels (`facesr.bench.shards`), in the order of faces.jsonl

Nothing depends on the machine, the time or the number of workers, so preparing twice gives the
same bytes. A folder appears under its name when it is whole.
"""

import json
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from sys import intern
from typing import Any

import numpy as np

from facesr.bench.errors import BadData, BenchError
from facesr.bench.faces import Faces
from facesr.bench.files import read_json
from facesr.datasets._record import Made
from facesr.datasets._writer import FACES, FORM, MANIFEST, Writer, locked


def prepared(
    folder: Path,
    title: str,
    size: int,
    make: Callable[[], Iterable[Made]],
    about: Mapping[str, Any] | None = None,
) -> Faces:
    """Return the faces of a folder, making them first if the folder is absent.

    They are read back in the order of making. Two processes never make the same folder at once.
    The name of the folder has to determine its content: put a digest of every setting into it.

    Args:
        folder: Final place.
        title: What the faces are, such as `embedded/test/hr`.
        size: Side of every face, in pixels.
        make: Yields the faces; called only if the folder is absent.
        about: What the manifest says besides.

    Raises:
        BadData: If no face was made, two have one name, or the folder was changed since.
        BadImage: If pixels are of another size or type.
    """
    if not folder.exists():
        with locked(folder):
            if not folder.exists():
                _make(folder, {"title": title, **(about or {})}, size, make)
    return read(folder, title)


def _make(
    folder: Path, about: Mapping[str, Any], size: int, make: Callable[[], Iterable[Made]]
) -> None:
    writer = Writer(folder, size, resume=False)
    try:
        for made in make():
            if not writer.add(made):
                raise BadData(f"two faces are named {made.name}; give each its own name")
            writer.mark(None)
        writer.close(about)
    except BaseException:
        writer.abandon()
        raise


def read(folder: Path, title: str) -> Faces:
    """Read the faces of a prepared folder; labels that not every face has are left out.

    Raises:
        BadData: If the folder is damaged.
    """
    known = manifest(folder)
    names: list[str] = []
    people: list[str | None] = []
    points = array("f")
    widths: set[int] = set()
    for entry in _entries(folder):
        names.append(entry["name"])
        identity = entry.get("identity")
        people.append(None if identity is None else intern(identity))
        flat = [x for point in entry.get("landmarks", ()) for x in point]
        widths.add(len(flat))
        points.extend(flat if len(widths) == 1 else ())
    lost = [name for name in known["files"] if not (folder / name).is_file()]
    if lost or len(names) != known["faces"]:
        what = lost[0] if lost else f"{known['faces'] - len(names)} lines of {FACES}"
        raise BadData(f"{folder} has lost {what}; delete the folder to have it prepared again")
    identities = tuple(who for who in people if who is not None)
    landmarks = None
    if len(widths) == 1 and len(points):
        landmarks = np.array(points, np.float32).reshape(len(names), -1, 2)
    return Faces(
        root=folder,
        names=tuple(names),
        size=known["size"],
        title=title,
        identities=identities if len(identities) == len(names) else None,
        landmarks=landmarks,
        rows=np.arange(len(names)),
    )


def manifest(folder: Path) -> dict[str, Any]:
    """Return what is known of a prepared folder as a whole.

    Raises:
        BadData: If it is no prepared folder, or one of another version.
    """
    known: dict[str, Any] = {}
    with suppress(BenchError, OSError):
        known = read_json(folder / MANIFEST)
    if known.get("form") != FORM:
        raise BadData(
            f"{folder / MANIFEST} is absent, damaged or of another version; delete the folder to "
            "have it prepared again"
        )
    return known


def details(faces: Faces) -> list[dict[str, Any]]:
    """Return what was recorded of each face of a prepared folder, in the order of `names`."""
    wanted = set(faces.names)
    entries = (entry for entry in _entries(faces.root) if entry["name"] in wanted)
    recorded = {entry["name"]: entry.get("details", {}) for entry in entries}
    return [recorded[name] for name in faces.names]


def _entries(folder: Path) -> Iterator[dict[str, Any]]:
    try:
        with (folder / FACES).open(encoding="utf-8") as file:
            for line in file:
                yield _entry(line)
    except (OSError, ValueError, TypeError, KeyError):
        raise BadData(
            f"{folder / FACES} is absent or damaged; delete the folder to have it prepared again"
        ) from None


def _entry(line: str) -> dict[str, Any]:
    entry = json.loads(line)
    if not isinstance(entry["name"], str):
        raise ValueError
    return entry
