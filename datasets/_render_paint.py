"""What is painted on the skin: eyes, brows, lips, nostrils, freckles, wrinkles, beard."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from facesr.datasets._render_shape import (
    View,
    brow_line,
    lid_lines,
    mouth_half_width,
    mouth_lines,
)
from facesr.datasets._render_traits import Floats, Person, Shot

Window = tuple[slice, slice]
_TILE = 512


@dataclass(eq=False)
class Canvas:
    """The picture while it is painted; every array is (size, size), colours are (3, size, size).

    `u` and `v` say which point of the face is seen, `z` how near it is, `glint` is light that is
    added after shading, and `gloss` scales highlights.
    """

    view: View
    u: Floats
    v: Floats
    z: Floats
    albedo: Floats
    gloss: Floats
    glint: Floats

    @property
    def size(self) -> int:
        """Side in pixels."""
        return len(self.u)

    @property
    def pixel(self) -> float:
        """Side of a pixel in half face widths."""
        return 1 / self.view.unit

    def window(self, point: tuple[float, float, float], reach: float) -> Window:
        """Return the rows and columns within `reach` of a point of the head."""
        (x, y), r = self.view.place(*point), reach * self.view.unit

        def span(middle: float) -> slice:
            low = min(max(int(middle - r), 0), self.size - 1)
            return slice(low, max(min(int(middle + r) + 2, self.size), low + 1))

        return span(y), span(x)

    def lay(self, where: Window, colour: Floats, alpha: Floats) -> None:
        """Blend a colour over a window."""
        part = self.albedo[:, *where]
        part += alpha * ((colour if colour.ndim == 3 else colour[:, None, None]) - part)


def soft(x: Floats, width: float) -> Floats:
    """Return 0 where x is well below zero, 1 where above, with a smooth edge of this width."""
    t = np.clip(x / width + 0.5, 0, 1)
    return t * t * (3 - 2 * t)


@cache
def _table(cells: tuple[int, ...]) -> Floats:
    """Return a tile of smooth noise, flat, with mean 0 and most values within ±1."""
    rng = np.random.default_rng(cells)
    total = np.zeros((_TILE, _TILE))
    for count in cells:
        grid = rng.standard_normal((count, count))
        at = np.arange(_TILE) * count / _TILE
        low = at.astype(int)
        t = (at - low) * (at - low) * (3 - 2 * (at - low))
        rows = grid[low] * (1 - t)[:, None] + grid[(low + 1) % count] * t[:, None]
        total += rows[:, low] * (1 - t) + rows[:, (low + 1) % count] * t
    return (total / total.std() * 0.5).ravel()


def noise(x: Floats, y: Floats, offset: int, grain: bool = False, smooth: bool = False) -> Floats:
    """Look noise up; its finest detail is one unit wide, and `grain` has no coarse detail.

    `smooth` interpolates, for coordinates that change by less than a texel per pixel.
    """
    table = _table((192, 256) if grain else (16, 32, 64, 128))
    x, y = 2 * x + (offset % 251 + 4 * _TILE), 2 * y + (offset % 241 + 4 * _TILE)
    left, top = x.astype(np.int32), y.astype(np.int32)
    column, row = left & (_TILE - 1), (top & (_TILE - 1)) * _TILE
    if not smooth:
        return table.take(row + column)
    s, t = x - left, y - top
    s, t = s * s * (3 - 2 * s), t * t * (3 - 2 * t)
    right, below = (column + 1) & (_TILE - 1), (row + _TILE) & (_TILE * _TILE - 1)
    upper, lower = table.take(row + column), table.take(below + column)
    upper += s * (table.take(row + right) - upper)
    lower += s * (table.take(below + right) - lower)
    return upper + t * (lower - upper)


def skin(canvas: Canvas, who: Person) -> None:
    """Fill the whole picture with skin that varies over the face."""
    u, v = canvas.u, canvas.v
    fine = noise(u * 30, v * 30, who.texture, grain=True)
    wide = noise(u * 9, v * 9, who.texture + 77)
    level = 1 + 0.035 * fine + 0.045 * wide
    canvas.albedo[:] = who.skin[:, None, None] * level
    canvas.gloss[:] = who.gloss * np.clip(1 - 0.9 * abs(u), 0.25, 1) * (1 + 0.5 * fine)
    red = who.ruddy * (0.3 - 0.18 * who.tone)
    flush = np.maximum(1 - ((abs(u) - 0.52) / 0.38) ** 2 - ((v - 0.48) / 0.34) ** 2, 0)
    flush += 0.8 * np.maximum(1 - (u / 0.26) ** 2 - ((v - 0.52) / 0.24) ** 2, 0)
    for channel, strength in ((1, 0.75), (2, 0.7)):
        canvas.albedo[channel] *= 1 - red * strength * flush
    if who.freckles:
        spots = soft(noise(u * 17, v * 17, who.texture + 5, grain=True) - 0.5, 0.4)
        spots *= who.freckles * np.clip(1.2 - 1.6 * abs(v - 0.35), 0, 1)
        canvas.albedo *= 1 - spots * np.array([0.16, 0.27, 0.33])[:, None, None]


def wrinkles(canvas: Canvas, who: Person, how: Shot) -> None:
    """Press folds into the relief: forehead, beside the nose, under the eyes."""
    where = canvas.window((0, -0.62, 1.1), 0.75)
    u, v = canvas.u[where], canvas.v[where]
    lines = np.clip((who.age - 0.45) * 1.6, 0, 1) + 0.5 * max(how.brow_raise, 0) * (0.3 + who.age)
    if lines > 0.05:
        wave = np.sin((v + 0.06 * u * u) * 46 + 0.8 * noise(u * 5, v * 2, who.texture))
        fade = np.maximum(1 - (u / 0.75) ** 2, 0) * np.maximum(1 - ((v + 0.62) / 0.24) ** 2, 0)
        canvas.z[where] += 0.006 * lines * wave * fade
    depth = 0.25 + 0.7 * who.age + 0.9 * max(how.smile, 0)
    for side in (-1, 1):
        where = canvas.window((side * 0.38, who.nose_length + 0.1, 1.1), 0.42)
        u, v = side * canvas.u[where], canvas.v[where]
        along = np.clip((v - who.nose_length + 0.08) / 0.42, 0, 1)
        fold = who.nose_width + 0.09 + (0.16 + 0.1 * max(how.smile, 0)) * along
        gap = u - fold
        dent = np.maximum(1 - (gap / 0.05) ** 2, 0) ** 2 * np.sin(np.pi * along)
        ridge = np.clip(1 - abs(gap - 0.1) / 0.1, 0, 1) * np.sin(np.pi * along)
        canvas.z[where] += depth * (0.02 * ridge - 0.016 * dent)
        canvas.albedo[:, *where] *= 1 - 0.1 * depth * dent


def eyes(canvas: Canvas, who: Person, how: Shot) -> None:
    """Paint both eyes with lids, lashes, iris and a reflection of the light."""
    for side in (-1, 1):
        where = canvas.window((side * who.eye_x, 0, 1.05), who.eye_width * 1.75)
        x = side * canvas.u[where] - who.eye_x
        y = canvas.v[where] + x * who.eye_tilt
        t = x / who.eye_width
        upper, lower = lid_lines(who, how, np.clip(t, -1, 1))
        edge = 1.6 * canvas.pixel
        inside = np.minimum(np.minimum(y - upper, lower - y), (1 - abs(t)) * who.eye_width * 0.6)
        opening = soft(inside, edge)
        _surroundings(canvas, where, who, t, y, upper, lower)
        _eyeball(canvas, where, who, how, side, x, y - 0.1 * who.eye_open, y - upper, opening)
        reach = np.clip((1.12 - abs(t - 0.05)) * 4, 0, 1)
        lash = soft(0.013 + 0.008 * t - abs(y - upper + 0.006), edge * 1.3) * reach
        canvas.lay(where, who.hair * 0.25 + 0.004, lash * (0.95 - 0.35 * who.masculine))
        rim = soft(0.008 - abs(y - lower), edge * 1.3) * np.clip((1 - abs(t)) * 4, 0, 1)
        canvas.lay(where, who.skin * (0.55, 0.36, 0.33), rim * 0.7)


def _surroundings(
    canvas: Canvas, where: Window, who: Person, t: Floats, y: Floats, upper: Floats, lower: Floats
) -> None:
    near = np.maximum(1 - (t / 1.5) ** 2, 0)
    shade = near * np.maximum(1 - ((y + 0.02) / 0.24) ** 2, 0)
    canvas.albedo[:, *where] *= 1 - shade * np.array([0.3, 0.38, 0.33])[:, None, None]
    crease = upper - 0.05 + 0.022 * who.eye_hood - 0.012 * t
    fold = np.maximum(1 - ((y - crease) / 0.022) ** 2, 0) * np.clip((1.15 - abs(t)) * 3, 0, 1)
    canvas.albedo[:, *where] *= 1 - fold * (0.42 - 0.28 * who.eye_hood)
    bag = lower + 0.075 * (1 - 0.4 * t * t)
    pouch = np.maximum(1 - ((y - bag) / 0.03) ** 2, 0) * np.clip((1 - abs(t)) * 2, 0, 1)
    canvas.albedo[:, *where] *= 1 - pouch * (0.05 + 0.2 * who.age)


def _eyeball(
    canvas: Canvas,
    where: Window,
    who: Person,
    how: Shot,
    side: int,
    x: Floats,
    y: Floats,
    under: Floats,
    opening: Floats,
) -> None:
    edge = 1.5 * canvas.pixel
    radius = 0.094
    gx = side * how.gaze[0] * 0.3 + 0.0
    dx, dy = x - gx, y - how.gaze[1] * 0.12 + 0.012
    r = np.sqrt(dx * dx + dy * dy) / radius
    white = np.array([0.52, 0.49, 0.47])[:, None, None] * (1 - 0.45 * (x / who.eye_width) ** 2)
    iris = who.iris[:, None, None] * np.clip(0.55 + 1.1 * r * (1 - 0.7 * r * r), 0.2, 2)
    disc = soft((1 - r) * radius, edge)
    colour = white + disc * (iris * 1.25 - white)
    colour = colour * (1 - 0.97 * soft((0.42 - r) * radius, edge))
    colour = colour * (1 - 0.6 * np.clip(1 - under / 0.06, 0, 1))
    part = canvas.albedo[:, *where]
    part += opening * (colour - part)
    canvas.gloss[where] *= 1 - opening
    hx, hy = 0.045 * side * how.light[0], 0.05 * how.light[1]
    spot = soft(0.02 - np.hypot(dx - hx, dy - hy), edge) * opening
    canvas.glint[where] += 0.85 * spot


def brows(canvas: Canvas, who: Person, how: Shot) -> None:
    """Paint brows as strokes of hair."""
    for side in (-1, 1):
        where = canvas.window((side * (who.eye_x + 0.02), who.brow_y, 1.1), 0.48)
        x, y = side * canvas.u[where], canvas.v[where]
        t = (x - who.eye_x - 0.02) / who.brow_length
        middle = brow_line(who, how, np.clip(t, -1.2, 1.2))
        thick = who.brow_thick * np.clip(1.05 - 0.45 * (t + 0.2) ** 2 - 0.3 * t, 0.15, 1.1)
        stroke = noise(x * 20 + y * 30, y * 30, who.texture + 31, grain=True)
        ends = np.clip((1.08 - abs(t)) * 4, 0, 1)
        alpha = soft(thick - abs(y - middle) + 0.012 * stroke, 0.035 + canvas.pixel) * ends
        alpha *= who.brow_dense * np.clip(0.92 + 0.25 * stroke, 0, 1)
        canvas.lay(where, who.hair * 0.5 + who.skin * 0.02, alpha)
        canvas.z[where] += 0.012 * alpha


def nostrils(canvas: Canvas, who: Person) -> None:
    """Darken the openings below the tip and the creases around the wings."""
    where = canvas.window((0, who.nose_length + 0.06, 1.3), 0.42)
    u, v = abs(canvas.u[where]), canvas.v[where]
    x, y = u - 0.5 * who.nose_width, v - who.nose_length - 0.062
    y = y + 0.25 * x
    hole = np.maximum(1 - (x / (0.36 * who.nose_width)) ** 2 - (y / 0.036) ** 2, 0)
    canvas.lay(where, who.skin * (0.1, 0.05, 0.05), np.minimum(hole * 1.4, 0.75))
    x, y = u - who.nose_width, v - who.nose_length - 0.01
    ring = np.hypot((x + 0.04) / 0.85, y) - 0.095
    crease = np.maximum(1 - (ring / 0.035) ** 2, 0) * np.clip(1 + x / 0.08, 0, 1)
    canvas.albedo[:, *where] *= 1 - 0.3 * crease * np.array([0.7, 1, 1])[:, None, None]


def mouth(canvas: Canvas, who: Person, how: Shot) -> None:
    """Shape and paint the lips, and what an open mouth shows."""
    half = mouth_half_width(who, how)
    where = canvas.window((0, who.mouth_y + 0.08 * how.mouth_open, 1.15), half * 1.4 + 0.05)
    u, v = canvas.u[where], canvas.v[where]
    t = np.clip(u / half, -1.25, 1.25)
    top, upper, lower, bottom = mouth_lines(who, how, np.clip(t, -1, 1))
    edge = 1.6 * canvas.pixel
    ends = soft((1 - abs(t)) * half * 0.5, edge)
    cleft = soft(np.minimum(v - upper, lower - v), edge) * ends
    lips = soft(np.minimum(v - top, bottom - v), edge * 1.4 + 0.012) * ends
    over = np.clip((v - top) / (upper - top + 1e-3), 0, 1) * (v < (upper + lower) / 2)
    below = np.clip((bottom - v) / (bottom - lower + 1e-3), 0, 1) * (v >= (upper + lower) / 2)
    canvas.z[where] += lips * (0.05 * over * (1.5 - over) + 0.075 * np.sqrt(below) * (1.3 - below))
    red = np.array([0.86, 0.5, 0.5]) + who.lip_red * np.array([0.1, -0.16, -0.1])
    lip = who.skin * (red + who.tone * np.array([0.0, 0.1, 0.16]))
    canvas.lay(where, lip, lips * 0.85)
    canvas.gloss[where] *= 1 + 0.8 * lips
    seam = np.maximum(1 - ((v - (upper + lower) / 2) / 0.022) ** 2, 0) * soft(1.06 - abs(t), 0.2)
    canvas.lay(where, who.skin * (0.22, 0.1, 0.1), 0.75 * seam)
    deep = np.array([0.05, 0.014, 0.013])
    canvas.lay(where, deep, cleft)
    teeth = soft(0.09 - abs(v - upper - 0.035), 0.03) * soft(0.84 - abs(t), 0.12) * cleft
    gaps = 1 - 0.12 * np.cos(u * 60)
    canvas.lay(where, np.array([0.66, 0.62, 0.54]), teeth * gaps * np.clip(1 - 0.6 * t * t, 0, 1))
    canvas.gloss[where] *= 1 - cleft
    dent = np.maximum(1 - (u / 0.06) ** 2, 0) * np.clip((top - v) * 8, 0, 1)
    dent *= np.clip((v - who.nose_length - 0.1) * 12, 0, 1)
    canvas.z[where] -= 0.02 * dent
