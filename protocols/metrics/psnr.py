"""Peak signal-to-noise ratio of 8-bit images.

Brightness, where it is asked for, is the studio-range Y of ITU-R BT.601 (16 to 235, not rounded) as
in MATLAB and most super-resolution papers; its narrower range makes it higher than the RGB number.
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

VERSION = 2
EQUAL = 100.0

Array = NDArray[np.float64]


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
class Psnr(Metric):
    """Mean over pictures of the PSNR of each.

    Equal pictures have no finite PSNR; they count as 100 dB, more than any 8-bit RGB pictures of up
    to 226 pixels can reach that differ in a single value. Nothing else is changed: brightness can
    differ so little that it exceeds 100 dB.

    Args:
        channel: `rgb`, or `y` for brightness.
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
        metric = "psnr" if self.channel == "rgb" else f"psnr[{self.channel}]"
        pairs = pictures(sr, reference, metric, self.channel, self.crop)
        label = identity(
            "psnr",
            self.channel,
            crop=self.crop,
            equal=f"{EQUAL:g}",
            version=versions(VERSION, _luma.VERSION) if self.channel == "y" else VERSION,
            reference=reference,
        )
        if why := too_small(sr, 1, self.crop):
            return absent(metric, sr, why, better="higher", identity=label, group="fidelity")
        values = np.concatenate([psnr(x, y) for x, y in pairs])
        equal = np.isinf(values)
        said = (
            f"{equal.sum()} of {len(equal)} pictures equal their originals, counted as {EQUAL:g} dB"
        )
        return per_picture(
            metric,
            np.where(equal, EQUAL, values),
            sr,
            better="higher",
            identity=label,
            group="fidelity",
            unit="dB",
            note=said if equal.any() else "",
        )
