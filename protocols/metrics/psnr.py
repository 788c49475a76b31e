"""Peak signal-to-noise ratio of 8-bit images.

Brightness, where it is asked for, is the studio-range Y of ITU-R BT.601 (16 to 235, not rounded) as
in MATLAB and most super-resolution papers; its narrower range makes it higher than the RGB number.
`convention` names the programs that do otherwise: `dic` rounds Y and leaves a border of 8 out,
`matlab` (`psnr` of `rgb2ycbcr` of uint8) rounds Y, `basicsr` (`calculate_psnr`) takes Y in single
precision; all of them return infinity for equal pictures.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from facesr.bench.faces import Faces
from facesr.bench.score import Better, Score
from facesr.protocols._luma import Array
from facesr.protocols._pairs import ConventionMetric

VERSION = 2
EQUAL = 100.0


def psnr(x: Array, y: Array) -> Array:
    """Compare images of range 0 to 255.

    Args:
        x: Images, (n, c, h, w).
        y: References, (n, c, h, w).

    Returns:
        Decibels, (n,); infinite where the two are equal.
    """
    error = np.square(x - y).mean(axis=(1, 2, 3))
    with np.errstate(divide="ignore"):
        return 10 * np.log10(255**2 / error)


@dataclass(frozen=True)
class Psnr(ConventionMetric):
    """Mean over pictures of the PSNR of each.

    Equal pictures have no finite PSNR; they count as 100 dB, more than any 8-bit RGB pictures of up
    to 226 pixels can reach that differ in a single value. Nothing else is changed: brightness can
    differ so little that it exceeds 100 dB.
    """

    better: ClassVar[Better] = "higher"
    smallest: ClassVar[float] = 0.05
    name: ClassVar[str] = "psnr"
    unit: ClassVar[str] = "dB"

    @property
    def code(self) -> tuple[int, ...]:
        """See `PlaneMetric.code`."""
        return (VERSION,)

    @property
    def parameters(self) -> dict[str, object]:
        """See `PlaneMetric.parameters`."""
        return super().parameters | {"equal": f"{EQUAL:g}"}

    def measure(self, x: Array, y: Array) -> Array:
        """See `PlaneMetric.measure`."""
        return psnr(x, y)

    def summary(self, values: Array, sr: Faces, label: str, note: str = "") -> Score:
        """See `PairMetric.summary`."""
        equal = np.isposinf(values)
        if equal.any():
            count = f"{equal.sum()} of {len(equal)}"
            note = f"{count} pictures equal their originals, counted as {EQUAL:g} dB"
        return super().summary(np.where(equal, EQUAL, values), sr, label, note)
