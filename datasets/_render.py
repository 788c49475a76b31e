"""Faces drawn by computation: any number of people, shots and pixels, the same for equal seeds.

The head is a surface with relief (`_render_shape`), painted (`_render_paint`, `_render_hair`), lit
by one lamp and its surroundings with highlights and shadows, and averaged down from a finer grid.
All in float64, so that rounding to 8 bits does not depend on the machine.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facesr.datasets import _render_hair as top
from facesr.datasets import _render_paint as paint
from facesr.datasets import _render_shape as form
from facesr.datasets._render_traits import Floats, Person, Shot, person, shot

RENDER_VERSION = 1  # goes up whenever a pixel changes
_FINEST = 128
_NOSE = 0.5  # more than any nose is high
_LEVELS = 9


@dataclass(frozen=True, eq=False)
class Rendered:
    """A picture of a face.

    Args:
        pixels: (size, size, 3), uint8, sRGB.
        landmarks: 68 points in iBUG order, pixels of the picture with x first, (68, 2).
    """

    pixels: NDArray[np.uint8]
    landmarks: NDArray[np.float32]


def render(seed: int, identity: int, number: int, size: int) -> Rendered:
    """Draw one shot of one person.

    Args:
        seed: Seed of the whole population.
        identity: Which person.
        number: Which shot of that person.
        size: Side of the picture, 16 to 256 pixels.
    """
    return draw(person(seed, identity), shot(seed, identity, number), size)


def five(landmarks: NDArray[np.floating]) -> NDArray[np.floating]:
    """Reduce 68 landmarks, (..., 68, 2), to five: eyes, tip of the nose, corners of the mouth.

    Left comes first, as seen in the picture.
    """
    eyes = [landmarks[..., at : at + 6, :].mean(-2) for at in (36, 42)]
    return np.stack(
        [*eyes, landmarks[..., 30, :], landmarks[..., 48, :], landmarks[..., 54, :]], -2
    )


def draw(who: Person, how: Shot, size: int) -> Rendered:
    """Draw a person under the conditions of a shot, with `size` pixels a side."""
    over = 2 * -(-_FINEST // (2 * size))  # even, so that every second fine pixel can stand for two
    fine = size * over
    view = form.look(how, fine)
    x, y = view.rays(fine)
    shape = form.head_profile(who, how)
    hit = view.meet(x, y, shape)
    blank = np.zeros((3, fine, fine)), np.zeros((fine, fine)), np.zeros((fine, fine))
    canvas = paint.Canvas(view, hit.u, hit.v, hit.z, *blank)
    _raise_nose(canvas, who, shape)
    canvas.z += spread(form.relief(canvas.u[::2, ::2], canvas.v[::2, ::2], who, how), fine)
    paint.skin(canvas, who)
    paint.wrinkles(canvas, who, how)
    paint.mouth(canvas, who, how)
    paint.nostrils(canvas, who)
    top.beard(canvas, who, how)
    paint.eyes(canvas, who, how)
    paint.brows(canvas, who, how)
    edge = 0.015 + 1.5 * canvas.pixel
    face = paint.soft(hit.inside - edge / 2, edge)
    hair, hair_z = top.hair(canvas, who, shape, x, y)
    light = _shade(canvas, how, hair, hair_z)
    alpha = face + hair - face * hair
    behind = _behind(canvas, who, how, x, y)
    picture = behind + alpha * (light - behind)
    if who.glasses and not how.bare:
        rim, shine = top.glasses(canvas, who, how, x, y)
        picture += shine * (how.key[:, None, None] - picture)
        picture += rim * (who.glasses_colour[:, None, None] * 0.8 - picture)
    small = picture.reshape(3, size, over, size, over).mean((2, 4))
    gain = how.exposure * float(0.3 / who.skin.mean()) ** 0.3
    return Rendered(
        _develop(small, gain),
        form.landmarks(who, how, form.look(how, size), shape).astype(np.float32),
    )


def _raise_nose(canvas: paint.Canvas, who: Person, shape: form.Profile) -> None:
    """Find where rays meet the nose before they meet the face, from near to far."""
    where = canvas.window((0, 0.45 * who.nose_length, 1.2), 0.5)
    u, v, z = canvas.u[where], canvas.v[where], canvas.z[where]
    view = canvas.view
    step_u = -np.sin(view.yaw) * np.cos(view.pitch)
    step_v = np.sin(view.pitch)
    step_z = np.cos(view.yaw) * np.cos(view.pitch)

    def ground(u: Floats, v: Floats) -> Floats:
        w, d = shape.at(v)
        return d * np.sqrt(np.maximum(1 - (u / w) ** 2, 0.02))

    start = ground(u, v)
    levels = np.linspace(_NOSE, 0, _LEVELS)[:, None, None]
    us, vs = u + levels * step_u, v + levels * step_v
    above = start + levels * step_z - ground(us, vs) - form.nose(us, vs, who)
    hit = above <= 1e-9
    hit[-1] = True
    k = np.maximum(hit.argmax(0), 1)
    far = np.take_along_axis(above, k[None], 0)[0]
    near = np.take_along_axis(above, k[None] - 1, 0)[0]
    part = np.clip(near / (near - far + 1e-9), 0, 1)
    rise = _NOSE * (1 - (k - 1 + part) / (_LEVELS - 1))
    canvas.u[where], canvas.v[where] = u + rise * step_u, v + rise * step_v
    canvas.z[where] = z + rise


def _slopes(z: Floats, pixel: float) -> tuple[Floats, Floats]:
    """Return how depth grows to the right and down, at most 4."""
    gx, gy = np.empty_like(z), np.empty_like(z)
    np.subtract(z[:, 2:], z[:, :-2], out=gx[:, 1:-1])
    np.subtract(z[2:], z[:-2], out=gy[1:-1])
    gx[:, 0], gx[:, -1], gy[0], gy[-1] = gx[:, 1], gx[:, -2], gy[1], gy[-2]
    return np.clip(gx / (2 * pixel), -4, 4), np.clip(gy / (2 * pixel), -4, 4)


def _shade(canvas: paint.Canvas, how: Shot, hair: Floats, hair_z: Floats) -> Floats:
    """Light the painted surface; returns linear RGB, (3, size, size)."""
    pixel = canvas.pixel
    gx, gy = _slopes(canvas.z, pixel)
    hx, hy = _slopes(hair_z, pixel)
    gx += hair * (hx - gx)
    gy += hair * (hy - gy)
    z = canvas.z + hair * (hair_z - canvas.z)
    norm = 1 / np.sqrt(gx * gx + gy * gy + 1)
    nx, ny = -gx * norm, -gy * norm
    lx, ly, lz = how.light
    facing = nx * lx + ny * ly + norm * lz
    coarse = z[::2, ::2]
    lit = 1 - 0.75 * spread(_shadow(coarse, how.light, 2 * pixel), len(z))
    around = spread(_blur(coarse, max(int(0.055 / pixel), 1)), len(z))
    hollow = np.clip(1 - 2.4 * np.maximum(around - z, 0), 0.4, 1)
    sky = (0.75 - 0.35 * ny) * hollow
    bright = np.empty_like(canvas.albedo)
    for i, wrap in enumerate((0.34, 0.22, 0.17)):
        direct = np.maximum((facing + wrap) / (1 + wrap), 0) * lit
        bright[i] = canvas.albedo[i] * (how.key[i] * 1.15 * direct + how.fill[i] * sky)
    half = float(1 / np.sqrt(2 + 2 * lz))
    shine = np.maximum((facing + norm) * half, 0)
    for _ in range(4):
        shine = shine * shine
    bright += how.key[:, None, None] * (canvas.gloss * shine * lit * 0.1 + canvas.glint)
    return bright


def _shadow(z: Floats, light: Floats, pixel: float) -> Floats:
    """Walk from every pixel towards the light; 1 where something higher is in between."""
    flat = float(np.hypot(light[0], light[1]))
    most = np.zeros_like(z)
    if flat < 0.05:
        return most
    for reach in (0.05, 0.09, 0.14, 0.2, 0.28, 0.38):
        dx, dy = (round(reach * light[i] / flat / pixel) for i in (0, 1))
        h, w = z.shape
        to = slice(max(-dy, 0), h - max(dy, 0)), slice(max(-dx, 0), w - max(dx, 0))
        of = slice(max(dy, 0), h - max(-dy, 0)), slice(max(dx, 0), w - max(-dx, 0))
        rise = z[of] - z[to] - reach * light[2] / flat
        most[to] = np.maximum(most[to], np.clip(rise / (0.3 * reach), 0, 1))
    return _blur(most, max(int(0.02 / pixel), 1))


def _blur(x: Floats, reach: int) -> Floats:
    """Average over a square of 2 reach + 1 pixels, repeating the border."""
    n = 2 * reach + 1
    for _ in range(2):
        edges = [np.repeat(x[:1], reach + 1, 0), x, np.repeat(x[-1:], reach, 0)]
        total = np.cumsum(np.concatenate(edges), 0)
        x = ((total[n:] - total[:-n]) / n).T
    return x


def spread(coarse: Floats, size: int) -> Floats:
    """Interpolate linearly between samples of every second, fourth ... pixel."""
    n = coarse.shape[-1]
    place = np.arange(size) * (n / size)
    share = np.maximum(1 - abs(np.minimum(place, n - 1)[:, None] - np.arange(n)), 0)
    return share @ coarse @ share.T


def _behind(canvas: paint.Canvas, who: Person, how: Shot, x: Floats, y: Floats) -> Floats:
    """Draw what the head hides partly: background, long hair, body, neck, ears."""
    picture = spread(_background(how, canvas.size // 4), canvas.size)
    if who.hair_style in ("long", "bob"):
        wide = 0.97 * who.width * (1 + who.hair_volume)
        fall = paint.soft(wide - abs(x), 0.06) * paint.soft(who.hair_length - y, 0.2) * (y > -0.6)
        picture += fall * (who.hair[:, None, None] * 0.4 - picture)
    first = int((y < 0.6).all(1).sum())
    _body(picture[:, first:], canvas.pixel, who, how, x[first:], y[first:])
    _ears(canvas, who, how, picture)
    return picture


def _body(picture: Floats, pixel: float, who: Person, how: Shot, x: Floats, y: Floats) -> None:
    ground = how.fill + 0.5 * how.key
    edge, side = 0.03 + pixel, float(how.light[0])
    shoulder = 1.9 + 0.35 * np.maximum(abs(x) - 0.6, 0) + 0.25 * np.maximum(0.6 - abs(x), 0)
    body = paint.soft(y - shoulder, edge)
    wide = 0.56 + 0.12 * who.masculine
    lean = (x - 0.12 * math.sin(how.yaw)) * (1 / wide)
    turned = 0.55 * np.sqrt(np.maximum(1 - lean * lean, 0)) + 0.45 * side * lean + 0.25
    under = 0.35 + 0.45 * np.clip((y - who.chin * 0.95) / 0.55, 0, 1)
    neck = paint.soft((1 - abs(lean)) * wide, edge) * (y > 0.6)
    tone = (who.skin * ground)[:, None, None] * (np.clip(turned, 0.12, 1) * under)
    picture += neck * (tone - picture)
    picture += body * ((how.cloth * ground)[:, None, None] * (0.6 + 0.2 * side * x) - picture)


def _ears(canvas: paint.Canvas, who: Person, how: Shot, picture: Floats) -> None:
    if who.hair_style in ("long", "bob"):
        return
    view = canvas.view
    for side in (-1, 1):
        spot = (side * (who.width + 0.02), 0.22, -0.05)
        where = canvas.window(spot, 0.45)
        at = view.place(*spot)
        rows, columns = np.mgrid[where]
        dx, dy = (columns + 0.5 - at[0]) / view.unit, (rows + 0.5 - at[1]) / view.unit
        c, s = np.cos(view.roll), np.sin(view.roll)
        dx, dy = c * dx + s * dy, c * dy - s * dx
        wide = 0.13 + 0.1 * max(-side * np.sin(view.yaw), 0)
        dx = dx - side * 0.1 * -dy * 0.6
        r = np.hypot(dx / (wide * who.ear), dy / (0.3 * who.ear))
        level = np.clip(0.75 + 0.45 * side * how.light[0] - 0.35 * (abs(r - 0.55) < 0.2), 0.25, 1.2)
        tone = (who.skin * (1, 0.86, 0.84) * (how.fill + 0.6 * how.key))[:, None, None] * level
        part = picture[:, *where]
        part += paint.soft(1 - r, 0.15) * (tone - part)


def _background(how: Shot, size: int) -> Floats:
    """Fill the frame with a gradient, soft lights, or shapes."""
    rng = np.random.default_rng(how.scatter)
    at = (np.arange(size) + 0.5) / size
    px, py = at[None, :], at[:, None]
    a, b, c, d = how.background[:, :, None, None]
    tilt = rng.uniform(-1, 1)
    t = np.clip(py + tilt * (px - 0.5), 0, 1)
    picture = a + (b - a) * (t + 0 * px)
    for _ in range((0, 4, 7, 3, 2)[how.backdrop]):
        x, y = rng.uniform(-0.1, 1.1, 2)
        wide, high = rng.uniform(0.06, 0.4, 2)
        colour = (a, c, d)[int(rng.integers(3))]
        blur = rng.uniform(0.02, 0.4)
        if how.backdrop in (1, 2):
            r = np.sqrt(
                ((px - x) / wide) ** 2 + ((py - y) / (wide if how.backdrop == 2 else high)) ** 2
            )
            mask = paint.soft(1 - r, blur * 2)
        else:
            mask = paint.soft(wide - abs(px - x), blur * 0.3) * paint.soft(
                high * 2 - abs(py - y), blur * 0.3
            )
        picture += mask * rng.uniform(0.4, 0.9) * (colour - picture)
    return picture * 0.85


def _develop(light: Floats, gain: float) -> NDArray[np.uint8]:
    """Turn linear light into 8-bit sRGB with a soft shoulder, (size, size, 3)."""
    light = np.maximum(light * gain, 0)
    light = np.where(light > 0.7, 0.7 + 0.3 * (1 - np.exp(-(light - 0.7) / 0.3)), light)
    return np.rint(255 * np.power(light, 1 / 2.2)).astype(np.uint8).transpose(1, 2, 0).copy()
