"""Blind face restoration at 512 pixels, as the scripts of VQFR and PMRF measure it.

Gu et al., VQFR: Blind face restoration with vector-quantized dictionary and parallel decoder, ECCV
2022 (`metric_paper/`); Ohayon, Michaeli & Elad, Posterior-mean rectified flow, ICLR 2025
(`evaluation/`). Each paper after GFPGAN quotes numbers of such scripts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional as F

from facesr.bench.contract import About, Metric, Needs
from facesr.bench.errors import BadName
from facesr.bench.faces import Faces
from facesr.bench.score import Score
from facesr.protocols._checks import given, same_names, same_size
from facesr.protocols._fids import StatisticsFid
from facesr.protocols._identity import identity, versions
from facesr.protocols._luma import Array, Pixels
from facesr.protocols._pairs import ConventionMetric
from facesr.protocols._quirks import Preset, marked, noted, stored
from facesr.protocols._scores import absent, per_picture
from facesr.protocols.features.embedders import embedder_named, embeddings
from facesr.protocols.features.inception import Resize
from facesr.protocols.features.onnx import Onnx
from facesr.protocols.metrics import lpips
from facesr.protocols.metrics.cosine import cosine
from facesr.protocols.metrics.fid import Fid
from facesr.protocols.metrics.landmarks import Landmarks
from facesr.protocols.metrics.lpips import Lpips
from facesr.protocols.metrics.niqe import Niqe
from facesr.protocols.metrics.psnr import Psnr
from facesr.protocols.metrics.ssim import Ssim

VERSION = 1
SIDE = 128


@dataclass
class Bfr512(Preset):
    """512 to 512 pixels; FID and NIQE, and five more with originals.

    LFW-Test (1,711 faces), WebPhoto-Test (407), WIDER-Test (970) and CelebA-Test (3,000, the only
    one with originals) come as `folder:PATH`: degraded faces of 512 pixels in `test/lr`, and in
    `test/hr` the originals of CelebA-Test, for the others FFHQ at 512 pixels.

    Restoration does not enlarge, so `scale` is 1. A method that enlarges by 4 only cannot take part
    then and is skipped with a sentence; with `lr_size=128,scale=4` it is measured on outputs of the
    same size, made of other inputs than those of the papers: a row to be named, not to be compared.

    Both papers compare 98 points of AWing, in pixels; here five points of RetinaFace are compared,
    in per cent of the side, and the column says so.

    Args:
        statistics: File with mean and covariance of Inception features of FFHQ at 512 pixels: that
            of BasicSR and VQFR (`inception_FFHQ_512-f7b384ab.pth`, of 50,000 faces) or an `.npz` of
            pytorch-fid; or the name of an asset. FID is VQFR's then (`calculate_fid_folder.py`).
            Empty: FID to the faces in `test/hr`, as PMRF; empty where these are originals.
        resize: Of the FID to faces; `legacy-tensorflow`, torch-fidelity's, which PMRF calls.
        images: With `statistics`, FID of the first 3,000 outputs, as `calculate_fid_folder.py`
            unless told otherwise; 0 for all, as PMRF.
        identical: Pairs at less than 1 degree are no part of the mean angle, as in both papers'
            `calculate_cos_dist.py`; 0 to keep all.
        whole: Embedders see the whole picture, grey, at 128 pixels, not aligned, as in both papers'
            `calculate_cos_dist.py`; else the part that they see of any face.
        embedder: `arcface`, the nearest to the ResNet-18 of both papers (`resnet18_110.pth`), which
            can be given as an ONNX file.
        corrected: Outputs are moved to the mean and deviation of each colour of the original before
            PSNR and SSIM: VQFR's `calculate_psnr_ssim.py` does so by default and cannot be told
            otherwise, PMRF does not.
        network: Of LPIPS; `vgg` in VQFR's `calculate_lpips.py`.
    """

    about: ClassVar[About | None] = About(
        "Blind face restoration, 512 px",
        paper="Gu et al., VQFR: Blind Face Restoration with Vector-Quantized Dictionary and "
        "Parallel Decoder, ECCV 2022; Ohayon, Michaeli & Elad, Posterior-Mean Rectified Flow: "
        "Towards Minimum MSE Photo-Realistic Image Restoration, ICLR 2025",
        year=2022,
        url="https://arxiv.org/abs/2205.06803",
    )
    without_quirks: ClassVar[Mapping[str, Any]] = {
        "resize": "legacy-pytorch",
        "images": 0,
        "identical": 0.0,
        "whole": False,
        "corrected": False,
    }

    lr_size: int = 512
    scale: int = 1
    statistics: str = ""
    resize: Resize = "legacy-tensorflow"
    images: int = 3000
    identical: float = 1.0
    whole: bool = True
    embedder: str = "arcface"
    corrected: bool = False
    network: lpips.Network = "vgg"

    def asked(self, paired: bool) -> list[Metric]:
        """See `Preset.asked`."""
        stated = paired or self.statistics
        fid = StatisticsFid(self.statistics, self.images) if stated else Fid(self.resize)
        if not paired:
            return [fid, Niqe()]
        psnr, ssim = (CorrectedPsnr(), CorrectedSsim()) if self.corrected else (Psnr(), Ssim())
        angle = Angle(self.embedder, self.whole, self.identical)
        points = Landmarks(detector="retinaface", norm="box")
        return [Lpips(self.network), fid, Niqe(), angle, points, psnr, ssim]


@dataclass(frozen=True)
class Angle(Metric):
    """Angle between the vectors of an output and its original, "Deg", in degrees.

    Args:
        embedder: See `cosine`.
        whole: Whether the whole picture is shown, grey, at 128 pixels.
        least: Pairs at a smaller angle are left out, in degrees.
    """

    needs: ClassVar[Needs] = "pairs"
    smallest: ClassVar[float] = 0.5  # degrees

    embedder: str = "arcface"
    whole: bool = True
    least: float = 1.0

    def __post_init__(self) -> None:
        if self.whole and not isinstance(embedder_named(self.embedder), Onnx):
            raise BadName(f"{self.embedder} cannot be shown a whole picture; set whole=false")

    @property
    def column(self) -> str:
        """Name of the column."""
        whole = ("grey",) if self.whole else ()
        least = (f"over{self.least:g}",) if self.least else ()
        return f"angle[{','.join((*whole, *least, embedder_named(self.embedder).name))}]"

    def missing(self) -> str:
        """Say what the embedder lacks."""
        return embedder_named(self.embedder).missing()

    def score(self, sr: Faces, reference: Faces | None) -> Score:
        """See `Metric.score`."""
        hr = same_size(sr, given(reference, self.column), self.column)
        hr = same_names(sr, hr, self.column)
        found = embedder_named(self.embedder)
        if self.whole:
            assert isinstance(found, Onnx)
            found = replace(found, view=replace(found.view, box=(0.0, 0.0, 1.0, 1.0)))
        label = identity(
            "angle",
            found.label,
            shown=Grey().label if self.whole else "part",
            least=f"{self.least:g}",
            version=versions(VERSION, found.version),
            reference=hr,
        )
        if why := found.missing():
            return self._absent(sr, label, why)
        x, y = (
            embeddings(stored(faces, Grey()) if self.whole else faces, found) for faces in (sr, hr)
        )
        angles = np.degrees(np.arccos(cosine(x, y)))
        kept = np.flatnonzero(angles >= self.least)
        if not len(kept):
            return self._absent(sr, label, f"every pair lies within {self.least:g} degrees")
        score = per_picture(
            self.column,
            angles[kept],
            sr.take(kept.tolist()),
            better="lower",
            identity=label,
            group="identity",
            unit="°",
        )
        if not self.least:
            return score
        lost = f"{len(sr) - len(kept)} of {len(sr)} pairs within {self.least:g} degrees left out"
        return replace(
            noted(score, f"{lost}; not ranked, because each method would lose others"),
            ranked=False,
        )

    def _absent(self, sr: Faces, label: str, why: str) -> Score:
        return absent(self.column, sr, why, better="lower", identity=label, group="identity")


@dataclass(frozen=True)
class Grey:
    """A picture made grey, then brought to 128 pixels without antialiasing."""

    @property
    def label(self) -> str:
        """See `Change`."""
        return f"grey-bilinear{SIDE}"

    def __call__(self, pixels: Pixels) -> Pixels:
        """Turn (h, h, 3) into (128, 128, 3) of three equal channels."""
        grey = torch.from_numpy(np.array(Image.fromarray(pixels).convert("L")))[None, None]
        small = F.interpolate(grey.double(), (SIDE, SIDE), mode="bilinear", align_corners=False)
        return small[0].round().byte().permute(1, 2, 0).expand(-1, -1, 3).numpy()


def matched(x: NDArray[Any], y: NDArray[Any]) -> Array:
    """Move each channel of pictures to the mean and the deviation of others, twice, as VQFR does.

    Args:
        x: Pictures, (n, c, h, w).
        y: Those to be like, (n, c, h, w).
    """
    moved, like = x.astype(np.float64), y.astype(np.float64)
    means, spreads = _described(like)
    for _ in range(2):
        moved = moved - _described(moved)[0] + means
        spread = _described(moved)[1]
        moved = moved / np.where(spread > 0, spread, 1) * spreads
    return moved


def _described(x: Array) -> tuple[Array, Array]:
    """Return mean and deviation of each channel, (n, c, 1, 1)."""
    return x.mean(axis=(2, 3), keepdims=True), x.std(axis=(2, 3), keepdims=True)


class _Corrected(ConventionMetric):
    """A comparison after `matched`."""

    @property
    def marks(self) -> tuple[str, ...]:
        """See `PlaneMetric.marks`."""
        return (*super().marks, "corrected")

    def label(self, reference: Faces) -> str:
        """See `PlaneMetric.label`."""
        return marked(super().label(reference), f"corrected-v{VERSION}")

    def comparison(self) -> Callable[[Pixels, Pixels], Array]:
        """See `PairMetric.comparison`."""
        return lambda sr, hr: self.measure(matched(sr, hr), hr.astype(np.float64))


@dataclass(frozen=True)
class CorrectedPsnr(_Corrected, Psnr):
    """PSNR of outputs in the colours of their originals."""


@dataclass(frozen=True)
class CorrectedSsim(_Corrected, Ssim):
    """SSIM of outputs in the colours of their originals."""
