"""Classifiers whose inner activations perceptual metrics compare, with the weights of torchvision.

Papers: Krizhevsky, One weird trick for parallelizing convolutional neural networks, 2014 (AlexNet);
Simonyan & Zisserman, Very deep convolutional networks for large-scale image recognition, ICLR 2015
(VGG-16); Iandola et al., SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and < 0.5 MB
model size, 2016 (version 1.1). Only the layers below the classifier are built.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from facesr.bench import assets

Name = Literal["alexnet", "vgg16", "squeezenet1_1"]
Pool = Literal["maximum", "l2"]

# smallest side that leaves an activation in every layer
LEAST: dict[Name, int] = {"alexnet": 31, "vgg16": 16, "squeezenet1_1": 17}
MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
_L2_FLOOR = 1e-12


class Backbone(nn.Module):
    """Layers, numbered and named as in the weight file.

    Args:
        layers: In their order.
        seen: Numbers of the layers whose activations are returned.
    """

    def __init__(self, layers: list[nn.Module], seen: tuple[int, ...]) -> None:
        super().__init__()
        self.features = nn.Sequential(*layers)
        self.seen = seen

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the activations of (n, 3, h, w), normalised, from the first layer to the last."""
        found = []
        for i, layer in enumerate(self.features):
            x = layer(x)
            if i in self.seen:
                found.append(x)
        return found


def backbone(name: Name, pool: Pool = "maximum") -> tuple[Backbone, torch.device]:
    """Load a network with its published weights, on a GPU if there is one.

    Args:
        name: Which; an asset has the same name.
        pool: Replaces the pools of VGG-16, see `_L2Pool`.

    Raises:
        BenchError: If the weights are absent or are others.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return _loaded(name, pool, assets.find(name), device), device


@contextmanager
def exact() -> Iterator[None]:
    """Compute without gradients and without TF32, which would cut activations to ten bits."""
    exactly = torch.backends.cudnn.flags(enabled=True, allow_tf32=False, deterministic=True)
    with torch.inference_mode(), exactly:
        yield


def shares(pixels: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Bring pixels, uint8, to float32 in [0, 1]."""
    return torch.from_numpy(pixels).to(device).contiguous().float() / 255


@cache
def _loaded(name: Name, pool: Pool, weights: Path, device: torch.device) -> Backbone:
    network = _BUILD[name](pool)
    last = len(network.features)
    state = torch.load(weights, map_location="cpu", weights_only=True)
    network.load_state_dict(
        {
            key: value
            for key, value in state.items()
            if key.startswith("features.") and int(key.split(".")[1]) < last
        }
    )
    return network.eval().requires_grad_(False).to(device)


class _L2Pool(nn.Module):
    """Root of the mean of squares, weighted by a Hann window of 3x3, with stride 2.

    Paper: Henaff & Simoncelli, Geodesics of learned representations, ICLR 2016.
    """

    def forward(self, x: Tensor) -> Tensor:
        line = torch.tensor([0.25, 0.5, 0.25], dtype=x.dtype, device=x.device)
        channels = x.shape[1]
        window = (line[:, None] * line).expand(channels, 1, 3, 3)
        return (F.conv2d(x * x, window, stride=2, padding=1, groups=channels) + _L2_FLOOR).sqrt()


class _Fire(nn.Module):
    """A narrow convolution, then two wide ones whose channels are joined."""

    def __init__(self, before: int, narrow: int, wide: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(before, narrow, 1)
        self.expand1x1 = nn.Conv2d(narrow, wide, 1)
        self.expand3x3 = nn.Conv2d(narrow, wide, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.squeeze(x))
        return torch.cat([F.relu(self.expand1x1(x)), F.relu(self.expand3x3(x))], 1)


def _alexnet(_: Pool) -> Backbone:
    def pool() -> nn.Module:
        return nn.MaxPool2d(3, 2)

    layers = [nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(True), pool()]
    layers += [nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(True), pool()]
    for before, after in ((192, 384), (384, 256), (256, 256)):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU(True)]
    return Backbone(layers, (1, 4, 7, 9, 11))


def _vgg16(pool: Pool) -> Backbone:
    layers: list[nn.Module] = []
    seen = []
    before = 3
    for channels, times in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        if layers:
            layers.append(_L2Pool() if pool == "l2" else nn.MaxPool2d(2))
        for _ in range(times):
            layers += [nn.Conv2d(before, channels, 3, padding=1), nn.ReLU(True)]
            before = channels
        seen.append(len(layers) - 1)
    return Backbone(layers, tuple(seen))


def _squeezenet(_: Pool) -> Backbone:
    layers: list[nn.Module] = [nn.Conv2d(3, 64, 3, 2), nn.ReLU(True)]
    before = 64
    for fires in (((16, 64),) * 2, ((32, 128),) * 2, ((48, 192),) * 2 + ((64, 256),) * 2):
        layers.append(nn.MaxPool2d(3, 2, ceil_mode=True))
        for narrow, wide in fires:
            layers.append(_Fire(before, narrow, wide))
            before = 2 * wide
    return Backbone(layers, (1, 4, 7, 9, 10, 11, 12))


_BUILD: dict[Name, Callable[[Pool], Backbone]] = {
    "alexnet": _alexnet,
    "vgg16": _vgg16,
    "squeezenet1_1": _squeezenet,
}
