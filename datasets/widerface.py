"""WIDER FACE: photographs of events with every face boxed, most of them small."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from facesr.bench.contract import About, Part
from facesr.datasets._align import Kind
from facesr.datasets._annotated import annotated
from facesr.datasets._formats.widerface import Box, Photo, filelist, photos
from facesr.datasets._official import ANNOTATION, LowResolution
from facesr.datasets._record import Record

_LABELS = ("blur", "expression", "illumination", "occlusion", "pose")
_TEST = "wider_face_split/wider_face_test_filelist.txt"


@dataclass
class Widerface(LowResolution):
    """Small annotated faces as input, large ones of the same photographs' set as reference.

    The authors mark faces that are not to be used as invalid; these are left out and counted. The
    validation photographs are the test part, because those of the authors' test have no public
    boxes; what a detector finds in them can be added.

    Args:
        unboxed: Whether all faces that `finder` finds in the authors' test photographs are used
            too, in the test part; it has to be a detector.
        blur: Heaviest blur that is used: 0 clear, 1 normal, 2 heavy.
        occlusion: Heaviest occlusion that is used: 0 none, 1 partial, 2 heavy.
    """

    about: ClassVar[About | None] = About(
        "WIDER FACE",
        paper="Yang, Luo, Loy & Tang, WIDER FACE: A Face Detection Benchmark, CVPR 2016",
        year=2016,
        url="http://shuoyang1213.me/WIDERFACE/",
        licence="CC BY-NC-ND 4.0; the photographs belong to their owners",
        holds="32,203 photographs of 61 kinds of events, 393,703 boxed faces: 12,880 photographs "
        "train, 3,226 validation, 16,097 test without public boxes",
        layout="widerface/WIDER_{train,val}/images/<event>/*.jpg and "
        "wider_face_split/wider_face_{train,val}_bbx_gt.txt; also, if wanted, WIDER_test/images "
        "and wider_face_split/wider_face_test_filelist.txt",
    )
    places: ClassVar[tuple[str, ...]] = ("widerface", "WIDERFACE", "WIDER", "wider_face", ".")
    probes: ClassVar[tuple[str, ...]] = (
        "wider_face_split/wider_face_*_bbx_gt.txt",
        "WIDER_*/images",
    )
    parts: ClassVar[Mapping[str, Part]] = {"train": "train", "val": "test", "test": "test"}

    box_margin: ClassVar[float | None] = 0.15

    frame: Kind = "box"
    unboxed: bool = False
    blur: int = 2
    occlusion: int = 2

    def annotations(self, root: Path) -> list[Path]:
        """See `Official.annotations`."""
        boxed = sorted((root / "wider_face_split").glob("wider_face_*_bbx_gt.txt"))
        return [*boxed, root / _TEST] if self.unboxed else boxed

    def records(self, root: Path) -> Iterator[Record]:
        """See `Official.records`."""
        for path in self.annotations(root):
            part = path.name.split("_")[2]
            if not (root / f"WIDER_{part}/images").is_dir():
                continue
            if part == "test":
                for name in annotated(path, filelist):
                    yield name if isinstance(name, Record) else _unboxed(name)
                continue
            for photo in annotated(path, photos):
                yield from [photo] if isinstance(photo, Record) else self._faces(photo, part)

    def reading(self) -> dict[str, Any]:
        """See `Official.reading`."""
        return {"unboxed": self.unboxed, "blur": self.blur, "occlusion": self.occlusion}

    def missing(self) -> str:
        """See `Dataset.missing`."""
        if self.unboxed and self.finder == ANNOTATION:
            return "photographs without boxes need a detector: set widerface.finder=mtcnn"
        return super().missing()

    def _faces(self, photo: Photo, part: str) -> Iterator[Record]:
        stem = Path(photo.path).stem
        for at, box in enumerate(photo.boxes):
            yield Record(
                photo=f"WIDER_{part}/images/{photo.path}",
                name=f"widerface-{stem}-{at:04d}",
                box=(box.x, box.y, box.x + box.w, box.y + box.h),
                part=part,
                labels={label: getattr(box, label) for label in _LABELS},
                flaw=self._flaw(box),
            )

    def _flaw(self, box: Box) -> str:
        if box.invalid:
            return "marked invalid by the authors"
        if box.blur > self.blur:
            return "too blurred"
        return "too occluded" if box.occlusion > self.occlusion else ""


def _unboxed(path: str) -> Record:
    photo = f"WIDER_test/images/{path}"
    return Record(photo, f"widerface-{Path(path).stem}", part="test", which="every")
