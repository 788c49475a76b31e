"""Share of faces that a face detector still finds.

`hog`: histograms of oriented gradients and a linear classifier on five views, as dlib ships them
(Dalal & Triggs, CVPR 2005; King, Max-margin object detection, arXiv 1502.00046), the detector of
SCGAN's table 6. `mtcnn`, `retinaface`, `yunet`, `scrfd`: see `facesr.bench.detectors`. All of them
see the same picture, the face enlarged and surrounded by its border.
"""

import hashlib
import pickle
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from facesr.bench.contract import Metric, Needs
from facesr.bench.detectors._base import detector
from facesr.bench.errors import BadName, BenchError
from facesr.bench.faces import Faces
from facesr.bench.files import digest_of
from facesr.bench.progress import progress
from facesr.bench.score import Better, Score
from facesr.protocols._checks import called, some
from facesr.protocols._identity import DIGITS, identity
from facesr.protocols._intervals import rate
from facesr.protocols._scores import absent, per_picture
from facesr.protocols.features.found import MARGIN, SIDE, framed, recipe, surest

VERSION = 2
WINDOW = 80

Finder = Literal["hog", "mtcnn", "retinaface", "yunet", "scrfd"]
_BATCH = 256


def detected(
    images: NDArray[np.uint8], side: int = SIDE, margin: int = MARGIN, upsample: int = 0
) -> NDArray[np.bool_]:
    """Look for a face on each picture.

    Args:
        images: (n, h, h, 3), uint8.
        side: Pictures are resized to this many pixels (bicubic) first: the detector's window is
            80 pixels, so it sees nothing on smaller faces.
        margin: Border pixels are repeated this far outwards after that, because a face that fills
            its picture has no surroundings.
        upsample: How often the detector doubles the picture.

    Returns:
        (n,), whether at least one face was found.
    """
    finds = _detector()
    photos = (framed(pixels, side, margin) for pixels in images)
    return np.array([len(finds(photo, upsample)) > 0 for photo in photos], bool)


@dataclass(frozen=True)
class Detection(Metric):
    """Detection rate; each picture counts as 0 or 100 per cent.

    Args:
        detector: `hog`, `mtcnn`, `retinaface`, `yunet` or `scrfd`.
        side: Side to which faces are resized before detection.
        margin: Repeated border around them, in pixels.
        upsample: How often `hog` doubles the picture; the others look for all sizes by themselves.
    """

    needs: ClassVar[Needs] = "nothing"
    better: ClassVar[Better] = "higher"
    smallest: ClassVar[float] = 0.5

    detector: Finder = "hog"
    side: int = SIDE
    margin: int = MARGIN
    upsample: int = 0

    def __post_init__(self) -> None:
        if self.detector not in get_args(Finder):
            known = ", ".join(get_args(Finder))
            raise BadName(f"no detector named {self.detector!r}; known: {known}")
        if self.upsample and self.detector != "hog":
            raise BadName(f"upsample belongs to hog; {self.detector} takes a larger side instead")
        if min(self.margin, self.upsample) < 0:
            raise BadName(
                f"margin={self.margin}, upsample={self.upsample}: neither may be negative"
            )
        seen = (self.side + 2 * self.margin) * 2**self.upsample
        if seen < WINDOW:
            raise BadName(
                f"the detector would see {seen} pixels, expected {WINDOW} or more; raise side, "
                f"margin or upsample"
            )

    def missing(self) -> str:
        """Say which package or file is absent."""
        if self.detector != "hog":
            return detector(self.detector).missing()
        return "" if find_spec("dlib") else "needs dlib: pip install dlib-bin"

    @property
    def column(self) -> str:
        """Name of the column."""
        return f"detection[{self.detector}]"

    def score(self, sr: Faces, reference: Faces | None) -> Score:
        """See `Metric.score`; the reference is not looked at."""
        name = self.column
        some(sr, name)
        label = self._identity()
        if why := self.missing():
            return absent(name, sr, why, better="higher", identity=label, group="detection")
        found = self._found(sr)
        return per_picture(
            name,
            100.0 * found,
            sr,
            better="higher",
            identity=label,
            group="detection",
            unit="%",
            interval=rate(found, sr.identities),
        )

    def _identity(self) -> str:
        if self.detector != "hog":
            known = recipe(detector(self.detector), self.side, self.margin)
            return identity(
                "detection",
                f"{self.detector}@{digest_of(known)[:DIGITS]}",
                side=self.side,
                margin=self.margin,
                resize="bicubic",
                version=VERSION,
            )
        there = not self.missing()
        return identity(
            "detection",
            f"hog@{_digest() if there else 'missing'}",
            dlib=_release() if there else "missing",
            side=self.side,
            margin=self.margin,
            upsample=self.upsample,
            resize="bicubic",
            version=VERSION,
        )

    def _found(self, sr: Faces) -> NDArray[np.bool_]:
        if self.detector != "hog":
            rows = surest(sr, detector(self.detector), self.side, self.margin)
            return np.isfinite(rows[:, 0])
        parts = []
        with progress(f"looking for faces in {called(sr)}", len(sr)) as advance:
            for start in range(0, len(sr), _BATCH):
                part = sr.take(range(start, min(start + _BATCH, len(sr))))
                pixels = part.pixels().permute(0, 2, 3, 1).numpy()
                parts.append(detected(pixels, self.side, self.margin, self.upsample))
                advance(len(part))
        return np.concatenate(parts)


@cache
def _detector() -> Any:
    return _dlib().get_frontal_face_detector()


@cache
def _release() -> str:
    """Return dlib's version, because its code decides what the detector sees."""
    return str(_dlib().__version__)


@cache
def _digest() -> str:
    """Digest the detector's weights, which dlib holds in its code."""
    return hashlib.sha256(pickle.dumps(_detector(), protocol=4)).hexdigest()[:DIGITS]


def _dlib() -> Any:
    if find_spec("dlib") is None:
        raise BenchError(f"detection[hog] {Detection().missing()}")
    return import_module("dlib")
