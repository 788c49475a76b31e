"""The two-step method's evaluation: FID and NIQE at 1,024 pixels, recognition over resolution.

Cheikh Sidiya & Li, Toward extreme face super-resolution in the wild: A self-supervised learning
approach, Frontiers in Computer Science 2022, section 6, tables 1 to 3 and figure 1. No code was
released.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from facesr.bench.contract import About, Metric, Split
from facesr.bench.faces import Faces
from facesr.bench.score import Curve, Score
from facesr.protocols._quirks import Preset
from facesr.protocols.critical_resolution import CriticalResolution
from facesr.protocols.metrics.fid import Fid
from facesr.protocols.metrics.niqe import Niqe

MOST = 4096  # side of an output, in pixels


@dataclass
class TwoStep2022(Preset):
    """16 to 1,024 pixels; `scale=8`, 16 to 128 pixels, for the first step ("mid-resolution").

    The tests are `two_step_2022`, small faces without originals (table 3), and
    `two_step_2022[training=simulated]` (table 2), the only one with the curve of figure 1: it takes
    originals whose people are known. Figure 1 reduces faces by 64, 32, 16 "etc.", here of 1,024
    pixels and down to a factor of 4, and a method enlarges each of them by `scale`, so resolutions
    whose outputs would have more than 4,096 pixels are left out. Inferred, because the paper is
    silent: the reference of the FID, the large faces of the test, and its resize, that of
    pytorch-fid. The paper says that both metrics are "averaged over different images", which the
    FID cannot be.

    Args:
        embedder: Stands for OpenFace (section 6.4.1), see `critical_resolution`.
        sides: Resolutions of the curve, in pixels.
        curve: Whether the curve is measured, which takes one further upscaling for each resolution.
    """

    about: ClassVar[About | None] = About(
        "The two-step method's evaluation",
        paper="Cheikh Sidiya & Li, Toward extreme face super-resolution in the wild: A "
        "self-supervised learning approach, Frontiers in Computer Science 2022",
        year=2022,
        url="https://doi.org/10.3389/fcomp.2022.1037435",
    )
    datasets: ClassVar[tuple[str, ...]] = ("two_step_2022",)

    scale: int = 64
    embedder: str = "face_reid_0095"
    sides: tuple[int, ...] = (16, 32, 64, 128, 256)
    curve: bool = True

    def asked(self, paired: bool) -> list[Metric]:
        """See `Preset.asked`."""
        return [Fid(), Niqe()]

    def score(self, sr: Faces, data: Split) -> Iterator[Score | Curve]:
        """See `Protocol.score`."""
        yield from super().score(sr, data)
        if self.curve and data.paired:
            yield from self._figure_1.score(sr, data)

    def inputs(self, data: Split) -> Mapping[str, Faces]:
        """See `Protocol.inputs`."""
        return self._figure_1.inputs(data) if self.curve and data.paired else {}

    def curves(self, made: Mapping[str, Faces], data: Split) -> Iterator[Score | Curve]:
        """See `Protocol.curves`."""
        yield from self._figure_1.curves(made, data)

    @property
    def _figure_1(self) -> CriticalResolution:
        sides = tuple(side for side in self.sides if side * self.scale <= MOST)
        return CriticalResolution(
            self.lr_size, self.scale, embedder=self.embedder, sides=sides, factors=()
        )
