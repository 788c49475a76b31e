"""Synthetic: faces reduced by the benchmark itself, compared with their originals.

Fidelity can be measured here, on inputs that no camera made; `realworld` is the opposite.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from facesr.bench.contract import About, Metric, Protocol, Split
from facesr.bench.errors import BadData
from facesr.bench.faces import Faces
from facesr.bench.score import Curve, Score
from facesr.protocols._checks import called
from facesr.protocols.metrics.fd import Fd
from facesr.protocols.metrics.fid import Fid
from facesr.protocols.metrics.kd import Kd
from facesr.protocols.metrics.kid import Kid
from facesr.protocols.metrics.psnr import Psnr
from facesr.protocols.metrics.ssim import Ssim


@dataclass
class Synthetic(Protocol):
    """Fidelity to the originals, and realism against all of them together."""

    about: ClassVar[About | None] = About("Synthetic")

    datasets: ClassVar[tuple[str, ...]] = ("celeba", "ffhq", "celebahq", "helen", "lfw")

    def metrics(self) -> list[Metric]:
        """Return the metrics in the order of the table."""
        return [Psnr(), Ssim(), Kd(), Fd(), Kid(), Fid()]

    def score(self, sr: Faces, data: Split) -> Iterator[Score | Curve]:
        """See `Protocol.score`.

        Raises:
            BadData: If the originals of the inputs are not known.
        """
        if not data.paired:
            raise BadData(
                f"{called(data.lr)} has no originals to compare with; the synthetic protocol needs "
                f"a paired data set, use realworld for this one"
            )
        yield from super().score(sr, data)
