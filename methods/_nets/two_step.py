"""Networks of the first step (Cheikh Sidiya & Li 2022, section 4.1); images in [-1, 1]."""

import itertools

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu

from facesr.methods._nets.attention import AttentionBlock, SelfAttention
from facesr.methods._nets.blocks import channels
from facesr.methods._nets.stylegan2 import Generator
from facesr.methods._nets.stylegan2_discriminator import Discriminator as StyleDiscriminator

_SECTIONS = (6, 3, 2, 1)
_LEAST = 4  # side of the narrowest features, in pixels


def doublings(factor: int) -> int:
    """Return how often a side is doubled.

    >>> doublings(8)
    3
    """
    return factor.bit_length() - 1


class LowToHigh(nn.Module):
    """Restores a face at 2, 4 or 8 times its side (section 4.1.1).

    Four sections of 6, 3, 2 and 1 residual attention blocks with bilinear interpolation between
    them, which doubles the side; below a factor of 8 the last sections follow each other without
    it. Inferred: channel attention, as in the paper that is cited for the blocks; 256 channels,
    halved by a 3x3 convolution with leaky ReLU after each section; 3x3 convolutions from and to the
    image, and a tanh.

    8,586,661 parameters, 34.3 MB; published: 34 MB.

    Args:
        factor: 2, 4 or 8.
        width: Factor of all channels.
    """

    def __init__(self, factor: int = 8, width: float = 1.0) -> None:
        super().__init__()
        wide = [channels(full, width) for full in (256, 128, 64, 32)]
        self.ups = doublings(factor)
        self.first = nn.Conv2d(3, wide[0], 3, padding=1)
        self.sections = nn.ModuleList(
            nn.Sequential(*(AttentionBlock(w) for _ in range(blocks)))
            for w, blocks in zip(wide, _SECTIONS, strict=True)
        )
        self.links = nn.ModuleList(
            nn.Conv2d(i, o, 3, padding=1) for i, o in itertools.pairwise(wide)
        )
        self.last = nn.Conv2d(wide[-1], 3, 3, padding=1)

    def forward(self, lr: Tensor) -> Tensor:
        """Map (n, 3, h, w) to (n, 3, factor * h, factor * w) in [-1, 1]."""
        x = self.sections[0](self.first(lr))
        for i, (link, section) in enumerate(zip(self.links, self.sections[1:], strict=True)):
            if i < self.ups:
                x = interpolate(x, scale_factor=2, mode="bilinear")
            x = section(leaky_relu(link(x), 0.2))
        return torch.tanh(self.last(x).float())


class HighToLow(nn.Module):
    """Degrades a face; noise decides how (section 4.1.3).

    Five residual attention blocks that each end in average pooling, then four, of which the first
    two end in bilinear interpolation: 128 px, 4 px, 16 px. The noise passes a fully connected layer
    and becomes a fourth channel of the image. Inferred: 64 channels, as in the method that the
    paper builds on; for a factor of 4 or 2 the first one or two blocks do not pool, so that the
    narrowest features keep a quarter of the low-resolution side.

    1,738,983 parameters at 128 px.

    Args:
        size: Side of the input, in pixels; a multiple of 4 * factor.
        factor: 2, 4 or 8.
        noise: Length of the noise vector.
        width: Factor of all channels, which are never fewer than 32.
    """

    def __init__(
        self, size: int = 128, factor: int = 8, noise: int = 64, width: float = 1.0
    ) -> None:
        super().__init__()
        wide = channels(64, width, 32)
        self.size, self.unpooled = size, 3 - doublings(factor)
        self.project = nn.Linear(noise, size * size)
        self.first = nn.Conv2d(4, wide, 3, padding=1)
        self.down = nn.ModuleList(AttentionBlock(wide) for _ in range(5))
        self.up = nn.ModuleList(AttentionBlock(wide) for _ in range(4))
        self.pool = nn.AvgPool2d(2)
        self.last = nn.Conv2d(wide, 3, 3, padding=1)

    def forward(self, hr: Tensor, noise: Tensor) -> Tensor:
        """Map (n, 3, size, size) and (n, noise) to (n, 3, size / factor, size / factor)."""
        channel = self.project(noise).view(-1, 1, self.size, self.size)
        x = self.first(torch.cat([hr, channel.to(hr.dtype)], 1))
        for i, block in enumerate(self.down):
            x = block(x)
            x = x if i < self.unpooled else self.pool(x)
        for i, block in enumerate(self.up):
            x = block(x)
            x = interpolate(x, scale_factor=2, mode="bilinear") if i < 2 else x
        return torch.tanh(self.last(x).float())


class Discriminator(nn.Module):
    """Judges parts of images: convolutions, self-attention behind the last two (4.1.2, 4.1.4).

    Convolutions with leaky ReLU, four for high-resolution faces and three for low-resolution ones,
    then one to the verdicts; no normalisation. Inferred: 4x4 kernels of stride 2 and channels that
    double from 64, 3x3 of stride 1 once the side is 4 px; the attention sits behind the last two
    layers before the verdict, as in the paper that is cited for it; slope 0.2.

    Args:
        size: Side of the images, in pixels.
        layers: Convolutions before the last one.
        width: Factor of all channels.
    """

    def __init__(self, size: int, layers: int, width: float = 1.0) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        inside = 3
        for i in range(layers):
            outside = channels(64 << i, width)
            halve, size = size > _LEAST, max(_LEAST, size // 2)
            kernel, stride = (4, 2) if halve else (3, 1)
            parts += [nn.Conv2d(inside, outside, kernel, stride, 1), nn.LeakyReLU(0.2)]
            if i >= layers - 2:
                parts.append(SelfAttention(outside))
            inside = outside
        self.layers = nn.Sequential(*parts)
        self.verdict = nn.Conv2d(inside, 1, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        """Judge images, (n, 3, size, size) in [-1, 1]; returns (n, parts), high for real."""
        return self.verdict(self.layers(images)).flatten(1).float()


class Whole(nn.Module):
    """All that turns a low-resolution face into a high-resolution one.

    Args:
        low_to_high: The network of the first step.
        generator: Of the second step; None if there is only the first.
        judge: A discriminator whose features compare faces; None to do without.
    """

    mean: Tensor
    normal: Tensor
    gap: Tensor

    def __init__(
        self,
        low_to_high: LowToHigh,
        generator: Generator | None = None,
        judge: StyleDiscriminator | None = None,
    ) -> None:
        super().__init__()
        self.low_to_high, self.generator, self.judge = low_to_high, generator, judge
        if generator is not None:
            style = generator.style_dim
            self.register_buffer("mean", torch.zeros(style))
            self.register_buffer("normal", torch.zeros(style))
            self.register_buffer("gap", torch.zeros(()))

    def forward(self, lr: Tensor) -> Tensor:
        """Do the first step: (n, 3, h, w) to (n, 3, factor * h, factor * w), in [-1, 1]."""
        return self.low_to_high(lr)
