"""Images as arrays, (h, w, 3): bytes, or floats of range [0, 1]."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]
LUMA = np.array([0.299, 0.587, 0.114])


def as_float(image: NDArray[Any]) -> Floats:
    """Return an image as float64 in [0, 1]; uint8 is divided by 255."""
    return image / 255.0 if image.dtype == np.uint8 else image.astype(np.float64)


def as_bytes(image: Floats) -> Pixels:
    """Clamp to [0, 1] and round to 8 bits."""
    return np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
