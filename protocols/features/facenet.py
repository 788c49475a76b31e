"""FaceNet: Inception-ResNet v1 as facenet-pytorch has it, trained on VGGFace2.

Paper: Schroff, Kalenichenko & Philbin, FaceNet: a unified embedding for face recognition and
clustering, CVPR 2015. Weights: https://github.com/timesler/facenet-pytorch, converted from
https://github.com/davidsandberg/facenet, 20180402-114759.
"""

from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from facesr.bench import assets
from facesr.protocols.features import _view
from facesr.protocols.features._view import View

ASSET = "facenet"
# The package shows its network MTCNN's box with a margin of 14 in 160 pixels, squeezed to a square.
# This is the mean of that box on 120 pictures of LFW, in the frame of the house.
VIEW = View(160, box=(0.115, 0.005, 0.868, 1.0), mean=127.5, deviation=128.0)


@dataclass(frozen=True)
class Facenet:
    """512 numbers of unit length per face."""

    name = "facenet"
    dim = 512
    version = _view.VERSION

    @property
    def digest(self) -> str:
        """First characters of the SHA-256 of the weights."""
        return assets.asset(ASSET).sha256[:8]

    @property
    def label(self) -> str:
        """Name, digest and view."""
        return f"{self.name}@{self.digest},{VIEW.label}"

    def missing(self) -> str:
        """Say in a sentence which package or file is absent."""
        if find_spec("facenet_pytorch") is None:
            return "needs its layers from facenet-pytorch: pip install facenet-pytorch"
        return assets.missing(ASSET)

    def __call__(self, batch: Tensor) -> Tensor:
        """Turn (n, 3, h, h), float32 in [0, 1], into (n, 512), float32."""
        network = _network(assets.find(ASSET))
        with torch.inference_mode():
            return network(VIEW(batch))


@lru_cache(maxsize=1)
def _network(weights: Path) -> Any:
    from facenet_pytorch import InceptionResnetV1

    network = InceptionResnetV1(pretrained=None)
    state = torch.load(weights, map_location="cpu", weights_only=True)
    network.load_state_dict({k: v for k, v in state.items() if not k.startswith("logits.")})
    return network.eval().requires_grad_(False)
