"""The head as a surface: where each pixel meets it, and where its 68 landmarks appear.

For every height y the head is an ellipse with half width w(y) and half depth d(y); brows, sockets,
cheeks, lips and chin are relief on it. The view is orthographic.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from facesr.datasets._render_traits import Floats, Person, Shot

T = TypeVar("T", float, Floats)

SIDE = 2.44  # of the crop, in half face widths
ANCHOR = (0.0, 0.33, 0.75)  # the point of the head in the middle of the crop
_ROWS = 2048


@dataclass(frozen=True, eq=False)
class Profile:
    """Half width and half depth of the head by height, tabulated from `low` to `high`."""

    low: float
    high: float
    width: Floats
    depth: Floats

    def at(self, y: Floats) -> tuple[Floats, Floats]:
        """Look half width and half depth up."""
        row = ((y - self.low) * ((_ROWS - 1) / (self.high - self.low)) + 0.5).astype(np.int32)
        return self.width.take(row, mode="clip"), self.depth.take(row, mode="clip")


def head_profile(who: Person, how: Shot) -> Profile:
    """Return the outline of the skull and the jaw, which drops as the mouth opens."""
    chin = who.chin + 0.14 * how.mouth_open
    y = np.linspace(-who.top, chin, _ROWS)
    up, down = np.clip(-y / who.top, 0, 1), np.clip(y / chin, 0, 1)
    cheek = 1 + 0.02 * max(how.smile, 0) * np.exp(-(((y - 0.5) / 0.3) ** 2))
    width = np.where(y < 0, (1 - up**2.5) ** 0.5, (1 - down**who.jaw) ** who.taper)
    depth = np.where(y < 0, (1 - up**2.4) ** 0.5, (1 - 0.1 * down - 0.5 * down**6))
    return Profile(-who.top, chin, who.width * width * cheek + 1e-3, who.depth * depth + 1e-3)


class Hit(NamedTuple):
    """Where rays meet a head.

    Args:
        u: Across the face.
        v: Down the face.
        z: Towards the viewer.
        inside: How far within the outline a ray passes; negative outside, where `u`, `v` and `z`
            are a continuation.
        turn: Sine of the angle around the head, from the front.
        back: Whether the point lies on the back half.
    """

    u: Floats
    v: Floats
    z: Floats
    inside: Floats
    turn: Floats
    back: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class View:
    """How the head is seen: a turn to the side, up and down, in the plane, and a frame."""

    yaw: float
    pitch: float
    roll: float
    unit: float  # pixels per half face width
    centre: tuple[float, float]  # pixel where the origin of the head would appear

    def project(self, points: Floats) -> Floats:
        """Return pixel positions, (n, 2), of points of the head, (n, 3); pixel centres at +0.5."""
        return np.stack(self.place(*points.T), -1)

    def place(self, x: T, y: T, z: T) -> tuple[T, T]:
        """Return the pixel position of a point of the head, or of many."""
        cy, sy = math.cos(self.yaw), math.sin(self.yaw)
        cp, sp = math.cos(self.pitch), math.sin(self.pitch)
        c, s = math.cos(self.roll) * self.unit, math.sin(self.roll) * self.unit
        side = cy * x + sy * z
        down = cp * y - sp * (cy * z - sy * x)
        left, top = self.centre
        return left + c * side - s * down, top + s * side + c * down

    def rays(self, size: int) -> tuple[Floats, Floats]:
        """Return where the ray of each pixel crosses the plane of the picture, upright."""
        at = np.arange(size) + 0.5
        x, y = (at - self.centre[0]) / self.unit, (at[:, None] - self.centre[1]) / self.unit
        c, s = np.cos(self.roll), np.sin(self.roll)
        return c * x + s * y, c * y - s * x

    def meet(self, x: Floats, y: Floats, shape: Profile) -> Hit:
        """Intersect rays with a head."""
        c, s = math.cos(self.yaw), math.sin(self.yaw)
        cp, sp = math.cos(self.pitch), math.sin(self.pitch)
        # the height is read off an ellipsoid: exact heights would jump under a chin held high
        height = np.maximum(1 - x * x - (y * y) * 0.39, 0)
        v = y / cp + (1.2 * sp / cp) * np.sqrt(height)
        w, d = shape.at(v)
        iw, idd = 1 / (w * w), 1 / (d * d)
        a = s * s * iw + c * c * idd
        b = c * s * x * (idd - iw)
        inside = b * b - a * (x * x * (c * c * iw + s * s * idd) - 1)
        front = (np.sqrt(np.maximum(inside, 0)) - b) / a
        out = np.minimum(v - shape.low, shape.high - v) * 3
        inside = np.minimum(inside / a * 0.5, out)
        u = c * x - s * front
        turn = np.clip(u / w, -1, 1)
        return Hit(u, v, (front + sp * y) / cp, inside, turn, s * x + c * front < 0)


def look(how: Shot, size: int) -> View:
    """Return the view of a shot on a picture of `size` pixels."""
    unit = size / SIDE * how.zoom
    x, y = View(how.yaw, how.pitch, how.roll, unit, (0.0, 0.0)).place(*ANCHOR)
    right, down = how.shift.tolist()
    centre = (size * (0.5 + right) - x, size * (0.5 + down) - y)
    return View(how.yaw, how.pitch, how.roll, unit, centre)


def bump(x: Floats, y: Floats, at: tuple[float, float], reach: tuple[float, float]) -> Floats:
    """Return a smooth hill of height 1 that ends at `reach`."""
    r = ((x - at[0]) / reach[0]) ** 2 + ((y - at[1]) / reach[1]) ** 2
    return np.maximum(1 - r, 0) ** 2


def nose(u: Floats, v: Floats, who: Person) -> Floats:
    """Return the height of the nose above the face."""
    along = np.clip((v + 0.1) / (who.nose_length + 0.1), 0, 1)
    rise = who.nose_height * (0.16 * who.nose_bridge + along * (0.35 + 0.65 * along))
    fade_in = np.clip((v + 0.22) / 0.25, 0, 1)
    under = np.clip((who.nose_length + 0.1 - v) / 0.19, 0, 1)
    across = (0.12 + 0.55 * who.nose_width * along**2) * 1.9
    ridge = rise * fade_in * np.maximum(1 - (u / across) ** 2, 0) ** 2
    tip = bump(u, v, (0, who.nose_length - 0.03), (0.2, 0.17)) * (0.05 + 0.05 * who.nose_tip)
    wings = bump(abs(u), v, (0.72 * who.nose_width, who.nose_length), (0.15, 0.14)) * 0.13
    return (ridge + tip) * under * under * (3 - 2 * under) + wings


def relief(u: Floats, v: Floats, who: Person, how: Shot) -> Floats:
    """Return the height of everything but the nose and the mouth."""
    au = abs(u)
    smile, open_ = max(how.smile, 0.0), how.mouth_open
    h = bump(au, v, (who.eye_x - 0.02, -0.24), (0.42, 0.17)) * (0.035 + 0.045 * who.masculine)
    h -= bump(au, v, (who.eye_x - 0.08, -0.02), (0.38, 0.24)) * 0.16
    h += bump(au, v, (who.eye_x, 0.0), (0.21, 0.15)) * 0.1
    h += bump(au, v, (0.6, 0.42), (0.36, 0.34)) * (0.03 + 0.05 * who.cheek + 0.04 * smile)
    h -= bump(au, v, (0.68, 0.95), (0.3, 0.4)) * 0.05 * who.cheek
    h += bump(au, v, (0.0, who.mouth_y), (0.5, 0.36)) * 0.07
    h -= bump(u, v, (0.0, who.mouth_y + 0.24 + 0.08 * open_), (0.24, 0.1)) * 0.05
    chin = who.chin - 0.2 + 0.14 * open_
    return h + bump(au, v, (0.04, chin), (0.3, 0.24)) * (0.06 + 0.04 * who.masculine)


def mouth_lines(who: Person, how: Shot, t: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return y of the lips at t in [-1, 1] across: upper edge, upper inner, lower inner, lower."""
    smile, open_ = how.smile, how.mouth_open
    base = who.mouth_y - 0.03 * smile - 0.1 * smile * (t * t - 0.3)
    span = np.sqrt(np.maximum(1 - t * t, 0))
    arch = 1 - abs(t) ** 2.2
    bow = (
        1
        - 0.3 * who.lip_bow * np.exp(-((t / 0.14) ** 2))
        + 0.12 * who.lip_bow * np.exp(-(((abs(t) - 0.3) / 0.18) ** 2))
    )
    thin = 1 - 0.25 * max(smile, 0)
    gap = open_ * 0.26 + 0.045 * max(smile - 0.35, 0)
    upper = base - 0.3 * gap * span
    lower = base + 0.7 * gap * span
    return (
        upper - who.lip_upper * thin * arch * bow,
        upper,
        lower,
        lower + who.lip_lower * thin * span * arch,
    )


def mouth_half_width(who: Person, how: Shot) -> float:
    """Return half the distance of the mouth corners."""
    return who.mouth_width * (1 + 0.24 * how.smile - 0.12 * how.mouth_open)


def lid_lines(who: Person, how: Shot, t: Floats) -> tuple[Floats, Floats]:
    """Return y of the upper and lower lid at t from -1 (inner corner) to 1 (outer corner).

    Values are relative to the middle of the eye, before its tilt.
    """
    wide = who.eye_open * (1 - 0.3 * max(how.smile, 0) + 0.15 * max(how.brow_raise, 0))
    arch = np.maximum(1 - (t + 0.08 * (1 - t * t)) ** 2, 0)
    upper = -wide * (1 - how.eye_close) * arch**0.7 + 0.35 * wide * how.eye_close * arch
    return upper, 0.55 * wide * (1 - 0.3 * max(how.smile, 0)) * np.maximum(1 - t * t, 0)


def brow_line(who: Person, how: Shot, t: Floats) -> Floats:
    """Return y of the middle of a brow at t from -1 (inner end) to 1 (outer end)."""
    arch = who.brow_arch * (1 - ((t - 0.25) / 1.1) ** 2)
    return who.brow_y - 0.07 * how.brow_raise - arch + who.brow_tilt * t * 0.5 + 0.02 * t * t


def landmarks(who: Person, how: Shot, view: View, shape: Profile) -> Floats:
    """Return the 68 landmarks in iBUG order, pixels of the picture, (68, 2)."""
    flat = np.concatenate(
        [_brow_points(who, how), _nose_points(who), _eye_points(who, how), _mouth_points(who, how)]
    )
    u, v = flat.T
    w, d = shape.at(v)
    z = d * np.sqrt(np.maximum(1 - (u / w) ** 2, 0.01))
    z = z + nose(u, v, who) + relief(u, v, who, how)
    return np.concatenate([_jaw_points(shape, view), view.project(np.stack([u, v, z], -1))])


def _jaw_points(shape: Profile, view: View) -> Floats:
    """Follow the outline from ear to ear: the jaw itself, or what hides it on the far side."""
    angle = np.linspace(-1, 1, 17)
    y = shape.high * (1 - 0.93 * abs(angle) ** 1.6) - 0.01
    w, d = shape.at(y)
    ear = np.radians(82)
    far = np.arctan2(np.cos(view.yaw) * w, abs(np.sin(view.yaw)) * d + 1e-9)
    turned = np.sign(angle) * view.yaw > 0
    theta = np.where(turned, np.minimum(ear, far), ear)
    points = np.stack([np.sign(angle) * w * np.sin(theta), y, d * np.cos(theta)], -1)
    points[8] = (0, y[8], d[8])
    return view.project(points)


def _brow_points(who: Person, how: Shot) -> Floats:
    t = np.linspace(-0.95, 0.95, 5)
    x = who.eye_x + 0.02 + t * who.brow_length
    right = np.stack([x, brow_line(who, how, t)], -1)
    return np.concatenate([right[::-1] * (-1, 1), right])


def _nose_points(who: Person) -> Floats:
    across = np.array([-1, -0.5, 0, 0.5, 1])
    points = np.zeros((9, 2))
    points[:4, 1] = np.linspace(0.02, who.nose_length - 0.03, 4)
    points[4:, 0] = across * who.nose_width * 0.85
    points[4:, 1] = who.nose_length + 0.09 - 0.04 * abs(across)
    return points


def _eye_points(who: Person, how: Shot) -> Floats:
    t = np.array([1, 0.36, -0.36, -1, -0.36, 0.36])
    upper, lower = lid_lines(who, how, t)
    y = np.where(np.arange(6) < 3, upper, lower)
    y[[0, 3]] = 0
    x = t * who.eye_width
    right = np.stack([who.eye_x + x, y - x * who.eye_tilt], -1)
    left = right * (-1, 1)
    return np.concatenate([left, right[[3, 2, 1, 0, 5, 4]]])


def _mouth_points(who: Person, how: Shot) -> Floats:
    outer, inner = np.linspace(-1, 1, 7), np.linspace(-0.9, 0.9, 5)
    top, _, _, bottom = mouth_lines(who, how, outer)
    _, upper, lower, _ = mouth_lines(who, how, inner)
    x = np.concatenate([outer, outer[-2:0:-1], inner, inner[-2:0:-1]])
    y = np.concatenate([top, bottom[-2:0:-1], upper, lower[-2:0:-1]])
    return np.stack([x * mouth_half_width(who, how), y], -1)
