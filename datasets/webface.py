"""A folder of low-resolution faces from the web, as SCGAN's WebFace is one."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from facesr.bench.contract import About
from facesr.bench.faces import SUFFIXES
from facesr.datasets._annotated import annotated
from facesr.datasets._census import name_of, walk
from facesr.datasets._formats.lists import Face, faces
from facesr.datasets._official import LowResolution
from facesr.datasets._record import Record

_TABLE = "faces.csv"


@dataclass
class Webface(LowResolution):
    """Pictures of one small face each, in a folder of any depth, with large faces of another set.

    Where the folder has a table `faces.csv`, it says which faces there are; a picture that it does
    not name is left out and counted. Otherwise each picture shows one face, which a detector has to
    find over its middle.
    """

    about: ClassVar[About | None] = About(
        "WebFace",
        paper="Hou et al., Semi-Cycled Generative Adversarial Networks for Real-World Face "
        "Super-Resolution, IEEE TIP 2023, which has a set of this kind",
        year=2022,
        url="https://github.com/HaoHou-98/SCGAN",
        licence="the photographs are their owners'",
        holds="1,028 faces from the web in that paper; whatever is in the folder here",
        layout="webface/**/*.{png,jpg,jpeg,bmp,webp} and, if wanted, webface/faces.csv with the "
        "columns name, identity, x, y, w, h and lex, ley, rex, rey, nx, ny, lmx, lmy, rmx, rmy, of "
        "which only the first must be there",
    )
    places: ClassVar[tuple[str, ...]] = ("webface", "WebFace", "Webface")
    probes: ClassVar[tuple[str, ...]] = ("*",)

    finder: str = "mtcnn"
    hr: str = "celeba"

    def annotations(self, root: Path) -> list[Path]:
        """See `Official.annotations`."""
        return [root / _TABLE] if (root / _TABLE).is_file() else []

    def records(self, root: Path) -> Iterator[Record]:
        """See `Official.records`; pictures that a table leaves out come last."""
        if not self.annotations(root):
            yield from (_alone(name) for name in _pictures(root))
            return
        named = array("q")
        for row in annotated(root / _TABLE, faces):
            if isinstance(row, Face):
                named.append(hash(row.name))
            yield row if isinstance(row, Record) else _tabled(row)
        known = np.sort(np.array(named, np.int64))
        for name in _pictures(root):
            if not _among(known, hash(name)):
                yield Record("", f"webface-{name_of(name)}", flaw=f"not in {_TABLE}: {name}")


def _pictures(root: Path) -> Iterator[str]:
    return (path.relative_to(root).as_posix() for path in walk(root, SUFFIXES))


def _alone(name: str) -> Record:
    face = f"webface-{name_of(name)}"
    if not name.isprintable():
        return Record("", face, flaw=f"unusable file name: {name!a}")
    return Record(name, face, which="central")


def _tabled(row: Face) -> Record:
    box = points = None
    if row.box is not None:
        x, y, w, h = row.box
        box = (x, y, x + w, y + h)
    if row.landmarks is not None:
        points = np.array(row.landmarks).reshape(5, 2)
    return Record(
        photo=row.name,
        name=f"webface-{name_of(row.name, row.box, row.landmarks)}",
        box=box,
        points=points,
        identity=row.identity,
        which="central" if box is None and points is None else "given",
    )


def _among(known: NDArray[np.int64], value: int) -> bool:
    at = int(np.searchsorted(known, value))
    return at < len(known) and int(known[at]) == value
