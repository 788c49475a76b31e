"""Deep image structure and texture similarity.

Paper: Ding, Ma, Wang & Simoncelli, Image quality assessment: unifying structure and texture
similarity, IEEE Transactions on Pattern Analysis and Machine Intelligence 2022, eqs. 5 to 7: means
and correlations of the pixels and of five activations of VGG-16 with L2 pools, weighted as the
authors learned. Pictures of more than 256 pixels are reduced to 256 (Pillow, bilinear) as theirs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from facesr.bench import assets
from facesr.bench.faces import Faces
from facesr.protocols._checks import too_small
from facesr.protocols._identity import DIGITS, identity
from facesr.protocols._luma import Array, Pixels
from facesr.protocols._pairs import PairMetric
from facesr.protocols.features import _backbones
from facesr.protocols.features._backbones import Backbone

VERSION = 1
LARGEST = 256
LEAST = 17  # below, the deepest activations are a single position, which has no structure
_CHANNELS = (3, 64, 128, 256, 512, 512)
_FLOOR = 1e-6
_NEEDED = ("vgg16", "dists")


def dists(x: Tensor, y: Tensor, network: Backbone, texture: Tensor, structure: Tensor) -> Tensor:
    """Compare images.

    Args:
        x: Images, (n, 3, h, w), in [0, 1].
        y: References, (n, 3, h, w), in [0, 1].
        network: VGG-16 with L2 pools.
        texture: Weight of the means of each channel, alpha, (1475,).
        structure: Weight of the correlations of each channel, beta, (1475,).

    Returns:
        Distances, (n,), in [0, 1] but for rounding and negative correlations.
    """
    both = torch.cat([x, y])
    mean, deviation = (
        torch.tensor(v, dtype=x.dtype, device=x.device)[:, None, None]
        for v in (_backbones.MEAN, _backbones.DEVIATION)
    )
    total = torch.zeros(len(x), dtype=x.dtype, device=x.device)
    weights = zip(texture.split(_CHANNELS), structure.split(_CHANNELS), strict=True)
    seen = [both, *network((both - mean) / deviation)]
    for layer, (alpha, beta) in zip(seen, weights, strict=True):
        means = layer.mean((2, 3))
        away = (layer - means[:, :, None, None]).flatten(2)
        mx, my = means.chunk(2)
        ax, ay = away.chunk(2)
        vx, vy = away.square().mean(2).chunk(2)
        like = (2 * mx * my + _FLOOR) / (mx.square() + my.square() + _FLOOR)
        correlated = (2 * (ax * ay).mean(2) + _FLOOR) / (vx + vy + _FLOOR)
        total += (1 - like) @ alpha + (1 - correlated) @ beta
    return total / (texture.sum() + structure.sum())


@dataclass(frozen=True)
class Dists(PairMetric):
    """Mean over pictures of the DISTS of each.

    Single precision: batches and devices change a number by less than 1e-5.
    """

    at_once: ClassVar[int] = 1 << 16
    smallest: ClassVar[float] = 0.003

    @property
    def column(self) -> str:
        """See `PairMetric.column`."""
        return "dists"

    def label(self, reference: Faces) -> str:
        """See `PairMetric.label`."""
        backbone, weights = (assets.asset(name).sha256[:DIGITS] for name in _NEEDED)
        return identity(
            "dists",
            f"vgg16@{backbone}",
            f"weights@{weights}",
            largest=f"{LARGEST}-pil-bilinear",
            version=VERSION,
            reference=reference,
        )

    def missing(self) -> str:
        """Say how to get the weights."""
        return "; ".join(filter(None, map(assets.missing, _NEEDED)))

    def unfit(self, sr: Faces) -> str:
        """See `PairMetric.unfit`."""
        return too_small(sr, LEAST) or self.missing()

    def comparison(self) -> Callable[[Pixels, Pixels], Array]:
        """See `PairMetric.comparison`."""
        network, device = _backbones.backbone("vgg16", pool="l2")
        texture, structure = _weights(assets.find("dists"), device)

        def compare(sr: Pixels, reference: Pixels) -> Array:
            with _backbones.exact():
                x, y = (_backbones.shares(_reduced(p), device) for p in (sr, reference))
                return dists(x, y, network, texture, structure).double().cpu().numpy()

        return compare


def _reduced(pixels: Pixels) -> Pixels:
    if pixels.shape[-1] <= LARGEST:
        return pixels
    images = (Image.fromarray(np.moveaxis(image, 0, -1)) for image in pixels)
    small = [image.resize((LARGEST, LARGEST), Image.Resampling.BILINEAR) for image in images]
    return np.stack([np.moveaxis(np.array(image), -1, 0) for image in small])


@cache
def _weights(path: Path, device: torch.device) -> tuple[Tensor, Tensor]:
    state = torch.load(path, map_location="cpu", weights_only=True)
    return state["alpha"].flatten().to(device), state["beta"].flatten().to(device)
