"""A twin of a WebFace-style set: one flat folder of low-resolution faces from the web.

No authors define a layout; SCGAN's `imgs_test/WebFace/*.png` is the nearest (github.com/
HaoHou-98/SCGAN, `data_test.py`). Inferred: names of six digits, sides from 12 to 40 pixels.
"""

from pathlib import Path

import numpy as np

from facesr.datasets._toys._draw import Who, portrait, reduced, save
from facesr.datasets._toys._truth import Face, Truth, survey


def write(
    root: Path, seed: int = 0, people: int = 12, shots: int = 3, size: int | None = None
) -> Truth:
    """Write one small square picture of every shot; see `Writer`."""
    rng = np.random.default_rng(seed)
    faces = []
    for number in range(people * shots):
        side = size or int(rng.integers(12, 41))
        photo = portrait(seed, Who(number // shots, number % shots), 128, 128, 0.75)
        path = f"{number + 1:06d}.png"
        save(reduced(photo, side), root / path)
        faces.append(Face(path, photo.faces[0].five * (side / 128)))
    return Truth("webface", tuple(faces), *survey(root))
