"""The classifier of torchvision in place of FID's network, as early programs for the FID took it.

LRGAN's `inception.py` (2018) cuts torchvision's Inception v3 below its classifier. It differs from
the network that the FID is defined on in weights, pools and input: pictures of [0, 1] go through
the change of scale that turns values normalised for ImageNet into [-1, 1], so the network sees
about [-0.19, 0.43]. Weights: Szegedy et al., Rethinking the Inception architecture for computer
vision, CVPR 2016, as ported by torchvision.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from facesr.bench import assets
from facesr.bench.errors import BenchError
from facesr.protocols.features._backbones import DEVIATION, MEAN
from facesr.protocols.features.inception import SIDE, _Conv, _Mixed, _Network

_IMAGENET = MEAN, DEVIATION
WEIGHTS = assets.asset("inception_torchvision")


@dataclass(frozen=True)
class TorchvisionInception:
    """The 2,048 averages below the classifier; faces come to 299x299 as in `legacy-pytorch`."""

    name = "inception-torchvision"
    dim = 2048
    version = 1

    @property
    def digest(self) -> str:
        """First characters of the SHA-256 of the weights, as published."""
        return WEIGHTS.sha256[:8]

    @property
    def label(self) -> str:
        """Name, digest, resize and change of scale."""
        return f"{self.name}@{self.digest},resize=legacy-pytorch,input=imagenet-rescaled"

    def missing(self) -> str:
        """Say how to get the weights."""
        return assets.missing(WEIGHTS.name)

    def __call__(self, batch: Tensor) -> Tensor:
        """Turn (n, 3, h, w), float32 in [0, 1], into (n, 2048); on a GPU if there is one.

        Raises:
            BenchError: If the weights are absent or are others.
        """
        if problem := self.missing() or assets.difference(WEIGHTS, _place()):
            raise BenchError(problem)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        large = F.interpolate(batch.to(device), (SIDE, SIDE), mode="bilinear", align_corners=False)
        # TF32 would cut features to ten bits
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False, deterministic=True):
            return _averages(_network(_place(), device), _normalised(large))


def _normalised(batch: Tensor) -> Tensor:
    """Treat [0, 1] as if it were normalised for ImageNet, and bring it to what is not [-1, 1]."""
    mean, deviation = (torch.tensor(v, device=batch.device)[:, None, None] for v in _IMAGENET)
    return (batch * deviation + mean - 0.5) / 0.5


def _place() -> Path:
    return assets.assets_folder() / WEIGHTS.file


@cache
def _network(weights: Path, device: str) -> _Network:
    network = _Network()
    del network.fc
    state = torch.load(weights, map_location="cpu", weights_only=True)
    below = {k: v for k, v in state.items() if not k.startswith(("AuxLogits.", "fc."))}
    network.load_state_dict(below)
    network.eval().requires_grad_(False)
    for module in list(network.modules()):
        if isinstance(module, _Conv):
            module.fold()
    return network.to(memory_format=torch.channels_last).to(device)


def _averages(network: _Network, x: Tensor) -> Tensor:
    """Go through the layers of FID's network, with the pools of torchvision's."""
    x = network.Conv2d_2b_3x3(network.Conv2d_2a_3x3(network.Conv2d_1a_3x3(x)))
    x = network.Conv2d_4a_3x3(network.Conv2d_3b_1x1(F.max_pool2d(x, 3, 2)))
    x = F.max_pool2d(x, 3, 2)
    for layer in network.children():
        if isinstance(layer, _Mixed):
            x = torch.cat([*(layer._through(x, b) for b in layer.branches), _pooled(layer, x)], 1)
    return x.mean(dim=(2, 3))


def _pooled(layer: _Mixed, x: Tensor) -> Tensor:
    if layer.halves:
        return F.max_pool2d(x, 3, 2)
    return layer.branch_pool(F.avg_pool2d(x, 3, 1, 1))
