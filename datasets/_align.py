"""How a face is framed: templates, rotated squares, and the five landmarks of every annotation.

A frame is a square in the photograph, upright or turned, whatever places it: a box, landmarks, a
template. `Frame.place` finds it, `Frame.cut` resamples it. Coordinates are continuous, x first:
pixel `i` covers `i` to `i + 1`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from facesr.bench.detectors._base import Pixels, Points
from facesr.bench.errors import BadData
from facesr.datasets._crop import Box, placed, square_from_landmarks
from facesr.datasets._crop import Placed as Placed
from facesr.datasets._crop import cut as cut

_TINY = 1e-6  # as a share of the coordinates: landmarks closer together coincide

Kind = Literal["square", "box", "ffhq", "ffhq68", "arcface", "whole"]


@dataclass(frozen=True)
class Template:
    """Where five landmarks belong in a crop: eyes, nose, mouth corners, left ones first.

    Published numbers are read as continuous coordinates and scale with the side. The libraries
    that publish them let them name pixel centres instead, which moves a crop that has `s` of its
    pixels per pixel of the photograph by `(1 - s) / 2` of its pixels.

    Args:
        name: What manifests call it.
        side: Of the crop that `points` belong to, in pixels.
        points: x and y of each.
    """

    name: str
    side: float
    points: tuple[tuple[float, float], ...]

    def at(self, size: float) -> Points:
        """Return the landmarks in a crop of another side, (5, 2)."""
        return np.array(self.points) * (size / self.side)


# Deng et al. 2019, https://arxiv.org/abs/1801.07698; insightface, `arcface_dst`
ARCFACE = Template(
    "arcface",
    112,
    (
        (38.2946, 51.6963),
        (73.5318, 51.5014),
        (56.0252, 71.7366),
        (41.5493, 92.3655),
        (70.7299, 92.2041),
    ),
)
# Mean landmarks of FFHQ at 512; facexlib, `FaceRestoreHelper`; used by GFPGAN and CodeFormer
FFHQ = Template(
    "ffhq",
    512,
    (
        (192.98138, 239.94708),
        (318.90277, 240.1936),
        (256.63416, 314.01935),
        (201.26117, 371.41043),
        (313.08905, 371.15118),
    ),
)


def similarity(points: Points, template: Points) -> Points:
    """Fit scale, rotation and shift, never a reflection, by least squares.

    Umeyama 1991, https://doi.org/10.1109/34.88573; in the plane, rotation and scale together are
    one complex number, and his solution is a quotient of two inner products.

    Args:
        points: Landmarks, (k, 2).
        template: Where they belong, (k, 2).

    Returns:
        Matrix that moves `points` closest to `template`, (2, 3).

    Raises:
        BadData: If the points are not finite, coincide, or match the template at no angle.
    """
    if not np.isfinite(points).all():
        raise BadData(f"landmarks {np.asarray(points).tolist()} are not all finite")
    source, target = points @ [1, 1j], template @ [1, 1j]
    a, b = source - source.mean(), target - target.mean()
    spread, size = np.linalg.norm(a), np.linalg.norm(b)
    turn = np.vdot(a, b) / spread**2 if spread > _TINY * (1 + abs(source).max()) else 0
    if abs(turn) * spread < _TINY * size:
        raise BadData(f"landmarks {np.asarray(points).tolist()} fix no position, scale and angle")
    shift = target.mean() - turn * source.mean()
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def into(points: Points, matrix: Points) -> Points:
    """Move points, (..., 2), by a matrix, (2, 3)."""
    return points @ matrix[:, :2].T + matrix[:, 2]


def warp(image: Pixels, matrix: Points, size: int) -> Pixels:
    """Cut out of a picture what a similarity (2, 3) moves into a crop; see `_crop.cut`.

    Raises:
        BadData: If the matrix shears, reflects or is degenerate.
    """
    return cut(image, placed(matrix, size), size)


def ffhq_quad(points: Points, size: int) -> Points:
    """Place FFHQ's own crop by 68 landmarks.

    Karras et al. 2019, https://arxiv.org/abs/1812.04948, appendix A, with the constants of the
    data set's own script: the side is the larger of 4 distances between the eyes and 3.6 from
    eyes to mouth, the centre lies a tenth of the way from eyes to mouth. That script pads a face
    that is cut off by a blurred reflection; `warp` repeats the border.

    Args:
        points: In the order of 300-W, (68, 2); landmarks that name pixel centres need 0.5 added.
        size: Side of the crop, in pixels.

    Returns:
        Matrix from the picture into the crop, (2, 3).

    Raises:
        BadData: If there are not 68 finite points or they coincide.
    """
    at = _checked(points, 68) @ [1, 1j]
    left, right, mouth = at[36:42].mean(), at[42:48].mean(), at[[48, 54]].mean()
    eyes, across, down = (left + right) / 2, right - left, mouth - (left + right) / 2
    direction = across - 1j * down  # of the crop's x axis
    half = max(2.0 * abs(across), 1.8 * abs(down))
    if abs(direction) <= _TINY * (1 + abs(at).max()):
        raise BadData("eyes and mouth coincide: a crop cannot be placed by these 68 landmarks")
    turn = size / (2 * half) * abs(direction) / direction
    shift = (1 + 1j) * size / 2 - turn * (eyes + 0.1 * down)
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def square_from_box(box: Box, margin: float) -> Box:
    """Return the square around a box's centre, as wide as its longer side and a margin.

    Args:
        box: Left, top, right, bottom.
        margin: Added on every side, as a share of the longer side.

    >>> square_from_box((10.0, 10.0, 20.0, 30.0), 0.1)
    (3.0, 8.0, 27.0, 32.0)
    """
    left, top, right, bottom = box
    half = max(right - left, bottom - top) * (0.5 + margin)
    x, y = (left + right) / 2, (top + bottom) / 2
    return x - half, y - half, x + half, y + half


def five_from_68(points: Points) -> Points:
    """Return eyes (means of six points), nose tip and mouth corners of 300-W's order, (5, 2)."""
    at = _checked(points, 68)
    return np.stack([at[36:42].mean(0), at[42:48].mean(0), at[30], at[48], at[54]])


def five_from_194(points: Points) -> Points:
    """Return eyes, nose and mouth corners of Helen's order, (5, 2).

    Le et al. 2012, https://doi.org/10.1007/978-3-642-33712-3_49; the files do not name their
    points, but these draw curves: 0-40 jaw, 41-57 outline of the nose, 58-113 lips, 114-133 and
    134-153 eyes, 154-193 eyebrows. Helen has no point on the tip of the nose: the mean of the
    lower half of its outline, 45-53, stands for it. Mouth corners are the lips' extremes along
    the line between the eyes.
    """
    at = _checked(points, 194)
    lips, eyes = at[58:114], np.stack([at[114:134].mean(0), at[134:154].mean(0)])
    along = lips @ (eyes[1] - eyes[0])
    return _five(eyes, at[45:54].mean(0), lips[[along.argmin(), along.argmax()]])


def five_from_aflw(points: Mapping[int, tuple[float, float]]) -> Points | None:
    """Return eye centres, nose and mouth corners of AFLW's 21 points, (5, 2).

    Köstinger et al. 2011, https://doi.org/10.1109/ICCVW.2011.6130513: numbers 8 and 11 are the
    centres of the eyes, 15 that of the nose, 18 and 20 the corners of the mouth.

    Args:
        points: x and y by number, 1 to 21; hidden ones are absent.

    Returns:
        None if one of the five is absent.
    """
    if not {8, 11, 15, 18, 20} <= points.keys():
        return None
    at = {number: np.array(points[number], np.float64) for number in (8, 11, 15, 18, 20)}
    return _five(np.stack([at[8], at[11]]), at[15], np.stack([at[18], at[20]]))


def _five(eyes: Points, nose: Points, mouth: Points) -> Points:
    """Put left ones first, as an upright face shows them, whichever order they came in."""
    down = mouth.mean(0) - eyes.mean(0)
    right = np.array([down[1], -down[0]])
    ordered = [pair[np.argsort(pair @ right, kind="stable")] for pair in (eyes, mouth)]
    return np.concatenate([ordered[0], nose[None], ordered[1]])


def _checked(points: Points, count: int) -> Points:
    at = np.asarray(points, np.float64)
    if at.shape != (count, 2):
        raise BadData(f"{count} landmarks were expected, (x, y) each; an array {at.shape} came")
    if not np.isfinite(at).all():
        raise BadData(f"{int((~np.isfinite(at)).any(1).sum())} of {count} landmarks are not finite")
    return at


@dataclass(frozen=True)
class Frame:
    """A named way to frame a face.

    `square`: upright, around five landmarks, the house's; `box`: upright, around the annotated
    box; `ffhq` and `arcface`: turned, by the template's five landmarks; `ffhq68`: turned, by
    `ffhq_quad`; `whole`: the central square of the picture.

    Args:
        kind: One of these.
        margin: Of a `square`, its side in spreads of the landmarks (5 if None); of a `box`, what
            is added on every side, as a share of its longer side (0 if None).
        lift: How far a `square`'s centre lies above the landmarks' mean, in spreads.
    """

    kind: Kind = "square"
    margin: float | None = None
    lift: float = 0.35

    @property
    def recipe(self) -> dict[str, Any]:
        """What decides the frame; JSON values only."""
        if self.kind == "square":
            return {"frame": "square", "margin": self._margin, "lift": self.lift}
        if self.kind == "box":
            return {"frame": "box", "margin": self._margin}
        template = {"ffhq": FFHQ, "arcface": ARCFACE}.get(self.kind)
        if template is None:
            return {"frame": self.kind}
        return {"frame": self.kind, "template": template.at(1).round(6).tolist()}

    @property
    def _margin(self) -> float:
        default = 5.0 if self.kind == "square" else 0.0
        return default if self.margin is None else self.margin

    def place(
        self, width: int, height: int, box: Box | None = None, points: Points | None = None
    ) -> Placed:
        """Find the square of a face.

        Args:
            width: Of the picture, in pixels.
            height: Of the picture.
            box: The face's box; only a `box` needs it.
            points: Its landmarks: 68 for `ffhq68`; otherwise 5, or 68 or 194 that are reduced to
                5. Neither `box` nor `whole` needs them.

        Raises:
            BadData: If what the kind needs is absent or degenerate.
        """
        if self.kind == "whole":
            side = min(width, height)
            x, y = (width - side) / 2, (height - side) / 2
            return Placed((x, y, x + side, y + side))
        if self.kind == "box":
            return Placed(self._around(box))
        if points is None:
            raise BadData(f"a face without landmarks cannot be framed by {self.kind!r}")
        if self.kind == "ffhq68":
            return placed(ffhq_quad(points, 1), 1)
        five = {68: five_from_68, 194: five_from_194}.get(len(points), _as_five)(points)
        if self.kind == "square":
            return Placed(self._upright(five))
        template = {"ffhq": FFHQ, "arcface": ARCFACE}[self.kind]
        return placed(similarity(five, template.at(1)), 1)

    def _upright(self, five: Points) -> Box:
        if np.ptp(five, 0).max() <= _TINY * (1 + abs(five).max()):
            raise BadData(f"landmarks {five.tolist()} coincide: they fix no square")
        return square_from_landmarks(five, self._margin, self.lift)

    def _around(self, box: Box | None) -> Box:
        if box is None:
            raise BadData("a face without a box cannot be framed by 'box'")
        left, top, right, bottom = box
        if not (np.isfinite(box).all() and right > left and bottom > top):
            raise BadData(f"box {box} has no area: left, top, right, bottom are expected")
        return square_from_box(box, self._margin)


def _as_five(points: Points) -> Points:
    return _checked(points, 5)
