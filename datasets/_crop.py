"""Cutting faces out: one rule for every half of a data set.

The house's crop is a square placed by five landmarks and never turned, so that genuine
low-resolution pixels keep their grid. Its centre follows the mean of the landmarks, its side their
spread. On 297 LFW photographs reduced to faces 16 pixels wide, stored as JPEG and searched again,
that centre moved by 0.4 % of the face's width on average and that spread not at all, while the
middle of the detector's box moved by 4.8 % (`tests/datasets/framing.py --pictures 300`): it would
have framed low-resolution faces otherwise than high-resolution ones.

Coordinates are continuous, x first: pixel `i` covers `i` to `i + 1`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facesr.bench.detectors._base import Pixels, Points
from facesr.bench.errors import BadData

Box = tuple[float, float, float, float]


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


def crop(image: Pixels | Image.Image, box: Box, size: int) -> Pixels:
    """Cut a square out of a picture and resample it once.

    The filter is Pillow's bicubic, widened when it shrinks, so it is antialiased; a smaller crop
    is enlarged by the same filter. What lies outside the picture repeats its border.

    Args:
        image: RGB pixels, (h, w, 3), or a picture, which spares copies.
        box: A square as `square_from_landmarks` returns it.
        size: Side of the result, in pixels.

    Returns:
        Pixels, (size, size, 3).
    """
    left, top, right, bottom = box
    reach = int(np.ceil(2 * max(1.0, (right - left) / size)))  # of the filter beyond the box
    x1, y1 = int(np.floor(left)) - reach, int(np.floor(top)) - reach
    x2, y2 = int(np.ceil(right)) + reach, int(np.ceil(bottom)) + reach
    around = _part(image, x1, y1, x2, y2)
    inside = (left - x1, top - y1, right - x1, bottom - y1)
    return np.asarray(around.resize((size, size), Image.Resampling.BICUBIC, box=inside))


def _part(image: Pixels | Image.Image, x1: int, y1: int, x2: int, y2: int) -> Image.Image:
    if isinstance(image, Image.Image):
        if x1 >= 0 and y1 >= 0 and x2 <= image.width and y2 <= image.height:
            return image.crop((x1, y1, x2, y2))
        image = np.asarray(image)
    return Image.fromarray(np.ascontiguousarray(region(image, x1, y1, x2, y2)))


def region(image: Pixels, x1: int, y1: int, x2: int, y2: int) -> Pixels:
    """Return the pixels from (x1, y1) up to (x2, y2); outside the picture its border repeats."""
    height, width = image.shape[:2]
    if x1 >= 0 and y1 >= 0 and x2 <= width and y2 <= height:
        return image[y1:y2, x1:x2]
    rows, columns = np.arange(y1, y2).clip(0, height - 1), np.arange(x1, x2).clip(0, width - 1)
    first = columns[0]
    band = image[rows[0] : rows[-1] + 1, first : columns[-1] + 1]
    return band.take(rows - rows[0], 0).take(columns - first, 1)


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


@dataclass(frozen=True)
class Placed:
    """A square in a photograph.

    Args:
        box: Left, top, right, bottom of the square before it is turned about its centre.
        angle: Clockwise turn, in radians.
    """

    box: Box
    angle: float = 0.0

    @property
    def side(self) -> float:
        """Native side, in pixels of the photograph."""
        return self.box[2] - self.box[0]

    @property
    def centre(self) -> Points:
        """Its centre, (2,)."""
        return np.array([self.box[0] + self.box[2], self.box[1] + self.box[3]]) / 2

    def corners(self) -> Points:
        """Return upper left, upper right, lower right and lower left corner, (4, 2)."""
        unit = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / 2
        return self.centre + self.side * unit @ _turn(self.angle).T

    def matrix(self, size: int) -> Points:
        """Return what moves points of the photograph into a crop, (2, 3)."""
        linear = size / self.side * _turn(-self.angle)
        return np.column_stack([linear, size / 2 - linear @ self.centre])

    def outside(self, width: int, height: int) -> float:
        """Return the share of its area that lies outside a picture, in [0, 1]."""
        polygon = self.corners()
        for axis, sign, limit in ((0, 1, 0), (0, -1, -width), (1, 1, 0), (1, -1, -height)):
            polygon = _clipped(polygon, sign * polygon[:, axis] - limit)
        x, y = (polygon - self.centre).T
        inside = abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2
        return float(np.clip(1 - inside / self.side**2, 0, 1))


def placed(matrix: Points, size: float) -> Placed:
    """Return the square that a matrix moves onto a crop.

    Args:
        matrix: A similarity from the picture into the crop, (2, 3).
        size: Side of the crop, in pixels.

    Raises:
        BadData: If the matrix shears, reflects or is degenerate.
    """
    (a, c), (b, d) = matrix[:, :2]
    scale = float(np.hypot(a, b))
    if not np.isfinite(matrix).all() or scale == 0 or max(abs(a - d), abs(b + c)) > 1e-6 * scale:
        raise BadData(f"{matrix.tolist()} is no similarity: scale, rotation and shift are expected")
    middle = np.linalg.solve(matrix[:, :2], size / 2 - matrix[:, 2])
    half = size / scale / 2
    (left, top), (right, bottom) = (middle - half).tolist(), (middle + half).tolist()
    return Placed((left, top, right, bottom), float(np.arctan2(-b, a)))


def cut(image: Pixels | Image.Image, square: Placed, size: int) -> Pixels:
    """Resample a placed square.

    A square larger than the crop is first shrunk, upright and antialiased, onto a grid that has
    the crop's centre and scale; that is then turned by one bicubic interpolation (Keys 1981,
    a = -0.5). A smaller one is only interpolated. Without a turn it is `crop`, to the byte.
    What lies outside the picture repeats its border.

    Args:
        image: RGB pixels, (h, w, 3), or a picture.
        square: What is cut out.
        size: Side of the result, in pixels.

    Returns:
        Pixels, (size, size, 3).
    """
    turn = _turn(square.angle)
    if abs(turn[1, 0]) < 1e-9 and turn[0, 0] > 0:
        return crop(image, square.box, size)
    if isinstance(image, Image.Image):
        image = np.asarray(image)
    per = square.side / size
    if per <= 1:
        corners = square.corners()
        (x1, y1), (x2, y2) = np.floor(corners.min(0)) - 2, np.ceil(corners.max(0)) + 2
        part = region(image, int(x1), int(y1), int(x2), int(y2))
        return _sampled(part, square.centre - [x1, y1], per * turn, size)
    widest = size * np.abs(turn[0]).sum() + 4  # of the turned crop and the filter's reach
    n = size + 2 * int(np.ceil((widest - size) / 2))
    x, y = square.centre.tolist()
    half = n * per / 2
    upright = crop(image, (x - half, y - half, x + half, y + half), n)
    return _sampled(upright, np.array([n / 2, n / 2]), turn, size)


def _turn(angle: float) -> Points:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin], [sin, cos]])


def _clipped(polygon: Points, inside: Points) -> Points:
    """Keep the part of a convex polygon where a number given at its corners is positive."""
    kept = []
    for i in range(len(polygon)):
        here, before = inside[i], inside[i - 1]
        if here * before < 0:
            kept.append(polygon[i - 1] + before / (before - here) * (polygon[i] - polygon[i - 1]))
        if here >= 0:
            kept.append(polygon[i])
    return np.array(kept).reshape(-1, 2)


def _sampled(image: Pixels, centre: Points, linear: Points, size: int) -> Pixels:
    """Interpolate a picture at `centre + linear @ offset` for the pixels of a crop."""
    offset = np.arange(size) + 0.5 - size / 2
    x, y = (
        centre[k] - 0.5 + linear[k, 0] * offset[None] + linear[k, 1] * offset[:, None]
        for k in (0, 1)
    )
    left, top = np.floor(x).astype(np.intp), np.floor(y).astype(np.intp)
    across, down = _cubic(x - left), _cubic(y - top)
    height, width = image.shape[:2]
    columns = [(left + k).clip(0, width - 1) for k in range(-1, 3)]
    flat = np.ascontiguousarray(image).reshape(-1, 3)
    result = np.zeros((size, size, 3), np.float32)
    for k in range(4):
        start = (top + k - 1).clip(0, height - 1) * width
        row = sum(w * flat.take(start + at, 0) for w, at in zip(across, columns, strict=True))
        result += down[k] * row
    return np.rint(result).clip(0, 255).astype(np.uint8)


def _cubic(at: Points) -> list[NDArray[np.float32]]:
    """Return the four weights of Keys' kernel for positions between two pixels, (..., 1) each."""
    f = at[..., None]
    return [
        weight.astype(np.float32)
        for weight in (
            ((2 - f) * f - 1) * f / 2,
            ((3 * f - 5) * f * f + 2) / 2,
            ((4 - 3 * f) * f + 1) * f / 2,
            (f - 1) * f * f / 2,
        )
    ]
