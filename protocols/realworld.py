"""Real-world: trained on unpaired faces, tested on genuine low-resolution faces without originals.

The setting of Bulat, Yang & Tzimiropoulos, To learn image super-resolution, use a GAN to learn how
to do image degradation first, ECCV 2018. No original exists, so fidelity cannot be measured: what
is asked is whether the faces look real and whether they are faces.
"""

from dataclasses import dataclass
from typing import ClassVar

from facesr.bench.contract import About, Metric, Protocol
from facesr.protocols.metrics.detection import Detection
from facesr.protocols.metrics.fd import Fd
from facesr.protocols.metrics.fid import Fid
from facesr.protocols.metrics.kd import Kd
from facesr.protocols.metrics.kid import Kid
from facesr.protocols.metrics.niqe import BLOCK, Niqe
from facesr.protocols.metrics.niqe_fit import NiqeFit


@dataclass
class Realworld(Protocol):
    """Realism against real high-resolution faces of other people, and detection."""

    about: ClassVar[About | None] = About(
        "Real-world",
        paper="Bulat, Yang & Tzimiropoulos, To learn image super-resolution, use a GAN to learn "
        "how to do image degradation first, ECCV 2018",
        year=2018,
        url="https://arxiv.org/abs/1807.11458",
    )

    datasets: ClassVar[tuple[str, ...]] = ("wild", "widerface", "lr_pipa", "scgan", "webface")

    def metrics(self) -> list[Metric]:
        """Return the metrics in the order of the table."""
        size = self.lr_size * self.scale
        published = [Niqe()] if size >= BLOCK else []
        return [Kd(), Fd(), Kid(), Fid(), NiqeFit(block=size // 4 * 2), *published, Detection()]
