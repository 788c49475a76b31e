"""FFHQ: portraits from Flickr, aligned and cropped by its authors, with 68 landmarks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from facesr.bench.contract import About, Part
from facesr.datasets._align import Kind
from facesr.datasets._annotated import annotated
from facesr.datasets._formats.ffhq import Face, faces
from facesr.datasets._official import HighResolution
from facesr.datasets._record import Record

_JSON = "ffhq-dataset-v2.json"
_TRAINING = 60_000  # the first ones, as the authors' list says too


@dataclass
class Ffhq(HighResolution):
    """The pictures as the authors cropped them, their validation part as test.

    Without the authors' list every picture in the folder is used, without landmarks. Their
    landmarks, dlib's, are taken as continuous coordinates.

    Args:
        images: Folder of pictures: `images1024x1024` or `thumbnails128x128`.
    """

    about: ClassVar[About | None] = About(
        "FFHQ",
        paper="Karras, Laine & Aila, A Style-Based Generator Architecture for Generative "
        "Adversarial Networks, CVPR 2019",
        year=2019,
        url="https://github.com/NVlabs/ffhq-dataset",
        licence="CC BY-NC-SA 4.0; each photograph keeps its own (CC BY 2.0, CC BY-NC 2.0, public "
        "domain, U.S. government works)",
        holds="70,000 pictures of faces, 1024x1024, and thumbnails, 128x128: 60,000 for training, "
        "10,000 for validation",
        layout="ffhq/images1024x1024/00000/00000.png or thumbnails128x128/00000/00000.png (or "
        "without the inner folders), and ffhq-dataset-v2.json if there",
    )
    places: ClassVar[tuple[str, ...]] = ("ffhq", "FFHQ", "ffhq-dataset", ".")
    probes: ClassVar[tuple[str, ...]] = ("images1024x1024|thumbnails128x128|ffhq-dataset-v2.json",)
    parts: ClassVar[Mapping[str, Part]] = {"training": "train", "validation": "test"}

    frame: Kind = "whole"
    images: str = "images1024x1024"

    def missing(self) -> str:
        """See `Dataset.missing`."""
        absent = super().missing()
        if absent or self.root is None or (self.root / self.images).is_dir():
            return absent
        return (
            f"{self.root} does not hold {self.images}; get it from "
            "https://github.com/NVlabs/ffhq-dataset, or choose images=thumbnails128x128 or "
            "images1024x1024 by what is there"
        )

    def annotations(self, root: Path) -> list[Path]:
        """See `Official.annotations`."""
        return [root / _JSON] if (root / _JSON).is_file() else []

    def records(self, root: Path) -> Iterator[Record]:
        """See `Official.records`."""
        flat = next((root / self.images).glob("*.png"), None) is not None
        if not self.annotations(root):
            for path in sorted((root / self.images).glob("*.png" if flat else "*/*.png")):
                yield self._record(path.relative_to(root).as_posix(), path.stem)
            return
        for row in annotated(root / _JSON, faces):
            yield row if isinstance(row, Record) else self._listed(row, flat)

    def reading(self) -> dict[str, Any]:
        """See `Official.reading`."""
        return {"images": self.images}

    def _listed(self, face: Face, flat: bool) -> Record:
        stem = f"{face.index:05d}"
        inner = "" if flat else f"{face.index - face.index % 1000:05d}/"
        side = face.thumbnail.width if self.images.startswith("thumbnails") else face.image.width
        points = np.array(face.image.landmarks) * (side / face.image.width)
        return Record(
            photo=f"{self.images}/{inner}{stem}.png",
            name=f"ffhq-{stem}",
            points=points,
            part="training" if face.training else "validation",
        )

    def _record(self, photo: str, stem: str) -> Record:
        numbered = stem.isdecimal()
        return Record(
            photo=photo,
            name=f"ffhq-{stem}",
            part="training" if numbered and int(stem) < _TRAINING else "validation",
            flaw="" if numbered else "not named by a number",
        )
