"""RetinaFace with a quarter-width MobileNet: one network, three grids of anchors, five landmarks.

Paper: Deng et al. 2020, https://arxiv.org/abs/1905.00641
Weights: mobilenet0.25_Final.pth of https://github.com/biubug6/Pytorch_Retinaface; names of layers
follow its state dict. Boxes are compared without the reference's extra pixel (pixel `i` covers `i`
to `i + 1` here), and a photograph is searched at its own size, never padded.
"""

from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from facesr.bench import assets
from facesr.bench.detectors._base import Pixels, Points
from facesr.bench.detectors._boxes import Decoded, OneByOne, cells

_MEAN_BGR = (104.0, 117.0, 123.0)
_ANCHORS = {8: (16, 32), 16: (64, 128), 32: (256, 512)}  # step of the grid: sides, in pixels
_VARIANCES = (0.1, 0.2)  # units of predicted shifts and of predicted logarithms of sides


@dataclass(frozen=True)
class RetinaFace(OneByOne):
    """RetinaFace, MobileNet 0.25.

    It computes in double precision: in single precision the last bits depend on the number of
    threads, and now and then a coordinate rounds to another thousandth of a pixel, which is what is
    kept. Settings: see `OneByOne`.
    """

    @property
    def recipe(self) -> dict[str, Any]:
        """See `Detector.recipe`."""
        weights = assets.asset("retinaface").sha256[:16]
        return {"detector": f"retinaface@{weights}", "arithmetic": "float64", **asdict(self)}

    def missing(self) -> str:
        """See `Named.missing`."""
        return assets.missing("retinaface")

    def decoded(self, pixels: Pixels) -> Decoded:
        """See `OneByOne.decoded`."""
        return decode(_network()(prepared(pixels)), pixels.shape[:2])


def prepared(pixels: Pixels) -> Tensor:
    """Turn RGB pixels (h, w, 3) into what the network reads: BGR less its mean, (1, 3, h, w)."""
    bgr = pixels[..., ::-1] - np.array(_MEAN_BGR)
    return torch.from_numpy(np.ascontiguousarray(bgr.transpose(2, 0, 1)))[None]


def anchors(height: int, width: int) -> Points:
    """Return centre x, centre y and side of every anchor of a picture, in pixels, (n, 3)."""
    grids = []
    for step, sides in _ANCHORS.items():
        centres = (cells(-(-height // step), -(-width // step)) + 0.5) * step
        both = np.repeat(centres, len(sides), 0)
        grids.append(np.column_stack([both, np.tile(sides, len(centres))]))
    return np.concatenate(grids)


def decode(outputs: tuple[Points, ...], size: tuple[int, ...]) -> tuple[Points, Points, Points]:
    """Turn the network's outputs into boxes (n, 4), scores (n,) and landmarks (n, 5, 2).

    Args:
        outputs: Two class logits, four box numbers and ten landmark numbers per anchor: (n, 2),
            (n, 4), (n, 10).
        size: Height and width of the picture.
    """
    logits, shifts, shapes = outputs
    at = anchors(size[0], size[1])
    centre, side = at[:, :2], at[:, 2:]
    middle = centre + _VARIANCES[0] * side * shifts[:, :2]
    half = side * np.exp(_VARIANCES[1] * shifts[:, 2:]) / 2
    points = centre[:, None] + _VARIANCES[0] * side[:, None] * shapes.reshape(-1, 5, 2)
    scores = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))
    return np.concatenate([middle - half, middle + half], 1), scores, points


def _block(inputs: int, outputs: int, kernel: int, stride: int = 1, bend: bool = True) -> nn.Module:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    layers = [conv, nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, nn.LeakyReLU(0.1)) if bend else nn.Sequential(*layers)


def _separable(inputs: int, outputs: int, stride: int = 1) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False),
        nn.BatchNorm2d(inputs),
        nn.LeakyReLU(0.1),
        nn.Conv2d(inputs, outputs, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(0.1),
    )


class _Body(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stage1 = nn.Sequential(
            _block(3, 8, 3, stride=2),
            _separable(8, 16),
            _separable(16, 32, stride=2),
            _separable(32, 32),
            _separable(32, 64, stride=2),
            _separable(64, 64),
        )
        alike = [_separable(128, 128) for _ in range(5)]
        self.stage2 = nn.Sequential(_separable(64, 128, stride=2), *alike)
        self.stage3 = nn.Sequential(_separable(128, 256, stride=2), _separable(256, 256))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        fine = self.stage1(x)
        middle = self.stage2(fine)
        return fine, middle, self.stage3(middle)


class _Pyramid(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.output1, self.output2, self.output3 = (_block(n, 64, 1) for n in (64, 128, 256))
        self.merge1, self.merge2 = _block(64, 64, 3), _block(64, 64, 3)

    def forward(self, maps: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        fine, middle, coarse = self.output1(maps[0]), self.output2(maps[1]), self.output3(maps[2])
        middle = self.merge2(middle + functional.interpolate(coarse, middle.shape[2:]))
        fine = self.merge1(fine + functional.interpolate(middle, fine.shape[2:]))
        return fine, middle, coarse


class _Context(nn.Module):
    """Three receptive fields side by side, after SSH (Najibi et al. 2017)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv3X3 = _block(64, 32, 3, bend=False)
        self.conv5X5_1, self.conv5X5_2 = _block(64, 16, 3), _block(16, 16, 3, bend=False)
        self.conv7X7_2, self.conv7x7_3 = _block(16, 16, 3), _block(16, 16, 3, bend=False)

    def forward(self, x: Tensor) -> Tensor:
        shared = self.conv5X5_1(x)
        parts = self.conv3X3(x), self.conv5X5_2(shared), self.conv7x7_3(self.conv7X7_2(shared))
        return functional.relu(torch.cat(parts, 1))


class _Head(nn.Module):
    def __init__(self, numbers: int) -> None:
        super().__init__()
        self.numbers = numbers
        self.conv1x1 = nn.Conv2d(64, 2 * numbers, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv1x1(x).permute(0, 2, 3, 1).reshape(-1, self.numbers)


class Network(nn.Module):
    """The layers, under the names of the published weights."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.fpn = _Body(), _Pyramid()
        self.ssh1, self.ssh2, self.ssh3 = _Context(), _Context(), _Context()
        self.ClassHead = nn.ModuleList(_Head(2) for _ in range(3))
        self.BboxHead = nn.ModuleList(_Head(4) for _ in range(3))
        self.LandmarkHead = nn.ModuleList(_Head(10) for _ in range(3))

    @torch.inference_mode()
    def forward(self, x: Tensor) -> tuple[Points, ...]:
        """Return what `decode` reads, for one picture (1, 3, h, w)."""
        contexts = self.ssh1, self.ssh2, self.ssh3
        maps = [see(part) for see, part in zip(contexts, self.fpn(self.body(x)), strict=True)]
        heads = self.ClassHead, self.BboxHead, self.LandmarkHead
        return tuple(
            torch.cat([head(part) for head, part in zip(kind, maps, strict=True)]).numpy()
            for kind in heads
        )


@cache
def _network() -> Network:
    net = Network()
    state = torch.load(assets.find("retinaface"), map_location="cpu", weights_only=True)
    net.load_state_dict(state, strict=True)
    return net.double().eval()
