"""CR's evaluation: FID on small faces of PIPA and DukeMTMC, rank 1 on PIPA, PSNR and SSIM on Helen.

Cheng, Zhu, Li & Gong, Characteristic regularisation for super-resolving face images, WACV 2020,
section 4, tables 1 to 3. No code was released.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from facesr.bench.contract import About, Metric, Split
from facesr.bench.faces import Faces
from facesr.bench.score import Curve, Score
from facesr.protocols._luma import Convention
from facesr.protocols._quirks import Preset, marked, noted
from facesr.protocols.features.inception import Resize
from facesr.protocols.metrics.fid import Fid
from facesr.protocols.metrics.identification import Identification
from facesr.protocols.metrics.psnr import Psnr
from facesr.protocols.metrics.ssim import Ssim

INPUT = "input"


@dataclass
class Cr2019(Preset):
    """16 to 64 pixels; FID and rank 1 without originals, PSNR and SSIM with them.

    The tests are `cr_2019` (LR-PIPA), `cr_2019[test=lr_dukemtmc]` and `cr_2019[test=helen]`, which
    is reduced by bicubic interpolation. The last row of table 2, the raw input, is a column here,
    marked `input`: the recogniser is shown the small faces as it is shown any, and the number is
    the same for all methods. Inferred, because the paper is silent: the gallery, one output of each
    person, and the probes, their other outputs.

    Args:
        resize: Of the FID; `legacy-tensorflow`, inferred: section 4 cites Heusel et al. and says
            that all experiments were in TensorFlow.
        convention: Of PSNR and SSIM; `facesr`, colours without a border left out, inferred, as
            section 4.3 names neither.
        embedder: Stands for CentreFace trained on CelebA (section 4.2), which is not public.
    """

    about: ClassVar[About | None] = About(
        "CR's evaluation",
        paper="Cheng, Zhu, Li & Gong, Characteristic Regularisation for Super-Resolving Face "
        "Images, WACV 2020",
        year=2019,
        url="https://arxiv.org/abs/1912.12987",
    )
    datasets: ClassVar[tuple[str, ...]] = ("cr_2019",)
    without_quirks: ClassVar[Mapping[str, Any]] = {
        "resize": "legacy-pytorch",
        "convention": "facesr",
    }

    resize: Resize = "legacy-tensorflow"
    convention: Convention = "facesr"
    embedder: str = "face_reid_0095"

    def asked(self, paired: bool) -> list[Metric]:
        """See `Preset.asked`."""
        if paired:
            return [Psnr(convention=self.convention), Ssim(convention=self.convention)]
        return [Fid(resize=self.resize), self._found]

    def score(self, sr: Faces, data: Split) -> Iterator[Score | Curve]:
        """See `Protocol.score`."""
        yield from super().score(sr, data)
        if not data.paired:
            raw = self._found.score(data.lr, None)
            yield replace(
                noted(raw, "of the small faces themselves, the same for all methods"),
                metric=marked(raw.metric, INPUT),
                identity=marked(raw.identity, INPUT),
                ranked=False,
            )
            yield from self._found.curve(sr, None)
            for curve in self._found.curve(data.lr, None):
                yield replace(
                    curve,
                    metric=marked(curve.metric, INPUT),
                    identity=marked(curve.identity, INPUT),
                )

    @property
    def _found(self) -> Identification:
        return Identification(self.embedder, gallery="outputs")
