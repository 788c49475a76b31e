"""The same faces at other resolutions, made once and kept in the cache folder.

Reduced by Pillow's bicubic: Keys' kernel with a = -0.5, stretched by the factor so that nothing
aliases, cut off and renormalised at the border, rounded to bytes after each dimension. MATLAB's
`imresize` differs from it at the border, which it mirrors, and elsewhere by a level at most, where
a number is half-way between two bytes.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facesr.bench.errors import BadData
from facesr.bench.faces import Faces
from facesr.protocols._checks import called
from facesr.protocols._remade import remade

VERSION = 1  # goes up when the same originals and size give other pixels
RULE = "pillow-bicubic"


def reduced(originals: Faces, size: int) -> Faces:
    """Return faces at a lower resolution, made first if they are not in the cache.

    Names, order, people and landmarks are those of the originals; see `remade`.

    Args:
        originals: Any faces.
        size: Side of the result, in pixels; the originals themselves are returned at their own.

    Raises:
        BadData: If the originals are smaller, or there is no room to write.
    """
    if size == originals.size:
        return originals
    if not 0 < size < originals.size:
        raise BadData(
            f"{called(originals)} has faces of {originals.size} px, which cannot be reduced to "
            f"{size} px; ask for {originals.size} px or less"
        )
    what = {"size": size, "rule": RULE, "version": VERSION}
    title = f"{called(originals)} at {size} px"
    return remade(originals, "reduced", what, lambda image: shrunk(image, size), size, title)


def shrunk(pixels: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Reduce one image, (h, h, 3), to (size, size, 3)."""
    return np.asarray(Image.fromarray(pixels).resize((size, size), Image.Resampling.BICUBIC))
