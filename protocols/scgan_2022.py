"""SCGAN's evaluation: FID, KID, LPIPS or NIQE, and detection, verification and landmarks.

Hou et al., Semi-cycled generative adversarial networks for real-world face super-resolution, IEEE
TIP 2023, section 4, tables 1 to 7, of outputs as the authors' released code writes them
(`test.py`), with its FID (`FID.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from facesr.bench.contract import About, Metric
from facesr.protocols._fids import Network, fid
from facesr.protocols._quirks import Output, Preset, Rounding, Saving, resaved
from facesr.protocols.metrics import lpips
from facesr.protocols.metrics.detection import Detection
from facesr.protocols.metrics.kid import Kid
from facesr.protocols.metrics.landmarks import Landmarks
from facesr.protocols.metrics.lpips import Lpips
from facesr.protocols.metrics.niqe import Niqe
from facesr.protocols.metrics.niqe_fit import NiqeFit
from facesr.protocols.metrics.verification import Verification

# Schroff, Kalenichenko & Philbin, FaceNet, CVPR 2015, section 5.6: people differ from a squared
# distance of 1.242 on, which is twice what the cosine lacks of 1
FACENET = 1 - 1.242 / 2


@dataclass
class Scgan2022(Preset):
    """16 to 64 pixels; LPIPS, verification and landmarks with originals, NIQE without.

    The tests are `scgan_2022` (WIDER FACE), `scgan_2022[test=webface]`, `[test=ls3dw]` and
    `[test=ffhq]`; the paper verifies and compares landmarks on the last only (tables 6 and 7,
    section 4.4). NIQE is defined from 96 pixels on and the paper does not say how it reached 64, so
    `niqe` stays empty and `niqe[fit]` stands beside it. Inferred, because the paper is silent: the
    network of LPIPS, `alex`; how HOG sees faces of 64 pixels, see `detection`; that all metrics see
    the files that `test.py` writes. What it does to inputs is no matter of measuring.

    Args:
        output: `minmax`: `test.py` stretches each picture; `plain` does not. It stretches small
            faces too, when it writes them, after they were enlarged.
        rounding: `down`: `test.py` casts to bytes; `nearest` rounds.
        inception: Of the FID. `torchvision`, inferred: `FID.py` is LRGAN's but for its comments,
            and the file with its network was not released. `tf` is the network of the FID.
        drop_last: `FID.py` leaves out the last batch of either set; that it holds 64 is inferred
            from a default.
        subsets: Random subsets of the KID, whose mean and deviation the tables give ("1.26±0.06");
            100 of 1,000 faces as in torch-fidelity, inferred. 0 for all pairs.
        threshold: Cosine from which a pair is accepted; that of FaceNet's own paper, inferred. None
            sets it on other people, see `verification`, which takes identities that FFHQ lacks.
    """

    about: ClassVar[About | None] = About(
        "SCGAN's evaluation",
        paper="Hou et al., Semi-Cycled Generative Adversarial Networks for Real-World Face "
        "Super-Resolution, IEEE TIP 2023",
        year=2022,
        url="https://arxiv.org/abs/2205.03777",
    )
    datasets: ClassVar[tuple[str, ...]] = ("scgan_2022",)
    without_quirks: ClassVar[Mapping[str, Any]] = {
        "output": "plain",
        "rounding": "nearest",
        "inception": "tf",
        "drop_last": False,
        "subsets": 0,
    }

    output: Output = "minmax"
    rounding: Rounding = "down"
    inception: Network = "torchvision"
    drop_last: bool = True
    subsets: int = 100
    threshold: float | None = FACENET
    network: lpips.Network = "alex"

    def asked(self, paired: bool) -> list[Metric]:
        """See `Preset.asked`."""
        sets = [fid(self.inception, self.drop_last), Kid(subsets=self.subsets)]
        size = self.lr_size * self.scale
        real = [Niqe(), NiqeFit(block=size // 4 * 2), Detection()]
        synthetic = [
            Lpips(self.network),
            Detection(),
            Verification("facenet", definition="scgan", threshold=self.threshold),
            Landmarks(detector="retinaface", norm="l1"),
        ]
        how = Saving(self.output, self.rounding)
        return [resaved(metric, how) for metric in [*sets, *(synthetic if paired else real)]]
