"""The Inception network that FID and KID are defined on, with its weights as ported to PyTorch.

Papers: Szegedy et al., Rethinking the Inception architecture for computer vision, CVPR 2016; Heusel
et al., GANs trained by a two time-scale update rule converge to a local Nash equilibrium, NeurIPS
2017. Weights: TensorFlow's `inception-2015-12-05`, in the file layout of pytorch-fid. That network
differs from the published one: average pools do not count the padding, and the last block pools by
maximum.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from facesr.bench import assets
from facesr.bench.errors import BadName

SIDE = 299
Resize = Literal["clean", "legacy-pytorch", "legacy-tensorflow"]
Kernel = int | tuple[int, int]
# channels and kernel; with two kernels a fork, whose ends are joined
Spec = tuple[int, Kernel] | tuple[int, Kernel, Kernel]
# a branch is its steps, a step its convolutions: name, channels, kernel
Branch = tuple[tuple[tuple[str, int, Kernel], ...], ...]


@dataclass(frozen=True)
class Inception:
    """The 2,048 averages below the classifier.

    Args:
        resize: How faces come to 299x299. `legacy-pytorch`: bilinear with half-pixel centres, as
            pytorch-fid; `legacy-tensorflow`: bilinear with corners at zero and input (x - 128) /
            128, as the original code and torch-fidelity. Neither antialiases. `clean`: bicubic
            (a = -1/2), antialiased, clipped to [0, 255] but not rounded to 8 bits, input (x - 128)
            / 128, as Parmar, Zhang & Zhu, On aliased resizing and surprising subtleties in GAN
            evaluation, CVPR 2022.
    """

    name = "inception-tf"
    dim = 2048
    version = 1

    resize: Resize = "legacy-pytorch"

    def __post_init__(self) -> None:
        if self.resize not in get_args(Resize):
            known = ", ".join(get_args(Resize))
            raise BadName(f"no resize named {self.resize!r}; known: {known}")

    @property
    def digest(self) -> str:
        """First characters of the SHA-256 of the weights, as published."""
        return assets.asset("inception").sha256[:8]

    @property
    def label(self) -> str:
        """Name, digest and resize."""
        return f"{self.name}@{self.digest},resize={self.resize}"

    def missing(self) -> str:
        """Say how to get the weights."""
        return assets.missing("inception")

    def __call__(self, batch: Tensor) -> Tensor:
        """Turn (n, 3, h, w), float32 in [0, 1], into (n, 2048); on a GPU if there is one."""
        device = "cuda" if torch.cuda.is_available() else "cpu"
        network = _network(assets.find("inception"), device)
        prepared = _prepared(batch.to(device), self.resize)
        # TF32 would cut features to ten bits
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False, deterministic=True):
            return network(prepared.contiguous(memory_format=torch.channels_last))


def _prepared(batch: Tensor, resize: Resize) -> Tensor:
    size = (SIDE, SIDE)
    if resize == "legacy-pytorch":
        return 2 * F.interpolate(batch, size, mode="bilinear", align_corners=False) - 1
    if resize == "clean":
        # with antialiasing this is the kernel of Pillow, border included; its weights are float64
        resized = F.interpolate(batch.double() * 255, size, mode="bicubic", antialias=True)
        return ((resized.clamp(0, 255) - 128) / 128).float()
    rows = _corner_weights(batch.shape[-2]).to(batch.device)
    columns = _corner_weights(batch.shape[-1]).to(batch.device)
    return (rows @ (batch * 255) @ columns.T - 128) / 128


@cache
def _corner_weights(size: int) -> Tensor:
    """Weights of bilinear resizing, (299, size): output i reads i * size / 299."""
    at = np.arange(SIDE) * size / SIDE
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, size - 1)
    weights = np.zeros((SIDE, size))
    np.add.at(weights, (np.arange(SIDE), low), 1 - (at - low))
    np.add.at(weights, (np.arange(SIDE), high), at - low)
    return torch.from_numpy(weights).float()


class _Conv(nn.Module):
    """Convolution, batch norm, ReLU; `fold` merges the first two."""

    def __init__(
        self, before: int, after: int, kernel: Kernel, stride: int = 1, pad: bool = True
    ) -> None:
        super().__init__()
        high, wide = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = (high // 2, wide // 2) if pad else (0, 0)
        self.conv = nn.Conv2d(before, after, (high, wide), stride, padding, bias=False)
        self.bn: nn.Module = nn.BatchNorm2d(after, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)), inplace=True)

    def fold(self) -> None:
        """Put the norm's factors and offsets into the convolution, which halves the time."""
        norm = self.bn
        assert isinstance(norm, nn.BatchNorm2d)
        assert norm.running_var is not None
        assert norm.running_mean is not None
        factor = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
        weight = self.conv.weight.double() * factor[:, None, None, None]
        bias = norm.bias.double() - norm.running_mean.double() * factor
        self.conv.weight = nn.Parameter(weight.float(), requires_grad=False)
        self.conv.bias = nn.Parameter(bias.float(), requires_grad=False)
        self.bn = nn.Identity()


class _Mixed(nn.Module):
    """Branches and a pool side by side, their channels joined.

    With `pooled` channels the pool ends in a convolution and the size stays; without, pool and
    branches end with stride 2.
    """

    def __init__(
        self, before: int, *branches: Branch, pooled: int = 0, maximum: bool = False
    ) -> None:
        super().__init__()
        self.branches, self.halves, self.maximum = branches, not pooled, maximum
        self.channels = pooled or before
        for branch in branches:
            channels = before
            for step in branch:
                shrink = self.halves and step is branch[-1]
                for name, after, kernel in step:
                    conv = _Conv(channels, after, kernel, 2 if shrink else 1, pad=not shrink)
                    self.add_module(name, conv)
                channels = sum(after for _, after, _ in step)
            self.channels += channels
        if pooled:
            self.branch_pool = _Conv(before, pooled, 1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([*(self._through(x, b) for b in self.branches), self._pooled(x)], 1)

    def _through(self, x: Tensor, branch: Branch) -> Tensor:
        for step in branch:
            x = torch.cat([self.get_submodule(name)(x) for name, _, _ in step], 1)
        return x

    def _pooled(self, x: Tensor) -> Tensor:
        if self.halves:
            return F.max_pool2d(x, 3, 2)
        if self.maximum:
            return self.branch_pool(F.max_pool2d(x, 3, 1, 1))
        return self.branch_pool(F.avg_pool2d(x, 3, 1, 1, count_include_pad=False))


def _branch(name: str, *specs: Spec) -> Branch:
    """Name the steps of a branch as the weight file does."""
    if len(specs) == 1:
        return (((name, specs[0][0], specs[0][1]),),)
    return tuple(
        tuple(
            (f"{name}_{i}{fork if len(kernels) > 1 else ''}", channels, kernel)
            for fork, kernel in zip("ab", kernels, strict=False)
        )
        for i, (channels, *kernels) in enumerate(specs, 1)
    )


def _mixed_5(before: int, pooled: int) -> _Mixed:
    return _Mixed(
        before,
        _branch("branch1x1", (64, 1)),
        _branch("branch5x5", (48, 1), (64, 5)),
        _branch("branch3x3dbl", (64, 1), (96, 3), (96, 3)),
        pooled=pooled,
    )


def _mixed_6(narrow: int) -> _Mixed:
    flat, tall = (1, 7), (7, 1)
    return _Mixed(
        768,
        _branch("branch1x1", (192, 1)),
        _branch("branch7x7", (narrow, 1), (narrow, flat), (192, tall)),
        _branch(
            "branch7x7dbl", (narrow, 1), (narrow, tall), (narrow, flat), (narrow, tall), (192, flat)
        ),
        pooled=192,
    )


def _mixed_7(before: int, maximum: bool) -> _Mixed:
    flat, tall = (1, 3), (3, 1)
    return _Mixed(
        before,
        _branch("branch1x1", (320, 1)),
        _branch("branch3x3", (384, 1), (384, flat, tall)),
        _branch("branch3x3dbl", (448, 1), (384, 3), (384, flat, tall)),
        pooled=192,
        maximum=maximum,
    )


class _Network(nn.Module):
    """Layers and their names as in the weight file."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = _Conv(3, 32, 3, stride=2, pad=False)
        self.Conv2d_2a_3x3 = _Conv(32, 32, 3, pad=False)
        self.Conv2d_2b_3x3 = _Conv(32, 64, 3)
        self.Conv2d_3b_1x1 = _Conv(64, 80, 1)
        self.Conv2d_4a_3x3 = _Conv(80, 192, 3, pad=False)
        self.Mixed_5b = _mixed_5(192, 32)
        self.Mixed_5c = _mixed_5(256, 64)
        self.Mixed_5d = _mixed_5(288, 64)
        self.Mixed_6a = _Mixed(
            288,
            _branch("branch3x3", (384, 3)),
            _branch("branch3x3dbl", (64, 1), (96, 3), (96, 3)),
        )
        self.Mixed_6b = _mixed_6(128)
        self.Mixed_6c = _mixed_6(160)
        self.Mixed_6d = _mixed_6(160)
        self.Mixed_6e = _mixed_6(192)
        self.Mixed_7a = _Mixed(
            768,
            _branch("branch3x3", (192, 1), (320, 3)),
            _branch("branch7x7x3", (192, 1), (192, (1, 7)), (192, (7, 1)), (192, 3)),
        )
        self.Mixed_7b = _mixed_7(1280, maximum=False)
        self.Mixed_7c = _mixed_7(2048, maximum=True)
        self.fc = nn.Linear(2048, 1008)  # in the file, not used

    def forward(self, x: Tensor) -> Tensor:
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(F.max_pool2d(x, 3, 2)))
        x = self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(F.max_pool2d(x, 3, 2))))
        x = self.Mixed_6c(self.Mixed_6b(self.Mixed_6a(x)))
        x = self.Mixed_6e(self.Mixed_6d(x))
        x = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(x)))
        return x.mean(dim=(2, 3))


@cache
def _network(weights: Path, device: str) -> _Network:
    network = _Network()
    state = torch.load(weights, map_location="cpu", weights_only=True)
    network.load_state_dict(state)
    network.eval().requires_grad_(False)
    for module in list(network.modules()):
        if isinstance(module, _Conv):
            module.fold()
    return network.to(memory_format=torch.channels_last).to(device)
