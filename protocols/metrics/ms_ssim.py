"""Multi-scale structural similarity.

Paper: Wang, Simoncelli & Bovik, Multi-scale structural similarity for image quality assessment,
Asilomar Conference on Signals, Systems and Computers 2003: the contrast and structure of five
scales and the luminance of the last (eq. 7), with the exponents of section 3.2; between scales,
means of 2x2. As in piq, negative contrast-structure counts as 0 (a power of it is not real), an odd
side is made even by repeating its first row and column, and colours are averaged at the end.

Five scales need 161 pixels. With fewer of them, the first exponents are used, scaled to sum to 1:
another number, which never carries the plain name.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from facesr.bench.errors import BadName
from facesr.bench.faces import Faces
from facesr.bench.score import Better
from facesr.protocols._luma import Array
from facesr.protocols._pairs import PlaneMetric
from facesr.protocols.metrics import ssim
from facesr.protocols.metrics.ssim import WINDOW, terms

VERSION = 1
EXPONENTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def ms_ssim(x: Array, y: Array, scales: int = len(EXPONENTS)) -> Array:
    """Compare images of range 0 to 255.

    Args:
        x: Images, (n, c, h, w), square, sides of `least(scales)` or more.
        y: References, (n, c, h, w).
        scales: How many, 2 to 5.

    Returns:
        Mean over channels, (n,), in [0, 1].
    """
    exponents = np.array(EXPONENTS[:scales])
    if scales < len(EXPONENTS):
        exponents = exponents / exponents.sum()
    product = np.ones(x.shape[:2])
    for scale, exponent in enumerate(exponents, 1):
        luminance, contrast = terms(x, y)
        similar = contrast[0] / contrast[1]
        if scale == scales:
            similar = similar * luminance[0] / luminance[1]
        product = product * np.maximum(similar.mean(axis=(2, 3)), 0) ** exponent
        if scale < scales:
            x, y = _halved(x), _halved(y)
    return product.mean(axis=1)


def least(scales: int) -> int:
    """Return the smallest side for so many scales.

    >>> least(5), least(3), least(2)
    (161, 41, 21)
    """
    return (WINDOW - 1) * 2 ** (scales - 1) + 1


def _halved(image: Array) -> Array:
    if image.shape[-1] % 2:
        image = np.pad(image, [(0, 0), (0, 0), (1, 0), (1, 0)], mode="edge")
    n, c, h, w = image.shape
    return image.reshape(n, c, h // 2, 2, w // 2, 2).mean(axis=(3, 5))


@dataclass(frozen=True)
class MsSsim(PlaneMetric):
    """Mean over pictures of the multi-scale structural similarity of each.

    Args:
        scales: How many, 5 as published; 2 to 4 for smaller pictures.
    """

    better: ClassVar[Better] = "higher"
    smallest: ClassVar[float] = 0.002
    name: ClassVar[str] = "ms_ssim"

    scales: int = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.scales not in range(2, len(EXPONENTS) + 1):
            raise BadName(f"scales={self.scales} cannot be used; ms_ssim takes 2 to 5")

    @property
    def least(self) -> int:
        """See `PlaneMetric.least`."""
        return least(self.scales)

    @property
    def code(self) -> tuple[int, ...]:
        """See `PlaneMetric.code`."""
        return VERSION, ssim.VERSION

    @property
    def parameters(self) -> dict[str, object]:
        """See `PlaneMetric.parameters`."""
        return super().parameters | {"scales": self.scales}

    @property
    def marks(self) -> tuple[str, ...]:
        """See `PlaneMetric.marks`."""
        fewer = () if self.scales == len(EXPONENTS) else (f"scales={self.scales}",)
        return (*super().marks, *fewer)

    def measure(self, x: Array, y: Array) -> Array:
        """See `PlaneMetric.measure`."""
        return ms_ssim(x, y, self.scales)

    def unfit(self, sr: Faces) -> str:
        """See `PairMetric.unfit`."""
        why = super().unfit(sr)
        side = sr.size - 2 * self.rules.crop
        fit = [n for n in range(2, self.scales) if least(n) <= side]
        return f"{why}; scales={max(fit)} is a variant for this size" if why and fit else why
