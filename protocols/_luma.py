"""Pixels and brightness as image quality papers and their code measure them.

Brightness is Y of YCbCr by ITU-R BT.601 in studio range, 16 to 235; programs differ in how they
round it. Exactly 194 of the 2^24 colours lie half-way between two integers, where rounding depends
on the order of the arithmetic, too.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

VERSION = 1
_STUDIO = np.array([65.481, 128.553, 24.966])
WEIGHTS = _STUDIO / 255

Channel = Literal["rgb", "y"]
Convention = Literal["facesr", "dic", "basicsr", "matlab"]
Pixels = NDArray[np.uint8]
Array = NDArray[np.float64]


def luma(rgb: Pixels) -> Array:
    """Return Y of YCbCr by ITU-R BT.601 in studio range, as MATLAB's rgb2ycbcr before rounding.

    Args:
        rgb: (n, 3, h, w), 0 to 255.

    Returns:
        (n, h, w), 16 to 235.
    """
    y = np.einsum("nchw,c->nhw", rgb.astype(np.float64), WEIGHTS)
    return y + 16


def planes(rgb: Pixels, channel: Channel, convention: Convention = "facesr") -> Array:
    """Return what a convention compares.

    `facesr`: colours, or `luma`. `dic`: Y rounded to integers, then multiplied by 255 in 8 bits,
    where it overflows to 256 - Y (`calc_metrics` in utils/util.py of Deep-Iterative-Collaboration);
    its colours overflow, too. `basicsr`: Y in single precision (`to_y_channel` in
    metrics/metric_util.py of BasicSR). `matlab`: Y rounded to integers (rgb2ycbcr of uint8).

    Args:
        rgb: (n, 3, h, w), 0 to 255.
        channel: `rgb`, or `y` for brightness.
        convention: Whose.

    Returns:
        (n, c, h, w), 0 to 255.
    """
    seen = _BRIGHTNESS[convention](rgb)[:, None] if channel == "y" else rgb
    if convention == "dic":
        seen = seen.astype(np.uint8) * np.uint8(255)
    return seen.astype(np.float64)


def _dic(rgb: Pixels) -> Array:
    sums = np.dot(np.moveaxis(rgb, 1, -1), _STUDIO)
    return (sums / 255 + 16).round()


def _basicsr(rgb: Pixels) -> Array:
    shares = rgb.astype(np.float32) / 255
    sums = np.dot(np.moveaxis(shares, 1, -1).astype(np.float64), _STUDIO)
    y = ((sums + 16) / 255).astype(np.float32) * np.float32(255)
    return y.astype(np.float64)


def _matlab(rgb: Pixels) -> Array:
    red, green, blue = np.moveaxis(rgb.astype(np.int64), 1, 0)
    thousandths = 65481 * red + 128553 * green + 24966 * blue
    return ((thousandths + 127_500) // 255_000 + 16).astype(np.float64)


_BRIGHTNESS: dict[Convention, Callable[[Pixels], Array]] = {
    "facesr": luma,
    "dic": _dic,
    "basicsr": _basicsr,
    "matlab": _matlab,
}
