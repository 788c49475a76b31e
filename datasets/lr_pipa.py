"""LR-PIPA: small faces of photographs in Flickr albums, with the names of the people."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import ClassVar

from facesr.bench.contract import About, Part
from facesr.bench.faces import Faces
from facesr.datasets._annotated import annotated
from facesr.datasets._formats.pipa import SUBSETS, Head, heads
from facesr.datasets._official import LowResolution
from facesr.datasets._record import Record

_INDEX = "index.txt"


@dataclass
class LrPipa(LowResolution):
    """Small faces of PIPA as input, its large ones as reference.

    The CR paper finds faces with the TinyFace detector, keeps those of at most 16 pixels on average
    and removes by hand what is no face; its list is not public. Here a detector has to find a face
    within an annotated head, which says who it is; a list of your own goes into `exclude`. Heads
    that PIPA's authors left over show people of all their parts, so they are in neither of ours.
    """

    about: ClassVar[About | None] = About(
        "LR-PIPA",
        paper="Cheng, Zhu, Li & Gong, Characteristic Regularisation for Super-Resolving Face "
        "Images, WACV 2020; photographs: Zhang, Paluri, Taigman, Fergus & Bourdev, Beyond Frontal "
        "Faces: Improving Person Recognition Using Multiple Cues, CVPR 2015",
        year=2019,
        url="https://github.com/coallaoh/PIPA_dataset",
        licence="the photographs are their owners', from Flickr; research",
        holds="8,641 faces of at most 16x16 pixels, of PIPA's 37,107 photographs with 63,188 heads "
        "of 2,356 people: 29,223 train, 9,642 validation, 12,886 test, 11,437 left over",
        layout="pipa/index.txt and pipa/{train,val,test,leftover}/<photoset>_<photo>.jpg",
        withdrawn="January 2020: the authors of PIPA stopped distributing it",
    )
    places: ClassVar[tuple[str, ...]] = ("lr_pipa", "pipa", "PIPA", ".")
    probes: ClassVar[tuple[str, ...]] = (_INDEX, "*/*_*.jpg")
    parts: ClassVar[Mapping[str, Part]] = {"train": "train", "val": "test", "test": "test"}

    finder: str = "mtcnn"

    def annotations(self, root: Path) -> list[Path]:
        """See `Official.annotations`."""
        return [root / _INDEX]

    def records(self, root: Path) -> Iterator[Record]:
        """See `Official.records`."""
        for row in annotated(root / _INDEX, heads):
            yield row if isinstance(row, Record) else _record(root, row)

    def notes(self, *halves: Faces) -> tuple[str, ...]:
        """See `Official.notes`."""
        left = "heads that the authors left over show people of all parts and are in neither"
        return super().notes(*halves) + ((left,) if self.divided else ())


def _record(root: Path, head: Head) -> Record:
    box = (head.x, head.y, head.x + head.w, head.y + head.h)
    return Record(
        photo=_photo(root, head),
        name=f"lr_pipa-{head.photoset}_{head.photo}-{head.x}_{head.y}",
        box=box,
        identity=str(head.identity),
        part=SUBSETS[head.subset],
        which="head",
        labels={"subset": head.subset, "head": box},
    )


def _photo(root: Path, head: Head) -> str:
    """Find the photograph: heads of two subsets can share one, which lies in one folder."""
    name = PurePosixPath(head.path).name
    places = (head.path, *(f"{subset}/{name}" for subset in SUBSETS))
    return next((place for place in places if (root / place).is_file()), head.path)
