"""CelebA: celebrities, aligned by their eyes and mouth, with identities and five landmarks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import ClassVar

import numpy as np
from PIL import Image

from facesr.bench.contract import About, Part
from facesr.bench.errors import BadData
from facesr.datasets._align import Kind
from facesr.datasets._annotated import annotated
from facesr.datasets._formats.celeba import PARTS, Face, faces
from facesr.datasets._official import HighResolution
from facesr.datasets._record import Box, Record

_PHOTOS = ("Img/img_align_celeba", "img_align_celeba")
_LISTS = {
    "identity": "identity_CelebA.txt",
    "partition": "list_eval_partition.txt",
    "landmark": "list_landmarks_align_celeba.txt",
}
_WIDTH, _HEIGHT = 178, 218  # of the authors' pictures
# The mean `square` frame of these: MTCNN on 299 pictures places a side of 126.2 (deviation 6.1)
# around (90.0, 125.3); the authors' template as public code quotes it, (69, 111) (108, 111)
# (88, 136) (72, 152) (105, 152), gives 122.5 around (88.4, 123.8).
_BOX: Box = (26.0, 62.0, 152.0, 188.0)
_PEEKED = 100  # pictures that may be unreadable before one tells the size of all


@dataclass
class Celeba(HighResolution):
    """The aligned pictures, all cut by one box that follows from their alignment.

    The lists are used where they are there; a picture that one of them lacks is left out and
    counted. The authors' validation part is in neither of ours: the test part is theirs. They do
    not say whether landmarks count pixels from 0 or 1; the numbers are taken as continuous
    coordinates, wrong by half a pixel at most. Pictures that somebody resized are recognised by
    their size, and box and landmarks are scaled with them.
    """

    about: ClassVar[About | None] = About(
        "CelebA",
        paper="Liu, Luo, Wang & Tang, Deep Learning Face Attributes in the Wild, ICCV 2015",
        year=2015,
        url="https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
        licence="non-commercial research; no redistribution; the pictures belong to their owners",
        holds="202,599 pictures of 10,177 people, aligned, 178x218; 162,770 for training, 19,867 "
        "for validation, 19,962 for test, which share nobody; 5 landmarks, 40 attributes",
        layout="celeba/img_align_celeba/000001.jpg (or Img/img_align_celeba) and, in celeba, Anno "
        "or Eval, identity_CelebA.txt, list_eval_partition.txt and "
        "list_landmarks_align_celeba.txt, each if there",
    )
    places: ClassVar[tuple[str, ...]] = ("celeba", "CelebA", "celebA", ".")
    probes: ClassVar[tuple[str, ...]] = ("Img/img_align_celeba/*.jpg|img_align_celeba/*.jpg",)
    parts: ClassVar[Mapping[str, Part]] = {"train": "train", "test": "test"}

    frame: Kind = "box"

    def annotations(self, root: Path) -> list[Path]:
        """See `Official.annotations`."""
        return sorted(_lists(root).values())

    def records(self, root: Path) -> Iterator[Record]:
        """See `Official.records`."""
        folder = next(name for name in _PHOTOS if (root / name).is_dir())
        rows = (row for row in _rows(root, folder) if isinstance(row, Face))
        scale = _scale(root / folder / face.name for face in islice(rows, _PEEKED))
        for row in _rows(root, folder):
            yield row if isinstance(row, Record) else _record(row, folder, scale)


def _lists(root: Path) -> dict[str, Path]:
    """Find the lists that are there."""
    found = {}
    for kind, name in _LISTS.items():
        places = (root / folder / name for folder in ("", "Anno", "Eval"))
        if path := next((path for path in places if path.is_file()), None):
            found[kind] = path
    return found


def _rows(root: Path, folder: str) -> Iterator[Face | Record]:
    lists = _lists(root)
    if lists:
        yield from annotated(Path("celeba"), lambda _, bad: faces(bad, **lists))
    else:
        yield from map(Face, sorted(path.name for path in (root / folder).glob("*.jpg")))


def _scale(photos: Iterator[Path]) -> float:
    """Return the size of the pictures in that of the authors'; 1 if none can be read."""
    came = ""
    for path in photos:
        try:
            with Image.open(path) as image:
                width, height = image.size
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            continue
        if abs(height - width * _HEIGHT / _WIDTH) <= 1:
            return width / _WIDTH
        came = came or f"{path} is {width}x{height} pixels"
    if came:
        raise BadData(
            f"{came}, expected {_WIDTH}x{_HEIGHT} or that shape resized: the aligned pictures"
        )
    return 1.0


def _record(face: Face, folder: str, scale: float) -> Record:
    left, top, right, bottom = _BOX
    points = face.landmarks
    return Record(
        photo=f"{folder}/{face.name}",
        name=f"celeba-{face.name.rpartition('.')[0]}",
        box=(left * scale, top * scale, right * scale, bottom * scale),
        points=None if points is None else np.array(points, np.float64).reshape(-1, 2) * scale,
        identity="" if face.identity is None else str(face.identity),
        part="" if face.part is None else PARTS[face.part],
    )
