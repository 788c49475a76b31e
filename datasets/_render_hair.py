"""Hair as a shell around the head, beard and glasses."""

import numpy as np

from facesr.datasets._render_paint import Canvas, noise, soft
from facesr.datasets._render_shape import Profile
from facesr.datasets._render_traits import Floats, Person, Shot

_LONG = ("long", "bob")
# height of the hairline against how far around the head it is: 0 front, 1 ear, 2 back
_AROUND = np.array([0, 0.12, 0.3, 0.5, 0.62, 0.72, 0.95, 1.15, 2])


def hair_profile(who: Person, head: Profile) -> Profile:
    """Return the outline of the hair."""
    volume = max(who.hair_volume, 0.015)
    top = who.top + 1.1 * volume
    low = who.hair_length if who.hair_style in _LONG else 1.25
    y = np.linspace(-top, low, len(head.width))
    w, d = head.at(np.clip(y * np.where(y < 0, who.top / top, 1), head.low, head.high))
    if who.hair_style in _LONG:
        hang = who.width * (1 + volume) + 0.06 * np.maximum(y, 0)
        return Profile(-top, low, np.where(y < 0, w * (1 + volume), hang) + 1e-3, d * (1 + volume))
    fade = volume * np.clip(1 - y / 0.7, 0, 1) + 0.012
    return Profile(-top, low, w * (1 + fade), d * (1 + fade))


def hairline(who: Person) -> Floats:
    """Return the height above which hair grows, at each place of `_AROUND`."""
    front, style = who.hairline, who.hair_style
    line = np.array(
        [front, front - 0.25 * who.recede, front + 0.12, -0.5, 0.0, 0.3, -0.12, 0.4, 1.1]
    )
    if style == "bald":
        line = np.array([-3, -3, -3, -3, -3, -0.05, -0.12, 0.4, 1.1])
    elif style in _LONG:
        line[4:] = who.hair_length
        line[3] = 0.1
    elif style == "tied":
        line[4:] = (-0.1, 0.25, 0.0, 0.5, 1.1)
    if style != "bald":
        line[:3] += who.fringe * np.array([0.52, 0.5, 0.38]) * (1 - 0.3 * who.recede)
    return line


def hair(canvas: Canvas, who: Person, head: Profile, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Paint the hair over the head.

    Args:
        canvas: The picture; hair becomes part of its albedo and highlights.
        who: Traits.
        head: Outline of the skull.
        x: Where the ray of each pixel crosses the plane of the picture, to the right.
        y: The same, down.

    Returns:
        Opacity and depth towards the viewer.
    """
    opacity, depth = np.zeros_like(canvas.z), canvas.z.copy()
    rows = slice(0, canvas.size)
    if who.hair_style not in _LONG:  # it ends above the neck
        rows = slice(0, max(int((y < 0.75).any(1).sum()), 2))
    shape = hair_profile(who, head)
    u, v, z, inside, turn, back = canvas.view.meet(x[rows], y[rows], shape)
    around = 1 - np.sqrt(1 - turn * turn) * (1 - 2.0 * back)
    strand, tuft = _locks(who, u, v, turn)
    part = who.hair_part if who.hair_style in ("side", "long", "bob") else 0.0
    line = np.interp(around, _AROUND, hairline(who)) + part * 0.3 * turn * (around < 0.6)
    ragged = 0.04 + 0.05 * who.fringe + 0.05 * (who.hair_style == "curly")
    fuzz = 0.1 + 0.12 * (who.hair_style == "buzz")
    grown = soft(line + ragged * (tuft + 0.8 * strand) - v, fuzz)
    rough, edge = 0.05 if who.hair_style == "curly" else 0.012, 0.03 + canvas.pixel
    alpha = grown * soft(inside + rough * (tuft + strand) - edge / 2, edge)
    if who.hair_style == "buzz":
        alpha *= 0.78
    elif who.hair_style in _LONG:
        alpha *= soft(who.hair_length - 0.1 + 0.06 * strand - v, 0.16)
    tone = np.clip(1 + 0.5 * strand + 0.3 * tuft, 0.3, 1.9)
    if part:
        tone *= 1 - 0.4 * np.clip(1 - abs(turn - part) / 0.03, 0, 1) * (v < -0.9)
    canvas.lay((rows, slice(None)), who.hair[:, None, None] * tone, alpha)
    canvas.gloss[rows] += alpha * (0.35 * np.clip(0.6 + strand, 0, 2) - canvas.gloss[rows])
    opacity[rows], depth[rows] = alpha, z + 0.02 * strand
    return opacity, depth


def _locks(who: Person, u: Floats, v: Floats, turn: Floats) -> tuple[Floats, Floats]:
    """Return noise along the hair: single strands, and locks of them."""
    sweep = 0.0 if who.hair_style in _LONG else 40 * who.hair_part
    tuft = noise(turn * 10 + 0.3 * sweep * v, v * 2, who.texture + 19, smooth=True)
    if who.hair_style == "curly":
        return noise(u * 12, v * 12, who.texture + 3, smooth=True), tuft
    wave = 0.8 * who.hair_wave * tuft
    across = turn * 20 + sweep * v + wave
    return noise(across, v * 2, who.texture + 9, grain=True, smooth=True), tuft


def beard(canvas: Canvas, who: Person, how: Shot) -> None:
    """Darken chin, cheeks and upper lip with hair, or with its shadow."""
    strength = max(who.beard, who.moustache, who.stubble * 0.45)
    if strength <= 0:
        return
    u, v = abs(canvas.u), canvas.v
    grain = noise(canvas.u * 38, v * 24, who.texture + 13, grain=True)
    mouth = who.mouth_y + 0.02
    drop = 0.1 * how.mouth_open
    edge = 0.32 + 0.95 * np.clip(1 - u / 0.86, 0, 1) ** 0.75
    chin = soft(v - edge - 0.1 * who.beard_length, 0.16) * soft(
        v - mouth + 0.02 + 0.3 * (u - 0.3), 0.2
    )
    lip = soft(0.17 - abs(v - (who.nose_length + mouth) / 2 + 0.02 - 0.1 * u), 0.1)
    lip = soft(who.mouth_width + 0.08 - u, 0.12) * soft(v - who.nose_length - 0.1, 0.06) * lip
    free = soft(abs((v - mouth - 0.5 * drop) / (0.14 + drop)) + (u / 0.5) ** 2 - 1, 0.3)
    full = np.maximum(who.beard * chin, who.moustache * lip)
    shadow = 0.4 * who.stubble * np.maximum(chin, lip)
    alpha = np.maximum(full * np.clip(0.9 + 0.45 * grain, 0, 1), shadow * (1 + 0.5 * grain)) * free
    colour = (who.hair * 0.9)[:, None, None] * np.clip(1 + 0.5 * grain, 0.3, 2)
    canvas.albedo += alpha * (colour - canvas.albedo)
    canvas.z += 0.03 * full * free * (1 + grain)
    canvas.gloss *= 1 - 0.8 * alpha


def glasses(canvas: Canvas, who: Person, how: Shot, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return opacity of the rims and reflection of the lenses, in a plane before the eyes."""
    view, plane = canvas.view, 1.2
    c, s = np.cos(view.yaw), np.sin(view.yaw)
    front = (plane - s * x) / c
    cp, sp = np.cos(view.pitch), np.sin(view.pitch)
    u, v = c * x - s * front, (y + sp * front) / cp - 0.04
    a, b = 0.36 * who.glasses_size, (0.3 - 0.08 * who.glasses_shape) * who.glasses_size
    au = abs(u)
    px, py = abs(au - who.eye_x - 0.02) / a, abs(v) / b
    power = 2 if who.glasses_shape < 0.35 else 4
    r = (px**power + py**power) ** (1 / power)
    gap = (r - 1) * b
    thick, edge = who.glasses_rim, 1.5 * canvas.pixel
    rim = soft(thick - abs(gap), edge)
    inner, outer = who.eye_x + 0.02 - a, who.eye_x + 0.02 + a
    bridge = soft(thick - abs(v + 0.06 - 0.5 * au * au), edge) * (au < inner)
    arm = soft(thick * 1.2 - abs(v + 0.05), edge) * (au > outer) * soft(0.98 - au, 0.02)
    lens = soft(-gap, edge)
    streak = lens * np.clip(1 - abs(u * how.light[0] + v - 0.1 + 0.1 * how.light[0]) * 5, 0, 1)
    return np.maximum(np.maximum(rim, bridge), arm), 0.05 * lens + 0.16 * streak
