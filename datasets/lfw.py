"""LFW: news photographs of people by name, and the pairs by which recognition is measured."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

from facesr.bench.contract import About
from facesr.bench.errors import BadData
from facesr.datasets._align import Kind
from facesr.datasets._formats.lfw import pairs as read_pairs
from facesr.datasets._formats.lfw import path as photo_of
from facesr.datasets._official import HighResolution
from facesr.datasets._record import Box, Record

_FOLDERS = ("lfw-deepfunneled", "lfw_funneled", "lfw-funneled", "lfw")
# The mean `square` frame of deep-funneled pictures: MTCNN on 300 of them places a side of 137.4
# (deviation 9) around (126.5, 126.9). Eyes are then 30.7 % of the side apart, 31.0 % in CelebA's
# box, and the five landmarks spread over 20.1 % and 19.9 %: one framing to within 1 %.
_BOX: Box = (58.0, 58.0, 195.0, 195.0)


class Pair(NamedTuple):
    """Two faces to be told apart or not.

    Args:
        left: Name of a face, without ending.
        right: Name of another.
        same: Whether they show one person.
        fold: Of the cross-validation, from 0.
    """

    left: str
    right: str
    same: bool
    fold: int


@dataclass
class Lfw(HighResolution):
    """The pictures of all people, cut by one box.

    The deep-funneled pictures are taken where they are there, else the funneled ones, else the
    originals. The authors divide people for tests of recognition only, in ten folds; here they
    are divided by draws.
    """

    about: ClassVar[About | None] = About(
        "LFW",
        paper="Huang, Ramesh, Berg & Learned-Miller, Labeled Faces in the Wild, UMass 07-49, 2007; "
        "deep funneling: Huang, Mattar, Lee & Learned-Miller, NIPS 2012",
        year=2007,
        url="http://vis-www.cs.umass.edu/lfw/",
        licence="none stated; the photographs belong to their owners",
        holds="13,233 pictures, 250x250, of 5,749 people, 1,680 of them with two or more; 6,000 "
        "pairs in ten folds",
        layout="lfw/lfw-deepfunneled/NAME/NAME_0001.jpg (or lfw_funneled, or lfw); for "
        "recognition lfw/pairs.txt",
    )
    places: ClassVar[tuple[str, ...]] = ("lfw", "LFW", ".")
    probes: ClassVar[tuple[str, ...]] = ("|".join(f"{name}/*/*_0001.jpg" for name in _FOLDERS),)

    frame: Kind = "box"

    def annotations(self, root: Path) -> list[Path]:
        """See `Official.annotations`; the names of the pictures say all."""
        return []

    def records(self, root: Path) -> Iterator[Record]:
        """See `Official.records`."""
        folder = next(name for name in _FOLDERS if next((root / name).glob("*/*_0001.jpg"), None))
        for person in sorted(entry.name for entry in os.scandir(root / folder) if entry.is_dir()):
            names = [entry.name for entry in os.scandir(root / folder / person)]
            for photo in sorted(name for name in names if name.endswith(".jpg")):
                stem = photo.removesuffix(".jpg")
                yield Record(
                    photo=f"{folder}/{person}/{photo}",
                    name=f"lfw-{stem}",
                    box=_BOX,
                    identity=person,
                    flaw="" if stem.rpartition("_")[0] == person else "named like someone else",
                )


def pairs(root: Path, file: str = "pairs.txt") -> Iterator[Pair]:
    """Yield the pairs of a list of the authors, by the names that faces have here.

    Args:
        root: Folder of the distribution, `Lfw.root`.
        file: The list; `pairsDevTrain.txt` and `pairsDevTest.txt` have one fold.

    Raises:
        BadData: If it is absent or a line of it is damaged, since that would change the test.
    """

    def bad(line: int, reason: str) -> None:
        raise BadData(f"{root / file} line {line}: {reason}; fetch the file again")

    for pair in read_pairs(root / file, bad):
        left, right = (f"lfw-{Path(photo_of(*one)).stem}" for one in (pair.left, pair.right))
        yield Pair(left, right, pair.same, pair.fold)
