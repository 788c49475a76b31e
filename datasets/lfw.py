"""LFW: news photographs of people by name, and the pairs by which recognition is measured."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from facesr.bench.contract import About, Pair, Part, Split
from facesr.bench.errors import BadData
from facesr.datasets._align import Kind
from facesr.datasets._formats.lfw import pairs as read_pairs
from facesr.datasets._formats.lfw import path as photo_of
from facesr.datasets._half import Among
from facesr.datasets._official import HighResolution
from facesr.datasets._record import Box, Record

_FOLDERS = ("lfw-deepfunneled", "lfw_funneled", "lfw-funneled", "lfw")
# The mean `square` frame of deep-funneled pictures: MTCNN on 299 of them places a side of 136.8
# (deviation 10.8) around (126.2, 126.7). Eyes are then 30.5 % of the side apart, 31.1 % in CelebA's
# box, and the five landmarks spread over 20.0 % of both: `tests/datasets/framing.py`, 300 pictures.
_BOX: Box = (58.0, 58.0, 195.0, 195.0)


@dataclass
class Lfw(HighResolution):
    """The pictures of all people, cut by one box.

    The deep-funneled pictures are taken where they are there, else the funneled ones, else the
    originals. The authors divide people for tests of recognition only, in ten folds.

    Args:
        division: `draws` divides people; `pairs` tests on the pictures in `pairs.txt`, all ten
            folds of them, and trains on people who are in none.
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
    division: Literal["draws", "pairs"] = "draws"

    def missing(self) -> str:
        """See `Dataset.missing`."""
        absent = super().missing()
        if absent or self.root is None or self.division == "draws" or self._list.is_file():
            return absent
        return f"division=pairs needs the list of pairs of the authors at {self._list}"

    @property
    def _list(self) -> Path:
        return (self.root or Path()) / "pairs.txt"

    def reading(self) -> dict[str, Any]:
        """See `Official.reading`."""
        return {"division": self.division} if self.division == "pairs" else {}

    def among(self, part: Part) -> Among:
        """See `Official.among`."""
        if self.division == "draws":
            return super().among(part)
        return Among(("pairs",) if part == "test" else ("others",))

    def split(self, part: Part) -> Split:
        """See `Dataset.split`; with `division=pairs`, the test part comes with the pairs."""
        made = super().split(part)
        if self.root is None or self.division == "draws" or part == "train":
            return made
        there, every = set(made.hr.stems), list(pairs(self.root))
        kept = tuple(pair for pair in every if {pair.left, pair.right} <= there)
        lost = f"{len(every) - len(kept)} of {len(every)} pairs name pictures that are left out"
        notes = made.notes if len(kept) == len(every) else (*made.notes, lost)
        return replace(made, pairs=kept, notes=notes)

    def annotations(self, root: Path) -> list[Path]:
        """See `Official.annotations`; the names of the pictures say all but the pairs."""
        return [self._list] if self.division == "pairs" else []

    def records(self, root: Path) -> Iterator[Record]:
        """See `Official.records`."""
        listed = self._listed(root)
        people = {name.rpartition("_")[0] for name in listed}
        folder = next(name for name in _FOLDERS if next((root / name).glob("*/*_0001.jpg"), None))
        for person in sorted(entry.name for entry in os.scandir(root / folder) if entry.is_dir()):
            names = [entry.name for entry in os.scandir(root / folder / person)]
            for photo in sorted(name for name in names if name.endswith(".jpg")):
                stem = photo.removesuffix(".jpg")
                name = f"lfw-{stem}"
                beside = "beside pairs" if f"lfw-{person}" in people else "others"
                yield Record(
                    photo=f"{folder}/{person}/{photo}",
                    name=name,
                    part=("pairs" if name in listed else beside) if listed else "",
                    box=_BOX,
                    identity=person,
                    flaw="" if stem.rpartition("_")[0] == person else "named like someone else",
                )

    def _listed(self, root: Path) -> frozenset[str]:
        if self.division == "draws":
            return frozenset()
        return frozenset(name for pair in pairs(root) for name in (pair.left, pair.right))


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
