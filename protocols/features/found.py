"""The face that a detector finds on a face crop, looked for once per detector and set.

Detectors are made for photographs. A crop is therefore resized to a side at which a face is large
enough for any of them, and its border pixels are repeated outwards, because a face that fills its
picture has no surroundings. No size of face is left out before or after that.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facesr.bench.detectors._base import Named
from facesr.bench.faces import Faces
from facesr.bench.files import digest_of
from facesr.bench.progress import progress
from facesr.protocols._cache import stored
from facesr.protocols._checks import called

VERSION = 1
SIDE = 128
MARGIN = 16
_BATCH = 32

Array = NDArray[np.float64]
Pixels = NDArray[np.uint8]


def framed(pixels: Pixels, side: int = SIDE, margin: int = MARGIN) -> Pixels:
    """Make a photograph of a crop.

    Args:
        pixels: (h, h, 3), uint8.
        side: What it is resized to (bicubic, antialiased).
        margin: How far its border is repeated outwards after that.

    Returns:
        (side + 2 * margin, side + 2 * margin, 3), uint8.
    """
    resized = Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC)
    return np.pad(np.asarray(resized), ((margin,) * 2, (margin,) * 2, (0, 0)), mode="edge")


def recipe(finds: Named, side: int = SIDE, margin: int = MARGIN) -> dict[str, Any]:
    """Return all that decides what is found."""
    return {**finds.recipe, "side": side, "margin": margin, "border": "edge", "version": VERSION}


def surest(faces: Faces, finds: Named, side: int = SIDE, margin: int = MARGIN) -> Array:
    """Look for the surest face on each crop.

    Args:
        faces: The crops.
        finds: The detector.
        side: See `framed`.
        margin: See `framed`.

    Returns:
        (n, 15): confidence; left, top, right, bottom; x and y of both eyes, the nose and both mouth
        corners, left ones first, all in pixels of the crops. NaN where no face is found.
    """
    folder = f"found-{digest_of(recipe(finds, side, margin))[:16]}"

    def compute() -> Array:
        return np.concatenate([np.empty((0, 15)), *_looked_for(faces, finds, side, margin)])

    return stored(folder, faces.fingerprint, compute)


def _looked_for(faces: Faces, finds: Named, side: int, margin: int) -> Iterator[Array]:
    scale = faces.size / side
    with progress(f"looking for faces in {called(faces)}", len(faces)) as advance:
        for start in range(0, len(faces), _BATCH):
            part = faces.take(range(start, min(start + _BATCH, len(faces))))
            photos = [framed(image, side, margin) for image in part.images()]
            rows = np.full((len(part), 15), np.nan)
            for row, found in zip(rows, finds.find(photos), strict=True):
                if len(found):
                    places = np.r_[found.boxes[0], found.points[0].ravel()]
                    row[:] = np.r_[found.scores[0], (places - margin) * scale]
            yield rows
            advance(len(part))
