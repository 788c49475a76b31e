"""AFLW: faces from Flickr in all poses, with boxes, head poses and up to 21 landmarks."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from facesr.bench.contract import About
from facesr.datasets._align import Kind, five_from_aflw
from facesr.datasets._annotated import annotated
from facesr.datasets._formats.aflw import Face, faces
from facesr.datasets._official import HighResolution
from facesr.datasets._record import Record

_FIVE = {
    "LeftEyeCenter": 8,
    "RightEyeCenter": 11,
    "NoseCenter": 15,
    "MouthLeftCorner": 18,
    "MouthRightCorner": 20,
}


@dataclass
class Aflw(HighResolution):
    """Every annotated face, by its box: faces that are turned away lack landmarks.

    The authors do not divide the set; photographs are divided by draws. Boxes and landmarks are
    taken as continuous coordinates. Landmarks are the eyes' centres, the nose and the corners of
    the mouth, where all five can be seen.
    """

    about: ClassVar[About | None] = About(
        "AFLW",
        paper="Köstinger, Wohlhart, Roth & Bischof, Annotated Facial Landmarks in the Wild: A "
        "Large-scale, Real-world Database for Facial Landmark Localization, ICCV workshops 2011",
        year=2011,
        url="https://www.tugraz.at/institute/icg/research/team-bischof/lrs/downloads/aflw/",
        licence="research, non-commercial, on request; the photographs belong to their owners",
        holds="25,993 faces in 21,997 photographs, with up to 21 landmarks each, boxes, ellipses "
        "and coarse head poses",
        layout="aflw/data/aflw.sqlite and aflw/data/flickr/{0,2,3}/*.jpg",
    )
    places: ClassVar[tuple[str, ...]] = ("aflw", "AFLW", "aflw/aflw", ".")
    probes: ClassVar[tuple[str, ...]] = ("data/aflw.sqlite",)

    frame: Kind = "box"

    def annotations(self, root: Path) -> list[Path]:
        """See `Official.annotations`."""
        return [root / "data/aflw.sqlite"]

    def records(self, root: Path) -> Iterator[Record]:
        """See `Official.records`."""
        for row in annotated(root / "data/aflw.sqlite", faces):
            yield row if isinstance(row, Record) else _record(row)


def _record(face: Face) -> Record:
    x, y, w, h = face.box or (0.0, 0.0, 0.0, 0.0)
    marked = {_FIVE[name]: (left, top) for name, left, top in face.landmarks if name in _FIVE}
    return Record(
        photo=f"data/{face.path}",
        name=f"aflw-{face.face}",
        box=(x, y, x + w, y + h) if face.box else None,
        points=five_from_aflw(marked),
        labels=dict(zip(("roll", "pitch", "yaw"), face.pose, strict=True)) if face.pose else {},
    )
