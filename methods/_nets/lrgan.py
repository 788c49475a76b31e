"""The generators of LRGAN (Bulat, Yang, Tzimiropoulos, ECCV 2018); images in [-1, 1]."""

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, relu

from facesr.methods._nets.blocks import ResidualBlock, channels


def _group(inside: int, outside: int, blocks: int) -> nn.Sequential:
    following = (ResidualBlock(outside, outside) for _ in range(blocks - 1))
    return nn.Sequential(ResidualBlock(inside, outside), *following)


class HighToLow(nn.Module):
    """Degrades a face to a quarter of its side; noise decides how (Section 3.3, Fig. 4a).

    The noise vector passes a fully connected layer and becomes a fourth channel of the image. Six
    groups of two residual blocks follow: four that each end in pooling (64 -> 4 px), two that
    each end in a pixel shuffle (4 -> 16 px). Inferred: 64 channels throughout and 64 numbers of
    noise, as in the generators that the authors released later, and as there a 3x3 convolution
    to four times the channels before each shuffle; average pooling.

    1,453,699 parameters.

    Args:
        size: Side of the input, in pixels; a multiple of 16.
        noise: Length of the noise vector.
        width: Factor of all channels, which are never fewer than 32: the 4-px level must have
            room for a face.
    """

    def __init__(self, size: int = 64, noise: int = 64, width: float = 1.0) -> None:
        super().__init__()
        wide = channels(64, width, 32)
        self.size, self.noise = size, noise
        self.project = nn.Linear(noise, size * size)
        self.first = nn.Conv2d(4, wide, 3, padding=1)
        self.down = nn.Sequential(
            *(nn.Sequential(_group(wide, wide, 2), nn.AvgPool2d(2)) for _ in range(4))
        )
        self.up = nn.Sequential(
            *(
                nn.Sequential(
                    _group(wide, wide, 2),
                    nn.Conv2d(wide, 4 * wide, 3, padding=1),
                    nn.PixelShuffle(2),
                )
                for _ in range(2)
            )
        )
        self.norm = nn.BatchNorm2d(wide)
        self.last = nn.Conv2d(wide, 3, 3, padding=1)

    def forward(self, hr: Tensor, noise: Tensor) -> Tensor:
        """Map (n, 3, size, size) and (n, noise) to (n, 3, size / 4, size / 4) in [-1, 1]."""
        channel = self.project(noise).view(-1, 1, self.size, self.size)
        x = self.up(self.down(self.first(torch.cat([hr, channel.to(hr.dtype)], 1))))
        return torch.tanh(self.last(relu(self.norm(x), inplace=True)).float())


class LowToHigh(nn.Module):
    """Restores a face at four times its side (Section 3.4, Fig. 4b).

    17 residual blocks in groups of 12, 3 and 2, each with a skip from before its first to behind
    its last block; bilinear interpolation doubles the side after the first and the second group.
    Inferred: 256, 128 and 96 channels (the released network declares these three levels, though
    it runs only two); batch normalisation, ReLU and a 1x1 convolution after each interpolation,
    as there; the corners of both grids are aligned, as there.

    15,745,635 parameters. Published: 4.0 M in the text of the CR paper, which half the width
    meets (3,942,963 at `width=0.5`), against 15,490,403 in the released weights.

    Args:
        width: Factor of all channels.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        wide = [channels(full, width) for full in (256, 128, 96)]
        self.first = nn.Conv2d(3, wide[0], 3, padding=1, bias=False)
        before = [wide[0], *wide[:2]]
        self.groups = nn.ModuleList(
            _group(i, o, blocks) for i, o, blocks in zip(before, wide, (12, 3, 2), strict=True)
        )
        self.skips = nn.ModuleList(
            nn.Conv2d(i, o, 1) if i != o else nn.Identity()
            for i, o in zip(before, wide, strict=True)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(w) for w in wide)
        self.mixes = nn.ModuleList(nn.Conv2d(w, w, 1) for w in wide[:2])
        self.last = nn.Conv2d(wide[2], 3, 3, padding=1)

    def forward(self, lr: Tensor) -> Tensor:
        """Map (n, 3, h, w) to (n, 3, 4 h, 4 w) in [-1, 1]."""
        x = self.first(lr)
        for i, (group, skip, norm) in enumerate(
            zip(self.groups, self.skips, self.norms, strict=True)
        ):
            x = group(x) + skip(x)
            if i < len(self.mixes):
                x = interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
            x = relu(norm(x), inplace=True)
            if i < len(self.mixes):
                x = self.mixes[i](x)
        return torch.tanh(self.last(x).float())


class ReleasedLowToHigh(nn.Module):
    """The network of the authors' released weights: two levels, 12 and 3 blocks.

    15,490,403 parameters at full width, 12,384 of which (`a2` in the file) are never used.

    Args:
        width: Factor of all channels.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        wide, half, third = (channels(full, width) for full in (256, 128, 96))
        self.first = nn.Conv2d(3, wide, 3, padding=1, bias=False)
        self.groups = nn.ModuleList([_group(wide, wide, 12), _group(wide, half, 3)])
        self.skip = nn.Conv2d(wide, half, 1)
        self.norms = nn.ModuleList([nn.BatchNorm2d(wide), nn.BatchNorm2d(half)])
        self.mixes = nn.ModuleList([nn.Conv2d(wide, wide, 1), nn.Conv2d(half, half, 1)])
        self.unused = nn.Conv2d(half, third, 1)  # so that the count is that of the file
        self.last = nn.ModuleList(
            [
                nn.Conv2d(half, third, 3, padding=1, bias=False),
                nn.Conv2d(third, third, 1),
                nn.Conv2d(third, 3, 1),
            ]
        )

    def forward(self, lr: Tensor) -> Tensor:
        """Map (n, 3, h, w) to (n, 3, 4 h, 4 w) in [-1, 1]."""
        x = self.first(lr)
        for group, skip, norm, mix in zip(
            self.groups, (nn.Identity(), self.skip), self.norms, self.mixes, strict=True
        ):
            x = group(x) + skip(x)
            x = interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
            x = mix(relu(norm(x), inplace=True))
        for layer in self.last[:2]:
            x = relu(layer(x), inplace=True)
        return torch.tanh(self.last[2](x).float())
