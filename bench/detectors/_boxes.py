"""What the detectors share before and after their networks: size of the picture, doubled boxes."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from facesr.bench.detectors._base import Found, Pixels, Points, nothing


@dataclass(frozen=True, eq=False)
class Scaled:
    """A photograph as a network sees it.

    Args:
        pixels: RGB, (h, w, 3).
        factor: Pixels of it per pixel of the photograph, along x and y, (2,).
    """

    pixels: Pixels
    factor: Points


Decoded = tuple[Points, Points, Points]  # boxes (n, 4), scores (n,), landmarks (n, 5, 2)


@dataclass(frozen=True)
class OneByOne(ABC):
    """A detector that searches each photograph by itself, at one size.

    Args:
        enlarge: Factor by which a photograph is enlarged (bicubic) before it is searched.
        threshold: Least confidence.
        overlap: Intersection over union above which two boxes show the same face.
        longest: Longest side of the enlarged photograph; a longer one is enlarged less.
    """

    enlarge: float = 1.0
    threshold: float = 0.5
    overlap: float = 0.4
    longest: int = 4096

    @abstractmethod
    def decoded(self, pixels: Pixels) -> Decoded:
        """Search RGB pixels, (h, w, 3), for faces sure and unsure, doubled ones too."""

    def find(self, photos: Sequence[Pixels]) -> list[Found]:
        """See `Detector.find`.

        Raises:
            BenchError: If a package or the weights are absent, or are not the published ones.
        """
        return [self._one(photo) for photo in photos]

    def _one(self, photo: Pixels) -> Found:
        seen = scaled(photo, self.enlarge, self.longest)
        decoded = self.decoded(seen.pixels)
        return sorted_out(*decoded, self.threshold, self.overlap, seen.factor)


def scaled(photo: Pixels, enlarge: float, longest: int) -> Scaled:
    """Enlarge a photograph, or shrink it where it would exceed a limit (bicubic, antialiased).

    Args:
        photo: RGB, (h, w, 3).
        enlarge: Wanted factor.
        longest: Longest side of the result, in pixels.
    """
    height, width = photo.shape[:2]
    by = min(enlarge, longest / max(height, width))
    size = max(1, round(width * by)), max(1, round(height * by))
    if size == (width, height):
        return Scaled(photo, np.ones(2))
    image = Image.fromarray(photo).resize(size, Image.Resampling.BICUBIC)
    return Scaled(np.asarray(image), np.array([size[0] / width, size[1] / height]))


def padded(pixels: Pixels, step: int) -> Pixels:
    """Add black pixels below and on the right until both sides are multiples of a step."""
    height, width = pixels.shape[:2]
    return np.pad(pixels, ((0, -height % step), (0, -width % step), (0, 0)))


def cells(height: int, width: int) -> Points:
    """Return column and row of the cells of a grid, row by row, (height * width, 2)."""
    rows, columns = np.divmod(np.arange(height * width), width)
    return np.stack([columns, rows], 1).astype(np.float64)


def sorted_out(
    boxes: Points, scores: Points, points: Points, threshold: float, overlap: float, factor: Points
) -> Found:
    """Keep the sure boxes and, of those that cover the same face, the surest.

    Args:
        boxes: Candidates in pixels of the scaled photograph, (n, 4).
        scores: Their confidences, (n,).
        points: Their landmarks, (n, 5, 2).
        threshold: Least confidence.
        overlap: Intersection over union above which two boxes show the same face.
        factor: See `Scaled`.
    """
    sure = np.flatnonzero(scores >= threshold)
    if not len(sure):
        return nothing()
    order = sure[np.argsort(-scores[sure], kind="stable")]
    order = order[_unsuppressed(boxes[order], overlap)]
    return Found(boxes[order] / np.tile(factor, 2), scores[order], points[order] / factor)


def _unsuppressed(boxes: Points, overlap: float) -> list[int]:
    area = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    alive = np.ones(len(boxes), bool)
    kept = []
    for i, box in enumerate(boxes):
        if not alive[i]:
            continue
        kept.append(i)
        sides = np.minimum(boxes[i:, 2:], box[2:]) - np.maximum(boxes[i:, :2], box[:2])
        shared = sides.clip(0).prod(1)
        alive[i:] &= shared <= overlap * (area[i] + area[i:] - shared)
    return kept
