"""SelFSR's evaluation: PSNR, SSIM, LPIPS and FID on CelebA and Helen, FID on LRGAN's small faces.

Zeng et al., SelFSR: Self-Conditioned Face Super-Resolution in the Wild via Flow Field Degradation
Network, 2021, section IV, tables I and II. No code was released.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from facesr.bench.contract import About, Metric
from facesr.protocols._luma import Channel, Convention
from facesr.protocols._quirks import Preset
from facesr.protocols.metrics.fid import Fid
from facesr.protocols.metrics.lpips import Lpips, Network
from facesr.protocols.metrics.psnr import Psnr
from facesr.protocols.metrics.ssim import Ssim


@dataclass
class Selfsr2021(Preset):
    """16 to 128 pixels with originals; `scale=4`, 16 to 64 pixels, for the real-world test.

    The tests are `selfsr_2021` (1,000 faces of CelebA) and `selfsr_2021[training=helen]`, reduced
    by bicubic interpolation (table I), and with `scale=4` `selfsr_2021[training=realworld]` (table
    II). Inferred, because the paper is silent: that the FID is the one of pytorch-fid, against the
    originals or, where there are none, the large training faces.

    Args:
        convention: Of PSNR and SSIM; `dic`. Section IV says Y of YCbCr; that Y is that of DIC's
            code, with a border of 8 left out and its overflow in SSIM, is inferred: section IV
            follows its procedure and cites it for these two metrics.
        channel: What is compared; `y`, as section IV says.
        network: Of LPIPS; `alex`, inferred, its authors' advice.
    """

    about: ClassVar[About | None] = About(
        "SelFSR's evaluation",
        paper="Zeng et al., SelFSR: Self-Conditioned Face Super-Resolution in the Wild via Flow "
        "Field Degradation Network, 2021",
        year=2021,
        url="https://arxiv.org/abs/2112.10683",
    )
    datasets: ClassVar[tuple[str, ...]] = ("selfsr_2021",)
    without_quirks: ClassVar[Mapping[str, Any]] = {"convention": "facesr", "channel": "rgb"}

    scale: int = 8
    convention: Convention = "dic"
    channel: Channel = "y"
    network: Network = "alex"

    def asked(self, paired: bool) -> list[Metric]:
        """See `Preset.asked`."""
        if not paired:
            return [Fid()]
        return [
            Psnr(self.channel, convention=self.convention),
            Ssim(self.channel, convention=self.convention),
            Lpips(self.network),
            Fid(),
        ]
