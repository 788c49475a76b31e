"""Structural similarity.

Paper: Wang, Bovik, Sheikh & Simoncelli, Image quality assessment: from error visibility to
structural similarity, IEEE Transactions on Image Processing 2004: Gaussian window of 11x11 with
deviation 1.5, K = 0.01 and 0.03, population covariance, windows that lie wholly inside the picture.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from facesr.bench.contract import Metric, Needs
from facesr.bench.faces import Faces
from facesr.bench.score import Better, Score
from facesr.protocols import _luma
from facesr.protocols._checks import too_small
from facesr.protocols._identity import identity, versions
from facesr.protocols._pairs import Channel, check, pictures
from facesr.protocols._scores import absent, per_picture

VERSION = 1
WINDOW = 11
_DEVIATION = 1.5
_C1 = (0.01 * 255) ** 2
_C2 = (0.03 * 255) ** 2

Array = NDArray[np.float64]


def ssim(x: Array, y: Array) -> Array:
    """Compare images of range 0 to 255.

    Args:
        x: Images, (n, c, h, w), sides of 11 or more.
        y: References, (n, c, h, w).

    Returns:
        Mean over windows and channels, (n,), in [-1, 1].
    """
    mx, my = _averaged(x), _averaged(y)
    xx = _averaged(x * x) - mx * mx
    yy = _averaged(y * y) - my * my
    xy = _averaged(x * y) - mx * my
    alike = (2 * mx * my + _C1) * (2 * xy + _C2)
    every = (mx * mx + my * my + _C1) * (xx + yy + _C2)
    return (alike / every).mean(axis=(1, 2, 3))


def _averaged(image: Array) -> Array:
    """Weight windows by a Gaussian, (n, c, h, w) to (n, c, h - 10, w - 10)."""
    steps = np.arange(WINDOW) - WINDOW // 2
    weights = np.exp(-np.square(steps) / (2 * _DEVIATION**2))
    weights /= weights.sum()
    for axis in (2, 3):
        size = image.shape[axis] - WINDOW + 1
        shifted = (w * image.take(range(i, i + size), axis) for i, w in enumerate(weights))
        image = np.asarray(sum(shifted))
    return image


@dataclass(frozen=True)
class Ssim(Metric):
    """Mean over pictures of the structural similarity of each.

    Args:
        channel: `rgb`, the mean of the three channels, or `y` for brightness as in `psnr`.
        crop: Border that is left out, in pixels.
    """

    needs: ClassVar[Needs] = "pairs"
    better: ClassVar[Better] = "higher"

    channel: Channel = "rgb"
    crop: int = 0

    def __post_init__(self) -> None:
        check(self.channel, self.crop)

    def score(self, sr: Faces, reference: Faces | None) -> Score:
        """See `Metric.score`."""
        metric = "ssim" if self.channel == "rgb" else f"ssim[{self.channel}]"
        pairs = pictures(sr, reference, metric, self.channel, self.crop)
        version = versions(VERSION, _luma.VERSION) if self.channel == "y" else VERSION
        label = identity("ssim", self.channel, crop=self.crop, version=version, reference=reference)
        if why := too_small(sr, WINDOW, self.crop):
            return absent(metric, sr, why, better="higher", identity=label, group="fidelity")
        values = np.concatenate([ssim(x, y) for x, y in pairs])
        return per_picture(metric, values, sr, better="higher", identity=label, group="fidelity")
