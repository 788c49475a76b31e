"""Photographs of rendered faces: several in one picture, or one brought to a template."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facesr.datasets._render import Rendered, five, render
from facesr.datasets._render_traits import shot
from facesr.datasets._toys._truth import Box, Points

Pixels = NDArray[np.uint8]

_DRAWN = 128  # every face is drawn once at this size and resized from there
_QUALITY = 92


@dataclass(frozen=True)
class Who:
    """One picture of one person."""

    identity: int
    number: int


@dataclass(frozen=True, eq=False)
class Shown:
    """A face in a photograph: who, and its 68 landmarks there, (68, 2)."""

    who: Who
    points: Points

    @property
    def five(self) -> Points:
        """Eyes, tip of the nose, corners of the mouth, (5, 2)."""
        return five(self.points).astype(np.float64)

    @property
    def tight(self) -> Box:
        """A box from forehead to chin: the landmarks' own, raised by a third of its height."""
        (left, top), (right, bottom) = self.points.min(0), self.points.max(0)
        return float(left), float(top - (bottom - top) / 3), float(right), float(bottom)


@dataclass(eq=False)
class Photo:
    """A photograph under construction: pixels, (h, w, 3), and the faces in it so far."""

    pixels: Pixels
    faces: list[Shown] = field(default_factory=list)

    def paste(self, seed: int, who: Who, left: int, top: int, side: int) -> Shown:
        """Put a square picture of a face here; what lies outside the photograph is cut off."""
        drawn = _drawn(seed, who)
        picture = np.asarray(_resized(Image.fromarray(drawn.pixels), side, side))
        height, width = self.pixels.shape[:2]
        rows = slice(max(top, 0), min(top + side, height))
        columns = slice(max(left, 0), min(left + side, width))
        self.pixels[rows, columns] = picture[
            rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
        ]
        points = drawn.landmarks.astype(np.float64) * (side / _DRAWN) + (left, top)
        shown = Shown(who, points)
        self.faces.append(shown)
        return shown


def backdrop(width: int, height: int, rng: np.random.Generator) -> Photo:
    """Start a photograph with a plain gradient."""
    corner = rng.uniform(60, 200, (2, 3))
    down = np.linspace(0, 1, height)[:, None, None]
    across = np.linspace(-12, 12, width)[None, :, None]
    pixels = corner[0] + down * (corner[1] - corner[0]) + across
    return Photo(pixels.round().astype(np.uint8))


def crowd(
    seed: int,
    who: Sequence[Who],
    sides: Sequence[int],
    width: int,
    height: int,
    rng: np.random.Generator,
    top: int | None = None,
) -> Photo:
    """Photograph several people side by side at different sizes, none over another.

    Args:
        seed: Seed of the rendered population.
        who: The people, from left to right.
        sides: Side of each one's square in pixels; the face takes some 60 % of it.
        width: Of the photograph; must hold all the squares.
        height: Of the photograph.
        rng: Decides gaps and heights.
        top: Where the first square starts, even outside; None leaves it to `rng`.
    """
    photo = backdrop(width, height, rng)
    spare = (width - sum(sides)) // (len(sides) + 1)
    left = 0
    for place, (person, side) in enumerate(zip(who, sides, strict=True)):
        left += int(rng.integers(spare // 2, spare + 1))
        down = int(rng.integers(0, height - side + 1))
        photo.paste(seed, person, left, down if place or top is None else top, side)
        left += side
    return photo


def portrait(seed: int, who: Who, width: int, height: int, share: float = 1.0) -> Photo:
    """Photograph one person in the middle of a picture whose shorter side the face square fills.

    Args:
        seed: Seed of the rendered population.
        who: The person.
        width: Of the photograph.
        height: Of the photograph.
        share: Part of the shorter side that the square takes.
    """
    rng = np.random.default_rng([seed, who.identity, who.number])
    photo = backdrop(width, height, rng)
    side = round(min(width, height) * share)
    photo.paste(seed, who, (width - side) // 2, (height - side) // 2, side)
    return photo


def aligned(seed: int, who: Who, width: int, height: int, template: Points) -> Photo:
    """Photograph one person turned, scaled and moved so that five points fit a template.

    Args:
        seed: Seed of the rendered population.
        who: The person.
        width: Of the photograph.
        height: Of the photograph.
        template: Where the five points should come to lie, in pixels, (5, 2).
    """
    drawn = _drawn(seed, who)
    points = drawn.landmarks.astype(np.float64)
    to = template @ (1, 1j)
    at = five(points) @ (1, 1j)
    turn = np.vdot(at - at.mean(), to - to.mean()) / np.vdot(at - at.mean(), at - at.mean())
    move = to.mean() - turn * at.mean()
    back, away = 1 / turn, -move / turn
    matrix = (back.real, -back.imag, away.real, back.imag, back.real, away.imag)
    photo = backdrop(width, height, np.random.default_rng([seed, who.identity, who.number]))
    opaque = Image.new("L", (_DRAWN, _DRAWN), 255)
    turned = Image.merge("RGBA", (*Image.fromarray(drawn.pixels).split(), opaque))
    turned = turned.transform(
        (width, height), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC
    )
    behind = Image.fromarray(photo.pixels)
    behind.paste(turned, mask=turned.getchannel("A"))
    placed = turn * (points @ (1, 1j)) + move
    photo.pixels = np.array(behind)
    photo.faces.append(Shown(who, np.stack([placed.real, placed.imag], -1)))
    return photo


def reduced(photo: Photo, side: int) -> Pixels:
    """Bring a photograph to a square of `side` pixels, antialiased."""
    return np.asarray(_resized(Image.fromarray(photo.pixels), side, side))


def yaw(seed: int, who: Who) -> float:
    """How far the head is turned, in radians."""
    return shot(seed, who.identity, who.number).yaw


def save(pixels: Pixels, path: Path) -> None:
    """Write a JPEG or PNG file by its ending, without metadata; makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    if path.suffix == ".png":
        image.save(path, "PNG", compress_level=1)
    else:
        image.save(path, "JPEG", quality=_QUALITY, subsampling=0)


def write_lines(path: Path, lines: Sequence[str], end: str = "\n") -> None:
    """Write UTF-8 text, every line ended; makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(line + end for line in lines).encode())


@lru_cache(maxsize=512)
def _drawn(seed: int, who: Who) -> Rendered:
    return render(seed, who.identity, who.number, _DRAWN)


def _resized(image: Image.Image, width: int, height: int) -> Image.Image:
    return image.resize((width, height), Image.Resampling.BICUBIC)
