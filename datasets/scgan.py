"""The folders of crops that SCGAN's authors prepared."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from facesr.bench.contract import About, Part
from facesr.bench.faces import SUFFIXES, Faces
from facesr.datasets._align import Kind
from facesr.datasets._census import inside
from facesr.datasets._half import Among, Side
from facesr.datasets._official import LowResolution
from facesr.datasets._prepared import details
from facesr.datasets._record import Record

_HIGH, _LOW = "imgs_train/HIGH", "imgs_train/LOW"
_TESTS = {
    "widerface": "imgs_test/Widerface",
    "webface": "imgs_test/WebFace",
    "ffhq": "imgs_test/FFHQ",
    "ls3dw": "imgs_test/LS3D-w_balanced",
}


@dataclass
class Scgan(LowResolution):
    """SCGAN's own crops, as they are: unpaired faces for training, low-resolution ones as tests.

    The high-resolution partners of the test faces were never published. The reference of the test
    part are therefore faces held out of the high-resolution training folder by seeded draws.

    Args:
        test: `widerface` or `webface`, genuine; `ffhq` or `ls3dw`, degraded by the authors.
        held: Share of the high-resolution faces that is the reference of the test part and no
            method trains on.
    """

    about: ClassVar[About | None] = About(
        "SCGAN's folders",
        paper="Hou et al., Semi-Cycled Generative Adversarial Networks for Real-World Face "
        "Super-Resolution, IEEE TIP 2023",
        year=2022,
        url="https://github.com/HaoHou-98/SCGAN",
        licence="academic research only; FFHQ: CC BY-NC-SA 4.0; WIDER FACE, LS3D-W: research",
        holds="20,000 faces of FFHQ at 64x64 and 4,000 of WIDER FACE at 16x16 for training; tests "
        "at 16x16: 1,000 of LS3D-W balanced, 2,500 of FFHQ, 2,000 of WIDER FACE, 1,028 of the web",
        layout="scgan/imgs_train/{HIGH,LOW}/* and "
        "scgan/imgs_test/{LS3D-w_balanced,FFHQ,Widerface,WebFace}/*",
    )
    places: ClassVar[tuple[str, ...]] = ("scgan", "SCGAN", ".")
    probes: ClassVar[tuple[str, ...]] = (_HIGH, _LOW)

    frame: Kind = "whole"
    test: Literal["widerface", "webface", "ffhq", "ls3dw"] = "widerface"
    held: float = 0.1

    def annotations(self, root: Path) -> list[Path]:
        """See `Official.annotations`; there are none."""
        return []

    def records(self, root: Path) -> Iterator[Record]:
        """See `Official.records`."""
        for place in (_HIGH, _LOW, *_TESTS.values()):
            for name in inside(root / place, SUFFIXES):
                yield _record(place, name)

    def missing(self) -> str:
        """See `Dataset.missing`."""
        if self.root is not None and not (self.root / _TESTS[self.test]).is_dir():
            return f"{self.root} has no {_TESTS[self.test]}; name another test: {', '.join(_TESTS)}"
        return super().missing()

    def faces(self, part: Part, side: Side) -> Faces:
        """See `Official.faces`; pictures of any size are used."""
        source = self.source(side, self._from(part, side), self.limit, least_side=0, most_side=None)
        at = f"{part}-{self.test}" if (part, side) == ("test", "lr") else part
        return self.half(f"{self.name}/{at}/{side}", source)

    def notes(self, *halves: Faces) -> tuple[str, ...]:
        """See `Official.notes`."""
        held = (
            "the high-resolution partners of the test faces were never published: the reference "
            f"are {self.held:.0%} of {_HIGH}, held out of training by seeded draws"
        )
        return (*super().notes(*halves), held, *filter(None, map(_resized, halves)))

    def _from(self, part: Part, side: Side) -> Among:
        if side == "lr":
            return Among((_LOW if part == "train" else _TESTS[self.test],))
        return Among((_HIGH,), (0, self.held) if part == "test" else (self.held, 1))


def _record(place: str, name: str) -> Record:
    folder = place.rpartition("/")[2].lower()
    face = f"scgan-{folder}-{Path(name).stem}"
    if not name.isprintable():
        return Record("", ascii(face), part=place, flaw=f"unusable file name: {name!a}")
    return Record(f"{place}/{name}", face, part=place, which="central")


def _resized(faces: Faces) -> str:
    """Say how many pictures had another size; empty if none."""
    sides = [known["side"] for known in details(faces)]
    small, large = sum(s < faces.size for s in sides), sum(s > faces.size for s in sides)
    if not small + large:
        return ""
    return (
        f"{faces.title.rpartition('/')[2]}: of {len(sides):,} faces {small:,} were enlarged and "
        f"{large:,} shrunk to {faces.size} px"
    )
