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
from typing import Any, ClassVar

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
from facesr.protocols._intervals import wilson
from facesr.protocols._scores import absent

VERSION = 1
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
    """Detection rate; samples are 0 or 1, the value is per cent.

    Args:
        side: Side to which faces are resized before detection.
        margin: Repeated border around them, in pixels.
        upsample: How often the detector doubles the picture.
    """

    needs: ClassVar[Needs] = "nothing"
    better: ClassVar[Better] = "higher"

    side: int = 128
    margin: int = 16
    upsample: int = 0

    def __post_init__(self) -> None:
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
            side=self.side,
            margin=self.margin,
            upsample=self.upsample,
            version=VERSION,
        )
        if why:
            return absent(NAME, sr, why, better="higher", identity=label, group="detection")
        found = self._found(sr)
        interval = wilson(int(found.sum()), len(found))
        return Score(
            metric=NAME,
            value=100 * float(found.mean()),
            better="higher",
            n=len(found),
            identity=label,
            low=100 * interval.low,
            high=100 * interval.high,
            unit="%",
            group="detection",
            interval=interval.how,
            sampling="picture",
            samples=tuple(found.astype(float).tolist()),
        )

    def _found(self, sr: Faces) -> NDArray[np.bool_]:
        parts = []
        with progress(f"looking for faces in {called(sr)}", len(sr)) as advance:
            for start in range(0, len(sr), _BATCH):
                some = sr.take(range(start, min(start + _BATCH, len(sr))))
                pixels = some.pixels().permute(0, 2, 3, 1).numpy()
                parts.append(detected(pixels, self.side, self.margin, self.upsample))
                advance(len(some))
        return np.concatenate(parts)


@cache
def _detector() -> Any:
    if find_spec("dlib") is None:
        raise BenchError(f"{NAME} {Detection().missing()}")
    dlib: Any = import_module("dlib")
    return dlib.get_frontal_face_detector()


@cache
def _digest() -> str:
    """Digest the detector's weights, which dlib holds in its code."""
    return hashlib.sha256(pickle.dumps(_detector(), protocol=4)).hexdigest()[:DIGITS]
