"""LRGAN's evaluation: FID on small faces of WIDER FACE, PSNR on reduced faces of LS3D-W.

Bulat, Yang & Tzimiropoulos, To learn image super-resolution, use a GAN to learn how to do image
degradation first, ECCV 2018, section 4 and table 1, measured as by the authors' released code
(`model_evaluation.py`, `fid_score.py`, `inception.py`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from facesr.bench.contract import About, Metric, Split
from facesr.bench.faces import Faces
from facesr.bench.score import Curve, Score
from facesr.protocols._fids import Network, fid
from facesr.protocols._quirks import Output, Preset, Rounding, Saving, Storage, resaved
from facesr.protocols.metrics.psnr import Psnr

SRTRAINSET_2 = ("aflw", "ls3dw")


@dataclass
class Lrgan2018(Preset):
    """16 to 64 pixels; FID without originals, PSNR with them.

    The test of table 1 is the 3,000 small faces of the data set `lrgan_2018`, unpaired. The paper
    takes PSNR on 1,000 faces of LS3D-W reduced by bilinear interpolation, which is
    `scgan_2022[test=ls3dw]`. Inferred, because the paper is silent: PSNR of colours, without a
    border left out, and of the same files as the FID.

    Args:
        output: `minmax`: `save_image(normalize=True)` in `model_evaluation.py` stretches each
            picture; `plain` does not.
        rounding: `down`: `save_image` of torchvision 0.2.1, the one of PyTorch 0.4.1 that the
            release asks for, casts to bytes; `nearest` rounds.
        storage: `jpeg`: `model_evaluation.py` writes `.jpg` at Pillow's default; `png` does not.
        inception: `torchvision`: `inception.py` takes `models.inception_v3`, and normalises [0, 1]
            as if it were normalised for ImageNet; `tf` is the network of the FID.
        drop_last: `fid_score.py` leaves out the last batch of 64 of either set. It takes files in
            the order of the folder; that this is the order of the data set is inferred.
        reference: `srtrainset_2`: the statistics are those of one of three training folders; that
            it holds AFLW and LS3D-W is inferred from the names of the others. `whole` is the
            training half, which is also taken where the set has none of these faces.
    """

    about: ClassVar[About | None] = About(
        "LRGAN's evaluation",
        paper="Bulat, Yang & Tzimiropoulos, To learn image super-resolution, use a GAN to learn "
        "how to do image degradation first, ECCV 2018",
        year=2018,
        url="https://arxiv.org/abs/1807.11458",
    )
    datasets: ClassVar[tuple[str, ...]] = ("lrgan_2018",)
    without_quirks: ClassVar[Mapping[str, Any]] = {
        "output": "plain",
        "rounding": "nearest",
        "storage": "png",
        "inception": "tf",
        "drop_last": False,
        "reference": "whole",
    }

    output: Output = "minmax"
    rounding: Rounding = "down"
    storage: Storage = "jpeg"
    inception: Network = "torchvision"
    drop_last: bool = True
    reference: Literal["srtrainset_2", "whole"] = "srtrainset_2"

    def asked(self, paired: bool) -> list[Metric]:
        """See `Preset.asked`."""
        how = Saving(self.output, self.rounding, self.storage)
        metric = Psnr() if paired else fid(self.inception, self.drop_last)
        return [resaved(metric, how)]

    def score(self, sr: Faces, data: Split) -> Iterator[Score | Curve]:
        """See `Protocol.score`."""
        whole = data.paired or self.reference == "whole"
        yield from super().score(sr, data if whole else replace(data, hr=_released(data.hr)))


def _released(hr: Faces) -> Faces:
    """Keep the faces of the folder that the released statistics come from, if there are any."""
    sets = [name.partition("-")[0] for name in hr.names]
    chosen = [i for i, name in enumerate(sets) if name in SRTRAINSET_2]
    return replace(hr.take(chosen), title=f"{hr.title} (SRtrainset_2)") if chosen else hr
