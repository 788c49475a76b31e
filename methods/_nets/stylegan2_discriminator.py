"""The discriminator of StyleGAN2 (Karras et al., CVPR 2020)."""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from facesr.methods._nets.stylegan2_ops import Activate, EqualConv, EqualLinear, Fir

_GROUP = 4


def _layer(
    inside: int, outside: int, kernel: int, down: bool = False, active: bool = True
) -> nn.Sequential:
    parts: list[nn.Module] = []
    if down:
        parts.append(Fir((2, 2) if kernel == 3 else (1, 1)))
    parts.append(EqualConv(inside, outside, kernel, stride=2 if down else 1))
    if active:
        parts.append(Activate(outside))
    return nn.Sequential(*parts)


class _Block(nn.Module):
    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.conv1 = _layer(inside, inside, 3)
        self.conv2 = _layer(inside, outside, 3, down=True)
        self.skip = _layer(inside, outside, 1, down=True, active=False)

    def forward(self, x: Tensor) -> Tensor:
        return (self.conv2(self.conv1(x)) + self.skip(x)) / math.sqrt(2)


class Discriminator(nn.Module):
    """Judges faces with residual blocks (Fig. 7c); names of parameters as in the widespread files.

    28,864,129 parameters at 256 pixels.

    Args:
        widths: Channels of each level, from 4 pixels up; see `stylegan2.channels_of`.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.size = 4 << (len(widths) - 1)
        falling = list(reversed(widths))
        blocks = (_Block(i, o) for i, o in itertools.pairwise(falling))
        self.convs = nn.Sequential(_layer(3, falling[0], 1), *blocks)
        last = widths[0]
        self.final_conv = _layer(last + 1, last, 3)
        self.final_linear = nn.Sequential(
            EqualLinear(last * 16, last, active=True), EqualLinear(last, 1)
        )

    def forward(self, images: Tensor) -> Tensor:
        """Judge images, (n, 3, size, size) in [-1, 1]; returns (n, 1), high for real."""
        x = spread_of_groups(self.convs(images))
        return self.final_linear(self.final_conv(x).flatten(1))

    def features(self, images: Tensor) -> list[Tensor]:
        """Return what each level makes of images, (n, c, h, w) each; an image alone decides."""
        found = [self.convs[0](images)]
        for block in self.convs[1:]:
            found.append(block(found[-1]))
        return found[1:]


def spread_of_groups(x: Tensor) -> Tensor:
    """Append a channel with the mean deviation within groups of images (Karras et al. 2018, 3).

    Groups have four images, or fewer where a batch cannot be divided by four.

    Args:
        x: (n, c, h, w).

    Returns:
        (n, c + 1, h, w).
    """
    n, _, h, w = x.shape
    size = next(g for g in range(_GROUP, 0, -1) if n % g == 0)
    groups = x.view(size, n // size, *x.shape[1:])
    spread = torch.sqrt(groups.var(0, correction=0) + 1e-8).mean((1, 2, 3))
    return torch.cat([x, spread.repeat(size).view(n, 1, 1, 1).expand(n, 1, h, w)], 1)
