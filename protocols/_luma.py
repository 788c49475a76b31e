"""Brightness as image quality papers measure it."""

import numpy as np
from numpy.typing import NDArray

VERSION = 1
WEIGHTS = np.array([65.481, 128.553, 24.966]) / 255


def luma(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return Y of YCbCr by ITU-R BT.601 in studio range, as MATLAB's rgb2ycbcr before rounding.

    Args:
        rgb: (n, 3, h, w), 0 to 255.

    Returns:
        (n, h, w), 16 to 235.
    """
    y = np.einsum("nchw,c->nhw", rgb.astype(np.float64), WEIGHTS)
    return y + 16
