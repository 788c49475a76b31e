"""Share of faces that a face detector still finds.

Detector: histograms of oriented gradients and a linear classifier on five views, as dlib ships
them. Papers: Dalal & Triggs, CVPR 2005; King, Max-margin object detection, arXiv 1502.00046.
"""

import hashlib
import pickle
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facesr.bench.contract import Metric, Needs
from facesr.bench.errors import BadName, BenchError
from facesr.bench.faces import Faces
from facesr.bench.progress import progress
from facesr.bench.score import Better, Score
from facesr.protocols._checks import called, some
from facesr.protocols._identity import DIGITS, identity
from facesr.protocols._intervals import rate
from facesr.protocols._scores import absent, per_picture

VERSION = 2
WINDOW = 80
NAME = "detection[hog]"
_BATCH = 256


def detected(
    images: NDArray[np.uint8], side: int = 128, margin: int = 16, upsample: int = 0
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
    detector = _detector()
    found = np.zeros(len(images), bool)
    for i, pixels in enumerate(images):
        resized = Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC)
        padded = np.pad(np.asarray(resized), ((margin,) * 2, (margin,) * 2, (0, 0)), mode="edge")
        found[i] = len(detector(padded, upsample)) > 0
    return found


@dataclass(frozen=True)
class Detection(Metric):
    """Detection rate; each picture counts as 0 or 100 per cent.

    Args:
        detector: `hog`, the frontal detector of dlib.
        side: Side to which faces are resized before detection.
        margin: Repeated border around them, in pixels.
        upsample: How often the detector doubles the picture.
    """

    needs: ClassVar[Needs] = "nothing"
    better: ClassVar[Better] = "higher"

    detector: Literal["hog"] = "hog"
    side: int = 128
    margin: int = 16
    upsample: int = 0

    def __post_init__(self) -> None:
        if self.detector != "hog":
            raise BadName(f"no detector named {self.detector!r}; known: hog")
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
        """Say which package is absent."""
        return "" if find_spec("dlib") else "needs dlib: pip install dlib-bin"

    def score(self, sr: Faces, reference: Faces | None) -> Score:
        """See `Metric.score`; the reference is not looked at."""
        some(sr, NAME)
        why = self.missing()
        label = identity(
            "detection",
            f"hog@{'missing' if why else _digest()}",
            dlib="missing" if why else _release(),
            side=self.side,
            margin=self.margin,
            upsample=self.upsample,
            resize="bicubic",
            version=VERSION,
        )
        if why:
            return absent(NAME, sr, why, better="higher", identity=label, group="detection")
        found = self._found(sr)
        return per_picture(
            NAME,
            100.0 * found,
            sr,
            better="higher",
            identity=label,
            group="detection",
            unit="%",
            interval=rate(found, sr.identities),
        )

    def _found(self, sr: Faces) -> NDArray[np.bool_]:
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
        raise BenchError(f"{NAME} {Detection().missing()}")
    return import_module("dlib")
