"""Structural similarity.

Paper: Wang, Bovik, Sheikh & Simoncelli, Image quality assessment: from error visibility to
structural similarity, IEEE Transactions on Image Processing 2004: Gaussian window of 11x11 with
deviation 1.5, K = 0.01 and 0.03, population covariance, windows that lie wholly inside the picture,
as in its `ssim_index.m`. `convention` names programs that do otherwise: `dic` compares negatives,
256 - Y, with Y rounded, and leaves a border of 8 out; `basicsr` (`calculate_ssim`) takes Y in
single precision; `matlab` is `ssim` of the Image Processing Toolbox on Y rounded: its windows reach
beyond the border, which is repeated, and of colours it takes red, green and blue for a volume.
"""

from dataclasses import dataclass
from functools import cache
from typing import ClassVar, NamedTuple

import numpy as np

from facesr.bench.score import Better
from facesr.protocols._luma import Array
from facesr.protocols._pairs import ConventionMetric

VERSION = 1
WINDOW = 11
_DEVIATION = 1.5
_C1 = (0.01 * 255) ** 2
_C2 = (0.03 * 255) ** 2
_TILE = 54


class Terms(NamedTuple):
    """Luminance and contrast-structure of every window, each as a fraction, (n, c, h, w)."""

    luminance: tuple[Array, Array]
    contrast: tuple[Array, Array]


def ssim(x: Array, y: Array, *, beyond: bool = False) -> Array:
    """Compare images of range 0 to 255.

    Args:
        x: Images, (n, c, h, w), sides of 11 or more.
        y: References, (n, c, h, w).
        beyond: Whether windows reach beyond the border, and over channels, as MATLAB's; then sides
            may have any length.

    Returns:
        Mean over windows and channels, (n,), in [-1, 1].
    """
    (like, of), (alike, of_all) = terms(x, y, beyond=beyond)
    return (like * alike / (of * of_all)).mean(axis=(1, 2, 3))


def terms(x: Array, y: Array, *, beyond: bool = False) -> Terms:
    """Return the two factors of the similarity, see `ssim`."""
    mx, my = _averaged(x, beyond), _averaged(y, beyond)
    both, squares = mx * my, mx * mx + my * my
    covariance = _averaged(x * y, beyond) - both
    variances = _averaged(x * x + y * y, beyond) - squares
    return Terms((2 * both + _C1, squares + _C1), (2 * covariance + _C2, variances + _C2))


def _averaged(image: Array, beyond: bool) -> Array:
    """Weight windows by a Gaussian; (n, c, h, w) to (n, c, h - 10, w - 10) unless `beyond`."""
    for axis in (1, 2, 3) if beyond else (2, 3):
        along = np.moveaxis(image, axis, -2)
        if beyond:
            along = np.pad(along, [(0, 0), (0, 0), (WINDOW // 2,) * 2, (0, 0)], mode="edge")
        size = along.shape[-2] - WINDOW + 1
        tiles = [
            _band(min(_TILE, size - at)) @ along[..., at : at + _TILE + WINDOW - 1, :]
            for at in range(0, size, _TILE)
        ]
        image = np.moveaxis(np.concatenate(tiles, axis=-2), -2, axis)
    return image


@cache
def _band(size: int) -> Array:
    """Return the weights of `size` windows, one below the other, (size, size + 10)."""
    steps = np.arange(WINDOW) - WINDOW // 2
    weights = np.exp(-np.square(steps) / (2 * _DEVIATION**2))
    weights /= weights.sum()
    band = np.zeros((size, size + WINDOW - 1))
    for i in range(size):
        band[i, i : i + WINDOW] = weights
    band.setflags(write=False)
    return band


@dataclass(frozen=True)
class Ssim(ConventionMetric):
    """Mean over pictures of the structural similarity of each; of colours, the mean of channels."""

    better: ClassVar[Better] = "higher"
    smallest: ClassVar[float] = 0.002
    name: ClassVar[str] = "ssim"

    @property
    def code(self) -> tuple[int, ...]:
        """See `PlaneMetric.code`."""
        return (VERSION,)

    @property
    def least(self) -> int:
        """See `PlaneMetric.least`."""
        return 1 if self.convention == "matlab" else WINDOW

    def measure(self, x: Array, y: Array) -> Array:
        """See `PlaneMetric.measure`."""
        return ssim(x, y, beyond=self.convention == "matlab")
