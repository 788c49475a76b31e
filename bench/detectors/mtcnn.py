"""MTCNN: three cascaded networks on an image pyramid, with the weights of facenet-pytorch.

Paper: Zhang et al. 2016, https://arxiv.org/abs/1604.02878
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any

import numpy as np
import torch
from PIL import Image

from facesr.bench.detectors._base import Found, Pixels, Points, nothing

_BATCH_PIXELS = 4_000_000  # of enlarged photographs searched at once; bounds the memory
RELEASE = "2.5.3"  # of facenet-pytorch; decides what is found


@dataclass(frozen=True)
class Mtcnn:
    """The three cascaded networks of Zhang et al. 2016, as facenet-pytorch ships them.

    It computes in double precision: in single precision the last digits depend on threads and on
    the batch, and crops of one face differ in some pixel between two ways of batching.

    The package cuts the last network's input out at whole pixels and forgets the fraction: mirrored
    photographs show its landmarks half a pixel of the enlarged photograph too far to the right.

    Args:
        enlarge: Factor by which a photograph is enlarged (bicubic) before it is searched.
        threshold: Least confidence at the last stage.
        smallest: Side of the smallest face looked for, in pixels of the enlarged photograph.
        proposals: Least confidence at the first two stages.
        factor: Step of the image pyramid.
    """

    enlarge: float = 1.0
    threshold: float = 0.7
    smallest: int = 30
    proposals: tuple[float, float] = (0.6, 0.7)
    factor: float = 0.709

    @property
    def recipe(self) -> dict[str, Any]:
        """See `Detector.recipe`."""
        return {
            "detector": f"mtcnn, facenet-pytorch {RELEASE}",
            "arithmetic": "float64",
            "enlarge": self.enlarge,
            "smallest": self.smallest,
            "thresholds": self._thresholds,
            "factor": self.factor,
        }

    @property
    def _thresholds(self) -> tuple[float, float, float]:
        return (*self.proposals, self.threshold)

    def missing(self) -> str:
        """See `Named.missing`; facenet-pytorch brings the weights."""
        from importlib.metadata import PackageNotFoundError, version

        try:
            came = version("facenet-pytorch")
        except PackageNotFoundError:
            came = "none"
        if came == RELEASE:
            return ""
        return f"needs facenet-pytorch {RELEASE}, {came} is installed: pip install it"

    def find(self, photos: Sequence[Pixels]) -> list[Found]:
        """See `Detector.find`."""
        found: list[Found] = []
        for (height, width, _), equal in groupby(photos, key=lambda photo: photo.shape):
            alike = list(equal)
            if min(height, width) * self.enlarge < self.smallest:
                found += [nothing()] * len(alike)
                continue
            n = max(1, int(_BATCH_PIXELS / (height * width * self.enlarge**2)))
            for start in range(0, len(alike), n):
                found += self._search(alike[start : start + n])
        return found

    def _search(self, photos: Sequence[Pixels]) -> list[Found]:
        net = _mtcnn(self.smallest, self._thresholds, self.factor)
        with torch.inference_mode():
            results = net.detect([self._enlarged(photo) for photo in photos], landmarks=True)
        return [
            nothing()
            if boxes is None
            else self._found(*(np.asarray(x, np.float64) for x in (boxes, scores, points)))
            for boxes, scores, points in zip(*results, strict=True)
        ]

    def _enlarged(self, photo: Pixels) -> Image.Image:
        image = Image.fromarray(photo)
        if self.enlarge == 1:
            return image
        size = (round(image.width * self.enlarge), round(image.height * self.enlarge))
        return image.resize(size, Image.Resampling.BICUBIC)

    def _found(self, boxes: Points, scores: Points, points: Points) -> Found:
        order = np.argsort(-scores, kind="stable")
        return Found(boxes[order] / self.enlarge, scores[order], points[order] / self.enlarge)


@cache
def _mtcnn(smallest: int, thresholds: tuple[float, float, float], factor: float) -> Any:
    from facenet_pytorch import MTCNN

    net = MTCNN(
        keep_all=True,
        min_face_size=smallest,
        thresholds=list(thresholds),
        factor=factor,
        device="cpu",
    )
    return net.double()
