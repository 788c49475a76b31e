"""Resizing, each function as one authority does it, because the numbers of papers depend on which.

================  =================================  ==============================  ==============
function          when shrinking                     at the border                   bicubic, a
================  =================================  ==============================  ==============
`imresize`        stretched kernel (antialiasing)    mirrored, edge pixel repeated   -0.5
`resize`          stretched kernel                   kernel cut off, renormalised    -0.5
`interpolate`     kernel as it is: it aliases        edge pixel continued            -0.75
================  =================================  ==============================  ==============

`imresize` is MATLAB's, the usual meaning of "bicubic" in the papers of the field. `resize` cuts its
kernel off as Pillow does, and torch with `antialias=True`; its `area` weighs pixels by overlap.
`interpolate` is torch's without antialiasing, which Real-ESRGAN degrades with.
"""

from collections.abc import Callable
from functools import lru_cache
from math import ceil, floor
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from facesr.datasets._pixels import Floats

MatlabKernel = Literal["bicubic", "bilinear", "box", "nearest"]
TorchKernel = Literal["area", "bilinear", "bicubic"]
Taps = tuple[Floats, NDArray[np.intp]]


def _box(x: Floats) -> Floats:
    return ((x >= -0.5) & (x < 0.5)).astype(np.float64)


def _triangle(x: Floats) -> Floats:
    return np.maximum(1 - abs(x), 0)


def _keys(x: Floats, a: float) -> Floats:
    """Keys 1981, equation 15 for a = -0.5; written out as MATLAB does, for the last bit."""
    x = abs(x)
    square = x * x
    cube = square * x
    near = (a + 2) * cube - (a + 3) * square + 1
    far = a * cube - 5 * a * square + 8 * a * x - 4 * a
    return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))


def _cubic(x: Floats) -> Floats:
    return _keys(x, -0.5)


def _sharp_cubic(x: Floats) -> Floats:
    return _keys(x, -0.75)


_KERNELS: dict[str, tuple[Callable[[Floats], Floats], int]] = {
    "nearest": (_box, 1),
    "box": (_box, 1),
    "bilinear": (_triangle, 2),
    "bicubic": (_cubic, 4),
    "bicubic -0.75": (_sharp_cubic, 4),
}


def imresize(
    image: NDArray[Any],
    size: int | tuple[int, int] | None = None,
    kernel: MatlabKernel = "bicubic",
    *,
    scale: float | None = None,
    antialiasing: bool | None = None,
) -> NDArray[Any]:
    """Resize as MATLAB's `imresize` does.

    One dimension after the other, the one that shrinks most first, rows first if equal. Bytes are
    clamped and rounded after each dimension, halves up: so are MATLAB's own results that the tests
    of the Octave image package and of fatheral/matlab_imresize (R2015b) hold, to the last byte.
    Floats are neither clamped nor rounded. Taps are summed in order, so every machine agrees.

    Args:
        image: (h, w) or (h, w, c), uint8 or float of any range.
        size: New side, or height and width.
        kernel: `box` averages, `nearest` picks one pixel.
        scale: Factor for both sides, in place of `size`; they are rounded up.
        antialiasing: Whether a kernel is stretched when shrinking; left out, all are but `nearest`.

    Returns:
        The resized image, of the type of `image` (floats as float64).

    Raises:
        ValueError: If not exactly one of `size` and `scale` is given.
    """
    height, width = image.shape[:2]
    if scale is not None and size is None:
        sides, scales = (ceil(scale * height), ceil(scale * width)), (scale, scale)
    elif size is not None and scale is None:
        sides = (size, size) if isinstance(size, int) else size
        scales = (sides[0] / height, sides[1] / width)
    else:
        raise ValueError(f"size={size} and scale={scale} were given, expected exactly one of them")
    stretch = kernel != "nearest" if antialiasing is None else antialiasing
    result = image.astype(np.float64)
    for axis in np.argsort(scales, kind="stable"):
        old, new = image.shape[axis], sides[axis]
        result = _along(result, _taps(old, new, scales[axis], kernel, stretch, "mirror"), axis)
        if image.dtype == np.uint8:
            result = np.floor(np.clip(result, 0, 255) + 0.5)
    return result.astype(np.uint8) if image.dtype == np.uint8 else result


def interpolate(
    image: Floats,
    size: int,
    kernel: TorchKernel,
    scale: float | None = None,
) -> Floats:
    """Resize to a square as torch's `interpolate` does without antialiasing or aligned corners.

    Args:
        image: (h, w, 3).
        size: New side.
        kernel: `area` averages the pixels that a new one touches, each fully (adaptive pooling).
        scale: Factor that `size` was rounded down from; it decides where the samples lie. Left out,
            it is the ratio of the sides. `area` ignores it.
    """
    for axis in (0, 1):
        old = image.shape[axis]
        if kernel == "area":
            taps = _touching(old, size)
        else:
            name = "bicubic -0.75" if kernel == "bicubic" else kernel
            taps = _taps(old, size, scale or size / old, name, False, "edge")
        image = _along(image, taps, axis)
    return image


def _along(image: Floats, taps: Taps, axis: int) -> Floats:
    weights, index = taps
    image = np.moveaxis(image, axis, 0)
    column = (slice(None), *(None,) * (image.ndim - 1))
    result = weights[:, 0][column] * image[index[:, 0]]
    for i in range(1, weights.shape[1]):
        result += weights[:, i][column] * image[index[:, i]]
    return np.moveaxis(result, 0, axis)


@lru_cache(maxsize=512)
def _taps(old: int, new: int, scale: float, kernel: str, stretch: bool, border: str) -> Taps:
    """Return weights of and positions in the old line, both (new, taps).

    Coordinates start at 1 and terms stand in MATLAB's order: many a sum of bytes is a half, whose
    rounding depends on the last bit.
    """
    shape, width = _KERNELS[kernel]
    narrow = min(scale, 1.0) if stretch else 1.0
    reach = width / narrow
    middle = np.arange(1, new + 1) / scale + 0.5 * (1 - 1 / scale)
    at = np.floor(middle - reach / 2)[:, None] + np.arange(ceil(reach) + 2)
    weights = narrow * shape(narrow * (middle[:, None] - at))
    weights = weights / weights.sum(1, keepdims=True)
    index = at.astype(np.intp) - 1
    if border == "edge":
        index = np.clip(index, 0, old - 1)
    else:
        index %= 2 * old
        index = np.minimum(index, 2 * old - 1 - index)
    used = (weights != 0).any(0)
    return _frozen(weights[:, used], index[:, used])


@lru_cache(maxsize=512)
def _touching(old: int, new: int) -> Taps:
    first = np.array([floor(i * old / new) for i in range(new)])
    last = np.array([ceil((i + 1) * old / new) for i in range(new)])
    index = first[:, None] + np.arange((last - first).max())
    weights = (index < last[:, None]) / (last - first)[:, None]
    return _frozen(weights, np.minimum(index, old - 1))


def _frozen(weights: Floats, index: NDArray[np.intp]) -> Taps:
    weights.setflags(write=False)
    index.setflags(write=False)
    return weights, index


def resize(image: Floats, size: int, kernel: str = "bicubic") -> Floats:
    """Resize to a square; the kernel is stretched when shrinking and cut off at the border.

    Bytes of the embedded data set depend on this one, which is why it stays beside `imresize`.

    Args:
        image: (h, w, 3).
        size: New side.
        kernel: `area` (pixels weighted by their overlap), `bilinear` or `bicubic`.
    """
    rows, columns = (_weights(n, size, kernel) for n in image.shape[:2])
    half = np.tensordot(rows, image, (1, 0))
    return np.tensordot(columns, half, (1, 1)).transpose(1, 0, 2)


def _weights(old: int, new: int, kernel: str) -> Floats:
    """Return the share of each old pixel in each new one, (new, old)."""
    if kernel == "area":
        edges = np.arange(new + 1) * (old / new)
        low, high = edges[:-1, None], edges[1:, None]
        at = np.arange(old)
        return np.clip(np.minimum(high, at + 1) - np.maximum(low, at), 0, None) * (new / old)
    stretch = max(old / new, 1)
    middle = (np.arange(new) + 0.5) * (old / new)
    weights = _KERNELS[kernel][0]((np.arange(old) + 0.5 - middle[:, None]) / stretch)
    return weights / weights.sum(1, keepdims=True)
