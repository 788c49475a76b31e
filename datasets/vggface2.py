"""VGGFace2: hundreds of pictures of each of thousands of people, with boxes and five landmarks."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import nsmallest
from itertools import groupby, islice
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from facesr.bench.contract import About, Part
from facesr.bench.errors import BadData
from facesr.datasets._annotated import annotated
from facesr.datasets._formats.vggface2 import Face, faces
from facesr.datasets._official import HighResolution
from facesr.datasets._record import Points, Record

Pose = Literal["any", "large"]


@dataclass
class Vggface2(HighResolution):
    """All pictures, or a few of each person.

    Boxes and landmarks, of the loosely cropped pictures that are distributed, are taken as
    continuous coordinates.

    Args:
        per_person: How many pictures of a person are used, by `pose`; 0 for all.
        pose: `any`: a person's first pictures; `large`: those in which the head is turned most,
            by `turn`, the first ones by name where equal.
    """

    about: ClassVar[About | None] = About(
        "VGGFace2",
        paper="Cao, Shen, Xie, Parkhi & Zisserman, VGGFace2: A dataset for recognising faces "
        "across pose and age, FG 2018",
        year=2018,
        url="https://github.com/ox-vgg/vgg_face2",
        licence="non-commercial research; the pictures belong to their owners",
        holds="3.31 million pictures of 9,131 people: 8,631 people for training, 500 for test",
        layout="vggface2/data/{train,test}/n000001/0001_01.jpg (or without data) and "
        "vggface2/bb_landmark/loose_bb_{train,test}.csv, loose_landmark_{train,test}.csv",
        withdrawn="offline since late 2020 until the university's lawyers agree, as its authors "
        "say; they give no further reason",
    )
    places: ClassVar[tuple[str, ...]] = ("vggface2", "VGGFace2", "VGG-Face2", "vgg_face2", ".")
    probes: ClassVar[tuple[str, ...]] = (
        "data/train/n[0-9]*|data/test/n[0-9]*|train/n[0-9]*|test/n[0-9]*",
    )
    parts: ClassVar[Mapping[str, Part]] = {"train": "train", "test": "test"}

    per_person: int = 0
    pose: Pose = "any"

    def missing(self) -> str:
        """See `Dataset.missing`."""
        tables = self.annotations(self.root) if self.root else []
        lacking = [str(path) for path in tables if not path.is_file()]
        if not lacking:
            return super().missing()
        return f"{' and '.join(lacking)} absent; get bb_landmark of VGGFace2"

    def annotations(self, root: Path) -> list[Path]:
        """See `Official.annotations`."""
        return [path for part in self.parts if _photos(root, part) for path in _tables(root, part)]

    def records(self, root: Path) -> Iterator[Record]:
        """See `Official.records`."""
        if absent := self.missing():
            raise BadData(absent)
        seen: set[str] = set()
        for part in self.parts:
            if folder := _photos(root, part):
                yield from self._part(folder, part, _tables(root, part), seen)

    def reading(self) -> dict[str, Any]:
        """See `Official.reading`."""
        return {"per_person": self.per_person, "pose": self.pose}

    def _part(
        self, folder: str, part: str, tables: tuple[Path, Path], seen: set[str]
    ) -> Iterator[Record]:
        flaws: list[Record] = []

        def readable() -> Iterator[Face]:
            for row in annotated(tables[0].parent, lambda _, bad: faces(*tables, bad)):
                if isinstance(row, Record):
                    flaws.append(row)
                else:
                    yield row

        for person, pictures in groupby(readable(), lambda face: face.identity):
            flaw = "apart from the other pictures of the person" if person in seen else ""
            seen.add(person)
            for face in self._chosen(pictures):
                yield _record(face, folder, part, flaw if self.per_person else "")
            yield from flaws
            flaws.clear()
        yield from flaws

    def _chosen(self, pictures: Iterator[Face]) -> Iterable[Face]:
        if not self.per_person:
            return pictures
        if self.pose == "any":
            return islice(pictures, self.per_person)
        most = nsmallest(
            self.per_person, enumerate(pictures), lambda one: (-turn(_five(one[1])), one[1].name)
        )
        return [face for _, face in sorted(most, key=lambda one: one[0])]


def turn(five: Points) -> float:
    """Measure how far a head is turned to a side, from five landmarks.

    It is how far the nose lies beside the line from between the eyes to between the corners of the
    mouth, in lengths of that line: in a head that turns this grows with the sine of the angle, and
    neither roll nor scale changes it. In distances between the eyes, as others measure, it would
    have no bound, for in profile the eyes coincide.

    Args:
        five: Eyes, nose, corners of the mouth, (5, 2).

    Returns:
        0 or more; 0 too if eyes and mouth coincide.
    """
    eyes, mouth = five[:2].mean(0), five[3:].mean(0)
    down, nose = mouth - eyes, five[2] - eyes
    length = float(down @ down)
    return abs(float(down[0] * nose[1] - down[1] * nose[0])) / length if length else 0.0


def _photos(root: Path, part: str) -> str:
    """Return the folder of pictures of a part; empty if it is not here."""
    return next((f for f in (f"data/{part}", part) if (root / f).is_dir()), "")


def _tables(root: Path, part: str) -> tuple[Path, Path]:
    folder = root / "bb_landmark"
    return folder / f"loose_bb_{part}.csv", folder / f"loose_landmark_{part}.csv"


def _five(face: Face) -> Points:
    return np.array(face.landmarks, np.float64).reshape(5, 2)


def _record(face: Face, folder: str, part: str, flaw: str) -> Record:
    x, y, w, h = face.box
    return Record(
        photo=f"{folder}/{face.name}.jpg",
        name=f"vggface2-{face.name.replace('/', '-')}",
        box=(x, y, x + w, y + h),
        points=_five(face),
        identity=face.identity,
        part=part,
        flaw=flaw,
    )
