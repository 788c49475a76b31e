"""Finding faces and cutting them out: one detector and one rule for every half of a data set.

A crop is a square placed by five landmarks and never rotated, so that genuine low-resolution pixels
keep their grid. Its centre follows the mean of the landmarks, its side their spread. On 300 LFW
photographs reduced to faces 16 pixels wide, stored as JPEG and searched again, that centre moved by
0.5 % of the face's width on average and that spread by 0.2 %; the detector's box drifted by 3 % and
shrank by 4 %, and would have framed low-resolution faces tighter than high-resolution ones.

Coordinates are continuous, x first: pixel `i` covers `i` to `i + 1`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import groupby
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
Points = NDArray[np.float64]
Box = tuple[float, float, float, float]

_BATCH_PIXELS = 4_000_000  # of enlarged photographs searched at once; bounds the memory


@dataclass(frozen=True, eq=False)
class Found:
    """The faces found in one photograph, surest first.

    Args:
        boxes: Left, top, right, bottom in pixels of the photograph, (n, 4).
        scores: Confidences in [0, 1], (n,).
        points: Both eyes, nose and both mouth corners, left ones first as the picture shows
            them, in pixels of the photograph, (n, 5, 2).
    """

    boxes: Points
    scores: Points
    points: Points

    def __len__(self) -> int:
        return len(self.scores)


class Detector(Protocol):
    """Finds faces and their five landmarks."""

    @property
    def recipe(self) -> dict[str, Any]:
        """Name, version and every parameter that decides what is found; JSON values only."""
        ...

    def find(self, photos: Sequence[Pixels]) -> list[Found]:
        """Search photographs.

        Args:
            photos: RGB pixels, (h, w, 3) each, of any sizes.

        Returns:
            What was found in each, in the same order.
        """
        ...


@dataclass(frozen=True)
class Mtcnn:
    """The three cascaded networks of Zhang et al. 2016, as facenet-pytorch ships them.

    It computes in double precision. In single precision the last digits depend on threads and on
    the batch, and every tenth crop of LFW differed in some pixel between two ways of batching; in
    double precision, which takes a third longer, none did.

    Args:
        enlarge: Factor by which a photograph is enlarged (bicubic) before it is searched.
        smallest: Side of the smallest face looked for, in pixels of the enlarged photograph.
        thresholds: Least confidence at each of the three stages.
        factor: Step of the image pyramid.
    """

    enlarge: float = 1.0
    smallest: int = 30
    thresholds: tuple[float, float, float] = (0.6, 0.7, 0.7)
    factor: float = 0.709

    @property
    def recipe(self) -> dict[str, Any]:
        """See `Detector.recipe`."""
        from importlib.metadata import version

        return {
            "detector": f"mtcnn, facenet-pytorch {version('facenet-pytorch')}",
            "arithmetic": "float64",
            **asdict(self),
        }

    def find(self, photos: Sequence[Pixels]) -> list[Found]:
        """See `Detector.find`."""
        found: list[Found] = []
        for (height, width, _), equal in groupby(photos, key=lambda photo: photo.shape):
            alike = list(equal)
            if min(height, width) * self.enlarge < self.smallest:
                found += [_nothing()] * len(alike)
                continue
            n = max(1, int(_BATCH_PIXELS / (height * width * self.enlarge**2)))
            for start in range(0, len(alike), n):
                found += self._search(alike[start : start + n])
        return found

    def _search(self, photos: Sequence[Pixels]) -> list[Found]:
        net = _mtcnn(self.smallest, self.thresholds, self.factor)
        with torch.inference_mode():
            results = net.detect([self._enlarged(photo) for photo in photos], landmarks=True)
        return [
            _nothing()
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


def _nothing() -> Found:
    return Found(np.empty((0, 4)), np.empty(0), np.empty((0, 5, 2)))


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


def square_from_landmarks(points: Points, margin: float, lift: float = 0.0) -> Box:
    """Place an upright square by landmarks.

    The spread is the root mean square distance of the landmarks from their mean: the scale that a
    least-squares similarity to any template would use.

    Args:
        points: Landmarks, (k, 2).
        margin: Side of the square, in spreads.
        lift: How far the square's centre lies above the landmarks' mean, in spreads.

    Returns:
        Left, top, right, bottom; it may leave the picture.

    >>> square_from_landmarks(np.array([[9.0, 10.0], [11.0, 10.0]]), margin=4, lift=1)
    (8.0, 7.0, 12.0, 11.0)
    """
    mean = points.mean(0)
    spread = float(np.sqrt(((points - mean) ** 2).sum(1).mean()))
    x, y = float(mean[0]), float(mean[1]) - lift * spread
    half = margin * spread / 2
    return x - half, y - half, x + half, y + half


def crop(image: Pixels, box: Box, size: int) -> Pixels:
    """Cut a square out of a picture and resample it once.

    The filter is Pillow's bicubic, widened when it shrinks, so it is antialiased; a smaller crop
    is enlarged by the same filter. What lies outside the picture repeats its border.

    Args:
        image: RGB pixels, (h, w, 3).
        box: A square as `square_from_landmarks` returns it.
        size: Side of the result, in pixels.

    Returns:
        Pixels, (size, size, 3).
    """
    left, top, right, bottom = box
    height, width = image.shape[:2]
    reach = int(np.ceil(2 * max(1.0, (right - left) / size)))  # of the filter beyond the box
    x1, y1 = int(np.floor(left)) - reach, int(np.floor(top)) - reach
    x2, y2 = int(np.ceil(right)) + reach, int(np.ceil(bottom)) + reach
    columns = np.clip(np.arange(x1, x2), 0, width - 1)
    rows = np.clip(np.arange(y1, y2), 0, height - 1)
    region = Image.fromarray(np.ascontiguousarray(image[rows][:, columns]))
    inside = (left - x1, top - y1, right - x1, bottom - y1)
    return np.asarray(region.resize((size, size), Image.Resampling.BICUBIC, box=inside))


def into_crop(points: Points, box: Box, size: int) -> Points:
    """Move points from pixels of a picture into pixels of a crop of it."""
    left, top, right, _ = box
    return (points - np.array([left, top])) * (size / (right - left))


def outside(box: Box, width: int, height: int) -> float:
    """Return the share of a box's area that lies outside a picture, in [0, 1]."""
    left, top, right, bottom = box
    across = max(0.0, min(right, width) - max(left, 0.0))
    down = max(0.0, min(bottom, height) - max(top, 0.0))
    return 1 - across * down / ((right - left) * (bottom - top))
